ldxw %r0, [%r1+99999]
ldxq %r0, [%r1]
jeq %r1, 0
lock add [%r1], 5
call %r12
exit exit
