/* Sums the fields of 16 packed records, each of which the compiler reads byte by byte. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct record {
	u8 kind;
	u32 address;
	u16 port;
	u64 bytes;
	u8 flags;
} __attribute__((packed));

u64 run(const struct record *records)
{
	u64 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 16; i++) {
		const struct record *record = &records[i];

		sum += record->kind ^ record->address;
		sum ^= (u64)record->port << 7;
		sum += record->bytes;
		sum ^= record->flags;
	}
	return sum;
}
