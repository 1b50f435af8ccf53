/* The first of 100 rules that a packet matches: the last. */
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct packet {
	u32 source;
	u32 destination;
	u16 source_port;
	u16 destination_port;
	u32 protocol;
};

#define RULE(n)                                                      \
	if ((source & 0xffffff00) == 0x0a000000 + ((n) << 8) &&      \
	    protocol == 6 && port == 1000 + (n))                     \
		return (n) + 1;
#define RULES(n)                                                     \
	RULE(n) RULE(n + 1) RULE(n + 2) RULE(n + 3) RULE(n + 4)      \
	RULE(n + 5) RULE(n + 6) RULE(n + 7) RULE(n + 8) RULE(n + 9)

u64 run(const struct packet *packet)
{
	/* Opaque, so that the compiler makes no binary search of the rules. */
	u32 source = packet->source;
	u32 protocol = packet->protocol;
	u32 port = packet->destination_port;

#define KEEP asm volatile("" : "+r"(source), "+r"(port), "+r"(protocol));
	RULES(0) KEEP RULES(10) KEEP RULES(20) KEEP RULES(30) KEEP RULES(40) KEEP
	RULES(50) KEEP RULES(60) KEEP RULES(70) KEEP RULES(80) KEEP RULES(90)
	return 0;
}
