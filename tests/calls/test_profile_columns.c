/* SPDX-License-Identifier: MIT */
/* Recognising the columns of tables by their names, by what they hold and by what the user says. */
#include "cmocka_all.h"

#include "profile_case.h"

static dcpg_profile_options fractions(const char *format) {
    return (dcpg_profile_options){
        .bedgraph_base = 1, .min_cg = 90, .call = DCPG_CALL_FRACTION, .format = format};
}

/* A text that holds 0 of 3, 2 of 2, 1 of 3 and 1 of 1 at 21, 41, 61 and 81. */
static void expect_four(const char *text, const char *format) {
    dcpg_profile_options o = fractions(NULL);
    expect_text(text, &o, format, 4, (int[]){21, 41, 61, 81}, (double[]){0, 1, 1 / 3.0, 1});
}

static void test_names(void **state) {
    (void)state;
    expect_four("chr\tpos\tmet_reads\tnonmet_reads\trate\nchr1\t21\t0\t3\t0\nchr1\t41\t2\t0\t100\n"
                "chr1\t61\t1\t2\t33\nchr1\t81\t1\t0\t100\n",
                "table"); /* scNMT */
    expect_four("chr\tpos\tN\tX\nchr1\t21\t3\t0\nchr1\t41\t2\t2\nchr1\t61\t3\t1\nchr1\t81\t1\t1\n",
                "table"); /* DSS */
    expect_four("chromosome\tstart\tend\tnum_motifs_in_group\tcalled_sites\tcalled_sites_methylated\t"
                "methylated_frequency\tgroup_sequence\nchr1\t20\t20\t1\t3\t0\t0.000\tsplit-group\n"
                "chr1\t40\t40\t1\t2\t2\t1.000\tsplit-group\nchr1\t60\t60\t1\t3\t1\t0.333\tsplit-group\n"
                "chr1\t80\t80\t1\t1\t1\t1.000\tsplit-group\n",
                "table"); /* nanopolish -s */
    expect_four("chrBase\tchr\tbase\tstrand\tcoverage\tfreqC\tfreqT\nchr1.21\tchr1\t21\tF\t3\t0.00\t100.00\n"
                "chr1.42\tchr1\t42\tR\t2\t100.00\t0.00\nchr1.61\tchr1\t61\tF\t3\t33.33\t66.67\n"
                "chr1.81\tchr1\t81\tF\t1\t100.00\t0.00\n",
                "table"); /* methylKit */
    expect_four(
        "chr\tpos\tstrand\tcontext\tratio\teff_CT_count\tC_count\tCT_count\nchr1\t21\t+\tCG\t0.000\t3.00"
        "\t0\t3\nchr1\t42\t-\tCG\t1.000\t2.00\t2\t2\nchr1\t50\t+\tCHH\t1.000\t2.00\t2\t2\n"
        "chr1\t61\t+\tCG\t0.333\t3.00\t1\t3\nchr1\t81\t+\tCG\t1.000\t1.00\t1\t1\n",
        "table"); /* BSMAP */
    expect_four("#chrom\tbegin\tend\tmod_score\ttype\tcov\test_mod_count\test_unmod_count\tdiscretized_mod_"
                "score\nchr1\t20\t21\t3.1\tTotal\t3\t0\t3\t0.0\nchr1\t40\t41\t98.5\tTotal\t2\t2\t0\t100.0\n"
                "chr1\t60\t61\t31.5\tTotal\t3\t1\t2\t33.3\nchr1\t80\t81\t95\tTotal\t1\t1\t0\t100.0\n",
                "table"); /* pb-CpG-tools 3 */
    expect_four(
        "\"chr\",\"pos\",\"M\",\"Cov\"\n\"chr1\",21,0,3\n\"chr1\",41,2,2\n\"chr1\",61,1,3\n\"chr1\",81,1,1\n",
        "table"); /* bsseq, write.csv(row.names = FALSE) */
    expect_four("\"chr\"\t\"pos\"\t\"N\"\t\"X\"\n\"1\"\t\"chr1\"\t21\t3\t0\n\"2\"\t\"chr1\"\t41\t2\t2\n"
                "\"3\"\t\"chr1\"\t61\t3\t1\n\"4\"\t\"chr1\"\t81\t1\t1\n",
                "table"); /* R's row names have no column name themselves */
    expect_four(
        "chr start end strand coverage1 numCs1 numTs1 coverage2 numCs2 numTs2\nchr1 21 21 + 3 0 3 9 9 0\n"
        "chr1 41 41 + 2 2 0 9 9 0\nchr1 61 61 + 3 1 2 9 9 0\nchr1 81 81 + 1 1 0 9 9 0\n",
        "table"); /* methylKit's table of several samples */
    expect_four(
        "#chrom\tstart\tend\tratio\ttotalC\tmethC\tstrand\tnext\tPlus\ttotalC\tmethC\tMinus\ttotalC\tmethC\t"
        "localSeq\nchr1\t20\t22\t0.000\t3\t0\tB\tG\t+\t2\t0\t-\t1\t0\tCG\n"
        "chr1\t40\t42\t1.000\t2\t2\tB\tG\t+\t2\t2\t-\t0\t0\tCG\n"
        "chr1\t60\t62\t0.333\t3\t1\tB\tG\t+\t3\t1\t-\t0\t0\tCG\n"
        "chr1\t80\t82\t1.000\t1\t1\tB\tG\t+\t1\t1\t-\t0\t0\tCG\n",
        "table"); /* MOABS: strand B is both */
    expect_four("#Chr\tPos\tRef\tChain\tTotal\tMet\tUnMet\tMetRate\tRef_context\tType\n"
                "chr1\t21\tC\t+\t3\t0\t3\t0\tCGA\tCpG\nchr1\t42\tG\t-\t2\t2\t0\t1\tCGA\tCpG\n"
                "chr1\t50\tC\t+\t2\t2\t0\t1\tCAG\tCHG\nchr1\t61\tC\t+\t3\t1\t2\t0.3333\tCGT\tCpG\n"
                "chr1\t81\tC\t+\t1\t1\t0\t1\tCGT\tCpG\n",
                "table"); /* scRRBS tables on GEO */
    expect_four("chr\tpos\tnC\tnT\nchr1\t21\t0\t3\nchr1\t41\t2\t0\nchr1\t61\t1\t2\nchr1\t81\t1\t0\n",
                "table");
    expect_error("chr\tpos\tfreqT\tcoverage\nchr1\t21\t100\t2\n", "line 1", "none of its columns");
    expect_error("chr\tpos\tunmeth_percent\nchr1\t21\t100\nchr1\t41\t0\n", "line 1", "percent=");
    expect_error("chr\tpos\tpvalue\nchr1\t21\t0.5\n", "line 1", "none of its columns");
    expect_error("chr\tpos\tfoo\tbar\nchr1\t21\t1\t2\n", "line 1", "--profile_format chrom=chr,pos=pos");
    expect_error("chromosome\tstart\tend\tnum_motifs_in_group\tcalled_sites\tcalled_sites_methylated\n"
                 "chr1\t20\t30\t2\t4\t4\n",
                 "line 2", "calculate_methylation_frequency.py -s");
    expect_error("chr\tpos\tmeth\ttotal\nchr1\t21\t0\t3\nchr1\t41\t4\t3\n", "line 3", "larger than");
    expect_error("chr\tpos\tpercent\nchr1\t21\t0.5\nchr1\t41\t1\n", "", "fraction=");
}

static void test_relations(void **state) {
    (void)state;
    expect_four(
        "chr1\t20\t22\t0\t0\t3\nchr1\t40\t42\t100\t2\t0\nchr1\t60\t62\t33\t1\t2\nchr1\t80\t82\t100\t1\t0\n",
        "cov"); /* MethylDackel --mergeContext */
    expect_four("chr1\t20\t22\t0.000\t0\t3\nchr1\t40\t42\t1.000\t2\t0\nchr1\t60\t62\t0.333\t1\t2\n"
                "chr1\t80\t82\t1.000\t1\t0\n",
                "table"); /* biscuit mergecg -c */
    expect_four(
        "chr1\t20\t22\t0.000\t3\t0.500\t2\nchr1\t40\t42\t1.000\t2\t.\t0\nchr1\t60\t62\t0.333\t3\t1.000\t1\n"
        "chr1\t80\t82\t1.000\t1\t0.000\t4\n",
        "biscuit"); /* two samples */
    expect_four("chr1\t20\t21\t3.1\tTotal\t3\t0\t3\t0.0\nchr1\t40\t41\t98.5\tTotal\t2\t2\t0\t100.0\n"
                "chr1\t60\t61\t31.5\tTotal\t3\t1\t2\t33.3\nchr1\t80\t81\t95\tTotal\t1\t1\t0\t100.0\n",
                "table"); /* pb-CpG-tools 2 */
    expect_four("chr1\t21\t+\t0\t3\nchr1\t41\t+\t2\t0\nchr1\t61\t+\t1\t2\nchr1\t81\t+\t1\t0\n", "table");
    expect_four(
        "chr1\tC\t21\tCG\tCG\t0.00\t0\t3\nchr1\tG\t42\tCG\tCG\t1.00\t2\t2\nchr1\tC\t50\tCHH\tCA\t1.0\t1\t1\n"
        "chr1\tC\t61\tCG\tCG\t0.33\t1\t3\nchr1\tC\t81\tCG\tCG\t1.00\t1\t1\n",
        "table"); /* CGmap */
    expect_four(
        "chr1\t20\t+\t20\t2.9\t0.1\t0\t3\t3\t0.0000\tAACGA\nchr1\t40\t+\t40\t0.1\t1.9\t2\t0\t2\t1."
        "0000\tAACGA\n"
        "chr1\t60\t+\t60\t2.1\t0.9\t1\t2\t3\t0.3333\tAACGA\nchr1\t80\t+\t80\t0\t1\t1\t0\t1\t1.0000\tAACGA\n",
        "table"); /* DeepSignal */
    expect_four("chr1\t21\t21\t+\t3\t0\t3\nchr1\t42\t42\t-\t2\t2\t0\nchr1\t61\t61\t*\t3\t1\t2\n"
                "chr1\t81\t81\t+\t1\t1\t0\n",
                "table"); /* methylKit's tables for tabix */
    expect_four("chr1\t20\t21\t0\t3\nchr1\t40\t41\t1\t2\nchr1\t60\t61\t0.33333334\t3\nchr1\t80\t81\t1\t1\n",
                "biscuit"); /* modkit pileup --bedgraph, or R: no decimal point if no decimals follow */
    expect_error("chr1\t20\t21\t0\t3\nchr1\t40\t41\t1\t2\nchr1\t60\t61\t1\t3\nchr1\t80\t81\t1\t1\n",
                 "--profile_format", "differ"); /* either methylated of all reads, or states */
    expect_four("chr1\t21\t0\t3\nchr1\t41\t2\t2\nchr1\t61\t1\t3\nchr1\t81\t1\t1\n", "table");
    expect_four("chr1\t20\t21\t0\t3\nchr1\t40\t41\t2\t2\nchr1\t60\t61\t1\t3\nchr1\t80\t81\t1\t1\n", "table");
    expect_four("chr1\t20\t21\t0\t3\nchr1\t40\t41\t100\t2\nchr1\t60\t61\t33.33\t3\nchr1\t80\t81\t100\t1\n",
                "table");
    expect_four("chr1\t21\t21\t0\t3\t0\nchr1\t41\t41\t100\t0\t2\nchr1\t61\t61\t33."
                "33\t2\t1\nchr1\t81\t81\t100\t0\t1\n",
                "table"); /* unmethylated reads first */
    /* Tables that can be read in two ways. */
    expect_error("chr1\t21\t0\t3\nchr1\t61\t1\t3\nchr1\t81\t1\t2\n", "--profile_format tsv",
                 "meth=3,total=4");
    expect_error("chr1\t21\t0\t3\nchr1\t61\t5\t2\nchr1\t81\t1\t2\n", "meth=3,unmeth=4", "meth=4,unmeth=3");
    /* The relation must hold in every line, not only in the first ones. */
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\t50\t1\t2\n", "line 2", "contradicts its reads, 1 of 3");
}

/* The relation must hold beyond the lines that were looked at, and values that begin with zeros come out
 * right. */
static void test_late(void **state) {
    (void)state;
    enum { N = 5000 };
    static const char *const kinds[] = {"1\t%d\t%d\t0\t0\t3\n", "1\t%d\t%d\t0\n"};
    static const char *const ends[] = {"1\t100000\t100001\t33\t3\t0\n", "1\t100000\t100001\t25\n"};
    for (int k = 0; k < 2; k++) {
        char *text = malloc((size_t)N * 32), *at = text;
        for (int i = 0; i < N; i++) at += sprintf(at, kinds[k], 2 * i, 2 * i + 1);
        strcpy(at, ends[k]);
        dcpg_profile profile;
        dcpg_profile_options options = {.bedgraph_base = -1};
        dcpg_err err = {0};
        dcpg_status status = load_text(text, &options, &profile, NULL, &err);
        assert_int_equal(status, k == 0 ? DCPG_E_INPUT : DCPG_OK);
        if (k == 0) assert_non_null(strstr(err.text, "line 5001: percentage \"33\" contradicts"));
        if (k == 1) {
            assert_int_equal(profile.chromo[0].n, N + 1);
            assert_int_equal(profile.chromo[0].pos[0], 1); /* counted from 0 all along */
            assert_true(profile.chromo[0].value[N] == .25f && profile.chromo[0].value[0] == 0);
        }
        dcpg_profile_free(&profile);
        free(text);
    }
}

static void test_scales(void **state) {
    (void)state;
    expect_text("chr\tpos\trate\n1\t21\t0\n1\t41\t100\n", &plain_options, "table", 2, (int[]){21, 41},
                (double[]){0, 1});
    expect_text("1\t21\t0\n1\t41\t100\n", &plain_options, "tsv", 2, (int[]){21, 41}, (double[]){0, 1});
    expect_error("1\t21\t0\n1\t41\t2\n1\t61\t5\n", "line 2", "percent=3"); /* coverage, say */
    expect_error("1\t20\t21\t1\n1\t40\t41\t2\n1\t60\t61\t5\n1\t80\t81\t3\n", "line 2", "those of reads");
    expect_error("track type=\"bedGraph\" description=\"x CpG logit\"\n1\t20\t21\t0.5\n", "logarithms",
                 "--logit");
}

static void test_missing(void **state) {
    (void)state;
    dcpg_profile profile;
    dcpg_profile_report report;
    dcpg_err err = {0};
    const char *text = "1\t21\tNA\n1\t41\t1\n1\t61\tnan\n1\t81\t-1\n1\t101\t.\n1\t121\t0\n1\t141\t\n";
    if (load_text(text, &plain_options, &profile, &report, &err) != DCPG_OK) fail_msg("%s", err.text);
    expect_calls(&profile, 0, "1", 2, (int[]){41, 121}, (double[]){1, 0});
    assert_int_equal(report.missing, 5);
    dcpg_profile_free(&profile);
    expect_text("chr\tpos\tmeth\ttotal\nchr1\t21\tNA\tNA\nchr1\t41\t2\t2\n", &plain_options, "table", 1,
                (int[]){41}, (double[]){1});
}

static void test_odd_positions(void **state) {
    (void)state;
    expect_text("1\t99980\t1\n1\t1e+05\t0\n1\t100020.0\t1\n", &plain_options, "tsv", 3,
                (int[]){99980, 100000, 100020}, (double[]){1, 0, 1});
    expect_text("\"chr1\"\t\"41\"\t\"1\"\n", &plain_options, "tsv", 1, (int[]){41}, (double[]){1});
    expect_error("1\t5\t1\n1\t2.02e+08\t1\n", "line 2", "options(scipen=999)");
    expect_error("1\t5\t1\n1\t1,234,567\t1\n", "line 2", "thousands separators");
    expect_error("1\t5\t1\n1\t41,5\t1\n", "line 2", "decimal comma");
    expect_error("1\t5\t1\n1\t41\t0,5\n", "line 2", "decimal points");
}

static void test_roles(void **state) {
    (void)state;
    static const char text[] = "chr;where;good;all;share\nchr1;21;0;3;0\nchr1;41;2;2;100\nchr1;61;1;3;33.3\n";
    static const struct {
        const char *format, *name;
        double third;
    } right[] = {
        {"chrom=chr,pos=where,meth=good,total=all", "table", 1 / 3.0},
        {"chrom=1,pos=2,meth=3,total=4,sep=;,header=1", "table", 1 / 3.0},
        {"chrom=chr,pos=where,percent=share", "table", .333},
        {"chrom=chr,start=where,base=1,percent=share,total=all", "table", 1 / 3.0},
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        dcpg_profile_options o = fractions(right[i].format);
        expect_text(text, &o, right[i].name, 3, (int[]){21, 41, 61}, (double[]){0, 1, right[i].third});
    }
    static const char *const wrong[] = {"chrom=chr",
                                        "pos=where,meth=good,total=all",
                                        "chrom=chr,pos=where,meth=good",
                                        "chrom=chr,pos=where,meth=a,unmeth=b,total=c",
                                        "chrom=chr,pos=where,percent=a,fraction=b",
                                        "chrom=chr,pos=where,percent=a,color=b",
                                        "chrom=chr,pos=where,pos=2,percent=a",
                                        "chrom=chr,pos=where,percent=a,base=2",
                                        "chrom=chr,pos=where,percent=a,header=x",
                                        "chrom=,pos=where,percent=a",
                                        "chrom=0,pos=99,percent=a"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        dcpg_profile_options o = fractions(wrong[i]);
        expect_refused(text, &o, DCPG_E_USAGE, wrong[i], "give chrom=");
    }
    dcpg_profile_options absent = fractions("chrom=chr,pos=where,percent=none");
    expect_refused(text, &absent, DCPG_E_INPUT, "line 1", "no column is called none");
    expect_refused("1\t5\t1\n", &absent, DCPG_E_INPUT, "has no header", "chr");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),  cmocka_unit_test(test_relations), cmocka_unit_test(test_late),
        cmocka_unit_test(test_scales), cmocka_unit_test(test_missing),   cmocka_unit_test(test_odd_positions),
        cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
