/* SPDX-License-Identifier: MIT */
/* Command line options as a table.
 *   --name value, --name=value   '-' and '_' are the same in names
 *   --list a b c                 every word up to the next option; --list=a takes this word only
 *   --name [a], --name=a         an option with or without a word
 *   --flag, --flag=true|false
 *   --                           all words after it are positional
 * If an option is given twice, the last one wins; this holds for lists too. "-1" and "-.5" are values, not
 * options. */
#ifndef DCPG_OPTIONS_H
#define DCPG_OPTIONS_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdio.h>

DCPG_BEGIN_C

typedef enum dcpg_opt_kind {
    DCPG_OPT_FLAG,   /* bool *: true where given */
    DCPG_OPT_INT,    /* int64_t * */
    DCPG_OPT_DOUBLE, /* double * */
    DCPG_OPT_STRING, /* const char **: points into argv or into the table */
    DCPG_OPT_LIST,   /* dcpg_strings *: one word or more */
    DCPG_OPT_WORDS,  /* dcpg_words *: any number of words, including none */
    DCPG_OPT_GROUP   /* no option: a heading in --help */
} dcpg_opt_kind;

/* Value of an option that is meaningful without words too. */
typedef struct dcpg_words {
    bool given;
    dcpg_strings list;
} dcpg_words;

typedef struct dcpg_opt {
    dcpg_opt_kind kind;
    const char *name;    /* as in DeepCpG, with '_', without the dashes; of a group: its title */
    void *value;         /* by kind, as above */
    const char *initial; /* default as text, shown in --help and parsed like a user's value (words of a list
                            stand between blanks); NULL: none, the value is left unchanged */
    double min, max;  /* range of numbers where min < max; max of DCPG_OPT_WORDS: most words, 0: any number */
    const char *help; /* one line; gives units and the effect of leaving the option out */
    const char *meaning; /* what --help calls the value: "FILE", "N"; NULL: by kind */
} dcpg_opt;

typedef struct dcpg_command_line {
    const char *usage;        /* e.g. "dcpg eval STORE --model_files DIR [options]" */
    const char *about;        /* one paragraph for --help */
    const dcpg_opt *options;  /* ends with a NULL name */
    dcpg_strings *positional; /* words that belong to no option; NULL: none allowed */
} dcpg_command_line;

/* Parses the command line into the values of the table, after setting defaults; argv[0] is skipped. `*help`
 * is set, and no other word is parsed, if --help or -h is among the words. DCPG_E_USAGE names the unknown or
 * wrong option and the nearest known name. The caller frees lists and positionals, on failure too. Local:
 * every rank parses the same words. */
DCPG_API dcpg_status dcpg_options_parse(const dcpg_command_line *line, int argc, char **argv, bool *help,
                                        dcpg_err *err);

/* Appends to `words` a command line, including positional words, that parses to the current values of the
 * table. Local. */
DCPG_API dcpg_status dcpg_options_words(const dcpg_opt *options, const dcpg_strings *positional,
                                        dcpg_strings *words, dcpg_err *err);

/* Name of the first option whose values in tables `a` and `b` of the same options differ, ignoring free_names
 * (ends with NULL); NULL: none differs. Pure. */
DCPG_API const char *dcpg_options_differ(const dcpg_opt *a, const dcpg_opt *b, const char *const *free_names);

/* Fails with DCPG_E_USAGE because no positional word was given; `wanted` describes what is missing. Where a
 * list has taken a word that looks like a file, which the options before it would have had otherwise, names
 * both. Local. */
DCPG_API dcpg_status dcpg_options_fail_missing(const dcpg_opt *options, const char *wanted, dcpg_err *err);

/* Prints usage, about, and every option with its default, in lines of 100 columns. Local. */
DCPG_API void dcpg_options_help(const dcpg_command_line *line, FILE *out);

DCPG_END_C

#endif
