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
