add %r1, 5
arsh32 %r1, %r2
sdiv %r1, %r2
smod32 %r1, -3
mov %r1, -1
mov32 %r1, %r2
movsx864 %r1, %r2
movsx3264 %r1, %r2
movsx1632 %r1, %r2
neg32 %r3
be16 %r1
le64 %r1
swap32 %r1
addr_space_cast %r1, %r2, 0, 1
addr_percpu %r1, %r2
lddw %r1, 0xffffffffffffffff
ldxw %r0, [%r1+4]
ldxdw %r0, [%r10-8]
ldxsh %r0, [%r1]
stxb [%r1+4], %r2
stdw [%r10-8], -1
lock add [%r1], %r2
lock xor32 [%r1+8], %r2
lock fetch and [%r1+8], %r2
lock fetch or32 [%r1+8], %r2
lock xchg [%r1-8], %r2
lock xchg32 [%r1], %r2
lock cmpxchg [%r1+8], %r2
lock cmpxchg32 [%r1+8], %r2
ldacqh %r1, [%r2+8]
streldw [%r1-8], %r2
ldabsb 14
ldindh %r6, 0
ldindw %r6, -4
ja +3
ja -1
ja32 +70000
jax %r3
may_goto +5
jsgt %r1, 5, +3
jne32 %r1, -1, -2
jset %r1, %r2, +0
call 1
call local +12
call runtime 7
callx %r3
exit
