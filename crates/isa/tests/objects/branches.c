// Conditions of both signs and widths, loops, a switch.
typedef unsigned long long u64;
typedef unsigned int u32;

void hit(int which);

#define CONDITIONS(T, name)                                                                        \
    void name(T a, T b) {                                                                          \
        if (a == b) hit(1);                                                                        \
        if (a != 5) hit(2);                                                                        \
        if (a > b) hit(3);                                                                         \
        if (a >= b) hit(4);                                                                        \
        if (a < b) hit(5);                                                                         \
        if (a <= 77) hit(6);                                                                       \
        if (a > (T)-3) hit(7);                                                                     \
        if (a & 0x40) hit(8);                                                                      \
        if (a & b) hit(9);                                                                         \
    }

CONDITIONS(u64, unsigned_wide)
CONDITIONS(long, signed_wide)
CONDITIONS(u32, unsigned_narrow)
CONDITIONS(int, signed_narrow)

u64 loop(u64 n) {
    u64 sum = 0;
#pragma clang loop unroll(disable)
    for (u64 i = 0; i < n; i++) sum += sum * i + 1;
    return sum;
}

int choose(int n, int a) {
    switch (n) {
    case 0: return a + 1;
    case 1: return a * 7;
    case 2: return a ^ 3;
    case 3: return a << 2;
    case 9: return a - 100;
    case 10: return a | 64;
    default: return 0;
    }
}
