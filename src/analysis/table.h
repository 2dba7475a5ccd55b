/* SPDX-License-Identifier: MIT */
/* Tables of numbers and names, printed for people and as TSV. Private to this module. */
#ifndef DCPG_ANALYSIS_TABLE_H
#define DCPG_ANALYSIS_TABLE_H

#include <dcpg/status.h>
#include <dcpg/text.h>

#include <stdint.h>
#include <stdio.h>

typedef enum table_kind {
    TABLE_WORD,  /* value: index of a word in `words` */
    TABLE_INT,   /* whole numbers */
    TABLE_FLOAT, /* single precision */
    TABLE_DOUBLE
} table_kind;

typedef struct table_column {
    const char *group; /* adjacent columns of a group share one heading; NULL: the table has no groups */
    char *name;
    table_kind kind;
    const dcpg_strings *words; /* of TABLE_WORD; must outlive the table */
    double *value;             /* [nb_row]; NaN: missing */
} table_column;

/* Starts as {0}. */
typedef struct table {
    int nb_column;
    table_column *column;
    int64_t nb_row, capacity;
    int64_t *index; /* [nb_row] numbers in front of the rows */
} table;

/* Adds a column while there are no rows. `group` must outlive the table. Local, like all below. */
dcpg_status dcpg_table_add_column(table *t, const char *group, const char *name, table_kind kind,
                                  const dcpg_strings *words, dcpg_err *err);

/* Adds `n` rows of zeros, whose index and value[] the caller fills in. */
dcpg_status dcpg_table_add_rows(table *t, int64_t n, dcpg_err *err);

void dcpg_table_free(table *t);

/* Prints columns of equal width, with the same number of decimals throughout a column, like pandas'
 * to_string. */
void dcpg_table_print(const table *t, FILE *out);

/* A line of names and a line per row, without the index; fractions in the fewest digits that identify the
 * number. dcpg_free; NULL: out of memory. */
char *dcpg_table_tsv(const table *t);

/* The fewest digits that identify this number (in single precision if `single`), in Python's notation. */
void dcpg_table_number(double value, bool single, char text[40]);

#endif
