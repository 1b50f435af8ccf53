/* The thousandth Fibonacci number, modulo 2^64. */
typedef unsigned long long u64;

u64 run(const void *memory)
{
	u64 now = 0, next = 1;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 1000; i++) {
		u64 sum = now + next;

		now = next;
		next = sum;
	}
	return now;
}
