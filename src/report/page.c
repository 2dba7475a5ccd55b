/* SPDX-License-Identifier: MIT */
/* Pieces that the sections of the page are made of: headings, numbers, tables. */
#include "draw/markup.h"
#include "report/report_impl.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

int dcpg_page_fitting(const char *text, int most) {
    int n = (int)strnlen(text, (size_t)most);
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--; /* within a letter of several bytes */
    return n;
}

void dcpg_page_heading(FILE *out, int level, const char *id, const char *text) {
    fprintf(out, "<h%d id=\"%s\">", level, id);
    dcpg_draw_text(out, text);
    fprintf(out, "</h%d>\n", level);
}

char *dcpg_page_grouped(int64_t x, char text[REPORT_NUMBER]) {
    char digits[REPORT_NUMBER], *to = text;
    snprintf(digits, sizeof digits, "%" PRIu64, x < 0 ? -(uint64_t)x : (uint64_t)x);
    size_t n = strlen(digits);
    if (x < 0) *to++ = '-';
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

/* The number as it is read: whole numbers as they are, others from 100 on with one decimal, else with
 * 4, or with 2 digits where these would hide it. */
static void rounded(double value, const char *text, char shown[REPORT_NUMBER]) {
    int64_t whole, tenths;
    double size = fabs(value);
    if (size < 1e15 && dcpg_parse_int(text, &whole)) {
        dcpg_page_grouped(whole, shown);
    } else if (size >= 100 && size < 1e15) {
        tenths = llround(10 * size);
        dcpg_page_grouped(value < 0 ? -(tenths / 10) : tenths / 10, shown);
        snprintf(shown + strlen(shown), 4, ".%d", (int)(tenths % 10));
    } else {
        snprintf(shown, REPORT_NUMBER, size != 0 && (size < 1e-4 || size >= 1e15) ? "%.1e" : "%.4f", value);
    }
}

void dcpg_page_number(FILE *out, const char *text) {
    char shown[REPORT_NUMBER];
    double value;
    if (!text || !dcpg_parse_double(text, &value)) {
        fputs("<span class=\"none\" title=\"not defined\">\xE2\x80\x93</span>", out);
        return;
    }
    rounded(value, text, shown);
    fprintf(out, "<data value=\"%s\">%s</data>", text, shown);
}

void dcpg_page_cell(FILE *out, const char *text) {
    fputs("<td>", out);
    if (text && *text)
        dcpg_draw_text(out, text);
    else
        fputs("<span class=\"none\" title=\"not known\">\xE2\x80\x93</span>", out);
    fputs("</td>", out);
}

void dcpg_page_open_table(FILE *out, const char *id, const char *traits, const char *caption) {
    fprintf(out,
            "<div class=\"scroll%s\" role=\"region\" aria-labelledby=\"%s\" tabindex=\"0\">\n"
            "<table class=\"%s\"><caption id=\"%s\">",
            strstr(traits, "filtered") ? " tall" : "", id, traits, id);
    dcpg_draw_text(out, caption);
    fputs("</caption>\n", out);
}

void dcpg_page_close_table(FILE *out) { fputs("</table>\n</div>\n", out); }
