/* SipHash-2-4 of 256 bytes under a key of 16 (Aumasson and Bernstein, 2012). */
typedef unsigned long long u64;

#define WORDS 32

static u64 rotate(u64 value, int bits)
{
	return value << bits | value >> (64 - bits);
}

#define ROUND                                                         \
	do {                                                          \
		a += b, b = rotate(b, 13) ^ a, a = rotate(a, 32);     \
		c += d, d = rotate(d, 16) ^ c;                        \
		a += d, d = rotate(d, 21) ^ a;                        \
		c += b, b = rotate(b, 17) ^ c, c = rotate(c, 32);     \
	} while (0)

u64 run(const u64 *memory)
{
	u64 first = memory[0], second = memory[1];
	const u64 *words = memory + 2;
	u64 a = first ^ 0x736f6d6570736575ull;
	u64 b = second ^ 0x646f72616e646f6dull;
	u64 c = first ^ 0x6c7967656e657261ull;
	u64 d = second ^ 0x7465646279746573ull;

#pragma clang loop unroll(disable)
	for (int i = 0; i <= WORDS; i++) {
		u64 word = i < WORDS ? words[i] : (u64)(WORDS * 8) << 56;

		d ^= word;
		ROUND;
		ROUND;
		a ^= word;
	}
	c ^= 0xff;
	ROUND;
	ROUND;
	ROUND;
	ROUND;
	return a ^ b ^ c ^ d;
}
