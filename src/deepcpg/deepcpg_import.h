/* SPDX-License-Identifier: MIT */
/* Takes DeepCpG data files apart again, into calls, sites and bases. Private. */
#ifndef DCPG_DEEPCPG_DEEPCPG_IMPORT_H
#define DCPG_DEEPCPG_DEEPCPG_IMPORT_H

#include <dcpg/deepcpg.h>
#include <dcpg/h5.h>
#include <dcpg/profile.h>

typedef struct dcpg_importing {
    const dcpg_deepcpg *set;
    dcpg_strings cells; /* cells with neighbours or labels, in bytewise order */
    dcpg_strings bulk;  /* bulk profiles: outputs bulk/<name>, without the prefix, in bytewise order */
    dcpg_strings cpg_stats, win_stats, win_wlen; /* statistics named by outputs; a store computes them */
    dcpg_strings chromo;                         /* normalised, in bytewise order */
    int64_t *chromo_of;                          /* [set->chromo.n] index into `chromo` */
    int64_t *first_run, *run_of; /* [chromo.n + 1], [set->nb_run]: runs on each chromosome, in order */
    int64_t *first_row;          /* [set->nb_run + 1] first row of each run in pos */
    int32_t *pos;                /* [set->nb_site] positions of all rows */
    int64_t *last;               /* [chromo.n] greatest position in the files, neighbours included */
    dcpg_h5 *file;               /* the file read last, kept open */
    int64_t file_index;          /* -1: none */
    int64_t nb_left_out;         /* outputs of kinds that a store cannot have */
    const char *first_left_out;
    int64_t nb_far;           /* neighbours too far away for their distance to be exact */
    int64_t nb_contradictory; /* bases that differ between windows */
} dcpg_importing;

/* Opens a file of the set as im->file, unless it is open already. Local, as are all functions below. */
dcpg_status dcpg_import_open_file(dcpg_importing *im, int64_t file, dcpg_err *err);

/* All calls of a cell in the files: its labels, and its neighbours at their distances from the rows.
 * DCPG_E_INPUT names file and row if they contradict each other. */
dcpg_status dcpg_import_cell(dcpg_importing *im, const char *cell, dcpg_profile *profile, dcpg_err *err);

/* Values of a dataset with one number per row, at the rows' positions, without -1 and NaN and, if `inside`,
 * without 0. DCPG_E_INPUT: a value outside [0, 1], or two rows of one position that differ. */
dcpg_status dcpg_import_column(dcpg_importing *im, const char *path, bool inside, dcpg_profile *profile,
                               dcpg_err *err);

/* The sequence of a chromosome, assembled from its windows. It has N where there is no window, and where
 * windows differ: there DeepCpG put random bases in place of N. */
dcpg_status dcpg_import_sequence(dcpg_importing *im, int64_t chromo, dcpg_sequence *sequence, dcpg_err *err);

#endif
