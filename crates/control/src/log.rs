//! The records of LOG and NFLOG, as they come.

use std::time::Duration;

use netloom_firewall::LOG_MAP;
use netloom_sys::FileLock;
use netloom_sys::ring::RingReader;

use crate::error::ControlError;
use crate::firewall::Firewall;

/// The ring of records, open for reading. There is one reader at a time.
#[derive(Debug)]
pub struct Log {
    ring: RingReader,
    _lock: FileLock,
}

impl Firewall {
    /// Opens the ring; it goes on where its last reader stopped.
    ///
    /// # Errors
    /// [`ControlError::NothingApplied`]; [`ControlError::LogBusy`] while somebody else reads.
    pub fn log(&self) -> Result<Log, ControlError> {
        let _commands = self.lock_existing()?;
        // The firewall's directory is free for this: commands lock its parent.
        let lock =
            FileLock::try_take(self.store.directory()).map_err(|_busy| ControlError::LogBusy)?;
        let map = self.store.map(LOG_MAP)?;
        let ring = RingReader::open(&map).map_err(ControlError::Ring)?;
        Ok(Log { ring, _lock: lock })
    }
}

impl Log {
    /// Waits for records, at most for `timeout`, and hands them to `each`.
    ///
    /// # Errors
    /// When the ring can not be read any more.
    pub fn read(
        &mut self,
        timeout: Option<Duration>,
        each: impl FnMut(&[u8]),
    ) -> Result<usize, ControlError> {
        self.ring.wait(timeout).map_err(ControlError::Ring)?;
        self.ring.drain(each).map_err(ControlError::Ring)
    }
}
