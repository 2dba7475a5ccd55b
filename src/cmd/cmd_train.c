/* SPDX-License-Identifier: MIT */
/* dcpg train */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/model_cells.h"
#include "cmd/sources.h"
#include "cmd/train_data.h"
#include "cmd/train_model.h"
#include "cmd/train_resume.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <dcpg/signal.h>
#include <dcpg/train.h>
#include <omp.h>
#include <string.h>

/* Everything a user can say. */
typedef struct settings {
    dcpg_strings files, val_files, train_chromos, val_chromos, output_names, output_weights, replicate_names;
    const char *log_file, *resume, *max_memory, *grad_comm;
    double stall_timeout;
    int64_t nb_output, nb_replicate, virtual_ranks, seed;
    bool any_cells, verbose, force;
    train_model_options model;
    dcpg_train_options train;
    dcpg_opt table[96]; /* the options, pointing to what is above */
} settings;

/* What the run is made of; freed together. */
typedef struct parts {
    dcpg_cmd_named data, val_data;
    dcpg_source *train, *val;
    dcpg_strings cells, outputs; /* chosen replicates and outputs */
    train_model_files loaded;
    train_model model;
    float *output_weight;
    dcpg_checkpoint *checkpoint; /* to go on from; NULL: none */
    dcpg_strings words;          /* parsed, where it is that of the checkpoint and ours */
    dcpg_strings kept;           /* the command line for checkpoints */
    dcpg_strings left_out;       /* options that the checkpoint does not decide */
} parts;

static dcpg_status parse(settings *s, int argc, char **argv, bool *help, const dcpg_par *par, dcpg_err *err) {
    dcpg_train_options *t = &s->train;
    train_model_options *m = &s->model;
    const dcpg_opt options[] = {
        {DCPG_OPT_GROUP, "data", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_LIST, "train_chromos", &s->train_chromos, NULL, 0, 0,
         "chromosomes to train on (default: all that are not validated on)", "NAME"},
        {DCPG_OPT_LIST, "val_chromos", &s->val_chromos, NULL, 0, 0,
         "chromosomes to validate on (default: none, unless --val_files is given)", "NAME"},
        {DCPG_OPT_LIST, "val_files", &s->val_files, NULL, 0, 0,
         "store or DeepCpG data files to validate on (default: those of training)", "FILE"},
        {DCPG_OPT_STRING, "out_dir", &t->out_dir, "train", 0, 0, "model directory to write", "DIR"},
        {DCPG_OPT_INT, "nb_train_sample", &t->nb_train_sample, "0", 0, 9e18,
         "use the first N training sites only (0: all)", "N"},
        {DCPG_OPT_INT, "nb_val_sample", &t->nb_val_sample, "0", 0, 9e18,
         "use the first N validation sites only (0: all)", "N"},
        {DCPG_OPT_LIST, "output_names", &s->output_names, NULL, 0, 0,
         "outputs to train: their names, or regular expressions (default: ^cpg/)", "REGEX"},
        {DCPG_OPT_INT, "nb_output", &s->nb_output, "0", 0, 1e9, "at most N outputs (0: all)", "N"},
        {DCPG_OPT_LIST, "output_weights", &s->output_weights, NULL, 0, 0,
         "weight of outputs in the loss (default: 1)", "REGEX=WEIGHT"},
        {DCPG_OPT_LIST, "replicate_names", &s->replicate_names, NULL, 0, 0,
         "cells whose neighbours the CpG model sees: their names, or regular expressions (default: all, or "
         "those of a trained model)",
         "REGEX"},
        {DCPG_OPT_INT, "nb_replicate", &s->nb_replicate, "0", 0, 1e9, "at most N such cells (0: all)", "N"},

        {DCPG_OPT_FLAG, "any_cells", &s->any_cells, NULL, 0, 0,
         "start from a trained CpG model with the cells of the data in their order, whatever cells it was "
         "trained on (default: its own cells, or those of --replicate_names)",
         NULL},
        {DCPG_OPT_GROUP, "model", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_LIST, "dna_model", &m->dna, NULL, 0, 0,
         "DNA model: a name of 'dcpg models', a specification, or a trained model as for --model_files "
         "(default: none)",
         "NAME|FILE"},
        {DCPG_OPT_LIST, "cpg_model", &m->cpg, NULL, 0, 0,
         "CpG model, likewise; of a trained one the number of cells may differ (default: none)", "NAME|FILE"},
        {DCPG_OPT_STRING, "joint_model", &m->joint, "JointL2h512", 0, 0, "joins the two where both are given",
         "NAME"},
        {DCPG_OPT_LIST, "model_files", &m->files, NULL, 0, 0,
         "train this model further, with new heads where its outputs are not those chosen: a directory, a "
         "model.h5, or model.json and weights",
         "FILE"},
        {DCPG_OPT_STRING, "keras_backend", &m->keras_backend, NULL, 0, 0,
         "theano or tensorflow: who wrote model files that do not say (default: theano for files of Keras 1)",
         "NAME"},
        {DCPG_OPT_INT, "dna_wlen", &m->dna_wlen, "0", 0, 1e6,
         "length of the DNA window in bp, odd (0: that of trained models and DeepCpG data files, else 1001)",
         "BP"},
        {DCPG_OPT_INT, "cpg_wlen", &m->cpg_wlen, "0", 0, 1e5,
         "observed neighbours of a site per cell, even: half on each side (0: those of trained models and "
         "DeepCpG data files, else 50)",
         "N"},
        {DCPG_OPT_DOUBLE, "dropout", &m->dropout, "0", 0, 0.999, "dropout rate; trained models keep theirs",
         "RATE"},
        {DCPG_OPT_DOUBLE, "l1_decay", &m->l1_decay, "0.0001", 0, 1e9,
         "L1 penalty on kernels; trained models keep theirs", "X"},
        {DCPG_OPT_DOUBLE, "l2_decay", &m->l2_decay, "0.0001", 0, 1e9,
         "L2 penalty on kernels; trained models keep theirs", "X"},

        {DCPG_OPT_GROUP, "what is trained", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_FLAG, "fine_tune", &m->fine_tune, NULL, 0, 0, "the output heads only", NULL},
        {DCPG_OPT_LIST, "train_models", &m->train_models, NULL, 0, 0,
         "these parts and the heads only: dna, cpg, joint", "PART"},
        {DCPG_OPT_LIST, "trainable", &m->trainable, NULL, 0, 0,
         "train layers whose names these regular expressions match at their start", "REGEX"},
        {DCPG_OPT_LIST, "not_trainable", &m->not_trainable, NULL, 0, 0,
         "freeze such layers, unless --trainable names them", "REGEX"},
        {DCPG_OPT_FLAG, "freeze_filter", &m->freeze_filter, NULL, 0, 0,
         "freeze the first convolution over DNA", NULL},
        {DCPG_OPT_LIST, "filter_weights", &m->filter_weights, NULL, 0, 0,
         "start the first convolution with the array weights (and bias) of this HDF5 file, or of a group in "
         "it",
         "FILE [GROUP]"},

        {DCPG_OPT_GROUP, "training", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_INT, "nb_epoch", &t->nb_epoch, "30", 1, 1e6, "at most N epochs", "N"},
        {DCPG_OPT_INT, "batch_size", &t->batch_size, "128", 1, 1e9, "sites per step, over all ranks", "N"},
        {DCPG_OPT_DOUBLE, "learning_rate", &t->learning_rate, "0.0001", 0, 1e9, "Adam's learning rate", "X"},
        {DCPG_OPT_DOUBLE, "learning_rate_decay", &t->learning_rate_decay, "0.975", 0, 1e9,
         "factor on the learning rate per epoch", "X"},
        {DCPG_OPT_INT, "early_stopping", &t->early_stopping, "5", 0, 1e9,
         "stop after N epochs without a better validation loss (0: never)", "N"},
        {DCPG_OPT_FLAG, "no_shuffle", &t->no_shuffle, NULL, 0, 0,
         "take the sites in their order, not shuffled", NULL},
        {DCPG_OPT_FLAG, "no_class_weights", &t->no_class_weights, NULL, 0, 0, "do not weigh rare classes up",
         NULL},
        {DCPG_OPT_INT, "seed", &s->seed, "0", 0, 9e18, "of initial weights, sample order and dropout", "N"},

        {DCPG_OPT_GROUP, "stopping and going on", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_STRING, "resume", &s->resume, NULL, 0, 0,
         "go on with the run of this model directory, from its last checkpoint, on any number of ranks up to "
         "V; all other words may be left out, and a store that was moved is named behind DIR. Where there is "
         "no checkpoint yet, start with the words given",
         "DIR"},
        {DCPG_OPT_INT, "checkpoint_steps", &t->checkpoint_steps, "0", 0, 9e18,
         "a checkpoint every N steps (0: only at the end of epochs, and by time)", "N"},
        {DCPG_OPT_DOUBLE, "checkpoint_minutes", &t->checkpoint_minutes, "15", 0, 1e6,
         "a checkpoint every so many minutes (0: none by time)", "M"},
        {DCPG_OPT_INT, "keep_checkpoints", &t->keep_checkpoints, "2", 1, 1e6, "keep the last K checkpoints",
         "K"},
        {DCPG_OPT_DOUBLE, "max_time", &t->max_time, "0", 0, 1e6,
         "stop in time before so many hours are over, with a checkpoint and exit code 85 (0: no limit); the "
         "end of a SLURM job does the same",
         "HOURS"},
        {DCPG_OPT_STRING, "stop_file", &t->stop_file, NULL, 0, 0,
         "stop, with everything saved and exit code 0, when this file exists", "FILE"},
        {DCPG_OPT_DOUBLE, "stall_timeout", &s->stall_timeout, "600", 0, 1e9,
         "end the job, naming the rank, where others have waited for a rank for so many seconds (0: wait for "
         "ever)",
         "S"},

        {DCPG_OPT_GROUP, "ranks", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_INT, "virtual_ranks", &s->virtual_ranks, "0", 0, 1e6,
         "shards the sites are cut into; the same number gives the same model on any number of ranks (0: 8, "
         "or the number of ranks if larger)",
         "V"},
        {DCPG_OPT_INT, "micro_batch", &t->micro_batch, "0", 0, 1e9,
         "cut the part of a virtual rank into blocks of at most N sites, which run one after the other, or "
         "as many at once as --max_memory has room for (0: not cut, unless --max_memory needs it)",
         "N"},
        {DCPG_OPT_STRING, "max_memory", &s->max_memory, NULL, 0, 0,
         "memory of a rank, data and batches included, such as 8G: as many blocks run at once as fit; "
         "without --micro_batch blocks are chosen by SIZE, the model and V, and kept when the run is resumed "
         "(default: all sites of a rank run at once)",
         "SIZE"},
        {DCPG_OPT_FLAG, "shard_optimizer", &t->shard_optimizer, NULL, 0, 0,
         "keep of the optimiser's state, on each rank, only the part that the rank updates: the same result "
         "with less memory",
         NULL},
        {DCPG_OPT_STRING, "grad_comm", &s->grad_comm, "fp32", 0, 0,
         "precision in which sums of gradients travel between ranks: fp32, or bf16, which is half the bytes "
         "and rounds every sum of the tree (another result, but still the same on any number of ranks)",
         "TYPE"},
        {DCPG_OPT_FLAG, "no_reproducible", &t->no_reproducible, NULL, 0, 0, "sum gradients in any order",
         NULL},

        {DCPG_OPT_GROUP, "messages", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_FLAG, "profile", &t->profile, NULL, 0, 0,
         "tell at the end where the time went: layers, data, gradients, optimiser, files; mean, least and "
         "most over ranks, and which rank",
         NULL},
        {DCPG_OPT_FLAG, "verbose", &s->verbose, NULL, 0, 0, "tell more", NULL},
        {DCPG_OPT_STRING, "log_file", &s->log_file, NULL, 0, 0, "append messages to this file too", "FILE"},
        DCPG_CMD_FORCE(&s->force),
        {0}};
    dcpg_command_line line = {
        "dcpg train STORE|FILE... --dna_model NAME --cpg_model NAME --out_dir DIR [options]; dcpg train "
        "--resume DIR [STORE|FILE...]",
        "Trains a DNA model, a CpG model, or both joined, to predict the methylation of every cell, with as "
        "many ranks as mpirun starts. The data are a store (made by dcpg data) or DeepCpG data files.",
        options, &s->files};
    memcpy(s->table, options, sizeof options);
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, help, err));
    if (*help && par->rank == 0) dcpg_options_help(&line, stdout);
    return DCPG_OK;
}

static dcpg_status check(settings *s, dcpg_err *err) {
    if (s->files.n == 0)
        return dcpg_options_fail_missing(s->table, "give a store (made by dcpg data) or DeepCpG data files",
                                         err);
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
    if (s->max_memory && !dcpg_parse_size(s->max_memory, &s->train.max_memory))
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--max_memory %s: not a size; write a number of bytes, with K, M, G or T behind it, such as 8G",
            s->max_memory);
    s->train.grad_bf16 = strcmp(s->grad_comm, "bf16") == 0;
    if (!s->train.grad_bf16 && strcmp(s->grad_comm, "fp32") != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--grad_comm %s: fp32 or bf16", s->grad_comm);
    if (s->train.grad_bf16 && s->train.no_reproducible)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--grad_comm bf16 rounds the sums of the tree, which --no_reproducible does "
                         "without: choose one of them");
    s->train.virtual_ranks = (int)s->virtual_ranks;
    s->train.seed = (uint64_t)s->seed;
    s->train.nb_thread = omp_get_max_threads();
    return DCPG_OK;
}

/* Cells: those of a trained model or of the user's wish; of a new one as chosen, otherwise all. */
static dcpg_status choose_cells(const settings *s, parts *p, dcpg_log *log, dcpg_err *err) {
    bool whole = p->loaded.whole.graph != NULL;
    const dcpg_strings *files = whole ? &s->model.files : &s->model.cpg;
    const dcpg_cmd_cells_model model = {files->n ? files->v[0] : "",
                                        whole ? p->loaded.whole.graph : p->loaded.cpg.graph, true};
    const dcpg_cmd_cells_wish wish = {&s->replicate_names, s->nb_replicate, s->any_cells};
    if (model.graph && model.graph->nb_cell)
        return dcpg_cmd_choose_cells(&wish, &p->data, &model, log, &p->cells, err);
    return dcpg_strings_select(p->data.cells, &s->replicate_names, s->nb_replicate, "cell", &p->cells, err);
}

/* Names of a checkpoint, which must be those of the data. */
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

static dcpg_status choose(const settings *s, parts *p, dcpg_log *log, dcpg_err *err) {
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

/* The model; outputs are in its order from here on. Collective. */
static dcpg_status make_model_all(const settings *s, parts *p, const dcpg_par *par, dcpg_log *log,
                                  dcpg_err *err) {
    if (p->checkpoint) {
        p->model.graph = p->checkpoint->graph;
        p->checkpoint->graph = NULL;
        return DCPG_OK;
    }
    const train_model_data data = {&p->cells, &p->outputs, p->data.dna_wlen, p->data.cpg_wlen, s->train.seed};
    DCPG_TRY(train_model_make_all(&s->model, &data, par, log, &p->loaded, &p->model, err));
    const dcpg_graph *g = p->model.graph;
    dcpg_status status = DCPG_OK;
    dcpg_strings_free(&p->outputs);
    for (int o = 0; o < g->nb_output && status == DCPG_OK; o++)
        status = dcpg_strings_add(&p->outputs, g->layer[g->output[o]].name, err);
    return dcpg_agree_all(par, status, err);
}

/* Tells the model its cells, which its files will say. */
static dcpg_status name_cells(parts *p, dcpg_err *err) {
    dcpg_graph *graph = p->model.graph;
    dcpg_strings_free(&graph->cells);
    for (size_t i = 0; i < p->cells.n && graph->nb_cell; i++)
        DCPG_TRY(dcpg_strings_add(&graph->cells, p->cells.v[i], err));
    return DCPG_OK;
}

static dcpg_status open_sources_all(const settings *s, parts *p, const dcpg_par *par, dcpg_log *log,
                                    dcpg_err *err) {
    dcpg_want want = {.dna_wlen = p->model.graph->dna_wlen,
                      .cpg_wlen = p->model.graph->cpg_wlen,
                      .cells = &p->cells,
                      .outputs = &p->outputs};
    const train_data_wish wish = {&s->files, &s->val_files, &s->train_chromos, &s->val_chromos};
    return train_data_open_all(&wish, &want, &p->data, &p->val_data, par, log, &p->train, &p->val, err);
}

static dcpg_status weigh_outputs(const settings *s, parts *p, dcpg_err *err) {
    p->output_weight = dcpg_alloc(p->outputs.n, sizeof *p->output_weight);
    if (p->output_weight == NULL) return dcpg_fail_nomem(err, "output weights", p->outputs.n);
    return dcpg_output_weights(&p->outputs, &s->output_weights, p->output_weight, err);
}

/* The files of a run that goes on may have moved since. */
static dcpg_status find_moved(const settings *s, dcpg_err *err) {
    for (size_t i = 0; i < s->files.n; i++)
        if (!dcpg_file_exists(s->files.v[i]))
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s of this run is not there: tell where it is now: dcpg train --resume %s %s",
                             s->files.v[i], s->resume, s->files.n == 1 ? "STORE" : "FILE...");
    for (size_t i = 0; i < s->val_files.n; i++)
        if (!dcpg_file_exists(s->val_files.v[i]))
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s of this run is not there: tell where it is now: dcpg train --resume %s "
                             "--val_files FILE",
                             s->val_files.v[i], s->resume);
    return DCPG_OK;
}

static dcpg_status train_all(settings *s, parts *p, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    const char *kernels = p->checkpoint && p->checkpoint->kernels.n ? p->checkpoint->kernels.v[0] : NULL;
    DCPG_TRY(dcpg_cmd_kernels_all(par, kernels, log, err));
    if (p->checkpoint) DCPG_TRY(dcpg_agree_all(par, par->rank == 0 ? find_moved(s, err) : DCPG_OK, err));
    DCPG_TRY(dcpg_cmd_named_open_all(&s->files, par, &p->data, err));
    if (!p->checkpoint) DCPG_TRY(train_model_load_all(&s->model, par, log, &p->loaded, err));
    DCPG_TRY(dcpg_agree_all(par, choose(s, p, log, err), err));
    if (s->output_names.n || s->nb_output)
        dcpg_cmd_tell_chosen(log, "output", &p->outputs, p->data.outputs->n);
    if (s->replicate_names.n || s->nb_replicate)
        dcpg_cmd_tell_chosen(log, "cell", &p->cells, p->data.cells->n);
    DCPG_TRY(make_model_all(s, p, par, log, err));
    DCPG_TRY(dcpg_agree_all(par, name_cells(p, err), err));
    DCPG_TRY(open_sources_all(s, p, par, log, err));
    DCPG_TRY(dcpg_agree_all(par, weigh_outputs(s, p, err), err));
    DCPG_TRY(dcpg_agree_all(par, train_resume_keep(s->table, &s->files, &p->kept, err), err));
    DCPG_TRY(dcpg_par_watch_all(par, s->stall_timeout, err));
    s->train.output_weight = p->output_weight;
    s->train.words = &p->kept;
    s->train.resume = p->checkpoint;
    return dcpg_train_all(p->train, p->val, p->model.graph, &p->model.weights, &s->train, par, log, err);
}

static void free_parts(parts *p) {
    dcpg_source_close(p->train);
    dcpg_source_close(p->val);
    dcpg_cmd_named_close(&p->data);
    dcpg_cmd_named_close(&p->val_data);
    train_model_files_free(&p->loaded);
    train_model_free(&p->model);
    dcpg_strings_free(&p->cells);
    dcpg_strings_free(&p->outputs);
    dcpg_strings_free(&p->words);
    dcpg_strings_free(&p->kept);
    dcpg_strings_free(&p->left_out);
    dcpg_checkpoint_free(p->checkpoint);
    dcpg_free(p->output_weight);
}

static void free_settings(settings *s) {
    dcpg_strings *lists[] = {&s->files,        &s->val_files,      &s->train_chromos,  &s->val_chromos,
                             &s->output_names, &s->output_weights, &s->replicate_names};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
    train_model_options_free(&s->model);
}

/* Parses the words of the checkpoint with argv behind them. */
static dcpg_status parse_after(const parts *p, settings *s, const dcpg_strings *files, int argc, char **argv,
                               dcpg_strings *words, const dcpg_par *par, dcpg_err *err) {
    bool help;
    DCPG_TRY(train_resume_words(p->checkpoint, argc, argv, files, words, err));
    return parse(s, (int)words->n, words->v, &help, par, err);
}

/* Takes out of the checkpoint's words what it must not decide; `s` holds what is said now. */
static dcpg_status distrust(const settings *s, parts *p, char **argv, const dcpg_par *par, dcpg_err *err) {
    settings then = {0};
    dcpg_strings words = {0}, none = {0};
    dcpg_status status = parse_after(p, &then, &none, 1, argv, &words, par, err);
    const train_resume_said said = {then.table, &then.files, s->files.n > 0, s->val_files.n > 0};
    if (status == DCPG_OK) status = train_resume_distrust(p->checkpoint, &said, &p->left_out, err);
    free_settings(&then);
    dcpg_strings_free(&words);
    return status;
}

/* Settings become those of the checkpoint and, after them, what is said now. */
static dcpg_status parse_again(settings *s, parts *p, int argc, char **argv, const dcpg_par *par,
                               dcpg_err *err) {
    settings then = {0};
    DCPG_TRY(distrust(s, p, argv, par, err));
    dcpg_strings words = {0}, files = s->files, none = {0};
    s->files = none;
    free_settings(s);
    *s = (settings){0};
    dcpg_status status = parse_after(p, s, &files, argc, argv, &p->words, par, err);
    if (status == DCPG_OK) status = parse_after(p, &then, &none, 1, argv, &words, par, err);
    if (status == DCPG_OK) status = train_resume_check(p->checkpoint, then.table, s->table, err);
    free_settings(&then);
    dcpg_strings_free(&words);
    dcpg_strings_free(&files);
    return status;
}

/* Looks for the checkpoint to go on from. Collective. */
static dcpg_status find_checkpoint_all(settings *s, parts *p, int argc, char **argv, const dcpg_par *par,
                                       dcpg_log *log, dcpg_err *err) {
    if (!s->resume) return DCPG_OK;
    DCPG_TRY(dcpg_checkpoint_find_all(s->resume, par, log, &p->checkpoint, err));
    if (p->checkpoint) {
        DCPG_TRY(dcpg_agree_all(par, parse_again(s, p, argc, argv, par, err), err));
        for (size_t i = 0; i < p->left_out.n && !s->log_file && !s->train.stop_file; i++)
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

/* Locks the model directory: before a checkpoint is looked for, so that nobody writes a later one meanwhile.
 * Collective. */
static dcpg_status lock_all(const settings *s, dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log,
                            dcpg_err *err) {
    const train_model_options *m = &s->model;
    const dcpg_strings *inputs[] = {&m->files, &m->dna,       &m->cpg,
                                    &s->files, &s->val_files, &m->filter_weights};
    job->output[0] = (dcpg_cmd_output){s->resume ? s->resume : s->train.out_dir, "--out_dir", DCPG_CMD_MODEL};
    job->force = s->force || s->resume;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs && !s->resume; i++) job->input[i] = inputs[i];
    dcpg_status status = dcpg_cmd_outputs_all(job, par, log, err);
    /* The lists are parsed anew where a run goes on. */
    for (int i = 0; i < DCPG_CMD_INPUTS; i++) job->input[i] = NULL;
    job->output[0].path = NULL;
    return status;
}

/* From the words to the end of the run. Collective. */
static dcpg_status run_all(settings *s, parts *p, dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log,
                           dcpg_err *err) {
    dcpg_log_open(log, par->rank, s->verbose ? DCPG_DEBUG : DCPG_INFO);
    DCPG_TRY(
        dcpg_par_watch_all(par, s->stall_timeout, err)); /* anew once the words of a checkpoint are known */
    DCPG_TRY(lock_all(s, job, par, log, err));
    DCPG_TRY(find_checkpoint_all(s, p, job->argc, job->argv, par, log, err));
    log->level = s->verbose ? DCPG_DEBUG : DCPG_INFO;
    DCPG_TRY(dcpg_agree_all(par, check(s, err), err));
    job->log_file = s->log_file;
    job->input[0] = &s->files;
    job->input[1] = &s->val_files;
    DCPG_TRY(dcpg_cmd_log_all(job, par, log, err));
    s->train.lock = job->lock[0];
    return train_all(s, p, par, log, err);
}

int dcpg_cmd_train(dcpg_par *par, int argc, char **argv) {
    settings s = {0};
    parts p = {0};
    dcpg_cmd_job job = {.started = dcpg_now(), .argc = argc, .argv = argv};
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
