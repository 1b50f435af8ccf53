//! What became of all packets together.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::judge::{PacketRow, VerdictName};

/// How many packets met which fate.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    /// Packets in the capture.
    #[serde(rename = "total")]
    pub(super) packets: u64,
    accepted: u64,
    dropped: u64,
    rejected: u64,
    not_judged: u64,
    /// Packets not judged, by reason.
    not_judged_because: BTreeMap<String, u64>,
    /// Judged packets that the capture has not whole.
    cut: u64,
}

impl Tally {
    /// Counts a packet.
    pub(super) fn add(&mut self, row: &PacketRow) {
        self.packets += 1;
        self.cut += u64::from(row.cut);
        match row.verdict {
            Some(VerdictName::Accept) => self.accepted += 1,
            Some(VerdictName::Drop) => self.dropped += 1,
            Some(VerdictName::Reject) => self.rejected += 1,
            None => {
                self.not_judged += 1;
                let reason = row.not_judged_because.clone().unwrap_or_default();
                *self.not_judged_because.entry(reason).or_default() += 1;
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.packets == 1 { "" } else { "s" };
        write!(f, "{} packet{plural}", self.packets)?;
        let mut separator = ": ";
        for (count, fate) in
            [(self.accepted, "accepted"), (self.dropped, "dropped"), (self.rejected, "rejected")]
        {
            if count > 0 || (fate != "rejected" && self.packets > 0) {
                write!(f, "{separator}{count} {fate}")?;
                separator = ", ";
            }
        }
        if self.not_judged > 0 {
            let reasons: Vec<String> = self
                .not_judged_because
                .iter()
                .map(|(reason, count)| format!("{count} {reason}"))
                .collect();
            write!(f, "{separator}{} not judged ({})", self.not_judged, reasons.join(", "))?;
        }
        if self.cut > 0 {
            write!(f, "\n{} cut short by the capture: what is missing counts as zeros", self.cut)?;
        }
        Ok(())
    }
}
