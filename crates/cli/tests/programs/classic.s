# Mnemonics, as bpf_conformance and ubpf have them.
    mov32 %r0, 0
    lddw %r1, 0x1122334455667788
    stxdw [%r10-8], %r1
    ldxsb %r2, [%r10-5]
    lock fetch add [%r10-8], %r2
    jslt32 %r2, 0, exit
    swap16 %r0
    call local twice
    exit
twice:
    lsh %r0, 1
    exit
