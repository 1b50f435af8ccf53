//! Helper functions by their number (`enum bpf_func_id` in `linux/bpf.h`).

/// The helpers the workspace uses so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Helper {
    /// `void *map_lookup_elem(map, key)`.
    MapLookupElem = 1,
    /// `long map_update_elem(map, key, value, flags)`.
    MapUpdateElem = 2,
    /// `long map_delete_elem(map, key)`.
    MapDeleteElem = 3,
    /// `u64 ktime_get_ns(void)`.
    KtimeGetNs = 5,
    /// `u32 get_prandom_u32(void)`.
    GetPrandomU32 = 7,
    /// `u32 get_smp_processor_id(void)`.
    GetSmpProcessorId = 8,
    /// `long tail_call(ctx, prog_array, index)`.
    TailCall = 12,
    /// `long fib_lookup(ctx, params, plen, flags)`.
    FibLookup = 69,
    /// `u64 ktime_get_boot_ns(void)`.
    KtimeGetBootNs = 125,
    /// `long ringbuf_output(ringbuf, data, size, flags)`.
    RingbufOutput = 130,
}

impl Helper {
    /// All rows.
    pub const ALL: [Self; 10] = [
        Self::MapLookupElem,
        Self::MapUpdateElem,
        Self::MapDeleteElem,
        Self::KtimeGetNs,
        Self::GetPrandomU32,
        Self::GetSmpProcessorId,
        Self::TailCall,
        Self::FibLookup,
        Self::KtimeGetBootNs,
        Self::RingbufOutput,
    ];

    /// The helper with this number, if the table has it.
    pub fn new(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| helper.id() == id)
    }

    /// Its number.
    pub fn id(self) -> u32 {
        self as u32
    }
}
