//! The dispatchers' attachments: netfilter hooks and XDP devices.

use netloom_firewall::model::Family;
use netloom_firewall::{
    CELL_MAP, Cell, Hook, NETFILTER_PROGRAMS_MAP, Point, XDP_PROGRAMS_MAP, dispatcher,
    netfilter_entry,
};
use netloom_kernel::{
    AttachError, LoadOptions, NetfilterPoint, XdpWish, attach_netfilter, attach_xdp, load_object,
};
use netloom_sys::bpf::{Link, LinkTarget, Map, Program, XdpMode};
use netloom_sys::netlink::device_by_name;

use crate::apply::XdpAttachment;
use crate::error::ControlError;
use crate::firewall::Firewall;

/// Priorities to try, relative to the one of iptables' own table: two users can not have the same.
const PRIORITY_OFFSETS: [i32; 8] = [-1, 1, -2, 2, -3, 3, -4, 4];

/// The family at netfilter's hooks.
pub(crate) fn protocol(family: Family) -> netloom_kernel::Family {
    match family {
        Family::V4 => netloom_kernel::Family::Ipv4,
        Family::V6 => netloom_kernel::Family::Ipv6,
    }
}

impl Firewall {
    /// Attaches a dispatcher for the built-in chain, unless it is attached already.
    pub(crate) fn attach_chain(&self, family: Family, point: Point) -> Result<(), ControlError> {
        let path = self.store.path(&format!("hook_{}", chain_name(family, point)));
        if path.exists() {
            return Ok(());
        }
        let place = || format!("{} {}", point.table.as_str(), point.hook.chain());
        let program = self.load_dispatcher(Some(netfilter_entry(family, point)))?;
        let base = point.iptables_priority();
        for offset in PRIORITY_OFFSETS {
            let wanted = NetfilterPoint {
                family: protocol(family),
                hook: kernel_hook(point.hook),
                priority: base + offset,
            };
            match attach_netfilter(&program, wanted) {
                Ok(link) => return link.pin(&path).map_err(ControlError::Bpf),
                Err(AttachError::Busy(_)) => {}
                Err(AttachError::Unsupported(_)) => return Err(ControlError::NoNetfilterLinks),
                Err(source) => return Err(ControlError::Attach { place: place(), source }),
            }
        }
        Err(ControlError::NoPriority { place: place(), base })
    }

    /// Ends the attachments of built-in chains that none of the `kept` generations has a program for.
    pub(crate) fn detach_unused_chains(
        &self,
        programs: &Map,
        kept: [u8; 2],
    ) -> Result<(), ControlError> {
        let families = [Family::V4, Family::V6].into_iter();
        for (family, point) in families.flat_map(|family| Point::ALL.map(|point| (family, point))) {
            let path = self.store.path(&format!("hook_{}", chain_name(family, point)));
            if !path.exists() {
                continue;
            }
            let mut is_used = false;
            for generation in kept {
                let base = u32::from(generation) * Cell::NETFILTER_STRIDE;
                let entry = base + netfilter_entry(family, point);
                let found = programs.lookup(&entry.to_ne_bytes()).map_err(ControlError::Bpf)?;
                is_used |= found.is_some();
            }
            if !is_used {
                self.store.detach(&path)?;
            }
        }
        Ok(())
    }

    /// Attaches the XDP dispatcher to a device, unless it is attached already.
    pub(crate) fn attach_device(
        &self,
        program: &Program,
        name: &str,
    ) -> Result<XdpAttachment, ControlError> {
        let path = self.store.path(&format!("xdp_{name}"));
        let device = device_by_name(name)
            .map_err(|source| ControlError::Device { name: name.to_owned(), source })?;
        if path.exists() {
            let link = Link::pinned(&path).map_err(ControlError::Bpf)?;
            let facts = link.facts().map_err(ControlError::Bpf)?;
            if facts.target == (LinkTarget::Xdp { ifindex: device.index }) {
                return Ok(XdpAttachment { device: name.to_owned(), native: None });
            }
            // The device it was attached to is gone, and another has its name.
            self.store.detach(&path)?;
        }
        match attach_xdp(program, device.index, XdpWish::NativeElseGeneric) {
            Ok(attachment) => {
                attachment.link.pin(&path).map_err(ControlError::Bpf)?;
                let native = Some(attachment.mode == XdpMode::Native);
                Ok(XdpAttachment { device: name.to_owned(), native })
            }
            Err(AttachError::Busy(_)) => Err(ControlError::XdpTaken { device: name.to_owned() }),
            Err(source) => Err(ControlError::Attach { place: format!("XDP of {name}"), source }),
        }
    }

    /// Loads the dispatcher of a netfilter entry, or the XDP one, on the shared maps.
    pub(crate) fn load_dispatcher(&self, entry: Option<u32>) -> Result<Program, ControlError> {
        let table = if entry.is_some() { NETFILTER_PROGRAMS_MAP } else { XDP_PROGRAMS_MAP };
        let (cell, programs) = (self.store.map(CELL_MAP)?, self.store.map(table)?);
        let reuse = [(CELL_MAP, &cell), (table, &programs)];
        let options = LoadOptions { vmlinux: &self.vmlinux, reuse: &reuse };
        let loaded = load_object(&dispatcher(entry), &options).map_err(ControlError::Load)?;
        Ok(loaded.programs.into_iter().next().expect("a dispatcher's object has one program"))
    }
}

/// Name of a built-in chain's attachment, e.g. `ipv4_filter_INPUT`.
fn chain_name(family: Family, point: Point) -> String {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    format!("{family}_{}_{}", point.table.as_str(), point.hook.chain())
}

fn kernel_hook(hook: Hook) -> netloom_kernel::Hook {
    match hook {
        Hook::PreRouting => netloom_kernel::Hook::PreRouting,
        Hook::Input => netloom_kernel::Hook::LocalIn,
        Hook::Forward => netloom_kernel::Hook::Forward,
        Hook::Output => netloom_kernel::Hook::LocalOut,
        Hook::PostRouting => netloom_kernel::Hook::PostRouting,
    }
}
