   0: (b7) r1 = 0
   1: (7b) *(u64 *)(r10 -8) = r1
   2: (18) r2 = 0x1122334455667788
   4: (55) if r1 != 0x0 goto pc+1
   5: (85) call bpf_ktime_get_ns#5
   6: (95) exit
