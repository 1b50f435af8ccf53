//! TCP states, and where each kind of segment leads from each of them.
//!
//! Source: `nf_conntrack_proto_tcp.c: tcp_conntracks` (Linux 6.18).

use netloom_packet::wire::TcpFlags;

use crate::conntrack::Direction;

/// What the table knows of a connection (`enum tcp_conntrack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(super) enum State {
    None,
    SynSent,
    SynRecv,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    /// A SYN was answered by a SYN: both sides open at once.
    SynSent2,
}

/// Kinds of segments, by the first of RST, SYN, FIN and ACK that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Kind {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    None,
}

/// Where a segment leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// To this state, if the segment lies in its window.
    To(State),
    /// Nowhere: the two ends may know something that the table does not.
    Ignore,
    /// Nowhere, and the segment is invalid.
    Invalid,
}

impl Kind {
    pub(super) fn of(flags: TcpFlags) -> Self {
        let set = |flag| flags.contains(flag);
        match () {
            () if set(TcpFlags::RST) => Self::Rst,
            () if set(TcpFlags::SYN | TcpFlags::ACK) => Self::SynAck,
            () if set(TcpFlags::SYN) => Self::Syn,
            () if set(TcpFlags::FIN) => Self::Fin,
            () if set(TcpFlags::ACK) => Self::Ack,
            () => Self::None,
        }
    }
}

/// Where a segment of this kind leads in this direction.
pub(super) fn step(direction: Direction, kind: Kind, state: State) -> Step {
    let table = match direction {
        Direction::Original => &ORIGINAL,
        Direction::Reply => &REPLY,
    };
    table[kind as usize][state as usize]
}

const SS: Step = Step::To(State::SynSent);
const SR: Step = Step::To(State::SynRecv);
const ES: Step = Step::To(State::Established);
const FW: Step = Step::To(State::FinWait);
const CW: Step = Step::To(State::CloseWait);
const LA: Step = Step::To(State::LastAck);
const TW: Step = Step::To(State::TimeWait);
const CL: Step = Step::To(State::Close);
const S2: Step = Step::To(State::SynSent2);
const IG: Step = Step::Ignore;
const IV: Step = Step::Invalid;

type Rows = [[Step; 10]; 6];

/// Columns: none, SYN sent, SYN received, established, FIN wait, close wait, last ACK, time wait,
/// close, SYN sent twice. Rows: [`Kind`].
#[rustfmt::skip]
const ORIGINAL: Rows = [
    [SS, SS, IG, IG, IG, IG, IG, SS, SS, S2],
    [IV, IV, SR, IV, IV, IV, IV, IV, IV, SR],
    [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
    [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV],
    [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
    [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
];

#[rustfmt::skip]
const REPLY: Rows = [
    [IV, S2, IV, IV, IV, IV, IV, SS, IV, S2],
    [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR],
    [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
    [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG],
    [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
    [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
];

/// Combinations of FIN, SYN, RST, ACK and URG that a sane stack sends; the other flags may be set
/// with all of them.
const SANE: [u8; 9] = {
    const FIN: u8 = TcpFlags::FIN.0;
    const SYN: u8 = TcpFlags::SYN.0;
    const RST: u8 = TcpFlags::RST.0;
    const ACK: u8 = TcpFlags::ACK.0;
    const URG: u8 = TcpFlags::URG.0;
    [SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG]
};

/// Whether a sane stack sends this combination of flags.
pub(super) fn is_sane(flags: TcpFlags) -> bool {
    SANE.contains(&(flags.0 & !(TcpFlags::PSH | TcpFlags::ECE | TcpFlags::CWR).0))
}
