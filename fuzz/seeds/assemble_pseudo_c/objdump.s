       0:	r1 = 0x0
       1:	*(u64 *)(r10 - 0x8) = r1
       2:	if r1 != 0x0 goto +0x1 <LBB0_2>
       3:	call 0x5
       4:	exit
