/* Copies 256 bytes to the stack, one by one, and counts the bytes that are equal to the next one. */
typedef unsigned char u8;
typedef unsigned long long u64;

#define BYTES 256

u64 run(const u8 *from)
{
	u8 copy[BYTES];
	u64 equal = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < BYTES; i++) {
		copy[i] = from[i];
		asm volatile("" ::: "memory");
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i < BYTES; i++) {
		if (copy[i] != from[i])
			return 0;
		equal += copy[i] == copy[(i + 1) % BYTES];
	}
	return equal;
}
