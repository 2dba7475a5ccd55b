/* What a training run is made of; private to the room. */
#ifndef DCPG_TRAINER_H
#define DCPG_TRAINER_H

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
} run_state;

/* Why the loop ends, agreed by all ranks after every step; the largest wins. */
typedef enum stop_reason { STOP_NOT, STOP_FILE, STOP_TIME } stop_reason;

typedef struct trainer {
    const dcpg_train_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    const dcpg_graph *graph;
    dcpg_source *train, *val; /* val NULL: none */
    int leaves;               /* V */
    int64_t batch;            /* global */
    dcpg_shards *train_shards, *val_shards;
    dcpg_loader *train_loader, *val_loader;
    dcpg_net *net;
    dcpg_par_sums *sums;
    dcpg_reducer reducer;
    dcpg_adam *adam;
    dcpg_tally *tally, *val_tally;
    dcpg_scores shown;   /* of the epoch so far, for progress */
    float *class_weight; /* [nb_output][DCPG_MAX_CLASSES] */
    run_state run;
    double started;                 /* dcpg_now() */
    double training_seconds;        /* steps only: no validation, no saving */
    int64_t samples;                /* trained on, over all ranks */
    double last_shown, last_looked; /* progress; stop file */
    stop_reason stop;
} trainer;

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
dcpg_status trainer_write_start_all(const trainer *t, dcpg_err *err);
dcpg_status trainer_write_curves_all(const trainer *t, dcpg_err *err);

/* stop.c: this rank's reason to stop now. Local. */
stop_reason trainer_look(trainer *t);

#endif
