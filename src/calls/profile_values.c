/* SPDX-License-Identifier: MIT */
/* Parsers of values without counts: DeepCpG's TSV, and bedGraphs of fractions or percentages. */
#include "calls/profile_scan.h"

/* ---- TSV: chromosome, position, value ---- */

static dcpg_status parse_tsv(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t pos = 0;
    double value;
    DCPG_TRY(take_int(p, "position", f->at[1], &pos, err));
    if (take_missing(p, f->at[2])) return DCPG_OK;
    DCPG_TRY(take_number(p, "value", f->at[2], &value, err));
    if (value == -1) { /* DeepCpG's "not observed" */
        p->report->missing++;
        return DCPG_OK;
    }
    float share;
    if (p->percent || (p->guessed && p->within_1 == 0 && value > 1 && value <= 100)) {
        DCPG_TRY(dcpg_profile_scale(p, value, f->at[2], &share, err));
        return dcpg_profile_add(p, f->at[0], pos, (raw_call){.value = share}, err);
    }
    if (!(value >= 0 && value <= 1)) {
        return dcpg_profile_fail_field(p, err, "value", f->at[2],
                                       value > 1 && value <= 100
                                           ? "lies outside [0, 1]: divide percentages by 100"
                                           : "lies outside [0, 1]: write the methylated fraction");
    }
    p->within_1 += value > 0;
    return dcpg_profile_add(p, f->at[0], pos, (raw_call){.value = (float)value + 0.0f}, err);
}

const profile_format dcpg_profile_tsv = {"tsv",
                                         "DeepCpG: chromosome, position (1-based), value in [0, 1]",
                                         "chromosome, position and value",
                                         3,
                                         3,
                                         false,
                                         1,
                                         NULL,
                                         parse_tsv};

/* ---- bedGraph: chromosome, start, end, value ---- */

static dcpg_status parse_bedgraph(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t start = 0, end = 0;
    double raw;
    float value;
    DCPG_TRY(take_int(p, "position", f->at[1], &start, err));
    if (start < 0) return dcpg_profile_fail_field(p, err, "position", f->at[1], "is negative");
    DCPG_TRY(take_end(p, f->at[2], start, 2, &end, err));
    if (take_missing(p, f->at[3])) return DCPG_OK;
    DCPG_TRY(take_number(p, "value", f->at[3], &raw, err));
    DCPG_TRY(dcpg_profile_scale(p, raw, f->at[3], &value, err));
    return dcpg_profile_add(p, f->at[0], start, (raw_call){.value = value}, err);
}

const profile_format dcpg_profile_bedgraph = {
    "bedgraph",
    "bedGraph of fractions, counting from 0 or (DeepCpG) from 1: --bedgraph_base",
    "chromosome, start, end and value",
    4,
    4,
    false,
    -1,
    NULL,
    parse_bedgraph};
const profile_format dcpg_profile_percent = {"percent",
                                             "bedGraph of percentages, 0-based (Bismark)",
                                             "chromosome, start, end and percentage",
                                             4,
                                             4,
                                             false,
                                             0,
                                             NULL,
                                             parse_bedgraph};
