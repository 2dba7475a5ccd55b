/* SPDX-License-Identifier: MIT */
/* Going on with an earlier run: its command line and what was said anew. Private to the command. */
#ifndef DCPG_CMD_TRAIN_RESUME_H
#define DCPG_CMD_TRAIN_RESUME_H

#include <dcpg/checkpoint.h>
#include <dcpg/options.h>

/* The words to parse: those of the checkpoint, then argv[1 ... argc-1]; positional words only of one of them,
 * of the checkpoint where `positional` (of argv) is empty. Local. */
dcpg_status train_resume_words(const dcpg_checkpoint *checkpoint, int argc, char **argv,
                               const dcpg_strings *positional, dcpg_strings *words, dcpg_err *err);

/* What the run of a checkpoint was told, without the paths that a checkpoint must not choose: `options` and
 * `files` hold what its words say; --log_file, --stop_file, --out_dir and --resume are never taken from it.
 * Where others could have written it, its data neither: DCPG_E_USAGE unless they are named now (`files_now`,
 * `val_files_now`). The words left replace those of the checkpoint; names of options that were left out and
 * would be missed are added to `left_out`. Local. */
typedef struct train_resume_said {
    const dcpg_opt *options;
    dcpg_strings *files;
    bool files_now, val_files_now;
} train_resume_said;
dcpg_status train_resume_distrust(dcpg_checkpoint *checkpoint, const train_resume_said *said,
                                  dcpg_strings *left_out, dcpg_err *err);

/* DCPG_E_USAGE where an option that decides the result has another value now than then. Pure. */
dcpg_status train_resume_check(const dcpg_checkpoint *checkpoint, const dcpg_opt *then, const dcpg_opt *now,
                               dcpg_err *err);

/* The words to keep in checkpoints: the options' values, files named from the root, so that the run can go on
 * from any folder. Local. */
dcpg_status train_resume_keep(const dcpg_opt *options, const dcpg_strings *positional, dcpg_strings *words,
                              dcpg_err *err);

#endif
