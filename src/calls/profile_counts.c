/* SPDX-License-Identifier: MIT */
/* Parsers of tables of read counts, one line per cytosine: Bismark's coverage files and cytosine reports, and
 * allc. */
#include "calls/profile_scan.h"
#include <ctype.h>
#include <string.h>

static bool is_count(const char *text) {
    int64_t n;
    return scan_int(text, &n) && n >= 0;
}

/* ---- coverage: chromosome, start, end, percentage, methylated, unmethylated ---- */

/* .cov files hold the position of the base twice, 1-based; .zero.cov and MethylDackel hold a BED interval, of
 * two bases after --mergeContext. (Bismark's merged files hold the positions of C and G, 1-based: read as a
 * BED interval, this puts the call on the G, with the same result.) */
static dcpg_status parse_cov(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t start = 0, end = 0;
    double share = 0;
    uint32_t meth = 0, unmeth = 0;
    DCPG_TRY(take_int(p, "position", f->at[1], &start, err));
    DCPG_TRY(take_end(p, f->at[2], start, p->nb_line == 1 || p->span == 2 ? 2 : 1, &end, err));
    if (p->nb_line == 1) p->span = (int)(end - start);
    DCPG_TRY(take_share(p, "percentage", f->at[3], 100, &share, err));
    DCPG_TRY(take_reads(p, f->at[4], &meth, err));
    DCPG_TRY(take_reads(p, f->at[5], &unmeth, err));
    if (unmeth > MAX_READS - meth)
        return dcpg_profile_fail_field(p, err, "number of reads", f->at[5],
                                       "is too large: is this its column?");
    const read_counts reads = {meth, meth + unmeth};
    DCPG_TRY(dcpg_profile_check_share(p, f->at[3], share, 100, reads, err));
    return add_reads(p, f->at[0], end - start == 2 ? end - 1 : end, STRAND_UNKNOWN, reads, err);
}

const profile_format dcpg_profile_cov = {
    "cov",
    "Bismark .cov and .zero.cov, MethylDackel: chromosome, start, end, percentage, methylated, unmethylated "
    "reads",
    "chromosome, start, end, percentage, methylated and unmethylated reads",
    6,
    6,
    true,
    1,
    NULL,
    parse_cov};

/* ---- cytosine report: chromosome, position, strand, methylated, unmethylated, context[, ...] ---- */

static bool is_context(const char *text) {
    return toupper((unsigned char)text[0]) == 'C' &&
           text[strspn(text, "ACGTUNHDRYSWKMBVacgtunhdryswkmbv")] == '\0';
}

static bool is_report(const fields *f) {
    strand on = STRAND_UNKNOWN;
    return f->n >= 6 && is_count(f->at[1]) && scan_strand(f->at[2], &on) && is_count(f->at[3]) &&
           is_count(f->at[4]) && is_context(f->at[5]);
}

/* A C followed by a G; "C" alone or "." does not show one. */
static bool is_cg(const char *context) {
    return (context[0] == 'C' || context[0] == 'c') && (context[1] == 'G' || context[1] == 'g');
}

static dcpg_status parse_report(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t pos = 0;
    strand on = STRAND_UNKNOWN;
    uint32_t meth = 0, unmeth = 0;
    DCPG_TRY(take_int(p, "position", f->at[1], &pos, err));
    DCPG_TRY(take_strand(p, f->at[2], &on, err));
    DCPG_TRY(take_reads(p, f->at[3], &meth, err));
    DCPG_TRY(take_reads(p, f->at[4], &unmeth, err));
    if (!is_context(f->at[5]))
        return dcpg_profile_fail_field(p, err, "context", f->at[5], "is not one of CG, CHG, CHH");
    if (unmeth > MAX_READS - meth)
        return dcpg_profile_fail_field(p, err, "number of reads", f->at[4],
                                       "is too large: is this its column?");
    return is_cg(f->at[5]) ? add_reads(p, f->at[0], pos, on, (read_counts){meth, meth + unmeth}, err)
                           : DCPG_OK;
}

const profile_format dcpg_profile_cpg_report = {
    "cpg_report",
    "Bismark CpG_report (of CX_report the CG lines): chromosome, position, strand, methylated, unmethylated, "
    "context",
    "chromosome, position, strand, methylated and unmethylated reads, context",
    6,
    6,
    true,
    1,
    is_report,
    parse_report};

/* ---- allc: chromosome, position, strand, context, methylated, total[, methylated or not] ---- */

static bool is_allc(const fields *f) {
    strand on = STRAND_UNKNOWN;
    return f->n >= 6 && is_count(f->at[1]) && scan_strand(f->at[2], &on) && is_context(f->at[3]) &&
           is_count(f->at[4]) && is_count(f->at[5]);
}

static dcpg_status parse_allc(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t pos = 0;
    strand on = STRAND_UNKNOWN;
    read_counts reads = {0};
    DCPG_TRY(take_int(p, "position", f->at[1], &pos, err));
    DCPG_TRY(take_strand(p, f->at[2], &on, err));
    if (!is_context(f->at[3]))
        return dcpg_profile_fail_field(p, err, "context", f->at[3], "is no context such as CGN or CHH");
    DCPG_TRY(take_reads(p, f->at[4], &reads.meth, err));
    DCPG_TRY(take_reads(p, f->at[5], &reads.total, err));
    if (reads.meth > reads.total)
        return dcpg_profile_fail_field(p, err, "number of methylated reads", f->at[4],
                                       "is larger than that of all reads");
    return is_cg(f->at[3]) ? add_reads(p, f->at[0], pos, on, reads, err) : DCPG_OK;
}

const profile_format dcpg_profile_allc = {
    "allc",
    "ALLCools, methylpy (CG lines): chromosome, position, strand, context, methylated, total reads",
    "chromosome, position, strand, context, methylated and total reads",
    6,
    6,
    true,
    1,
    is_allc,
    parse_allc};
