/* SPDX-License-Identifier: MIT */
/* Helpers of the kernel tests: random arrays in float and double, comparison with the twins, finite
 * differences, numbers of threads. */
#ifndef CHECK_H
#define CHECK_H

#include "cmocka_all.h"
#include "naive.h"

#include <dcpg/rng.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The same numbers in both precisions. */
typedef struct array {
    float *f;
    double *d;
    size_t count;
} array;

enum { MAX_ARRAYS = 64 };
static array arrays[MAX_ARRAYS];
static int nb_array;
static dcpg_rng random_numbers;

static inline array zeros(int64_t count) {
    assert_true(nb_array < MAX_ARRAYS);
    array a = {calloc((size_t)count + 1, sizeof(float)), calloc((size_t)count + 1, sizeof(double)),
               (size_t)count};
    assert_true(a.f != NULL && a.d != NULL);
    return arrays[nb_array++] = a;
}

/* Uniform in [-scale, scale]. */
static inline array noise(int64_t count, double scale) {
    array a = zeros(count);
    for (size_t i = 0; i < a.count; i++)
        a.d[i] = (double)(a.f[i] = (float)(scale * (2.0 * dcpg_rng_uniform(&random_numbers) - 1.0)));
    return a;
}

static inline void free_arrays(void) {
    while (nb_array > 0) {
        free(arrays[--nb_array].f);
        free(arrays[nb_array].d);
    }
}

static inline int start_numbers(void **state) {
    (void)state;
    dcpg_rng_start(&random_numbers, 7, 1);
    omp_set_num_threads(2);
    return 0;
}

static inline int end_numbers(void **state) {
    (void)state;
    free_arrays();
    return 0;
}

/* Every |got - want| is at most `tolerance` times the largest |want|. NaN fails. */
static inline void assert_close(const char *what, size_t count, const float *got, const double *want,
                                double tolerance) {
    double largest = 1e-30, worst = 0.0;
    for (size_t i = 0; i < count; i++) {
        double e = fabs((double)got[i] - want[i]);
        largest = fmax(largest, fabs(want[i]));
        worst = e <= worst ? worst : e; /* true for NaN */
    }
    if (!(worst <= tolerance * largest))
        fail_msg("%s: error %g of the largest, %g", what, worst / largest, largest);
}

static inline void assert_same_bits(const char *what, size_t count, const float *a, const float *b) {
    for (size_t i = 0; i < count; i++) {
        if (memcmp(a + i, b + i, sizeof *a) != 0)
            fail_msg("%s: element %zu is %.9g and %.9g", what, i, (double)a[i], (double)b[i]);
    }
}

/* `call` fills out[count], with the same bits on 1, 2 and 3 threads. `before` runs before each call. */
#define SAME_ON_ANY_THREADS(what, count, out, before, call)                                                  \
    do {                                                                                                     \
        float *one_ = malloc((size_t)(count) * sizeof(float));                                               \
        assert_non_null(one_);                                                                               \
        for (int threads_ = 1; threads_ <= 3; threads_++) {                                                  \
            omp_set_num_threads(threads_);                                                                   \
            before;                                                                                          \
            call;                                                                                            \
            if (threads_ == 1)                                                                               \
                memcpy(one_, out, (size_t)(count) * sizeof(float));                                          \
            else                                                                                             \
                assert_same_bits(what, (size_t)(count), one_, out);                                          \
        }                                                                                                    \
        omp_set_num_threads(2);                                                                              \
        free(one_);                                                                                          \
    } while (0)

/* sum(a * b) */
static inline double dot(size_t count, const double *a, const double *b) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

/* Compares the gradient `got` with central differences of loss(context) in param[], at about `samples`
 * places. */
typedef double loss_fn(const void *context);
static inline void assert_gradient(const char *what, size_t count, const float *got, double *param,
                                   loss_fn *loss, const void *context) {
    enum { SAMPLES = 40 };
    const double h = 1e-5;
    double want[2 * SAMPLES + 1];
    float at[2 * SAMPLES + 1];
    size_t step = count / SAMPLES + 1, nb = 0;
    for (size_t i = 0; i < count; i += step, nb++) {
        double x = param[i];
        param[i] = x + h;
        double up = loss(context);
        param[i] = x - h;
        want[nb] = (up - loss(context)) / (2.0 * h);
        param[i] = x;
        at[nb] = got[i];
    }
    assert_close(what, nb, at, want, 2e-5);
}

/* A test that runs each dcpg function in turn on the same numbers. */
#define NUMBERS_TEST(f) cmocka_unit_test_setup_teardown(f, start_numbers, end_numbers)

#endif
