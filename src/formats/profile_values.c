/* Profiles of values without counts: DeepCpG's TSV, and bedGraph of fractions or percentages. */
#include "formats/profile_scan.h"

/* ---- TSV: chromosome, position, value ---- */

static bool is_tsv(const fields *f) {
    (void)f;
    return true; /* the last row of the table */
}

static dcpg_status parse_tsv(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t pos = 0;
    double value;
    DCPG_TRY(take_int(p, "position", f->at[1], &pos, err));
    DCPG_TRY(take_number(p, "value", f->at[2], &value, err));
    if (!(value >= 0 && value <= 1)) {
        return dcpg_profile_fail_field(p, err, "value", f->at[2],
                                       value > 1 && value <= 100
                                           ? "lies outside [0, 1]: divide percentages by 100"
                                           : "lies outside [0, 1]: write the methylated fraction");
    }
    return dcpg_profile_add(p, f->at[0], pos, (raw_call){.value = (float)value + 0.0f}, err);
}

const profile_format dcpg_profile_tsv = {"tsv",
                                         "DeepCpG: chromosome, position (1-based), value in [0, 1]",
                                         "chromosome, position and value",
                                         3,
                                         3,
                                         false,
                                         1,
                                         is_tsv,
                                         parse_tsv};

/* ---- bedGraph: chromosome, start, end, value ---- */

/* Four columns; a third one that is larger than the second is no value. */
static bool is_bedgraph(const fields *f) {
    int64_t start = 0, end = 0;
    double value;
    return f->n >= 4 && scan_int(f->at[1], &start) && scan_int(f->at[2], &end) && start < end &&
           scan_double(f->at[3], &value);
}

static bool is_percent(const fields *f) {
    double value;
    return is_bedgraph(f) && scan_double(f->at[3], &value) && value > 1 && value <= 100;
}

static dcpg_status parse_bedgraph(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t start = 0, end = 0;
    double raw;
    float value;
    DCPG_TRY(take_int(p, "position", f->at[1], &start, err));
    if (start < 0) return dcpg_profile_fail_field(p, err, "position", f->at[1], "is negative");
    DCPG_TRY(take_end(p, f->at[2], start, 2, &end, err));
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
    is_bedgraph,
    parse_bedgraph};
const profile_format dcpg_profile_percent = {"percent",
                                             "bedGraph of percentages, 0-based (Bismark)",
                                             "chromosome, start, end and percentage",
                                             4,
                                             4,
                                             false,
                                             0,
                                             is_percent,
                                             parse_bedgraph};
