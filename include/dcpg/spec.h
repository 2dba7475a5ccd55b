/* SPDX-License-Identifier: MIT */
/* Specifications: the published notation of DeepCpG's models made exact, and the zoo of names for them.
 *
 *   spec   = "" | layer { "_" layer }
 *   layer  = conv[F@K{,option}] | fc[U{,linear}] | bn | relu | mp[P] (also pool[P]) | do | do[RATE] | gap |
 * flatten | gru[U{,seq}] | bgru[U{,seq}] | resb[stages] | resc[stages] | resa[stages] option = s=STRIDE |
 * d=DILATION | same | linear stages = NxF { "|" NxF }      N residual units of width F, the first with stride
 * 2
 *
 * A conv or fc is followed by a ReLU unless a bn directly follows it or it is linear. fc works on a vector:
 * in a DNA model a sequence is flattened first, in a CpG model all cells use the same fc. gru and bgru return
 * their last state, with seq all states. do takes its rate from --dropout. Units of resb: convolutions of
 * F/4@1, F/4@3, F@1; of resc: F@3, F@3; of resa: as resb with dilation 1, 2, 4 ... in the 1st, 2nd, 3rd ...
 * unit of a stage; each after bn and relu. */
#ifndef DCPG_SPEC_H
#define DCPG_SPEC_H

#include <dcpg/api.h>
#include <dcpg/graph.h>
#include <dcpg/status.h>
#include <dcpg/text.h>

DCPG_BEGIN_C

typedef enum dcpg_model_part { DCPG_PART_DNA, DCPG_PART_CPG, DCPG_PART_JOINT } dcpg_model_part;

/* The zoo: a row per published model; ends with a NULL name. */
typedef struct dcpg_zoo_row {
    const char *name;
    dcpg_model_part part;
    const char *spec;
} dcpg_zoo_row;
DCPG_API extern const dcpg_zoo_row dcpg_zoo[];

/* The row of a name, upper or lower case; NULL if there is none. Pure. */
DCPG_API const dcpg_zoo_row *dcpg_zoo_find(dcpg_model_part part, const char *name);

/* The spec of a name (upper or lower case), or the text itself if it is a spec. DCPG_E_USAGE: for an unknown
 * name the message lists the known ones, for a wrong spec it gives the column, what was expected and an
 * example. Local. */
DCPG_API dcpg_status dcpg_spec_find(dcpg_model_part part, const char *name_or_spec, const char **spec,
                                    dcpg_err *err);

typedef struct dcpg_model_options {
    const char *dna, *cpg, *joint; /* names or specs; NULL: no such part. joint is used only if both others
                                      are given; NULL: JointL0 */
    int64_t dna_wlen;              /* odd */
    int64_t cpg_wlen, nb_cell;     /* cpg_wlen even */
    const dcpg_strings *outputs;   /* names of the outputs, in order; NULL or empty: no heads */
    float dropout, l1, l2;
    const dcpg_graph *dna_part,
        *cpg_part; /* loaded parts (surgery.h) instead of dna and cpg, whose layers are called "dna/..." and
                      "cpg/..."; their windows and cells are used */
} dcpg_model_options;

/* Builds the whole graph: parts, concatenation, joint layers, one head per output (output.h), named as
 * DeepCpG 1.0.7 names them, in Keras's order. DCPG_E_USAGE if a window is too short (the message gives the
 * shortest that works) or a spec is wrong. The caller owns the graph. Local. */
DCPG_API dcpg_status dcpg_model_build(const dcpg_model_options *options, dcpg_graph **graph, dcpg_err *err);

/* Puts one head per output on top of layer `layer` of a graph, as dcpg_model_build does. Local. */
DCPG_API dcpg_status dcpg_graph_add_heads(dcpg_graph *graph, int layer, const dcpg_strings *outputs,
                                          dcpg_err *err);

/* Smallest (odd) dna_wlen, in bp, with which a DNA spec works. DCPG_E_USAGE if the spec is wrong. Local. */
DCPG_API dcpg_status dcpg_spec_min_wlen(const char *spec, int64_t *wlen, dcpg_err *err);

DCPG_END_C

#endif
