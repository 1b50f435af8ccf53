//! eBPF instructions: tables, decode and encode, assembler text, label builder
