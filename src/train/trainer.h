/* SPDX-License-Identifier: MIT */
/* What a training run is made of; private to the room. */
#ifndef DCPG_TRAIN_TRAINER_H
#define DCPG_TRAIN_TRAINER_H

#include <dcpg/checkpoint.h>
#include <dcpg/loader.h>
#include <dcpg/train.h>

/* What changes from step to step and must survive: the content of a checkpoint, together with the net's
 * parameters and Adam's state. */
typedef struct run_state {
    int64_t epoch, step;      /* next step to make */
    double penalty;           /* sum over the steps of this epoch */
    double best_loss;         /* of the epochs so far: validation, or training without validation data */
    int64_t waited;           /* epochs since */
    float *best;              /* [net->nb_value] parameters then */
    int64_t nb_epoch;         /* epochs done */
    dcpg_scores *train, *val; /* [options->nb_epoch] their scores */
    int64_t metrics_bytes, events_bytes; /* of the journal, as of the last checkpoint */
} run_state;

/* Why the loop ends, agreed by all ranks after every step; the largest wins. */
typedef enum stop_reason {
    STOP_NOT,
    STOP_FILE,
    STOP_TIME,
    STOP_JOB_TIME,
    STOP_SIGNAL /* plus its number */
} stop_reason;

/* What a run spends time on besides the operations of the net. */
typedef enum profile_part {
    PROFILE_DATA,
    PROFILE_SCORES,
    PROFILE_SUMS,
    PROFILE_OPTIMISER,
    PROFILE_AGREEING,
    PROFILE_FILES,
    PROFILE_PARTS
} profile_part;

typedef struct journal journal;

typedef struct trainer {
    const dcpg_train_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    const dcpg_graph *graph;
    dcpg_source *train, *val; /* val NULL: none */
    int virtual_ranks;        /* V */
    int nb_block;             /* each shard's share is cut into so many */
    int leaves;               /* of the tree: V * nb_block */
    int64_t batch;            /* global */
    dcpg_shards *train_shards, *val_shards;
    dcpg_loader *train_loader, *val_loader;
    dcpg_net *net;
    dcpg_slices
        slices; /* of the gradients: who merges them, and updates the parameters with --shard_optimizer */
    dcpg_par_sums *sums;
    dcpg_reducer reducer;
    dcpg_adam *adam;
    dcpg_tally *tally, *val_tally;
    dcpg_scores shown;               /* of the epoch so far, for progress */
    float *class_weight;             /* [nb_output][DCPG_MAX_CLASSES] */
    char *train_data, *val_data;     /* checksums */
    char *train_digest, *val_digest; /* of the values */
    run_state run;
    journal *journal;               /* rank 0; NULL: none, or given up */
    double started;                 /* dcpg_now() */
    double job_end;                 /* of the scheduler's job, seconds since 1970; infinite: not known */
    double training_seconds;        /* steps only: no validation, no saving */
    double epochs_seconds;          /* everything from the first step to the last checkpoint */
    double part[PROFILE_PARTS];     /* seconds */
    int64_t samples;                /* trained on, over all ranks */
    double last_shown, last_looked; /* progress; stop file */
    double last_saved;              /* checkpoint, or the start */
    double saving_seconds;          /* of the last checkpoint */
    double step_seconds;            /* of the last step */
    bool advanced; /* a step of training was made since the start, so that stopping loses nothing */
    stop_reason stop;
} trainer;

/* How `total` gradients are cut for their exchange: blocks large enough for bandwidth, small enough that the
 * first exchange ends before the last one starts. */
dcpg_slices trainer_slices(const trainer *t, size_t total);

/* fit.c: nb_block and leaves, from options, the model and V alone, or as the run to go on with had them.
 * Local. */
dcpg_status trainer_choose_blocks(trainer *t, dcpg_err *err);

/* fit.c: how many leaves run at once, for the memory there is. DCPG_E_USAGE where it is too little. Local. */
dcpg_status trainer_choose_passes(const trainer *t, dcpg_net_options *options, dcpg_err *err);

/* profile.c: seconds since `*since`, which becomes now. Local. */
double profile_lap(double *since);

/* profile.c: the table of --profile. Collective. */
dcpg_status profile_tell_all(const trainer *t, dcpg_err *err);

/* setup.c: reads data, plans the net, sets weights. Collective. */
dcpg_status trainer_open_all(trainer *t, const dcpg_weights *initial, dcpg_err *err);
void trainer_close_all(trainer *t);

/* epoch.c: the steps left in the current epoch, or until t->stop; then the scores into run.train. Collective.
 */
dcpg_status trainer_epoch_all(trainer *t, dcpg_err *err);

/* epoch.c: scores of the validation data into `scores`. Collective. */
dcpg_status trainer_validate_all(trainer *t, dcpg_scores *scores, dcpg_err *err);

/* model_dir.c: files of the model directory; rank 0 writes, all agree. Collective. */
dcpg_status trainer_write_model_all(const trainer *t, const char *name, dcpg_err *err);
dcpg_status trainer_write_start_all(trainer *t, dcpg_err *err);
dcpg_status trainer_write_curves_all(const trainer *t, dcpg_err *err);

/* moments.c: with --shard_optimizer, Adam's moments (m or v of t->adam) of all ranks, which take the place of
 * the gradients until the next backward pass; otherwise as they are. Returns [net->nb_trained]. Collective.
 */
float *trainer_all_moments_all(trainer *t, float *moments);

/* moments.c: the way back, after values were put where trainer_moments_room says. Local. */
float *trainer_moments_room(trainer *t, float *moments);
void trainer_take_moments(trainer *t, float *moments);

/* checkpoint_write.c: the state as it is into a checkpoint. The second one warns where that fails.
 * Collective. */
dcpg_status trainer_checkpoint_all(trainer *t, dcpg_err *err);
void trainer_try_checkpoint_all(trainer *t);

/* checkpoint_read.c: takes over the state of options->resume. Collective. */
dcpg_status trainer_restore_all(trainer *t, dcpg_err *err);

/* data_checksum.c: what tells these samples, labels and positions from others; hex, dcpg_free. Collective. */
dcpg_status trainer_checksum_all(const trainer *t, dcpg_source *source, const dcpg_shards *shards,
                                 char **checksum, dcpg_err *err);

/* labels.c: warns of outputs without labels, or with labels of one class only; counts[nb_output][3] are those
 * of all ranks, `what` is "training" or "validation". DCPG_E_INPUT where there is no label to train on.
 * Local. */
dcpg_status trainer_check_labels(const trainer *t, const char *what, const int64_t *counts, dcpg_err *err);

/* labels.c: the same of the validation data. Collective. */
dcpg_status trainer_check_validation_all(const trainer *t, dcpg_err *err);

/* labels.c: "  acc 0.7000", or nothing where there is no such number; returns `text`. */
const char *trainer_acc_text(double acc, char text[24]);

/* data_digest.c: what tells the values behind a source from others: "PART:digest" between blanks; of stores
 * of the whole, else of the samples of `shards`. dcpg_free. Collective. */
dcpg_status trainer_digest_all(dcpg_source *source, const dcpg_shards *shards, char **text, dcpg_err *err);

/* data_digest.c: adds the names of the parts in which two such texts differ. Local. */
dcpg_status trainer_digest_differences(const char *then, const char *now, dcpg_strings *names, dcpg_err *err);

/* stop.c: when the SLURM job ends into t->job_end. A time that is past at the start was left by another job:
 * it is ignored, and the log says so. Local. */
void trainer_note_job_end(trainer *t);

/* stop.c: this rank's reason to stop now. Local. */
stop_reason trainer_look(trainer *t);
const char *trainer_stop_text(const trainer *t);

/* diverged.c: whether losses and penalty so far are finite. Local, the same on all ranks. */
bool trainer_is_finite(const trainer *t);

/* diverged.c: the error where they or gradients are not: names step, layer and largest gradient. Collective.
 */
dcpg_status trainer_diverged_all(const trainer *t, dcpg_err *err);

/* journal.c; rank 0 calls. Opened behind what the state knows; scores of the steps so far (t->shown), and of
 * the epoch. */
dcpg_status journal_open(trainer *t, dcpg_err *err);
void journal_step(trainer *t, double rate);
void journal_epoch(trainer *t);
void journal_settle(trainer *t); /* to the disk; its lengths into the state */
void journal_close(trainer *t);

#endif
