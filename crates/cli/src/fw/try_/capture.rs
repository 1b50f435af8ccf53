//! The packets of a capture before the rules.

use netloom_hooks::Device;
use netloom_hooks::replay::{Frame, Replay};
use netloom_packet::capture::Interface;

use super::failed;
use super::judge::{Judge, PacketRow};
use super::tally::Tally;
use crate::capture::{Capture, Packet};
use crate::failure::Failure;
use crate::filter::{Filter, verdict};

/// Names of interfaces that stand for several devices, or none.
const NO_DEVICES: [&str; 2] = ["any", "nflog"];

/// What of a capture counts.
pub(super) struct Choice<'a> {
    /// The capture's own device names do.
    pub(super) names_devices: bool,
    /// Of its packets, only those that match.
    pub(super) filter: Option<&'a mut Filter>,
}

/// Judges the chosen packets of the capture, shows each to `show`, and writes them with their verdicts
/// where that is wanted.
///
/// # Errors
/// When the capture cannot be read to its end or written; packets before that are judged.
pub(super) fn replay_capture(
    capture: &Capture<'_>,
    mut choice: Choice<'_>,
    replay: &mut Replay<'_>,
    judge: &mut Judge<'_>,
    tally: &mut Tally,
    mut show: impl FnMut(PacketRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut devices = Devices { names_devices: choice.names_devices, known: Vec::new() };
    capture.walk(|packet| {
        let Packet { number, record, interface, interfaces } = packet;
        if let Some(filter) = &mut choice.filter
            && verdict(filter.program(interface.link_type)?, record) == 0
        {
            return Ok(false);
        }
        devices.learn(interfaces);
        let index = usize::try_from(record.interface).unwrap_or(usize::MAX);
        let frame = Frame {
            link_type: interface.link_type,
            bytes: &record.data,
            timestamp_ns: record.timestamp_ns,
            device: devices.known.get(index).and_then(Option::as_ref),
        };
        let outcome = replay.packet(&frame).map_err(|error| failed(&error))?;
        let row = judge.row(number, record, interface.link_type, &outcome, replay);
        tally.add(&row);
        record.comments.push(row.comment());
        show(row)?;
        Ok(true)
    })
}

/// The devices of the capture's interfaces.
struct Devices {
    names_devices: bool,
    known: Vec<Option<Device>>,
}

impl Devices {
    fn learn(&mut self, interfaces: &[Interface]) {
        for (index, interface) in interfaces.iter().enumerate().skip(self.known.len()) {
            let name = interface.name.as_deref().filter(|name| {
                self.names_devices && !name.is_empty() && !NO_DEVICES.contains(name)
            });
            // Index 1 is the loopback device's.
            let ifindex = u32::try_from(index).unwrap_or(0).saturating_add(2);
            self.known.push(name.and_then(|name| Device::new(name, ifindex).ok()));
        }
    }
}
