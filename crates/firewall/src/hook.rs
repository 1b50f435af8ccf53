//! Where a chain runs: the netfilter hook and the table's priority in it.
//!
//! Source: `linux/netfilter.h` (hook numbers), `linux/netfilter_ipv4.h` (priorities),
//! `net/ipv4/netfilter/iptable_*.c` (which table has which hooks).

use crate::model::TableName;

/// The five places in the network stack at which tables are consulted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Hook {
    /// Received, not yet routed.
    PreRouting = 0,
    /// Received, for this host.
    Input = 1,
    /// Received, for another host.
    Forward = 2,
    /// Sent by this host.
    Output = 3,
    /// About to leave.
    PostRouting = 4,
}

/// A built-in chain: one table at one hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// The table.
    pub table: TableName,
    /// The hook.
    pub hook: Hook,
}

impl Hook {
    /// All hooks in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::PreRouting, Self::Input, Self::Forward, Self::Output, Self::PostRouting];

    /// The hook whose built-in chain has this name.
    pub fn from_chain(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.chain() == name)
    }

    /// Name of the built-in chain.
    pub fn chain(self) -> &'static str {
        match self {
            Self::PreRouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::PostRouting => "POSTROUTING",
        }
    }

    /// Whether the packet has a route, and with it a known kind of destination.
    pub fn is_routed(self) -> bool {
        self != Self::PreRouting
    }

    /// Whether the hook also runs in process context, where a softirq may interrupt it.
    pub fn is_interruptible(self) -> bool {
        matches!(self, Self::Output | Self::PostRouting)
    }
}

impl Point {
    /// All built-in chains that filter, in the order of [`Self::index`]. The nat table is absent:
    /// it sees only a connection's first packet.
    pub const ALL: [Self; 13] = {
        use Hook::{Forward, Input, Output, PostRouting, PreRouting};
        use TableName::{Filter, Mangle, Raw, Security};
        [
            Self { table: Raw, hook: PreRouting },
            Self { table: Raw, hook: Output },
            Self { table: Mangle, hook: PreRouting },
            Self { table: Mangle, hook: Input },
            Self { table: Mangle, hook: Forward },
            Self { table: Mangle, hook: Output },
            Self { table: Mangle, hook: PostRouting },
            Self { table: Filter, hook: Input },
            Self { table: Filter, hook: Forward },
            Self { table: Filter, hook: Output },
            Self { table: Security, hook: Input },
            Self { table: Security, hook: Forward },
            Self { table: Security, hook: Output },
        ]
    };

    /// Position in [`Self::ALL`].
    ///
    /// # Panics
    /// For a chain that does not exist, such as raw's FORWARD.
    pub fn index(self) -> usize {
        Self::ALL
            .iter()
            .position(|point| *point == self)
            .expect("a point names an existing built-in chain")
    }

    /// The priority at which iptables' own table of this name is hooked in.
    pub fn iptables_priority(self) -> i32 {
        match self.table {
            TableName::Raw => -300,
            TableName::Mangle => -150,
            TableName::Nat => -100,
            TableName::Filter => 0,
            TableName::Security => 50,
        }
    }
}
