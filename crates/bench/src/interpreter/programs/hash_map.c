/* The sum of 16 values of a hash map by 8-byte keys, 12 of which it has. */
typedef unsigned int u32;
typedef unsigned long long u64;

static void *(*map_lookup_elem)(const void *map, const void *key) = (void *)1;
extern char hash;

u64 run(const u64 *keys)
{
	u64 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 16; i++) {
		u64 key = keys[i];
		const u64 *value = map_lookup_elem(&hash, &key);

		if (value)
			sum += *value;
	}
	return sum;
}
