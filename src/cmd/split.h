/* SPDX-License-Identifier: MIT */
/* Chromosomes to train, validate and test on, as in published work. Private to the commands. */
#ifndef DCPG_CMD_SPLIT_H
#define DCPG_CMD_SPLIT_H

#include "cmd/sources.h"

typedef struct dcpg_cmd_split {
    dcpg_strings train, val, test; /* names of the data's chromosomes */
} dcpg_cmd_split;

/* Help of --split for training and evaluation. */
#define DCPG_CMD_SPLIT_HELP                                                                                  \
    "deepcpg: train on chromosomes 1 3 5 7 9 11, validate on 13 to 19, test on 2 4 6 8 10 12; "              \
    "cpgtransformer: validate on 5, test on 10, train on all others; of mouse and human. "

/* Takes the data's chromosomes that the split called `name` uses; free with dcpg_cmd_split_free, also after a
 * failure. DCPG_E_USAGE for an unknown name, DCPG_E_INPUT where the data lack all chromosomes of a part that
 * is needed: that to test on (`test`), or those to train and to validate on. Local. */
dcpg_status dcpg_cmd_split_take(const char *name, const dcpg_cmd_named *data, bool test,
                                dcpg_cmd_split *split, dcpg_err *err);
void dcpg_cmd_split_free(dcpg_cmd_split *split);

#endif
