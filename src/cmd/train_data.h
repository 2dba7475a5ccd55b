/* SPDX-License-Identifier: MIT */
/* Opens the data that a run trains and validates on. Private to the command. */
#ifndef DCPG_CMD_TRAIN_DATA_H
#define DCPG_CMD_TRAIN_DATA_H

#include "cmd/sources.h"

#include <dcpg/log.h>

/* The user's options for them. */
typedef struct train_data_wish {
    const dcpg_strings *files, *val_files, *train_chromos, *val_chromos;
} train_data_wish;

/* Opens the sites to train on, and those to validate on where the user wants any: `*val` stays as it is
 * otherwise. `data` is open; `val_data` is opened where --val_files names other files; both must outlive the
 * sources. Where only --val_chromos is given, the other chromosomes of the data are trained on; chromosomes
 * that are both trained and validated on are named in a warning. Collective. */
dcpg_status train_data_open_all(const train_data_wish *wish, const dcpg_want *want,
                                const dcpg_cmd_named *data, dcpg_cmd_named *val_data, const dcpg_par *par,
                                dcpg_log *log, dcpg_source **train, dcpg_source **val, dcpg_err *err);

#endif
