/* SPDX-License-Identifier: MIT */
/* Reads BED files into sorted intervals by chromosome. */
#include "genome/bed.h"
#include "text/text_reader.h"
#include <dcpg/genome.h>
#include <dcpg/memory.h>
#include <dcpg/text.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void dcpg_bed_free(dcpg_bed *bed) {
    for (int64_t c = 0; c < bed->nb_chromo; c++) {
        dcpg_free(bed->chromo[c].chromo);
        dcpg_free(bed->chromo[c].v);
    }
    dcpg_free(bed->chromo);
    dcpg_map_free(&bed->number);
    *bed = (dcpg_bed){0};
}

/* Finds the chromosome called `name`, or adds it. */
static dcpg_status find_chromo(dcpg_bed *bed, const char *name, dcpg_bed_chromo **chromo, dcpg_err *err) {
    int64_t k = dcpg_map_get(&bed->number, name, -1);
    if (k < 0) {
        if (bed->nb_chromo == bed->capacity) {
            int64_t capacity = bed->capacity > 0 ? 2 * bed->capacity : 32;
            dcpg_bed_chromo *grown =
                dcpg_realloc(bed->chromo, (size_t)bed->nb_chromo, (size_t)capacity, sizeof *grown);
            if (!grown) return dcpg_fail_nomem(err, "chromosomes", (size_t)capacity * sizeof *grown);
            bed->chromo = grown;
            bed->capacity = capacity;
        }
        char *copy = dcpg_strdup(name);
        if (!copy) return dcpg_fail_nomem(err, "a chromosome's name", strlen(name) + 1);
        k = bed->nb_chromo++;
        bed->chromo[k].chromo = copy;
        DCPG_TRY(dcpg_map_set(&bed->number, name, k, err));
    }
    *chromo = &bed->chromo[k];
    return DCPG_OK;
}

static dcpg_status add_interval(dcpg_bed *bed, const char *raw, dcpg_interval interval, dcpg_err *err) {
    dcpg_bed_chromo *c = NULL;
    DCPG_TRY(find_chromo(bed, raw, &c, err));
    if (c->n == c->capacity) {
        int64_t capacity = c->capacity ? 2 * c->capacity : 16;
        dcpg_interval *grown = dcpg_realloc(c->v, (size_t)c->n, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "intervals", (size_t)capacity * sizeof *grown);
        c->v = grown;
        c->capacity = capacity;
    }
    c->v[c->n++] = interval;
    return DCPG_OK;
}

static bool is_data(const char *first) {
    return first && *first != '#' && strcmp(first, "track") != 0 && strcmp(first, "browser") != 0;
}

dcpg_bed_kind dcpg_bed_split(char *text, dcpg_bed_line *line) {
    static const char blank[] = " \t";
    char *rest = NULL;
    int64_t start, end;
    *line = (dcpg_bed_line){.chromo = strtok_r(text, blank, &rest)};
    if (!is_data(line->chromo)) return DCPG_BED_NOTHING;
    line->first = strtok_r(NULL, blank, &rest);
    line->last = line->first ? strtok_r(NULL, blank, &rest) : NULL;
    bool fine = line->last && dcpg_parse_int(line->first, &start) && dcpg_parse_int(line->last, &end) &&
                start >= 0 && start <= end && end <= DCPG_MAX_LENGTH;
    if (!fine) return DCPG_BED_WRONG;
    line->start = (int32_t)start;
    line->end = (int32_t)end;
    return DCPG_BED_INTERVAL;
}

static dcpg_status read_line(dcpg_bed *bed, const dcpg_text_reader *text, char *line, dcpg_err *err) {
    dcpg_bed_line fields;
    dcpg_bed_kind kind = dcpg_bed_split(line, &fields);
    if (kind == DCPG_BED_NOTHING) return DCPG_OK;
    bool letter = fields.first && ((*fields.first | 32) >= 'a' && (*fields.first | 32) <= 'z');
    if (letter && bed->nb_chromo == 0 && !bed->named) { /* a first line of column names */
        bed->named = true;
        return DCPG_OK;
    }
    if (kind == DCPG_BED_INTERVAL)
        return add_interval(bed, fields.chromo, (dcpg_interval){fields.start, fields.end}, err);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64 ": no interval: a line of BED holds a chromosome, a start of 0 or "
                     "more and an end that is not before it",
                     dcpg_text_path(text), dcpg_text_line_number(text));
}

static int by_start(const void *a, const void *b) {
    const dcpg_interval *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static void join_overlapping(dcpg_bed_chromo *c) {
    int64_t n = 0;
    qsort(c->v, (size_t)c->n, sizeof *c->v, by_start);
    for (int64_t i = 0; i < c->n; i++) {
        if (n == 0 || c->v[i].start > c->v[n - 1].end)
            c->v[n++] = c->v[i];
        else if (c->v[i].end > c->v[n - 1].end)
            c->v[n - 1].end = c->v[i].end;
    }
    c->n = n;
}

dcpg_status dcpg_bed_read(const char *path, dcpg_bed *bed, dcpg_err *err) {
    dcpg_text_reader *text = NULL;
    char *line = NULL;
    *bed = (dcpg_bed){0};
    DCPG_TRY(dcpg_text_open(path, &text, err));
    dcpg_status status = dcpg_text_line(text, &line, err);
    while (status == DCPG_OK && line) {
        status = read_line(bed, text, line, err);
        if (status == DCPG_OK) status = dcpg_text_line(text, &line, err);
    }
    dcpg_text_close(text);
    for (int64_t c = 0; c < bed->nb_chromo && status == DCPG_OK; c++) join_overlapping(&bed->chromo[c]);
    return status;
}
