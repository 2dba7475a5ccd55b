/* SPDX-License-Identifier: MIT */
/* Training: data-parallel Adam or LAMB over the shards of a source, with learning curves, early stopping and
 * the model directory in DeepCpG's layout. */
#ifndef DCPG_TRAIN_H
#define DCPG_TRAIN_H

#include <dcpg/api.h>
#include <dcpg/checkpoint.h>
#include <dcpg/exact.h>
#include <dcpg/keras.h>
#include <dcpg/lock.h>
#include <dcpg/log.h>
#include <dcpg/net.h>
#include <dcpg/par.h>
#include <dcpg/source.h>
#include <dcpg/status.h>

DCPG_BEGIN_C

/* ---- the optimisers: Adam (Kingma and Ba 2015, in the form of Keras 2.2: the bias correction is part of the
 * learning rate, epsilon is outside of it), and LAMB (You et al. 2020, algorithm 2) ----
 *
 * LAMB moves an array of two or more dimensions (kernels) by rate * |w| / |u| * u, where u is the direction
 * m' / (sqrt(v') + epsilon) + weight_decay * w with corrected moments m' and v', and | | the Euclidean norm
 * over the array. The ratio is 1 where a norm is 0 and, as in the authors' code, for biases and the scales
 * and shifts of batch normalisation, which weight_decay leaves alone, too. Every head is an array of its own.
 */

typedef struct dcpg_optimiser {
    bool lamb; /* false: Adam */
    double
        weight_decay; /* of LAMB; 0: none. The penalties of layers are part of the gradient, as with Adam */
    double clip_norm; /* largest norm of the gradient of all trained parameters together, penalties
                         included: a longer one is scaled down to it; 0: any length */
} dcpg_optimiser;

typedef struct dcpg_adam_range {
    size_t offset, count; /* of the net's parameters */
    size_t moment;        /* where their moments begin in m and v */
    float l1, l2;
} dcpg_adam_range;

/* Values offset, offset + stride ... of the net's parameters, all of one array; the unit of work where norms
 * are needed. Contiguous parts are cut at fixed offsets, strided ones are columns. */
typedef struct dcpg_adam_part {
    size_t offset, count, stride;
    size_t moment; /* where their moments begin in m and v; the same stride */
    int array;     /* among those with a ratio; -1: it has none */
    float l1, l2;
} dcpg_adam_part;

typedef struct dcpg_adam {
    dcpg_optimiser kind;
    dcpg_slices slices; /* of the trained parameters: this rank updates those of slices.rank */
    size_t count;       /* number of values in them */
    float *m, *v;       /* [count] running means of the gradient and of its square */
    int64_t t;          /* steps made */
    float beta1, beta2, epsilon;
    int nb_range;
    dcpg_adam_range *range; /* ranges to update, with their penalties; frozen parameters are in none */
    int nb_part, nb_array;  /* 0 without norms */
    dcpg_adam_part *part;   /* the same values, cut otherwise */
    dcpg_exact *norm;       /* [1 + 2 nb_array] squares of the gradient, and of w and u of each array */
} dcpg_adam;

/* State for the slices of slices->rank of the parameters of `net` (slices->total is net->nb_trained), zero.
 * `kind` NULL: Adam without clipping. Free with dcpg_adam_free. Local. */
DCPG_API dcpg_status dcpg_adam_new(const dcpg_net *net, const dcpg_slices *slices, const dcpg_optimiser *kind,
                                   dcpg_adam **adam, dcpg_err *err);
DCPG_API void dcpg_adam_free(dcpg_adam *adam);

/* One step with learning rate `rate` and the gradients grads[slices.total] (without penalty, which is added
 * here), of which only the slices of slices.rank are read, and only those slices of params[slices.total] are
 * updated. Norms are exact sums (exact.h): the same bits on any number of ranks and threads. False if such a
 * gradient is not finite; parameters and state are then unusable. `par` may be NULL if slices.size is 1.
 * Collective where there are norms to sum (LAMB, clip_norm) over several slices.size, otherwise Local. */
DCPG_API bool dcpg_adam_apply_all(dcpg_adam *adam, const dcpg_par *par, double rate, const float *grads,
                                  float *params);

/* ---- the learning rate ---- */

typedef enum dcpg_lr_scaling { DCPG_LR_NONE, DCPG_LR_LINEAR, DCPG_LR_SQRT } dcpg_lr_scaling;

typedef struct dcpg_learning_rate {
    double rate, decay; /* for batches of base_batch; factor per epoch */
    dcpg_lr_scaling scaling;
    int64_t base_batch, batch; /* at least 1 */
    int64_t warmup_steps;      /* in which the rate rises linearly; 0: none */
} dcpg_learning_rate;

/* Factor for the batch: 1, batch / base_batch (Goyal et al. 2017), or its square root. Pure. */
DCPG_API double dcpg_learning_rate_scale(const dcpg_learning_rate *rate);

/* The learning rate of step `step` of the run, which lies in `epoch` (both from 0): rate * scale *
 * decay^epoch, and during the warm-up (step + 1) / warmup_steps of that. Pure. */
DCPG_API double dcpg_learning_rate_at(const dcpg_learning_rate *rate, int64_t epoch, int64_t step);

/* ---- class weights ---- */

/* weight[nb_output][DCPG_MAX_CLASSES] from counts[nb_output][3] of observed classes: 1 / (frequency + 1e-7),
 * normalised to sum 1; outputs without classes get 1. Pure. */
DCPG_API void dcpg_class_weights(int nb_output, const char *const *names, const int64_t *counts,
                                 float *weight);

/* weight[outputs->n] of the outputs in the loss: 1, or the weight of the last "REGEX=WEIGHT" whose expression
 * matches the name at its start. DCPG_E_USAGE: a malformed pattern. Local. */
DCPG_API dcpg_status dcpg_output_weights(const dcpg_strings *outputs, const dcpg_strings *patterns,
                                         float *weight, dcpg_err *err);

/* ---- scores of an epoch ---- */

/* Sums over samples, kept per leaf of the summation tree so that nothing depends on the number of ranks, and
 * merged only when scores are needed. */
typedef struct dcpg_tally {
    int nb_output;
    dcpg_output_kind *kind; /* [nb_output] */
    int nb_leaf;            /* this rank's */
    double *sum;            /* [nb_leaf][nb_output][DCPG_TALLY_COLUMNS] */
    double *node_sum, *scratch, *total;
    int64_t n; /* samples seen, over all ranks */
} dcpg_tally;
enum {
    DCPG_TALLY_LOSS,
    DCPG_TALLY_METRIC,
    DCPG_TALLY_OBSERVED = DCPG_TALLY_METRIC + DCPG_MAX_METRICS,
    DCPG_TALLY_COLUMNS
};

DCPG_API dcpg_status dcpg_tally_new(const dcpg_net *net, dcpg_tally **tally, dcpg_err *err);
DCPG_API void dcpg_tally_free(dcpg_tally *tally);
DCPG_API void dcpg_tally_reset(dcpg_tally *tally);

/* Adds losses and metrics of the net's last forward pass, over all its leaves or those of one pass (net.h);
 * with_gradient also prepares its backward pass. Local. */
DCPG_API void dcpg_tally_add(dcpg_tally *tally, dcpg_net *net, const dcpg_input *input,
                             const dcpg_targets *targets, bool with_gradient);

/* Scores of an epoch, or of its part so far. */
typedef struct dcpg_scores {
    double loss;     /* sum over outputs of output weight * loss, plus penalty */
    double *loss_of; /* [nb_output] mean over samples of weight * loss */
    double *metric;  /* [nb_output][DCPG_MAX_METRICS] over observed labels; NaN if there were none */
} dcpg_scores;
DCPG_API dcpg_status dcpg_scores_new(int nb_output, dcpg_scores *scores, dcpg_err *err);
DCPG_API void dcpg_scores_free(dcpg_scores *scores);

/* Merges the leaves of all ranks. `net` gives nodes and outputs. Collective. */
DCPG_API void dcpg_tally_scores_all(dcpg_tally *tally, const dcpg_net *net, const dcpg_reducer *reducer,
                                    const float *output_weight, double penalty, dcpg_scores *scores);

/* Mean of a metric over the outputs that have it; NaN if none has it. Pure. */
DCPG_API double dcpg_scores_mean(const dcpg_scores *scores, int nb_output, const dcpg_output_kind *kind,
                                 dcpg_metric metric);

/* Text of a learning curve file (lc_train.tsv): loss, mean metrics, then loss and metrics per output; a row
 * per epoch. NULL when out of memory; free with dcpg_free. Local. */
DCPG_API char *dcpg_curve_text(int nb_output, const char *const *names, int64_t nb_epoch,
                               const dcpg_scores *epochs);

/* ---- the run ---- */

typedef struct dcpg_train_options {
    const char *out_dir;
    int virtual_ranks;  /* V; 0: 8, or the number of ranks if larger, but at most the batch */
    int64_t batch_size; /* global */
    int64_t
        micro_batch; /* most samples of a leaf of the tree, of which a step runs one at a time; 0: not cut */
    size_t max_memory; /* bytes of a rank: as many leaves run at once as fit, and where micro_batch is 0 they
                          are cut so that the activations of one take a quarter; 0: all run at once */
    int64_t nb_epoch, nb_train_sample, nb_val_sample; /* samples: 0 = all */
    int64_t early_stopping; /* epochs without a better validation loss; 0: never stop early */
    double learning_rate, learning_rate_decay;
    dcpg_lr_scaling lr_scaling; /* of learning_rate, to the batch */
    int64_t lr_base_batch;      /* the batch that learning_rate is meant for; 0: 128 */
    int64_t warmup_steps;       /* steps in which the learning rate rises; 0: warmup_epochs decides */
    double warmup_epochs;       /* the same in epochs; 0: it does not rise */
    dcpg_optimiser optimiser;
    const float *output_weight;  /* [nb_output] */
    bool profile;                /* print at the end where the time went, least and most of all ranks */
    const char *profile_file;    /* JSON of the same, and of the slowest rank's time per step; NULL: none */
    int64_t timing_warmup_steps; /* first steps of this run, which no timing counts */
    int64_t max_steps;           /* stop after so many more steps, with everything saved; 0: no limit */
    bool no_class_weights, no_shuffle, no_reproducible;
    bool shard_optimizer; /* each rank keeps the optimiser's moments of its slices only; results do not change
                             in any bit */
    size_t comm_memory;   /* bytes of a rank for messages of gradients under way; 0: 32 MiB; results do not
                             change in any bit */
    bool grad_bf16; /* sums of gradients in bfloat16: half the bytes between ranks; needs reproducible sums */
    double max_time;       /* hours; 0: no limit */
    const char *stop_file; /* NULL: none */
    uint64_t seed;
    int nb_thread; /* for the report */

    int64_t checkpoint_steps;  /* steps between two checkpoints; 0: only by time and at epoch ends */
    double checkpoint_minutes; /* minutes between two checkpoints; 0: none by time */
    int64_t keep_checkpoints;  /* at least 1 */
    dcpg_lock *lock; /* lock of out_dir, checked after every step; NULL: none, as on all ranks but 0 */
    const dcpg_strings *words; /* the command line, kept in checkpoints; may be NULL */
    const dcpg_checkpoint
        *resume; /* checkpoint to continue from, whose graph is the model's; NULL: start from the beginning */
} dcpg_train_options;

/* Sites to train on, and to validate on (NULL: none). */
typedef struct dcpg_train_sources {
    dcpg_source *train, *val;
} dcpg_train_sources;

/* Trains the graph of `model`, starting from its weights (without entries: fresh ones), and leaves in
 * out_dir: model.json, model_data.json, model_weights_train.h5 (last epoch), model_weights_val.h5 and
 * model.h5 (best validation loss), lc_train.tsv, lc_val.tsv, lc.svg, timing.json, metrics.jsonl,
 * TensorBoard's events, checkpoints; those of an earlier run are removed before the first step, its
 * checkpoints renamed. The same learning curve for every number of ranks and threads, and however often the
 * run was stopped and resumed. DCPG_E_REQUEUE: stopped before its end by time or a signal (signal.h), with a
 * checkpoint; DCPG_E_NUMERIC: losses or gradients are no longer finite. Collective. */
DCPG_API dcpg_status dcpg_train_all(const dcpg_train_sources *sources, const dcpg_model *model,
                                    const dcpg_train_options *options, const dcpg_par *par, dcpg_log *log,
                                    dcpg_err *err);

DCPG_END_C

#endif
