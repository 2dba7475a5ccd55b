/* SPDX-License-Identifier: MIT */
/* CRC32C, eight bytes at a time ("slicing by 8", Kounavis and Berry, ISCC 2005): about 2 GB/s on any
 * processor. */
#include <dcpg/crc.h>

enum { SLICES = 8 };

/* of[s][b]: the effect of byte b with s bytes after it. */
typedef struct tables {
    uint32_t of[SLICES][256];
} tables;

static void make_tables(tables *t) {
    static const uint32_t polynomial = 0x82F63B78u; /* reflected */
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        t->of[0][b] = crc;
    }
    for (int s = 1; s < SLICES; s++)
        for (uint32_t b = 0; b < 256; b++)
            t->of[s][b] = t->of[s - 1][b] >> 8 ^ t->of[0][t->of[s - 1][b] & 255];
}

static uint32_t add_byte(const tables *t, uint32_t crc, unsigned char byte) {
    return crc >> 8 ^ t->of[0][(crc ^ byte) & 255];
}

static uint32_t add_eight(const tables *t, uint32_t crc, const unsigned char *p) {
    uint32_t first =
        crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
    return t->of[7][first & 255] ^ t->of[6][first >> 8 & 255] ^ t->of[5][first >> 16 & 255] ^
           t->of[4][first >> 24] ^ t->of[3][p[4]] ^ t->of[2][p[5]] ^ t->of[1][p[6]] ^ t->of[0][p[7]];
}

uint32_t dcpg_crc32c(uint32_t crc, const void *data, size_t bytes) {
    const unsigned char *p = data;
    tables t; /* 8 KB computed in about 10 us on every call: no global state, and calls are long or few */
    make_tables(&t);
    crc = ~crc;
    for (; bytes >= SLICES; bytes -= SLICES, p += SLICES) crc = add_eight(&t, crc, p);
    for (; bytes > 0; bytes--) crc = add_byte(&t, crc, *p++);
    return ~crc;
}
