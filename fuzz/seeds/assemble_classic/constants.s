lddw %r1, -1
lddw %r1, map[fd:3]
lddw %r1, map[idx:2]+8
lddw %r1, btf[id:7]
lddw %r1, subprog[+4]
ld_pseudo r1, 1, 3
