/* SPDX-License-Identifier: MIT */
/* Recognises tables of `dcpg show` by all the column names of their first line, as tables carry no mark. */
#include "cmd/job_table.h"

#include <dcpg/file.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 4096 }; /* name of a column, in bytes */

/* Reads the next name of the first line into name[LONGEST]; sets `*last` where the line ends after it. False
 * where there is no whole name. */
static bool next_name(FILE *file, char *name, bool *last) {
    for (size_t n = 0; n < LONGEST; n++) {
        int c = getc(file);
        if (c == EOF || c == '\0') return false;
        *last = c == '\n';
        name[n] = c == '\t' || *last ? '\0' : (char)c;
        if (name[n] == '\0') return n > 0;
    }
    return false;
}

/* Whether the text is a distance from the site, as show writes it: "-3", "0", "+3". */
static bool is_offset(const char *text) {
    char *end;
    char again[32];
    long k = strtol(text, &end, 10);
    snprintf(again, sizeof again, k > 0 ? "+%ld" : "%ld", k);
    return *end == '\0' && strcmp(text, again) == 0;
}

/* The group of show's columns that the name belongs to, counted from 1 in their order; 0: none. */
static int group_of(const char *name) {
    const char *last = strrchr(name, '/');
    if (strncmp(name, "outputs/", 8) == 0 && name[8]) return 1;
    if (!last || !is_offset(last + 1)) return 0;
    size_t length = (size_t)(last - name);
    if (length == 3 && strncmp(name, "dna", 3) == 0) return 2;
    for (int i = 0; i < 2; i++) {
        const char *end = i ? "/dist" : "/state";
        size_t n = strlen(end);
        if (length > n && strncmp(last - n, end, n) == 0) return 3;
    }
    return 0;
}

dcpg_cmd_table dcpg_cmd_table_of(const char *path) {
    static const char *const loc[] = {"chromo", "pos"};
    FILE *file = dcpg_file_open(path);
    char name[LONGEST];
    bool last = false, fits = file != NULL;
    int n = 0, group = 0;
    for (; fits && !last; n++) {
        fits = next_name(file, name, &last);
        int next = fits && n >= 2 ? group_of(name) : 0;
        if (fits) fits = n < 2 ? strcmp(name, loc[n]) == 0 : next > 0 && next >= group;
        group = next;
    }
    if (file) fclose(file);
    return !fits || n < 2 ? DCPG_CMD_NO_TABLE : n == 2 ? DCPG_CMD_PLACES : DCPG_CMD_SITES;
}
