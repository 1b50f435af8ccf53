//! Load, probe, pin, attach and replace programs in the running kernel
