// A program with labels, comments and both kinds of calls.
start:
	r6 = r1 ; r0 = 0   # two statements
loop: if r6 == 0 goto done
	r6 += -1; w0 ^= 0xff
	call helper
	goto loop
done:
	/* the end */ exit
helper:
	r1 = -9223372036854775808 ll
	call 5
	exit
