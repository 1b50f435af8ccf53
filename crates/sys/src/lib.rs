//! System calls: bpf(2), netlink, namespaces
