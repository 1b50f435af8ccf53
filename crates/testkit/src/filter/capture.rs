//! Captures of every link type that meet the filters of [`super::expressions`].
//!
//! Invariant: the same link type, seed and number give the same frames, and frame `n` has the time
//! of `n` seconds, so that a frame is known by its time wherever it comes out.
//!
//! Reading order: `network` makes IP packets, `link` what goes around them and what goes beside
//! them on a link; here frames are damaged and cut short.

mod link;
mod network;

use netloom_packet::capture::Record;
use netloom_packet::link::LinkType;

use crate::random::Random;

/// Nanoseconds between two frames of a capture.
const PERIOD_NS: u64 = 1_000_000_000;

/// A capture of `frames` frames.
///
/// # Panics
/// For link types that are not in [`LINKS`](super::LINKS).
pub fn capture(link: LinkType, seed: u64, frames: usize) -> Vec<Record> {
    let mut random = Random::new(seed);
    let record = |index: u64, random: &mut Random| {
        let mut frame = link::frame(random, link);
        if random.one_in(12) {
            change(random, &mut frame);
        }
        if random.one_in(14) {
            let kept = random.below(frame.len().min(90) + 1);
            frame.truncate(kept);
        }
        let mut record = Record::whole(index * PERIOD_NS, frame);
        if random.one_in(10) {
            let kept = random.below(record.data.len().min(120) + 1);
            record.data.truncate(kept);
        }
        record
    };
    (0..frames).map(|index| record(index as u64, &mut random)).collect()
}

/// Sets one byte among the headers to a telling value.
fn change(random: &mut Random, frame: &mut [u8]) {
    if frame.is_empty() {
        return;
    }
    let at = random.below(frame.len().min(80));
    frame[at] = random.copied(&[0, 1, 2, 4, 6, 17, 0x40, 0x45, 0x7f, 0x80, 0xff, frame[at] ^ 1]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::LINKS;

    #[test]
    fn captures_repeat_and_hold_every_kind_of_frame() {
        for link in LINKS {
            let records = capture(link, 7, 500);
            assert_eq!(records, capture(link, 7, 500));
            assert_ne!(records, capture(link, 8, 500));
            let cut = |record: &&Record| record.data.len() < record.orig_len as usize;
            assert!(records.iter().filter(cut).count() > 10, "{link}");
            let count =
                |found: fn(&Record) -> bool| records.iter().filter(|one| found(one)).count();
            assert!(count(|one| one.orig_len < 40) > 10, "{link}: short frames");
            assert!(count(|one| one.orig_len > 1_000) > 3, "{link}: long frames");
        }
    }
}
