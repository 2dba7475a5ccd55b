/* SPDX-License-Identifier: MIT */
/* Parses tables whose columns are known by their names, by what they hold or from the user: p->layout says
 * which column holds what. */
#include "calls/profile_scan.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *at(const profile_parser *p, const fields *f, role r) {
    int column = p->layout.column[r];
    return column >= 0 && column < f->n ? f->at[column] : NULL;
}

/* Where a call is. */
typedef struct place {
    int64_t pos;
    strand on;
    bool other; /* not a CpG */
} place;

static dcpg_status take_group(const profile_parser *p, const char *text, dcpg_err *err) {
    int64_t n;
    DCPG_TRY(take_int(p, "number of CpGs", text, &n, err));
    if (n <= 1) return DCPG_OK;
    return dcpg_profile_fail_field(p, err, "number of CpGs", text,
                                   "of one line: write a line for each CpG "
                                   "(calculate_methylation_frequency.py -s)");
}

static dcpg_status take_any_strand(const profile_parser *p, const fields *f, strand *on, dcpg_err *err) {
    const char *text = at(p, f, ROLE_STRAND);
    *on = STRAND_UNKNOWN;
    if (!text || (text[0] != '-' && dcpg_profile_is_missing(text))) return DCPG_OK;
    if (strcmp(text, "B") == 0) return DCPG_OK; /* MOABS: both */
    if (text[0] == '\0' || text[1] != '\0' || !strchr("FfCc1RrGg2", text[0]))
        return take_strand(p, text, on, err);
    *on = strchr("FfCc1", text[0]) ? STRAND_PLUS : STRAND_MINUS;
    return DCPG_OK;
}

/* Whether a context is that of a CpG: "CG", "CGN", "CpG", or five letters by BSMAP, the middle one of which
 * is the C. dnmtools writes "CpGx" if the reads show that the sample has no CpG there. */
static bool is_cpg(const char *text) {
    char c[4] = "";
    if (strcasecmp(text, "CpGx") == 0) return false;
    size_t n = strlen(text), from = n == 5 ? 2 : 0;
    for (size_t i = 0; i < 3 && from + i < n; i++) c[i] = (char)toupper((unsigned char)text[from + i]);
    return c[0] == 'C' && (c[1] == 'G' || (c[1] == 'P' && c[2] == 'G'));
}

static dcpg_status take_place(const profile_parser *p, const fields *f, place *to, dcpg_err *err) {
    const char *end = at(p, f, ROLE_END), *context = at(p, f, ROLE_CONTEXT), *group = at(p, f, ROLE_GROUP);
    int64_t unused;
    *to = (place){0};
    DCPG_TRY(take_int(p, "position", at(p, f, ROLE_POS), &to->pos, err));
    if (group) DCPG_TRY(take_group(p, group, err));
    if (end) DCPG_TRY(take_end(p, end, to->pos, 2, &unused, err));
    DCPG_TRY(take_any_strand(p, f, &to->on, err));
    to->other = context && !is_cpg(context) && strcmp(context, "C") != 0 && !dcpg_profile_is_missing(context);
    return DCPG_OK;
}

/* The fraction or percentage of a line, and its scale, 1 or 100; NULL if the table has none. */
static const char *find_share(const profile_parser *p, const fields *f, double *scale) {
    static const role kinds[] = {ROLE_PERCENT, ROLE_FRACTION, ROLE_VALUE};
    for (int i = 0; i < 3; i++) {
        const char *text = at(p, f, kinds[i]);
        *scale = kinds[i] == ROLE_PERCENT || (kinds[i] == ROLE_VALUE && p->percent) ? 100 : 1;
        if (text) return text;
    }
    return NULL;
}

static dcpg_status fail_more(const profile_parser *p, const char *meth, dcpg_err *err) {
    return dcpg_profile_fail_field(p, err, "number of methylated reads", meth,
                                   "is larger than that of all reads");
}

/* The numbers of reads, from two of methylated, unmethylated and all, or from all and a fraction or
 * percentage. */
static dcpg_status take_counts(profile_parser *p, const fields *f, read_counts *to, bool *missing,
                               dcpg_err *err) {
    const char *m = at(p, f, ROLE_METH), *u = at(p, f, ROLE_UNMETH), *n = at(p, f, ROLE_TOTAL);
    double scale, share;
    const char *text = find_share(p, f, &scale);
    uint32_t unmeth = 0;
    *missing = (m && take_missing(p, m)) || (u && take_missing(p, u)) || (n && take_missing(p, n));
    if (*missing) return DCPG_OK;
    if (m) DCPG_TRY(take_reads(p, m, &to->meth, err));
    if (u) DCPG_TRY(take_reads(p, u, &unmeth, err));
    if (n) DCPG_TRY(take_reads(p, n, &to->total, err));
    if (m && u && unmeth > MAX_READS - to->meth)
        return dcpg_profile_fail_field(p, err, "number of reads", u, "is too large: is this its column?");
    if (m && u) to->total = to->meth + unmeth;
    if (!m && u && unmeth > to->total)
        return dcpg_profile_fail_field(p, err, "number of unmethylated reads", u,
                                       "is larger than that of all reads");
    if (!m && u) to->meth = to->total - unmeth;
    if (m && to->meth > to->total) return fail_more(p, m, err);
    if (!text || to->total == 0) return DCPG_OK;
    if (dcpg_profile_is_missing(text)) {
        if (m || u) return DCPG_OK;
        *missing = take_missing(p, text);
        return DCPG_OK;
    }
    DCPG_TRY(take_share(p, scale > 1 ? "percentage" : "fraction", text, scale, &share, err));
    if (!m && !u) to->meth = (uint32_t)lrint(share / scale * to->total);
    bool state = p->layout.named && (share == 0 || share == scale) && m; /* a rate rounded to 0 or 1 */
    return state ? DCPG_OK : dcpg_profile_check_share(p, text, share, scale, *to, err);
}

static dcpg_status parse_counts(profile_parser *p, const fields *f, dcpg_err *err) {
    place to;
    read_counts reads = {0};
    bool missing = false;
    DCPG_TRY(take_place(p, f, &to, err));
    if (to.other) return DCPG_OK;
    DCPG_TRY(take_counts(p, f, &reads, &missing, err));
    return missing ? DCPG_OK : add_reads(p, at(p, f, ROLE_CHROMO), to.pos, to.on, reads, err);
}

static dcpg_status parse_shares(profile_parser *p, const fields *f, dcpg_err *err) {
    place to;
    double scale, raw;
    float value;
    DCPG_TRY(take_place(p, f, &to, err));
    const char *text = find_share(p, f, &scale);
    if (to.other || take_missing(p, text)) return DCPG_OK;
    DCPG_TRY(take_number(p, "value", text, &raw, err));
    if (raw == -1) {
        p->report->missing++;
        return DCPG_OK;
    }
    DCPG_TRY(dcpg_profile_scale(p, raw, text, &value, err));
    return dcpg_profile_add(p, at(p, f, ROLE_CHROMO), to.pos,
                            (raw_call){.value = value, .strand = (uint32_t)to.on & 3}, err);
}

const profile_format dcpg_profile_table = {
    "table", "",          "the columns that its header or --profile_format names", 0, MAX_FIELD, true, 1,
    NULL,    parse_counts};
const profile_format dcpg_profile_table_shares = {
    "table", "",          "the columns that its header or --profile_format names", 0, MAX_FIELD, false, 1,
    NULL,    parse_shares};

/* ---- description ---- */

void dcpg_profile_describe(const layout *l, char *text, size_t size) {
    static const char *const names[NB_ROLE] = {"chrom", "pos",    "end",   "strand",  "context",  "group",
                                               "meth",  "unmeth", "total", "percent", "fraction", "value"};
    size_t used = 0;
    text[0] = '\0';
    for (int r = 0; r < NB_ROLE; r++) {
        if (l->column[r] < 0 || used >= size) continue;
        const char *name = r == ROLE_POS && l->base != 1 ? "start" : names[r];
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s=%d", used ? "," : "", name, l->column[r] + 1);
    }
}
