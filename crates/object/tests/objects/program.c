// A program with everything that an object can refer to.
typedef unsigned int u32;
typedef unsigned long long u64;

#define SECTION(name) __attribute__((section(name), used))

struct map {
    int (*type)[2];
    u32 *key;
    u64 *value;
};

SECTION(".maps") struct map counters;
SECTION(".maps") struct map blocked;
SECTION("license") char licence[] = "Dual MIT/GPL";

const volatile u32 limit = 7;
static u64 seen[4];
u64 total = 1;

static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*loop)(u32 count, void *callback, void *context, u64 flags) = (void *)181;
extern u64 bpf_now(void) __attribute__((section(".ksyms")));
extern int maybe(u64) __attribute__((section(".ksyms"), weak));

__attribute__((noinline)) u64 shared(u64 a) {
    u64 x = a * 31;
    __asm__ volatile("" : "+r"(x));
    return x ^ limit;
}

static __attribute__((noinline)) u64 hidden(u64 a) {
    __asm__ volatile("" : "+r"(a));
    return a + total;
}

static long each(u32 index, void *context) {
    seen[index & 3] += *(u64 *)context;
    return 0;
}

SECTION("xdp") int first(void *context) {
    u32 key = 0;
    u64 *count = lookup(&counters, &key);
    if (count)
        __sync_fetch_and_add(count, shared(1) + hidden(2));
    return lookup(&blocked, &key) ? 1 : 2;
}

SECTION("xdp") int second(void *context) {
    u64 now = bpf_now();
    loop(4, each, &now, 0);
    return maybe ? maybe(now) : (int)seen[now & 3];
}
