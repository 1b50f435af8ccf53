//! The five hooks of a network namespace, and which table has a chain at which hook.

use netloom_firewall::model::TableName;

/// Where in its path a packet meets the tables (`enum nf_inet_hooks` in `linux/netfilter.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Arrived from a device, not yet routed.
    PreRouting,
    /// Routed to this host.
    Input,
    /// Routed to another host.
    Forward,
    /// Made by this host.
    Output,
    /// About to leave through a device.
    PostRouting,
}

impl Hook {
    /// All hooks in the kernel's numbering.
    pub const ALL: [Self; 5] =
        [Self::PreRouting, Self::Input, Self::Forward, Self::Output, Self::PostRouting];

    /// The name of the built-in chain that tables have at this hook.
    pub fn chain_name(self) -> &'static str {
        match self {
            Self::PreRouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::PostRouting => "POSTROUTING",
        }
    }

    /// Whether a packet has an input device here. Forwarded packets keep theirs behind routing
    /// too, but a rule in POSTROUTING itself may not name it.
    pub fn has_in_device(self) -> bool {
        matches!(self, Self::PreRouting | Self::Input | Self::Forward)
    }

    /// Whether a packet has an output device here.
    pub fn has_out_device(self) -> bool {
        matches!(self, Self::Forward | Self::Output | Self::PostRouting)
    }
}

/// The hooks at which the kernel's `table` has a built-in chain, in the kernel's order, which is
/// also the order of chains in a saved file (`iptable_raw.c`, `iptable_mangle.c`, `iptable_nat.c`,
/// `iptable_filter.c`, `iptable_security.c`).
pub fn table_hooks(table: TableName) -> &'static [Hook] {
    match table {
        TableName::Raw => &[Hook::PreRouting, Hook::Output],
        TableName::Mangle => &Hook::ALL,
        TableName::Nat => &[Hook::PreRouting, Hook::Input, Hook::Output, Hook::PostRouting],
        TableName::Filter | TableName::Security => &[Hook::Input, Hook::Forward, Hook::Output],
    }
}
