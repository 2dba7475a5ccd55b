/* SPDX-License-Identifier: MIT */
/* Statistics of outputs: the same bits on any number of ranks, also where some have no block, and right. */
#include "cmocka_all.h"
#include "fake_source.h"

#include <dcpg/par.h>
#include <dcpg/show.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dcpg_par par;
static const char *const outputs[] = {"cpg/a", "cpg/b", "bulk/c", "cpg_stats/mean", "cpg/d", NULL};

typedef struct moments {
    double n, sum, squares;
} moments;

/* The same additions as in dcpg_stats_all, on one rank. */
static moments join(moments a, moments b) {
    if (b.n == 0) return a;
    if (a.n == 0) return b;
    double n = a.n + b.n, d = b.sum / b.n - a.sum / a.n;
    return (moments){n, a.sum + b.sum, a.squares + b.squares + d * d * a.n * b.n / n};
}

static moments of_range(const char *output, int64_t first, int64_t end) {
    moments m = {0};
    for (int64_t i = first; i < end; i++)
        if (fake_label(output, i) != -1) m.n++, m.sum += (double)fake_label(output, i);
    for (int64_t i = first; i < end; i++) {
        double d = (double)fake_label(output, i) - m.sum / m.n;
        if (fake_label(output, i) != -1) m.squares += d * d;
    }
    return m;
}

static moments expected(const char *output, int64_t n) {
    moments all = {0};
    for (int64_t block = 0; block < n; block += 16384) {
        moments m = {0};
        for (int64_t i = block; i < n && i < block + 16384; i += 1024)
            m = join(m, of_range(output, i, i + 1024 < n ? i + 1024 : n));
        all = join(all, m);
    }
    return all;
}

/* mean and var to the last bit; and by the definition. */
static void check_row(const char *row, const char *output, int64_t n) {
    char name[64];
    double total, observed, fraction, mean, var, sum = 0, squares = 0;
    assert_int_equal(
        sscanf(row, "%63[^\t] %lf %lf %lf %lf %lf", name, &total, &observed, &fraction, &mean, &var), 6);
    moments m = expected(output, n);
    assert_string_equal(name, output);
    assert_true(total == (double)n && observed == m.n && fraction == m.n / total);
    assert_true(mean == m.sum / m.n && var == m.squares / m.n);
    for (int64_t i = 0; i < n; i++) {
        double label = (double)fake_label(output, i);
        if (label != -1) sum += label, squares += label * label;
    }
    assert_true(fabs(mean - sum / m.n) < 1e-12);
    assert_true(fabs(var - (squares / m.n - sum / m.n * sum / m.n)) < 1e-12);
}

static void check(int64_t n) {
    char path[64], row[256];
    snprintf(path, sizeof path, "/tmp/dcpg_stats_%d.tsv", (int)getpid());
    FILE *printed = tmpfile();
    dcpg_source *source = fake_new(&par, n, 0, 0, 0, outputs);
    assert_int_equal(dcpg_stats_all(source, 0, par.rank == 0 ? path : NULL, printed, NULL), DCPG_OK);
    fclose(printed);
    dcpg_source_close(source);
    if (par.rank != 0) return;
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(row, sizeof row, file));
    for (int o = 0; outputs[o]; o++) {
        assert_non_null(fgets(row, sizeof row, file));
        check_row(row, outputs[o], n);
    }
    assert_null(fgets(row, sizeof row, file));
    fclose(file);
    (void)unlink(path);
}

static void one_block(void **state) {
    (void)state;
    check(1000);
}

static void blocks(void **state) {
    (void)state;
    check(5 * 16384 + 77);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_block), cmocka_unit_test(blocks)};
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
