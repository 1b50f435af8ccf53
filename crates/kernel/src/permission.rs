//! Naming the privilege that a refused operation lacks.

use std::fmt;

use netloom_sys::bpf::{BpfError, Operation};
use netloom_sys::{Capabilities, Capability, Errno};

/// An operation the kernel denied for want of privilege.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What was asked.
    pub operation: Operation,
    /// What it was asked about.
    pub object: String,
    /// The capabilities the operation needs and the process lacks. Empty when it lacks none:
    /// something else forbids it, such as kernel lockdown or a container's filter.
    pub missing: Vec<Capability>,
}

impl Denied {
    /// The denial in this error, if it is one.
    pub fn from_error(error: &BpfError) -> Option<Self> {
        let BpfError::Kernel { operation, object, errno: Errno::PERM } = error else {
            return None;
        };
        let wanted = wanted(*operation);
        let missing = match Capabilities::effective() {
            Some(held) => held.missing(wanted),
            None => wanted.to_vec(),
        };
        Some(Self { operation: *operation, object: object.clone(), missing })
    }
}

/// What an operation on network programs needs (`capabilities(7)`).
fn wanted(operation: Operation) -> &'static [Capability] {
    match operation {
        Operation::ProgLoad | Operation::LinkCreate => {
            &[Capability::Bpf, Capability::NetAdmin, Capability::Perfmon]
        }
        Operation::LinkUpdate | Operation::LinkDetach => &[Capability::NetAdmin],
        Operation::ProgNextId
        | Operation::MapNextId
        | Operation::LinkNextId
        | Operation::ProgById
        | Operation::MapById
        | Operation::LinkById => &[Capability::SysAdmin],
        Operation::MapCreate
        | Operation::MapLookup
        | Operation::MapUpdate
        | Operation::MapDelete
        | Operation::MapNextKey
        | Operation::MapFreeze
        | Operation::MapTake
        | Operation::MapLookupBatch
        | Operation::MapTakeBatch
        | Operation::MapUpdateBatch
        | Operation::MapDeleteBatch
        | Operation::ObjPin
        | Operation::ObjGet
        | Operation::ProgTestRun
        | Operation::Info
        | Operation::BtfLoad => &[Capability::Bpf],
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not permitted to {} {}", self.operation, self.object)?;
        match self.missing.as_slice() {
            [] => write!(f, ": no capability is missing, something else forbids it"),
            missing => {
                let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
                write!(f, ": needs {}", names.join(", "))
            }
        }
    }
}

impl std::error::Error for Denied {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_eperm_is_a_denial() {
        let error = |errno| BpfError::Kernel {
            operation: Operation::ProgLoad,
            object: "x".to_owned(),
            errno,
        };
        assert_eq!(Denied::from_error(&error(Errno::INVAL)), None);
        assert!(Denied::from_error(&error(Errno::PERM)).is_some());
    }

    #[test]
    fn the_message_names_what_is_missing() {
        let denied = Denied {
            operation: Operation::ProgLoad,
            object: "fw_in".to_owned(),
            missing: vec![Capability::Bpf, Capability::NetAdmin],
        };
        let text = "not permitted to load program fw_in: needs CAP_BPF, CAP_NET_ADMIN";
        assert_eq!(denied.to_string(), text);
    }
}
