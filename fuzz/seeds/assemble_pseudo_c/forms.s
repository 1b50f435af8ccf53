r1 += 5
w1 s>>= w2
r1 s/= r2
w1 s%= -3
r1 = -1
w1 = w2
r1 = (s8)r2
r1 = (s32)r2
w1 = (s16)w2
w3 = -w3
r1 = be16 r1
r1 = le64 r1
r1 = bswap32 r1
r1 = addr_space_cast(r2, 0, 1)
r1 = &(void __percpu *)(r2)
r1 = 0xffffffffffffffff ll
r0 = *(u32 *)(r1 + 4)
r0 = *(u64 *)(r10 - 8)
r0 = *(s16 *)(r1 + 0)
*(u8 *)(r1 + 4) = r2
*(u64 *)(r10 - 8) = -1
lock *(u64 *)(r1 + 0) += r2
lock *(u32 *)(r1 + 8) ^= w2
r2 = atomic_fetch_and((u64 *)(r1 + 8), r2)
w2 = atomic_fetch_or((u32 *)(r1 + 8), w2)
r2 = xchg_64(r1 - 8, r2)
w2 = xchg32_32(r1 + 0, w2)
r0 = cmpxchg_64(r1 + 8, r0, r2)
w0 = cmpxchg32_32(r1 + 8, w0, w2)
w1 = load_acquire((u16 *)(r2 + 8))
store_release((u64 *)(r1 - 8), r2)
r0 = *(u8 *)skb[14]
r0 = *(u16 *)skb[r6]
r0 = *(u32 *)skb[r6 + -4]
goto +3
goto -1
gotol +70000
gotox r3
may_goto +5
if r1 s> 5 goto +3
if w1 != -1 goto -2
if r1 & r2 goto +0
call 1
call pc+12
call kernel-function#7
callx r3
exit
