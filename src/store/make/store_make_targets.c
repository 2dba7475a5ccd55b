/* SPDX-License-Identifier: MIT */
/* Making a store: reads the target sites of --pos_file and checks them against the genome, as is done for
 * profiles. */
#include "store/make/make_impl.h"
#include "text/text_reader.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct target {
    int64_t chromo; /* index into targets.chromo */
    int32_t pos;
} target;

typedef struct targets {
    const char *path;
    dcpg_map known;                /* names as written in the file -> their place in `chromo` */
    dcpg_strings chromo;           /* their names in the store, in the order of `known` */
    const dcpg_cg_chromo **genome; /* [known.n] NULL: no genome, or not part of it */
    target *v;
    size_t n, capacity;
    size_t nb_bed; /* lines with start and end one or two bases apart */
} targets;

/* ---- reading ---- */

static dcpg_status add_target(targets *t, const char *raw, int32_t pos, dcpg_err *err) {
    if (t->n == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 4096;
        target *grown = dcpg_realloc(t->v, t->n, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "target sites", capacity * sizeof *grown);
        t->v = grown;
        t->capacity = capacity;
    }
    int64_t chromo = dcpg_map_get(&t->known, raw, (int64_t)t->known.n);
    if (chromo == (int64_t)t->known.n) DCPG_TRY(dcpg_map_set(&t->known, raw, chromo, err));
    t->v[t->n++] = (target){chromo, pos};
    return DCPG_OK;
}

/* False for comments, lines for genome browsers, and a header line. */
static bool is_data(const targets *t, const char *chromo, const char *word) {
    if (!chromo || *chromo == '#') return false;
    if (strcmp(chromo, "track") == 0 || strcmp(chromo, "browser") == 0) return false;
    bool letter = word && ((*word | 32) >= 'a' && (*word | 32) <= 'z');
    return t->n > 0 || !letter;
}

/* Reads "chromo pos ..." or "chromo start end ...", separated by blanks or tabs. */
static dcpg_status read_target(targets *t, const dcpg_text_reader *text, char *line, dcpg_err *err) {
    static const char blank[] = " \t";
    char *rest = NULL, *chromo = strtok_r(line, blank, &rest);
    const char *word = chromo ? strtok_r(NULL, blank, &rest) : NULL,
               *last = word ? strtok_r(NULL, blank, &rest) : NULL;
    if (!is_data(t, chromo, word)) return DCPG_OK;
    int64_t pos = 0, end = 0;
    bool fine = word && dcpg_parse_int(word, &pos) && pos < INT32_MAX;
    bool bed = fine && last && dcpg_parse_int(last, &end) && (end - pos == 1 || end - pos == 2) && pos >= 0;
    if (fine && (pos >= 1 || bed)) {
        t->nb_bed += bed;
        return add_target(t, chromo, (int32_t)pos, err);
    }
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64
                     ": '%s' is no position: a line holds a chromosome and a position, the first "
                     "being 1, or, as in BED, start and end of a CpG, the first base being 0",
                     t->path, dcpg_text_line_number(text), word ? word : "");
}

static dcpg_status read_lines(targets *t, dcpg_err *err) {
    dcpg_text_reader *text = NULL;
    char *line = NULL;
    DCPG_TRY(dcpg_text_open(t->path, &text, err));
    dcpg_status status = dcpg_text_line(text, &line, err);
    while (status == DCPG_OK && line) {
        status = read_target(t, text, line, err);
        if (status == DCPG_OK) status = dcpg_text_line(text, &line, err);
    }
    dcpg_text_close(text);
    if (status == DCPG_OK && t->n == 0)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: holds no positions", t->path);
    return status;
}

/* The file is BED, with 0-based positions, if every line can be BED. */
static bool is_bed(const targets *t) { return t->nb_bed == t->n; }

static dcpg_status start_at_1(targets *t, dcpg_err *err) {
    for (size_t i = 0; i < t->n; i++) {
        t->v[i].pos += is_bed(t);
        if (t->v[i].pos < 1)
            return dcpg_fail(
                err, DCPG_E_INPUT,
                "%s: holds position 0, though not every line is start and end of a CpG as in BED: the "
                "first base of a chromosome is 1",
                t->path);
    }
    return DCPG_OK;
}

/* ---- chromosomes ---- */

/* Finds the store's name for each chromosome of the file; unwanted ones get the name "". */
static dcpg_status name_chromos(making *m, targets *t, dcpg_err *err) {
    const dcpg_cg_map *map = has_genome(m) ? &m->genome.map : NULL;
    t->genome = dcpg_alloc(t->known.n, sizeof *t->genome);
    if (!t->genome) return dcpg_fail_nomem(err, "chromosomes", t->known.n * sizeof *t->genome);
    unsigned mito = 0;
    for (size_t i = 0; i < t->known.n; i++) {
        const char *raw = dcpg_map_key(&t->known, i);
        if (!map && dcpg_make_wants(m, "MT")) mito |= dcpg_chromo_mito(raw);
        if (mito == DCPG_CHROMO_BOTH) return dcpg_chromo_fail_both(t->path, err);
        int64_t number = map ? dcpg_cg_number(map, raw) : DCPG_CHROMO_ABSENT;
        if (number == DCPG_CHROMO_UNCLEAR)
            return dcpg_chromos_fail_unclear(map->names, t->path, raw, "the genome", err);
        if (!map && !dcpg_chromo_fits(raw, strlen(raw)))
            return dcpg_fail(err, DCPG_E_INPUT, "%s: chromosome '%.60s': " DCPG_CHROMO_RULE, t->path, raw);
        char *name = dcpg_chromo_name(raw);
        if (!name) return dcpg_fail_nomem(err, "a chromosome's name", strlen(raw) + 1);
        if (number >= 0 && number < map->n) t->genome[i] = &map->chromo[number];
        bool unwanted = map && (number >= map->n || (number < 0 && m->wanted.n > 0));
        dcpg_status status = dcpg_strings_add(&t->chromo,
                                              t->genome[i] ? t->genome[i]->name
                                              : unwanted   ? ""
                                                           : name,
                                              err);
        dcpg_free(name);
        DCPG_TRY(status);
    }
    m->mito |= mito;
    return DCPG_OK;
}

/* ---- the vote ---- */

static bool cg_at(const dcpg_cg_chromo *on, int64_t pos) {
    int64_t i = pos - 1;
    return i >= 0 && i < on->length && (on->bits[i / 64] >> i % 64 & 1);
}

/* Position of the C of the CG that has a base at `pos`; 0: no CG there. */
static int64_t c_of(const dcpg_cg_chromo *on, int64_t pos) {
    return cg_at(on, pos) ? pos : cg_at(on, pos - 1) ? pos - 1 : 0;
}

/* Number of sites on chromosomes of the genome, and of those on a CG when moved by -1, 0 and 1. */
typedef struct votes {
    int64_t n, hit[3];
    int64_t differ[3]; /* of the hits, those on another CG than without moving */
} votes;

static dcpg_status count_votes(const targets *t, votes *r, dcpg_err *err) {
    for (size_t i = 0; i < t->n; i++) {
        const dcpg_cg_chromo *on = t->genome[t->v[i].chromo];
        int64_t pos = t->v[i].pos;
        if (!on) continue;
        if (pos > on->length)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: chromosome %s: position %" PRId64 " lies beyond its end at %" PRId64
                             ": use the genome build that the positions belong to",
                             t->path, on->name, pos, on->length);
        int64_t here = c_of(on, pos);
        r->n++;
        for (int shift = -1; shift <= 1; shift++) {
            int64_t c = c_of(on, pos + shift);
            r->hit[1 + shift] += c > 0;
            r->differ[1 + shift] += c > 0 && c != here;
        }
    }
    return DCPG_OK;
}

static double percent(int64_t part, int64_t whole) {
    return whole > 0 ? 100.0 * (double)part / (double)whole : 100;
}

static const char *reading(const targets *t) {
    return is_bed(t) ? "BED, whose first base is 0" : "a list, whose first base is 1";
}

/* Chooses how positions are moved: not at all unless a shift hits over 1 % more of the sites. */
static dcpg_status choose_shift(const making *m, const targets *t, const votes *r, int *shift,
                                dcpg_err *err) {
    int best = 0;
    for (int s = -1; s <= 1; s += 2)
        if (r->hit[1 + s] - r->hit[1 + best] > (best == 0 ? r->n / 100 : 0)) best = s;
    *shift = best;
    if (percent(r->hit[1 + best], r->n) < m->options->min_cg)
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: %.1f %% of its %" PRId64
            " sites are CGs of the genome (moved by -1: %.1f %%, in place: %.1f %%, moved by +1: %.1f %%), "
            "read as %s: give the genome build that they belong to, or lower --min_cg %g",
            t->path, percent(r->hit[1 + best], r->n), r->n, percent(r->hit[0], r->n),
            percent(r->hit[1], r->n), percent(r->hit[2], r->n), reading(t), m->options->min_cg);
    for (int s = -1; s <= 1; s += 2) {
        if (best != 0 || r->hit[1] - r->hit[1 + s] > r->n / 100 || r->differ[1 + s] <= r->n / 100) continue;
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: its sites are CGs of the genome as %s (%" PRId64 " of %" PRId64
                         ") and moved by %+d (%" PRId64
                         "), and not the same ones: list more sites, or positions of "
                         "the C, the first base being 1",
                         t->path, reading(t), r->hit[1], r->n, s, r->hit[1 + s]);
    }
    return DCPG_OK;
}

/* Moves all sites to the C of their CG and drops those on no CG. */
static void move_to_c(targets *t, int shift) {
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++) {
        target x = t->v[i];
        const dcpg_cg_chromo *on = t->genome[x.chromo];
        if (on) x.pos = (int32_t)c_of(on, (int64_t)x.pos + shift);
        if (x.pos > 0) t->v[kept++] = x;
    }
    t->n = kept;
}

static dcpg_status place(const making *m, targets *t, dcpg_err *err) {
    votes r = {0};
    int shift = 0;
    size_t listed = t->n;
    const char *as = is_bed(t) ? "BED (start + 1)" : "1-based positions";
    DCPG_TRY(count_votes(t, &r, err));
    DCPG_TRY(choose_shift(m, t, &r, &shift, err));
    if (has_genome(m)) move_to_c(t, shift);
    dcpg_info(m->log, "data: %s: %zu site%s, read as %s%s", t->path, listed, listed == 1 ? "" : "s", as,
              shift < 0   ? ", which the genome shows are to be moved by -1"
              : shift > 0 ? ", which the genome shows are to be moved by +1"
                          : "");
    if (t->n < listed)
        dcpg_warn(m->log, "%s: %zu of %zu sites are no CG of the genome and are dropped", t->path,
                  listed - t->n, listed);
    return DCPG_OK;
}

/* ---- as a profile ---- */

static int by_place(const void *a, const void *b) {
    const target *x = a, *y = b;
    if (x->chromo != y->chromo) return x->chromo < y->chromo ? -1 : 1;
    return x->pos < y->pos ? -1 : x->pos > y->pos;
}

/* Numbers chromosomes by their place among the sorted names, so that two spellings of one name become the
 * same. */
static dcpg_status sort_targets(targets *t, dcpg_err *err) {
    dcpg_strings sorted = {0};
    int64_t *place_of = dcpg_alloc(t->chromo.n, sizeof *place_of);
    dcpg_status status =
        place_of ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", t->chromo.n * sizeof *place_of);
    for (size_t i = 0; i < t->chromo.n && status == DCPG_OK; i++)
        status = dcpg_strings_add(&sorted, t->chromo.v[i], err);
    dcpg_strings_sort(&sorted);
    for (size_t i = 0; i < t->chromo.n && status == DCPG_OK; i++)
        place_of[i] = dcpg_strings_find_sorted(&sorted, t->chromo.v[i]);
    for (size_t i = 0; i < t->n && status == DCPG_OK; i++) t->v[i].chromo = place_of[t->v[i].chromo];
    dcpg_free(place_of);
    dcpg_strings_free(&t->chromo);
    t->chromo = sorted;
    if (status == DCPG_OK && t->n > 0) qsort(t->v, t->n, sizeof *t->v, by_place);
    return status;
}

/* Turns the sorted list into a profile without values, each position once. */
static dcpg_status make_profile(const targets *t, dcpg_profile *profile, dcpg_err *err) {
    profile->binary = true;
    profile->chromo = dcpg_alloc(t->chromo.n, sizeof *profile->chromo);
    if (!profile->chromo) return dcpg_fail_nomem(err, "target sites", t->chromo.n * sizeof *profile->chromo);
    for (size_t i = 0, end; i < t->n; i = end) {
        const char *name = t->chromo.v[t->v[i].chromo];
        for (end = i; end < t->n && t->v[end].chromo == t->v[i].chromo;) end++;
        if (!*name) continue;
        dcpg_calls *calls = &profile->chromo[profile->nb_chromo++];
        calls->chromo = dcpg_strdup(name);
        calls->pos = dcpg_alloc(end - i, sizeof *calls->pos);
        calls->value = dcpg_alloc(end - i, sizeof *calls->value);
        if (!calls->chromo || !calls->pos || !calls->value)
            return dcpg_fail_nomem(err, "target sites", (end - i) * sizeof *calls->pos);
        for (size_t k = i; k < end; k++) {
            if (calls->n == 0 || calls->pos[calls->n - 1] != t->v[k].pos)
                calls->pos[calls->n++] = t->v[k].pos;
        }
    }
    return DCPG_OK;
}

static dcpg_status read_pos_file(making *m, dcpg_profile *profile, dcpg_err *err) {
    targets t = {.path = m->cells.target.path};
    dcpg_status status = read_lines(&t, err);
    if (status == DCPG_OK) status = start_at_1(&t, err);
    if (status == DCPG_OK) status = name_chromos(m, &t, err);
    if (status == DCPG_OK) status = place(m, &t, err);
    if (status == DCPG_OK) status = sort_targets(&t, err);
    if (status == DCPG_OK) status = make_profile(&t, profile, err);
    dcpg_map_free(&t.known);
    dcpg_strings_free(&t.chromo);
    dcpg_free(t.genome);
    dcpg_free(t.v);
    return status;
}

dcpg_status dcpg_make_read_targets(making *m, dcpg_err *err) {
    const making_input *input = m->input;
    dcpg_profile profile = {0};
    m->cells.target.path = targets_of(m);
    dcpg_status status =
        input ? input->sites(input->context, &profile, err) : read_pos_file(m, &profile, err);
    if (status == DCPG_OK) status = dcpg_pack_profile(m, &profile, &m->cells.target, err);
    if (status == DCPG_OK && m->cells.target.n == 0)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: holds no position on the chromosomes of --chromos",
                           m->cells.target.path);
    dcpg_profile_free(&profile);
    return status;
}
