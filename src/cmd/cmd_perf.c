/* SPDX-License-Identifier: MIT */
/* `dcpg perf`: scores an evaluation by annotation and context. */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/options_perf.h"

#include <dcpg/eval.h>
#include <dcpg/signal.h>
#include <string.h>

/* A word that may be chosen, and what it sets. */
typedef struct choice {
    const char *word;
    bool *to;
} choice;

static dcpg_status choose(const dcpg_strings *words, const char *option, const choice *choices,
                          const char *known, dcpg_err *err) {
    for (size_t i = 0; i < words->n; i++) {
        const choice *c = choices;
        while (c->word && strcmp(c->word, words->v[i]) != 0) c++;
        if (!c->word) return dcpg_fail(err, DCPG_E_USAGE, "--%s %s: %s", option, words->v[i], known);
        *c->to = true;
    }
    return DCPG_OK;
}

static dcpg_status take_words(perf_settings *s, dcpg_err *err) {
    dcpg_perf_options *p = &s->perf;
    bool none = false;
    const choice curves[] = {{"roc", &p->roc}, {"pr", &p->pr}, {NULL, NULL}},
                 anno_curves[] = {{"roc", &p->anno_roc}, {"pr", &p->anno_pr}, {NULL, NULL}},
                 contexts[] = {{"coverage", &p->coverage},
                               {"density", &p->density},
                               {"distance", &p->distance},
                               {"none", &none},
                               {NULL, NULL}};
    DCPG_TRY(choose(&s->curves, "curves", curves, "roc or pr", err));
    DCPG_TRY(choose(&s->anno_curves, "anno_curves", anno_curves, "roc or pr", err));
    DCPG_TRY(choose(&s->contexts, "contexts", contexts, "coverage, density, distance or none", err));
    if (none && s->contexts.n > 1)
        return dcpg_fail(err, DCPG_E_USAGE, "--contexts none: leave the others out");
    if (s->contexts.n == 0) p->coverage = p->density = p->distance = true;
    if (s->anno_curves.n && s->anno_files.n == 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--anno_curves: name the annotations with --anno_files");
    return DCPG_OK;
}

static dcpg_status parse(perf_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_perf_syntax, s, &s->data, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    if (s->data.n != 1)
        return dcpg_fail(err, DCPG_E_USAGE, "give one file (made by dcpg eval --out_data), not %zu",
                         s->data.n);
    s->perf.data = s->data.v[0];
    s->perf.outputs = &s->output_names;
    s->perf.annos = &s->anno_files;
    return take_words(s, err);
}

int dcpg_cmd_perf(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    perf_settings s = {0};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_signals_catch();
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {
            .output = {{.path = s.perf.out_dir, .option = "--out_dir", .kind = DCPG_CMD_FOLDER}},
            .input = {&s.data, &s.anno_files},
            .common = s.common,
            .call = call};
        s.perf.force = s.common.force;
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = dcpg_perf_all(&s.perf, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings *lists[] = {&s.data, &s.output_names, &s.anno_files, &s.curves, &s.anno_curves, &s.contexts};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
