//! Helper functions: number, name, prototype, and the program types that may call them.
//!
//! Sources: numbers and names from `enum bpf_func_id` in `linux/bpf.h`; prototypes and program types
//! as the verifier of Linux 6.18 has them (`struct bpf_func_proto`, `bpf_verifier_ops`). A helper that
//! takes other arguments in some program types has the row of the network types.

mod argument;
mod rows;

pub use argument::{ArgType, DynptrKind, DynptrUse, MemAccess, RetType};
pub use rows::Helper;

use crate::ProgramTypes;

/// What the verifier knows about a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// Name without the prefix `bpf_`.
    pub name: &'static str,
    /// Major and minor number of the first kernel that has it.
    pub since: (u8, u8),
    /// What `r1`, `r2`… must hold; at most 5.
    pub args: &'static [ArgType],
    /// What `r0` holds afterwards.
    pub result: RetType,
    /// Whether the program's licence must be compatible with the GPL.
    pub is_gpl_only: bool,
    /// Whether pointers into the packet are lost with the call.
    pub moves_packet: bool,
    /// The program types that may call it. In some of them it depends on the attach type, too.
    pub programs: ProgramTypes,
}

impl Helper {
    /// The helper with this number.
    pub fn new(id: u32) -> Option<Self> {
        let index = usize::try_from(id.checked_sub(1)?).ok()?;
        Self::ALL.get(index).copied()
    }

    /// The helper of this name, which may begin with `bpf_`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix("bpf_").unwrap_or(name);
        Self::ALL.into_iter().find(|helper| helper.name() == name)
    }

    /// Its number.
    pub fn id(self) -> u32 {
        self as u32
    }

    /// Its name, without the prefix `bpf_`.
    pub fn name(self) -> &'static str {
        self.prototype().name
    }

    /// What the verifier knows about it.
    pub fn prototype(self) -> &'static Prototype {
        &rows::PROTOTYPES[self as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::Helper;

    #[test]
    fn numbers_are_consecutive_and_names_unique() {
        for (index, helper) in Helper::ALL.into_iter().enumerate() {
            assert_eq!(helper as usize, index + 1);
            assert_eq!(Helper::new(helper.id()), Some(helper));
            assert_eq!(Helper::named(helper.name()), Some(helper));
        }
        assert_eq!(Helper::new(0), None);
        assert_eq!(Helper::new(u32::MAX), None);
        assert_eq!(Helper::named("bpf_tail_call"), Some(Helper::TailCall));
        assert_eq!(Helper::named("no_such_helper"), None);
    }

    #[test]
    fn a_later_number_is_not_in_an_earlier_kernel() {
        for pair in Helper::ALL.windows(2) {
            let [earlier, later] = pair else { continue };
            assert!(earlier.prototype().since <= later.prototype().since, "{later:?}");
        }
    }

    #[test]
    fn a_size_follows_the_memory_it_measures() {
        use super::{ArgType, DynptrUse};
        for helper in Helper::ALL {
            let args = helper.prototype().args;
            assert!(args.len() <= 5, "{helper:?}");
            for pair in args.windows(2) {
                let sized = matches!(pair[0], ArgType::Memory { .. });
                let size = matches!(pair[1], ArgType::Size { .. });
                // The two SRv6 helpers and the LWT one say the size in the argument before.
                let unmeasured = !size && sized;
                assert!(!unmeasured || helper.name().starts_with("lwt_"), "{helper:?}");
                assert!(!size || sized, "{helper:?}: a size without memory");
            }
            let borrows = args.iter().filter(|arg| **arg == ArgType::Dynptr(DynptrUse::Borrow));
            assert!(borrows.count() <= 1, "{helper:?}");
        }
    }
}
