//! The vector files that come with the crate.

/// Name and text of each file.
pub const FILES: [(&str, &str); 14] = [
    ("addition.vectors", include_str!("../vectors/addition.vectors")),
    ("bitwise.vectors", include_str!("../vectors/bitwise.vectors")),
    ("shifts.vectors", include_str!("../vectors/shifts.vectors")),
    ("division.vectors", include_str!("../vectors/division.vectors")),
    ("extension.vectors", include_str!("../vectors/extension.vectors")),
    ("jumps.vectors", include_str!("../vectors/jumps.vectors")),
    ("constants.vectors", include_str!("../vectors/constants.vectors")),
    ("memory.vectors", include_str!("../vectors/memory.vectors")),
    ("atomics.vectors", include_str!("../vectors/atomics.vectors")),
    ("calls.vectors", include_str!("../vectors/calls.vectors")),
    ("callbacks.vectors", include_str!("../vectors/callbacks.vectors")),
    ("tail_calls.vectors", include_str!("../vectors/tail_calls.vectors")),
    ("packet.vectors", include_str!("../vectors/packet.vectors")),
    ("faults.vectors", include_str!("../vectors/faults.vectors")),
];
