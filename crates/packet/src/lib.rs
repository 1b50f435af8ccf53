//! Headers as checked views over bytes; checksums; five-tuple; pcap and pcapng files
