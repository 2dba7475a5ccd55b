/* Raw calls as they come in, chromosome by chromosome. */
#include "formats/profile_parse.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One below the largest, so that positions may be moved by one. */
static const int64_t max_pos = INT32_MAX - 1;

/* Makes room for a chromosome at `at`, which keeps the list sorted. Takes `name` over. */
static dcpg_status insert_chromo(profile_parser *p, int at, char *name, dcpg_err *err) {
    if (p->nb == p->room) {
        int room = p->room ? 2 * p->room : 32;
        draft *grown = dcpg_realloc(p->chromo, (size_t)p->nb, (size_t)room, sizeof *grown);
        if (!grown) {
            dcpg_free(name);
            return dcpg_fail_nomem(err, "chromosomes", (size_t)room * sizeof *grown);
        }
        p->chromo = grown;
        p->room = room;
    }
    memmove(p->chromo + at + 1, p->chromo + at, (size_t)(p->nb - at) * sizeof *p->chromo);
    const dcpg_profile_options *o = p->options;
    draft fresh = {.name = name,
                   .wanted = !o->chromos || o->chromos->n == 0 || dcpg_strings_find(o->chromos, name) >= 0};
    if (o->genome) fresh.genome = dcpg_cg_find(o->genome, name);
    p->chromo[at] = fresh;
    p->nb++;
    return DCPG_OK;
}

/* Sets p->last to the chromosome called `raw`. */
static dcpg_status find_chromo(profile_parser *p, const char *raw, dcpg_err *err) {
    char *name = dcpg_chromo_name(raw);
    if (!name) return dcpg_fail_nomem(err, "a chromosome's name", strlen(raw));
    int low = 0, high = p->nb, order = 1;
    while (low < high && order != 0) {
        int middle = low + (high - low) / 2;
        order = strcmp(name, p->chromo[middle].name);
        if (order < 0) high = middle;
        if (order > 0) low = middle + 1;
        if (order == 0) low = middle;
    }
    if (order == 0) {
        dcpg_free(name);
    } else {
        DCPG_TRY(insert_chromo(p, low, name, err));
    }
    p->last = low;
    /* A name too long to be kept is looked up on every line. */
    size_t length = strlen(raw);
    p->last_length = length < sizeof p->last_raw ? length : 0;
    memcpy(p->last_raw, raw, p->last_length);
    p->last_raw[p->last_length] = '\0';
    return DCPG_OK;
}

static dcpg_status grow(draft *d, dcpg_err *err) {
    size_t room = d->room ? 2 * (size_t)d->room : 1024;
    raw_call *grown = dcpg_realloc(d->v, (size_t)d->n, room, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, "a profile", room * sizeof *grown);
    d->v = grown;
    d->room = (int64_t)room;
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
    if (d->n == d->room) DCPG_TRY(grow(d, err));
    int64_t line = p->text ? dcpg_text_line_number(p->text) : 0;
    call.pos = (int32_t)(pos + p->shift);
    call.line = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    d->v[d->n++] = call;
    return DCPG_OK;
}

void dcpg_profile_free_drafts(profile_parser *p) {
    for (int c = 0; c < p->nb; c++) {
        dcpg_free(p->chromo[c].name);
        dcpg_free(p->chromo[c].v);
    }
    dcpg_free(p->chromo);
    p->chromo = NULL;
    p->nb = 0;
}
