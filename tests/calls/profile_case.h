/* SPDX-License-Identifier: MIT */
/* For tests that read profiles: text in, calls out. Include after cmocka_all.h. */
#ifndef DCPG_TESTS_PROFILE_CASE_H
#define DCPG_TESTS_PROFILE_CASE_H

#include "foreign.h"
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <inttypes.h>
#include <math.h>

static const dcpg_profile_options plain_options = {.bedgraph_base = 1, .min_cg = 90};

static inline dcpg_status load_text(const char *text, const dcpg_profile_options *options,
                                    dcpg_profile *profile, dcpg_profile_report *report, dcpg_err *err) {
    const char *path = write_text("cell.tsv", text);
    dcpg_status status = dcpg_profile_load(path, options, profile, report, err);
    unlink(path);
    return status;
}

static inline void expect_calls(const dcpg_profile *profile, int chromo, const char *name, int n,
                                const int *pos, const double *value) {
    assert_in_range(chromo, 0, profile->nb_chromo - 1);
    const dcpg_calls *calls = &profile->chromo[chromo];
    assert_string_equal(calls->chromo, name);
    assert_int_equal(calls->n, n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(calls->pos[i], pos[i]);
        assert_true(calls->value[i] == (float)value[i]);
        assert_false(signbit(calls->value[i]));
    }
}

/* Reading `text` must give these calls of chromosome 1 and no others. */
static inline void expect_text(const char *text, const dcpg_profile_options *options, const char *format,
                               int n, const int *pos, const double *value) {
    dcpg_profile profile;
    dcpg_profile_report report;
    dcpg_err err = {0};
    if (load_text(text, options, &profile, &report, &err) != DCPG_OK) fail_msg("%s", err.text);
    assert_string_equal(report.format, format);
    assert_int_equal(profile.nb_chromo, n > 0);
    if (n > 0) expect_calls(&profile, 0, "1", n, pos, value);
    dcpg_profile_free(&profile);
}

/* Reading `text` must fail with an error that holds `line` and `words`. */
static inline void expect_refused(const char *text, const dcpg_profile_options *options, dcpg_status status,
                                  const char *line, const char *words) {
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(load_text(text, options, &profile, NULL, &err), status);
    if (!strstr(err.text, line) || !strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", err.text, line, words);
    if (status == DCPG_E_INPUT) assert_non_null(strstr(err.text, "cell.tsv: "));
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(profile.nb_chromo, 0);
    assert_null(profile.cell);
    dcpg_profile_free(&profile);
}

static inline void expect_error(const char *text, const char *line, const char *words) {
    expect_refused(text, &plain_options, DCPG_E_INPUT, line, words);
}

/* ---- a genome of one chromosome, "1" ---- */

enum { CASE_MAX_WORD = 64 };

typedef struct case_genome {
    uint64_t bits[CASE_MAX_WORD];
    dcpg_cg_chromo chromo;
    dcpg_cg_map map;
} case_genome;

/* Finds the CGs letter by letter. */
static inline void make_genome(case_genome *g, const char *bases) {
    *g = (case_genome){.chromo = {"1", (int64_t)strlen(bases), g->bits}, .map = {1, &g->chromo}};
    for (size_t i = 0; bases[i]; i++) {
        if (bases[i] == 'C' && bases[i + 1] == 'G') g->bits[i / 64] |= (uint64_t)1 << i % 64;
    }
}

#endif
