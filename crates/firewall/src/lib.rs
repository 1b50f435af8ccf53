//! iptables text to rules to an eBPF program; pure
