/* SPDX-License-Identifier: MIT */
/* The report: runs and evaluations as one page. */
#ifndef DCPG_REPORT_H
#define DCPG_REPORT_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdint.h>
#include <stdio.h>

DCPG_BEGIN_C

/* How a report begins, so that it is known again. */
#define DCPG_REPORT_HEAD "<!DOCTYPE html>\n<!-- dcpg report -->\n"

typedef struct dcpg_report_options {
    const dcpg_strings *inputs;  /* model directories, and files written by dcpg_eval_all or DeepCpG */
    const char *out;             /* the page; replaced if it is there */
    const char *title;           /* NULL: "dcpg report" */
    const dcpg_strings *outputs; /* regular expressions of those that are scored; NULL or empty: all */
    const dcpg_strings *annos;   /* BED files; NULL: none */
    int64_t anno_min_sites;      /* annotations with fewer sites are left out */
    const char *region;          /* shown site by site: "CHROMO" or "CHROMO:START-END", from 1, ends included;
                                    NULL: sites in the middle of the first chromosome */
    int64_t window_sites;        /* sites shown so, at most; 0: none */
    int64_t curve_points;        /* points of a curve, at most */
} dcpg_report_options;

/* Writes one HTML file that needs no other: facts and learning curves of the runs; of every evaluation the
 * tables that dcpg_perf_all writes, as numbers and figures, and a window of observed and imputed states.
 * Tables are made in a temporary folder beside the page; memory grows with outputs x contexts. The page does
 * not depend on the number of ranks. DCPG_E_INPUT for folders that dcpg train did not write, for files of
 * other programs, and for a region in which no evaluation has sites, before scores are computed. Collective.
 */
DCPG_API dcpg_status dcpg_report_all(const dcpg_report_options *options, const dcpg_par *par, dcpg_log *log,
                                     dcpg_err *err);

/* ---- the state of a training ---- */

typedef enum dcpg_run_state {
    DCPG_RUN_FINISHED,
    DCPG_RUN_RUNNING, /* a process writes the folder, as far as can be known from this host */
    DCPG_RUN_STOPPED, /* with everything saved: --resume continues it */
    DCPG_RUN_DEAD,    /* it was killed, or its host is gone */
    DCPG_RUN_FAILED   /* it ended without a model and left no lock: an error ended it */
} dcpg_run_state;

/* Prints about ten lines on a training, running or not, from the files of its model directory, which are only
 * read: state, epoch, loss, speed, time left, the newest checkpoint. DCPG_E_INPUT: dcpg train did not write
 * the folder. Local. */
DCPG_API dcpg_status dcpg_run_print(const char *dir, FILE *out, dcpg_run_state *state, dcpg_err *err);

DCPG_END_C

#endif
