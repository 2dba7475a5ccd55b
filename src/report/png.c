/* SPDX-License-Identifier: MIT */
/* Pictures of pixels as PNG (RFC 2083), with a palette and one transparent colour, in a data URI. */
#include "report/report_impl.h"

#include <dcpg/memory.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

/* Bytes of a PNG so far; there is space for all of them. */
typedef struct bytes {
    uint8_t *v;
    size_t n;
} bytes;

static void put(bytes *b, const void *from, size_t n) {
    if (n) memcpy(b->v + b->n, from, n);
    b->n += n;
}

static void put_u32(bytes *b, uint32_t x) {
    const uint8_t big[4] = {(uint8_t)(x >> 24), (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x};
    put(b, big, sizeof big);
}

static void put_chunk(bytes *b, const char type[5], const void *content, size_t n) {
    put_u32(b, (uint32_t)n);
    size_t from = b->n;
    put(b, type, 4);
    put(b, content, n);
    put_u32(b, (uint32_t)crc32(crc32(0, NULL, 0), b->v + from, (uInt)(n + 4)));
}

static void put_head(bytes *b, const report_pixels *p) {
    uint8_t content[13];
    bytes head = {content, 0};
    put_u32(&head, (uint32_t)p->width);
    put_u32(&head, (uint32_t)p->height);
    put(&head, "\x08\x03\x00\x00\x00", 5); /* 8 bits of a palette; deflate, no interlacing */
    put(b, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(b, "IHDR", content, sizeof content);
    put_chunk(b, "PLTE", p->colour, 3 * (size_t)p->nb_colour);
    put_chunk(b, "tRNS", "", 1);
}

/* The rows, each after a 0: no filter. NULL: out of memory. */
static uint8_t *filtered(const report_pixels *p) {
    size_t width = (size_t)p->width;
    uint8_t *rows = dcpg_alloc((size_t)p->height, width + 1);
    for (size_t y = 0; rows && y < (size_t)p->height; y++)
        memcpy(rows + y * (width + 1) + 1, p->pixel + y * width, width);
    return rows;
}

dcpg_status dcpg_report_png(FILE *out, const report_pixels *p, dcpg_err *err) {
    size_t raw = (size_t)p->height * ((size_t)p->width + 1);
    uLongf packed = compressBound((uLong)raw);
    uint8_t *rows = filtered(p), *data = dcpg_alloc(packed, 1), *file = dcpg_alloc(packed + 4096, 1);
    bytes b = {file, 0};
    bool fine = rows && data && file && compress2(data, &packed, rows, (uLong)raw, 9) == Z_OK;
    if (fine) {
        put_head(&b, p);
        put_chunk(&b, "IDAT", data, packed);
        put_chunk(&b, "IEND", "", 0);
        fputs("data:image/png;base64,", out);
        dcpg_report_base64(out, b.v, b.n);
    }
    dcpg_free(rows);
    dcpg_free(data);
    dcpg_free(file);
    return fine ? DCPG_OK : dcpg_fail_nomem(err, "a picture", raw);
}

void dcpg_report_base64(FILE *out, const uint8_t *v, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t x = (uint32_t)v[i] << 16;
        if (i + 1 < n) x |= (uint32_t)v[i + 1] << 8;
        if (i + 2 < n) x |= v[i + 2];
        const char text[4] = {digit[x >> 18], digit[x >> 12 & 63], i + 1 < n ? digit[x >> 6 & 63] : '=',
                              i + 2 < n ? digit[x & 63] : '='};
        fwrite(text, 1, sizeof text, out);
    }
}
