/* SPDX-License-Identifier: MIT */
/* Whose table a file is. */
#ifndef DCPG_CMD_JOB_TABLE_H
#define DCPG_CMD_JOB_TABLE_H

#include <stdbool.h>

typedef enum dcpg_cmd_table {
    DCPG_CMD_NO_TABLE, /* of show, or nothing that can be read */
    DCPG_CMD_PLACES,   /* chromo and pos alone: show's, or a list of somebody's */
    DCPG_CMD_SITES     /* show's: its groups of columns behind them, in their order */
} dcpg_cmd_table;

/* What the first line says. Local. */
dcpg_cmd_table dcpg_cmd_table_of(const char *path);

#endif
