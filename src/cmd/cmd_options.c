/* SPDX-License-Identifier: MIT */
/* Binds a command's constant table of options to its settings. */
#include "cmd/cmd_options.h"

#include <assert.h>

dcpg_command_line dcpg_cmd_bind(const dcpg_cmd_syntax *syntax, void *settings, dcpg_strings *positional,
                                dcpg_opt *table) {
    int n = 0;
    for (const dcpg_cmd_option *o = syntax->options; o->name; o++) {
        assert(n < DCPG_CMD_MOST_OPTIONS - 1);
        table[n++] = (dcpg_opt){.kind = o->kind,
                                .name = o->name,
                                .value = o->kind == DCPG_OPT_GROUP ? NULL : (char *)settings + o->to,
                                .initial = o->initial,
                                .min = o->min,
                                .max = o->max,
                                .help = o->help,
                                .meaning = o->meaning};
    }
    table[n] = (dcpg_opt){0};
    return (dcpg_command_line){
        .usage = syntax->usage, .about = syntax->about, .options = table, .positional = positional};
}

dcpg_status dcpg_cmd_parse(const dcpg_command_line *line, int argc, char **argv, const dcpg_par *par,
                           bool *help, dcpg_err *err) {
    DCPG_TRY(dcpg_options_parse(line, argc, argv, help, err));
    if (*help && par->rank == 0) dcpg_options_help(line, stdout);
    return DCPG_OK;
}

dcpg_status dcpg_cmd_need_data(const dcpg_opt *table, const dcpg_strings *files, dcpg_err *err) {
    if (files->n > 0) return DCPG_OK;
    return dcpg_options_fail_missing(table, "give a store (made by dcpg data) or DeepCpG data files", err);
}
