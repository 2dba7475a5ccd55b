/* SPDX-License-Identifier: MIT */
/* Parsers of BED-like tables of methylation: bedMethyl, by modkit and by older programs, and Biscuit's BED.
 * All are 0-based. */
#include "calls/profile_scan.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

static bool is_interval(const fields *f) {
    int64_t start = 0, end = 0;
    return f->n >= 4 && scan_int(f->at[1], &start) && scan_int(f->at[2], &end) && start >= 0 && start < end;
}

static dcpg_status take_interval(const profile_parser *p, const fields *f, int64_t *start, dcpg_err *err) {
    int64_t end;
    DCPG_TRY(take_int(p, "start", f->at[1], start, err));
    if (*start < 0) return dcpg_profile_fail_field(p, err, "start", f->at[1], "is negative");
    return take_end(p, f->at[2], *start, 2, &end, err);
}

/* ---- bedMethyl: chromosome, start, end, modification, score, strand, start, end, colour, reads,
 * percentage[, ...]; modkit continues with modified, canonical, other ..., modbam2bed -e with canonical,
 * modified, filtered ... ---- */

enum { MODKIT_COLUMNS = 18, LEAST_COUNTS = 13 };

static bool is_bedmethyl(const fields *f) {
    strand on = STRAND_UNKNOWN;
    int64_t reads;
    double share = 0;
    return f->n >= 11 && is_interval(f) && scan_strand(f->at[5], &on) && scan_int(f->at[9], &reads) &&
           scan_double(f->at[10], &share);
}

/* Whether a line is about 5-methylcytosine. modkit writes its code, followed by the motif if there is one
 * ("m,CG,0"); C stands for all modifications of cytosine. Older files hold the sample's name or nothing here,
 * so that only the codes of other modifications can be recognised. */
static bool is_5mc(const char *name, bool counts) {
    static const char *const yes[] = {"m", "C", "5mC", "27551"}, *const other[] = {"h",     "a",    "5hmC",
                                                                                   "6mA",   "f",    "c",
                                                                                   "76792", "21839"};
    size_t length = strcspn(name, ",");
    if (name[length] == ',' && strncmp(name + length, ",CG,", 4) != 0) return false;
    for (size_t i = 0; counts && i < sizeof yes / sizeof *yes; i++) {
        if (strlen(yes[i]) == length && strncmp(name, yes[i], length) == 0) return true;
    }
    for (size_t i = 0; !counts && i < sizeof other / sizeof *other; i++) {
        if (strlen(other[i]) == length && strncmp(name, other[i], length) == 0) return false;
    }
    return !counts;
}

/* Modified and all reads, from the percentage and the two columns after it. */
static dcpg_status take_modified(const profile_parser *p, const fields *f, double share, read_counts *reads,
                                 dcpg_err *err) {
    uint32_t first = 0, second = 0;
    DCPG_TRY(take_reads(p, f->at[11], &first, err));
    DCPG_TRY(take_reads(p, f->at[12], &second, err));
    /* modbam2bed's column 10 also counts the reads that were filtered or lack the base. */
    bool swapped = f->n < MODKIT_COLUMNS && second + (uint64_t)first <= reads->total &&
                   dcpg_profile_agrees(share, 2, 100, second, (double)first + second);
    if (!swapped && first > reads->total)
        return dcpg_profile_fail_field(p, err, "number of modified reads", f->at[11],
                                       "is larger than that of all reads");
    if (swapped) reads->total = first + second;
    reads->meth = swapped ? second : first;
    return dcpg_profile_check_share(p, f->at[10], share, 100, *reads, err);
}

static dcpg_status parse_bedmethyl(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t start = 0;
    strand on = STRAND_UNKNOWN;
    double share = 0;
    read_counts reads = {0};
    /* Reads as well as their percentage; gemBS has genotypes there. */
    bool counts = f->n >= LEAST_COUNTS && strspn(f->at[11], "ACGTN") != 2;
    DCPG_TRY(take_interval(p, f, &start, err));
    DCPG_TRY(take_strand(p, f->at[5], &on, err));
    DCPG_TRY(take_reads(p, f->at[9], &reads.total, err));
    if (!is_5mc(f->at[3], counts)) return DCPG_OK;
    if (take_missing(p, f->at[10])) return DCPG_OK; /* of no reads; in modbam2bed all were filtered */
    DCPG_TRY(take_share(p, "percentage", f->at[10], 100, &share, err));
    if (reads.total == 0) return DCPG_OK;
    if (counts)
        DCPG_TRY(take_modified(p, f, share, &reads, err));
    else
        reads.meth = (uint32_t)lrint(share / 100 * reads.total);
    return add_reads(p, f->at[0], start, on, reads, err);
}

const profile_format dcpg_profile_bedmethyl = {
    "bedmethyl",
    "bedMethyl of modkit (18 columns; 5mC), modbam2bed or older programs (11 columns: reads and percentage)",
    "at least the 11 columns of bedMethyl",
    11,
    MODKIT_COLUMNS,
    true,
    0,
    is_bedmethyl,
    parse_bedmethyl};

/* ---- Biscuit: chromosome, start, end[, base, group, contexts of 2 and 5 bases], beta, coverage ---- */

enum { LONG_SHIFT = 4 }; /* columns that `biscuit vcf2bed -e` adds */

static bool is_long(const fields *f) {
    return f->n >= 5 + LONG_SHIFT && strlen(f->at[3]) == 1 && strchr("CGcg", f->at[3][0]) &&
           isalpha((unsigned char)f->at[4][0]);
}

/* The form with contexts; the short form is recognised by what its columns hold (profile_pattern.c). */
static bool is_biscuit(const fields *f) {
    double beta = 0;
    int64_t coverage;
    int at = 3 + LONG_SHIFT;
    if (!is_long(f) || !is_interval(f) || !scan_int(f->at[at + 1], &coverage)) return false;
    return strcmp(f->at[at], ".") == 0 || (scan_double(f->at[at], &beta) && beta >= 0 && beta <= 1);
}

/* Whether the columns are Beta-M-U (vcf2bed -c, mergecg -c), not Beta-Cov: counts have no decimal point,
 * betas have one. */
static bool is_beta_m_u(const fields *f, int at) {
    int64_t unmeth;
    return f->n >= at + 3 && scan_int(f->at[at + 2], &unmeth);
}

static dcpg_status parse_biscuit(profile_parser *p, const fields *f, dcpg_err *err) {
    int64_t start = 0;
    double beta = 0;
    uint32_t total = 0;
    bool longer = is_long(f);
    int at = longer ? 3 + LONG_SHIFT : 3;
    strand on = !longer                                      ? STRAND_UNKNOWN
                : toupper((unsigned char)f->at[3][0]) == 'C' ? STRAND_PLUS
                                                             : STRAND_MINUS;
    DCPG_TRY(take_interval(p, f, &start, err));
    if (longer && strcmp(f->at[4], "CG") != 0) return DCPG_OK;
    if (strcmp(f->at[at], ".") == 0) {
        p->report->missing++;
        return DCPG_OK;
    }
    DCPG_TRY(take_share(p, "beta", f->at[at], 1, &beta, err));
    DCPG_TRY(take_reads(p, f->at[at + 1], &total, err));
    if (longer && is_beta_m_u(f, at)) {
        uint32_t meth = total, unmeth = 0;
        DCPG_TRY(take_reads(p, f->at[at + 2], &unmeth, err));
        if (unmeth > MAX_READS - meth)
            return dcpg_profile_fail_field(p, err, "number of reads", f->at[at + 2],
                                           "is too large: is this its column?");
        const read_counts reads = {meth, meth + unmeth};
        DCPG_TRY(dcpg_profile_check_share(p, f->at[at], beta, 1, reads, err));
        return add_reads(p, f->at[0], start, on, reads, err);
    }
    return add_reads(p, f->at[0], start, on, (read_counts){(uint32_t)lrint(beta * total), total}, err);
}

const profile_format dcpg_profile_biscuit = {
    "biscuit",
    "Biscuit's vcf2bed: chromosome, start, end, beta, coverage; also with contexts (-e)",
    "chromosome, start, end, beta and coverage",
    5,
    10,
    true,
    0,
    is_biscuit,
    parse_biscuit};
