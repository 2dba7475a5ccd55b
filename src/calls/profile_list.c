/* SPDX-License-Identifier: MIT */
/* Lists the profiles to read: the files given, or those that a manifest names. */
#include "calls/matrix.h"
#include "npz/npz.h"
#include "text/text_reader.h"
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Removes blanks and tabs at the end of a line, which mean nothing. */
static void trim(char *line) {
    size_t n = strlen(line);
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
}

/* Cuts "name<TAB>path" in two; false for other lines, and if the path is a number, as in a profile. */
static bool cut(char *line, char **path) {
    char *tab = strchr(line, '\t');
    if (!tab || tab == line || tab[1] == '\0' || strchr(tab + 1, '\t')) return false;
    double number;
    *tab = '\0';
    *path = tab + 1 + strspn(tab + 1, " ");
    trim(line);
    line += strspn(line, " ");
    if (*line == '\0') return false;
    return !dcpg_parse_double(*path, &number);
}

/* The next line that is neither empty nor a comment; NULL if there is none. */
static dcpg_status next_line(dcpg_text_reader *text, char **line, dcpg_err *err) {
    do {
        DCPG_TRY(dcpg_text_line(text, line, err));
        if (*line) trim(*line);
    } while (*line && (**line == '\0' || **line == '#'));
    return DCPG_OK;
}

static dcpg_status add_path(const char *manifest, const char *path, dcpg_strings *paths, dcpg_err *err) {
    const char *slash = strrchr(manifest, '/');
    if (path[0] == '/' || !slash) return dcpg_strings_add(paths, path, err);
    char *whole = dcpg_format("%.*s/%s", (int)(slash - manifest), manifest, path);
    if (!whole) return dcpg_fail_nomem(err, "a path", strlen(path));
    dcpg_status status = dcpg_strings_add(paths, whole, err);
    dcpg_free(whole);
    return status;
}

enum { MAX_NAME = 190 }; /* bytes: export names files after outputs, bulk/NAME, of at most 200 bytes */

/* Refuses names that no output file can have; otherwise only export would refuse them, after the training. */
static dcpg_status check_name(const char *where, const char *name, dcpg_err *err) {
    bool fits = name[0] != '.' && strlen(name) <= MAX_NAME;
    for (const char *c = name; fits && *c; c++) fits = (unsigned char)*c >= ' ' && *c != 0x7f;
    if (fits) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: '%.60s' is no name for a cell (control characters, '.' in front, or more than %d "
                     "bytes): give a list of names and paths with another one",
                     where, name, MAX_NAME);
}

/* "<TAB>path", perhaps after blanks: a line of a list whose name was forgotten. Tables that begin with an
 * empty column have more columns. */
static bool has_no_name(const char *line, const char **path) {
    const char *tab = line + strspn(line, " ");
    double number;
    if (*tab != '\t') return false;
    *path = tab + 1 + strspn(tab + 1, " \t");
    return **path && !strchr(*path, '\t') && !dcpg_parse_double(*path, &number);
}

static dcpg_status fail_no_name(const dcpg_text_reader *text, const char *path, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64
                     ": no name stands before the tab: a line of a list of profiles holds a name, a tab and "
                     "a path, as 'CELL<tab>%.200s'",
                     dcpg_text_path(text), dcpg_text_line_number(text), path);
}

static dcpg_status add_line(const dcpg_text_reader *text, char *line, dcpg_strings *names,
                            dcpg_strings *paths, dcpg_err *err) {
    char *path;
    const char *manifest = dcpg_text_path(text), *nameless;
    int64_t number = dcpg_text_line_number(text);
    if (has_no_name(line, &nameless)) return fail_no_name(text, nameless, err);
    if (!cut(line, &path))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64 ": a line of a list of profiles holds a name, a tab and a path",
                         manifest, number);
    if (strchr(line, '/'))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64 ": the name '%.60s' holds a '/': choose another", manifest,
                         number, line);
    char where[512];
    snprintf(where, sizeof where, "%.480s: line %" PRId64, manifest, number);
    line += strspn(line, " ");
    DCPG_TRY(check_name(where, line, err));
    DCPG_TRY(dcpg_strings_add(names, line, err));
    return add_path(manifest, path, paths, err);
}

/* Whether a line without tabs ends in the path of a file, relative to the current folder or to the list's. */
static bool ends_in_path(const char *manifest, const char *line) {
    struct stat about;
    const char *blank = strrchr(line, ' '), *word = blank ? blank + 1 : line, *slash = strrchr(manifest, '/');
    double number;
    if (*word == '\0' || strchr(line, '\t') || dcpg_parse_double(word, &number)) return false;
    if (stat(word, &about) == 0) return S_ISREG(about.st_mode);
    if (word[0] == '/' || !slash) return false;
    char *whole = dcpg_format("%.*s/%s", (int)(slash - manifest), manifest, word);
    bool is_file = whole && stat(whole, &about) == 0 && S_ISREG(about.st_mode);
    dcpg_free(whole);
    return is_file;
}

/* Refuses lists without names, or with blanks for tabs, which would be taken for profiles. */
static dcpg_status check_paths(const dcpg_text_reader *text, const char *line, dcpg_err *err) {
    const char *manifest = dcpg_text_path(text), *nameless;
    if (has_no_name(line, &nameless)) return fail_no_name(text, nameless, err);
    if (!ends_in_path(manifest, line)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: names files, as a list does, but a line of a list holds a name, a tab and a path",
                     manifest);
}

/* Reads a manifest; `*is_one` is false if the first line shows that the file is a profile. */
static dcpg_status read_manifest(const char *path, bool *is_one, dcpg_strings *names, dcpg_strings *paths,
                                 dcpg_err *err) {
    dcpg_text_reader *text = NULL;
    char *line, *second;
    struct stat about;
    *is_one = false;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return DCPG_OK; /* a pipe cannot be read twice */
    if (dcpg_text_open(path, &text, NULL) != DCPG_OK)
        return DCPG_OK; /* reading it as a profile will report what is wrong */
    dcpg_status status = next_line(text, &line, NULL);
    char *copy = status == DCPG_OK && line ? dcpg_strdup(line) : NULL;
    *is_one = copy && cut(copy, &second);
    dcpg_free(copy);
    status = DCPG_OK;
    if (!*is_one && line) status = check_paths(text, line, err);
    while (*is_one && line && status == DCPG_OK) {
        status = add_line(text, line, names, paths, err);
        if (status == DCPG_OK) status = next_line(text, &line, err);
    }
    dcpg_text_close(text);
    return status;
}

static dcpg_status add_file(const char *path, dcpg_strings *names, dcpg_strings *paths, dcpg_err *err) {
    char *name = dcpg_cell_name(path);
    if (!name) return dcpg_fail_nomem(err, "a cell's name", strlen(path));
    dcpg_status status =
        *name ? dcpg_strings_add(names, name, err)
              : dcpg_fail(err, DCPG_E_INPUT,
                          "%s: its name up to the first '.' names the cell and is empty: rename the file",
                          path);
    if (status == DCPG_OK) status = check_name(path, name, err);
    if (status == DCPG_OK) status = dcpg_strings_add(paths, path, err);
    dcpg_free(name);
    return status;
}

/* Adds the cells of a folder of MethSCAn. */
static dcpg_status add_folder(const char *folder, dcpg_strings *names, dcpg_strings *paths, dcpg_err *err) {
    size_t first = names->n;
    DCPG_TRY(dcpg_matrix_list_methscan(folder, names, paths, err));
    for (size_t i = first; i < names->n; i++) {
        DCPG_TRY(check_name(paths->v[i], names->v[i], err));
        if (!*names->v[i] || strchr(names->v[i], '/'))
            return dcpg_fail(
                err, DCPG_E_INPUT,
                "%s: '%.60s' in column_header.txt is no name for a cell: it is empty, or holds a "
                "'/': choose another",
                folder, names->v[i]);
    }
    return DCPG_OK;
}

/* Adds what a word stands for; files called .npz are collected, since they belong together. */
static dcpg_status add_word(const char *word, dcpg_strings *npz, dcpg_strings *names, dcpg_strings *paths,
                            dcpg_err *err) {
    if (dcpg_matrix_is_methscan(word)) return add_folder(word, names, paths, err);
    if (dcpg_npz_is_npz(word)) return dcpg_strings_add(npz, word, err);
    return add_file(word, names, paths, err);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* A path given twice is a mistake: its reads would count twice. */
static dcpg_status check_twice(const dcpg_strings *paths, dcpg_err *err) {
    char **sorted = dcpg_alloc(paths->n, sizeof *sorted);
    dcpg_status status = sorted ? DCPG_OK : dcpg_fail_nomem(err, "paths", paths->n * sizeof *sorted);
    if (sorted) memcpy(sorted, paths->v, paths->n * sizeof *sorted);
    if (sorted && paths->n > 1) qsort(sorted, paths->n, sizeof *sorted, by_text);
    for (size_t i = 1; i < paths->n && status == DCPG_OK; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            status = dcpg_fail(err, DCPG_E_INPUT, "%s: is given twice: give each file once", sorted[i]);
    }
    dcpg_free(sorted);
    return status;
}

dcpg_status dcpg_profile_list(const dcpg_strings *words, bool *is_list, dcpg_strings *names,
                              dcpg_strings *paths, dcpg_err *err) {
    *is_list = false;
    if (words->n == 1) DCPG_TRY(read_manifest(words->v[0], is_list, names, paths, err));
    dcpg_strings npz = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < words->n && !*is_list && status == DCPG_OK; i++)
        status = add_word(words->v[i], &npz, names, paths, err);
    if (status == DCPG_OK && npz.n > 0) status = dcpg_matrix_list_npz(&npz, names, paths, err);
    dcpg_strings_free(&npz);
    return status == DCPG_OK ? check_twice(paths, err) : status;
}
