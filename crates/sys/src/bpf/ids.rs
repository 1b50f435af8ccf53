//! The ids of everything loaded on this machine, in all namespaces. Needs `CAP_SYS_ADMIN`.

use rustix::io::Errno;

use super::call::{self, IdSpace};
use super::error::BpfError;

/// The ids of all programs, rising.
pub fn program_ids() -> impl Iterator<Item = Result<u32, BpfError>> {
    ids(IdSpace::Program)
}

/// The ids of all maps, rising.
pub fn map_ids() -> impl Iterator<Item = Result<u32, BpfError>> {
    ids(IdSpace::Map)
}

/// The ids of all links, rising.
pub fn link_ids() -> impl Iterator<Item = Result<u32, BpfError>> {
    ids(IdSpace::Link)
}

/// Ends after an error, which would repeat for ever.
fn ids(space: IdSpace) -> impl Iterator<Item = Result<u32, BpfError>> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let after = at.take()?;
        match call::next_id(space, after) {
            Ok(id) => {
                at = Some(id);
                Some(Ok(id))
            }
            Err(Errno::NOENT) => None,
            Err(errno) => {
                let object = after.to_string();
                Some(Err(BpfError::Kernel { operation: space.next(), object, errno }))
            }
        }
    })
}
