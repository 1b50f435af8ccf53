//! Capture files: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), read as a
//! stream and written.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use netloom_packet::capture::{PcapngWriter, Reader};
//!
//! let mut reader = Reader::new(std::fs::File::open("in.pcap")?)?;
//! let mut writer = PcapngWriter::new(std::fs::File::create("out.pcapng")?)?;
//! let mut interfaces = 0;
//! while let Some(mut record) = reader.next().transpose()? {
//!     for interface in &reader.interfaces()[interfaces..] {
//!         writer.add_interface(interface)?;
//!         interfaces += 1;
//!     }
//!     record.comments.push("accepted by rule 3".into());
//!     writer.write(&record)?;
//! }
//! writer.finish()?;
//! # Ok(())
//! # }
//! ```
//!
//! Invariant: whatever a file claims, reading it ends, since every block takes at least 12 bytes of
//! it and every record 16, and never holds more memory than a small multiple of the bytes read or
//! of [`BLOCK_BYTES_MAX`]. An error names the byte and the block where the file went wrong, and is
//! the last item of the stream.
//!
//! Reading order: `record` holds what is read and written, `limits` the bounds, `reader` finds the
//! format out and `source` counts bytes for `pcap` and `pcapng`, which read one format each;
//! `writer` writes both.

mod fault;
mod limits;
mod option;
mod pcap;
mod pcapng;
mod reader;
mod record;
mod source;
mod writer;

pub use fault::{ReadError, ReadFault, WriteError};
pub use limits::{BLOCK_BYTES_MAX, INTERFACES_MAX, RECORD_BYTES_MAX};
pub use reader::Reader;
pub use record::{Interface, Record};
pub use writer::{PcapWriter, PcapngWriter};

#[cfg(test)]
mod tests;
