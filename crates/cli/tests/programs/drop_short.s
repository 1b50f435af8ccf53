# Drops what is shorter than 60 bytes, and counts how often it asked for the time.
.section xdp
drop_short:
    r2 = *(u32 *)(r1 + 0)       // data
    r3 = *(u32 *)(r1 + 4)       // data_end
    r3 -= r2
    if r3 < 60 goto drop
    call bpf_ktime_get_ns
    r1 = 0x123456789 ll
    w1 ^= w0
    lock *(u32 *)(r10 - 8) += w1
    r0 = 2; exit
drop:
    r0 = 1
    exit
