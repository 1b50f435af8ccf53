//! Bytes of a capture, counted for error positions.

use std::io::{self, BufReader, Read};

use super::{ReadError, ReadFault};

/// A reader that knows where it is. Positions in errors are those of the block last begun.
#[derive(Debug)]
pub(super) struct Source<R> {
    inner: BufReader<R>,
    offset: u64,
    block_offset: u64,
    /// Blocks begun so far.
    blocks: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner: BufReader::new(inner), offset: 0, block_offset: 0, blocks: 0 }
    }

    /// Begins a block and reads its first `N` bytes; `None` at the end of the file.
    pub(super) fn begin<const N: usize>(
        &mut self,
        part: &'static str,
    ) -> Result<Option<[u8; N]>, ReadError> {
        self.block_offset = self.offset;
        self.blocks += 1;
        let mut bytes = [0; N];
        match self.fill(&mut bytes)? {
            0 => Ok(None),
            have if have == N => Ok(Some(bytes)),
            have => Err(self.truncated(part, N as u64, have as u64)),
        }
    }

    /// Reads the next `N` bytes of the block.
    pub(super) fn array<const N: usize>(
        &mut self,
        part: &'static str,
    ) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        let have = self.fill(&mut bytes)?;
        if have < N {
            return Err(self.truncated(part, N as u64, have as u64));
        }
        Ok(bytes)
    }

    /// Replaces `out` with the next `len` bytes of the block. Memory grows with what is there, not
    /// with what `len` claims.
    pub(super) fn bytes(
        &mut self,
        len: u32,
        part: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        out.clear();
        let read = self.inner.by_ref().take(u64::from(len)).read_to_end(out);
        let have = read.map_err(|error| self.fault(ReadFault::Io(error)))? as u64;
        self.offset += have;
        self.expect(part, u64::from(len), have)
    }

    /// Moves on by `len` bytes without keeping them.
    pub(super) fn skip(&mut self, len: u32, part: &'static str) -> Result<(), ReadError> {
        let mut rest = self.inner.by_ref().take(u64::from(len));
        let copied = io::copy(&mut rest, &mut io::sink());
        let have = copied.map_err(|error| self.fault(ReadFault::Io(error)))?;
        self.offset += have;
        self.expect(part, u64::from(len), have)
    }

    /// An error at the block last begun.
    pub(super) fn fault(&self, fault: ReadFault) -> ReadError {
        let block = self.blocks.saturating_sub(1);
        ReadError { offset: self.block_offset, block, fault }
    }

    fn expect(&self, part: &'static str, need: u64, have: u64) -> Result<(), ReadError> {
        if have < need { Err(self.truncated(part, need, have)) } else { Ok(()) }
    }

    fn truncated(&self, part: &'static str, need: u64, have: u64) -> ReadError {
        self.fault(ReadFault::Truncated { part, need, have })
    }

    /// Fills `out` as far as the file goes; returns the bytes read.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, ReadError> {
        let mut have = 0;
        while let Some(rest @ [_, ..]) = out.get_mut(have..) {
            match self.inner.read(rest) {
                Ok(0) => break,
                Ok(read) => have += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(ReadFault::Io(error))),
            }
        }
        self.offset += have as u64;
        Ok(have)
    }
}

/// The byte order of a file or section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }

    /// The 32-bit fields of a fixed header.
    pub(super) fn words<const N: usize>(self, bytes: &[[u8; 4]; N]) -> [u32; N] {
        bytes.map(|word| self.u32(word))
    }
}
