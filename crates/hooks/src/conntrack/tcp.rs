//! The life of a TCP connection, as its segments tell it.
//!
//! Order of all decisions: `nf_conntrack_proto_tcp.c: nf_conntrack_tcp_packet` (Linux 6.18), with
//! its default settings: connections are picked up in the middle (`tcp_loose`), windows are
//! enforced (`tcp_be_liberal` off) and so are the sequence numbers of resets
//! (`tcp_ignore_invalid_rst` off).
//!
//! Reading order: [`Tcp::begin`], [`Tcp::advance`], then `table` (states), `segment` (what is read
//! of a packet) and `window` (which segments belong).

mod segment;
mod table;
mod window;

use self::segment::{Offer, Segment, before};
use self::table::{Kind, State, Step, step};
use self::window::Fit;
use super::status::Status;
use super::timeout::{TCP_BY_STATE, TCP_RETRANSMITTED, TCP_UNACKNOWLEDGED};
use super::upper::UpperBytes;
use super::{Direction, Verdict};

/// Equal acknowledgements after which a connection lives shorter (`tcp_max_retrans`).
const RETRANSMISSIONS_MAX: u8 = 3;

/// A TCP connection.
#[derive(Clone, Debug)]
pub(super) struct Tcp {
    state: State,
    /// By direction.
    peers: [Peer; 2],
    last: Last,
    /// How often the last acknowledgement came again.
    retransmissions: u8,
    /// A SYN was answered by a SYN.
    is_simultaneous: bool,
}

/// One end of a connection. Numbers are sequence numbers of its own stream, but `ack_max`.
#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    /// Behind the highest byte it sent.
    end: u32,
    /// Behind the highest byte it may send.
    end_max: u32,
    /// Widest window it opened; 0 before its first segment.
    window_max: u32,
    /// Highest acknowledgement it sent.
    ack_max: Option<u32>,
    /// Shift of its window.
    scale: u8,
    offers_scale: bool,
    permits_sack: bool,
    /// It sent the first FIN.
    closes: bool,
    /// Its window is not known, because the connection was picked up.
    is_liberal: bool,
    has_unacknowledged: bool,
}

/// The last segment of note. Not all fields are renewed together.
#[derive(Clone, Copy, Debug)]
struct Last {
    kind: Kind,
    direction: Direction,
    seq: u32,
    ack: u32,
    end: u32,
    window: u16,
    /// What an ignored SYN offered.
    offer: Offer,
    /// The answer to an ignored SYN is expected to be an acknowledgement (RFC 5961 §4).
    expects_challenge: bool,
}

/// A way from one state to another.
#[derive(Clone, Copy, Debug)]
struct Way {
    from: State,
    to: State,
    /// Whether the segment must lie in its window.
    is_windowed: bool,
}

impl Tcp {
    /// The connection that a packet begins; `None` where no connection begins with it.
    pub(super) fn begin(upper: &UpperBytes<'_>) -> Option<Self> {
        let segment = Segment::new(upper)?;
        let mut first = Peer {
            end: segment.end,
            end_max: segment.end,
            window_max: u32::from(segment.window).max(1),
            ..Peer::default()
        };
        let mut second = Peer::default();
        match step(Direction::Original, segment.kind, State::None) {
            Step::To(State::SynSent) => first.take_offer(&segment),
            Step::To(_) => {
                // Picked up in the middle: nothing is known of scale and options.
                first.end_max = segment.end.wrapping_add(first.window_max);
                for peer in [&mut first, &mut second] {
                    peer.permits_sack = true;
                    peer.is_liberal = true;
                }
            }
            Step::Ignore | Step::Invalid => return None,
        }
        Some(Self {
            state: State::None,
            peers: [first, second],
            last: Last::default(),
            retransmissions: 0,
            is_simultaneous: false,
        })
    }

    /// What a packet means for the connection, which has `left_ns` to live.
    pub(super) fn advance(
        &mut self,
        upper: &UpperBytes<'_>,
        direction: Direction,
        status: &mut Status,
        left_ns: u64,
    ) -> Verdict {
        let Some(segment) = Segment::new(upper) else { return Verdict::Invalid };
        let way = match self.way(&segment, direction, *status) {
            Ok(way) => way,
            Err(verdict) => return verdict,
        };
        if way.is_windowed {
            match self.in_window(&segment, direction) {
                Fit::Inside => {}
                Fit::Stray => return Verdict::Unchanged,
                Fit::Outside => return self.outside(&segment, direction, *status, left_ns),
            }
        }
        self.go(way, &segment, direction, status)
    }

    /// The way that a segment leads, or what it means if it leads nowhere.
    fn way(
        &mut self,
        segment: &Segment<'_>,
        direction: Direction,
        status: Status,
    ) -> Result<Way, Verdict> {
        let from = self.state;
        let windowed = |to| Ok(Way { from, to, is_windowed: true });
        match step(direction, segment.kind, from) {
            Step::Invalid => Err(Verdict::Invalid),
            Step::To(State::SynSent) if from >= State::TimeWait && self.may_reopen(direction) => {
                Err(Verdict::Reopen)
            }
            Step::To(State::SynSent) if from >= State::TimeWait => self.ignore(segment, direction),
            Step::Ignore => self.ignore(segment, direction),
            Step::To(State::TimeWait) if self.is_challenge(segment, direction) => {
                self.last.expects_challenge = false;
                Err(Verdict::Unchanged)
            }
            Step::To(State::SynSent2) => {
                self.is_simultaneous = true;
                windowed(State::SynSent2)
            }
            Step::To(State::SynRecv)
                if self.is_simultaneous
                    && (direction, segment.kind) == (Direction::Reply, Kind::Ack) =>
            {
                windowed(State::Established)
            }
            Step::To(State::Close) if segment.kind == Kind::Rst => {
                self.reset(segment, direction, status)
            }
            Step::To(to) => windowed(to),
        }
    }

    /// Whether a SYN in this direction may begin a closed connection anew.
    fn may_reopen(&self, direction: Direction) -> bool {
        let was_reset = self.last.kind == Kind::Rst && self.last.direction == direction;
        was_reset || self.peers.iter().any(|peer| peer.closes)
    }

    /// Whether the acknowledgement answers a stray SYN instead of the last FIN.
    fn is_challenge(&self, segment: &Segment<'_>, direction: Direction) -> bool {
        self.state == State::LastAck
            && segment.kind == Kind::Ack
            && self.last.kind == Kind::Syn
            && self.last.direction != direction
            && self.last.expects_challenge
    }

    /// Remembers a segment that means nothing by itself; or, where it answers such a one, begins
    /// anew from the two.
    fn ignore(&mut self, segment: &Segment<'_>, direction: Direction) -> Result<Way, Verdict> {
        let last = &mut self.last;
        let answers_syn = last.kind == Kind::Syn && last.direction != direction;
        if segment.kind == Kind::SynAck && answers_syn && segment.ack == last.end {
            last.expects_challenge = false;
            self.peers[last.direction as usize] = Peer {
                end: last.end,
                end_max: last.end,
                window_max: u32::from(last.window).max(1),
                scale: last.offer.scale.unwrap_or(0),
                offers_scale: last.offer.scale.is_some(),
                permits_sack: last.offer.sack,
                ..Peer::default()
            };
            let answering = &mut self.peers[direction as usize];
            *answering = Peer { is_liberal: answering.is_liberal, ..Peer::default() };
            return Ok(Way { from: State::SynSent, to: State::SynRecv, is_windowed: true });
        }
        last.note(segment, direction);
        (last.seq, last.end, last.window) = (segment.seq, segment.end, segment.window);
        if (segment.kind, direction) == (Kind::Syn, Direction::Original) {
            last.offer = segment.offer().unwrap_or_default();
            last.expects_challenge = self.state == State::LastAck;
            self.is_simultaneous = false;
        }
        let is_half_open = self.state == State::SynSent;
        if is_half_open && (segment.kind, direction) == (Kind::Ack, Direction::Reply) {
            last.ack = segment.ack;
        }
        Err(Verdict::Unchanged)
    }

    /// What a reset does: it must prove that its sender knows the connection.
    fn reset(
        &self,
        segment: &Segment<'_>,
        direction: Direction,
        status: Status,
    ) -> Result<Way, Verdict> {
        let (from, last) = (self.state, &self.last);
        let trusted = |to| Ok(Way { from, to, is_windowed: false });
        let windowed = |to| Ok(Way { from, to, is_windowed: true });
        if from.is_closing() {
            return trusted(State::Close);
        }
        let mut to = State::Close;
        let acknowledged = self.peers[direction.opposite() as usize].ack_max;
        if let (Some(acknowledged), true) = (acknowledged, last.kind != Kind::Syn) {
            let is_established = from == State::Established && status.has(Status::ASSURED);
            if segment.seq == 0 && !is_established {
                return windowed(State::Close);
            }
            if before(segment.seq, acknowledged) {
                return Err(Verdict::Invalid);
            }
            let follows =
                (last.kind, last.direction) == (Kind::Ack, direction) && segment.seq == last.end;
            if !is_established || segment.seq == acknowledged || follows {
                return windowed(State::Close);
            }
            // Not exactly the next byte: the other side may challenge it.
            to = from;
        }
        let answers_ignored = match last.kind {
            Kind::Syn => last.direction != direction && status.has(Status::SEEN_REPLY),
            Kind::Ack => !status.has(Status::ASSURED),
            Kind::SynAck | Kind::Fin | Kind::Rst | Kind::None => false,
        };
        let answers_half_open = from == State::SynSent
            && (last.kind, last.direction) == (Kind::Ack, Direction::Reply)
            && segment.seq == last.ack;
        if answers_ignored && segment.ack == last.end || answers_half_open {
            return trusted(to);
        }
        windowed(to)
    }

    /// A segment outside its window: where both sides sent a stray FIN or RST, the connection is
    /// dead, but the table can not see it.
    fn outside(
        &mut self,
        segment: &Segment<'_>,
        direction: Direction,
        status: Status,
        left_ns: u64,
    ) -> Verdict {
        let ends = |kind| matches!(kind, Kind::Fin | Kind::Rst);
        if !status.has(Status::ASSURED) || !ends(segment.kind) {
            return Verdict::Invalid;
        }
        if self.last.direction == direction || !ends(self.last.kind) {
            self.last.note(segment, direction);
            return Verdict::Invalid;
        }
        if left_ns > TCP_UNACKNOWLEDGED {
            return Verdict::InvalidShortened(TCP_UNACKNOWLEDGED);
        }
        Verdict::Invalid
    }

    /// Enters the new state.
    fn go(
        &mut self,
        way: Way,
        segment: &Segment<'_>,
        direction: Direction,
        status: &mut Status,
    ) -> Verdict {
        self.last.note(segment, direction);
        self.state = way.to;
        if way.from != way.to && way.to == State::FinWait {
            self.peers[direction as usize].closes = true;
        }
        let mut timeout_ns = self.timeout_ns(segment.kind);
        if !status.has(Status::SEEN_REPLY) {
            if segment.kind == Kind::Rst {
                return Verdict::Killed;
            }
            if segment.kind == Kind::Syn && way.from == State::SynSent {
                return Verdict::Unchanged;
            }
            if way.to == State::Established {
                timeout_ns = timeout_ns.min(TCP_UNACKNOWLEDGED);
            }
        } else if matches!(way.from, State::SynRecv | State::Established)
            && way.to == State::Established
        {
            status.set(Status::ASSURED);
        }
        Verdict::Refreshed(timeout_ns)
    }

    fn timeout_ns(&self, kind: Kind) -> u64 {
        let usual = TCP_BY_STATE[self.state as usize];
        let has_unacknowledged = self.peers.iter().any(|peer| peer.has_unacknowledged);
        match () {
            () if self.retransmissions >= RETRANSMISSIONS_MAX && usual > TCP_RETRANSMITTED => {
                TCP_RETRANSMITTED
            }
            () if kind == Kind::Rst => TCP_BY_STATE[State::Close as usize],
            () if has_unacknowledged => usual.min(TCP_UNACKNOWLEDGED),
            () if self.last.window == 0 => usual.min(TCP_RETRANSMITTED),
            () => usual,
        }
    }
}

impl State {
    /// Whether the connection is on its way out (`tcp_can_early_drop`).
    fn is_closing(self) -> bool {
        match self {
            Self::FinWait | Self::CloseWait | Self::LastAck | Self::TimeWait | Self::Close => true,
            Self::None | Self::SynSent | Self::SynRecv | Self::Established | Self::SynSent2 => {
                false
            }
        }
    }
}

impl Peer {
    /// Takes over what a SYN offers; one without options leaves all as it was.
    fn take_offer(&mut self, segment: &Segment<'_>) {
        let Some(offer) = segment.offer() else { return };
        *self = Self {
            end: self.end,
            end_max: self.end_max,
            window_max: self.window_max,
            scale: offer.scale.unwrap_or(0),
            offers_scale: offer.scale.is_some(),
            permits_sack: offer.sack,
            is_liberal: self.is_liberal,
            ..Self::default()
        };
    }
}

impl Last {
    fn note(&mut self, segment: &Segment<'_>, direction: Direction) {
        (self.kind, self.direction) = (segment.kind, direction);
    }
}

impl Default for Last {
    fn default() -> Self {
        Self {
            kind: Kind::None,
            direction: Direction::Original,
            seq: 0,
            ack: 0,
            end: 0,
            window: 0,
            offer: Offer::default(),
            expects_challenge: false,
        }
    }
}

impl Segment<'_> {
    /// Whether the acknowledgement is the last one again.
    fn repeats(&self, last: &Last, direction: Direction) -> bool {
        let mine = (self.seq, self.ack, self.end, self.window, direction);
        mine == (last.seq, last.ack, last.end, last.window, last.direction)
    }
}
