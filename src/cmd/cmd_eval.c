/* SPDX-License-Identifier: MIT */
/* `dcpg eval`: predicts every site with a trained model, and scores the predictions. */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/model_cells.h"
#include "cmd/options_eval.h"
#include "cmd/split.h"

#include <dcpg/eval.h>
#include <dcpg/file.h>
#include <dcpg/signal.h>

/* Everything that the run holds; freed together. */
typedef struct parts {
    dcpg_model model;
    dcpg_cmd_named data;
    dcpg_source *source;
    dcpg_strings names;          /* of the model's outputs, in the data and in the files written */
    dcpg_strings chosen;         /* names of the outputs to evaluate */
    dcpg_strings cells, outputs; /* read from the data */
    dcpg_cmd_split split;
} parts;

static dcpg_status check_outputs(const eval_settings *s, dcpg_err *err) {
    const char *outputs[] = {s->eval.out_data, s->eval.out_report};
    for (int i = 0; i < 2; i++) {
        if (outputs[i] == NULL) continue;
        DCPG_TRY(dcpg_check_output(outputs[i], &s->files, err));
        DCPG_TRY(dcpg_check_output(outputs[i], &s->model_files, err));
    }
    return DCPG_OK;
}

static dcpg_status parse(eval_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_eval_syntax, s, &s->files, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    DCPG_TRY(dcpg_cmd_need_data(table, &s->files, err));
    if (s->model_files.n == 0) return dcpg_fail(err, DCPG_E_USAGE, "name the model: --model_files DIR");
    if (s->split && s->chromos.n)
        return dcpg_fail(err, DCPG_E_USAGE, "--split and --chromos both choose chromosomes: leave one out");
    if (s->seed && s->hiding.parts == 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--hide_seed chooses what --hide hides: give --hide K too");
    s->hiding.seed = (uint64_t)s->seed;
    if (s->eval.resume && !s->eval.out_data && !s->eval.out_report)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--resume needs the output that was being written: --out_data or --out_report");
    return check_outputs(s, err);
}

/* Chooses the cells that the model reads, and its outputs, by their names in the data: `chosen` are those to
 * evaluate, `outputs` those of them that the data have. */
static dcpg_status choose(const eval_settings *s, parts *p, dcpg_log *log, dcpg_err *err) {
    const dcpg_cmd_cells_model model = {s->model_files.v[0], p->model.graph, false};
    const dcpg_cmd_cells_wish wish = {&s->replicate_names, s->nb_replicate, s->any_cells};
    if (p->model.graph->nb_cell)
        DCPG_TRY(dcpg_cmd_choose_cells(&wish, &p->data, &model, log, &p->cells, err));
    DCPG_TRY(dcpg_cmd_name_outputs(p->model.graph, &p->cells, &p->names, err));
    DCPG_TRY(dcpg_strings_select(&p->names, &s->output_names, 0, "output", &p->chosen, err));
    if (s->output_names.n) dcpg_cmd_log_chosen(log, "output", &p->chosen, p->names.n);
    for (size_t i = 0; i < p->chosen.n; i++)
        if (dcpg_strings_find(p->data.outputs, p->chosen.v[i]) >= 0)
            DCPG_TRY(dcpg_strings_add(&p->outputs, p->chosen.v[i], err));
    return DCPG_OK;
}

static dcpg_status take_split(const eval_settings *s, parts *p, dcpg_log *log, dcpg_err *err) {
    char text[DCPG_LIST_TEXT];
    DCPG_TRY(dcpg_cmd_split_take(s->split, &p->data, true, &p->split, err));
    dcpg_info(log, "split %s: evaluated on %s", s->split, dcpg_strings_text(&p->split.test, text));
    return DCPG_OK;
}

static dcpg_status eval_all(eval_settings *s, parts *p, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    DCPG_TRY(dcpg_cmd_kernels_all(par, NULL, log, err));
    DCPG_TRY(dcpg_model_load_all(&s->model_files, s->keras_backend, par, log, &p->model, err));
    DCPG_TRY(dcpg_cmd_named_open_all(&s->files, par, &p->data, err));
    DCPG_TRY(dcpg_agree_all(par, choose(s, p, log, err), err));
    s->eval.names = &p->names;
    s->eval.outputs = &p->chosen;
    s->eval.files = &s->files;
    s->eval.force = s->common.force;
    dcpg_want want = {.dna_wlen = p->model.graph->dna_wlen,
                      .cpg_wlen = p->model.graph->cpg_wlen,
                      .cells = &p->cells,
                      .outputs = &p->outputs,
                      .hiding = s->hiding};
    if (s->hiding.parts > 0 && !p->data.store)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--hide needs a store (dcpg data): in %s neighbours are chosen already, and none can "
            "take the place of hidden ones",
            p->data.name);
    if (s->split) DCPG_TRY(dcpg_agree_all(par, take_split(s, p, log, err), err));
    DCPG_TRY(
        dcpg_cmd_source_all(&p->data, s->split ? &p->split.test : &s->chromos, &want, log, &p->source, err));
    return dcpg_eval_all(p->source, &p->model, &s->eval, par, log, err);
}

static void free_all(eval_settings *s, parts *p) {
    dcpg_strings *lists[] = {&s->files,   &s->chromos,      &s->model_files, &s->replicate_names, &p->cells,
                             &p->outputs, &s->output_names, &p->names,       &p->chosen};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
    dcpg_cmd_split_free(&p->split);
    dcpg_source_close(p->source);
    dcpg_cmd_named_close(&p->data);
    dcpg_model_free(&p->model);
}

int dcpg_cmd_eval(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    eval_settings s = {0};
    parts p = {0};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_signals_catch();
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {
            .output = {{.path = s.eval.out_data, .option = "--out_data", .kind = DCPG_CMD_EVAL},
                       {.path = s.eval.out_report, .option = "--out_report", .kind = DCPG_CMD_REPORT}},
            .input = {&s.files, &s.model_files},
            .common = s.common,
            .call = call};
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = eval_all(&s, &p, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    free_all(&s, &p);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
