start: r0 = 1
  exxit
    r0 = w11
grüße: r2 = 0x1ffffffff
  if r1 > r2 goto nowhere
  call bpf_no_such_helper
start: r0 += 010
  *(u8 *)(r1 + 70000) = 1
