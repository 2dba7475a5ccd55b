/* Which profiles there are: files, or a manifest that names them. */
#include "formats/text_reader.h"
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* Cuts "name<TAB>path" in two; false where a line is not so, or the path is a number as in a profile. */
static bool cut(char *line, char **path) {
    char *tab = strchr(line, '\t');
    if (!tab || tab == line || tab[1] == '\0' || strchr(tab + 1, '\t')) return false;
    double number;
    *tab = '\0';
    *path = tab + 1;
    return !dcpg_parse_double(*path, &number);
}

/* The first line that is neither empty nor a comment; NULL where there is none. */
static dcpg_status next_line(dcpg_text_reader *text, char **line, dcpg_err *err) {
    do {
        DCPG_TRY(dcpg_text_line(text, line, err));
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

static dcpg_status add_line(const dcpg_text_reader *text, char *line, dcpg_strings *names,
                            dcpg_strings *paths, dcpg_err *err) {
    char *path;
    const char *manifest = dcpg_text_path(text);
    int64_t number = dcpg_text_line_number(text);
    if (!cut(line, &path))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64 ": a line of a list of profiles holds a name, a tab and a path",
                         manifest, number);
    if (strchr(line, '/'))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64 ": the name '%.60s' holds a '/': choose another", manifest,
                         number, line);
    DCPG_TRY(dcpg_strings_add(names, line, err));
    return add_path(manifest, path, paths, err);
}

/* Reads a manifest; `*is_one` is false where the first line shows that the file is a profile. */
static dcpg_status read_manifest(const char *path, bool *is_one, dcpg_strings *names, dcpg_strings *paths,
                                 dcpg_err *err) {
    dcpg_text_reader *text = NULL;
    char *line, *second;
    struct stat about;
    *is_one = false;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return DCPG_OK; /* a pipe cannot be read twice */
    if (dcpg_text_open(path, &text, NULL) != DCPG_OK)
        return DCPG_OK; /* whoever reads it as a profile says what is wrong */
    dcpg_status status = next_line(text, &line, NULL);
    char *copy = status == DCPG_OK && line ? dcpg_strdup(line) : NULL;
    *is_one = copy && cut(copy, &second);
    dcpg_free(copy);
    status = DCPG_OK;
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
    if (status == DCPG_OK) status = dcpg_strings_add(paths, path, err);
    dcpg_free(name);
    return status;
}

dcpg_status dcpg_profile_list(const dcpg_strings *words, dcpg_strings *names, dcpg_strings *paths,
                              dcpg_err *err) {
    bool is_manifest = false;
    if (words->n == 1) DCPG_TRY(read_manifest(words->v[0], &is_manifest, names, paths, err));
    for (size_t i = 0; i < words->n && !is_manifest; i++) DCPG_TRY(add_file(words->v[i], names, paths, err));
    return DCPG_OK;
}
