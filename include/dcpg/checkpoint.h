/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* Checkpoints: everything a training run needs to continue as if nothing had happened, at any step, on any
 * number of ranks up to V. Files DIR/checkpoints/checkpoint-EEEE-SSSSSSSS.h5 (epochs done, steps done in the
 * next one), sealed (h5.h), so that damage is noticed before anything is used.
 *
 * HDF5 layout (format version 2; parameters: those of the model's layers in order, one after the other, each
 * as in Keras files):
 *   /                  attributes: format "dcpg-checkpoint", version 2, program (version of dcpg), train_data
 *                      and val_data (checksums of names, counts and sites), train_digest and val_digest (of
 *                      the values, part by part; absent in checkpoints of older versions), and the numbers of
 *                      the run: epoch, step, adam_steps, samples (of this epoch so far), waited, nb_epoch,
 *                      virtual_ranks, blocks (leaves per virtual rank), batch, seed (key of all random
 *                      numbers, which are functions of it and of counters), metrics_bytes, events_bytes
 *   /config/words      S  the command line (options.h); /config/cells, /config/outputs: names chosen
 *   /config/untrained  S  outputs without labels in training; may be missing
 *   /config/kernels    S [1] the kernels that computed it (dcpg_kern_name); may be missing
 *   /config/model      S [1] model.json
 *   /state/scalars     f64 [2] sum of penalties of this epoch, best loss
 *   /state/tally       f64 [V * blocks][outputs][columns] sums of this epoch so far, per leaf
 *   /curves/train, /curves/val  f64 [epochs done][1 + outputs * (1 + metrics)] scores
 *   /weights/now, /weights/best f32 parameters, moving statistics included
 *   /adam/m, /adam/v   f32 parameters, without moving statistics */
/* clang-format on */
#ifndef DCPG_CHECKPOINT_H
#define DCPG_CHECKPOINT_H

#include <dcpg/api.h>
#include <dcpg/graph.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/text.h>

DCPG_BEGIN_C

/* Description of the run that a checkpoint belongs to. */
typedef struct dcpg_checkpoint {
    char *path;
    int64_t epoch, step, nb_epoch; /* epochs done; steps done in the next epoch; epochs of the run */
    int64_t virtual_ranks, blocks, batch;
    bool ours;          /* only the caller, or root, can have written it */
    dcpg_strings words; /* the command line: see dcpg_options_words */
    dcpg_strings cells, outputs;
    dcpg_strings untrained; /* moved to `graph` */
    dcpg_strings kernels;   /* [1] dcpg_kern_name of the run; [0]: not known */
    dcpg_graph *graph;
} dcpg_checkpoint;

/* Finds the newest intact checkpoint below the model directory `dir`; damaged ones are skipped with a
 * warning. `*checkpoint` (dcpg_checkpoint_free) is NULL if there is none. DCPG_E_INPUT if checkpoints exist
 * but all are damaged or of another format version, or if numbers, outputs or cells are impossible. Rank 0
 * reads. Collective. */
DCPG_API dcpg_status dcpg_checkpoint_find_all(const char *dir, const dcpg_par *par, dcpg_log *log,
                                              dcpg_checkpoint **checkpoint, dcpg_err *err);
DCPG_API void dcpg_checkpoint_free(dcpg_checkpoint *checkpoint);

/* Appends the file names of the checkpoints below the model directory `dir`, in its folder checkpoints,
 * oldest first, without opening them; none where there is no such folder. Local. */
DCPG_API dcpg_status dcpg_checkpoint_list(const char *dir, dcpg_strings *names, dcpg_err *err);

DCPG_END_C

#endif
