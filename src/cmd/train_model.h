/* SPDX-License-Identifier: MIT */
/* Makes the model of a training run: built from names, loaded from files, or joined from both; and chooses
 * the layers to train. Private to the command. */
#ifndef DCPG_CMD_TRAIN_MODEL_H
#define DCPG_CMD_TRAIN_MODEL_H

#include <dcpg/keras.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/surgery.h>

/* The user's options for it. */
typedef struct train_model_options {
    dcpg_strings dna, cpg,
        files; /* --dna_model, --cpg_model: a name, a specification, or files; --model_files */
    const char *joint, *keras_backend;
    int64_t dna_wlen, cpg_wlen; /* 0: not given */
    double dropout, l1_decay, l2_decay;
    bool fine_tune, freeze_filter;
    dcpg_strings train_models, trainable, not_trainable, filter_weights;
} train_model_options;

/* The user's options, and choices made by the data and other options. */
typedef struct train_model_data {
    const train_model_options *options;
    const dcpg_strings *cells, *outputs; /* chosen */
    int64_t dna_wlen, cpg_wlen;          /* of new models, unless the user chooses others */
    uint64_t seed;                       /* of new weights */
} train_model_data;

/* Loaded models; graph NULL: none. */
typedef struct train_model_files {
    dcpg_model dna, cpg, whole;
} train_model_files;

/* Loads the models that the options name by files. A word is taken as a file where that path exists on rank
 * 0. Collective. */
dcpg_status train_model_load_all(const train_model_options *options, const dcpg_par *par, dcpg_log *log,
                                 train_model_files *files, dcpg_err *err);

/* Makes the model to train, with heads for the chosen outputs: a loaded model keeps its heads where they
 * belong to these outputs. Takes over the content of `files`. Collective. */
dcpg_status train_model_make_all(const train_model_data *data, const dcpg_par *par, dcpg_log *log,
                                 train_model_files *files, dcpg_model *model, dcpg_err *err);

void train_model_options_free(train_model_options *options);
void train_model_files_free(train_model_files *files);

#endif
