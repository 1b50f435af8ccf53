//! What this kernel can, and what it is told to say.

use netloom_kernel::{Feature, Probe, Support};
use netloom_sys::netlink;

use crate::scene::{in_namespace, ip, privileged};

#[test]
fn this_kernel_has_what_the_other_tests_use() {
    if !privileged() {
        return;
    }
    let probe = Probe::running();
    for feature in [Feature::NetfilterLinks, Feature::NetfilterTailCalls, Feature::Bpffs] {
        assert_eq!(probe.feature(feature), Support::Supported, "{feature}");
    }
}

#[test]
fn a_veth_has_native_xdp_and_loopback_has_not() {
    in_namespace(|| {
        ip(&["link", "add", "left", "type", "veth", "peer", "name", "right"]);
        let probe = Probe::running();
        let of = |name| {
            let ifindex = netlink::device_by_name(name).unwrap().index;
            probe.feature(Feature::NativeXdp { ifindex })
        };
        assert_eq!(of("left"), Support::Supported);
        assert!(matches!(of("lo"), Support::Unsupported { .. }));
        let absent = probe.feature(Feature::NativeXdp { ifindex: 9999 });
        assert!(matches!(absent, Support::Unknown { .. }));
    });
}

#[test]
fn an_assumed_answer_stands_for_the_kernel() {
    let absent = Support::Unsupported { reason: "simulated".to_owned() };
    let probe = Probe::running().assume(Feature::NetfilterLinks, absent.clone());
    assert_eq!(probe.feature(Feature::NetfilterLinks), absent);
}
