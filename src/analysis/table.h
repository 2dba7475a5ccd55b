/* SPDX-License-Identifier: MIT */
/* Tables of numbers and names, printed as people read them and as TSV. Private. */
#ifndef DCPG_ANALYSIS_TABLE_H
#define DCPG_ANALYSIS_TABLE_H

#include <dcpg/status.h>
#include <dcpg/text.h>

#include <stdint.h>
#include <stdio.h>

typedef enum table_kind {
    TABLE_WORD,  /* number of a word in a list */
    TABLE_INT,   /* whole numbers */
    TABLE_FLOAT, /* of single precision */
    TABLE_DOUBLE
} table_kind;

typedef struct table_column {
    const char
        *group; /* columns side by side with one group share its heading; NULL: no groups in this table */
    char *name;
    table_kind kind;
    const dcpg_strings *words; /* of TABLE_WORD; must outlive the table */
    double *value;             /* [nb_row]; NaN: missing */
} table_column;

/* Starts as {0}. */
typedef struct table {
    int nb_column;
    table_column *column;
    int64_t nb_row, room;
    int64_t *index; /* [nb_row] numbers that stand before the rows */
} table;

/* Adds a column while there are no rows. `group` must outlive the table. Local, like all below. */
dcpg_status dcpg_table_add_column(table *t, const char *group, const char *name, table_kind kind,
                                  const dcpg_strings *words, dcpg_err *err);

/* Adds `n` rows, all zero; the caller fills in index and value[] of them. */
dcpg_status dcpg_table_add_rows(table *t, int64_t n, dcpg_err *err);

void dcpg_table_free(table *t);

/* Columns of equal width, numbers of one column with equally many digits: as pandas' to_string prints them.
 */
void dcpg_table_print(const table *t, FILE *out);

/* A line of names and a line per row, without the index; fractions in the fewest digits that mean the same
 * number. dcpg_free; NULL when out of memory. */
char *dcpg_table_tsv(const table *t);

/* The fewest digits that mean this number, of single precision where `single` is set, written as Python does.
 */
void dcpg_table_number(double value, bool single, char text[40]);

#endif
