/* 100 calls of a function of the program. */
typedef unsigned long long u64;

static u64 step(u64 value, u64 turn);

u64 run(const void *memory)
{
	u64 value = 1;

#pragma clang loop unroll(disable)
	for (u64 i = 0; i < 100; i++)
		value = step(value, i);
	return value;
}

static __attribute__((noinline)) u64 step(u64 value, u64 turn)
{
	return value * 31 + turn;
}
