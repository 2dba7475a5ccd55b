/* SPDX-License-Identifier: MIT */
/* Places a profile on the genome: votes on the offset of its positions, merges strands on the C, and turns
 * reads into values. */
#include "base/number.h"
#include "calls/profile_parse.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the vote ---- */

/* Bits of the CG map for bases pos - 2 to pos + 1 (1-based), in bits 0 to 3; 0 beyond the ends. */
static unsigned bits_around(const dcpg_cg_chromo *chromo, int64_t pos) {
    int64_t first = pos - 3, last = pos; /* 0-based */
    if (first < 0 || last / 64 >= ceil_div(chromo->length, 64)) {
        unsigned bits = 0;
        for (int64_t i = first; i <= last; i++) {
            if (i >= 0 && i < chromo->length)
                bits |= (unsigned)(chromo->bits[i / 64] >> i % 64 & 1) << (i - first);
        }
        return bits;
    }
    uint64_t bits = chromo->bits[first / 64] >> first % 64;
    if (first / 64 != last / 64) bits |= chromo->bits[last / 64] << (64 - first % 64);
    return (unsigned)bits & 15;
}

static bool is_c(unsigned bits, int shift) { return bits >> (2 + shift) & 1; }

/* The G of a CG is the base after its C. */
static bool is_g(unsigned bits, int shift) { return bits >> (1 + shift) & 1; }

/* Offset of the C from a call's position when positions move by `shift`; NOWHERE if the call is then on no
 * CG. */
enum { NOWHERE = 9 };

static int c_from(unsigned bits, unsigned named, int shift) {
    if (named != STRAND_MINUS && is_c(bits, shift)) return shift;
    return named != STRAND_PLUS && is_g(bits, shift) ? shift - 1 : NOWHERE;
}

static void vote_on(const draft *d, dcpg_profile_report *report) {
    for (int64_t i = 0; i < d->n; i++) {
        unsigned bits = bits_around(d->genome, d->v[i].pos), named = d->v[i].strand;
        for (int shift = -1; shift <= 1; shift++) {
            bool c = is_c(bits, shift), g = is_g(bits, shift);
            report->hit[0][1 + shift] += (c && named != STRAND_MINUS) || (g && named != STRAND_PLUS);
            report->hit[1][1 + shift] += c || g;
        }
    }
}

static double percent(int64_t part, int64_t whole) {
    return whole > 0 ? 100.0 * (double)part / (double)whole : 100;
}

double dcpg_profile_on_cg(const dcpg_profile_report *r) {
    return percent(r->hit[r->strand_ignored][1 + r->shift], r->calls - r->elsewhere);
}

/* 0, the format's own convention, unless another offset is clearly better: if every call is on a C, then
 * moved by 1 every call is on its G, and chance must not decide. */
static int best_shift(const int64_t hit[3], int64_t n) {
    int best = 0;
    for (int shift = -1; shift <= 1; shift += 2) {
        int64_t lead = hit[1 + shift] - hit[1 + best];
        if (lead > (best == 0 ? n / 100 : 0)) best = shift;
    }
    return best;
}

static bool is_n(const dcpg_genome_runs *runs, int64_t chromo, int64_t at) {
    int64_t low = runs->first[chromo], end = runs->first[chromo + 1], high = end;
    while (low < high) { /* runs before `low` end at or before `at` */
        int64_t middle = low + (high - low) / 2;
        if (runs->run[middle].end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && runs->run[low].start <= at;
}

/* Counts calls that are on N rather than on a CG, as on a genome whose repeats are masked. */
static int64_t count_on_n(const profile_parser *p, const dcpg_profile_report *r) {
    const dcpg_profile_options *o = p->options;
    int64_t n = 0;
    if (!o->runs || r->hit[0][1 + r->shift] == r->calls - r->elsewhere) return 0;
    for (int c = 0; c < p->nb; c++) {
        const draft *d = &p->chromo[c];
        for (int64_t i = 0; d->genome && d->v && i < d->n; i++) {
            unsigned bits = bits_around(d->genome, d->v[i].pos);
            if (c_from(bits, STRAND_UNKNOWN, r->shift) != NOWHERE) continue;
            n += is_n(o->runs, d->genome - o->genome->chromo, (int64_t)d->v[i].pos + r->shift - 1);
        }
    }
    return n;
}

static dcpg_status fail_vote(const profile_parser *p, const dcpg_profile_report *r, dcpg_err *err) {
    int64_t n = r->calls - r->elsewhere;
    const int64_t *hit = r->hit[r->strand_ignored];
    if (r->on_n > n / 20)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: %.1f %% of its %" PRId64
                         " calls stand on a CG of the genome, %.1f %% on N: its repeats are masked; give the "
                         "genome without masking, or with lower case instead of N, or lower --min_cg %g",
                         p->path, dcpg_profile_on_cg(r), n, percent(r->on_n, n), p->options->min_cg);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: %.1f %% of its %" PRId64
                     " calls stand on a CG of the genome (moved by -1: %.1f %%, in place: %.1f %%, moved by "
                     "+1: %.1f %%), read as %s: give the genome build "
                     "that it was made with, see --profile_format, or lower --min_cg %g",
                     p->path, dcpg_profile_on_cg(r), n, percent(hit[0], n), percent(hit[1], n),
                     percent(hit[2], n), r->format, p->options->min_cg);
}

/* Counts the calls, and those on contigs that the genome lacks, which were not stored. */
static dcpg_status count_elsewhere(const profile_parser *p, dcpg_profile_report *r, dcpg_err *err) {
    for (int c = 0; c < p->nb; c++) {
        const draft *d = &p->chromo[c];
        r->calls += d->n;
        if (!p->options->genome || d->genome || d->n == 0) continue;
        r->elsewhere += d->n;
        if (!*r->contig) snprintf(r->contig, sizeof r->contig, "%s", d->name);
    }
    if (r->elsewhere == 0 || r->elsewhere < r->calls) return DCPG_OK;
    char names[256];
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: no chromosome of it (%s, say) is in the genome, which has %s: give its FASTA file, or "
        "write the names alike in both",
        p->path, r->contig, dcpg_cg_some_names(p->options->genome, names, sizeof names));
}

/* ---- which base positions count from ---- */

static int shift_of_base(const profile_parser *p, int base) { return 1 - base - p->shift; }

/* Counts calls that base 0 and base 1 put on different CGs, or on a CG with one of them only. */
static int64_t count_differing(const profile_parser *p) {
    int64_t n = 0;
    for (int c = 0; c < p->nb; c++) {
        const draft *d = &p->chromo[c];
        for (int64_t i = 0; d->genome && d->v && i < d->n; i++) {
            unsigned bits = bits_around(d->genome, d->v[i].pos), named = d->v[i].strand;
            n += c_from(bits, named, shift_of_base(p, 0)) != c_from(bits, named, shift_of_base(p, 1));
        }
    }
    return n;
}

/* Checks whether the file could as well count from the other base: few calls, or many in runs of CG. (Calls
 * on C alone, which when moved by one are on their G, are no reason for doubt: their CG is the same.) In
 * doubt, the base of the files that leave none is followed. */
static dcpg_status settle_base(const profile_parser *p, dcpg_profile_report *r, dcpg_err *err) {
    r->base = 1 - p->shift - r->shift;
    int64_t n = r->calls - r->elsewhere;
    if (n == 0 || r->strand_ignored || r->base < 0 || r->base > 1) return DCPG_OK;
    int64_t other = r->hit[0][1 + shift_of_base(p, 1 - r->base)];
    if (other + n / 100 < r->hit[0][1 + r->shift] || count_differing(p) <= n / 10) return DCPG_OK;
    bool free = p->format->base < 0;
    if (free && p->options->bedgraph_base >= 0) return DCPG_OK; /* the user has chosen */
    r->undecided = true;
    r->followed = p->options->follow > 0;
    r->unsettled = free && !r->followed;
    if (r->followed) {
        r->base = p->options->follow - 1;
        r->shift = shift_of_base(p, r->base);
    }
    if (!r->unsettled || p->options->lenient) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: its %" PRId64
                     " calls stand on CG whether it counts from 0 or from 1: choose with --bedgraph_base",
                     p->path, n);
}

static dcpg_status vote(const profile_parser *p, dcpg_profile_report *r, dcpg_err *err) {
    snprintf(r->format, sizeof r->format, "%s", p->format->name);
    DCPG_TRY(count_elsewhere(p, r, err));
    r->base = 1 - p->shift;
    if (!p->options->genome) return DCPG_OK;
    for (int c = 0; c < p->nb; c++) {
        if (p->chromo[c].genome) vote_on(&p->chromo[c], r);
    }
    int64_t n = r->calls - r->elsewhere;
    r->shift = best_shift(r->hit[0], n);
    r->on_n = count_on_n(p, r);
    if (dcpg_profile_on_cg(r) >= p->options->min_cg) return settle_base(p, r, err);
    int either = best_shift(r->hit[1], n);
    if (r->hit[1][1 + either] > r->hit[0][1 + r->shift]) {
        dcpg_profile_report other = *r;
        other.shift = either;
        other.strand_ignored = true;
        if (dcpg_profile_on_cg(&other) >= p->options->min_cg) {
            *r = other;
            return settle_base(p, r, err);
        }
    }
    return fail_vote(p, r, err);
}

/* ---- strands ---- */

/* Position (1-based) of the C that a call belongs to, below 1 if it is on no CG; `*g`: whether the call is on
 * the G. */
static int64_t c_of(const draft *d, const raw_call *call, const dcpg_profile_report *r, bool *g) {
    *g = !d->genome && call->strand == STRAND_MINUS;
    if (!d->genome) return call->pos - *g;
    int c = c_from(bits_around(d->genome, call->pos), r->strand_ignored ? STRAND_UNKNOWN : call->strand,
                   r->shift);
    *g = c != r->shift;
    return c == NOWHERE ? 0 : call->pos + c;
}

static dcpg_status fail_start(const profile_parser *p, const raw_call *call, dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: line %" PRIu32 ": position %" PRId32 " is below 1: the first base of a chromosome is 1%s",
        p->path, call->line, call->pos - p->shift,
        p->format == &dcpg_profile_bedgraph ? " (where the file counts from 0, give --bedgraph_base 0)" : "");
}

/* Moves all calls to their C and drops those on no CG. */
static dcpg_status move_to_c(const profile_parser *p, draft *d, dcpg_profile_report *r, dcpg_err *err) {
    int64_t kept = 0;
    d->unsorted = false;
    for (int64_t i = 0; i < d->n; i++) {
        raw_call call = d->v[i];
        bool g;
        int64_t c = c_of(d, &call, r, &g);
        if (c < 1 && !d->genome) return fail_start(p, &call, err);
        if (c < 1) continue;
        call.pos = (int32_t)c;
        call.strand = g ? STRAND_MINUS : STRAND_PLUS;
        d->unsorted |= kept > 0 && d->v[kept - 1].pos > call.pos;
        d->v[kept++] = call;
    }
    d->n = kept;
    r->on_cg += kept;
    return DCPG_OK;
}

static int by_place(const void *a, const void *b) {
    const raw_call *x = a, *y = b;
    if (x->pos != y->pos) return x->pos < y->pos ? -1 : 1;
    if (x->strand != y->strand) return x->strand < y->strand ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* ---- values ---- */

/* Reads of a CpG on both strands, or the sum of its values. */
typedef struct cpg {
    uint64_t meth, total;
    double value;
    int nb_value;
} cpg;

/* The value of a CpG by the rule of --call; false if it is dropped. */
static bool call_reads(const dcpg_profile_options *o, const cpg *x, float *value, dcpg_profile_report *r) {
    bool few =
        x->total<(uint64_t)(o->min_reads > 0 ? o->min_reads : 0), mixed = x->meth> 0 && x->meth < x->total;
    bool equal = o->call != DCPG_CALL_FRACTION && 2 * x->meth == x->total,
         dropped = o->call == DCPG_CALL_STRICT ? mixed : equal && !o->ties_methylated;
    r->few += few;
    r->tied += !few && dropped;
    *value = o->call == DCPG_CALL_FRACTION ? (float)((double)x->meth / (double)x->total)
                                           : equal || 2 * x->meth > x->total;
    return !few && !dropped;
}

static bool call_value(const profile_parser *p, const cpg *x, float *value, dcpg_profile_report *r) {
    double share = x->nb_value == 1 ? x->value : x->value / x->nb_value;
    dcpg_call rule = p->options->call;
    bool round = rule == DCPG_CALL_ROUND && p->format != &dcpg_profile_tsv;
    bool ties_methylated = p->options->ties_methylated;
    bool dropped =
        round ? share == 0.5 && !ties_methylated : rule == DCPG_CALL_STRICT && share > 0 && share < 1;
    r->tied += dropped;
    *value = round ? share >= 0.5 : (float)share;
    return !dropped;
}

static void add_to(cpg *x, const raw_call *call, bool counts) {
    if (counts) {
        x->meth += call->meth;
        x->total += call->total;
    } else {
        x->value += (double)call->value;
        x->nb_value++;
    }
}

/* Without counts, nothing shows which of two values of one base is right. */
static dcpg_status check_twice(const profile_parser *p, const draft *d, int64_t i,
                               const dcpg_profile_report *r, dcpg_err *err) {
    const raw_call *first = &d->v[i - 1], *second = &d->v[i];
    if (first->strand != second->strand) return DCPG_OK;
    int32_t pos = second->pos + (second->strand == STRAND_MINUS) - r->shift - p->shift;
    if (p->joined && first->line != second->line)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s and %s: are of one cell, and both hold a value for chromosome %s near position "
                         "%" PRId32 ": values without numbers of reads cannot be added up, keep one",
                         p->joined[first->line], p->joined[second->line], d->name, second->pos);
    if (!p->text)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: position %" PRId32 " of chromosome %s stands there twice",
                         p->path, pos, d->name);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRIu32 ": position %" PRId32 " of chromosome %s stands on line %" PRIu32
                     " already: keep one line per position",
                     p->path, second->line, pos, d->name, first->line);
}

/* Merges the sorted calls of a chromosome: all calls on one C become one. */
static dcpg_status merge(const profile_parser *p, const draft *d, dcpg_calls *calls, bool *binary,
                         dcpg_profile_report *r, dcpg_err *err) {
    bool counts = p->format->counts;
    for (int64_t i = 0; i < d->n;) {
        int32_t c = d->v[i].pos;
        cpg x = {0};
        for (int64_t first = i; i < d->n && d->v[i].pos == c; i++) {
            if (!counts && i > first) DCPG_TRY(check_twice(p, d, i, r, err));
            add_to(&x, &d->v[i], counts);
        }
        float value;
        if (!(counts ? call_reads(p->options, &x, &value, r) : call_value(p, &x, &value, r))) continue;
        *binary &= value == 0 || value == 1;
        r->nb_cpg++;
        r->sum += (double)value;
        calls->pos[calls->n] = c;
        calls->value[calls->n++] = value;
    }
    return DCPG_OK;
}

/* Adds a chromosome to the profile, unless no call of it is left. */
static dcpg_status add_chromo(const profile_parser *p, draft *d, dcpg_profile *profile,
                              dcpg_profile_report *r, dcpg_err *err) {
    size_t n = (size_t)d->n;
    if (d->unsorted) qsort(d->v, n, sizeof *d->v, by_place);
    dcpg_calls calls = {.chromo = dcpg_strdup(d->name),
                        .capacity = d->n,
                        .pos = dcpg_alloc(n, sizeof *calls.pos),
                        .value = dcpg_alloc(n, sizeof *calls.value)};
    dcpg_status status = calls.chromo && calls.pos && calls.value
                             ? merge(p, d, &calls, &profile->binary, r, err)
                             : dcpg_fail_nomem(err, "a profile", n * 8);
    dcpg_free(d->v);
    d->v = NULL;
    if (status == DCPG_OK && calls.n > 0) {
        profile->chromo[profile->nb_chromo++] = calls;
        return DCPG_OK;
    }
    dcpg_free(calls.chromo);
    dcpg_free(calls.pos);
    dcpg_free(calls.value);
    return status;
}

dcpg_status dcpg_profile_settle(profile_parser *p, dcpg_profile_report *report, dcpg_err *err) {
    dcpg_profile_sort_drafts(p);
    DCPG_TRY(vote(p, report, err));
    for (int c = 0; c < p->nb; c++) {
        if (p->chromo[c].v) DCPG_TRY(move_to_c(p, &p->chromo[c], report, err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_profile_finish(profile_parser *p, dcpg_profile *profile, dcpg_profile_report *report,
                                dcpg_err *err) {
    profile->binary = true;
    profile->chromo = dcpg_alloc((size_t)p->nb, sizeof *profile->chromo);
    if (!profile->chromo) return dcpg_fail_nomem(err, "a profile", (size_t)p->nb * sizeof *profile->chromo);
    for (int c = 0; c < p->nb; c++) {
        if (p->chromo[c].v) DCPG_TRY(add_chromo(p, &p->chromo[c], profile, report, err));
    }
    return DCPG_OK;
}

/* ---- files of one cell ---- */

/* Checks that without counts no position occurs twice in the file itself, then replaces the calls' lines by
 * the number of their file. */
static dcpg_status prepare(const profile_parser *p, draft *d, uint32_t number, dcpg_err *err) {
    const dcpg_profile_report in_place = {0};
    if (!p->format->counts) {
        if (d->unsorted && d->n > 1) qsort(d->v, (size_t)d->n, sizeof *d->v, by_place);
        d->unsorted = false;
        for (int64_t i = 1; i < d->n; i++)
            if (d->v[i].pos == d->v[i - 1].pos) DCPG_TRY(check_twice(p, d, i, &in_place, err));
    }
    for (int64_t i = 0; i < d->n; i++) d->v[i].line = number;
    return DCPG_OK;
}

/* Appends the calls of `from` to those of `to`, the same chromosome. */
static dcpg_status append(draft *to, draft *from, dcpg_err *err) {
    if (!from->v) return DCPG_OK;
    size_t n = (size_t)(to->v ? to->n : 0), capacity = n + (size_t)from->n;
    raw_call *grown = dcpg_realloc(to->v, n, capacity, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, "a profile", capacity * sizeof *grown);
    memcpy(grown + n, from->v, (size_t)from->n * sizeof *grown);
    to->v = grown;
    to->n = to->capacity = (int64_t)capacity;
    to->unsorted = true;
    return DCPG_OK;
}

dcpg_status dcpg_profile_join(profile_parser *p, profile_parser *other, uint32_t number, dcpg_err *err) {
    for (int c = 0; c < other->nb; c++) {
        if (other->chromo[c].v) DCPG_TRY(prepare(other, &other->chromo[c], number, err));
    }
    size_t capacity = (size_t)(p->nb + other->nb);
    draft *all = dcpg_alloc(capacity, sizeof *all);
    if (!all) return dcpg_fail_nomem(err, "chromosomes", capacity * sizeof *all);
    dcpg_status status = DCPG_OK;
    int n = 0, a = 0, b = 0;
    while (a < p->nb || b < other->nb) {
        int order = a == p->nb ? 1 : b == other->nb ? -1 : strcmp(p->chromo[a].name, other->chromo[b].name);
        draft *next = order <= 0 ? &p->chromo[a++] : &other->chromo[b++];
        all[n] = *next;
        *next = (draft){0};
        if (order == 0 && status == DCPG_OK) status = append(&all[n], &other->chromo[b], err);
        b += order == 0;
        n++;
    }
    dcpg_free(p->chromo);
    p->chromo = all;
    p->nb = n;
    p->capacity = (int)capacity;
    return status;
}
