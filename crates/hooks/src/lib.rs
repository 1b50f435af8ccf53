//! User-space data plane: packets in, verdicts out.

#![forbid(unsafe_code)]
