/* SPDX-License-Identifier: MIT */
/* Exact sums: the same bits in every order and from every way of sharing the numbers out, right to a double's
 * precision; numbers that are too small, too large or not finite. */
#include "cmocka_all.h"

#include <dcpg/exact.h>
#include <math.h>

enum { COUNT = 20000 };

/* Numbers over the range of squared floats, 2^-140 to 2^250, most of them close together. */
static double number(int i) {
    double x = (double)((unsigned)i * 2654435761u % 1000003u) / 1000003.0;
    return ldexp(1 + x, i % 10 ? i % 7 - 40 : i % 391 - 140);
}

static dcpg_exact sum_of(int first, int end, int stride) {
    dcpg_exact sum = {{0}};
    for (int start = 0; start < stride; start++)
        for (int i = first + start; i < end; i += stride) dcpg_exact_add(&sum, number(i));
    return sum;
}

static void order_does_not_matter(void **state) {
    (void)state;
    dcpg_exact all = sum_of(0, COUNT, 1), parts = {{0}};
    double value = dcpg_exact_value(&all);
    for (int stride = 2; stride < 50; stride += 11) {
        dcpg_exact other = sum_of(0, COUNT, stride);
        assert_true(dcpg_exact_value(&other) == value);
        assert_memory_equal(&other, &all, sizeof all);
    }
    for (int first = 0; first < COUNT; first += 999) {
        dcpg_exact part = sum_of(first, first + 999 < COUNT ? first + 999 : COUNT, 3);
        dcpg_exact_merge(&parts, &part);
    }
    assert_memory_equal(&parts, &all, sizeof all);
}

static void sums_are_right(void **state) {
    (void)state;
    for (int end = 1; end < COUNT; end = end * 2 + 1) {
        dcpg_exact sum = sum_of(0, end, 1);
        long double want = 0;
        for (int i = 0; i < end; i++) want += (long double)number(i);
        assert_true(fabsl((long double)dcpg_exact_value(&sum) - want) <= 1e-15L * want);
    }
    /* 2^100 + 2^-100: the small one is not lost. */
    dcpg_exact sum = {{0}}, rest = {{0}};
    dcpg_exact_add(&sum, ldexp(1, 100));
    dcpg_exact_add(&sum, ldexp(1, -100));
    dcpg_exact_add(&rest, ldexp(1, 100));
    for (int i = 0; i < DCPG_EXACT_WORDS; i++) sum.word[i] -= rest.word[i];
    assert_true(dcpg_exact_value(&sum) == ldexp(1, -100));
}

static void ends_of_the_range(void **state) {
    (void)state;
    dcpg_exact sum = {{0}};
    assert_true(dcpg_exact_value(&sum) == 0);
    dcpg_exact_add(&sum, 0);
    dcpg_exact_add(&sum, ldexp(1, -161));
    dcpg_exact_add(&sum, 1e-310);
    assert_true(dcpg_exact_value(&sum) == 0);
    dcpg_exact_add(&sum, ldexp(1, -160));
    dcpg_exact_add(&sum, ldexp(1.5, -160)); /* the half is cut off */
    assert_true(dcpg_exact_value(&sum) == ldexp(1, -159));
    for (int i = 0; i < 1000; i++) dcpg_exact_add(&sum, ldexp(1.75, 255));
    assert_true(dcpg_exact_value(&sum) == 1000 * ldexp(1.75, 255));
    const double bad[] = {INFINITY, NAN, ldexp(1, 256), 1e300};
    for (int i = 0; i < 4; i++) {
        dcpg_exact other = sum;
        dcpg_exact_add(&other, bad[i]);
        assert_true(isinf(dcpg_exact_value(&other)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_does_not_matter),
                                       cmocka_unit_test(sums_are_right), cmocka_unit_test(ends_of_the_range)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
