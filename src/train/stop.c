/* Reasons to end early. */
#include "train/trainer.h"

#include <dcpg/file.h>

/* Seconds between two looks for the stop file: file systems of clusters do not like to be asked after every
 * step. */
static const double LOOK_EVERY = 1.0;

stop_reason trainer_look(trainer *t) {
    const dcpg_train_options *o = t->options;
    double now = dcpg_now();
    if (o->max_time > 0 && now - t->started > o->max_time * 3600) return STOP_TIME;
    if (o->stop_file == NULL || t->par->rank != 0 || now - t->last_looked < LOOK_EVERY) return STOP_NOT;
    t->last_looked = now;
    return dcpg_file_exists(o->stop_file) ? STOP_FILE : STOP_NOT;
}
