/* SPDX-License-Identifier: MIT */
/* Scores of classes over ranks, with memory for all and for few labels, against the metrics of all labels at
 * once; NaN; no label at all. `test_ranking large`: 10^8 labels in bounded memory, against counts. */
#include <cmocka_all.h>

#include "analysis/ranking.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static dcpg_par par;

enum { NB_OUTPUT = 5, NB_POOL = 2, NAN_OUTPUT = 3 };
static const int pool_of[NB_OUTPUT] = {0, 1, -1, -1, 0};

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* Label i of an output: many ties, both signs, numbers close together. Output 1 has one class only. */
static dcpg_pair draw(int output, int64_t i) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, (uint64_t)output, (uint64_t)i);
    float label = output == 1 ? 1 : (float)dcpg_rng_below(&rng, 2);
    double x = dcpg_rng_uniform(&rng);
    float prediction = (float)(i % 3 == 0 ? floor(8 * x) / 8 : output == 2 ? 2 * x - 1 : 1 - 1e-4 * x);
    return (dcpg_pair){label, output == NAN_OUTPUT && i == 7 ? NAN : prediction};
}

static dcpg_ranking *new_ranking(const int *pool, int nb_output, int nb_pool, size_t bytes) {
    dcpg_ranking *ranking;
    dcpg_err err = {0};
    const dcpg_ranking_options options = {nb_output, nb_pool, pool, "test_ranking.tsv", bytes};
    ok(dcpg_ranking_new(&options, &par, &ranking, &err), &err);
    return ranking;
}

/* What a visitor saw of each output. */
typedef struct seen {
    int64_t labels[NB_OUTPUT], below[NB_OUTPUT];
    float last[NB_OUTPUT];
} seen;

static void see(void *context, int output, const dcpg_class_stream *stream, dcpg_ranked ranked) {
    seen *s = context;
    assert_int_equal(output % par.size, par.rank);
    assert_int_equal(stream->up_below + stream->down_below, s->below[output]);
    assert_true(s->labels[output] == 0 || isnan(ranked.prediction) || ranked.prediction > s->last[output]);
    s->last[output] = ranked.prediction;
    s->labels[output] += ranked.up + ranked.down;
    if (!isnan(ranked.prediction)) s->below[output] += ranked.up + ranked.down;
}

/* Takes the sums; the visitor sees every label of this rank's outputs in order, twice. */
static void check_visits(dcpg_ranking *ranking, int64_t n, dcpg_class_sums *sums) {
    seen first, second;
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    const dcpg_ranking_visitor at_first = {&first, see}, again = {&second, see};
    dcpg_err err = {0};
    ok(dcpg_ranking_sums_all(ranking, &at_first, sums, &err), &err);
    for (int o = 0; o < NB_OUTPUT; o++) {
        if (o == 2) continue; /* may be left out */
        ok(dcpg_ranking_visit(ranking, o, &again, &err), &err);
        assert_int_equal(first.labels[o], o % par.size == par.rank ? n : 0);
        assert_int_equal(second.labels[o], first.labels[o]);
    }
}

/* Scores of this rank's share of n labels for each output, exchanged in several blocks. */
static void rank_all(int64_t n, size_t bytes, dcpg_class_sums *sums) {
    enum { BLOCK = 500 };
    dcpg_err err = {0};
    dcpg_ranking *ranking = new_ranking(pool_of, NB_OUTPUT, NB_POOL, bytes);
    for (int64_t first = 0; first < n; first += BLOCK) {
        for (int64_t i = first; i < first + BLOCK && i < n; i++)
            for (int o = 0; o < NB_OUTPUT && i % par.size == par.rank; o++) {
                dcpg_pair pair = draw(o, i);
                ok(dcpg_ranking_add(ranking, o, pair.label > 0.5f, pair.prediction, &err), &err);
            }
        ok(dcpg_ranking_exchange_all(ranking, &err), &err);
    }
    check_visits(ranking, n, sums);
    dcpg_ranking_free(ranking);
}

/* All labels of one output, or of a pool (output NB_OUTPUT + pool), sorted. */
static int64_t all_pairs(int output, int64_t n, dcpg_pair *pairs) {
    int64_t nb = 0;
    for (int o = 0; o < NB_OUTPUT; o++)
        for (int64_t i = 0; i < n && (o == output || (pool_of[o] >= 0 && NB_OUTPUT + pool_of[o] == output));
             i++)
            pairs[nb++] = draw(o, i);
    dcpg_pairs_sort(pairs, nb);
    return nb;
}

static void check(int64_t n, size_t bytes) {
    static const dcpg_score scores[] = {DCPG_SCORE_ACC, DCPG_SCORE_AUC, DCPG_SCORE_AUPRC, DCPG_SCORE_BRIER,
                                        DCPG_SCORE_F1,  DCPG_SCORE_MCC, DCPG_SCORE_N,     DCPG_SCORE_LOG_LOSS,
                                        DCPG_SCORE_TNR, DCPG_SCORE_TPR};
    dcpg_class_sums sums[NB_OUTPUT + NB_POOL];
    dcpg_pair *pairs = dcpg_alloc((size_t)n * NB_OUTPUT, sizeof *pairs);
    dcpg_err err = {0};
    assert_non_null(pairs);
    rank_all(n, bytes, sums);
    for (int o = 0; o < NB_OUTPUT + NB_POOL; o++) {
        int64_t nb = all_pairs(o, n, pairs);
        for (size_t s = 0; s < sizeof scores / sizeof *scores; s++) {
            double value = dcpg_class_score(&sums[o], scores[s]), expected;
            ok(dcpg_score_compute(scores[s], pairs, nb, &expected, &err), &err);
            if (isnan(expected) ? !isnan(value) : value != expected)
                fail_msg("%s of output %d is %.17g, not %.17g", dcpg_score_name(scores[s]), o, value,
                         expected);
        }
    }
    dcpg_free(pairs);
}

static void enough_memory(void **state) {
    (void)state;
    check(3000, 0);
}

static void little_memory(void **state) {
    (void)state;
    check(3000, 4096);
    check(1700, 200000);
}

static void few_labels(void **state) {
    (void)state;
    check(0, 0);
    check(1, 0);
    check(8, 64);
}

/* ---- 10^8 labels ---- */

enum { LARGE = 100000000, LEVELS = 1 << 20 };

/* Label i of the large set: the level of its prediction, out of LEVELS, and its class. */
static uint32_t level_of(int64_t i, bool *positive) {
    uint64_t x = dcpg_mix(11, (uint64_t)i);
    uint32_t level = (uint32_t)(x % LEVELS);
    *positive = x >> 40 < (UINT64_C(1) << 23) / 2 + (uint64_t)level * 8;
    return level;
}

static double auc_of_counts(const int64_t (*count)[2]) {
    double wins = 0, up = 0, down = 0;
    for (int l = 0; l < LEVELS; l++) {
        wins += (double)count[l][1] * (down + (double)count[l][0] / 2);
        down += (double)count[l][0];
        up += (double)count[l][1];
    }
    return wins / (up * down);
}

static double precision_of_counts(const int64_t (*count)[2]) {
    double sum = 0, up = 0, all = 0;
    for (int l = LEVELS - 1; l >= 0; l--) {
        up += (double)count[l][1];
        all += (double)count[l][0] + (double)count[l][1];
        if (count[l][1]) sum += (double)count[l][1] * up / all;
    }
    return sum / up;
}

static void large(void **state) {
    static int64_t count[LEVELS][2];
    dcpg_class_sums sums[2];
    dcpg_err err = {0};
    (void)state;
    dcpg_ranking *ranking = new_ranking((int[]){0}, 1, 1, (size_t)128 << 20);
    for (int64_t i = par.rank; i < LARGE; i += par.size) {
        bool positive;
        uint32_t level = level_of(i, &positive);
        count[level][positive]++;
        ok(dcpg_ranking_add(ranking, 0, positive, (float)level / LEVELS, &err), &err);
        if (i / par.size % 1000000 == 999999) ok(dcpg_ranking_exchange_all(ranking, &err), &err);
    }
    ok(dcpg_ranking_sums_all(ranking, NULL, sums, &err), &err);
    dcpg_ranking_free(ranking);
    dcpg_sum_i64s_all(&par, count[0], (size_t)2 * LEVELS);
    for (int o = 0; o < 2; o++) {
        assert_true(dcpg_class_score(&sums[o], DCPG_SCORE_N) == LARGE);
        assert_true(fabs(dcpg_class_score(&sums[o], DCPG_SCORE_AUC) - auc_of_counts(count)) < 1e-12);
        assert_true(fabs(dcpg_class_score(&sums[o], DCPG_SCORE_AUPRC) - precision_of_counts(count)) < 1e-12);
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    if (used.ru_maxrss > 400 * 1024) fail_msg("took %ld MB of memory", used.ru_maxrss / 1024);
}

int main(int argc, char **argv) {
    const struct CMUnitTest quick[] = {cmocka_unit_test(enough_memory), cmocka_unit_test(little_memory),
                                       cmocka_unit_test(few_labels)},
                            slow[] = {cmocka_unit_test(large)};
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, NULL, NULL, &err) != DCPG_OK) return 1;
    int failed = argc > 1 && strcmp(argv[1], "large") == 0 ? cmocka_run_group_tests(slow, NULL, NULL)
                                                           : cmocka_run_group_tests(quick, NULL, NULL);
    failed = (int)dcpg_max_i64_all(&par, failed);
    dcpg_par_close_all(&par);
    return failed;
}
