/* SPDX-License-Identifier: MIT */
/* Evaluation and export: predictions of a model at every site and output, metrics over them, and files for
 * genome browsers. */
#ifndef DCPG_EVAL_H
#define DCPG_EVAL_H

#include <dcpg/api.h>
#include <dcpg/keras.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/source.h>
#include <dcpg/status.h>

DCPG_BEGIN_C

/* Attribute "format" of the files that dcpg_eval_all, and dcpg_export_all as HDF5, write. */
#define DCPG_EVAL_FORMAT   "dcpg-eval"
#define DCPG_EXPORT_FORMAT "dcpg-export"

typedef struct dcpg_eval_options {
    const char *out_data;   /* HDF5, a row per site: chromo (strings), pos (int32, 1-based), preds/NAME
                             * (float32), outputs/NAME (labels: int8, float32 of continuous outputs; -1:
                             * missing). Of a categorical output both have a column per class, labels are 1 in
                             * that of the class, and 0 everywhere where they are missing. NULL: none */
    const char *out_report; /* TSV: metric, output, value, sorted by metric and output; nothing stands for a
                               value that is not defined. NULL: none */
    const dcpg_strings *names;   /* of the graph's outputs, in their order, as the data and files call them;
                                    NULL: as the graph does */
    const dcpg_strings *outputs; /* those of the names that are evaluated; NULL: all */
    int64_t batch;     /* samples per forward pass and rank; 0: chosen here. Results do not depend on it */
    int64_t nb_sample; /* first n sites only; 0: all */
} dcpg_eval_options;

/* Predicts every sample of `source` with the graph and weights of a loaded model and writes what is asked
 * for. The graph's outputs that the source does not have are predicted with all labels missing. Sites are
 * shared out among the ranks; results do not depend on their number. Logs the mean of each metric and the
 * speed. DCPG_E_INPUT: the source's windows or cells are not those of the model, or it has no site.
 * Collective. */
DCPG_API dcpg_status dcpg_eval_all(dcpg_source *source, const dcpg_graph *graph, const dcpg_weights *weights,
                                   const dcpg_eval_options *options, const dcpg_par *par, dcpg_log *log,
                                   dcpg_err *err);

typedef struct dcpg_export_options {
    const char *data;    /* file written by dcpg_eval_all, or by DeepCpG */
    const char *out_dir; /* created where it does not exist; per output a file NAME.bedGraph.gz or NAME.h5:
                            the cell of "cpg/CELL", otherwise the output's name with '_' for '/' */
    bool hdf;       /* datasets chromo, pos, value; false: bedGraph, bgzip: chrNAME, start, end, value with 5
                       decimals */
    bool one_based; /* bedGraph as DeepCpG wrote it: start is the 1-based position; false: start is 0-based,
                       as the format wants */
    const dcpg_strings *chromos; /* only these; NULL or empty: all */
    const dcpg_strings *outputs; /* regular expressions; NULL or empty: all */
    int64_t nb_sample;           /* first n sites only; 0: all */
    bool force;                  /* files that no export wrote are replaced, too; false: DCPG_E_USAGE */
} dcpg_export_options;

/* Writes the observed label where known, else the prediction. Outputs are shared out among the ranks; the
 * files do not depend on their number. Collective. */
DCPG_API dcpg_status dcpg_export_all(const dcpg_export_options *options, const dcpg_par *par, dcpg_log *log,
                                     dcpg_err *err);

DCPG_END_C

#endif
