// Helpers, functions of the program, external symbols and data, packet loads.
typedef unsigned long long u64;

static u64 (*helper)(u64) = (void *)5;
static void *(*lookup)(void *map, const void *key) = (void *)1;
u64 load_byte(void *skb, u64 off) __asm__("llvm.bpf.load.byte");
u64 load_half(void *skb, u64 off) __asm__("llvm.bpf.load.half");
u64 load_word(void *skb, u64 off) __asm__("llvm.bpf.load.word");

u64 counter;
extern u64 elsewhere;

static __attribute__((noinline)) u64 callee(u64 a, u64 b) { return a * b + counter; }
u64 caller(u64 a) { return callee(a, 3) + callee(7, a) + elsewhere; }
u64 helpers(u64 a) {
    u64 *value = lookup(&counter, &a);
    return (value ? *value : 0) + helper(a);
}
u64 packet(void *skb, int at) {
    return load_byte(skb, 14) + load_half(skb, at) + load_word(skb, 0x7fffffff) + load_half(skb, -4);
}
