//! One contender with one number of rules, its receiver, and what was measured of it.

use std::path::Path;

use super::contender::{Contender, Installed};
use super::ruleset::Ruleset;
use crate::error::BenchError;
use crate::generator::Generator;
use crate::machine::Places;
use crate::samples::Samples;
use crate::wire::Wire;

/// Frames of a warm-up, and the fewest of a turn.
const WARM_UP_FRAMES: u32 = 1 << 13;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The last rule drops it.
    Dropped,
    /// The policy accepts it.
    Accepted,
}

impl Fate {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Dropped, Self::Accepted];
}

/// A row's column.
pub(crate) struct Arm {
    pub(crate) contender: Contender,
    pub(crate) ruleset: Ruleset,
    /// Why it is missing, or how it runs.
    pub(crate) state: Result<Running, BenchError>,
}

/// A contender at work.
pub(crate) struct Running {
    wire: Wire,
    installed: Installed,
    dropped: Option<Traffic>,
    accepted: Traffic,
    /// Nanoseconds that the generator spends on a frame.
    pub(crate) generator_ns: Samples,
}

/// Packets of one fate.
pub(crate) struct Traffic {
    generator: Generator,
    frames_per_turn: u32,
    /// Nanoseconds that the receiver spends on a packet.
    pub(crate) receiver_ns: Samples,
    /// Frames sent in measured turns.
    pub(crate) sent: u64,
    /// Of these the received ones; the rest found the receiver's ring full.
    pub(crate) received: u64,
    /// All frames received, also before.
    total: u64,
}

impl Arm {
    /// Lays the wire `number` and installs the rules behind it.
    ///
    /// # Errors
    /// When no receiver can be made at all; a contender that refuses its rules is missing.
    pub(crate) fn new(
        contender: Contender,
        ruleset: Ruleset,
        number: usize,
        processor: usize,
        bpffs: &Path,
    ) -> Result<Self, BenchError> {
        let wire = Wire::lay(number, processor)?;
        let traffic = |flow: crate::frame::Flow| {
            let frame = flow.frame(crate::frame::RECEIVER_MAC);
            let generator = Generator::new(frame, wire.sender)?;
            let receiver_ns = Samples::default();
            let frames_per_turn = WARM_UP_FRAMES;
            Ok(Traffic { generator, frames_per_turn, receiver_ns, sent: 0, received: 0, total: 0 })
        };
        let accepted = traffic(ruleset.accepted())?;
        let has_rules = contender != Contender::NoRules;
        let dropped = has_rules.then(|| traffic(ruleset.dropped())).transpose()?;
        let state = contender.install(ruleset, &wire, bpffs).map(|installed| Running {
            wire,
            installed,
            dropped,
            accepted,
            generator_ns: Samples::default(),
        });
        Ok(Self { contender, ruleset, state })
    }

    /// Sends the first frames and finds out how many fill a turn of `seconds`.
    pub(crate) fn warm_up(&mut self, seconds: f64, places: Places) -> Result<(), BenchError> {
        let Ok(running) = &mut self.state else { return Ok(()) };
        for fate in Fate::ALL {
            running.turn(fate, places.sender)?;
        }
        let generator_ns = std::mem::take(&mut running.generator_ns).median().unwrap_or_default();
        for traffic in running.dropped.iter_mut().chain([&mut running.accepted]) {
            let receiver_ns = std::mem::take(&mut traffic.receiver_ns).median().unwrap_or_default();
            // On one processor they take turns, on two the generator alone fills the time.
            let shared_ns = if places.are_apart() { 0.0 } else { receiver_ns };
            traffic.frames_per_turn = frames_within(seconds, generator_ns + shared_ns);
            (traffic.sent, traffic.received) = (0, 0);
        }
        Ok(())
    }

    /// One turn of packets of this fate, if there are such.
    pub(crate) fn measure(&mut self, fate: Fate, processor: usize) -> Result<(), BenchError> {
        self.state.as_mut().map_or(Ok(()), |running| running.turn(fate, processor))
    }

    /// The packets of a fate, where they were measured.
    pub(crate) fn traffic(&self, fate: Fate) -> Option<&Traffic> {
        self.state.as_ref().ok()?.of(fate)
    }

    /// Compares what was counted with what came.
    ///
    /// # Errors
    /// [`BenchError::Counters`] for the first difference.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        let Ok(running) = &self.state else { return Ok(()) };
        let total = |fate| running.of(fate).map_or(0, |traffic| traffic.total);
        let equal = |what, expected, found| {
            let (row, rules) = (self.contender.title(), usize::from(self.ruleset.rules));
            let error = BenchError::Counters { row, rules, what, expected, found };
            if expected == found { Ok(()) } else { Err(error) }
        };
        if let Some(counts) = running.installed.counts(self.ruleset, &running.wire)? {
            equal("at the last rule", total(Fate::Dropped), counts.last_rule)?;
            // The raw table is asked about all packets that arrive, so ours are all there are too.
            equal("at the policy", total(Fate::Accepted), counts.policy)?;
        }
        equal("behind the rules", total(Fate::Accepted), running.wire.accepted()?)
    }
}

impl Running {
    fn of(&self, fate: Fate) -> Option<&Traffic> {
        match fate {
            Fate::Dropped => self.dropped.as_ref(),
            Fate::Accepted => Some(&self.accepted),
        }
    }

    fn turn(&mut self, fate: Fate, processor: usize) -> Result<(), BenchError> {
        let traffic = match (fate, &mut self.dropped) {
            (Fate::Dropped, Some(dropped)) => dropped,
            (Fate::Dropped, None) => return Ok(()),
            (Fate::Accepted, _) => &mut self.accepted,
        };
        let before = self.wire.received()?;
        let sent = traffic.generator.send(traffic.frames_per_turn, processor)?;
        let after = self.wire.received()?;
        let received = after.frames - before.frames;
        if received == 0 {
            return Err(BenchError::Silent { device: self.wire.device.clone() });
        }
        traffic.sent += u64::from(sent.frames);
        traffic.received += received;
        traffic.total += received;
        traffic.receiver_ns.push(ratio(after.on_cpu_ns - before.on_cpu_ns, received));
        self.generator_ns.push(ratio(sent.on_cpu_ns, u64::from(sent.frames)));
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure of 15 digits is exact enough")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to the range before"
)]
fn frames_within(seconds: f64, ns_per_frame: f64) -> u32 {
    (seconds * 1e9 / ns_per_frame).clamp(f64::from(WARM_UP_FRAMES), f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_as_long_as_asked_but_no_shorter_than_a_warm_up() {
        assert_eq!(frames_within(0.1, 50.0), 2_000_000);
        assert_eq!(frames_within(0.01, 60_000.0), WARM_UP_FRAMES);
        assert_eq!(frames_within(60.0, 1.0), u32::MAX);
    }
}
