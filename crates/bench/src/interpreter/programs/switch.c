/* A byte machine of 64 instructions over 256 bytes. */
typedef unsigned char u8;
typedef unsigned long long u64;

#define CASE(n)                                                            \
	case n:                                                            \
		state = (n) % 4 == 0 ? state + (n) * 3                     \
		      : (n) % 4 == 1 ? state ^ (n) << 5                    \
		      : (n) % 4 == 2 ? state - (n) * 7                     \
				     : state * ((n) | 1);                  \
		break;
#define CASES(n)                                                           \
	CASE(n) CASE(n + 1) CASE(n + 2) CASE(n + 3) CASE(n + 4)            \
	CASE(n + 5) CASE(n + 6) CASE(n + 7)

u64 run(const u8 *code)
{
	u64 state = 1;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 256; i++) {
		switch (code[i] & 63) {
			CASES(0) CASES(8) CASES(16) CASES(24)
			CASES(32) CASES(40) CASES(48) CASES(56)
		}
	}
	return state;
}
