/* SPDX-License-Identifier: MIT */
/* Opens the data that a run trains and validates on. Private to the command. */
#ifndef DCPG_CMD_TRAIN_DATA_H
#define DCPG_CMD_TRAIN_DATA_H

#include "cmd/sources.h"

#include <dcpg/log.h>

/* The user's options for them. */
typedef struct train_data_wish {
    const dcpg_strings *files, *val_files, *train_chromos, *val_chromos;
    const dcpg_want *want; /* of a site */
} train_data_wish;

/* What is opened; nothing before. */
typedef struct train_data {
    dcpg_cmd_named val_data;  /* where --val_files names other files */
    dcpg_source *train, *val; /* sites to train on, and to validate on */
} train_data;

/* Opens the sites to train on, and those to validate on where the user wants any: otherwise `opened->val`
 * stays as it is. `data` is open; it and `opened` must outlive the sources. Where only --val_chromos is
 * given, the other chromosomes of the data are trained on; chromosomes that are both trained and validated on
 * are named in a warning. Collective. */
dcpg_status train_data_open_all(const train_data_wish *wish, const dcpg_cmd_named *data, const dcpg_par *par,
                                dcpg_log *log, train_data *opened, dcpg_err *err);

#endif
