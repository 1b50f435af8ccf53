//! The life of an SCTP association, as its chunks tell it.
//!
//! Source of states, table and order of checks: `nf_conntrack_proto_sctp.c` (Linux 6.18), which
//! follows RFC 9260 §8.4 and §8.5 (verification tags).

use super::status::Status;
use super::timeout::SCTP_BY_STATE;
use super::upper::UpperBytes;
use super::{Direction, Verdict};

/// Bytes of the common header, and of a chunk's.
const COMMON_BYTES: usize = 12;
const CHUNK_BYTES: usize = 4;
/// Bytes of the fixed part of INIT and INIT ACK behind the chunk's header.
const INIT_BYTES: usize = 16;
/// Set where the tag is the peer's own, in ABORT and SHUTDOWN COMPLETE.
const FLAG_T: u8 = 1;

/// Chunk types that mean something here (RFC 9260 §3.2).
mod chunk {
    pub(super) const DATA: u8 = 0;
    pub(super) const INIT: u8 = 1;
    pub(super) const INIT_ACK: u8 = 2;
    pub(super) const HEARTBEAT: u8 = 4;
    pub(super) const HEARTBEAT_ACK: u8 = 5;
    pub(super) const ABORT: u8 = 6;
    pub(super) const SHUTDOWN: u8 = 7;
    pub(super) const SHUTDOWN_ACK: u8 = 8;
    pub(super) const ERROR: u8 = 9;
    pub(super) const COOKIE_ECHO: u8 = 10;
    pub(super) const COOKIE_ACK: u8 = 11;
    pub(super) const SHUTDOWN_COMPLETE: u8 = 14;
}

/// `enum sctp_conntrack`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
enum State {
    None,
    Closed,
    CookieWait,
    CookieEchoed,
    Established,
    ShutdownSent,
    ShutdownReceived,
    ShutdownAckSent,
    HeartbeatSent,
}

const CL: Option<State> = Some(State::Closed);
const CW: Option<State> = Some(State::CookieWait);
const CE: Option<State> = Some(State::CookieEchoed);
const ES: Option<State> = Some(State::Established);
const SS: Option<State> = Some(State::ShutdownSent);
const SR: Option<State> = Some(State::ShutdownReceived);
const SA: Option<State> = Some(State::ShutdownAckSent);
const HS: Option<State> = Some(State::HeartbeatSent);
const IV: Option<State> = None;

/// A chunk type, and where it leads in the original and in the reply direction.
type Row = (u8, [Option<State>; 9], [Option<State>; 9]);

/// Chunk type, then the states it leads to in the original and in the reply direction, from none,
/// closed, cookie wait, cookie echoed, established, shutdown sent, shutdown received, shutdown ACK
/// sent, heartbeat sent; `IV` where it is invalid.
#[rustfmt::skip]
const TABLE: [Row; 11] = [
    (chunk::INIT,
        [CL, CL, CW, CE, ES, CL, CL, SA, CW], [IV, CL, CW, CE, ES, SS, SR, SA, IV]),
    (chunk::INIT_ACK,
        [CL, CL, CW, CE, ES, SS, SR, SA, CL], [IV, CW, CW, CE, ES, SS, SR, SA, IV]),
    (chunk::ABORT,
        [CL, CL, CL, CL, CL, CL, CL, CL, CL], [IV, CL, CL, CL, CL, CL, CL, CL, IV]),
    (chunk::SHUTDOWN,
        [CL, CL, CW, CE, SS, SS, SR, SA, CL], [IV, CL, CW, CE, SR, SS, SR, SA, IV]),
    (chunk::SHUTDOWN_ACK,
        [SA, CL, CW, CE, ES, SA, SA, SA, SA], [IV, CL, CW, CE, ES, SA, SA, SA, IV]),
    (chunk::ERROR,
        [CL, CL, CW, CE, ES, SS, SR, SA, CL], [IV, CL, CW, CL, ES, SS, SR, SA, IV]),
    (chunk::COOKIE_ECHO,
        [CL, CL, CE, CE, ES, SS, SR, SA, CL], [IV, CL, CE, CE, ES, SS, SR, SA, IV]),
    (chunk::COOKIE_ACK,
        [CL, CL, CW, ES, ES, SS, SR, SA, CL], [IV, CL, CW, ES, ES, SS, SR, SA, IV]),
    (chunk::SHUTDOWN_COMPLETE,
        [CL, CL, CW, CE, ES, SS, SR, CL, CL], [IV, CL, CW, CE, ES, SS, SR, CL, IV]),
    (chunk::HEARTBEAT,
        [HS, CL, CW, CE, ES, SS, SR, SA, HS], [IV, CL, CW, CE, ES, SS, SR, SA, HS]),
    (chunk::HEARTBEAT_ACK,
        [CL, CL, CW, CE, ES, SS, SR, SA, HS], [IV, CL, CW, CE, ES, SS, SR, SA, ES]),
];

/// An SCTP association.
#[derive(Clone, Debug)]
pub(super) struct Sctp {
    state: State,
    /// Verification tags of packets in each direction; 0 before they are known.
    tags: [u32; 2],
    /// Directions in which an INIT was seen.
    inits: [bool; 2],
    /// The direction of a heartbeat whose tag was wrong, until it is answered.
    stray_heartbeat: Option<Direction>,
}

/// A packet whose chunks pass the basic checks.
#[derive(Clone, Copy, Debug)]
struct Chunks<'a> {
    tag: u32,
    bytes: &'a [u8],
}

/// One chunk: as many of its bytes as there are, header included.
#[derive(Clone, Copy, Debug)]
struct Chunk<'a> {
    kind: u8,
    flags: u8,
    bytes: &'a [u8],
}

impl Sctp {
    /// The association that a packet begins; `None` where none begins with it.
    pub(super) fn begin(upper: &UpperBytes<'_>) -> Option<Self> {
        let chunks = Chunks::new(upper)?;
        let ends = [chunk::ABORT, chunk::SHUTDOWN_COMPLETE, chunk::COOKIE_ACK];
        if chunks.has_any(&ends) {
            return None;
        }
        let mut tags = [0; 2];
        for chunk in chunks.iter() {
            // Chunks that leave the state as it is begin nothing.
            if next(Direction::Original, chunk.kind, State::None)? == State::None {
                return None;
            }
            match chunk.kind {
                chunk::INIT if chunks.tag != 0 => return None,
                chunk::INIT => tags[1] = chunk.init_tag()?,
                chunk::HEARTBEAT => tags[0] = chunks.tag,
                // Answered by a packet with the same tag (RFC 9260 section 8.5.1 E).
                chunk::SHUTDOWN_ACK => tags[1] = chunks.tag,
                _ => {}
            }
        }
        Some(Self { state: State::None, tags, inits: [false; 2], stray_heartbeat: None })
    }

    /// What a packet means for the association.
    pub(super) fn advance(
        &mut self,
        upper: &UpperBytes<'_>,
        direction: Direction,
        status: &mut Status,
    ) -> Verdict {
        const OWN_RULES: [u8; 7] = [
            chunk::INIT,
            chunk::SHUTDOWN_COMPLETE,
            chunk::COOKIE_ECHO,
            chunk::ABORT,
            chunk::SHUTDOWN_ACK,
            chunk::HEARTBEAT,
            chunk::HEARTBEAT_ACK,
        ];
        let Some(chunks) = Chunks::new(upper) else { return Verdict::Invalid };
        if !chunks.has_any(&OWN_RULES) && chunks.tag != self.tags[direction as usize] {
            return Verdict::Invalid;
        }
        let mut is_stray = false;
        for chunk in chunks.iter() {
            match self.check_tag(&chunks, &chunk, direction, is_stray) {
                Tag::Right => {}
                Tag::Stray => {
                    is_stray = true;
                    continue;
                }
                Tag::Wrong => return Verdict::Invalid,
            }
            let Some(state) = next(direction, chunk.kind, self.state) else {
                return Verdict::Invalid;
            };
            match chunk.kind {
                chunk::INIT if !self.note_init(&chunk, direction) => return Verdict::Invalid,
                chunk::INIT_ACK if !self.note_init_ack(&chunk, direction) => {
                    return Verdict::Invalid;
                }
                // An INIT again does not keep the association alive.
                chunk::INIT if (self.state, state) == (State::Closed, State::Closed) => {
                    is_stray |= status.has(Status::CONFIRMED);
                }
                _ => {}
            }
            if self.state != state && state == State::Established {
                status.set(Status::ASSURED);
            }
            self.state = state;
        }
        if is_stray {
            return Verdict::Unchanged;
        }
        Verdict::Refreshed(SCTP_BY_STATE[self.state as usize])
    }

    /// Takes the tag that an INIT asks for; `false` where it is cut short. Both ends may send one
    /// (RFC 9260 section 5.2.1); the earlier of two is forgotten at the third. One that came late,
    /// or again, says nothing.
    fn note_init(&mut self, chunk: &Chunk<'_>, direction: Direction) -> bool {
        let Some(tag) = chunk.init_tag() else { return false };
        let (own, peers) = (direction as usize, direction.opposite() as usize);
        if self.state != State::None && self.tags[peers] == tag {
            return true;
        }
        if self.inits == [true; 2] {
            self.inits[peers] = false;
        }
        self.inits[own] = true;
        self.tags[peers] = tag;
        true
    }

    /// Takes the tag that an INIT ACK asks for; `false` where it is cut short, or another than is
    /// known of an end whose INIT was not answered.
    fn note_init_ack(&mut self, chunk: &Chunk<'_>, direction: Direction) -> bool {
        let Some(tag) = chunk.init_tag() else { return false };
        let peers = direction.opposite() as usize;
        let known = self.tags[peers];
        let is_other = known != tag;
        if !self.inits[peers] && known != 0 && is_other || self.inits == [true; 2] && is_other {
            return false;
        }
        self.tags[peers] = tag;
        true
    }

    /// The rules for verification tags of single chunks.
    fn check_tag(
        &mut self,
        chunks: &Chunks<'_>,
        chunk: &Chunk<'_>,
        direction: Direction,
        is_stray: bool,
    ) -> Tag {
        let (own, peers) = (direction as usize, direction.opposite() as usize);
        let right = |holds: bool| if holds { Tag::Right } else { Tag::Wrong };
        match chunk.kind {
            chunk::INIT => right(chunks.tag == 0),
            chunk::ABORT | chunk::SHUTDOWN_COMPLETE => {
                let expected = if chunk.flags & FLAG_T == 0 { own } else { peers };
                right(chunks.tag == self.tags[expected])
            }
            chunk::COOKIE_ECHO => right(chunks.tag == self.tags[own]),
            chunk::COOKIE_ACK => {
                self.inits = [false; 2];
                Tag::Right
            }
            chunk::HEARTBEAT | chunk::HEARTBEAT_ACK if self.tags[own] == 0 => {
                self.tags[own] = chunks.tag;
                Tag::Right
            }
            chunk::HEARTBEAT | chunk::HEARTBEAT_ACK if chunks.tag == self.tags[own] => {
                self.stray_heartbeat = None;
                Tag::Right
            }
            chunk::HEARTBEAT | chunk::HEARTBEAT_ACK
                if is_stray || chunks.has_any(&[chunk::DATA]) =>
            {
                Tag::Wrong
            }
            chunk::HEARTBEAT => {
                self.stray_heartbeat = Some(direction);
                Tag::Stray
            }
            // The answer to a heartbeat with a new tag: the peer has restarted.
            chunk::HEARTBEAT_ACK if self.stray_heartbeat == Some(direction.opposite()) => {
                self.stray_heartbeat = None;
                self.tags[own] = chunks.tag;
                self.tags[peers] = 0;
                Tag::Right
            }
            chunk::HEARTBEAT_ACK => Tag::Wrong,
            _ => Tag::Right,
        }
    }
}

/// Whether a chunk may come in a packet of this verification tag.
enum Tag {
    Right,
    Wrong,
    /// It may, but says nothing.
    Stray,
}

impl<'a> Chunks<'a> {
    fn new(upper: &UpperBytes<'a>) -> Option<Self> {
        const ALONE: [u8; 3] = [chunk::INIT, chunk::INIT_ACK, chunk::SHUTDOWN_COMPLETE];
        const FIRST: [u8; 2] = [chunk::COOKIE_ECHO, chunk::COOKIE_ACK];
        let [_, _, _, _, a, b, c, d, ..] = *upper.bytes.first_chunk::<COMMON_BYTES>()?;
        let chunks = Self { tag: u32::from_be_bytes([a, b, c, d]), bytes: upper.bytes };
        let (mut count, mut is_alone) = (0, false);
        for chunk in chunks.iter() {
            is_alone |= ALONE.contains(&chunk.kind);
            let is_misplaced = count != 0 && (is_alone || FIRST.contains(&chunk.kind));
            if is_misplaced || chunk.length() == 0 {
                return None;
            }
            count += 1;
        }
        (count != 0).then_some(chunks)
    }

    /// The chunks, up to one without length, behind which no other can be found.
    fn iter(self) -> impl Iterator<Item = Chunk<'a>> {
        let mut rest = self.bytes.get(COMMON_BYTES..);
        std::iter::from_fn(move || {
            let bytes = rest?;
            let [kind, flags, ..] = *bytes.first_chunk::<CHUNK_BYTES>()?;
            let chunk = Chunk { kind, flags, bytes };
            let length = chunk.length();
            rest = if length == 0 { None } else { bytes.get(length.next_multiple_of(4)..) };
            Some(chunk)
        })
    }

    fn has_any(self, kinds: &[u8]) -> bool {
        self.iter().any(|chunk| kinds.contains(&chunk.kind))
    }
}

impl Chunk<'_> {
    /// The length field.
    fn length(&self) -> usize {
        match self.bytes {
            [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        }
    }

    /// The tag that INIT and INIT ACK ask for.
    fn init_tag(&self) -> Option<u32> {
        let init = self.bytes.get(CHUNK_BYTES..)?.get(..INIT_BYTES)?;
        init.first_chunk().copied().map(u32::from_be_bytes)
    }
}

/// The state that a chunk leads to; `None` where it is invalid.
fn next(direction: Direction, kind: u8, state: State) -> Option<State> {
    let Some((_, original, reply)) = TABLE.iter().find(|row| row.0 == kind) else {
        return Some(state);
    };
    match direction {
        Direction::Original => original[state as usize],
        Direction::Reply => reply[state as usize],
    }
}
