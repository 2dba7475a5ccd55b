/* SPDX-License-Identifier: MIT */
/* The parts of a training run; private to this module. */
#ifndef DCPG_TRAIN_TRAINER_H
#define DCPG_TRAIN_TRAINER_H

#include <dcpg/checkpoint.h>
#include <dcpg/loader.h>
#include <dcpg/train.h>

/* State that changes from step to step and must survive: with the net's parameters and Adam's state, the
 * contents of a checkpoint. */
typedef struct run_state {
    int64_t epoch, step;      /* the next step */
    double penalty;           /* sum over the steps of this epoch */
    double best_loss;         /* lowest loss of an epoch so far: of validation, or of training if there is no
                                 validation data */
    int64_t waited;           /* epochs since then */
    float *best;              /* [net->nb_value] parameters of that epoch */
    int64_t nb_epoch;         /* epochs completed */
    dcpg_scores *train, *val; /* [options->nb_epoch] scores of the epochs */
    int64_t metrics_bytes, events_bytes; /* lengths of the journal's files at the last checkpoint */
} run_state;

/* Why the loop ends, agreed by all ranks after every step; the largest wins. */
typedef enum stop_reason {
    STOP_NOT,
    STOP_FILE,
    STOP_STEPS,
    STOP_TIME,
    STOP_JOB_TIME,
    STOP_SIGNAL /* plus the signal's number */
} stop_reason;

/* Where time goes, besides the operations of the net. */
typedef enum profile_part {
    TIMING_DATA,
    TIMING_SCORES,
    TIMING_SUMS,
    TIMING_OPTIMISER,
    TIMING_AGREEING,
    TIMING_FILES,
    TIMING_PARTS
} profile_part;

/* Parts of a run that happen once or now and then. */
typedef enum moment_part {
    TIMING_LOADING,
    TIMING_RESTORING,
    TIMING_OPENING,
    TIMING_CHECKPOINT,
    TIMING_MOMENTS
} moment_part;

/* Times of steps on this rank, in nanoseconds, for --profile FILE. */
typedef struct step_times {
    int64_t *ns; /* [capacity] */
    size_t n, capacity;
} step_times;

typedef struct journal journal;

typedef struct trainer {
    const dcpg_train_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    dcpg_graph *graph;        /* the caller's, whose list of untrained outputs gets shorter */
    dcpg_source *train, *val; /* val NULL: no validation */
    int virtual_ranks;        /* V */
    int nb_block;             /* blocks into which each shard's samples of a step are cut */
    int leaves;               /* of the tree: V * nb_block */
    int64_t batch;            /* global */
    dcpg_shards *train_shards, *val_shards;
    dcpg_loader *train_loader, *val_loader;
    dcpg_net *net;
    dcpg_slices slices;     /* of the gradients: owners of their sums and, with --shard_optimizer, of the
                               parameters' updates */
    dcpg_par_window *grads; /* memory of net->grads */
    dcpg_par_sums *sums;
    dcpg_reducer reducer;
    dcpg_adam *adam;
    dcpg_learning_rate rate;
    dcpg_tally *tally, *val_tally;
    dcpg_scores shown;               /* of the epoch so far, for progress */
    float *class_weight;             /* [nb_output][DCPG_MAX_CLASSES] */
    char *train_data, *val_data;     /* checksums */
    char *train_digest, *val_digest; /* of the data's values */
    run_state run;
    journal *journal;                /* rank 0; NULL: none, or given up */
    double started;                  /* dcpg_now() */
    double job_end;                  /* of the scheduler's job, seconds since 1970; infinite: not known */
    int64_t steps;                   /* of this run so far, those for warming up included */
    dcpg_par_traffic traffic_before; /* when steps began to count */
    double measured_from;            /* when the present epoch's steps began to count */
    double epochs_from;              /* when the epochs did */
    double training_seconds;         /* steps only, without validation and saving */
    double busy_from, busy_seconds;  /* as the two above, of processor time */
    double epochs_seconds;           /* from the first step to the last file */
    double part[TIMING_PARTS];       /* seconds */
    double moment[TIMING_MOMENTS];   /* seconds; of the last checkpoint */
    double cutting_before;           /* seconds of cutting batches that do not count */
    step_times times;
    int64_t samples;                /* trained on, over all ranks */
    double last_shown, last_looked; /* when progress was shown, and the stop file looked for */
    double last_saved;              /* when a checkpoint was written last, or the start */
    double saving_seconds;          /* of the last checkpoint */
    double step_seconds;            /* of the last step */
    bool advanced; /* at least one training step since the start, so that stopping loses nothing */
    stop_reason stop;
} trainer;

/* fit.c: sets nb_block and leaves, from options, model and V alone, or to the values of the run that is
 * resumed. Local. */
dcpg_status dcpg_trainer_choose_blocks(trainer *t, dcpg_err *err);

/* fit.c: how many leaves run at once within the memory allowed. DCPG_E_USAGE if it is too little. Local. */
dcpg_status dcpg_trainer_choose_passes(const trainer *t, dcpg_net_options *options, dcpg_err *err);

/* learning_rate.c: sets t->rate from options, batch and steps of an epoch. The second function logs
 * it where it is not DeepCpG's. Local. */
void dcpg_trainer_choose_rate(trainer *t);
void dcpg_trainer_log_rate(const trainer *t);

/* timing.c: seconds since `*since`, which becomes now. Local. */
double dcpg_timing_lap(double *since);

/* timing.c: processor time of all threads of this rank so far. Local. */
double dcpg_timing_busy(void);

/* timing.c: after a step that took `seconds`: notes it, or, at the end of the steps for warming up, begins to
 * measure anew. Local. */
void dcpg_timing_step(trainer *t, double seconds);

/* What a rank sends in a step, or reads in the memory of its host. */
enum {
    TRAFFIC_MEMORY_MESSAGES,
    TRAFFIC_MEMORY_BYTES,
    TRAFFIC_NETWORK_MESSAGES,
    TRAFFIC_NETWORK_BYTES,
    TRAFFIC_NUMBERS
};

/* timing.c: a row of --profile: the seconds of an operation, a part or a moment of the run. */
typedef struct timing_row {
    char what[128];           /* in words, or the layer */
    const char *key;          /* in JSON: of an operation, its kind */
    double own, backward;     /* this rank's; of which backward */
    double mean, least, most; /* of all ranks */
    int slowest;              /* lowest rank of those with the most */
} timing_row;

/* All of them: operations, parts, "everything else", "all"; then those that only the file tells. */
typedef struct timing_table {
    double traffic[TRAFFIC_NUMBERS]; /* a step's messages and bytes; of each number, the most of any rank */
    timing_row *row;                 /* [nb] */
    int nb, nb_op, nb_shown;
} timing_table;

/* timing.c: the table, the same on all ranks but `own` and `backward`; free with dcpg_free(table->row).
 * Collective. */
dcpg_status dcpg_timing_table_all(const trainer *t, timing_table *table, dcpg_err *err);

/* timing.c: writes the table into the model directory; for --profile prints it, and writes its file.
 * Collective. */
dcpg_status dcpg_timing_report_all(trainer *t, dcpg_err *err);

/* timing_file.c: writes timing.json, where a failure is only logged, and --profile FILE on rank 0.
 * Collective. */
dcpg_status dcpg_timing_write_all(trainer *t, const timing_table *table, dcpg_err *err);

/* setup.c: reads data, plans the net, sets weights. Collective. */
dcpg_status dcpg_trainer_open_all(trainer *t, const dcpg_weights *initial, dcpg_err *err);
void dcpg_trainer_close_all(trainer *t);

/* epoch.c: runs the remaining steps of the current epoch, or until t->stop; then puts the scores into
 * run.train. Collective. */
dcpg_status dcpg_trainer_epoch_all(trainer *t, dcpg_err *err);

/* epoch.c: scores of the validation data into `scores`. Collective. */
dcpg_status dcpg_trainer_validate_all(trainer *t, dcpg_scores *scores, dcpg_err *err);

/* model_dir.c: files of the model directory; rank 0 writes, all agree. Collective. */
dcpg_status dcpg_trainer_write_model_all(const trainer *t, const char *name, dcpg_err *err);
dcpg_status dcpg_trainer_write_start_all(trainer *t, dcpg_err *err);
dcpg_status dcpg_trainer_write_curves_all(const trainer *t, dcpg_err *err);

/* Scores of the epochs so far. */
typedef struct curve_scores {
    int nb_output;
    const dcpg_output_kind *kind; /* [nb_output] */
    int64_t nb_epoch;
    const dcpg_scores *train, *val; /* [nb_epoch]; val NULL: no validation */
} curve_scores;

/* curves_svg.c: text of lc.svg, the learning curves as a picture. NULL when out of memory; free with
 * dcpg_free. Local. */
char *dcpg_curve_svg(const curve_scores *scores);

/* moments.c: all moments (m or v of t->adam) as [net->nb_trained]. With --shard_optimizer they are gathered
 * from all ranks and take the place of the gradients until the next backward pass; otherwise `moments` itself
 * is returned. Collective. */
float *dcpg_trainer_all_moments_all(trainer *t, float *moments);

/* moments.c: the opposite direction: after all moments were put into dcpg_trainer_moments_space,
 * dcpg_trainer_take_moments copies this rank's slices from there. Local. */
float *dcpg_trainer_moments_space(trainer *t, float *moments);
void dcpg_trainer_take_moments(trainer *t, float *moments);

/* checkpoint_write.c: writes the present state into a checkpoint. If that fails, the second function only
 * warns. Collective. */
dcpg_status dcpg_trainer_checkpoint_all(trainer *t, dcpg_err *err);
void dcpg_trainer_try_checkpoint_all(trainer *t);

/* checkpoint_read.c: restores the state from options->resume. Collective. */
dcpg_status dcpg_trainer_restore_all(trainer *t, dcpg_err *err);

/* data_checksum.c: checksum of these samples, their labels and positions; hex, dcpg_free. Collective. */
dcpg_status dcpg_trainer_checksum_all(const trainer *t, dcpg_source *source, const dcpg_shards *shards,
                                      char **checksum, dcpg_err *err);

/* labels.c: warns of outputs without labels or with labels of a single class. counts[nb_output][3]: over all
 * ranks; `what`: "training" or "validation". DCPG_E_INPUT if there is no label to train on. Local. */
dcpg_status dcpg_trainer_check_labels(const trainer *t, const char *what, const int64_t *counts,
                                      dcpg_err *err);

/* labels.c: the same for the validation data. Collective. */
dcpg_status dcpg_trainer_check_validation_all(const trainer *t, dcpg_err *err);

/* labels.c: "  acc 0.7000", or "" if acc is NaN; returns `text`. */
const char *dcpg_trainer_acc_text(double acc, char text[24]);

/* data_digest.c: digests of the values in a source: "PART:digest" separated by blanks. Of all values if the
 * source keeps digests of its own (stores), else of the samples in `shards`. dcpg_free. Collective. */
dcpg_status dcpg_trainer_digest_all(dcpg_source *source, const dcpg_shards *shards, char **text,
                                    dcpg_err *err);

/* data_digest.c: adds the names of the parts in which two such texts differ. Local. */
dcpg_status dcpg_trainer_digest_differences(const char *then, const char *now, dcpg_strings *names,
                                            dcpg_err *err);

/* stop.c: sets t->job_end to the end of the SLURM job. A time already past at the start was left by another
 * job: it is ignored, with a warning. Local. */
void dcpg_trainer_note_job_end(trainer *t);

/* stop.c: this rank's reason to stop now, STOP_NOT if there is none. Local. */
stop_reason dcpg_trainer_look(trainer *t);
const char *dcpg_trainer_stop_text(const trainer *t);

/* diverged.c: whether losses and penalty so far are finite. Local, over this rank's leaves. */
bool dcpg_trainer_is_finite(const trainer *t);

/* diverged.c: the error for losses or gradients that are not finite: names step, layer and largest gradient.
 * Collective. */
dcpg_status dcpg_trainer_diverged_all(const trainer *t, dcpg_err *err);

/* journal.c; rank 0 calls. Opening cuts the files to the lengths in the state and appends from there. A step
 * logs the scores so far (t->shown), an epoch its final ones. */
dcpg_status dcpg_journal_open(trainer *t, dcpg_err *err);
void dcpg_journal_step(trainer *t, double rate);
void dcpg_journal_epoch(trainer *t);
void dcpg_journal_settle(trainer *t); /* flushes to disk; puts the lengths into the state */
void dcpg_journal_close(trainer *t);

#endif
