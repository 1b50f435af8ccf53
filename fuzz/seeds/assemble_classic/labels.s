# A counted loop with labels.
    mov %r0, 0
    mov32 %r1, 10
loop:
    add %r0, %r1
    sub %r1, 1
    jne %r1, 0, loop
    lddw %r2, 0x1122334455667788
    ja exit
    call local helper
helper:
    be64 %r0
    exit
