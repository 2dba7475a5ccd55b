/* SPDX-License-Identifier: MIT */
/* Collects raw calls by chromosome, in the order of the file. */
#include "calls/profile_parse.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One below the largest int32_t, so that positions can be moved by one. */
static const int64_t max_pos = INT32_MAX - 1;

/* Space for calls that a chromosome starts with; a genome may have many chromosomes with few calls. */
enum { FIRST_CALLS = 16 };

/* Without a genome, the store takes the names of chromosomes from its profiles, and export writes them. */
static dcpg_status check_name(const profile_parser *p, const char *name, dcpg_err *err) {
    if (dcpg_chromo_fits(name, strlen(name))) return DCPG_OK;
    return dcpg_profile_fail_field(p, err, "chromosome", name, "is no name: " DCPG_CHROMO_RULE);
}

/* Adds a chromosome; they stay in the order of the file until they are sorted. Takes `name` over. `genome`:
 * the chromosome's number in the genome's map, DCPG_CHROMO_ABSENT if the genome lacks it or there is none. */
static dcpg_status add_chromo(profile_parser *p, char *name, int64_t genome, dcpg_err *err) {
    if (p->nb == p->capacity) {
        int capacity = p->capacity ? 2 * p->capacity : 32;
        draft *grown = dcpg_realloc(p->chromo, (size_t)p->nb, (size_t)capacity, sizeof *grown);
        if (!grown) {
            dcpg_free(name);
            return dcpg_fail_nomem(err, "chromosomes", (size_t)capacity * sizeof *grown);
        }
        p->chromo = grown;
        p->capacity = capacity;
    }
    const dcpg_profile_options *o = p->options;
    bool all = !o->chromos || o->chromos->n == 0, known = genome >= 0 && genome < o->genome->n;
    bool wanted = all || known || (!o->genome && dcpg_strings_find_sorted(o->chromos, name) >= 0);
    draft fresh = {.name = name, .wanted = wanted};
    if (wanted && !o->genome && check_name(p, name, err) != DCPG_OK) {
        dcpg_free(name);
        return DCPG_E_INPUT;
    }
    if (known) fresh.genome = &o->genome->chromo[genome];
    p->chromo[p->nb++] = fresh;
    return DCPG_OK;
}

static dcpg_status fail_unclear(const profile_parser *p, const char *raw, dcpg_err *err) {
    char where[512];
    snprintf(where, sizeof where, p->text ? "%.400s: line %" PRId64 : "%.400s", p->path,
             p->text ? p->line : 0);
    return dcpg_chromos_fail_unclear(p->options->genome->names, where, raw, "the genome", err);
}

/* The name under which calls on chromosome `raw` are kept: the genome's, if the genome has it. `*genome`: its
 * number there. */
static dcpg_status name_chromo(const profile_parser *p, const char *raw, char **name, int64_t *genome,
                               dcpg_err *err) {
    const dcpg_cg_map *map = p->options->genome;
    *genome = map ? dcpg_cg_number(map, raw) : DCPG_CHROMO_ABSENT;
    if (*genome == DCPG_CHROMO_UNCLEAR) return fail_unclear(p, raw, err);
    bool known = *genome >= 0 && *genome < map->n;
    bool other = map && *genome >= map->n; /* not wanted, and its normalised name may be another's */
    *name = known ? dcpg_strdup(map->chromo[*genome].name) : other ? dcpg_strdup(raw) : dcpg_chromo_name(raw);
    return *name ? DCPG_OK : dcpg_fail_nomem(err, "a chromosome's name", strlen(raw) + 1);
}

/* Without a genome, nothing shows whether a file with both M and MT means one chromosome or two. */
static dcpg_status check_mito(const profile_parser *p, const char *raw, dcpg_err *err) {
    if (!p->options->genome) p->report->mito |= dcpg_chromo_mito(raw);
    return p->report->mito == DCPG_CHROMO_BOTH ? dcpg_chromo_fail_both(p->path, err) : DCPG_OK;
}

/* Sets `*at` to the number of chromosome `raw`, a name that is new in this file. */
static dcpg_status take_chromo(profile_parser *p, const char *raw, int64_t *at, dcpg_err *err) {
    char *name = NULL;
    int64_t genome;
    DCPG_TRY(name_chromo(p, raw, &name, &genome, err));
    /* Chromosomes that the genome lacks, or that are not wanted, are kept apart by name: their calls are not
     * stored. */
    bool lacking = p->options->genome && (genome < 0 || genome >= p->options->genome->n);
    *at = lacking ? -1 : dcpg_map_get(&p->number_of_name, name, -1);
    dcpg_status status = DCPG_OK;
    if (*at >= 0) {
        if (p->chromo[*at].wanted) status = check_mito(p, raw, err);
    } else {
        *at = p->nb;
        if (!lacking) status = dcpg_map_set(&p->number_of_name, name, *at, err);
        if (status == DCPG_OK) {
            status = add_chromo(p, name, genome, err);
            name = NULL;
        }
        if (status == DCPG_OK && p->chromo[*at].wanted) status = check_mito(p, raw, err);
    }
    dcpg_free(name);
    return status == DCPG_OK ? dcpg_map_set(&p->number, raw, *at, err) : status;
}

/* Sets p->last to the chromosome called `raw`. */
static dcpg_status find_chromo(profile_parser *p, const char *raw, dcpg_err *err) {
    int64_t at = dcpg_map_get(&p->number, raw, -1);
    if (at < 0) DCPG_TRY(take_chromo(p, raw, &at, err));
    p->last = (int)at;
    /* A name too long for last_raw is looked up on every line. */
    size_t length = strlen(raw);
    p->last_length = length < sizeof p->last_raw ? length : 0;
    memcpy(p->last_raw, raw, p->last_length);
    p->last_raw[p->last_length] = '\0';
    return DCPG_OK;
}

static int by_name(const void *a, const void *b) {
    const draft *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void dcpg_profile_sort_drafts(profile_parser *p) {
    if (p->nb > 1) qsort(p->chromo, (size_t)p->nb, sizeof *p->chromo, by_name);
    p->last = -1;
    dcpg_map_free(&p->number);
    dcpg_map_free(&p->number_of_name);
}

/* A compressed file of a few MB may hold billions of lines. */
static dcpg_status check_memory(const profile_parser *p, size_t more, dcpg_err *err) {
    size_t most = p->options->max_memory, used = most > 0 ? dcpg_memory_used() : 0;
    char needed[32], limit[32];
    if (used + more <= most || most == 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: reading on after line %" PRId64
                     " takes %s of memory, more than --max_memory %s: see "
                     "what the file holds, read fewer chromosomes, or raise the limit",
                     p->path, p->text ? p->line : p->nb_line, dcpg_size_text(used + more, needed),
                     dcpg_size_text(most, limit));
}

static dcpg_status grow(const profile_parser *p, draft *d, dcpg_err *err) {
    size_t capacity = d->capacity ? 2 * (size_t)d->capacity : FIRST_CALLS;
    if (d->capacity >= 1 << 16) DCPG_TRY(check_memory(p, capacity * sizeof *d->v, err));
    raw_call *grown = dcpg_grow(d->v, capacity, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, "a profile", capacity * sizeof *grown);
    d->v = grown;
    d->capacity = (int64_t)capacity;
    return DCPG_OK;
}

static dcpg_status fail_pos(const profile_parser *p, int64_t pos, dcpg_err *err) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, pos);
    return dcpg_profile_fail_field(p, err, "position", text,
                                   pos < 0 && p->shift == 1 ? "is negative"
                                   : pos < 0 ? "is below 1: the first base of a chromosome is 1"
                                             : "is beyond 2147483646, the largest possible");
}

dcpg_status dcpg_profile_add(profile_parser *p, const char *chromo, int64_t pos, raw_call call,
                             dcpg_err *err) {
    if (pos < 0 || pos + p->shift > max_pos) return fail_pos(p, pos, err);
    if (p->format->counts && call.total == 0) return DCPG_OK; /* not observed */
    if (p->last < 0 || p->last_length == 0 || strcmp(p->last_raw, chromo) != 0)
        DCPG_TRY(find_chromo(p, chromo, err));
    draft *d = &p->chromo[p->last];
    if (!d->wanted) return DCPG_OK;
    if (p->options->genome && !d->genome) {
        d->n++;
        return DCPG_OK;
    }
    if (d->n == d->capacity) DCPG_TRY(grow(p, d, err));
    call.pos = (int32_t)(pos + p->shift);
    call.line = p->line < UINT32_MAX ? (uint32_t)p->line : UINT32_MAX;
    d->v[d->n++] = call;
    return DCPG_OK;
}

dcpg_status dcpg_profile_rescale(profile_parser *p, int shift, dcpg_err *err) {
    for (int c = 0; c < p->nb; c++) {
        draft *d = &p->chromo[c];
        for (int64_t i = 0; d->v && i < d->n; i++) {
            if (d->v[i].pos > max_pos - shift) return fail_pos(p, d->v[i].pos, err);
            d->v[i].pos += shift;
            d->v[i].value = (float)((double)d->v[i].value / 100);
        }
    }
    return DCPG_OK;
}

void dcpg_profile_free_drafts(profile_parser *p) {
    for (int c = 0; c < p->nb; c++) {
        dcpg_free(p->chromo[c].name);
        dcpg_free(p->chromo[c].v);
    }
    dcpg_free(p->chromo);
    dcpg_map_free(&p->number);
    dcpg_map_free(&p->number_of_name);
    p->chromo = NULL;
    p->nb = 0;
}
