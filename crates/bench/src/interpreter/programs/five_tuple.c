/* Addresses, ports and protocol of a frame: Ethernet, at most two VLAN tags, IPv4 with options. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define FRAME_BYTES 82

static u16 swap(u16 word)
{
	return word << 8 | word >> 8;
}

u64 run(const u8 *frame)
{
	const u8 *end = frame + FRAME_BYTES;
	const u8 *at = frame + 14;
	u16 type = swap(*(const u16 *)(frame + 12));

	for (int tag = 0; tag < 2; tag++) {
		if (type != 0x8100 && type != 0x88a8)
			break;
		if (at + 4 > end)
			return 1;
		type = swap(*(const u16 *)(at + 2));
		at += 4;
	}
	if (type != 0x0800)
		return 2;
	if (at + 20 > end || at[0] >> 4 != 4)
		return 3;
	u32 header = (at[0] & 15) * 4;
	if (header < 20 || at + header + 4 > end)
		return 4;
	if (swap(*(const u16 *)(at + 6)) & 0x1fff)
		return 5;
	u8 protocol = at[9];
	u32 source = *(const u32 *)(at + 12);
	u32 destination = *(const u32 *)(at + 16);
	const u8 *next = at + header;
	if (protocol != 6 && protocol != 17)
		return 6;
	u16 source_port = swap(*(const u16 *)next);
	u16 destination_port = swap(*(const u16 *)(next + 2));
	u64 ports = (u64)source_port << 16 | destination_port;

	return ((u64)source << 32 | destination) ^ ports << 8 ^ protocol;
}
