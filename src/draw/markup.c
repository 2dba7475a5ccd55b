/* SPDX-License-Identifier: MIT */
/* Escapes text of others for HTML and SVG. */
#include "draw/markup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What stands for a byte that cannot be shown. */
static const char unknown[] = "\xEF\xBF\xBD";

static bool follows(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

size_t dcpg_draw_letter(const char *text) {
    unsigned char first = (unsigned char)*text;
    size_t n = first < 0x80   ? 1
               : first < 0xC2 ? 0
               : first < 0xE0 ? 2
               : first < 0xF0 ? 3
               : first < 0xF5 ? 4
                              : 0;
    if (n == 1) return (first >= ' ' && first != 0x7F) || first == '\t' || first == '\n';
    uint32_t code = n ? first & (0x7FU >> n) : 0;
    for (size_t i = 1; i < n; i++) {
        if (!follows(text[i])) return 0;
        code = code << 6 | ((unsigned char)text[i] & 0x3FU);
    }
    bool twice = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000); /* a shorter form exists */
    bool allowed = code >= 0xA0 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) && code < 0xFFFE;
    if (n == 4) allowed = code <= 0x10FFFF && (code & 0xFFFE) != 0xFFFE;
    return allowed && !twice ? n : 0;
}

/* Writes the letter at `text`; returns the bytes that it takes there. */
static size_t put_letter(FILE *out, const char *text) {
    static const char special[] = "&<>\"'";
    static const char *const entity[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    const char *found = strchr(special, *text);
    size_t n = dcpg_draw_letter(text);
    if (found)
        fputs(entity[found - special], out);
    else if (n)
        fwrite(text, 1, n, out);
    else
        fputs(unknown, out);
    return n ? n : 1;
}

void dcpg_draw_text(FILE *out, const char *text) {
    while (*text) text += put_letter(out, text);
}

size_t dcpg_draw_letters(const char *text) {
    size_t letters = 0;
    for (; *text; letters++) {
        size_t n = dcpg_draw_letter(text);
        text += n ? n : 1;
    }
    return letters;
}

void dcpg_draw_short_text(FILE *out, const char *text, size_t most) {
    bool whole = dcpg_draw_letters(text) <= most;
    for (size_t i = 0; *text && (whole || i + 1 < most); i++) text += put_letter(out, text);
    if (!whole) fputs("\xE2\x80\xA6", out);
}
