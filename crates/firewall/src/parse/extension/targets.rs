//! The targets other than chains and ACCEPT, DROP, RETURN, QUEUE, in alphabetical order.

use super::{Extension, FWD, IN, OUT, POST, PRE, ext, flag, pair, value};
use crate::model::TableName;
use crate::protocol::TCP;

/// All targets.
pub(super) const TARGETS: &[Extension] = &[
    ext("AUDIT").options(&[value("type").must()]),
    ext("CHECKSUM").tables(&[TableName::Mangle]).options(&[flag("checksum-fill").must()]),
    ext("CLASSIFY").hooks(OUT | FWD | POST).options(&[value("set-class").must()]),
    ext("CLUSTERIP").v4().options(&[
        flag("new"),
        value("hashmode"),
        value("clustermac"),
        value("total-nodes"),
        value("local-node"),
        value("hash-init"),
    ]),
    ext("CONNMARK")
        .one_of(&[
            "set-xmark",
            "set-mark",
            "and-mark",
            "or-mark",
            "xor-mark",
            "save-mark",
            "restore-mark",
        ])
        .options(&[
            value("set-xmark"),
            value("set-mark"),
            value("and-mark"),
            value("or-mark"),
            value("xor-mark"),
            flag("save-mark"),
            flag("restore-mark"),
            value("left-shift-mark"),
            value("right-shift-mark"),
            value("ctmask"),
            value("nfmask"),
            value("mask"),
        ]),
    ext("CONNSECMARK")
        .tables(&[TableName::Mangle, TableName::Security])
        .options(&[flag("save"), flag("restore")]),
    ext("CT").tables(&[TableName::Raw]).options(&[
        flag("notrack"),
        value("helper"),
        value("timeout"),
        value("ctevents"),
        value("expevents"),
        value("zone-orig"),
        value("zone-reply"),
        value("zone"),
    ]),
    ext("DNAT").tables(&[TableName::Nat]).hooks(PRE | OUT).options(&[
        value("to-destination").must(),
        flag("random"),
        flag("persistent"),
    ]),
    ext("DNPT")
        .v6()
        .tables(&[TableName::Mangle])
        .options(&[value("src-pfx").must(), value("dst-pfx").must()]),
    ext("DSCP")
        .one_of(&["set-dscp", "set-dscp-class"])
        .tables(&[TableName::Mangle])
        .options(&[value("set-dscp"), value("set-dscp-class")]),
    ext("ECN").v4().tables(&[TableName::Mangle]).options(&[
        flag("ecn-tcp-remove"),
        value("ecn-tcp-cwr"),
        value("ecn-tcp-ece"),
        value("ecn-ip-ect"),
    ]),
    ext("HL").one_of(&["hl-set", "hl-dec", "hl-inc"]).v6().tables(&[TableName::Mangle]).options(&[
        value("hl-set"),
        value("hl-dec"),
        value("hl-inc"),
    ]),
    ext("HMARK").options(&[
        value("hmark-tuple"),
        value("hmark-src-prefix"),
        value("hmark-dst-prefix"),
        value("hmark-sport-mask"),
        value("hmark-dport-mask"),
        value("hmark-spi-mask"),
        value("hmark-sport"),
        value("hmark-dport"),
        value("hmark-spi"),
        value("hmark-proto-mask"),
        value("hmark-rnd"),
        value("hmark-mod").must(),
        value("hmark-offset"),
    ]),
    ext("IDLETIMER").options(&[value("timeout").must(), value("label").must(), flag("alarm")]),
    ext("LED").options(&[
        value("led-trigger-id").must(),
        value("led-delay"),
        flag("led-always-blink"),
    ]),
    ext("LOG").options(&[
        value("log-level"),
        value("log-prefix"),
        flag("log-tcp-sequence"),
        flag("log-tcp-options"),
        flag("log-ip-options"),
        flag("log-uid"),
        flag("log-macdecode"),
    ]),
    ext("MARK").one_of(&["set-xmark", "set-mark", "and-mark", "or-mark", "xor-mark"]).options(&[
        value("set-xmark"),
        value("set-mark"),
        value("and-mark"),
        value("or-mark"),
        value("xor-mark"),
    ]),
    ext("MASQUERADE").tables(&[TableName::Nat]).hooks(POST).options(&[
        value("to-ports"),
        flag("random"),
        flag("random-fully"),
    ]),
    ext("NETMAP")
        .tables(&[TableName::Nat])
        .hooks(PRE | POST | OUT | IN)
        .options(&[value("to").must()]),
    ext("NFLOG").options(&[
        value("nflog-group"),
        value("nflog-prefix"),
        value("nflog-range"),
        value("nflog-size"),
        value("nflog-threshold"),
    ]),
    ext("NFQUEUE").options(&[
        value("queue-num"),
        value("queue-balance"),
        flag("queue-bypass"),
        flag("queue-cpu-fanout"),
    ]),
    ext("NOTRACK").tables(&[TableName::Raw]),
    ext("RATEEST").options(&[
        value("rateest-name").must(),
        value("rateest-interval").must(),
        value("rateest-ewmalog").must(),
    ]),
    ext("REDIRECT")
        .tables(&[TableName::Nat])
        .hooks(PRE | OUT)
        .options(&[value("to-ports"), flag("random")]),
    ext("REJECT")
        .tables(&[TableName::Filter])
        .hooks(IN | FWD | OUT)
        .options(&[value("reject-with")]),
    ext("SECMARK")
        .tables(&[TableName::Mangle, TableName::Security])
        .options(&[value("selctx").must()]),
    ext("SET").options(&[
        pair("add-set"),
        pair("del-set"),
        flag("exist"),
        value("timeout"),
        pair("map-set"),
        flag("map-mark"),
        flag("map-prio"),
        flag("map-queue"),
    ]),
    ext("SNAT").tables(&[TableName::Nat]).hooks(POST | IN).options(&[
        value("to-source").must(),
        flag("random"),
        flag("random-fully"),
        flag("persistent"),
    ]),
    ext("SNPT")
        .v6()
        .tables(&[TableName::Mangle])
        .options(&[value("src-pfx").must(), value("dst-pfx").must()]),
    ext("SYNPROXY").hooks(IN | FWD).options(&[
        flag("sack-perm"),
        flag("timestamp"),
        value("wscale"),
        value("mss"),
        flag("ecn"),
    ]),
    ext("TCPMSS")
        .one_of(&["set-mss", "clamp-mss-to-pmtu"])
        .options(&[value("set-mss"), flag("clamp-mss-to-pmtu")]),
    ext("TCPOPTSTRIP")
        .protocol(TCP)
        .tables(&[TableName::Mangle])
        .options(&[value("strip-options")]),
    ext("TEE").options(&[value("gateway").must(), value("oif")]),
    ext("TOS")
        .one_of(&["set-tos", "and-tos", "or-tos", "xor-tos"])
        .tables(&[TableName::Mangle])
        .options(&[value("set-tos"), value("and-tos"), value("or-tos"), value("xor-tos")]),
    ext("TPROXY").tables(&[TableName::Mangle]).hooks(PRE).options(&[
        value("on-port").must(),
        value("on-ip"),
        value("tproxy-mark"),
    ]),
    ext("TRACE").tables(&[TableName::Raw]),
    ext("TTL")
        .one_of(&["ttl-set", "ttl-dec", "ttl-inc"])
        .v4()
        .tables(&[TableName::Mangle])
        .options(&[value("ttl-set"), value("ttl-dec"), value("ttl-inc")]),
    ext("ULOG").v4().options(&[
        value("ulog-nlgroup"),
        value("ulog-prefix"),
        value("ulog-cprange"),
        value("ulog-qthreshold"),
    ]),
];
