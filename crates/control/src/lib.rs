//! The firewall in the running kernel: apply, confirm, roll back, show, remove.

#![forbid(unsafe_code)]
