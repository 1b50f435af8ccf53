//! Protocols whose flows have no states of their own: UDP, UDP-Lite, GRE and all unknown ones.
//!
//! Source: `nf_conntrack_proto_udp.c`, `nf_conntrack_proto_gre.c`,
//! `nf_conntrack_proto_generic.c` (Linux 6.18).

use netloom_packet::wire::{Udp, protocol};

use super::Verdict;
use super::status::Status;
use super::timeout::{GENERIC, GRE, GRE_STREAM, UDP, UDP_STREAM, UDP_STREAM_AGE};
use super::upper::{UpperBytes, udplite_coverage};

/// A flow of datagrams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// When an answered UDP flow begins to count as a stream.
    stream_from_ns: u64,
}

impl Flow {
    /// A flow that begins now.
    pub(super) fn begin(now_ns: u64) -> Self {
        Self { stream_from_ns: now_ns.saturating_add(UDP_STREAM_AGE) }
    }

    /// What a packet means for the flow.
    pub(super) fn advance(
        self,
        upper: &UpperBytes<'_>,
        status: &mut Status,
        now_ns: u64,
    ) -> Verdict {
        let is_answered = status.has(Status::SEEN_REPLY);
        let (is_sound, is_stream, timeouts) = match upper.protocol {
            protocol::UDP => {
                let is_stream = is_answered && now_ns > self.stream_from_ns;
                (is_sound_udp(upper), is_stream, (UDP, UDP_STREAM))
            }
            protocol::UDPLITE => (is_sound_udplite(upper), is_answered, (UDP, UDP_STREAM)),
            protocol::GRE => (true, is_answered, (GRE, GRE_STREAM)),
            _ => (true, false, (GENERIC, GENERIC)),
        };
        if !is_sound {
            return Verdict::Invalid;
        }
        if is_stream {
            status.set(Status::ASSURED);
            return Verdict::Refreshed(timeouts.1);
        }
        Verdict::Refreshed(timeouts.0)
    }
}

fn is_sound_udp(upper: &UpperBytes<'_>) -> bool {
    let Ok(udp) = Udp::new_checked(upper.bytes) else { return false };
    let length = usize::from(udp.length());
    length >= Udp::HEADER_BYTES && (upper.is_fragment || length <= upper.length)
}

fn is_sound_udplite(upper: &UpperBytes<'_>) -> bool {
    let Some(coverage) = udplite_coverage(upper.bytes) else { return false };
    let coverage = usize::from(coverage);
    let is_covered = coverage == 0
        || coverage >= Udp::HEADER_BYTES && (upper.is_fragment || coverage <= upper.length);
    // The checksum of UDP-Lite is not optional.
    let has_checksum = Udp::new_checked(upper.bytes).is_ok_and(|udp| udp.checksum() != 0);
    is_covered && has_checksum
}
