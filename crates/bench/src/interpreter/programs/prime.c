/* How many of 64 numbers are prime, by trial division. */
typedef unsigned int u32;
typedef unsigned long long u64;

u64 run(const u32 *candidates)
{
	u64 primes = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 64; i++) {
		u32 candidate = candidates[i];
		u32 divisor = 2;

#pragma clang loop unroll(disable)
		while (divisor * divisor <= candidate && candidate % divisor)
			divisor++;
		primes += candidate > 1 && divisor * divisor > candidate;
	}
	return primes;
}
