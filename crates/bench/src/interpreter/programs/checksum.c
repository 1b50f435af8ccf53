/* The Internet checksum of 1,500 bytes (RFC 1071). */
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

u64 run(const u16 *words)
{
	u32 sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 750; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}
