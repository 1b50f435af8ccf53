// Long branches, switches, loops, indirect calls and several sections, as larger programs have them.
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned char u8;

#define SECTION(name) __attribute__((section(name), used))

static u64 table[64];

__attribute__((noinline)) static u64 mix(u64 a, u64 b, u64 c) {
    a ^= b << 13 | b >> 51;
    b += c ^ a >> 7;
    return a * 0x9e3779b97f4a7c15ull + b;
}

SECTION("classifier") u64 parse(u8 *p, u8 *end) {
    u64 hash = 0;
    for (int i = 0; i < 64 && p + 4 <= end; i++) {
        switch (p[0]) {
        case 0: p += 1; continue;
        case 1: hash = mix(hash, p[1], p[2]); p += 3; break;
        case 2: hash += *(u32 *)(p + 1); p += 5; break;
        case 3: hash -= __builtin_bswap32(*(u32 *)(p + 1)); p += 5; break;
        case 4: hash ^= __builtin_bswap64(*(u64 *)(p + 1)); p += 9; break;
        case 5: hash /= p[1] + 1; p += 2; break;
        case 6: hash %= p[1] + 1; p += 2; break;
        case 7: return hash;
        default: table[p[0] & 63] += hash; p += 2;
        }
        __sync_fetch_and_add(&table[i], hash);
    }
    return hash;
}

SECTION("xdp") int apply(u64 (**functions)(u64), u64 *out, u32 n) {
    int negative = 0;
#pragma clang loop unroll(disable)
    for (u32 i = 0; i < n; i++) {
        out[i] = functions[i & 7](out[i]);
        negative += (long long)out[i] < 0;
    }
    return negative;
}

SECTION("xdp") u64 copy(u64 *to, const u64 *from) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 32; i++)
        to[i] = mix(from[i], from[31 - i], i);
    return to[0] + (u64)&table;
}
