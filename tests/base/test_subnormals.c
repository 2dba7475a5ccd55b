/* SPDX-License-Identifier: MIT */
/* The flags that flush subnormal numbers: set in every thread, and restored. */
#include "cmocka_all.h"
#include <dcpg/subnormals.h>
#include <omp.h>
#include <pthread.h>

#if defined(__x86_64__) || defined(__aarch64__)

/* Halves the smallest normal number in every thread; returns how many threads get 0. */
static int nb_flushing(int threads) {
    volatile float least = 0x1p-126f;
    int n = 0;
#pragma omp parallel num_threads(threads) reduction(+ : n)
    {
        volatile float half = least * 0.5f;
        volatile double zero = half; /* a subnormal operand counts as 0, too */
        n += half == 0 && zero == 0;
    }
    return n;
}

static void in_every_thread(void **state) {
    (void)state;
    omp_set_num_threads(3);
    assert_int_equal(nb_flushing(3), 0); /* starts these threads before the flags are set */
    assert_false(dcpg_flushes());
    dcpg_flush_begin();
    assert_true(dcpg_flushes());
    assert_int_equal(nb_flushing(3), 3);
    dcpg_flush_begin();
    assert_int_equal(nb_flushing(3), 3);
    dcpg_flush_end();
    assert_int_equal(nb_flushing(3), 3); /* the outer pair is still open */
    dcpg_flush_end();
    assert_false(dcpg_flushes());
    assert_int_equal(nb_flushing(3), 0);
}

static void in_threads_that_start_later(void **state) {
    (void)state;
    omp_set_num_threads(2);
    assert_int_equal(nb_flushing(2), 0);
    dcpg_flush_begin();
    omp_set_num_threads(5);
    assert_int_equal(nb_flushing(5), 5);
    dcpg_flush_end();
    assert_int_equal(nb_flushing(5), 0);
}

static void *ask(void *answer) {
    *(bool *)answer = dcpg_flushes();
    return NULL;
}

static void inherited_by_other_threads(void **state) {
    (void)state;
    bool answer = false;
    pthread_t thread;
    dcpg_flush_begin();
    assert_int_equal(pthread_create(&thread, NULL, ask, &answer), 0);
    pthread_join(thread, NULL);
    dcpg_flush_end();
    assert_true(answer);
}

static void callers_keep_theirs(void **state) {
    (void)state;
    omp_set_num_threads(2);
    dcpg_flush_begin(); /* a caller that sets the flags itself */
    int inside = 0, after = 0;
#pragma omp parallel num_threads(2) reduction(+ : inside, after)
    { /* and calls from a parallel region of its own */
        dcpg_flush_begin();
        inside += dcpg_flushes();
        dcpg_flush_end();
        after += dcpg_flushes();
    }
    dcpg_flush_end();
    assert_int_equal(inside, 2);
    assert_int_equal(after, 2);
    int outside = 0, within = 0;
#pragma omp parallel num_threads(2) reduction(+ : within, outside)
    {
        dcpg_flush_begin();
        within += dcpg_flushes();
        dcpg_flush_end();
        outside += dcpg_flushes();
    }
    assert_int_equal(within, 2);
    assert_int_equal(outside, 0);
}

#else

static void in_every_thread(void **state) { (void)state, skip(); }
static void in_threads_that_start_later(void **state) { (void)state, skip(); }
static void inherited_by_other_threads(void **state) { (void)state, skip(); }
static void callers_keep_theirs(void **state) { (void)state, skip(); }

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_every_thread),
        cmocka_unit_test(in_threads_that_start_later),
        cmocka_unit_test(inherited_by_other_threads),
        cmocka_unit_test(callers_keep_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
