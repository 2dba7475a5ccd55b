/* SPDX-License-Identifier: MIT */
/* Parts of the simulation, compared with naive versions. */
#include "cmocka_all.h"

#include "sim/sim.h"
#include <dcpg/memory.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_wave(void **state) {
    (void)state;
    enum { SPACING = 50, N = 400000 };
    dcpg_sim_wave wave = dcpg_sim_wave_new(3, 5, SPACING);
    double sum = 0, squares = 0, near = 0, far = 0, before[2 * SPACING];
    for (int64_t i = 0; i < N; i++) {
        double z = dcpg_sim_wave_at(&wave, i);
        sum += z;
        squares += z * z;
        if (i >= 2 * SPACING) {
            near += z * before[(i - 5) % (2 * SPACING)];
            far += z * before[i % (2 * SPACING)];
        }
        before[i % (2 * SPACING)] = z;
    }
    /* 8000 independent knots: standard errors of about 0.011 and 0.016. */
    assert_true(fabs(sum / N) < .05);
    assert_true(fabs(squares / N - 1) < .06);
    assert_true(near / N > .9);
    assert_true(fabs(far / N) < .05);
    /* Any position can be computed by itself. */
    for (int64_t i = 0; i < N; i += 997) {
        dcpg_sim_wave fresh = dcpg_sim_wave_new(3, 5, SPACING), jump = dcpg_sim_wave_new(3, 5, SPACING);
        dcpg_sim_wave_at(&jump, i / 2);
        double z = dcpg_sim_wave_at(&fresh, i);
        assert_true(z == dcpg_sim_wave_at(&jump, i));
        dcpg_sim_wave_at(&wave, i); /* goes backwards the first time */
        assert_true(z == dcpg_sim_wave_at(&wave, i));
    }
}

static void test_auc(void **state) {
    (void)state;
    enum { N = 700 };
    static dcpg_sim_score score;
    double p[N];
    bool call[N];
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 0);
    assert_true(isnan(dcpg_sim_score_auc(&score)));
    int64_t nb_right = 0;
    double expected = 0;
    for (int i = 0; i < N; i++) {
        p[i] = (double)dcpg_rng_below(&rng, 101) / 100; /* with ties, 0 and 1 */
        call[i] = dcpg_rng_uniform(&rng) < p[i];
        dcpg_sim_score_add(&score, p[i], call[i]);
        nb_right += (p[i] >= .5) == call[i];
        expected += fmax(p[i], 1 - p[i]);
    }
    double won = 0, pairs = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            if (!call[i] || call[j]) continue;
            pairs++;
            won += p[i] > p[j] ? 1 : p[i] == p[j] ? .5 : 0;
        }
    }
    assert_true(fabs(dcpg_sim_score_auc(&score) - won / pairs) < 1e-12);
    assert_int_equal(score.n, N);
    assert_int_equal(score.nb_right, nb_right);
    assert_true(fabs(score.expected_right - expected) < 1e-9);
}

static bool fits(char letter, char base) {
    static const char *const sets[] = {"AA", "CC", "GG", "TT", "RAG", "YCT", "SGC", "WAT", "KGT", "MAC"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (sets[i][0] == letter) return base && strchr(sets[i] + 1, base);
    }
    return false;
}

static bool word_at(const char *word, const char *text) {
    for (; *word; word++, text++) {
        if (!fits(*word, *text)) return false;
    }
    return true;
}

typedef struct hits {
    int n;
    struct {
        int motif, strand;
        int64_t start;
    } v[8192];
} hits;

static void note(void *context, int motif, int strand, int64_t start) {
    hits *h = context;
    assert_in_range(h->n, 0, 8191);
    h->v[h->n].motif = motif;
    h->v[h->n].strand = strand;
    h->v[h->n++].start = start;
}

/* Reverse complements, checked by their definition. */
static void test_motif_words(void **state) {
    (void)state;
    static const char letters[] = "ACGTRYSWKM", complements[] = "TGCAYRSWMK";
    dcpg_sim_motif motif[DCPG_SIM_MAX_MOTIFS];
    for (int real = 0; real < 2; real++) {
        int n = dcpg_sim_motifs(20, real, motif);
        assert_int_equal(n, DCPG_SIM_MAX_MOTIFS);
        for (int m = 0; m < n; m++) {
            assert_int_equal(motif[m].length, real ? 7 : 11);
            assert_int_equal(strlen(motif[m].word), motif[m].length);
            assert_int_equal(strlen(motif[m].reverse), motif[m].length);
            for (int i = 0; i < motif[m].length; i++) {
                assert_int_equal(motif[m].reverse[motif[m].length - 1 - i],
                                 complements[strchr(letters, motif[m].word[i]) - letters]);
                if (i > 0) assert_false(fits(motif[m].word[i - 1], 'C') && fits(motif[m].word[i], 'G'));
            }
        }
        assert_true(dcpg_sim_motif_acts(&motif[0], 13));
        assert_true(dcpg_sim_motif_acts(&motif[4], 1));
        assert_true(dcpg_sim_motif_acts(&motif[4], 9));
        assert_false(dcpg_sim_motif_acts(&motif[4], 2));
    }
    assert_int_equal(dcpg_sim_motifs(2, false, motif), 5);
}

static void test_scan(void **state) {
    (void)state;
    enum { LENGTH = 400000 };
    dcpg_sim_motif motif[DCPG_SIM_MAX_MOTIFS];
    char *text = calloc(LENGTH + 32, 1);
    uint8_t *base = malloc(LENGTH);
    hits *found = calloc(1, sizeof *found);
    dcpg_rng rng;
    dcpg_rng_start(&rng, 7, 0);
    int n = dcpg_sim_motifs(3, true, motif);
    for (int i = 0; i < LENGTH; i++) {
        base[i] = dcpg_rng_below(&rng, 60) ? (uint8_t)dcpg_rng_below(&rng, 4) : 4;
        text[i] = "ATGCN"[base[i]];
    }
    dcpg_sim_chromo chromo = {.name = "x", .length = LENGTH, .base = base};
    dcpg_err err = {0};
    assert_int_equal(dcpg_sim_scan(&chromo, n, motif, note, found, &err), DCPG_OK);
    int at = 0;
    for (int64_t i = 0; i < LENGTH; i++) {
        for (int k = 0; k < 2 * n; k++) {
            if (!word_at(k % 2 ? motif[k / 2].reverse : motif[k / 2].word, text + i)) continue;
            assert_true(at < found->n);
            assert_int_equal(found->v[at].start, i);
            assert_int_equal(found->v[at].motif, k / 2);
            assert_int_equal(found->v[at++].strand, k % 2);
        }
    }
    assert_int_equal(at, found->n);
    assert_true(at > 100);
    free(text);
    free(base);
    free(found);
}

/* A chromosome as the generator makes it: planted words are where they are marked, unless N or another motif
 * was written over them. */
static void test_drawn_chromosome(void **state) {
    (void)state;
    dcpg_sim_motif motif[DCPG_SIM_MAX_MOTIFS];
    int n = dcpg_sim_motifs(2, false, motif);
    dcpg_sim_chromo chromo = {.name = "1", .length = 1000000};
    dcpg_err err = {0};
    assert_int_equal(dcpg_sim_draw_chromo(4, n, motif, &chromo, &err), DCPG_OK);
    hits *found = calloc(1, sizeof *found);
    assert_int_equal(dcpg_sim_scan(&chromo, n, motif, note, found, &err), DCPG_OK);
    int64_t nb_planted = 0, nb_found = 0, count[5] = {0};
    for (int64_t i = 0; i < chromo.length; i++) {
        assert_true(chromo.base[i] <= 4);
        count[chromo.base[i]]++;
        nb_planted += chromo.planted[i] > 0;
    }
    for (int i = 0; i < found->n; i++) nb_found += chromo.planted[found->v[i].start] == 1 + found->v[i].motif;
    assert_true(nb_planted > 1000 && nb_found > .97 * (double)nb_planted);
    assert_true(found->n - nb_found < 60); /* by chance alone */
    double gc = (double)(count[2] + count[3]) / (double)(chromo.length - count[4]);
    assert_true(gc > .36 && gc < .43);
    assert_true(count[4] > 20000 && count[4] < 100000);
    assert_int_equal(chromo.base[0], 4);
    assert_int_equal(chromo.base[chromo.length - 1], 4);
    int64_t covered = 0;
    for (int64_t i = 0; i < chromo.repeats.n; i++) {
        const dcpg_sim_interval *v = &chromo.repeats.v[i];
        assert_true(v->start >= 0 && v->start < v->end && v->end <= chromo.length);
        if (i > 0) assert_true(v[-1].end <= v->start);
        covered += v->end - v->start;
    }
    assert_true(covered > 150000 && covered < 350000);
    free(found);
    dcpg_sim_free_chromo(&chromo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wave),
        cmocka_unit_test(test_auc),
        cmocka_unit_test(test_motif_words),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_drawn_chromosome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
