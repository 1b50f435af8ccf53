r1 = 0x123456789abcdef ll
r1 = map[fd:3]
r1 = map[fd:3]+8
r1 = map[idx:2]
r1 = map[idx:2]+8
r1 = btf[id:7]
r1 = btf[id:7][fd:3]
r1 = subprog[+4]
