/* SPDX-License-Identifier: MIT */
/* Names of chromosomes: matching by three rules, and names that tell the chromosomes of a genome apart. */
#include <ctype.h>
#include <dcpg/chromo.h>
#include <dcpg/memory.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { AS_IT_STANDS, PLAIN, MITO, NB_RULE };

/* Applies `rule` to the name in place, except that M does not yet become MT. */
static void apply_rule(char *name, int rule) {
    if (rule == AS_IT_STANDS) return;
    for (char *p = name; *p; p++) *p = (char)toupper((unsigned char)*p);
    if (strncmp(name, "CHR", 3) == 0 && name[3]) memmove(name, name + 3, strlen(name + 3) + 1);
}

/* A copy of `raw` with `rule` applied; NULL when out of memory. dcpg_free. */
static char *copy_by_rule(const char *raw, int rule) {
    char *name = dcpg_strdup(raw);
    if (!name) return NULL;
    apply_rule(name, rule);
    if (rule != MITO || strcmp(name, "M") != 0) return name;
    dcpg_free(name);
    return dcpg_strdup("MT");
}

char *dcpg_chromo_name(const char *raw) { return copy_by_rule(raw, MITO); }

unsigned dcpg_chromo_mito(const char *raw) {
    if (strncasecmp(raw, "chr", 3) == 0 && raw[3]) raw += 3;
    return strcasecmp(raw, "M") == 0 ? DCPG_CHROMO_M : strcasecmp(raw, "MT") == 0 ? DCPG_CHROMO_MT : 0;
}

dcpg_status dcpg_chromo_fail_both(const char *where, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: holds both chrM and chrMT (or M and MT), which may be two chromosomes or one: give "
                     "the genome with --dna_files, whose names decide",
                     where);
}

bool dcpg_chromo_fits(const char *name, size_t width) {
    const char *end = memchr(name, '\0', width);
    size_t length = end ? (size_t)(end - name) : width;
    bool fits = length >= 1 && length <= DCPG_CHROMO_MAX;
    for (size_t i = 0; fits && i < length; i++) fits = (unsigned char)name[i] > ' ' && name[i] != 0x7f;
    return fits;
}

dcpg_status dcpg_chromos_add(dcpg_chromos *known, const char *raw, int64_t number, dcpg_err *err) {
    for (int rule = 0; rule < NB_RULE; rule++) {
        char *name = copy_by_rule(raw, rule);
        if (!name) return dcpg_fail_nomem(err, "a chromosome's name", strlen(raw) + 1);
        int64_t before = dcpg_map_get(&known->by_rule[rule], name, DCPG_CHROMO_ABSENT);
        if (before != DCPG_CHROMO_ABSENT && before != number) number = DCPG_CHROMO_UNCLEAR;
        dcpg_status status = dcpg_map_set(&known->by_rule[rule], name, number, err);
        dcpg_free(name);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

int64_t dcpg_chromos_find(const dcpg_chromos *known, const char *raw) {
    char name[1024];
    int64_t found = dcpg_map_get(&known->by_rule[AS_IT_STANDS], raw, DCPG_CHROMO_ABSENT);
    size_t length = strlen(raw);
    if (found != DCPG_CHROMO_ABSENT || length >= sizeof name) return found;
    memcpy(name, raw, length + 1);
    apply_rule(name, PLAIN);
    found = dcpg_map_get(&known->by_rule[PLAIN], name, DCPG_CHROMO_ABSENT);
    if (found != DCPG_CHROMO_ABSENT) return found;
    return dcpg_map_get(&known->by_rule[MITO], strcmp(name, "M") == 0 ? "MT" : name, DCPG_CHROMO_ABSENT);
}

/* Whether the rule makes both names the same. */
static bool same_by_rule(const char *a, const char *b, int rule) {
    char *x = copy_by_rule(a, rule), *y = copy_by_rule(b, rule);
    bool same = x && y && strcmp(x, y) == 0;
    dcpg_free(x);
    dcpg_free(y);
    return same;
}

int dcpg_chromo_same(const char *a, const char *b) {
    for (int rule = 0; rule < NB_RULE; rule++)
        if (same_by_rule(a, b, rule)) return rule + 1;
    return 0;
}

dcpg_status dcpg_chromos_fail_unclear(const dcpg_chromos *known, const char *where, const char *raw,
                                      const char *holder, dcpg_err *err) {
    const dcpg_map *names = &known->by_rule[AS_IT_STANDS];
    const char *fits[8];
    char text[256];
    size_t n = 0;
    for (int rule = PLAIN; rule < NB_RULE && n == 0; rule++)
        for (size_t i = 0; i < names->n && n < sizeof fits / sizeof *fits; i++)
            if (same_by_rule(dcpg_map_key(names, i), raw, rule)) fits[n++] = dcpg_map_key(names, i);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: chromosome %s may be any of %s of %s: write the name as it stands there", where,
                     raw, dcpg_chromos_some(fits, n, n, text, sizeof text), holder);
}

char *dcpg_chromos_some(const char *const *names, size_t given, size_t n, char *text, size_t size) {
    enum { REST = 40 }; /* bytes for the number of names left out */
    size_t used = 0, shown = 0;
    *text = '\0';
    for (; shown < given; shown++) {
        size_t length = strlen(names[shown]) + 2;
        if (used + length + (shown + 1 < n ? REST : 0) > size) break;
        used += (size_t)snprintf(text + used, size - used, "%s%s", shown ? ", " : "", names[shown]);
    }
    if (shown < n)
        snprintf(text + used, size - used, "%s(%zu%s)", shown ? ", ..., " : "", n - shown,
                 shown ? " more" : " of long names");
    return text;
}

void dcpg_chromos_free(dcpg_chromos *known) {
    for (int rule = 0; rule < NB_RULE; rule++) dcpg_map_free(&known->by_rule[rule]);
}

/* ---- names within a genome ---- */

/* Counts how many of raw[n] the rule turns into each name. */
static dcpg_status count_by_rule(const char *const *raw, size_t n, int rule, dcpg_map *count, dcpg_err *err) {
    for (size_t i = 0; i < n; i++) {
        char *name = copy_by_rule(raw[i], rule);
        dcpg_status status = name ? dcpg_map_set(count, name, dcpg_map_get(count, name, 0) + 1, err)
                                  : dcpg_fail_nomem(err, "a chromosome's name", strlen(raw[i]) + 1);
        dcpg_free(name);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* The name by the first of rules 3, 2 and 1 that gives it to no other; count[NB_RULE]. dcpg_free. */
static char *own_name(const char *raw, const dcpg_map *count) {
    for (int rule = MITO; rule > AS_IT_STANDS; rule--) {
        char *name = copy_by_rule(raw, rule);
        if (!name || dcpg_map_get(&count[rule], name, 0) == 1) return name;
        dcpg_free(name);
    }
    return dcpg_strdup(raw);
}

dcpg_status dcpg_chromos_rename(const char *const *raw, size_t n, dcpg_strings *names, dcpg_err *err) {
    dcpg_map count[NB_RULE] = {{0}}, seen = {0};
    dcpg_status status = DCPG_OK;
    for (int rule = PLAIN; rule < NB_RULE && status == DCPG_OK; rule++)
        status = count_by_rule(raw, n, rule, &count[rule], err);
    for (size_t i = 0; i < n && status == DCPG_OK; i++) {
        char *name = own_name(raw[i], count);
        int64_t other = name ? dcpg_map_get(&seen, name, -1) : -1;
        if (!name)
            status = dcpg_fail_nomem(err, "a chromosome's name", strlen(raw[i]) + 1);
        else if (other >= 0)
            status = dcpg_fail(err, DCPG_E_INPUT,
                               "the genome's sequences %s and %s would both be called %s: rename one",
                               raw[other], raw[i], name);
        if (status == DCPG_OK) status = dcpg_map_set(&seen, name, (int64_t)i, err);
        if (status == DCPG_OK) status = dcpg_strings_add(names, name, err);
        dcpg_free(name);
    }
    for (int rule = 0; rule < NB_RULE; rule++) dcpg_map_free(&count[rule]);
    dcpg_map_free(&seen);
    return status;
}
