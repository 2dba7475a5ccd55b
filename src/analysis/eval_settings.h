/* SPDX-License-Identifier: MIT */
/* Everything that the results of an evaluation depend on, as text. Private to this module. */
#ifndef DCPG_ANALYSIS_EVAL_SETTINGS_H
#define DCPG_ANALYSIS_EVAL_SETTINGS_H

#include "analysis/eval_impl.h"

typedef struct eval_settings_from {
    dcpg_source *source;
    const dcpg_model *model;
    const eval_outputs *outputs;
    const dcpg_strings *files; /* of the data; NULL: not known */
    int64_t total;             /* sites */
} eval_settings_from;

/* Lines "name: value" (dcpg_free); what is long is a digest. Collective. */
dcpg_status dcpg_eval_settings_all(const eval_settings_from *from, const dcpg_par *par, char **settings,
                                   dcpg_err *err);

#endif
