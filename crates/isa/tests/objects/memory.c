// Loads and stores of each size at positive and negative offsets, constants stored, stack, copies.
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

struct record {
    u8 byte;
    u16 half;
    u32 word;
    u64 wide;
    signed char signed_byte;
    short signed_half;
    int signed_word;
    u8 tail[40];
};

u64 load(struct record *r) { return r[-1].byte + r[2].half + r[-3].word + r->wide; }
long load_signed(struct record *r) { return r->signed_byte + r->signed_half + r[-2].signed_word; }
void store(struct record *r, u64 value) {
    r->byte = value;
    r->half = value;
    r[-1].word = value;
    r[1].wide = value;
}
void store_constants(struct record *r) {
    r->byte = 0xff;
    r->half = 0x8000;
    r->word = 0xfffffffe;
    r->wide = -1;
    r[-1].wide = 0x7fffffff;
}
void copy(struct record *to, const struct record *from) { __builtin_memcpy(to, from, sizeof *to); }

void touch(u64 *p);
u64 stack(u64 a) {
    volatile u64 local[8] = {a, 2, 3};
    touch((u64 *)local);
    return local[5];
}
