/* dcpg models */
#include "cmd/cmd.h"

#include <dcpg/net.h>
#include <dcpg/options.h>
#include <dcpg/spec.h>
#include <inttypes.h>

typedef struct settings {
    dcpg_strings names;
    int64_t dna_wlen, cpg_wlen, nb_output, nb_cell;
} settings;

static const char *const part_names[] = {"DNA", "CpG", "joint"};

static dcpg_status parse(settings *s, int argc, char **argv, bool *help, dcpg_err *err) {
    const dcpg_opt options[] = {
        {DCPG_OPT_INT, "dna_wlen", &s->dna_wlen, "1001", 1, 1e6, "length of the DNA window in bp, odd", "BP"},
        {DCPG_OPT_INT, "cpg_wlen", &s->cpg_wlen, "50", 2, 1e5, "observed neighbours per cell, even", "N"},
        {DCPG_OPT_INT, "nb_output", &s->nb_output, "1", 0, 1e6, "output heads (a list shows models without)",
         "N"},
        {DCPG_OPT_INT, "cells", &s->nb_cell, "1", 1, 1e6, "cells whose neighbours a CpG model sees", "N"},
        {0}};
    dcpg_command_line line = {
        "dcpg models [NAME|SPEC ...] [options]",
        "Lists the model zoo with parameter counts and specifications; or the layers, output shapes and "
        "sizes of the models named. A DNA, a CpG and a joint model together are joined.",
        options, &s->names};
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, help, err));
    if (*help) dcpg_options_help(&line, stdout);
    return DCPG_OK;
}

/* Heads named as those of simulated cells would be. */
static dcpg_status name_outputs(int64_t nb, dcpg_strings *outputs, dcpg_err *err) {
    for (int64_t o = 1; o <= nb; o++) {
        char name[40];
        snprintf(name, sizeof name, "cpg/cell%" PRId64, o);
        DCPG_TRY(dcpg_strings_add(outputs, name, err));
    }
    return DCPG_OK;
}

static dcpg_status build(const settings *s, const char *const model[3], int64_t nb_output, dcpg_graph **graph,
                         dcpg_err *err) {
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

/* Parameters of a zoo model without heads; of a joint model on top of 128 DNA and 512 CpG features. */
static dcpg_status print_row(const settings *s, const dcpg_zoo_row *row, dcpg_err *err) {
    const char *model[3] = {NULL, NULL, NULL};
    model[row->part] = row->name;
    dcpg_net_size size = {0};
    if (row->part != DCPG_PART_JOINT) {
        dcpg_graph *graph = NULL;
        DCPG_TRY(build(s, model, 0, &graph, err));
        dcpg_status status = dcpg_net_measure(graph, &size, err);
        dcpg_graph_free(graph);
        DCPG_TRY(status);
        printf("%-12s %-6s %11" PRId64 "  %s\n", row->name, part_names[row->part],
               size.trainable + size.not_trainable, row->spec);
    } else {
        printf("%-12s %-6s %11s  %s\n", row->name, part_names[row->part], "", row->spec);
    }
    return DCPG_OK;
}

static dcpg_status print_zoo(const settings *s, dcpg_err *err) {
    printf("%-12s %-6s %11s  %s\n", "name", "part", "parameters", "specification");
    for (const dcpg_zoo_row *row = dcpg_zoo; row->name; row++) DCPG_TRY(print_row(s, row, err));
    printf("\nParameters at --dna_wlen %" PRId64 " --cpg_wlen %" PRId64
           ", without output heads. 'dcpg models NAME' shows the layers.\n",
           s->dna_wlen, s->cpg_wlen);
    return DCPG_OK;
}

/* Which part a name belongs to: that of the zoo, DNA for a specification. */
static dcpg_model_part part_of(const char *name) {
    for (const dcpg_zoo_row *row = dcpg_zoo; row->name; row++) {
        const char *spec;
        if (dcpg_spec_find(row->part, name, &spec, NULL) == DCPG_OK && spec != name) return row->part;
    }
    return DCPG_PART_DNA;
}

static dcpg_status print_model(const settings *s, dcpg_err *err) {
    const char *model[3] = {NULL, NULL, NULL};
    for (size_t i = 0; i < s->names.n; i++) {
        dcpg_model_part part = part_of(s->names.v[i]);
        if (model[part])
            return dcpg_fail(err, DCPG_E_USAGE, "'%s' and '%s' are both %s models: give one", model[part],
                             s->names.v[i], part_names[part]);
        model[part] = s->names.v[i];
    }
    dcpg_graph *graph = NULL;
    DCPG_TRY(build(s, model, s->nb_output, &graph, err));
    dcpg_graph_print(graph, stdout);
    dcpg_graph_free(graph);
    return DCPG_OK;
}

int dcpg_cmd_models(dcpg_par *par, int argc, char **argv) {
    settings s = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = DCPG_OK;
    if (par->rank == 0) {
        status = parse(&s, argc, argv, &help, &err);
        if (status == DCPG_OK && !help) status = s.names.n ? print_model(&s, &err) : print_zoo(&s, &err);
    }
    status = dcpg_agree_all(par, status, &err);
    dcpg_strings_free(&s.names);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
