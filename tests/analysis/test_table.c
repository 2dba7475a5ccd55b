/* SPDX-License-Identifier: MIT */
/* Numbers in tables: the fast ways of writing them give the same text as printf. */
#include "cmocka_all.h"

#include "analysis/table.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values of many magnitudes: whole numbers, short fractions, halves at the last decimal, and arbitrary
 * ones. */
static double value_of(dcpg_rng *rng, int i) {
    double sign = dcpg_rng_below(rng, 2) ? 1 : -1, uniform = dcpg_rng_uniform(rng);
    switch (i % 8) {
    case 0:
        return sign * (double)dcpg_rng_below(rng, 3000000000u);
    case 1:
        return sign * (double)dcpg_rng_below(rng, 2000) / 1000;
    case 2:
        return sign * ((double)dcpg_rng_below(rng, 2000) + 0.5) / 1e6;
    case 3:
        return sign * (double)(float)uniform;
    case 4:
        return sign * uniform * 1e12;
    case 5:
        return sign * uniform * 1e-7;
    case 6:
        return sign * (double)(float)(uniform * 25000);
    default:
        return sign * uniform;
    }
}

/* The fewest digits, found by trying, in Python's notation. */
static void slow_number(double value, bool single, char text[40]) {
    int digits = 1;
    for (; digits <= 17; digits++) {
        snprintf(text, 40, "%.*e", digits - 1, value);
        double back = strtod(text, NULL);
        if (single ? (float)back == (float)value : back == value) break;
    }
    int exponent = atoi(strchr(text, 'e') + 1), decimals = digits - 1 - exponent;
    if (exponent >= -4 && exponent < 16)
        snprintf(text, 40, "%.*f", decimals > 1 ? decimals : 1, strtod(text, NULL));
}

static void test_shortest(void **state) {
    (void)state;
    dcpg_rng rng;
    dcpg_rng_start(&rng, 3, 0);
    for (int i = 0; i < 200000; i++) {
        char fast[40], slow[40];
        double value = value_of(&rng, i);
        for (int single = 0; single < 2; single++) {
            double given = single ? (double)(float)value : value;
            dcpg_table_number(given, single, fast);
            slow_number(given, single, slow);
            if (strcmp(fast, slow) != 0) fail_msg("%.17g: %s, not %s", given, fast, slow);
        }
    }
    char text[40];
    dcpg_table_number(NAN, false, text);
    assert_string_equal(text, "");
    dcpg_table_number(-0.0, false, text);
    assert_string_equal(text, "-0.0");
}

/* A column of one value is printed with as many decimals as it needs, at most six. */
static void expect_printed(double value, table_kind kind) {
    table t = {0};
    char *printed = NULL, expected[600], decimals[600];
    size_t size = 0;
    assert_int_equal(dcpg_table_add_column(&t, NULL, "x", kind, NULL, NULL), DCPG_OK);
    assert_int_equal(dcpg_table_add_rows(&t, 1, NULL), DCPG_OK);
    t.column[0].value[0] = value;
    FILE *file = open_memstream(&printed, &size);
    dcpg_table_print(&t, file);
    fclose(file);
    int n = snprintf(decimals, sizeof decimals, "%.6f", value), zeros = 0;
    while (zeros < 5 && decimals[n - 1 - zeros] == '0') zeros++;
    snprintf(expected, sizeof expected, "% .*f", kind == TABLE_INT ? 0 : 6 - zeros, value);
    const char *line = strchr(printed, '\n') + 1,
               *found = strpbrk(line, "-0123456789") + 1; /* after the index */
    found += strspn(found, " ");
    size_t length = strcspn(found, "\n");
    const char *wanted = expected + (*expected == ' ');
    if (strlen(wanted) != length || strncmp(found, wanted, length) != 0)
        fail_msg("%.17g: '%.*s', not '%s'", value, (int)length, found, wanted);
    free(printed);
    dcpg_table_free(&t);
}

static void test_printed(void **state) {
    (void)state;
    dcpg_rng rng;
    dcpg_rng_start(&rng, 4, 0);
    for (int i = 0; i < 20000; i++) {
        double value = value_of(&rng, i);
        if (value == 0 || (fabs(value) >= 1e-6 && fabs(value) < 1e6)) expect_printed(value, TABLE_FLOAT);
        expect_printed(rint(value), TABLE_INT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shortest), cmocka_unit_test(test_printed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
