//! Names and numbers of the protocols above IP.
//!
//! Sources: the IANA registry of assigned internet protocol numbers; for the saved names, Debian's
//! netbase, whose `/etc/protocols` decides what `iptables-save` prints there.

/// Internet Control Message Protocol.
pub(crate) const ICMP: u8 = 1;
/// Transmission Control Protocol.
pub(crate) const TCP: u8 = 6;
/// User Datagram Protocol.
pub(crate) const UDP: u8 = 17;
/// Datagram Congestion Control Protocol.
pub(crate) const DCCP: u8 = 33;
/// Encapsulating Security Payload.
pub(crate) const ESP: u8 = 50;
/// Authentication Header.
pub(crate) const AH: u8 = 51;
/// ICMP for IPv6.
pub(crate) const ICMPV6: u8 = 58;
/// IP Payload Compression.
pub(crate) const IPCOMP: u8 = 108;
/// Stream Control Transmission Protocol.
pub(crate) const SCTP: u8 = 132;
/// IPv6 Mobility Header.
pub(crate) const MH: u8 = 135;
/// UDP-Lite.
pub(crate) const UDPLITE: u8 = 136;

/// The number of the protocol `name`, in lower case.
pub(crate) fn number(name: &str) -> Option<u8> {
    PROTOCOLS
        .iter()
        .find(|(_, saved, others)| *saved == Some(name) || others.contains(&name))
        .map(|row| row.0)
}

/// The name that `iptables-save` prints; where it has none it prints the number.
pub(crate) fn saved_name(number: u8) -> Option<&'static str> {
    let row = PROTOCOLS.binary_search_by_key(&number, |row| row.0).ok()?;
    PROTOCOLS[row].1
}

/// Number, the name that is saved, other names; by number.
const PROTOCOLS: &[(u8, Option<&str>, &[&str])] = &[
    (0, Some("ip"), &["hopopt", "all"]),
    (1, Some("icmp"), &[]),
    (2, Some("igmp"), &[]),
    (3, Some("ggp"), &[]),
    (4, Some("ipencap"), &["ip-encap", "ipv4"]),
    (5, Some("st"), &[]),
    (6, Some("tcp"), &[]),
    (7, None, &["cbt"]),
    (8, Some("egp"), &[]),
    (9, Some("igp"), &[]),
    (10, None, &["bbn-rcc-mon"]),
    (11, None, &["nvp-ii"]),
    (12, Some("pup"), &[]),
    (13, None, &["argus"]),
    (14, None, &["emcon"]),
    (15, None, &["xnet"]),
    (16, None, &["chaos"]),
    (17, Some("udp"), &[]),
    (18, None, &["mux"]),
    (19, None, &["dcn-meas"]),
    (20, Some("hmp"), &[]),
    (21, None, &["prm"]),
    (22, Some("xns-idp"), &[]),
    (23, None, &["trunk-1"]),
    (24, None, &["trunk-2"]),
    (25, None, &["leaf-1"]),
    (26, None, &["leaf-2"]),
    (27, Some("rdp"), &[]),
    (28, None, &["irtp"]),
    (29, Some("iso-tp4"), &[]),
    (30, None, &["netblt"]),
    (31, None, &["mfe-nsp"]),
    (32, None, &["merit-inp"]),
    (33, Some("dccp"), &[]),
    (34, None, &["3pc"]),
    (35, None, &["idpr"]),
    (36, Some("xtp"), &[]),
    (37, Some("ddp"), &[]),
    (38, Some("idpr-cmtp"), &[]),
    (39, None, &["tp++"]),
    (40, None, &["il"]),
    (41, Some("ipv6"), &[]),
    (42, None, &["sdrp"]),
    (43, Some("ipv6-route"), &[]),
    (44, Some("ipv6-frag"), &[]),
    (45, Some("idrp"), &[]),
    (46, Some("rsvp"), &[]),
    (47, Some("gre"), &[]),
    (48, None, &["dsr"]),
    (49, None, &["bna"]),
    (50, Some("esp"), &["ipsec-esp"]),
    (51, Some("ah"), &["ipsec-ah"]),
    (52, None, &["i-nlsp"]),
    (53, None, &["swipe"]),
    (54, None, &["narp"]),
    (55, None, &["mobile"]),
    (56, None, &["tlsp"]),
    (57, Some("skip"), &[]),
    (58, Some("ipv6-icmp"), &["icmpv6"]),
    (59, Some("ipv6-nonxt"), &[]),
    (60, Some("ipv6-opts"), &[]),
    (62, None, &["cftp"]),
    (64, None, &["sat-expak"]),
    (65, None, &["kryptolan"]),
    (66, None, &["rvd"]),
    (67, None, &["ippc"]),
    (69, None, &["sat-mon"]),
    (70, None, &["visa"]),
    (71, None, &["ipcv"]),
    (72, None, &["cpnx"]),
    (73, Some("rspf"), &["cphb"]),
    (74, None, &["wsn"]),
    (75, None, &["pvp"]),
    (76, None, &["br-sat-mon"]),
    (77, None, &["sun-nd"]),
    (78, None, &["wb-mon"]),
    (79, None, &["wb-expak"]),
    (80, None, &["iso-ip"]),
    (81, Some("vmtp"), &[]),
    (82, None, &["secure-vmtp"]),
    (83, None, &["vines"]),
    (84, None, &["iptm"]),
    (85, None, &["nsfnet-igp"]),
    (86, None, &["dgp"]),
    (87, None, &["tcf"]),
    (88, Some("eigrp"), &[]),
    (89, Some("ospf"), &["ospfigp"]),
    (90, None, &["sprite-rpc"]),
    (91, None, &["larp"]),
    (92, None, &["mtp"]),
    (93, Some("ax.25"), &[]),
    (94, Some("ipip"), &[]),
    (95, None, &["micp"]),
    (96, None, &["scc-sp"]),
    (97, Some("etherip"), &[]),
    (98, Some("encap"), &[]),
    (100, None, &["gmtp"]),
    (101, None, &["ifmp"]),
    (102, None, &["pnni"]),
    (103, Some("pim"), &[]),
    (104, None, &["aris"]),
    (105, None, &["scps"]),
    (106, None, &["qnx"]),
    (107, None, &["a/n"]),
    (108, Some("ipcomp"), &[]),
    (109, None, &["snp"]),
    (110, None, &["compaq-peer"]),
    (111, None, &["ipx-in-ip"]),
    (112, Some("vrrp"), &[]),
    (113, None, &["pgm"]),
    (115, Some("l2tp"), &[]),
    (116, None, &["ddx"]),
    (117, None, &["iatp"]),
    (118, None, &["stp"]),
    (119, None, &["srp"]),
    (120, None, &["uti"]),
    (121, None, &["smp"]),
    (122, None, &["sm"]),
    (123, None, &["ptp"]),
    (124, Some("isis"), &[]),
    (125, None, &["fire"]),
    (126, None, &["crtp"]),
    (127, None, &["crudp"]),
    (128, None, &["sscopmce"]),
    (129, None, &["iplt"]),
    (130, None, &["sps"]),
    (131, None, &["pipe"]),
    (132, Some("sctp"), &[]),
    (133, Some("fc"), &[]),
    (134, None, &["rsvp-e2e-ignore"]),
    (135, Some("mobility-header"), &["mh", "ipv6-mh"]),
    (136, Some("udplite"), &[]),
    (137, Some("mpls-in-ip"), &[]),
    (138, Some("manet"), &[]),
    (139, Some("hip"), &[]),
    (140, Some("shim6"), &[]),
    (141, Some("wesp"), &[]),
    (142, Some("rohc"), &[]),
    (143, Some("ethernet"), &[]),
    (144, None, &["aggfrag"]),
    (145, None, &["nsh"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_names_are_unique() {
        assert!(PROTOCOLS.is_sorted_by(|a, b| a.0 < b.0));
        let mut names: Vec<_> =
            PROTOCOLS.iter().flat_map(|row| row.1.iter().chain(row.2)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn aliases_are_saved_under_the_first_name() {
        assert_eq!(number("icmpv6").and_then(saved_name), Some("ipv6-icmp"));
        assert_eq!(number("mh").and_then(saved_name), Some("mobility-header"));
        assert_eq!(number("cbt"), Some(7));
        assert_eq!(saved_name(7), None);
        assert_eq!(number("TCP"), None);
    }
}
