//! How long connections live without packets: the kernel's defaults in nanoseconds.
//!
//! Source: `Documentation/networking/nf_conntrack-sysctl.rst` (Linux 6.18), where each row's name
//! stands; `/proc/sys/net/netfilter` shows them with the prefix `nf_conntrack_`.

const fn seconds(count: u64) -> u64 {
    count * 1_000_000_000
}

/// By TCP state: none (as SYN sent), `tcp_timeout_syn_sent`, `_syn_recv`, `_established`,
/// `_fin_wait`, `_close_wait`, `_last_ack`, `_time_wait`, `_close`, and SYN sent twice (as once).
pub(super) const TCP_BY_STATE: [u64; 10] = [
    seconds(120),
    seconds(120),
    seconds(60),
    seconds(432_000),
    seconds(120),
    seconds(60),
    seconds(30),
    seconds(120),
    seconds(10),
    seconds(120),
];
/// `tcp_timeout_max_retrans`.
pub(super) const TCP_RETRANSMITTED: u64 = seconds(300);
/// `tcp_timeout_unacknowledged`.
pub(super) const TCP_UNACKNOWLEDGED: u64 = seconds(300);

/// `udp_timeout`, of UDP-Lite too.
pub(super) const UDP: u64 = seconds(30);
/// `udp_timeout_stream`.
pub(super) const UDP_STREAM: u64 = seconds(120);
/// Age from which an answered UDP flow counts as a stream (`nf_conntrack_proto_udp.c`).
pub(super) const UDP_STREAM_AGE: u64 = seconds(2);

/// By SCTP state: none (as closed), `sctp_timeout_closed`, `_cookie_wait`, `_cookie_echoed`,
/// `_established`, `_shutdown_sent`, `_shutdown_recd`, `_shutdown_ack_sent`, `_heartbeat_sent`.
pub(super) const SCTP_BY_STATE: [u64; 9] = [
    seconds(10),
    seconds(10),
    seconds(3),
    seconds(3),
    seconds(210),
    seconds(3),
    seconds(3),
    seconds(3),
    seconds(30),
];

/// `icmp_timeout` and `icmpv6_timeout`.
pub(super) const ICMP: u64 = seconds(30);
/// `gre_timeout`.
pub(super) const GRE: u64 = seconds(30);
/// `gre_timeout_stream`.
pub(super) const GRE_STREAM: u64 = seconds(180);
/// `generic_timeout`: all other protocols.
pub(super) const GENERIC: u64 = seconds(600);

/// How long fragments of one datagram belong together: `ipfrag_time`, and `frag6_timeout` of
/// connection tracking.
pub(super) const FRAGMENTS_V4: u64 = seconds(30);
/// See [`FRAGMENTS_V4`].
pub(super) const FRAGMENTS_V6: u64 = seconds(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of a new network namespace, which inherits none of its parent's; none where
    /// there may not be one, or the kernel does not track connections.
    fn kernel_seconds(names: &[&str]) -> Vec<Option<u64>> {
        let read = |name: &&str| {
            let path = format!("/proc/sys/net/netfilter/nf_conntrack_{name}");
            std::fs::read_to_string(path).ok()?.trim().parse().ok()
        };
        let read_all = || names.iter().map(read).collect();
        netloom_sys::netns::isolated(read_all).unwrap_or_default()
    }

    #[test]
    fn rows_are_the_kernels_defaults() {
        let tcp = |state: usize| TCP_BY_STATE[state];
        let sctp = |state: usize| SCTP_BY_STATE[state];
        let rows = [
            ("tcp_timeout_syn_sent", tcp(1)),
            ("tcp_timeout_syn_recv", tcp(2)),
            ("tcp_timeout_established", tcp(3)),
            ("tcp_timeout_fin_wait", tcp(4)),
            ("tcp_timeout_close_wait", tcp(5)),
            ("tcp_timeout_last_ack", tcp(6)),
            ("tcp_timeout_time_wait", tcp(7)),
            ("tcp_timeout_close", tcp(8)),
            ("tcp_timeout_max_retrans", TCP_RETRANSMITTED),
            ("tcp_timeout_unacknowledged", TCP_UNACKNOWLEDGED),
            ("udp_timeout", UDP),
            ("udp_timeout_stream", UDP_STREAM),
            ("sctp_timeout_closed", sctp(1)),
            ("sctp_timeout_cookie_wait", sctp(2)),
            ("sctp_timeout_cookie_echoed", sctp(3)),
            ("sctp_timeout_established", sctp(4)),
            ("sctp_timeout_shutdown_sent", sctp(5)),
            ("sctp_timeout_shutdown_recd", sctp(6)),
            ("sctp_timeout_shutdown_ack_sent", sctp(7)),
            ("sctp_timeout_heartbeat_sent", sctp(8)),
            ("icmp_timeout", ICMP),
            ("icmpv6_timeout", ICMP),
            ("gre_timeout", GRE),
            ("gre_timeout_stream", GRE_STREAM),
            ("generic_timeout", GENERIC),
            ("frag6_timeout", FRAGMENTS_V6),
        ];
        let kernels = kernel_seconds(&rows.map(|(name, _)| name));
        let compared = kernels.iter().flatten().count();
        println!("ran {compared}, skipped {}: not shown here", rows.len() - compared);
        for ((name, ours), kernels) in rows.into_iter().zip(kernels) {
            assert_eq!(kernels.map_or(ours, seconds), ours, "{name}");
        }
    }
}
