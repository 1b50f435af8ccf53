//! What is known of a connection as a whole (`enum ip_conntrack_status`).

/// A set of status bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status(u64);

impl Status {
    /// Packets were seen in both directions.
    pub(super) const SEEN_REPLY: Self = Self(1 << 1);
    /// The connection proved to be one.
    pub(super) const ASSURED: Self = Self(1 << 2);
    /// Its first packet was let through.
    pub(super) const CONFIRMED: Self = Self(1 << 3);

    pub(super) fn has(self, bit: Self) -> bool {
        self.0 & bit.0 != 0
    }

    pub(super) fn set(&mut self, bit: Self) {
        self.0 |= bit.0;
    }

    /// The bits as `nf_conn.status` holds them.
    pub(super) fn bits(self) -> u64 {
        self.0
    }
}
