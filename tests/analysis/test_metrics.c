/* SPDX-License-Identifier: MIT */
/* Metrics against values by their definitions (tests/oracle/metrics.py) and against loops over all pairs. */
#include <cmocka_all.h>

#include <dcpg/memory.h>
#include <dcpg/metrics.h>
#include <dcpg/rng.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "metrics_expected.h"

static double score_of(dcpg_score score, const dcpg_pair *pairs, int64_t n) {
    double value = 0;
    dcpg_err err = {0};
    assert_int_equal(dcpg_score_compute(score, pairs, n, &value, &err), DCPG_OK);
    return value;
}

static dcpg_score score_called(const char *name) {
    int score = 0;
    while (score < DCPG_NB_SCORE && strcmp(dcpg_score_name((dcpg_score)score), name) != 0) score++;
    assert_in_range(score, 0, DCPG_NB_SCORE - 1);
    return (dcpg_score)score;
}

static void assert_near(double a, double b, const char *what, const char *name) {
    if (isnan(a) && isnan(b)) return;
    if (!(fabs(a - b) < 1e-13)) fail_msg("%s of %s is %.17g, not %.17g", name, what, a, b);
}

static void test_by_definition(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        dcpg_pair pairs[64];
        for (int i = 0; i < cases[c].n; i++)
            pairs[i] = (dcpg_pair){(float)cases[c].pairs[i][0], (float)cases[c].pairs[i][1]};
        dcpg_pairs_sort(pairs, cases[c].n);
        for (int s = 0; s < NB_EXPECTED; s++) {
            const char *name = cases[c].expected[s].score;
            assert_near(score_of(score_called(name), pairs, cases[c].n), cases[c].expected[s].value,
                        cases[c].name, name);
        }
    }
}

/* Pairs with many ties; labels are 0 and 1, or multiples of a quarter. */
static void draw(dcpg_pair *pairs, int n, bool binary, uint64_t seed) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, seed, 0);
    for (int i = 0; i < n; i++) {
        double label = binary ? (double)dcpg_rng_below(&rng, 2) : (double)dcpg_rng_below(&rng, 5) / 4;
        pairs[i] = (dcpg_pair){(float)label, (float)((double)dcpg_rng_below(&rng, 40) + 20 * label) / 64};
    }
}

static void test_against_all_pairs(void **state) {
    enum { N = 700 };
    static dcpg_pair pairs[N];
    (void)state;
    for (int binary = 0; binary < 2; binary++) {
        draw(pairs, N, binary, 3);
        double wins = 0, up = 0, order = 0, free_y = 0, free_z = 0;
        for (int i = 0; i < N; i++) {
            up += pairs[i].label > 0.5f;
            for (int j = 0; j < N; j++) {
                double y = (double)(pairs[i].label - pairs[j].label),
                       z = (double)(pairs[i].prediction - pairs[j].prediction);
                if (pairs[i].label > 0.5f && pairs[j].label <= 0.5f) wins += (z > 0) + 0.5 * (z == 0);
                order += (y * z > 0) - (y * z < 0);
                free_y += y != 0;
                free_z += z != 0;
            }
        }
        dcpg_pairs_sort(pairs, N);
        assert_near(score_of(DCPG_SCORE_AUC, pairs, N), wins / (up * (N - up)), "all pairs", "auc");
        assert_near(score_of(DCPG_SCORE_KENDALL, pairs, N), order / sqrt(free_y * free_z), "all pairs",
                    "kendall");
    }
}

/* The same bits for any order of the pairs. */
static void test_order(void **state) {
    enum { N = 500 };
    static dcpg_pair pairs[N], shuffled[N];
    int64_t at[N];
    dcpg_rng rng;
    (void)state;
    draw(pairs, N, false, 5);
    for (int i = 0; i < N; i++) at[i] = i;
    dcpg_rng_start(&rng, 1, 1);
    dcpg_rng_shuffle(&rng, at, N);
    for (int i = 0; i < N; i++) shuffled[i] = pairs[at[i]];
    dcpg_pairs_sort(pairs, N);
    dcpg_pairs_sort(shuffled, N);
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        double a = score_of((dcpg_score)s, pairs, N), b = score_of((dcpg_score)s, shuffled, N);
        assert_memory_equal(&a, &b, sizeof a);
    }
}

static void test_nothing_to_score(void **state) {
    dcpg_pair pairs[] = {{1, 0.5f}, {0, NAN}, {1, 0.25f}};
    (void)state;
    dcpg_pairs_sort(pairs, 3);
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        bool is_n = s == DCPG_SCORE_N;
        assert_true(is_n ? score_of((dcpg_score)s, pairs, 0) == 0 : isnan(score_of((dcpg_score)s, pairs, 0)));
        assert_true(is_n ? score_of((dcpg_score)s, pairs, 3) == 3 : isnan(score_of((dcpg_score)s, pairs, 3)));
    }
}

static void test_categories(void **state) {
    dcpg_pair pairs[] = {{0, 0}, {1, 2}, {2, 2}, {1, 1}};
    (void)state;
    dcpg_pairs_sort(pairs, 4);
    assert_true(score_of(DCPG_SCORE_CAT_ACC, pairs, 4) == 0.75);
    assert_int_equal(dcpg_score_class(DCPG_SCORE_AUC_2), 2);
    assert_int_equal(dcpg_score_class(DCPG_SCORE_AUC), -1);
}

/* The scores of an output, by its name. */
static void test_scores_of(void **state) {
    static const char *const expected[][2] = {
        {"cpg/BS27_1_SER", "acc auc auprc brier f1 log_loss mcc n tnr tpr"},
        {"cpg/mean", "acc auc auprc brier f1 log_loss mcc n tnr tpr"},
        {"bulk/serum", "acc auc cor f1 mad mcc mse n tnr tpr"},
        {"cpg_stats/mean", "acc auc cor f1 kendall mad mcc mse n tnr tpr"},
        {"win_stats/1001/mean", "acc auc cor f1 kendall mad mcc mse n tnr tpr"},
        {"cpg_stats/var", "cor kendall mad mse n"},
        {"cpg_stats/entropy", "cor kendall mad mse n"},
        {"cpg_stats/cat_var", "auc_0 auc_1 auc_2 cat_acc n"},
        {"cpg_stats/cat2_var", "acc auc auprc brier f1 log_loss mcc n tnr tpr"},
        {"cpg_stats/diff", "acc auc auprc brier f1 log_loss mcc n tnr tpr"},
        {"cpg_stats/mode", "acc auc auprc brier f1 log_loss mcc n tnr tpr"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        dcpg_score scores[DCPG_NB_SCORE];
        bool has[DCPG_NB_SCORE] = {false};
        char text[256] = "";
        int nb = dcpg_scores_of(expected[i][0], scores);
        for (int s = 0; s < nb; s++) has[scores[s]] = true;
        for (int s = 0; s < DCPG_NB_SCORE; s++)
            if (has[s])
                snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " " : "",
                         dcpg_score_name((dcpg_score)s));
        assert_string_equal(text, expected[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_definition), cmocka_unit_test(test_against_all_pairs),
        cmocka_unit_test(test_order),         cmocka_unit_test(test_nothing_to_score),
        cmocka_unit_test(test_categories),    cmocka_unit_test(test_scores_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
