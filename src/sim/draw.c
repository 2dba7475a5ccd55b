/* SPDX-License-Identifier: MIT */
/* Draws the synthetic genome, one chromosome at a time. */
#include "base/number.h"
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <string.h>

enum { A = DCPG_SIM_A, T = DCPG_SIM_T, G = DCPG_SIM_G, C = DCPG_SIM_C, N = DCPG_SIM_N, NB_BASE = N };

/* Families of repeats; a copy of LINE1 is the last part of its consensus. */
static const struct {
    const char *name;
    size_t length;
    double gc, cpg; /* GC content; fraction of CpGs kept in the consensus */
    double weight;  /* fraction of all copies */
} family[] = {{"SINE1", 290, .5, .7, .35},
              {"SINE2", 150, .45, .4, .25},
              {"LINE1", 5500, .41, .3, .2},
              {"LTR1", 450, .47, .4, .1},
              {"STR", 80, 0, 0, .1}};
enum { NB_FAMILY = sizeof family / sizeof *family, STR = NB_FAMILY - 1, LINE1 = 2, MAX_FAMILY = 5500 };

/* Where no other reason is given, the numbers below imitate mammalian genomes. */

/* GC content outside islands, varying over 50 kb. It is computed anew every GC_STEP bp, which is far less. */
static const double gc_mean = .41, gc_sd = .03, gc_least = .34, gc_most = .48;
enum { GC_SPACING = 50000, GC_STEP = 1000 };

/* Fraction of CpGs that do not decay: outside islands so few that, with what repeats and motifs change,
 * observed/expected is about 0.25. */
static const double cpg_kept = .17, island_cpg_kept = .9;

/* Islands: about 17 per Mb, each of ISLAND_LEAST bp and, on average, island_rest more. */
static const double island_gc = .65, island_distance = 58000, island_rest = 900;
enum { ISLAND_LEAST = 250 };

/* Repeats: at this mean distance they cover about a quarter of the genome. */
static const double repeat_distance = 1100;

/* Most copies of LINE1 are much shorter than its consensus: LINE1_LEAST bp and, on average, line1_rest
 * more. */
static const double line1_rest = 900;
enum { LINE1_LEAST = 200 };

/* The age of a copy is the fraction of its bases that are drawn anew. CpGs decay faster: a copy keeps
 * 1 - cpg_decay * age of them; from old_age on, where that reaches old_cpg_kept, no fewer. */
static const double age_least = .03, age_range = .17, cpg_decay = 5, old_age = .18, old_cpg_kept = .1;

/* Short tandem repeats: letters of a unit, and bases altogether. */
enum { UNIT_LEAST = 2, UNIT_MOST = 5, TANDEM_LEAST = 20, TANDEM_MOST = 80 };

/* Mean distance between instances of a motif, bp: about 300 per Mb. Motifs that are planted in islands alone
 * stand closer there, as islands are few. */
static const double motif_distance = 3000, island_motif_distance = 900;

/* N: a twentieth of the chromosome at each end, at most END_MOST, and runs of GAP_LEAST bp and, on average,
 * gap_rest more, so that readers of the genome meet both. */
static const double gap_distance = 4e5, gap_rest = 2500;
enum { END_PART = 20, END_MOST = 10000, GAP_LEAST = 300 };

/* State while a chromosome is drawn. */
typedef struct drawing {
    uint64_t seed;
    dcpg_sim_chromo *chromo;
    dcpg_sim_intervals islands;
    uint8_t *consensus[STR];
} drawing;

static dcpg_rng start(const drawing *d, dcpg_sim_purpose purpose, int64_t who) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, d->seed, dcpg_sim_stream(purpose, d->chromo->name, who));
    return rng;
}

static int64_t skip(dcpg_rng *rng, double mean) { return (int64_t)dcpg_sim_exponential(rng, mean); }

dcpg_status dcpg_sim_add_interval(dcpg_sim_intervals *list, dcpg_sim_interval interval, dcpg_err *err) {
    if (list->n == list->capacity) {
        int64_t capacity = list->capacity ? 2 * list->capacity : 64;
        dcpg_sim_interval *grown = dcpg_realloc(list->v, (size_t)list->n, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "intervals", (size_t)capacity * sizeof *grown);
        list->v = grown;
        list->capacity = capacity;
    }
    list->v[list->n++] = interval;
    return DCPG_OK;
}

static uint8_t draw_base(dcpg_rng *rng, double gc) {
    double u = dcpg_rng_u32(rng) * 0x1p-32;
    if (u < gc) return u < gc / 2 ? G : C;
    if (u - gc < (1 - gc) / 2) return A;
    return T;
}

/* A CpG survives with probability `kept`; otherwise deamination leaves TpG or CpA. */
static void decay(dcpg_rng *rng, uint8_t *c, uint8_t *g, double kept) {
    double u = dcpg_rng_u32(rng) * 0x1p-32;
    if (u < kept) return;
    if (u - kept < (1 - kept) / 2) {
        *c = T;
    } else {
        *g = A;
    }
}

static dcpg_status place_islands(drawing *d, dcpg_err *err) {
    dcpg_rng rng = start(d, DCPG_SIM_ISLANDS, 0);
    for (int64_t at = skip(&rng, island_distance); at < d->chromo->length;) {
        int64_t end = at + ISLAND_LEAST + skip(&rng, island_rest);
        if (end > d->chromo->length) end = d->chromo->length;
        DCPG_TRY(dcpg_sim_add_interval(&d->islands, (dcpg_sim_interval){at, end, ""}, err));
        at = end + skip(&rng, island_distance);
    }
    return DCPG_OK;
}

static void fill_bases(drawing *d) {
    uint8_t *base = d->chromo->base;
    dcpg_rng rng = start(d, DCPG_SIM_BASES, 0);
    dcpg_sim_wave content =
        dcpg_sim_wave_new(d->seed, dcpg_sim_stream(DCPG_SIM_GC, d->chromo->name, 0), GC_SPACING);
    double gc = gc_mean;
    int64_t island = 0;
    for (int64_t i = 0; i < d->chromo->length; i++) {
        if (i % GC_STEP == 0) {
            gc = gc_mean + gc_sd * dcpg_sim_wave_at(&content, i);
            if (gc < gc_least) gc = gc_least;
            if (gc > gc_most) gc = gc_most;
        }
        while (island < d->islands.n && d->islands.v[island].end <= i) island++;
        bool inside = island < d->islands.n && d->islands.v[island].start <= i;
        base[i] = draw_base(&rng, inside ? island_gc : gc);
        if (i > 0 && base[i] == G && base[i - 1] == C)
            decay(&rng, &base[i - 1], &base[i], inside ? island_cpg_kept : cpg_kept);
    }
}

/* Draws the consensus of each family, the same for all chromosomes. */
static dcpg_status draw_families(drawing *d, dcpg_err *err) {
    for (int f = 0; f < STR; f++) {
        uint8_t *base = d->consensus[f] = dcpg_alloc(family[f].length, 1);
        if (!base) return dcpg_fail_nomem(err, "repeats", family[f].length);
        dcpg_rng rng;
        dcpg_rng_start(&rng, d->seed, dcpg_sim_stream(DCPG_SIM_FAMILIES, "", f));
        for (size_t i = 0; i < family[f].length; i++) {
            base[i] = draw_base(&rng, family[f].gc);
            if (i > 0 && base[i] == G && base[i - 1] == C) decay(&rng, &base[i - 1], &base[i], family[f].cpg);
        }
    }
    return DCPG_OK;
}

static void reverse_complement(uint8_t *base, int n) {
    static const uint8_t complement[] = {T, A, C, G};
    for (int i = 0, j = n - 1; i <= j; i++, j--) {
        uint8_t left = base[i];
        base[i] = complement[base[j]];
        base[j] = complement[left];
    }
}

/* Writes a copy of family `f` to copy[]: diverged, its CpGs decayed with age, on either strand. Returns its
 * length. */
static int copy_repeat(const drawing *d, dcpg_rng *rng, int f, uint8_t *copy) {
    int n = (int)family[f].length;
    if (f == LINE1) n = LINE1_LEAST + (int)skip(rng, line1_rest);
    if (n > (int)family[f].length) n = (int)family[f].length;
    memcpy(copy, d->consensus[f] + family[f].length - (size_t)n, (size_t)n);
    double age = age_least + age_range * dcpg_rng_uniform(rng);
    for (int i = 0; i < n; i++) {
        if (dcpg_rng_u32(rng) * 0x1p-32 < age) copy[i] = (uint8_t)dcpg_rng_below(rng, NB_BASE);
    }
    for (int i = 1; i < n; i++) {
        if (copy[i] == G && copy[i - 1] == C)
            decay(rng, &copy[i - 1], &copy[i], age < old_age ? 1 - cpg_decay * age : old_cpg_kept);
    }
    if (dcpg_rng_below(rng, 2)) reverse_complement(copy, n);
    return n;
}

/* A short tandem repeat: a unit of a few bases, repeated. It has no C, whose code is the last, so no CG. */
static int draw_tandem(dcpg_rng *rng, uint8_t *copy) {
    int unit = UNIT_LEAST + (int)dcpg_rng_below(rng, UNIT_MOST - UNIT_LEAST + 1),
        n = TANDEM_LEAST + (int)dcpg_rng_below(rng, TANDEM_MOST - TANDEM_LEAST + 1);
    for (int i = 0; i < unit; i++) copy[i] = (uint8_t)dcpg_rng_below(rng, C);
    for (int i = unit; i < n; i++) copy[i] = copy[i - unit];
    return n;
}

static int draw_family(dcpg_rng *rng) {
    double u = dcpg_rng_uniform(rng);
    int f = 0;
    while (f < STR && u >= family[f].weight) u -= family[f++].weight;
    return f;
}

/* Repeats overlap neither one another nor islands. */
static dcpg_status place_repeats(drawing *d, dcpg_err *err) {
    uint8_t copy[MAX_FAMILY];
    dcpg_rng rng = start(d, DCPG_SIM_REPEATS, 0);
    int64_t island = 0;
    for (int64_t at = skip(&rng, repeat_distance);; at += skip(&rng, repeat_distance)) {
        int f = draw_family(&rng);
        int n = f == STR ? draw_tandem(&rng, copy) : copy_repeat(d, &rng, f, copy);
        if (at + n > d->chromo->length) return DCPG_OK;
        while (island < d->islands.n && d->islands.v[island].end <= at) island++;
        if (island < d->islands.n && d->islands.v[island].start < at + n) continue;
        memcpy(d->chromo->base + at, copy, (size_t)n);
        DCPG_TRY(
            dcpg_sim_add_interval(&d->chromo->repeats, (dcpg_sim_interval){at, at + n, family[f].name}, err));
        at += n;
    }
}

static void plant(drawing *d, dcpg_rng *rng, const dcpg_sim_motif *motif, int number, int64_t at) {
    int strand = (int)dcpg_rng_below(rng, 2);
    for (int i = 0; i < motif->length; i++) {
        uint8_t base;
        do base = (uint8_t)dcpg_rng_below(rng, NB_BASE);
        while (!(motif->letters[strand][i] >> base & 1));
        d->chromo->base[at + i] = base;
    }
    d->chromo->planted[at] = (uint8_t)(1 + number);
}

/* Plants the motif throughout `where`, on average `gap` bp apart. */
static void plant_within(drawing *d, dcpg_rng *rng, const dcpg_sim_motif *motif, int number,
                         dcpg_sim_interval where, double gap) {
    for (int64_t at = where.start + skip(rng, gap); at + motif->length <= where.end;
         at += motif->length + skip(rng, gap))
        plant(d, rng, motif, number, at);
}

static void plant_motifs(drawing *d, int nb_motif, const dcpg_sim_motif *motif) {
    for (int m = 0; m < nb_motif; m++) {
        dcpg_rng rng = start(d, DCPG_SIM_MOTIFS, m);
        if (motif[m].in_islands) {
            for (int64_t i = 0; i < d->islands.n; i++)
                plant_within(d, &rng, &motif[m], m, d->islands.v[i], island_motif_distance);
        } else {
            plant_within(d, &rng, &motif[m], m, (dcpg_sim_interval){0, d->chromo->length, NULL},
                         motif_distance);
        }
    }
}

/* Places N at both ends, and in runs of hundreds to thousands of bases between them. */
static void place_gaps(drawing *d) {
    dcpg_sim_chromo *chromo = d->chromo;
    int64_t ends = min_i64(chromo->length / END_PART, END_MOST);
    memset(chromo->base, N, (size_t)ends);
    memset(chromo->base + chromo->length - ends, N, (size_t)ends);
    dcpg_rng rng = start(d, DCPG_SIM_GAPS, 0);
    for (int64_t at = ends + skip(&rng, gap_distance); at < chromo->length; at += skip(&rng, gap_distance)) {
        int64_t end = at + GAP_LEAST + skip(&rng, gap_rest);
        if (end > chromo->length) end = chromo->length;
        memset(chromo->base + at, N, (size_t)(end - at));
        at = end;
    }
}

dcpg_status dcpg_sim_draw_chromo(uint64_t seed, int nb_motif, const dcpg_sim_motif *motif,
                                 dcpg_sim_chromo *chromo, dcpg_err *err) {
    drawing d = {.seed = seed, .chromo = chromo};
    chromo->base = dcpg_alloc((size_t)chromo->length, 1);
    chromo->planted = dcpg_alloc((size_t)chromo->length, 1);
    dcpg_status status = DCPG_OK;
    if (!chromo->base || !chromo->planted)
        status = dcpg_fail_nomem(err, "a chromosome", 2 * (size_t)chromo->length);
    if (status == DCPG_OK) status = place_islands(&d, err);
    if (status == DCPG_OK) {
        fill_bases(&d);
        status = draw_families(&d, err);
    }
    if (status == DCPG_OK) status = place_repeats(&d, err);
    if (status == DCPG_OK) {
        plant_motifs(&d, nb_motif, motif);
        place_gaps(&d);
    } else {
        dcpg_sim_free_chromo(chromo);
    }
    for (int f = 0; f < STR; f++) dcpg_free(d.consensus[f]);
    dcpg_free(d.islands.v);
    return status;
}

void dcpg_sim_free_chromo(dcpg_sim_chromo *chromo) {
    dcpg_free(chromo->base);
    dcpg_free(chromo->planted);
    dcpg_free(chromo->repeats.v);
    *chromo = (dcpg_sim_chromo){0};
}
