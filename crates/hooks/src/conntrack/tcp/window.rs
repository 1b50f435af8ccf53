//! Whether a segment lies in the window that its connection's earlier segments opened.
//!
//! Four bounds hold for the segment (Rooij, "Real Stateful TCP Packet Filtering in IP Filter"):
//! it begins at or before the highest byte its receiver allowed; it ends no more than a window
//! before the highest byte its sender sent; and what it acknowledges was sent, and not long ago.
//! Order of the checks and all updates: `nf_conntrack_proto_tcp.c: tcp_in_window` (Linux 6.18).

use netloom_packet::wire::TcpFlags;

use super::segment::{Segment, before};
use super::table::{Kind, State};
use super::{Peer, Tcp};
use crate::conntrack::Direction;

/// Least distance by which an acknowledgement may lag behind (`MAXACKWINCONST`).
const ACK_LAG_LEAST: u32 = 66_000;

/// What the window says of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It lies inside.
    Inside,
    /// It lies outside, but belongs to the connection.
    Stray,
    /// It lies outside.
    Outside,
}

/// Numbers of a segment, as far as they can be believed.
struct Claim {
    seq: u32,
    end: u32,
    ack: u32,
    /// Highest byte acknowledged, selectively or not.
    sack: u32,
    /// Unscaled.
    window: u32,
}

impl Tcp {
    /// Judges the segment, and learns from it if it lies inside.
    pub(super) fn in_window(&mut self, segment: &Segment<'_>, direction: Direction) -> Fit {
        let state = self.state;
        let [original, reply] = &mut self.peers;
        let (sender, receiver) = match direction {
            Direction::Original => (original, reply),
            Direction::Reply => (reply, original),
        };
        let mut claim = Claim::of(segment, receiver);
        if sender.window_max == 0 {
            if segment.has(TcpFlags::SYN) {
                sender.begin(receiver, segment, direction);
                if !segment.has(TcpFlags::ACK) {
                    return Fit::Inside;
                }
            } else {
                sender.join(receiver, &claim);
            }
        } else if segment.has(TcpFlags::SYN)
            && before(sender.end, claim.end)
            && matches!(state, State::SynSent | State::SynRecv)
        {
            // A SYN again, with new numbers and options.
            sender.begin(receiver, segment, direction);
            if direction == Direction::Reply && !segment.has(TcpFlags::ACK) {
                return Fit::Inside;
            }
        }
        claim.repair(segment, state, sender, receiver);
        let fit = claim.judge(sender, receiver);
        if fit != Fit::Inside {
            return if sender.is_liberal { Fit::Inside } else { fit };
        }
        claim.learn(segment, sender, receiver);
        if segment.kind == Kind::Ack {
            self.count_repetition(segment, direction);
        }
        Fit::Inside
    }

    fn count_repetition(&mut self, segment: &Segment<'_>, direction: Direction) {
        let last = &mut self.last;
        if segment.repeats(last, direction) {
            self.retransmissions = self.retransmissions.saturating_add(1);
            return;
        }
        self.retransmissions = 0;
        last.direction = direction;
        (last.seq, last.ack, last.end) = (segment.seq, segment.ack, segment.end);
        last.window = segment.window;
    }
}

impl Peer {
    /// Takes the numbers and the offer of this side's SYN.
    fn begin(&mut self, other: &mut Self, segment: &Segment<'_>, direction: Direction) {
        self.end = segment.end;
        self.end_max = segment.end;
        self.window_max = u32::from(segment.window).max(1);
        self.take_offer(segment);
        // Windows are scaled only if both sides offered it.
        if direction == Direction::Reply && !(self.offers_scale && other.offers_scale) {
            self.scale = 0;
            other.scale = 0;
        }
    }

    /// Starts in the middle of a connection, from the segment's own numbers.
    fn join(&mut self, other: &mut Self, claim: &Claim) {
        self.end = claim.end;
        self.window_max = (claim.window << self.scale).max(1);
        self.end_max = claim.end.wrapping_add(self.window_max);
        if other.window_max == 0 {
            other.end = claim.sack;
            other.end_max = claim.sack;
        } else if claim.sack == other.end.wrapping_add(1) {
            // The answer to a keep-alive probe of one byte.
            other.end = claim.sack;
        }
    }

    /// Least acknowledgement this side may still send for what the other side sent up to `end`.
    fn ack_least(&self, end: u32) -> u32 {
        end.wrapping_sub(self.window_max.max(ACK_LAG_LEAST))
    }
}

impl Claim {
    fn of(segment: &Segment<'_>, receiver: &Peer) -> Self {
        let sack = if receiver.permits_sack { segment.selective_ack() } else { segment.ack };
        let window = segment.window.into();
        Self { seq: segment.seq, end: segment.end, ack: segment.ack, sack, window }
    }

    /// Replaces numbers that some segments do not fill in.
    fn repair(&mut self, segment: &Segment<'_>, state: State, sender: &Peer, receiver: &Peer) {
        let is_reset = segment.has(TcpFlags::RST);
        if !segment.has(TcpFlags::ACK) || is_reset && self.ack == 0 {
            self.ack = receiver.end;
            self.sack = receiver.end;
        }
        if is_reset && self.seq == 0 && state == State::SynSent {
            self.seq = sender.end;
            self.end = sender.end;
        }
    }

    fn judge(&self, sender: &mut Peer, receiver: &Peer) -> Fit {
        let least_end = sender.end.wrapping_sub(receiver.window_max);
        let is_fresh = !before(self.end, least_end);
        let is_ack_sent = !before(receiver.end, self.sack);
        let is_ack_recent = !before(self.sack, sender.ack_least(receiver.end));
        if before(sender.end_max, self.seq) {
            let excess = self.end.wrapping_sub(sender.end_max).wrapping_add(1);
            let is_slip = receiver.window_max != 0 && excess <= receiver.window_max;
            if is_slip && is_fresh && is_ack_sent && is_ack_recent {
                // More than the window allowed: the receiver may acknowledge it nevertheless.
                sender.end = self.end;
                sender.has_unacknowledged = true;
                return Fit::Stray;
            }
            return Fit::Outside;
        }
        match () {
            () if !is_ack_sent => Fit::Outside,
            () if receiver.window_max != 0 && !is_fresh => Fit::Stray,
            () if !is_ack_recent => Fit::Stray,
            () => Fit::Inside,
        }
    }

    fn learn(&self, segment: &Segment<'_>, sender: &mut Peer, receiver: &mut Peer) {
        let scale = if segment.has(TcpFlags::SYN) { 0 } else { sender.scale };
        let window = self.window << scale;
        let reach = window.wrapping_add(self.sack.wrapping_sub(self.ack));
        sender.window_max = sender.window_max.max(reach);
        if before(sender.end, self.end) {
            sender.end = self.end;
            sender.has_unacknowledged = true;
        }
        if segment.has(TcpFlags::ACK) {
            let known = sender.ack_max.filter(|&known| !before(known, self.ack));
            sender.ack_max = Some(known.unwrap_or(self.ack));
        }
        if receiver.window_max != 0 && before(sender.end_max, self.end) {
            let grown = self.end.wrapping_sub(sender.end_max);
            receiver.window_max = receiver.window_max.wrapping_add(grown);
        }
        let allowed = self.sack.wrapping_add(window);
        if !before(allowed, receiver.end_max) {
            receiver.end_max = if window == 0 { allowed.wrapping_add(1) } else { allowed };
        }
        if self.ack == receiver.end {
            receiver.has_unacknowledged = false;
        }
    }
}
