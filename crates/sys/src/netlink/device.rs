//! Network devices.
//!
//! Source: `linux/rtnetlink.h`, `linux/if_link.h`.

use super::error::NetlinkError;
use super::message::{DUMP, Message, Writer, attribute, text, u32_at};
use super::socket::Request;

/// `RTM_NEWLINK`, `RTM_GETLINK`.
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
/// Bytes of `struct ifinfomsg`; its index stands at 4, its flags at 8.
const INFO_BYTES: usize = 16;
/// `IFLA_ADDRESS`, `IFLA_IFNAME`, `IFLA_LINKINFO`, `IFLA_INFO_KIND`.
const ADDRESS: u16 = 1;
const NAME: u16 = 3;
const LINK_INFO: u16 = 18;
const INFO_KIND: u16 = 1;
/// `IFF_UP`, `IFF_LOOPBACK`.
const UP: u32 = 1;
const LOOPBACK: u32 = 1 << 3;
/// Longest device name (`IFNAMSIZ` less the final zero).
const NAME_BYTES_MAX: usize = 15;

/// A network device of the calling thread's network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its hardware address, where that has six bytes.
    pub mac: Option<[u8; 6]>,
    /// The driver kind of a virtual device, such as `veth`.
    pub kind: Option<String>,
    /// Whether it is up.
    pub up: bool,
    /// Whether it is the loopback device.
    pub loopback: bool,
}

/// The device of this name.
///
/// # Errors
/// `ENODEV` when there is none; [`NetlinkError::TooLong`] for more than 15 bytes.
pub fn device_by_name(name: &str) -> Result<Device, NetlinkError> {
    let request = request(name);
    if name.len() > NAME_BYTES_MAX {
        let object = name.to_owned();
        return Err(NetlinkError::TooLong { operation: request.operation, object });
    }
    let mut writer = Writer::default();
    writer.message(GET_LINK, 0, 1, &[0; INFO_BYTES]);
    writer.text(NAME, name);
    request.ask(writer.finish(), read)
}

/// The device of this number.
///
/// # Errors
/// `ENODEV` when there is none.
pub fn device_by_index(index: u32) -> Result<Device, NetlinkError> {
    let mut info = [0; INFO_BYTES];
    info[4..8].copy_from_slice(&index.to_ne_bytes());
    let mut writer = Writer::default();
    writer.message(GET_LINK, 0, 1, &info);
    request(&index.to_string()).ask(writer.finish(), read)
}

/// All devices, in the kernel's order.
///
/// # Errors
/// The kernel's refusal.
pub fn devices() -> Result<Vec<Device>, NetlinkError> {
    let mut writer = Writer::default();
    writer.message(GET_LINK, DUMP, 1, &[0; INFO_BYTES]);
    let mut all = Vec::new();
    request("list").dump(writer.finish(), |message| {
        all.extend(read(message));
        Ok(())
    })?;
    Ok(all)
}

fn request(object: &str) -> Request<'_> {
    Request { protocol: None, operation: "find interface", object, subsystem: "rtnetlink" }
}

fn read(message: Message<'_>) -> Option<Device> {
    if message.kind != NEW_LINK {
        return None;
    }
    let flags = u32_at(message.payload, 8)?;
    let body = message.payload.get(INFO_BYTES..)?;
    Some(Device {
        index: u32_at(message.payload, 4)?,
        name: text(attribute(body, NAME)?),
        mac: attribute(body, ADDRESS).and_then(|address| address.try_into().ok()),
        kind: attribute(body, LINK_INFO).and_then(|info| attribute(info, INFO_KIND)).map(text),
        up: flags & UP != 0,
        loopback: flags & LOOPBACK != 0,
    })
}
