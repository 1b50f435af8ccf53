/* Picks a server for a TCP or UDP packet to a virtual address and counts the packet. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

static void *(*map_lookup_elem)(const void *map, const void *key) = (void *)1;
extern char services, servers, counters;

struct service_key {
	u32 address;
	u16 port;
	u16 protocol;
};

struct service {
	u32 first;
	u32 servers;
};

struct server {
	u32 address;
	u32 weight;
};

struct counter {
	u64 packets;
	u64 bytes;
};

#define FRAME_BYTES 60

static u32 mix(u32 a, u32 b)
{
	a ^= b;
	a *= 0x9e3779b1;
	return a ^ a >> 15;
}

u64 run(const u8 *frame)
{
	const u8 *end = frame + FRAME_BYTES;
	const u8 *header = frame + 14;

	if (*(const u16 *)(frame + 12) != 8 || header + 24 > end || header[0] != 0x45)
		return 1;
	u8 protocol = header[9];
	if (protocol != 6 && protocol != 17)
		return 2;
	u32 source = *(const u32 *)(header + 12);
	struct service_key key = {
		.address = *(const u32 *)(header + 16),
		.port = *(const u16 *)(header + 22),
		.protocol = protocol,
	};
	const struct service *service = map_lookup_elem(&services, &key);
	if (!service || !service->servers)
		return 3;
	u32 hash = mix(mix(mix(source, key.address), *(const u32 *)(header + 20)), protocol);
	u32 index = service->first + hash % service->servers;
	const struct server *server = map_lookup_elem(&servers, &index);
	if (!server)
		return 4;
	struct counter *counter = map_lookup_elem(&counters, &index);
	if (!counter)
		return 5;
	counter->packets++;
	counter->bytes += FRAME_BYTES;
	return (u64)server->address << 8 | server->weight;
}
