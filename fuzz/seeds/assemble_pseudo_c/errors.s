r11 = 0
r1 = *(u32 *)(r1 + 40000)
goto nowhere
if r1 s> 5 goto +99999
call 99999999999999
3: exit
l: l: exit
r0 = = 1
