/* Evaluation and export: predictions of a model at every site and output, metrics over them, and files for genome browsers. */
#ifndef DCPG_EVAL_H
#define DCPG_EVAL_H

#include <dcpg/log.h>
#include <dcpg/net.h>
#include <dcpg/par.h>
#include <dcpg/source.h>
#include <dcpg/status.h>

typedef struct dcpg_eval_options {
    const char *out_data;   /* HDF5: chromo, pos, outputs/NAME, preds/NAME (int8 or float labels, -1 missing; float32); NULL: none */
    const char *out_report; /* TSV: metric, output, value; NULL: none */
    int64_t batch;          /* samples per forward pass and rank; 0: chosen here */
    int64_t nb_sample;      /* first n sites only; 0: all */
} dcpg_eval_options;

/* Predicts every sample of `source` with the graph and weights of a loaded model and writes what is asked for. Sites are shared out among the ranks; results do not depend on their number.
 * Logs the mean of each metric. Collective. */
struct dcpg_weights;
dcpg_status dcpg_eval_all(dcpg_source *source, const dcpg_graph *graph, const struct dcpg_weights *weights, const dcpg_eval_options *options, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

typedef struct dcpg_export_options {
    const char *data;       /* file written by dcpg_eval_all */
    const char *out_dir;
    bool hdf;               /* false: bedGraph, one file per output */
    bool one_based;         /* bedGraph as DeepCpG wrote it (start at the 1-based position) */
    const dcpg_strings *outputs; /* regexes; empty: all */
} dcpg_export_options;

/* Observed label where known, else the prediction. Outputs are shared out among the ranks. Collective. */
dcpg_status dcpg_export_all(const dcpg_export_options *options, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

#endif
