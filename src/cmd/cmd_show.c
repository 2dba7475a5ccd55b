/* SPDX-License-Identifier: MIT */
/* `dcpg show`: prints sites with their outputs, bases and neighbours. */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/job_table.h"
#include "cmd/options_show.h"
#include "cmd/sources.h"

#include <dcpg/file.h>
#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <dcpg/show.h>

#include <inttypes.h>

static dcpg_status parse(show_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_show_syntax, s, &s->files, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    DCPG_TRY(dcpg_cmd_need_data(table, &s->files, err));
    if (s->dna_wlen > 0 && s->dna_wlen % 2 == 0)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--dna_wlen %" PRId64 ": a window with a middle has an odd length", s->dna_wlen);
    if (s->cpg_wlen % 2 == 1)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--cpg_wlen %" PRId64
                         ": half of the neighbours are on either side, so their number is even",
                         s->cpg_wlen);
    return s->show.out_tsv ? dcpg_check_output(s->show.out_tsv, &s->files, err) : DCPG_OK;
}

/* Everything that the table needs; freed together. */
typedef struct parts {
    dcpg_cmd_named data;
    dcpg_strings chromos, outputs, cells; /* chosen */
    dcpg_source *places, *source;
    bool *real;
    dcpg_show_run *run;
} parts;

/* Numbers the rows of the samples: as in the file, or by the site's place in its chromosome of a store.
 * `shown`: the chromosomes to show. */
static dcpg_status number_rows_of(parts *p, const dcpg_map *shown, dcpg_err *err) {
    const dcpg_store *store = p->data.store;
    int64_t most = store ? store->nb_chromo : p->data.set->nb_run, nb = 0;
    p->run = dcpg_alloc((size_t)most, sizeof *p->run);
    if (!p->run) return dcpg_fail_nomem(err, "rows", (unsigned long long)most * sizeof *p->run);
    for (int64_t i = 0; i < most; i++) {
        const char *chromo = store ? store->chromo.v[i] : p->data.set->chromo.v[p->data.set->run[i].chromo];
        if (!dcpg_map_get(shown, chromo, 0)) continue;
        p->run[nb++] = store ? (dcpg_show_run){store->site_offset[i + 1] - store->site_offset[i], 0}
                             : (dcpg_show_run){p->data.set->run[i].n, p->data.set->run[i].row};
    }
    return DCPG_OK;
}

static dcpg_status number_rows(parts *p, dcpg_err *err) {
    dcpg_map shown = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < p->source->chromo.n && status == DCPG_OK; i++)
        status = dcpg_map_set(&shown, p->source->chromo.v[i], 1, err);
    if (status == DCPG_OK) status = number_rows_of(p, &shown, err);
    dcpg_map_free(&shown);
    return status;
}

static dcpg_status mark_real(parts *p, dcpg_err *err) {
    p->real = dcpg_alloc(p->source->cells.n, sizeof *p->real);
    if (!p->real) return dcpg_fail_nomem(err, "cells", p->source->cells.n);
    for (size_t i = 0; i < p->source->cells.n; i++) {
        ptrdiff_t k = dcpg_strings_find(p->data.cells, p->source->cells.v[i]);
        p->real[i] = p->data.store ? !p->data.store->binary[k] : p->data.set->real[k];
    }
    return DCPG_OK;
}

/* Chooses the names that `words` ask for, in their order; all names where the option is given without a word.
 */
static dcpg_status choose(const dcpg_words *words, const dcpg_strings *names, const char *what,
                          dcpg_strings *chosen, dcpg_err *err) {
    bool all = words->given && words->list.n == 0;
    return all ? dcpg_strings_select(names, NULL, 0, what, chosen, err)
               : dcpg_strings_pick(names, &words->list, what, chosen, err);
}

static dcpg_status choose_both(const show_settings *s, parts *p, dcpg_err *err) {
    DCPG_TRY(choose(&s->outputs, p->data.outputs, "output", &p->outputs, err));
    return choose(&s->cells, p->data.cells, "cell", &p->cells, err);
}

static dcpg_status show_all(show_settings *s, parts *p, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    const dcpg_strings none = {0};
    dcpg_want places = {.cells = &none, .outputs = &none};
    dcpg_want want = {.raw = true,
                      .dna_wlen = s->dna_wlen,
                      .cpg_wlen = s->cells.given ? s->cpg_wlen : 0,
                      .cells = &p->cells,
                      .outputs = &p->outputs};
    DCPG_TRY(dcpg_cmd_named_open_all(&s->files, par, &p->data, err));
    DCPG_TRY(dcpg_agree_all(par, choose_both(s, p, err), err));
    if (s->outputs.list.n) dcpg_cmd_log_chosen(log, "output", &p->outputs, p->data.outputs->n);
    if (s->cells.list.n) dcpg_cmd_log_chosen(log, "cell", &p->cells, p->data.cells->n);
    DCPG_TRY(dcpg_agree_all(par, s->chromo ? dcpg_strings_add(&p->chromos, s->chromo, err) : DCPG_OK, err));
    DCPG_TRY(dcpg_cmd_source_all(&p->data, &p->chromos, &places, NULL, &p->places, err));
    DCPG_TRY(dcpg_cmd_source_all(&p->data, &p->chromos, &want, NULL, &p->source, err));
    dcpg_status status = number_rows(p, err);
    if (status == DCPG_OK) status = mark_real(p, err);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    s->show.real = p->real;
    s->show.run = p->run;
    return dcpg_show_all(p->places, p->source, &s->show, stdout, log, err);
}

static void free_parts(parts *p) {
    dcpg_source_close(p->places);
    dcpg_source_close(p->source);
    dcpg_cmd_named_close(&p->data);
    dcpg_strings_free(&p->chromos);
    dcpg_strings_free(&p->outputs);
    dcpg_strings_free(&p->cells);
    dcpg_free(p->real);
    dcpg_free(p->run);
}

int dcpg_cmd_show(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    show_settings s = {0};
    parts p = {0};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {
            .output = {{.path = s.show.out_tsv, .option = "--out_tsv", .kind = DCPG_CMD_SHOW}},
            .input = {&s.files},
            .common = s.common,
            .call = call};
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        /* A table of chromosomes and positions alone looks like any list of positions, so that it is only
         * replaced by an equal one. */
        s.show.equal_only = !s.common.force && s.show.out_tsv && par->rank == 0 &&
                            dcpg_cmd_table_of(s.show.out_tsv) == DCPG_CMD_PLACES;
        if (status == DCPG_OK) status = show_all(&s, &p, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    free_parts(&p);
    dcpg_strings_free(&s.files);
    dcpg_strings_free(&s.outputs.list);
    dcpg_strings_free(&s.cells.list);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
