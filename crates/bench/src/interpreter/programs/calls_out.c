/* 100 calls of a helper. */
typedef unsigned int u32;
typedef unsigned long long u64;

static u32 (*get_smp_processor_id)(void) = (void *)8;

u64 run(const void *memory)
{
	u64 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 100; i++)
		sum += get_smp_processor_id() + i;
	return sum;
}
