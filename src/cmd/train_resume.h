/* SPDX-License-Identifier: MIT */
/* Resumes an earlier run: combines its command line with the new one. Private to the command. */
#ifndef DCPG_CMD_TRAIN_RESUME_H
#define DCPG_CMD_TRAIN_RESUME_H

#include <dcpg/checkpoint.h>
#include <dcpg/options.h>

/* Adds the words to parse: those of the checkpoint, then argv[1 ... argc-1]. Positional words come from one
 * of the two only: from the checkpoint where `positional` (those of argv) is empty. Local. */
dcpg_status train_resume_words(const dcpg_checkpoint *checkpoint, int argc, char **argv,
                               const dcpg_strings *positional, dcpg_strings *words, dcpg_err *err);

/* Removes from the words of a checkpoint the paths that it must not choose. `options` and `files` hold the
 * values that its words give; --log_file, --stop_file, --out_dir and --resume are never taken from it. Where
 * other users could have written the checkpoint, its data files are not taken from it either: DCPG_E_USAGE
 * unless the new command line names them (`files_now`, `val_files_now`). The remaining words replace those of
 * the checkpoint; --log_file and --stop_file are added to `left_out` where they had a value. Local. */
typedef struct train_resume_given {
    const dcpg_opt *options;
    dcpg_strings *files;
    bool files_now, val_files_now;
} train_resume_given;
dcpg_status train_resume_distrust(dcpg_checkpoint *checkpoint, const train_resume_given *given,
                                  dcpg_strings *left_out, dcpg_err *err);

/* DCPG_E_USAGE where an option that affects the result has another value in `now` than in `then`. Pure. */
dcpg_status train_resume_check(const dcpg_checkpoint *checkpoint, const dcpg_opt *then, const dcpg_opt *now,
                               dcpg_err *err);

/* Adds the words to keep in checkpoints: the options' values, with absolute paths of files, so that the run
 * can be resumed from any folder. Local. */
dcpg_status train_resume_keep(const dcpg_opt *options, const dcpg_strings *positional, dcpg_strings *words,
                              dcpg_err *err);

#endif
