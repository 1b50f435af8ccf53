//! Which table has a chain at which hook, and which devices a packet has there.

use netloom_firewall::Hook;
use netloom_firewall::model::TableName;

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

/// Whether a packet has an input device here. Forwarded packets keep theirs behind routing too,
/// but a rule in POSTROUTING itself may not name it.
pub fn has_in_device(hook: Hook) -> bool {
    matches!(hook, Hook::PreRouting | Hook::Input | Hook::Forward)
}

/// Whether a packet has an output device here.
pub fn has_out_device(hook: Hook) -> bool {
    matches!(hook, Hook::Forward | Hook::Output | Hook::PostRouting)
}
