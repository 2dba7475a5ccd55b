/* SPDX-License-Identifier: MIT */
/* Options of `dcpg status`. */
#include "cmd/options_status.h"

static const dcpg_cmd_option options[] = {{0}};

const dcpg_cmd_syntax dcpg_cmd_status_syntax = {
    .usage = "dcpg status DIR",
    .about =
        "Prints how far a training is, from the files of its model directory, which are only read: its "
        "state, "
        "who writes the directory, epoch, loss, speed, time left, the newest checkpoint. Exit code 0: "
        "finished; 10: it runs; 11: it was stopped and can be continued; 12: it was killed; 13: it ended "
        "without a model; 2: DIR is no model directory.",
    .options = options};
