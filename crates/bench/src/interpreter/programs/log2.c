/* The sum of the integer logarithms of 256 64-bit numbers, by halving. */
typedef unsigned long long u64;

u64 run(const u64 *numbers)
{
	u64 sum = 0;

	for (int i = 0; i < 256; i++) {
		u64 value = numbers[i];
		u64 log = 0;

#pragma clang loop unroll(disable)
		while (value > 1) {
			value >>= 1;
			log++;
		}
		sum += log;
	}
	return sum;
}
