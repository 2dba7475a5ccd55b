/* SPDX-License-Identifier: MIT */
/* Profiles against a genome: offsets and strands voted on, strands merged, reads called. */
#include "cmocka_all.h"

#include "profile_case.h"
#include <dcpg/rng.h>

/*                                   1    6      13  17 */
static const char bases[] = "CGATACGTTTAACGNNCGA";

static dcpg_profile_options on(const case_genome *g) {
    return (dcpg_profile_options){.genome = &g->map, .bedgraph_base = -1, .min_cg = 90};
}

/* The map agrees with the sequence, letter by letter, for all lengths near those of words and bytes. */
static void test_map(void **state) {
    (void)state;
    static const char letters[] = "ATGCN";
    dcpg_rng rng;
    dcpg_rng_start(&rng, 5, 5);
    for (int64_t n = 1; n < 200; n++) {
        char text[256];
        uint8_t packed[64] = {0};
        uint64_t bits[4];
        for (int64_t i = 0; i < n; i++) {
            uint64_t code = dcpg_rng_below(&rng, 8);
            code = code < 5 ? code : code % 2 + 2; /* rich in C and G */
            text[i] = letters[code];
            packed[i / 4] |= (uint8_t)((code & 3) << 2 * (i % 4));
            if (code == 4) packed[i / 4] &= (uint8_t) ~(3 << 2 * (i % 4));
        }
        dcpg_sequence s = {.length = n, .packed = packed};
        dcpg_cg_bits(&s, bits);
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(bits[i / 64] >> i % 64 & 1, i + 1 < n && text[i] == 'C' && text[i + 1] == 'G');
    }
}

static void test_offsets(void **state) {
    (void)state;
    case_genome g;
    make_genome(&g, bases);
    dcpg_profile_options o = on(&g);
    const int *pos = (int[]){1, 6, 13, 17};
    const double *value = (double[]){1, 0, 1, 0};
    expect_text("1\t1\t1\n1\t6\t0\n1\t13\t1\n1\t17\t0\n", &o, "tsv", 4, pos, value);
    expect_text("1\t0\t1\n1\t5\t0\n1\t12\t1\n1\t16\t0\n", &o, "tsv", 4, pos, value);
    expect_text("1\t2\t1\n1\t7\t0\n1\t14\t1\n1\t18\t0\n", &o, "tsv", 4, pos, value);
    expect_text("1\t1\t2\t1\n1\t6\t7\t0\n1\t13\t14\t1\n1\t17\t18\t0\n", &o, "bedgraph", 4, pos,
                value); /* DeepCpG's, from 1 */
    expect_text("1\t0\t1\t1\n1\t5\t6\t0\n1\t12\t13\t1\n1\t16\t17\t0\n", &o, "bedgraph", 4, pos, value);
    expect_text("1\t0\t1\t100\n1\t5\t6\t0\n1\t12\t13\t100\n1\t16\t17\t0\n", &o, "percent", 4, pos, value);
    expect_text("1\t1\t2\t100\n1\t6\t7\t0\n1\t13\t14\t100\n1\t17\t18\t0\n", &o, "percent", 4, pos,
                value); /* percentages that count from 1 */
    expect_text("1\t1\t2\t100\t1\t0\n1\t6\t7\t0\t0\t2\n1\t13\t14\t100\t3\t0\n1\t17\t18\t0\t0\t1\n", &o, "cov",
                4, pos, value); /* positions of C and G: merged CpG evidence */
    expect_text(
        "1\t0\t+\t1\t0\tCG\tCGN\n1\t6\t-\t0\t1\tCG\tCGN\n1\t12\t+\t1\t0\tCG\tCGN\n1\t17\t-\t0\t1\tCG\tCGN\n",
        &o, "cpg_report", 4, pos, value); /* from 0 */
}

static void test_report(void **state) {
    (void)state;
    case_genome g;
    make_genome(&g, bases);
    dcpg_profile_options o = on(&g);
    o.min_cg = 50;
    dcpg_profile profile;
    dcpg_profile_report r;
    dcpg_err err = {0};
    /* Moved by +1 three calls are on a CG; one is on none, one beyond the end, two on other contigs. */
    assert_int_equal(
        load_text("1\t0\t1\n1\t5\t1\nchrUn_3\t5\t1\n1\t8\t0\n1\t12\t1\n1\t2000000000\t0\nchrUn_4\t6\t1\n", &o,
                  &profile, &r, &err),
        DCPG_OK);
    assert_string_equal(r.format, "tsv");
    assert_int_equal(r.calls, 7);
    assert_int_equal(r.elsewhere, 2);
    assert_string_equal(r.contig, "UN_3");
    assert_int_equal(r.shift, 1);
    assert_int_equal(r.on_cg, 3);
    assert_false(r.strand_ignored);
    assert_true(dcpg_profile_on_cg(&r) == 60);
    assert_int_equal(profile.nb_chromo, 1);
    expect_calls(&profile, 0, "1", 3, (int[]){1, 6, 13}, (double[]){1, 1, 1});
    dcpg_profile_free(&profile);
    o.min_cg = 61;
    expect_refused("1\t0\t1\n1\t5\t1\nchrUn_3\t5\t1\n1\t8\t0\n1\t12\t1\n1\t2000000000\t0\n", &o, DCPG_E_INPUT,
                   "60.0 % of its 5 calls", "moved by -1: 20.0 %, in place: 0.0 %, moved by +1: 60.0 %");
    expect_refused("2\t6\t1\n", &o, DCPG_E_INPUT, "no chromosome of it (2, say)", "genome");
}

/* Noise must not move a file whose own convention holds: a call just before a CG is on it when moved. */
static void test_convention_wins(void **state) {
    (void)state;
    case_genome g;
    char genome[1201], text[8000] = "", *at = text;
    for (int i = 0; i < 300; i++) memcpy(genome + 4 * i, "TCGA", 4);
    genome[1200] = '\0';
    make_genome(&g, genome);
    for (int i = 0; i < 299; i++) at += sprintf(at, "1\t%d\t1\n", 4 * i + 2);
    sprintf(at, "1\t%d\t0\n", 4 * 299 + 1);
    dcpg_profile_options o = on(&g);
    dcpg_profile profile;
    dcpg_profile_report r;
    dcpg_err err = {0};
    assert_int_equal(load_text(text, &o, &profile, &r, &err), DCPG_OK);
    assert_int_equal(r.hit[0][DCPG_IN_PLACE], 299);
    assert_int_equal(r.hit[0][DCPG_PLUS_1], 300);
    assert_int_equal(r.shift, 0);
    assert_int_equal(profile.chromo[0].n, 299);
    dcpg_profile_free(&profile);
}

static void test_strands(void **state) {
    (void)state;
    case_genome g;
    make_genome(&g, bases);
    dcpg_profile_options o = on(&g), alone = plain_options;
    o.call = alone.call = DCPG_CALL_FRACTION;
    /* Counts of both strands are added, with and without a strand column, and in any order. */
    expect_text("1\t6\t6\t100\t1\t0\n1\t7\t7\t0\t0\t3\n1\t1\t1\t100\t1\t0\n", &o, "cov", 2, (int[]){1, 6},
                (double[]){1, .25});
    expect_text("1\t7\t-\tCG\t0\t3\t1\n1\t6\t+\tCG\t1\t1\t1\n1\t1\t+\tCG\t1\t1\t1\n", &o, "allc", 2,
                (int[]){1, 6}, (double[]){1, .25});
    expect_text("1\t7\t-\tCG\t0\t3\t1\n1\t6\t+\tCG\t1\t1\t1\n1\t1\t+\tCG\t1\t1\t1\n", &alone, "allc", 2,
                (int[]){1, 6}, (double[]){1, .25});
    /* A call on the wrong strand, between two others of its CpG, is dropped. */
    o.min_cg = 60;
    expect_text("1\t6\t+\tCG\t1\t1\t1\n1\t6\t-\tCG\t1\t1\t1\n1\t7\t-\tCG\t0\t1\t1\n", &o, "allc", 1,
                (int[]){6}, (double[]){.5});
    /* A strand column that contradicts the genome is ignored. */
    o.min_cg = 90;
    expect_text("1\t6\t-\tCG\t1\t1\t1\n1\t13\t+\tCG\t1\t1\t1\n1\t1\t-\tCG\t0\t1\t1\n", &o, "allc", 3,
                (int[]){1, 6, 13}, (double[]){0, 1, 1});
    /* Values are averaged. */
    expect_text("1\t5\t6\t100\n1\t6\t7\t50\n1\t0\t1\t0\n", &o, "percent", 2, (int[]){1, 6},
                (double[]){0, .75});
    expect_error("1\t1\t-\tCG\t0\t1\t1\n", "line 1",
                 "below 1"); /* the C of this G would be before the chromosome */
}

static void test_duplicates(void **state) {
    (void)state;
    case_genome g;
    make_genome(&g, bases);
    dcpg_profile_options o = on(&g);
    o.call = DCPG_CALL_FRACTION;
    expect_text("1\t6\t6\t100\t1\t0\n1\t1\t1\t0\t0\t1\nchr1\t6\t6\t0\t0\t3\n", &o, "cov", 2, (int[]){1, 6},
                (double[]){0, .25});
    expect_refused("1\t6\t1\n1\t1\t0\nchr1\t6\t1\n", &o, DCPG_E_INPUT, "line 3: position 6 of chromosome 1",
                   "line 1 already");
    expect_refused("1\t5\t6\t0\n#\n1\t0\t1\t100\n1\t5\t6\t100\n", &o, DCPG_E_INPUT,
                   "line 4: position 5 of chromosome 1", "line 1 already");
    expect_refused("1\t6\t7\t0\n1\t0\t1\t100\n1\t6\t7\t100\n1\t12\t13\t100\n", &o, DCPG_E_INPUT,
                   "line 3: position 6 of chromosome 1", "line 1 already");
}

static void test_rules(void **state) {
    (void)state;
    static const char counts[] = "1\t10\t10\t100\t3\t0\n1\t20\t20\t50\t1\t1\n1\t30\t30\t66\t2\t1\n1\t40\t40\t"
                                 "0\t0\t1\n1\t50\t50\t25\t1\t3\n1\t60\t60\t0\t0\t0\n";
    static const char values[] = "1\t10\t11\t1\n1\t20\t21\t0.5\n1\t30\t31\t0.75\n1\t40\t41\t0\n",
                      tsv[] = "1\t10\t1\n1\t20\t0.5\n1\t30\t0.75\n1\t40\t0\n";
    dcpg_profile_options o = plain_options;
    const int *four = (int[]){10, 20, 30, 40};
    const double *shares = (double[]){1, .5, .75, 0};
    for (int rule = DCPG_CALL_AUTO; rule <= DCPG_CALL_ROUND; rule++) {
        o.call = (dcpg_call)rule;
        expect_text(counts, &o, "cov", 4, (int[]){10, 30, 40, 50}, (double[]){1, 1, 0, 0});
        expect_text(tsv, &o, "tsv", 4, four, shares);
    }
    expect_text(values, &o, "bedgraph", 3, (int[]){10, 30, 40}, (double[]){1, 1, 0});
    o.call = DCPG_CALL_STRICT;
    expect_text(counts, &o, "cov", 2, (int[]){10, 40}, (double[]){1, 0});
    expect_text(values, &o, "bedgraph", 2, (int[]){10, 40}, (double[]){1, 0});
    expect_text(tsv, &o, "tsv", 2, (int[]){10, 40}, (double[]){1, 0});
    o.call = DCPG_CALL_FRACTION;
    expect_text(counts, &o, "cov", 5, (int[]){10, 20, 30, 40, 50}, (double[]){1, .5, 2 / 3.0, 0, .25});
    expect_text(values, &o, "bedgraph", 4, four, shares);
    o.call = DCPG_CALL_AUTO;
    expect_text(values, &o, "bedgraph", 4, four, shares);
    o.min_reads = 3;
    expect_text(counts, &o, "cov", 3, (int[]){10, 30, 50}, (double[]){1, 1, 0});
    expect_refused(tsv, &o, DCPG_E_INPUT, "--min_reads 3", "without numbers of reads");
    o.min_reads = 100;
    expect_text(counts, &o, "cov", 0, NULL, NULL);
    dcpg_call call;
    dcpg_err err = {0};
    assert_int_equal(dcpg_call_named("strict", &call, &err), DCPG_OK);
    assert_int_equal(call, DCPG_CALL_STRICT);
    assert_int_equal(dcpg_call_named("Round", &call, &err), DCPG_E_USAGE);
}

static void test_chromos(void **state) {
    (void)state;
    case_genome g;
    make_genome(&g, bases);
    dcpg_profile_options o = on(&g);
    char *name = "1";
    o.chromos = &(dcpg_strings){&name, 1, 1};
    dcpg_profile_report r;
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(load_text("CHR1\t6\t1\nX\t7\t1\nchr1\t1\t0\n", &o, &profile, &r, &err), DCPG_OK);
    assert_int_equal(r.calls, 2);
    assert_int_equal(r.elsewhere, 0);
    expect_calls(&profile, 0, "1", 2, (int[]){1, 6}, (double[]){0, 1});
    dcpg_profile_free(&profile);
    expect_text("X\t7\t1\n", &o, "tsv", 0, NULL, NULL);
}

/* Random calls around the CGs of a random genome, compared with a naive version of the rules. */
static void test_random(void **state) {
    (void)state;
    dcpg_rng rng;
    dcpg_rng_start(&rng, 7, 7);
    for (int round = 0; round < 300; round++) {
        char genome[400] = "", *text = calloc(1, 40000), *at = text;
        int length = 2 + (int)dcpg_rng_below(&rng, 380), meth[400] = {0}, total[400] = {0},
            shift = (int)dcpg_rng_below(&rng, 3) - 1, n = 0;
        for (int i = 0; i < length; i++) genome[i] = "ACGCG"[dcpg_rng_below(&rng, 5)];
        case_genome g;
        make_genome(&g, genome);
        for (int i = 0; i + 1 < length; i++) {
            if (genome[i] != 'C' || genome[i + 1] != 'G') continue;
            for (int on_g = 0; on_g < 2; on_g++) {
                int m = (int)dcpg_rng_below(&rng, 4), u = (int)dcpg_rng_below(&rng, 4);
                if (i + 1 + on_g + shift < 0) continue; /* would be negative in the file */
                at += sprintf(at, "1\t%d\t%c\tCGN\t%d\t%d\t1\n", i + 1 + on_g + shift, on_g ? '-' : '+', m,
                              m + u);
                meth[i] += m;
                total[i] += m + u;
                n += m + u > 0;
            }
        }
        dcpg_profile profile;
        dcpg_err err = {0};
        dcpg_profile_options o = on(&g);
        if (n > 8) { /* enough calls for the vote to be clear */
            if (load_text(text, &o, &profile, NULL, &err) != DCPG_OK) fail_msg("%s", err.text);
            int64_t k = 0;
            for (int i = 0; i < length; i++) {
                if (total[i] == 0 || 2 * meth[i] == total[i]) continue;
                assert_true(profile.nb_chromo == 1 && k < profile.chromo[0].n);
                assert_int_equal(profile.chromo[0].pos[k], i + 1);
                assert_true(profile.chromo[0].value[k++] == (float)(2 * meth[i] > total[i]));
            }
            assert_int_equal(k, profile.nb_chromo ? profile.chromo[0].n : 0);
            dcpg_profile_free(&profile);
        }
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),     cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_report),  cmocka_unit_test(test_convention_wins),
        cmocka_unit_test(test_strands), cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_rules),   cmocka_unit_test(test_chromos),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
