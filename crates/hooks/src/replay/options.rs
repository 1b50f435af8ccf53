//! What packets are and how they are looked at.

use std::net::IpAddr;

use netloom_packet::link::LinkType;
use netloom_vm::Device;

use super::path::View;
use crate::conntrack::Limits;

/// How packets are looked at.
#[derive(Clone, Debug)]
pub struct Options {
    /// The way of packets whose direction is not known.
    pub view: View,
    /// Whether packets of a host take the way of their direction where it is known: from their
    /// addresses, if [`Options::local`] has one of them, else from a "cooked" capture. Else all
    /// take the way of [`Options::view`], as they always do where that is [`View::Forward`].
    pub by_direction: bool,
    /// Addresses of the host.
    pub local: Vec<IpAddr>,
    /// The device that packets come in by, where a frame does not name it.
    pub in_device: Device,
    /// The device that packets leave by, where a frame does not name it; of a packet that is passed
    /// on, always.
    pub out_device: Device,
    /// Bounds of the connection table.
    pub connections: Limits,
}

/// A captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What the bytes begin with.
    pub link_type: LinkType,
    /// As captured, link-layer header first.
    pub bytes: &'a [u8],
    /// When, in nanoseconds of any fixed beginning. Time never goes back: a packet with an earlier
    /// time than one before it counts as of that time.
    pub timestamp_ns: u64,
    /// The capturing device, if it is known.
    pub device: Option<&'a Device>,
}

impl Options {
    /// Packets of a host, with `eth0` as all devices.
    ///
    /// # Panics
    /// Never: the name fits.
    pub fn new(view: View) -> Self {
        let eth0 = Device::new("eth0", 2).expect("the name is short");
        Self {
            view,
            by_direction: true,
            local: Vec::new(),
            in_device: eth0,
            out_device: eth0,
            connections: Limits::default(),
        }
    }
}
