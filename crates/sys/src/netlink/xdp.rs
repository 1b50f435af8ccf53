//! What a device's driver can do for XDP.
//!
//! Asks the generic netlink family `netdev`, whose number the controller knows. Source:
//! `linux/genetlink.h`, `linux/netdev.h` (Linux 6.3).

use rustix::net::netlink::GENERIC;

use super::error::NetlinkError;
use super::message::{Message, Writer, attribute};
use super::socket::Request;

/// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_ID`, `CTRL_ATTR_FAMILY_NAME`.
const CONTROLLER: u16 = 16;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// `NETDEV_CMD_DEV_GET`, `NETDEV_A_DEV_IFINDEX`, `NETDEV_A_DEV_XDP_FEATURES`.
const GET_DEVICE: u8 = 1;
const IFINDEX: u16 = 1;
const XDP_FEATURES: u16 = 3;
/// Bytes of `struct genlmsghdr`.
const HEADER_BYTES: usize = 4;
/// `enum netdev_xdp_act`: basic (drop, pass, send back), redirect, multi-buffer receive.
const BASIC: u64 = 1;
const REDIRECT: u64 = 2;
const MULTI_BUFFER: u64 = 1 << 5;

/// What a driver says it can do with XDP programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpFeatures {
    /// Run them: drop, pass, send back.
    pub basic: bool,
    /// Send packets to other devices for them.
    pub redirect: bool,
    /// Give them packets in several buffers.
    pub multi_buffer: bool,
}

/// What the driver of a device of the calling thread's network namespace can do.
///
/// # Errors
/// `ENODEV` when there is no such device, [`NetlinkError::Unsupported`] on kernels before 6.3.
pub fn xdp_features(ifindex: u32) -> Result<XdpFeatures, NetlinkError> {
    let object = ifindex.to_string();
    let request = Request {
        protocol: Some(GENERIC),
        operation: "ask for the XDP features of interface",
        object: &object,
        subsystem: "netdev netlink family",
    };
    let mut writer = Writer::default();
    writer.message(CONTROLLER, 0, 1, &[GET_FAMILY, 1, 0, 0]);
    writer.text(FAMILY_NAME, "netdev");
    let family = request.ask_if_there(writer.finish(), |message| {
        let id = attribute(body(message)?, FAMILY_ID)?;
        Some(u16::from_ne_bytes(*id.first_chunk()?))
    })?;
    let mut writer = Writer::default();
    writer.message(family, 0, 1, &[GET_DEVICE, 1, 0, 0]);
    writer.attribute(IFINDEX, &ifindex.to_ne_bytes());
    request.ask(writer.finish(), |message| {
        let bits = u64::from_ne_bytes(*attribute(body(message)?, XDP_FEATURES)?.first_chunk()?);
        Some(XdpFeatures {
            basic: bits & BASIC != 0,
            redirect: bits & REDIRECT != 0,
            multi_buffer: bits & MULTI_BUFFER != 0,
        })
    })
}

fn body(message: Message<'_>) -> Option<&[u8]> {
    message.payload.get(HEADER_BYTES..)
}
