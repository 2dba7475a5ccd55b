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
                             * that of the class, and 0 everywhere where they are missing. Where the source
                             * knows them: genome/chromo, genome/fasta_name, genome/length (int64),
                             * a row per chromosome. Where calls were hidden, the root has the attributes hide
                             * (parts) and hide_seed (int64), and where outputs had no label in training their
                             * names,   untrained. NULL: none */
    const char *out_report; /* TSV: metric, output, value, sorted by metric and output; the value is empty if
                               it is not defined. Where calls were hidden, rows of the metric "hide" hold
                               "parts" and "seed"; outputs without a label in training have a row of the
                               metric "untrained". NULL: none */
    const dcpg_strings *names; /* names of the graph's outputs in the data and in files, in the graph's order;
                                  NULL: the graph's own names */
    const dcpg_strings *outputs; /* the names to evaluate; NULL: all */
    int64_t batch;             /* samples per forward pass and rank; 0: automatic. Does not change results */
    int64_t nb_sample;         /* first n sites only; 0: all */
    bool resume;               /* goes on with what is done of the same evaluation, if anything is */
    bool force;                /* starts again where something is done; otherwise that is DCPG_E_USAGE */
    const dcpg_strings *files; /* of the data: their sizes and times must stay the same until an evaluation is
                                  resumed, if the source keeps no digests. NULL: unknown */
    int64_t together;          /* sites written at a time; 0: automatic. For tests: changes the chunks of
                                  the data file */
} dcpg_eval_options;

/* Predicts every sample of `source` with a loaded model and writes the files that `options` names. Where the
 * source hides calls (source.h), a state that was observed is predicted with the part of the calls hidden
 * that it is in; everything else, with no call hidden. Outputs of the model that the source lacks are
 * predicted, with all labels missing. Sites are distributed among the ranks; results do not depend on the
 * number of ranks. Logs the mean of each metric and the speed. DCPG_E_INPUT: the source has other windows or
 * cells than the model, or no site. Collective. */
DCPG_API dcpg_status dcpg_eval_all(dcpg_source *source, const dcpg_model *model,
                                   const dcpg_eval_options *options, const dcpg_par *par, dcpg_log *log,
                                   dcpg_err *err);

typedef struct dcpg_perf_options {
    const char *data;    /* file written by dcpg_eval_all, or by DeepCpG */
    const char *out_dir; /* created if it does not exist; for metrics.tsv, curves.tsv, reliability.tsv */
    const dcpg_strings *outputs;      /* regular expressions; NULL or empty: all */
    const dcpg_strings *annos;        /* BED files; NULL: none */
    bool roc, pr;                     /* curves of all sites */
    bool anno_roc, anno_pr;           /* curves of annotated sites */
    int64_t curve_points;             /* of a curve, at most */
    int64_t anno_min_sites;           /* annotations with fewer sites are left out */
    bool coverage, density, distance; /* also scores by the number of cells observed at a site, by the number
                                         of sites within 500 bp, by the distance to the next observed site of
                                         the cell */
    int64_t nb_sample;                /* first n sites only; 0: all */
    bool force;                       /* also replaces files that dcpg perf did not write */
} dcpg_perf_options;

/* Scores an evaluation's predictions again: all of them, those at annotated sites, and by context.
 * metrics.tsv: anno, metric, output, value; curves.tsv: anno, curve, output, x, y, thr (ROC: false and true
 * positive rate; PR: precision and recall); reliability.tsv: output, low, high, n, prediction, observed. The
 * first two have the columns of DeepCpG's dcpg_eval_perf. The files do not depend on the number of ranks.
 * Logs the scores of all sites. DCPG_E_USAGE for files there that others wrote. Collective. */
DCPG_API dcpg_status dcpg_perf_all(const dcpg_perf_options *options, const dcpg_par *par, dcpg_log *log,
                                   dcpg_err *err);

typedef struct dcpg_export_options {
    const char *data;    /* file written by dcpg_eval_all, or by DeepCpG */
    const char *out_dir; /* created if it does not exist; for each output a file NAME.bedGraph.gz or NAME.h5:
                            the cell of "cpg/CELL", otherwise the output's name with '_' for '/' */
    const char
        *format; /* bedGraph, bigWig, cov, allc, amethyst, methscan, hdf, tsv, h5ad: src/analysis/README.md */
    const char *chromo_prefix; /* names of chromosomes: "genome", as in its FASTA files, "ucsc" (chr1, chrM),
                                  "ensembl" (1, MT); NULL: chrNAME in bedGraph, NAME in hdf */
    bool one_based; /* bedGraph as DeepCpG wrote it: start is the 1-based position; false: start is 0-based,
                       as the format requires */
    bool index;     /* bedGraph: also a tabix index */
    bool observed_only, imputed_only; /* leave out sites that were not observed, or that were */
    bool quality;       /* hdf: also observed, confidence, difference and quality of each site */
    double min_quality; /* leave out imputed values of a lower quality: 2 |p - 1/2| (1 - d), where p is the
                           prediction and d its mean absolute difference from the values (the observed state,
                           else the prediction) of the 5 sites before and the 5 after it in the same cell,
                           fewer at the ends of chromosomes */
    double methylated_from,
        unmethylated_to; /* an imputed call is methylated from this prediction on, unmethylated up
                            to the other one (if it is not methylated), else there is none */
    const char *regions; /* BED file: exports regions instead of sites, on the chromosomes that are exported;
                            NULL: sites */
    int64_t bins;        /* bases of a bin: exports the bins that hold a site instead of sites; 0: none */
    const char *groups;  /* file of two columns, cell and group, with a tab in between: exports groups instead
                            of cells;  NULL: cells */
    const dcpg_strings *chromos; /* only these; NULL or empty: all */
    const dcpg_strings *outputs; /* regular expressions; NULL or empty: all */
    int64_t nb_sample;           /* first n sites only; 0: all */
    bool force;                  /* also replaces files that no export wrote; false: these are DCPG_E_USAGE */
} dcpg_export_options;

/* Writes, per site and output, the observed label where known, else the prediction. Outputs are distributed
 * among the ranks; the files do not depend on the number of ranks. Collective. */
DCPG_API dcpg_status dcpg_export_all(const dcpg_export_options *options, const dcpg_par *par, dcpg_log *log,
                                     dcpg_err *err);

DCPG_END_C

#endif
