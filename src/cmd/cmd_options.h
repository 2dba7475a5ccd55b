/* SPDX-License-Identifier: MIT */
/* How a command describes its options: a constant table of named fields, whose values are members of the
 * command's settings. Each command has its own in options_<command>.c. Private to the commands. */
#ifndef DCPG_CMD_CMD_OPTIONS_H
#define DCPG_CMD_CMD_OPTIONS_H

#include <dcpg/options.h>
#include <dcpg/par.h>
#include <stddef.h>

/* An option, or the heading of a group of options; fields that are left out are 0 or NULL. */
typedef struct dcpg_cmd_option {
    const char *name;
    dcpg_opt_kind kind;
    size_t to;           /* offset of the value in the settings, in bytes; its type is that of `kind` */
    const char *initial; /* default as text; NULL: none, the member keeps its value */
    double min, max;     /* range of numbers where min < max */
    const char *meaning; /* word for the value in --help; NULL: by kind */
    const char *help;
} dcpg_cmd_option;

/* What a command accepts. */
typedef struct dcpg_cmd_syntax {
    const char *usage, *about;
    const dcpg_cmd_option *options; /* ends with a NULL name */
} dcpg_cmd_syntax;

enum { DCPG_CMD_MOST_OPTIONS = 96 }; /* of a table, with the NULL name at its end */

/* Options of every command that writes, members of its settings. */
typedef struct dcpg_cmd_common {
    const char *log_file; /* NULL: none */
    bool verbose;
    bool force;           /* files that this program did not write are replaced, too */
    double stall_timeout; /* seconds; 0: stalled ranks are not watched for */
} dcpg_cmd_common;

/* Entries for these; `type` is that of the settings, which have a member `common`. */
#define DCPG_CMD_OPT_VERBOSE(type)                                                                           \
    { .name = "verbose", .kind = DCPG_OPT_FLAG, .to = offsetof(type, common.verbose), .help = "log more" }
#define DCPG_CMD_OPT_LOG_FILE(type)                                                                          \
    {                                                                                                        \
        .name = "log_file", .kind = DCPG_OPT_STRING, .to = offsetof(type, common.log_file),                  \
        .meaning = "FILE", .help = "append messages to this file too"                                        \
    }
#define DCPG_CMD_OPT_STALL(type)                                                                             \
    {                                                                                                        \
        .name = "stall_timeout", .kind = DCPG_OPT_DOUBLE, .to = offsetof(type, common.stall_timeout),        \
        .initial = "600", .max = 1e9, .meaning = "S",                                                        \
        .help = "end the job, naming the rank, where others have waited for a rank for so many seconds "     \
                "(0: wait for ever)"                                                                         \
    }
#define DCPG_CMD_OPT_FORCE(type)                                                                             \
    {                                                                                                        \
        .name = "force", .kind = DCPG_OPT_FLAG, .to = offsetof(type, common.force),                          \
        .help = "replace files that are there and that this command did not write; without it they are "     \
                "named and left alone (inputs are never replaced)"                                           \
    }

/* Entries that several commands share, for a member of their settings. */
#define DCPG_CMD_OPT_CHROMOS(type, member)                                                                   \
    {                                                                                                        \
        .name = "chromos", .kind = DCPG_OPT_LIST, .to = offsetof(type, member), .meaning = "NAME",           \
        .help = "use only these chromosomes (left out: all)"                                                 \
    }
#define DCPG_CMD_OPT_CHUNK_SIZE(type, member)                                                                \
    {                                                                                                        \
        .name = "chunk_size", .kind = DCPG_OPT_INT, .to = offsetof(type, member), .initial = "32768",        \
        .min = 1, .max = 1e9, .meaning = "N", .help = "most sites of a file"                                 \
    }
#define DCPG_CMD_OPT_NB_REPLICATE(type, member)                                                              \
    {                                                                                                        \
        .name = "nb_replicate", .kind = DCPG_OPT_INT, .to = offsetof(type, member), .initial = "0",          \
        .max = 1e9, .meaning = "N", .help = "at most N such cells (0: all)"                                  \
    }

/* The command line of `syntax` whose values are in `settings`; positional words (NULL: none are allowed) go
 * to `positional`. Fills table[DCPG_CMD_MOST_OPTIONS], which must outlive the command line. Local. */
dcpg_command_line dcpg_cmd_bind(const dcpg_cmd_syntax *syntax, void *settings, dcpg_strings *positional,
                                dcpg_opt *table);

/* Parses the words of a command; where they ask for help, rank 0 prints it, `*help` is set, and nothing else
 * is to be done. Local. */
dcpg_status dcpg_cmd_parse(const dcpg_command_line *line, int argc, char **argv, const dcpg_par *par,
                           bool *help, dcpg_err *err);

/* DCPG_E_USAGE where no data to work on are named. `table`: that of the command line. Local. */
dcpg_status dcpg_cmd_need_data(const dcpg_opt *table, const dcpg_strings *files, dcpg_err *err);

#endif
