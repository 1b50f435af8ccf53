//! A receiver alone in a network namespace, at the end of a veth pair.
//!
//! Its device has one queue, and a kernel thread of its own that takes frames out of the queue and
//! carries them through the whole stack (threaded NAPI). All that receiving costs is on that thread's
//! account, and nothing else is.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use netloom_sys::netlink::device_by_name;
use netloom_sys::netns::{Netns, isolated};
use rustix::process::Pid;

use crate::command::run;
use crate::error::BenchError;
use crate::frame::{DESTINATION, RECEIVER_MAC};
use crate::machine;
use crate::mount::Mount;

/// Prefix length of the network that source addresses come from.
const PREFIX: u8 = 15;
/// Time in which a receiver that has something to do does it.
const SETTLE: Duration = Duration::from_millis(5);
const SETTLE_TURNS_MAX: u32 = 1_000;

/// The receiver.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Its namespace.
    pub(crate) netns: Netns,
    /// Its device.
    pub(crate) device: String,
    /// Number of the other end, in the namespace of the thread that laid the wire.
    pub(crate) sender: u32,
    sysfs: Mount,
    /// The directory of its thread in `/proc`.
    thread: String,
}

/// What a receiver has done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// Frames that its device took in.
    pub(crate) frames: u64,
    /// Time its thread spent on the processor.
    pub(crate) on_cpu_ns: u64,
}

impl Wire {
    /// Lays a wire from the calling thread's namespace to a new one. The receiver's thread is bound to
    /// `processor`; `number` is the wire's own.
    pub(crate) fn lay(number: usize, processor: usize) -> Result<Self, BenchError> {
        // The kernel names the thread after the device, in a list that all namespaces share.
        let device = format!("b{}r{number}", std::process::id());
        let sender = format!("b{}s{number}", std::process::id());
        let here = fs::read_link("/proc/thread-self")
            .map_err(|error| BenchError::File { path: "/proc/thread-self".into(), error })?;
        let here = format!("/proc/{}/ns/net", here.display());
        disable_ipv6()?;
        let receiver = || Self::receiver(&device, &format!("{sender} netns {here}"));
        let (netns, sysfs) = isolated(receiver).map_err(BenchError::Netns)??;
        run("ip", &["link", "set", &sender, "up"], "")?;
        let index = device_by_name(&sender).map_err(BenchError::Device)?.index;
        let pid = receiver_thread(&device)?;
        machine::bind_receiver(pid, processor)?;
        let thread = format!("/proc/{}", pid.as_raw_pid());
        Ok(Self { netns, device, sender: index, sysfs, thread })
    }

    /// Makes the pair from the receiver's side; the calling thread is in its namespace.
    fn receiver(device: &str, peer: &str) -> Result<(Netns, Mount), BenchError> {
        disable_ipv6()?;
        let mac = RECEIVER_MAC.map(|byte| format!("{byte:02x}")).join(":");
        let one_queue = "numrxqueues 1 numtxqueues 1";
        let pair = format!(
            "link add {device} address {mac} {one_queue} type veth peer name {peer} {one_queue}\n\
             addr add {DESTINATION}/{PREFIX} dev {device}\n"
        );
        run("ip", &["-batch", "-"], &pair)?;
        // With GRO, as hardware drivers have it, veth receives by NAPI, also without XDP.
        run("ethtool", &["-K", device, "gro", "on"], "")?;
        run("ip", &["link", "set", device, "up"], "")?;
        let sysfs = Mount::sysfs()?;
        sysfs.write(&format!("class/net/{device}/threaded"), "1")?;
        Ok((Netns::current().map_err(BenchError::Netns)?, sysfs))
    }

    /// Runs `job` in the receiver's namespace.
    pub(crate) fn inside<T: Send>(
        &self,
        job: impl FnOnce() -> Result<T, BenchError> + Send,
    ) -> Result<T, BenchError> {
        self.netns.run(job).map_err(BenchError::Netns)?
    }

    /// What the receiver has done so far, once it has nothing left to do.
    pub(crate) fn received(&self) -> Result<Received, BenchError> {
        let mut before = machine::on_cpu_ns(&self.thread)?;
        for _ in 0..SETTLE_TURNS_MAX {
            sleep(SETTLE);
            let on_cpu_ns = machine::on_cpu_ns(&self.thread)?;
            if on_cpu_ns == before {
                break;
            }
            before = on_cpu_ns;
        }
        let file = format!("class/net/{}/statistics/rx_packets", self.device);
        let text = self.sysfs.read(&file)?;
        let frames = text.trim().parse().ok().ok_or(BenchError::Malformed { what: file })?;
        Ok(Received { frames, on_cpu_ns: before })
    }

    /// Packets that got through to UDP, which threw them away for their checksums.
    pub(crate) fn accepted(&self) -> Result<u64, BenchError> {
        let path = "/proc/thread-self/net/snmp";
        let text = self.inside(|| {
            fs::read_to_string(path).map_err(|error| BenchError::File { path: path.into(), error })
        })?;
        checksum_errors(&text).ok_or(BenchError::Malformed { what: path.to_owned() })
    }
}

/// Keeps IPv6 from announcing itself on devices made later in the calling thread's namespace.
fn disable_ipv6() -> Result<(), BenchError> {
    let path = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    match fs::write(path, "1") {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BenchError::File { path: path.into(), error })
        }
        _ => Ok(()),
    }
}

/// The kernel thread that receives for the device.
fn receiver_thread(device: &str) -> Result<Pid, BenchError> {
    let prefix = format!("napi/{device}-");
    let list =
        fs::read_dir("/proc").map_err(|error| BenchError::File { path: "/proc".into(), error })?;
    let numbers = list.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|number| {
            // Threads end while the list is read; one that is gone is not the one wanted.
            let name = fs::read_to_string(format!("/proc/{number}/comm"));
            name.is_ok_and(|name| name.starts_with(&prefix))
        })
        .find_map(Pid::from_raw)
        .ok_or(BenchError::NoReceiverThread { device: device.to_owned() })
}

/// `InCsumErrors` of the two lines that begin with `Udp:`.
fn checksum_errors(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let column = names.split(' ').position(|name| name == "InCsumErrors")?;
    values.split(' ').nth(column)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_of_checksum_errors_is_found_by_name() {
        let text = "Tcp: InCsumErrors\nTcp: 3\nUdp: InDatagrams InCsumErrors\nUdp: 1 42\n";
        assert_eq!(checksum_errors(text), Some(42));
        assert_eq!(checksum_errors("Udp: InDatagrams\nUdp: 1\n"), None);
        assert_eq!(checksum_errors(""), None);
    }
}
