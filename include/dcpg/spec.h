/* Specifications: the published notation of DeepCpG's models made exact, and the zoo of names for them.
 *
 *   spec  = "" | layer { "_" layer }
 *   layer = conv[F@K] | conv[F@K,s=STRIDE,d=DILATION,same] | bn | relu | mp[P] | fc[U] | do | do[RATE] | gap | flatten | gru[U] | bgru[U] | bgru[U,seq]
 *         | resb[...] | resc[...] | resa[...]      stages NxF separated by '|': N units of width F, the first of a stage with stride 2
 * A conv or fc is followed by ReLU unless a bn follows it directly, or it is written conv[...,linear]. The zoo's table and the grammar's details: `dcpg models --help`. */
#ifndef DCPG_SPEC_H
#define DCPG_SPEC_H

#include <dcpg/graph.h>
#include <dcpg/status.h>
#include <dcpg/text.h>

typedef enum dcpg_part { DCPG_PART_DNA, DCPG_PART_CPG, DCPG_PART_JOINT } dcpg_part;

/* The zoo: a row per published model; ends with a NULL name. */
typedef struct dcpg_zoo_row {
    const char *name;
    dcpg_part part;
    const char *spec;
} dcpg_zoo_row;
extern const dcpg_zoo_row dcpg_zoo[];

/* The spec behind a name (any case) or the text itself where it is a spec. DCPG_E_USAGE lists the known names; a wrong spec names the column, what was expected and an example. */
dcpg_status dcpg_spec_find(dcpg_part part, const char *name_or_spec, const char **spec, dcpg_err *err);

typedef struct dcpg_model_options {
    const char *dna, *cpg, *joint; /* names or specs; NULL: no such part. joint is used only where both others are given */
    int64_t dna_wlen;              /* odd */
    int64_t cpg_wlen, nb_cell;     /* cpg_wlen even */
    const dcpg_strings *outputs;   /* names of the outputs, in order */
    float dropout, l1, l2;
} dcpg_model_options;

/* Builds the whole graph: parts, concatenation, joint layers, one head per output (output.h), named as DeepCpG 1.0.7 names them. Local. */
dcpg_status dcpg_model_build(const dcpg_model_options *options, dcpg_graph **graph, dcpg_err *err);

/* Smallest dna_wlen with which a DNA spec works. */
dcpg_status dcpg_spec_min_wlen(const char *spec, int64_t *wlen, dcpg_err *err);

#endif
