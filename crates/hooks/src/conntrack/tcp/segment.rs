//! What connection tracking reads of a TCP segment.

use netloom_packet::wire::{Tcp, TcpFlags};

use super::table::{Kind, is_sane};
use crate::conntrack::upper::UpperBytes;

/// Largest shift of the window scale option (RFC 7323 §2.3).
const SCALE_MAX: u8 = 14;

mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
}

/// A segment with a sound header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) kind: Kind,
    pub(super) flags: TcpFlags,
    pub(super) seq: u32,
    /// The sequence number behind the segment.
    pub(super) end: u32,
    pub(super) ack: u32,
    pub(super) window: u16,
    options: &'a [u8],
}

/// What a sender's SYN offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) scale: Option<u8>,
    pub(super) sack: bool,
}

impl<'a> Segment<'a> {
    /// The segment; `None` where its header is broken or its flags make no sense.
    pub(super) fn new(upper: &UpperBytes<'a>) -> Option<Self> {
        let tcp = Tcp::new_checked(upper.bytes).ok()?;
        let header = tcp.header_len();
        let flags = tcp.flags();
        if header < Tcp::HEADER_BYTES || upper.length < header || !is_sane(flags) {
            return None;
        }
        // Lengths end at 2^16 except for packets still to be segmented, which end at 2^32.
        let data = u32::try_from(upper.length - header).ok()?;
        let counted = |flag| u32::from(flags.contains(flag));
        let length = data.wrapping_add(counted(TcpFlags::SYN) + counted(TcpFlags::FIN));
        Some(Self {
            kind: Kind::of(flags),
            flags,
            seq: tcp.sequence(),
            end: tcp.sequence().wrapping_add(length),
            ack: tcp.acknowledgement(),
            window: tcp.window(),
            options: upper.bytes.get(Tcp::HEADER_BYTES..header).unwrap_or_default(),
        })
    }

    pub(super) fn has(&self, flag: TcpFlags) -> bool {
        self.flags.contains(flag)
    }

    /// What the options offer; `None` where there are none at all.
    pub(super) fn offer(&self) -> Option<Offer> {
        (!self.options.is_empty()).then(|| {
            let mut offer = Offer::default();
            for (kind, value) in options(self.options) {
                match (kind, value) {
                    (option::WINDOW_SCALE, [scale]) => offer.scale = Some(*scale.min(&SCALE_MAX)),
                    (option::SACK_PERMITTED, []) => offer.sack = true,
                    _ => {}
                }
            }
            offer
        })
    }

    /// The highest sequence number that the segment acknowledges, selectively or not.
    pub(super) fn selective_ack(&self) -> u32 {
        let blocks = options(self.options)
            .find(|(kind, value)| {
                *kind == option::SACK && !value.is_empty() && value.len().is_multiple_of(8)
            })
            .map(|(_, value)| value.as_chunks::<8>().0)
            .unwrap_or_default();
        blocks.iter().fold(self.ack, |highest, [.., a, b, c, d]| {
            let right = u32::from_be_bytes([*a, *b, *c, *d]);
            if before(highest, right) { right } else { highest }
        })
    }
}

/// Kind and value of each option, up to the first malformed one.
fn options(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        while let [option::NOP, behind @ ..] = rest {
            rest = behind;
        }
        match rest {
            [] | [option::END, ..] => None,
            [kind, length, ..] => {
                let (whole, behind) = rest.split_at_checked(usize::from(*length))?;
                rest = behind;
                Some((*kind, whole.get(2..)?))
            }
            [_] => None,
        }
    })
}

/// Whether sequence number `a` lies before `b` (RFC 1982).
pub(super) fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[u8]) -> Segment<'_> {
        Segment {
            kind: Kind::Ack,
            flags: TcpFlags::ACK,
            seq: 0,
            end: 0,
            ack: 100,
            window: 0,
            options,
        }
    }

    #[test]
    fn offers_are_read_up_to_the_first_malformed_option() {
        assert_eq!(read(&[]).offer(), None);
        let both = Offer { scale: Some(7), sack: true };
        assert_eq!(read(&[4, 2, 1, 3, 3, 7, 0, 0]).offer(), Some(both));
        assert_eq!(read(&[3, 3, 200]).offer(), Some(Offer { scale: Some(14), sack: false }));
        for broken in [&[2, 1, 3, 3, 7][..], &[2, 9, 3, 3], &[0, 3, 3, 7], &[3, 2, 4], &[8]] {
            assert_eq!(read(broken).offer(), Some(Offer::default()), "{broken:?}");
        }
    }

    #[test]
    fn selective_ack_is_the_highest_right_edge_or_the_ack() {
        let block = |right: u32| [&[0; 4][..], &right.to_be_bytes()].concat();
        let one = [&[5, 18][..], &block(300), &block(200)].concat();
        assert_eq!(read(&one).selective_ack(), 300);
        assert_eq!(read(&[&[5, 10][..], &block(50)].concat()).selective_ack(), 100);
        assert_eq!(read(&[5, 2]).selective_ack(), 100);
    }

    #[test]
    fn before_wraps_around() {
        assert!(before(u32::MAX, 0) && !before(0, u32::MAX) && !before(5, 5));
    }
}
