/* SPDX-License-Identifier: MIT */
/* Export: the columns, each a cell, another output, or the cells of a group. */
#include "analysis/export_check.h"
#include "analysis/export_impl.h"
#include "text/text_reader.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <string.h>

bool dcpg_export_is_cell(const char *output) { return strncmp(output, "cpg/", 4) == 0; }

/* "a" for cpg/a, "cpg_stats_mean" for cpg_stats/mean. NULL: out of memory; dcpg_free. */
static char *name_of(const char *output) {
    char *name = dcpg_strdup(dcpg_export_is_cell(output) ? strrchr(output, '/') + 1 : output);
    for (char *at = name; at && (at = strchr(at, '/')) != NULL;) *at = '_';
    return name;
}

static dcpg_status add_output(export_column *column, const char *output, dcpg_err *err) {
    if (column->n == column->capacity) {
        size_t capacity = column->n ? 2 * column->n : 1;
        const char **grown = dcpg_realloc(column->output, column->n, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "outputs", capacity * sizeof *grown);
        column->output = grown;
        column->capacity = capacity;
    }
    column->output[column->n++] = output;
    return DCPG_OK;
}

static export_mode mode_of(const dcpg_export_options *options) {
    return options->observed_only ? EXPORT_OBSERVED : options->imputed_only ? EXPORT_IMPUTED : EXPORT_ALL;
}

/* ---- a column for each output ---- */

static dcpg_status open_outputs(const export_data *data, const dcpg_export_options *options,
                                export_columns *columns, dcpg_err *err) {
    size_t n = data->outputs.n;
    columns->v = dcpg_alloc(n, sizeof *columns->v);
    if (!columns->v) return dcpg_fail_nomem(err, "outputs", n * sizeof *columns->v);
    for (size_t i = 0; i < n; i++) {
        const char *output = data->outputs.v[i];
        export_column *column = &columns->v[columns->n++];
        *column = (export_column){.name = name_of(output), .mode = mode_of(options)};
        if (!column->name) return dcpg_fail_nomem(err, "a name", strlen(output));
        DCPG_TRY(add_output(column, output, err));
    }
    return DCPG_OK;
}

/* ---- groups ---- */

/* The file of groups: a line for each cell. */
typedef struct groups {
    dcpg_text_reader *text;
    const export_data *data;
    dcpg_map cell;   /* of each cell's name: its output */
    dcpg_map number; /* of each group */
    dcpg_strings name;
    size_t *group_of; /* [number of outputs] 1 + the group of an output; 0: none */
} groups;

static dcpg_status fail_line(const groups *g, const char *what, const char *name, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64
                     ": %s%.80s: --groups takes a file of two columns, cell and group, with a "
                     "tab between them",
                     dcpg_text_path(g->text), dcpg_text_line_number(g->text), what, name);
}

static dcpg_status fail_cell(const groups *g, const char *cell, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64
                     ": cell '%.80s' is not exported: the cells are those of %s, or of them "
                     "those of --output_names (the first is %s)",
                     dcpg_text_path(g->text), dcpg_text_line_number(g->text), cell, g->data->path,
                     g->cell.n ? dcpg_map_key(&g->cell, 0) : "missing");
}

static dcpg_status read_line(groups *g, char *line, dcpg_err *err) {
    char *tab = strchr(line, '\t');
    if (!*line || *line == '#' || strcmp(line, "cell\tgroup") == 0) return DCPG_OK;
    if (!tab || strchr(tab + 1, '\t')) return fail_line(g, "not two columns: ", line, err);
    *tab = '\0';
    const char *group = tab + 1;
    int64_t output = dcpg_map_get(&g->cell, line, -1), number = dcpg_map_get(&g->number, group, -1);
    if (output < 0) return fail_cell(g, line, err);
    if (g->group_of[output]) return fail_line(g, "a second line of cell ", line, err);
    if (!*group || strchr(group, '/')) return fail_line(g, "no name for a group, and a file: ", group, err);
    DCPG_TRY(dcpg_export_check_output(dcpg_text_path(g->text), group, err));
    if (number < 0) {
        number = (int64_t)g->name.n;
        DCPG_TRY(dcpg_map_set(&g->number, group, number, err));
        DCPG_TRY(dcpg_strings_add(&g->name, group, err));
    }
    g->group_of[output] = 1 + (size_t)number;
    return DCPG_OK;
}

static dcpg_status read_lines(groups *g, const char *path, dcpg_err *err) {
    char *line = NULL;
    DCPG_TRY(dcpg_text_open(path, &g->text, err));
    dcpg_status status = dcpg_text_line(g->text, &line, err);
    while (status == DCPG_OK && line) {
        status = read_line(g, line, err);
        if (status == DCPG_OK) status = dcpg_text_line(g->text, &line, err);
    }
    if (status == DCPG_OK && g->name.n == 0) status = fail_line(g, "no cell", "", err);
    dcpg_text_close(g->text);
    return status;
}

static dcpg_status index_cells(groups *g, dcpg_err *err) {
    size_t n = g->data->outputs.n;
    g->group_of = dcpg_alloc(n, sizeof *g->group_of);
    if (!g->group_of) return dcpg_fail_nomem(err, "outputs", n * sizeof *g->group_of);
    for (size_t i = 0; i < n; i++) {
        const char *output = g->data->outputs.v[i];
        if (dcpg_export_is_cell(output)) DCPG_TRY(dcpg_map_set(&g->cell, output + 4, (int64_t)i, err));
    }
    return DCPG_OK;
}

static dcpg_status add_group(const groups *g, size_t number, export_mode mode, const char *suffix,
                             export_columns *columns, dcpg_err *err) {
    export_column *column = &columns->v[columns->n++];
    *column =
        (export_column){.name = dcpg_format("%s%s", g->name.v[number], suffix), .mode = mode, .group = true};
    if (!column->name) return dcpg_fail_nomem(err, "a name", strlen(g->name.v[number]));
    for (size_t i = 0; i < g->data->outputs.n; i++)
        if (g->group_of[i] == 1 + number) DCPG_TRY(add_output(column, g->data->outputs.v[i], err));
    return DCPG_OK;
}

static dcpg_status make_groups(const groups *g, const dcpg_export_options *options, bool split,
                               export_columns *columns, dcpg_err *err) {
    export_mode mode = mode_of(options);
    size_t most = 2 * g->name.n;
    columns->v = dcpg_alloc(most, sizeof *columns->v);
    if (!columns->v) return dcpg_fail_nomem(err, "groups", most * sizeof *columns->v);
    for (size_t i = 0; i < g->name.n; i++) {
        if (!split || mode != EXPORT_ALL) {
            DCPG_TRY(add_group(g, i, mode, "", columns, err));
            continue;
        }
        DCPG_TRY(add_group(g, i, EXPORT_OBSERVED, ".observed", columns, err));
        DCPG_TRY(add_group(g, i, EXPORT_ALL, ".imputed", columns, err));
    }
    return DCPG_OK;
}

static dcpg_status open_groups(const export_data *data, const dcpg_export_options *options, bool split,
                               export_columns *columns, dcpg_log *log, dcpg_err *err) {
    groups g = {.data = data};
    dcpg_status status = index_cells(&g, err);
    if (status == DCPG_OK) status = read_lines(&g, options->groups, err);
    if (status == DCPG_OK) status = make_groups(&g, options, split, columns, err);
    size_t without = 0;
    for (size_t i = 0; i < data->outputs.n && status == DCPG_OK; i++) without += g.group_of[i] == 0;
    if (without > 0)
        dcpg_info(log, "%zu of %zu outputs are in no group of %s and left out", without, data->outputs.n,
                  options->groups);
    dcpg_map_free(&g.cell);
    dcpg_map_free(&g.number);
    dcpg_strings_free(&g.name);
    dcpg_free(g.group_of);
    return status;
}

dcpg_status dcpg_export_columns_open(const export_data *data, const dcpg_export_options *options, bool split,
                                     export_columns *columns, dcpg_log *log, dcpg_err *err) {
    *columns = (export_columns){0};
    return options->groups ? open_groups(data, options, split, columns, log, err)
                           : open_outputs(data, options, columns, err);
}

void dcpg_export_columns_close(export_columns *columns) {
    for (size_t i = 0; i < columns->n; i++) {
        dcpg_free(columns->v[i].name);
        dcpg_free(columns->v[i].output);
    }
    dcpg_free(columns->v);
}
