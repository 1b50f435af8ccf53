//! What a helper's argument must be, and what its result is (`linux/bpf.h`: `enum bpf_arg_type`,
//! `enum bpf_return_type`).

/// What an argument register must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgType {
    /// Anything initialised; a pointer only from a privileged program.
    Anything,
    /// A number.
    Scalar,
    /// A map.
    MapPtr,
    /// Memory with a key of the map argument.
    MapKey,
    /// Memory with or for a value of the map argument.
    MapValue(MemAccess),
    /// The same to read, or null.
    MapValueOrNull,
    /// Memory whose bytes the next argument gives.
    Memory {
        /// What the helper does with it.
        access: MemAccess,
        /// May be null; then the size is 0.
        or_null: bool,
    },
    /// Memory of a fixed size.
    FixedMemory {
        /// Its size.
        bytes: u32,
        /// What the helper does with it.
        access: MemAccess,
    },
    /// A zero-terminated constant string in a read-only map.
    ConstStr,
    /// The bytes of the memory argument before.
    Size {
        /// May be 0.
        or_zero: bool,
    },
    /// Bytes to allocate: a constant.
    AllocSize,
    /// The program's context.
    Context {
        /// May be null.
        or_null: bool,
    },
    /// Memory on the stack, or null.
    StackOrNull,
    /// A function of the program.
    Function,
    /// A `struct bpf_timer` in a map value.
    Timer,
    /// A `struct bpf_spin_lock` in a map value or allocated object.
    SpinLock,
    /// A socket, however small: `struct bpf_sock`, a request, time-wait or TCP socket.
    SockCommon,
    /// The same, or a kernel's `struct sock_common`.
    Sock {
        /// The reference ends with the call.
        is_released: bool,
    },
    /// A kernel structure of this type.
    Kernel {
        /// Its name.
        structure: &'static str,
        /// May be null.
        or_null: bool,
    },
    /// A kernel variable per CPU.
    PercpuVariable,
    /// Where a kernel pointer is kept in a map value.
    KptrDest,
    /// A kernel pointer whose reference ends with the call, or null.
    KptrOrNull,
    /// A reserved ring buffer record, given back.
    RingbufRecord,
    /// A `struct bpf_dynptr` on the stack.
    Dynptr(DynptrUse),
}

/// What a helper does with memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemAccess {
    /// Reads it: it must be initialised.
    Read,
    /// Writes and maybe reads it: it must be initialised.
    Write,
    /// Fills it: it is initialised afterwards.
    Fill,
}

/// What a helper does with a dynptr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DynptrUse {
    /// Makes it.
    New(DynptrKind),
    /// Uses it.
    Borrow,
    /// Ends it.
    Release(DynptrKind),
}

/// What a dynptr points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DynptrKind {
    /// Memory of the program.
    Local,
    /// A ring buffer record.
    Ringbuf,
}

/// What `r0` holds after the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetType {
    /// A number.
    Integer,
    /// Nothing.
    Void,
    /// A value of the map argument.
    MapValue,
    /// A value of the map argument, or null.
    MapValueOrNull,
    /// A referenced `struct bpf_sock`, or null.
    SocketOrNull,
    /// A referenced socket of any kind, or null.
    SockCommonOrNull,
    /// A `struct bpf_tcp_sock`, or null.
    TcpSockOrNull,
    /// A reserved ring buffer record of the argument's size, or null.
    RingbufRecordOrNull,
    /// Memory of a dynptr, of the argument's size, or null.
    DynptrMemoryOrNull,
    /// A kernel structure of this type.
    Kernel(&'static str),
    /// A kernel structure of this type, or null.
    KernelOrNull(&'static str),
    /// The kernel pointer that was in the map value, or null.
    KptrOrNull,
    /// A kernel variable of the argument's type.
    Variable,
    /// The same, or null.
    VariableOrNull,
}
