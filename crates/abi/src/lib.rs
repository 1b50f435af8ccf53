//! What Linux promises to eBPF programs, and the inert program that relies on it
