//! BTF type information: read, look up, write
