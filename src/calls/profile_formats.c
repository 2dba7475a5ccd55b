/* SPDX-License-Identifier: MIT */
/* The table of profile formats, in the order in which they are tried on a line; finding formats and rules of
 * --call by name. */
#include "calls/profile_parse.h"
#include <string.h>

/* In the order in which they are tried on a line: the stricter ones first. */
static const profile_format *const formats[] = {
    &dcpg_profile_bedmethyl, &dcpg_profile_allc,    &dcpg_profile_cpg_report,
    &dcpg_profile_cov,       &dcpg_profile_biscuit, &dcpg_profile_percent,
    &dcpg_profile_bedgraph,  &dcpg_profile_bigwig,  &dcpg_profile_tsv,
};

enum { NB_FORMAT = sizeof formats / sizeof *formats };

const char *dcpg_profile_format_name(int i, const char **about) {
    if (i < 0 || i >= NB_FORMAT) return NULL;
    const profile_format *format = formats[NB_FORMAT - 1 - i];
    if (about) *about = format->about;
    return format->name;
}

const profile_format *dcpg_profile_format_at(int i) { return i < NB_FORMAT ? formats[i] : NULL; }

static dcpg_status fail_format(const char *name, dcpg_err *err) {
    char known[256] = "auto";
    for (int i = NB_FORMAT - 1; i >= 0; i--) {
        strcat(known, " ");
        strcat(known, formats[i]->name);
    }
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "--profile_format %s: known are %s, and columns such as chrom=1,pos=2,meth=3,total=4 (names "
        "of the header or numbers) or 1:2:5:6c:tab:0",
        name, known);
}

dcpg_status dcpg_profile_find_format(const char *name, const profile_format **format, column_spec *spec,
                                     dcpg_err *err) {
    *format = NULL;
    if (!name || strcmp(name, "auto") == 0) return DCPG_OK;
    if (strchr(name, '=')) {
        *format = &dcpg_profile_table; /* or its twin without counts, once the columns are known */
        return dcpg_profile_parse_roles(name, spec, err);
    }
    if (strchr(name, ':')) {
        *format = &dcpg_profile_columns;
        return dcpg_profile_parse_spec(name, spec, err);
    }
    for (int i = 0; i < NB_FORMAT && !*format; i++) {
        if (strcmp(name, formats[i]->name) == 0) *format = formats[i];
    }
    return *format ? DCPG_OK : fail_format(name, err);
}

dcpg_status dcpg_profile_check_format(const char *format, dcpg_err *err) {
    const profile_format *found;
    column_spec spec;
    return dcpg_profile_find_format(format, &found, &spec, err);
}

dcpg_status dcpg_call_named(const char *name, dcpg_call *call, dcpg_err *err) {
    static const char *const known[] = {"auto", "round", "strict", "fraction"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, known[i]) != 0) continue;
        *call = (dcpg_call)i;
        return DCPG_OK;
    }
    return dcpg_fail(err, DCPG_E_USAGE, "--call %s: auto, round, strict or fraction", name);
}
