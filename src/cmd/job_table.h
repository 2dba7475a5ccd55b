/* SPDX-License-Identifier: MIT */
/* Recognises the tables that `dcpg show` writes. Private to the commands. */
#ifndef DCPG_CMD_JOB_TABLE_H
#define DCPG_CMD_JOB_TABLE_H

#include <stdbool.h>

typedef enum dcpg_cmd_table {
    DCPG_CMD_NO_TABLE, /* not a table of show, or not readable */
    DCPG_CMD_PLACES,   /* columns chromo and pos alone: show's, or another list of positions */
    DCPG_CMD_SITES     /* show's: chromo and pos, then its groups of columns in their order */
} dcpg_cmd_table;

/* Judges the file by its first line. Local. */
dcpg_cmd_table dcpg_cmd_table_of(const char *path);

#endif
