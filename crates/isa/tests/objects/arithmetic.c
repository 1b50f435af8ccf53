// Every arithmetic operator at 32 and 64 bits, signed and unsigned, by registers and constants.
typedef unsigned long long u64;
typedef long long s64;
typedef unsigned int u32;
typedef int s32;

#define UNSIGNED_OPS(T, name)                                                                      \
    T name##_registers(T a, T b) {                                                                 \
        T c = a * b + (a / (b | 1)) - (a % (b | 1));                                               \
        c ^= a & b;                                                                                \
        c |= a >> (b & 15);                                                                        \
        return c << (b & 7);                                                                       \
    }                                                                                              \
    T name##_constants(T a) {                                                                      \
        T c = a * 1234567 + a / 10 - a % 7;                                                        \
        c ^= a & 0x7f00ff;                                                                         \
        c |= a >> 3;                                                                               \
        return (c << 5) ^ (T)-2;                                                                   \
    }

UNSIGNED_OPS(u64, wide)
UNSIGNED_OPS(u32, narrow)

s64 negate(s64 a, s32 b) { return -a + (s32)-b; }
s64 shift(s64 a, s32 b) { return (a >> 7) + (a >> (b & 63)) + (b >> 3) + (b >> (b & 31)); }
s64 extend(signed char a, short b, s32 c) { return (s64)a + b + c; }
s32 extend_narrow(signed char a, short b) { return a * b; }
u64 constants(int n) {
    u64 c = n ? 0xffffffff00000000ull : 0x100000000ull;
    return c + 0x7fffffffffffffffull + (n == 3 ? 0x80000000ull : 0xffffffffull);
}
u64 orders(u64 a, u32 b, unsigned short c) {
    return __builtin_bswap64(a) + __builtin_bswap32(b) + __builtin_bswap16(c);
}

#if __BPF_CPU_VERSION__ >= 4
s64 signed_wide(s64 a, s64 b) { return a / b + a % b + a / 10 + a % -7; }
s32 signed_narrow(s32 a, s32 b) { return a / b + a % b + a / 10 + a % -7; }
#endif
