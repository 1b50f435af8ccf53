// Atomic operations on 8 bytes and, from cpu v3, on 4, with and without the old value.
typedef unsigned long long u64;
typedef unsigned int u32;

void add(u64 *p, u64 v) { __sync_fetch_and_add(p + 1, v); }

#if WITH_FETCH
#define FETCHING(T, name)                                                                          \
    T name(T *p, T v) {                                                                            \
        T old = __sync_fetch_and_add(p, v) + __sync_fetch_and_or(p + 1, v);                        \
        old += __sync_fetch_and_and(p - 1, v) + __sync_fetch_and_xor(p, v);                        \
        return old + __sync_lock_test_and_set(p, v) + __sync_val_compare_and_swap(p, old, v);      \
    }                                                                                              \
    void name##_dropped(T *p, T v) {                                                               \
        __sync_fetch_and_add(p, v);                                                                \
        __sync_fetch_and_or(p, v);                                                                 \
        __sync_fetch_and_and(p, v);                                                                \
        __sync_fetch_and_xor(p, v);                                                                \
    }

FETCHING(u64, wide)
FETCHING(u32, narrow)
#endif

#if __BPF_CPU_VERSION__ >= 4
u64 ordered(u64 *wide, u32 *word, unsigned short *half, unsigned char *byte) {
    __atomic_store_n(wide, 1, __ATOMIC_RELEASE);
    __atomic_store_n(word, 2, __ATOMIC_RELEASE);
    __atomic_store_n(half, 3, __ATOMIC_RELEASE);
    __atomic_store_n(byte, 4, __ATOMIC_RELEASE);
    return __atomic_load_n(wide + 1, __ATOMIC_ACQUIRE) + __atomic_load_n(word - 1, __ATOMIC_ACQUIRE)
        + __atomic_load_n(half, __ATOMIC_ACQUIRE) + __atomic_load_n(byte, __ATOMIC_ACQUIRE);
}
#endif
