/* SPDX-License-Identifier: MIT */
/* `dcpg train`: trains a model, or resumes the training from a checkpoint. */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/model_cells.h"
#include "cmd/options_train.h"
#include "cmd/sources.h"
#include "cmd/split.h"
#include "cmd/train_data.h"
#include "cmd/train_model.h"
#include "cmd/train_resume.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/train.h>
#include <omp.h>
#include <string.h>

/* Everything that the run holds; freed together. */
typedef struct parts {
    dcpg_cmd_named data;
    dcpg_cmd_split split;
    train_data sites;
    dcpg_strings cells, outputs; /* chosen cells and outputs */
    train_model_files loaded;
    dcpg_model model;
    float *output_weight;
    dcpg_checkpoint *checkpoint; /* to resume from; NULL: none */
    dcpg_strings words;    /* the checkpoint's command line, then this one; the settings point into it */
    dcpg_strings kept;     /* the command line for checkpoints */
    dcpg_strings left_out; /* options that the checkpoint does not decide */
} parts;

static dcpg_status parse(train_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_train_syntax, s, &s->files, s->table);
    return dcpg_cmd_parse(&line, argc, argv, par, help, err);
}

/* NULL: none. */
static const char *profile_file(const train_settings *s) {
    return s->profile.list.n ? s->profile.list.v[0] : NULL;
}

/* Sets optimiser and scaling of the learning rate from their names. */
static dcpg_status check_optimiser(train_settings *s, dcpg_err *err) {
    static const char *const scaling[] = {
        [DCPG_LR_NONE] = "none", [DCPG_LR_LINEAR] = "linear", [DCPG_LR_SQRT] = "sqrt"};
    dcpg_optimiser *o = &s->train.optimiser;
    int chosen = DCPG_LR_NONE;
    while (chosen <= DCPG_LR_SQRT && strcmp(s->lr_scaling, scaling[chosen]) != 0) chosen++;
    if (chosen > DCPG_LR_SQRT)
        return dcpg_fail(err, DCPG_E_USAGE, "--lr_scaling %s: none, linear or sqrt", s->lr_scaling);
    s->train.lr_scaling = (dcpg_lr_scaling)chosen;
    o->lamb = strcmp(s->optimizer, "lamb") == 0;
    if (!o->lamb && strcmp(s->optimizer, "adam") != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--optimizer %s: adam or lamb", s->optimizer);
    if (o->weight_decay > 0 && !o->lamb)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--weight_decay is for --optimizer lamb; Adam has --l1_decay and --l2_decay");
    if (s->train.warmup_steps > 0 && s->train.warmup_epochs > 0)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--warmup_steps and --warmup_epochs say the same thing: choose one of them");
    return DCPG_OK;
}

static dcpg_status parse_size(const char *option, const char *text, size_t *bytes, dcpg_err *err) {
    if (dcpg_parse_size(text, bytes)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "--%s %s: not a size; write a number of bytes, with K, M, G or T after it, such as 8G",
                     option, text);
}

static dcpg_status check(train_settings *s, dcpg_err *err) {
    DCPG_TRY(dcpg_cmd_need_data(s->table, &s->files, err));
    const train_model_options *m = &s->model;
    if (s->resume) s->train.out_dir = s->resume;
    bool named = m->dna.n || m->cpg.n;
    if (!named && m->files.n == 0)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "choose what to train: --dna_model, --cpg_model, both, or --model_files");
    if (named && m->files.n)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--model_files brings its whole model: leave out --dna_model and --cpg_model");
    if (m->dna_wlen > 0 && m->dna_wlen % 2 == 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--dna_wlen %lld: must be odd, with the CpG in the middle",
                         (long long)m->dna_wlen);
    if (m->cpg_wlen % 2)
        return dcpg_fail(err, DCPG_E_USAGE, "--cpg_wlen %lld: must be even, half on each side",
                         (long long)m->cpg_wlen);
    if (s->max_memory) DCPG_TRY(parse_size("max_memory", s->max_memory, &s->train.max_memory, err));
    DCPG_TRY(parse_size("comm_memory", s->comm_memory, &s->train.comm_memory, err));
    s->train.grad_bf16 = strcmp(s->grad_comm, "bf16") == 0;
    if (!s->train.grad_bf16 && strcmp(s->grad_comm, "fp32") != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--grad_comm %s: fp32 or bf16", s->grad_comm);
    if (s->train.grad_bf16 && s->train.no_reproducible)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--grad_comm bf16 rounds the sums of the tree, which --no_reproducible does "
                         "without: choose one of them");
    s->train.profile = s->profile.given;
    s->train.profile_file = profile_file(s);
    if (s->split && (s->train_chromos.n || s->val_chromos.n || s->val_files.n))
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--split chooses the chromosomes to train and validate on: leave --train_chromos, "
                         "--val_chromos and --val_files out");
    DCPG_TRY(check_optimiser(s, err));
    s->train.virtual_ranks = (int)s->virtual_ranks;
    s->train.seed = (uint64_t)s->seed;
    s->train.nb_thread = omp_get_max_threads();
    return DCPG_OK;
}

/* Chooses the cells: for a trained model by its rules (model_cells.h), for a new one those of
 * --replicate_names and --nb_replicate, or all. */
static dcpg_status choose_cells(const train_settings *s, parts *p, dcpg_log *log, dcpg_err *err) {
    bool whole = p->loaded.whole.graph != NULL;
    const dcpg_strings *files = whole ? &s->model.files : &s->model.cpg;
    const dcpg_cmd_cells_model model = {files->n ? files->v[0] : "",
                                        whole ? p->loaded.whole.graph : p->loaded.cpg.graph, true};
    const dcpg_cmd_cells_wish wish = {&s->replicate_names, s->nb_replicate, s->any_cells};
    if (model.graph && model.graph->nb_cell)
        return dcpg_cmd_choose_cells(&wish, &p->data, &model, log, &p->cells, err);
    return dcpg_strings_select(p->data.cells, &s->replicate_names, s->nb_replicate, "cell", &p->cells, err);
}

/* Chooses the names of a checkpoint, which the data must have. */
static dcpg_status choose_again(const dcpg_strings *then, const dcpg_strings *there, const char *what,
                                dcpg_strings *chosen, dcpg_err *err) {
    for (size_t i = 0; i < then->n; i++) {
        if (dcpg_strings_find(there, then->v[i]) < 0)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "the data have no %s %s, which the run was started with: name the same files",
                             what, then->v[i]);
        DCPG_TRY(dcpg_strings_add(chosen, then->v[i], err));
    }
    return DCPG_OK;
}

static dcpg_status choose(const train_settings *s, parts *p, dcpg_log *log, dcpg_err *err) {
    if (p->checkpoint) {
        DCPG_TRY(choose_again(&p->checkpoint->cells, p->data.cells, "cell", &p->cells, err));
        return choose_again(&p->checkpoint->outputs, p->data.outputs, "output", &p->outputs, err);
    }
    dcpg_strings initial = {0};
    dcpg_status status = dcpg_strings_add(&initial, "^cpg/", err);
    const dcpg_strings *patterns = s->output_names.n ? &s->output_names : &initial;
    if (status == DCPG_OK)
        status = dcpg_strings_select(p->data.outputs, patterns, s->nb_output, "output", &p->outputs, err);
    dcpg_strings_free(&initial);
    return status == DCPG_OK ? choose_cells(s, p, log, err) : status;
}

/* Makes the model; from here on the outputs are in its order. Collective. */
static dcpg_status make_model_all(const train_settings *s, parts *p, const dcpg_par *par, dcpg_log *log,
                                  dcpg_err *err) {
    if (p->checkpoint) {
        p->model.graph = p->checkpoint->graph;
        p->checkpoint->graph = NULL;
        return DCPG_OK;
    }
    const train_model_data data = {.options = &s->model,
                                   .cells = &p->cells,
                                   .outputs = &p->outputs,
                                   .dna_wlen = p->data.dna_wlen,
                                   .cpg_wlen = p->data.cpg_wlen,
                                   .seed = s->train.seed};
    DCPG_TRY(train_model_make_all(&data, par, log, &p->loaded, &p->model, err));
    const dcpg_graph *g = p->model.graph;
    dcpg_status status = DCPG_OK;
    dcpg_strings_free(&p->outputs);
    for (int o = 0; o < g->nb_output && status == DCPG_OK; o++)
        status = dcpg_strings_add(&p->outputs, g->layer[g->output[o]].name, err);
    return dcpg_agree_all(par, status, err);
}

/* Sets the names of the model's cells, which are written to its files. */
static dcpg_status name_cells(parts *p, dcpg_err *err) {
    dcpg_graph *graph = p->model.graph;
    dcpg_strings_free(&graph->cells);
    for (size_t i = 0; i < p->cells.n && graph->nb_cell; i++)
        DCPG_TRY(dcpg_strings_add(&graph->cells, p->cells.v[i], err));
    return DCPG_OK;
}

/* Chooses the chromosomes of --split. */
static dcpg_status take_split(const train_settings *s, parts *p, dcpg_log *log, dcpg_err *err) {
    char train[DCPG_LIST_TEXT], val[DCPG_LIST_TEXT], test[DCPG_LIST_TEXT];
    DCPG_TRY(dcpg_cmd_split_take(s->split, &p->data, false, &p->split, err));
    dcpg_info(log, "split %s: trained on %s; validated on %s; kept for tests: %s", s->split,
              dcpg_strings_text(&p->split.train, train), dcpg_strings_text(&p->split.val, val),
              p->split.test.n ? dcpg_strings_text(&p->split.test, test) : "none");
    return DCPG_OK;
}

static dcpg_status open_sources_all(const train_settings *s, parts *p, const dcpg_par *par, dcpg_log *log,
                                    dcpg_err *err) {
    dcpg_want want = {.dna_wlen = p->model.graph->dna_wlen,
                      .cpg_wlen = p->model.graph->cpg_wlen,
                      .cells = &p->cells,
                      .outputs = &p->outputs};
    if (s->split) DCPG_TRY(dcpg_agree_all(par, take_split(s, p, log, err), err));
    const train_data_wish wish = {&s->files, &s->val_files, s->split ? &p->split.train : &s->train_chromos,
                                  s->split ? &p->split.val : &s->val_chromos, &want};
    return train_data_open_all(&wish, &p->data, par, log, &p->sites, err);
}

static dcpg_status weigh_outputs(const train_settings *s, parts *p, dcpg_err *err) {
    p->output_weight = dcpg_alloc(p->outputs.n, sizeof *p->output_weight);
    if (p->output_weight == NULL) return dcpg_fail_nomem(err, "output weights", p->outputs.n);
    return dcpg_output_weights(&p->outputs, &s->output_weights, p->output_weight, err);
}

/* DCPG_E_INPUT where files of the resumed run are not there any more: they may have been moved. */
static dcpg_status find_moved(const train_settings *s, dcpg_err *err) {
    for (size_t i = 0; i < s->files.n; i++)
        if (!dcpg_file_exists(s->files.v[i]))
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s of this run is not there: give its new path: dcpg train --resume %s %s",
                             s->files.v[i], s->resume, s->files.n == 1 ? "STORE" : "FILE...");
    for (size_t i = 0; i < s->val_files.n; i++)
        if (!dcpg_file_exists(s->val_files.v[i]))
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s of this run is not there: give its new path: dcpg train --resume %s "
                             "--val_files FILE",
                             s->val_files.v[i], s->resume);
    return DCPG_OK;
}

static dcpg_status train_all(train_settings *s, parts *p, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    const char *kernels = p->checkpoint && p->checkpoint->kernels.n ? p->checkpoint->kernels.v[0] : NULL;
    DCPG_TRY(dcpg_cmd_kernels_all(par, kernels, log, err));
    if (p->checkpoint) DCPG_TRY(dcpg_agree_all(par, par->rank == 0 ? find_moved(s, err) : DCPG_OK, err));
    DCPG_TRY(dcpg_cmd_named_open_all(&s->files, par, &p->data, err));
    if (!p->checkpoint) DCPG_TRY(train_model_load_all(&s->model, par, log, &p->loaded, err));
    DCPG_TRY(dcpg_agree_all(par, choose(s, p, log, err), err));
    if (s->output_names.n || s->nb_output)
        dcpg_cmd_log_chosen(log, "output", &p->outputs, p->data.outputs->n);
    if (s->replicate_names.n || s->nb_replicate)
        dcpg_cmd_log_chosen(log, "cell", &p->cells, p->data.cells->n);
    DCPG_TRY(make_model_all(s, p, par, log, err));
    DCPG_TRY(dcpg_agree_all(par, name_cells(p, err), err));
    DCPG_TRY(open_sources_all(s, p, par, log, err));
    DCPG_TRY(dcpg_agree_all(par, weigh_outputs(s, p, err), err));
    DCPG_TRY(dcpg_agree_all(par, train_resume_keep(s->table, &s->files, &p->kept, err), err));
    DCPG_TRY(dcpg_par_watch_all(par, s->common.stall_timeout, err));
    s->train.output_weight = p->output_weight;
    s->train.words = &p->kept;
    s->train.resume = p->checkpoint;
    const dcpg_train_sources sources = {.train = p->sites.train, .val = p->sites.val};
    return dcpg_train_all(&sources, &p->model, &s->train, par, log, err);
}

static void free_parts(parts *p) {
    dcpg_cmd_split_free(&p->split);
    dcpg_source_close(p->sites.train);
    dcpg_source_close(p->sites.val);
    dcpg_cmd_named_close(&p->data);
    dcpg_cmd_named_close(&p->sites.val_data);
    train_model_files_free(&p->loaded);
    dcpg_model_free(&p->model);
    dcpg_strings_free(&p->cells);
    dcpg_strings_free(&p->outputs);
    dcpg_strings_free(&p->words);
    dcpg_strings_free(&p->kept);
    dcpg_strings_free(&p->left_out);
    dcpg_checkpoint_free(p->checkpoint);
    dcpg_free(p->output_weight);
}

static void free_settings(train_settings *s) {
    dcpg_strings *lists[] = {&s->files,        &s->val_files,      &s->train_chromos,   &s->val_chromos,
                             &s->output_names, &s->output_weights, &s->replicate_names, &s->profile.list};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
    train_model_options_free(&s->model);
}

/* What follows the words of the checkpoint. */
typedef struct words_after {
    const dcpg_strings *files;
    int argc;
    char **argv;
} words_after;

/* Parses the words of the checkpoint, followed by others. */
static dcpg_status parse_after(const parts *p, const words_after *after, train_settings *s,
                               dcpg_strings *words, const dcpg_par *par, dcpg_err *err) {
    bool help;
    DCPG_TRY(train_resume_words(p->checkpoint, after->argc, after->argv, after->files, words, err));
    return parse(s, (int)words->n, words->v, &help, par, err);
}

/* Removes from the checkpoint's words the options that it must not decide. `s`: settings of this command
 * line.
 */
static dcpg_status distrust(const train_settings *s, parts *p, char **argv, const dcpg_par *par,
                            dcpg_err *err) {
    train_settings then = {0};
    dcpg_strings words = {0}, none = {0};
    const words_after nothing = {&none, 1, argv};
    dcpg_status status = parse_after(p, &nothing, &then, &words, par, err);
    const train_resume_given given = {then.table, &then.files, s->files.n > 0, s->val_files.n > 0};
    if (status == DCPG_OK) status = train_resume_distrust(p->checkpoint, &given, &p->left_out, err);
    free_settings(&then);
    dcpg_strings_free(&words);
    return status;
}

/* Replaces the settings by those of the checkpoint, with the options of this command line on top. */
static dcpg_status parse_again(train_settings *s, parts *p, const dcpg_cmd_call *call, const dcpg_par *par,
                               dcpg_err *err) {
    train_settings then = {0};
    DCPG_TRY(distrust(s, p, call->argv, par, err));
    dcpg_strings words = {0}, files = s->files, none = {0};
    const words_after given = {&files, call->argc, call->argv}, nothing = {&none, 1, call->argv};
    s->files = none;
    free_settings(s);
    *s = (train_settings){0};
    dcpg_status status = parse_after(p, &given, s, &p->words, par, err);
    if (status == DCPG_OK) status = parse_after(p, &nothing, &then, &words, par, err);
    if (status == DCPG_OK) status = train_resume_check(p->checkpoint, then.table, s->table, err);
    free_settings(&then);
    dcpg_strings_free(&words);
    dcpg_strings_free(&files);
    return status;
}

/* Looks for the checkpoint to resume from. Collective. */
static dcpg_status find_checkpoint_all(train_settings *s, parts *p, const dcpg_cmd_call *call,
                                       const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    if (!s->resume) return DCPG_OK;
    DCPG_TRY(dcpg_checkpoint_find_all(s->resume, par, log, &p->checkpoint, err));
    if (p->checkpoint) {
        DCPG_TRY(dcpg_agree_all(par, parse_again(s, p, call, par, err), err));
        for (size_t i = 0; i < p->left_out.n && !s->common.log_file && !s->train.stop_file; i++)
            dcpg_info(log, "--%s is not taken from a checkpoint: give it again where it is wanted",
                      p->left_out.v[i]);
        return DCPG_OK;
    }
    if (s->files.n == 0)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--resume %s: no checkpoint is there to go on from; to start the run, give its other words, too",
            s->resume);
    dcpg_info(log, "--resume %s: no checkpoint is there yet, the run starts", s->resume);
    return DCPG_OK;
}

/* Locks the model directory, before a checkpoint is looked for, so that no other run writes a later one in
 * between. Collective. */
static dcpg_status lock_all(const train_settings *s, dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log,
                            dcpg_err *err) {
    const train_model_options *m = &s->model;
    const dcpg_strings *inputs[] = {&m->files, &m->dna,       &m->cpg,
                                    &s->files, &s->val_files, &m->filter_weights};
    job->output[0] = (dcpg_cmd_output){
        .path = s->resume ? s->resume : s->train.out_dir, .option = "--out_dir", .kind = DCPG_CMD_MODEL};
    job->output[1] =
        (dcpg_cmd_output){.path = profile_file(s), .option = "--profile", .kind = DCPG_CMD_TIMES};
    job->common.force = s->common.force || s->resume;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs && !s->resume; i++) job->input[i] = inputs[i];
    dcpg_status status = dcpg_cmd_outputs_all(job, par, log, err);
    /* When a run is resumed, the lists are parsed anew: the job must not point to the old ones. */
    for (int i = 0; i < DCPG_CMD_INPUTS; i++) job->input[i] = NULL;
    for (int i = 0; i < DCPG_CMD_OUTPUTS; i++) job->output[i].path = NULL;
    return status;
}

/* Runs the command with its parsed settings, to the end of the training. Collective. */
static dcpg_status run_all(train_settings *s, parts *p, dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log,
                           dcpg_err *err) {
    dcpg_log_open(log, par->rank, s->common.verbose ? DCPG_DEBUG : DCPG_INFO);
    DCPG_TRY(dcpg_par_watch_all(par, s->common.stall_timeout,
                                err)); /* set again when a checkpoint's words are known */
    DCPG_TRY(lock_all(s, job, par, log, err));
    DCPG_TRY(find_checkpoint_all(s, p, &job->call, par, log, err));
    log->level = s->common.verbose ? DCPG_DEBUG : DCPG_INFO;
    DCPG_TRY(dcpg_agree_all(par, check(s, err), err));
    job->common.log_file = s->common.log_file;
    job->output[1].path = s->train.profile_file;
    job->input[0] = &s->files;
    job->input[1] = &s->val_files;
    DCPG_TRY(dcpg_cmd_log_all(job, par, log, err));
    s->train.lock = job->lock[0];
    return train_all(s, p, par, log, err);
}

int dcpg_cmd_train(dcpg_par *par, int argc, char **argv) {
    train_settings s = {0};
    parts p = {0};
    dcpg_cmd_job job = {.call = {.argc = argc, .argv = argv, .started = dcpg_now()}};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_signals_catch();
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        status = run_all(&s, &p, &job, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    free_parts(&p);
    free_settings(&s);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
