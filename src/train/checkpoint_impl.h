/* SPDX-License-Identifier: MIT */
/* Internals of checkpoints; private to this module. */
#ifndef DCPG_TRAIN_CHECKPOINT_IMPL_H
#define DCPG_TRAIN_CHECKPOINT_IMPL_H

#include "train/trainer.h"

#include <dcpg/checkpoint.h>
#include <dcpg/h5.h>

#define CHECKPOINT_FORMAT "dcpg-checkpoint"
enum { CHECKPOINT_VERSION = 2 };

/* ---- the folder, checkpoint_dir.c; rank 0 calls ---- */
char *dcpg_checkpoint_dir(const char *out_dir);                               /* dcpg_free */
char *dcpg_checkpoint_path(const char *out_dir, int64_t epoch, int64_t step); /* dcpg_free */
/* Removes unfinished files of killed runs. */
void dcpg_checkpoint_sweep(const char *out_dir);
/* Keeps `newest` and the keep - 1 checkpoints before it; later ones belong to an abandoned run and are
 * removed. */
void dcpg_checkpoint_prune(const char *out_dir, const char *newest, int64_t keep);
/* Renames the checkpoints of an earlier run; returns their number. */
int64_t dcpg_checkpoint_set_aside(const char *out_dir);

/* ---- checks, checkpoint_check.c: DCPG_E_INPUT for values that no run can have left; local ---- */
dcpg_status dcpg_checkpoint_check(const dcpg_checkpoint *checkpoint,
                                  dcpg_err *err); /* numbers and command line */
dcpg_status dcpg_checkpoint_check_lists(const dcpg_checkpoint *checkpoint,
                                        dcpg_err *err);                     /* names, against its graph */
dcpg_status dcpg_checkpoint_check_scalars(const trainer *t, dcpg_err *err); /* once restored */

/* ---- contents, checkpoint_fields.c ---- */

/* The numbers of a run, in the order in which they are stored, as attributes of the file's root. */
enum {
    NUMBER_EPOCH,
    NUMBER_STEP,
    NUMBER_ADAM_STEPS,
    NUMBER_SAMPLES, /* of this epoch so far */
    NUMBER_WAITED,  /* epochs without improvement */
    NUMBER_NB_EPOCH,
    NUMBER_VIRTUAL_RANKS,
    NUMBER_BATCH,
    NUMBER_SEED,
    NUMBER_METRICS_BYTES,
    NUMBER_EVENTS_BYTES,
    NUMBER_BLOCKS,
    CHECKPOINT_NUMBERS
};
extern const char *const dcpg_checkpoint_number_name[CHECKPOINT_NUMBERS];
void dcpg_checkpoint_numbers(const trainer *t, int64_t number[CHECKPOINT_NUMBERS]);
/* In checkpoint_check.c: whether the numbers read from the file belong to this run. */
dcpg_status dcpg_checkpoint_check_numbers(const trainer *t, const int64_t number[CHECKPOINT_NUMBERS],
                                          dcpg_err *err);
/* Restores numbers of the run; those that are set elsewhere (batch, seed ...) are not taken over. */
void dcpg_checkpoint_take_numbers(trainer *t, const int64_t number[CHECKPOINT_NUMBERS]);

/* An array of the file. Its values are packed into, and unpacked from, one plain array, but for the tally,
 * which no rank has as a whole. */
typedef struct checkpoint_field {
    const char *path;
    dcpg_h5_type type; /* F32 or F64 */
    int ndim;
    int64_t dim[3];
    enum { FIELD_SCALARS, FIELD_TALLY, FIELD_CURVE, FIELD_VALUES, FIELD_MOMENTS } kind;
    dcpg_scores *curve; /* FIELD_CURVE */
    float *values;      /* FIELD_VALUES, FIELD_MOMENTS: laid out like the net's parameters */
} checkpoint_field;

enum { CHECKPOINT_FIELDS = 8 };
/* The arrays of the run in its present state, with nb_epoch epochs of curves. */
void dcpg_checkpoint_fields(trainer *t, checkpoint_field field[CHECKPOINT_FIELDS]);
int64_t dcpg_checkpoint_count(const checkpoint_field *field); /* number of elements */
/* Not for FIELD_TALLY. */
void dcpg_checkpoint_pack(const trainer *t, const checkpoint_field *field, void *plain);
void dcpg_checkpoint_unpack(trainer *t, const checkpoint_field *field, const void *plain);

/* In checkpoint_tally.c: moves the tallies of all ranks into their dataset of rank 0's file, and back.
 * Other ranks pass NULL. Collective. */
dcpg_status dcpg_checkpoint_write_tally_all(const trainer *t, const checkpoint_field *field, dcpg_h5 *file,
                                            dcpg_err *err);
dcpg_status dcpg_checkpoint_read_tally_all(trainer *t, const checkpoint_field *field, dcpg_h5 *file,
                                           dcpg_err *err);

#endif
