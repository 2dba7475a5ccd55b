/* SPDX-License-Identifier: MIT */
/* `dcpg models`: lists the model zoo, or the layers of one model. */
#include "cmd/cmd.h"
#include "cmd/options_models.h"

#include <dcpg/file.h>
#include <dcpg/keras.h>
#include <dcpg/spec.h>

#include <inttypes.h>
#include <string.h>

static const char *const part_names[] = {"DNA", "CpG", "joint"};

static dcpg_status parse(models_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_models_syntax, s, &s->names, table);
    return dcpg_cmd_parse(&line, argc, argv, par, help, err);
}

/* ---- building ---- */

/* Names the heads like outputs of simulated cells. */
static dcpg_status name_outputs(int64_t nb, dcpg_strings *outputs, dcpg_err *err) {
    for (int64_t o = 1; o <= nb; o++) {
        char name[40];
        snprintf(name, sizeof name, "cpg/cell%" PRId64, o);
        DCPG_TRY(dcpg_strings_add(outputs, name, err));
    }
    return DCPG_OK;
}

static dcpg_status build(const models_settings *s, const char *const model[3], int64_t nb_output,
                         dcpg_graph **graph, dcpg_err *err) {
    dcpg_strings outputs = {0};
    dcpg_status status = name_outputs(nb_output, &outputs, err);
    dcpg_model_options options = {.dna = model[DCPG_PART_DNA],
                                  .cpg = model[DCPG_PART_CPG],
                                  .joint = model[DCPG_PART_JOINT],
                                  .dna_wlen = s->dna_wlen,
                                  .cpg_wlen = s->cpg_wlen,
                                  .nb_cell = s->nb_cell,
                                  .outputs = &outputs};
    if (status == DCPG_OK) status = dcpg_model_build(&options, graph, err);
    dcpg_strings_free(&outputs);
    return status;
}

/* ---- the list ---- */

static dcpg_status count(const models_settings *s, const char *const model[3], int64_t *nb, dcpg_err *err) {
    dcpg_graph *graph;
    dcpg_net_size size;
    DCPG_TRY(build(s, model, 0, &graph, err));
    dcpg_status status = dcpg_net_measure(graph, &size, err);
    dcpg_graph_free(graph);
    *nb = size.trainable + size.not_trainable;
    return status;
}

/* A DNA and a CpG model under a joint one, whose own parameters are counted without those of the two. */
static const char *const joined[] = {"fc[128]", "fc[512]_gap"};

/* Parameters of a zoo model without heads. */
static dcpg_status count_row(const models_settings *s, const dcpg_zoo_row *row, int64_t *nb, dcpg_err *err) {
    const char *model[3] = {NULL, NULL, NULL};
    int64_t of_parts;
    if (row->part != DCPG_PART_JOINT) {
        model[row->part] = row->name;
        return count(s, model, nb, err);
    }
    model[DCPG_PART_DNA] = joined[0];
    model[DCPG_PART_CPG] = joined[1];
    DCPG_TRY(count(s, model, &of_parts, err));
    model[DCPG_PART_JOINT] = row->name;
    DCPG_TRY(count(s, model, nb, err));
    *nb -= of_parts;
    return DCPG_OK;
}

static dcpg_status print_row(const models_settings *s, const dcpg_zoo_row *row, dcpg_err *err) {
    int64_t nb, shortest = 0;
    char text[32];
    if (row->part == DCPG_PART_DNA) DCPG_TRY(dcpg_spec_min_wlen(row->spec, &shortest, err));
    if (s->dna_wlen < shortest)
        snprintf(text, sizeof text, "from %" PRId64 " bp", shortest);
    else {
        DCPG_TRY(count_row(s, row, &nb, err));
        snprintf(text, sizeof text, "%" PRId64, nb);
    }
    printf("%-12s %-6s %11s  %s\n", row->name, part_names[row->part], text,
           *row->spec ? row->spec : "(concatenates only)");
    return DCPG_OK;
}

static dcpg_status print_zoo(const models_settings *s, dcpg_err *err) {
    printf("%-12s %-6s %11s  %s\n", "name", "part", "parameters", "specification");
    for (const dcpg_zoo_row *row = dcpg_zoo; row->name; row++) DCPG_TRY(print_row(s, row, err));
    printf("\nParameters at --dna_wlen %" PRId64 " --cpg_wlen %" PRId64
           ", without output heads; of joint models on 128 DNA and 512 CpG features.\n'dcpg models NAME' "
           "shows the layers.\n",
           s->dna_wlen, s->cpg_wlen);
    return DCPG_OK;
}

/* ---- one model ---- */

/* Finds the part that a word names: that of the zoo's model, DNA for a specification. */
static dcpg_status part_of(const char *word, dcpg_model_part *part, dcpg_err *err) {
    const char *spec;
    for (int p = DCPG_PART_DNA; p <= DCPG_PART_JOINT; p++) {
        *part = (dcpg_model_part)p;
        if (dcpg_zoo_find(*part, word)) return DCPG_OK;
    }
    *part = DCPG_PART_DNA;
    if (strpbrk(word, "[_") || dcpg_spec_find(*part, word, &spec, NULL) == DCPG_OK) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "'%s' is no model: 'dcpg models' lists the names; a specification looks like "
                     "conv[128@11]_mp[4]_fc[128]_do",
                     word);
}

static dcpg_status print_named(models_settings *s, dcpg_err *err) {
    for (size_t i = 0; i < s->names.n; i++) {
        dcpg_model_part part;
        const char *word = s->names.v[i];
        DCPG_TRY(part_of(word, &part, err));
        if (s->part[part])
            return dcpg_fail(err, DCPG_E_USAGE, "'%s' and '%s' are both %s models: give one", s->part[part],
                             word, part_names[part]);
        s->part[part] = word;
    }
    if (s->part[DCPG_PART_JOINT] && !(s->part[DCPG_PART_DNA] && s->part[DCPG_PART_CPG]))
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "'%s' joins a DNA and a CpG model: name these, too, for example CnnL2h128 RnnL1 JointL2h512",
            s->part[DCPG_PART_JOINT]);
    dcpg_graph *graph;
    DCPG_TRY(build(s, s->part, s->nb_output, &graph, err));
    dcpg_graph_print(graph, stdout);
    dcpg_graph_free(graph);
    return DCPG_OK;
}

static dcpg_status print_files_all(const models_settings *s, const dcpg_par *par, dcpg_err *err) {
    dcpg_graph *graph;
    bool weights;
    DCPG_TRY(dcpg_model_describe_all(&s->names, s->keras_backend, par, &graph, &weights, err));
    if (par->rank == 0) dcpg_graph_print(graph, stdout);
    if (par->rank == 0 && !weights) printf("(%s has no weights)\n", s->names.v[0]);
    dcpg_graph_free(graph);
    return DCPG_OK;
}

static dcpg_status print_all(models_settings *s, const dcpg_par *par, dcpg_err *err) {
    bool named = s->names.n || s->part[0] || s->part[1] || s->part[2], is_file = false;
    if (par->rank == 0 && s->names.n) is_file = dcpg_is_dir(s->names.v[0]) || dcpg_file_exists(s->names.v[0]);
    dcpg_bcast_all(par, &is_file, sizeof is_file, 0);
    if (is_file) return print_files_all(s, par, err);
    dcpg_status status = DCPG_OK;
    if (par->rank == 0) status = named ? print_named(s, err) : print_zoo(s, err);
    return dcpg_agree_all(par, status, err);
}

int dcpg_cmd_models(dcpg_par *par, int argc, char **argv) {
    models_settings s = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) status = print_all(&s, par, &err);
    dcpg_strings_free(&s.names);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
