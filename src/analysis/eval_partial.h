/* SPDX-License-Identifier: MIT */
/* What is done of an evaluation, kept on disk until it has ended. Private to this module. */
#ifndef DCPG_ANALYSIS_EVAL_PARTIAL_H
#define DCPG_ANALYSIS_EVAL_PARTIAL_H

#include "analysis/eval_impl.h"

typedef struct eval_partial eval_partial;

/* Settings begin with this line. */
#define EVAL_PARTIAL_FORMAT "dcpg-eval-partial: 1\n"

typedef struct eval_partial_options {
    const char *path;     /* what is done is kept in the folder PATH.partial */
    const char *settings; /* lines "name: value" of everything that results depend on */
    const eval_outputs *outputs;
    int64_t total;      /* sites */
    bool resume, force; /* goes on with what is done; starts again, and removes it */
} eval_partial_options;

/* Makes the folder, or looks what is done. DCPG_E_USAGE where something is done and neither resume nor force
 * is wanted, where it was begun with other settings (the first is named), and where another program made the
 * folder. `outputs` must outlive the object; free it with dcpg_eval_partial_close. Collective. */
dcpg_status dcpg_eval_partial_open_all(const eval_partial_options *options, const dcpg_par *par,
                                       dcpg_log *log, eval_partial **partial, dcpg_err *err);
void dcpg_eval_partial_close(eval_partial *partial); /* NULL is fine. Local */

const char *dcpg_eval_partial_folder(const eval_partial *partial);

/* Most sites of a record, so that it fits into 16 MB, but at least one. Pure. */
int64_t dcpg_eval_partial_rows(const eval_outputs *outputs);

/* Of sites [first, end): the end of those from `first` on that were all done, or all not done, when the
 * object was opened or finished; the number of those that were. Pure. */
int64_t dcpg_eval_partial_run(const eval_partial *partial, int64_t first, int64_t end, bool *done);
int64_t dcpg_eval_partial_done(const eval_partial *partial, int64_t first, int64_t end);

/* Keeps the sites of a block. Local. */
dcpg_status dcpg_eval_partial_add(eval_partial *partial, const eval_block *block, dcpg_err *err);

/* Asks all ranks to stop, which see it in the folder, without exchanging messages; whether one was asked
 * to. Local. */
void dcpg_eval_partial_ask_to_stop(const eval_partial *partial);
bool dcpg_eval_partial_asked_to_stop(const eval_partial *partial);

/* To be called when all sites are done, and before any is read. Collective. */
dcpg_status dcpg_eval_partial_finish_all(eval_partial *partial, dcpg_err *err);

/* Fills in places, labels and predictions of sites first, first + 1 ... first + n - 1 of the block. Local. */
dcpg_status dcpg_eval_partial_read(eval_partial *partial, eval_block *block, dcpg_err *err);

/* Removes the folder, or warns that it cannot; nothing but closing may follow. Collective. */
void dcpg_eval_partial_remove_all(eval_partial *partial, dcpg_log *log);

/* Whether nothing is kept. Collective. */
bool dcpg_eval_partial_is_empty_all(const eval_partial *partial);

#endif
