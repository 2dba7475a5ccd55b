/* Vector code picked at run time, and the functions on single numbers that its loops share. */
#ifndef KERN_VECTOR_H
#define KERN_VECTOR_H

#include <omp.h>
#include <stdint.h>
#include <string.h>

/* Marks a function whose loops are compiled for several processors; the loader takes the best one this
 * processor runs. Only what stands in the function itself and what is inlined into it gains: keep `omp
 * parallel` outside, in its caller. Address sanitizer runs before such functions are resolved, and a build
 * for one processor needs none. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) &&                 \
    __GNUC__ >= 12 && !defined(__AVX2__) && !defined(__SANITIZE_ADDRESS__)
#define KERN_VECTOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERN_VECTOR
#endif

/* For what such functions call: it must become part of them. */
#if defined(__GNUC__)
#define KERN_INLINE static inline __attribute__((always_inline))
#else
#define KERN_INLINE static inline
#endif

/* The iterations of the next loop do not depend on each other, whatever the compiler fears about its
 * pointers. */
#if defined(__GNUC__) && !defined(__clang__)
#define KERN_INDEPENDENT _Pragma("GCC ivdep")
#else
#define KERN_INDEPENDENT
#endif

KERN_INLINE int64_t kern_min(int64_t a, int64_t b) { return a < b ? a : b; }
KERN_INLINE int64_t kern_max(int64_t a, int64_t b) { return a > b ? a : b; }
KERN_INLINE int64_t kern_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Threads for a parallel region that starts here: one inside of another region, also where that one has but
 * one thread. There libgomp would start, and end, new threads for every region, which costs hundreds of times
 * the work. Nor do regions here ask for fewer threads than there are (num_threads): those left out would end,
 * and be started anew by the next region. */
KERN_INLINE int64_t kern_threads(void) { return omp_get_level() > 0 ? 1 : omp_get_max_threads(); }

/* Below this many numbers a loop is not worth waking threads for. */
enum { KERN_SMALL = 1 << 14 };

/* e^x to 2 units in the last place, x cut to [-87, 88] (Cephes' expf: e^x = 2^n * e^r with a polynomial for
 * |r| <= ln(2) / 2). Vectorises, as libm's does not. */
KERN_INLINE float kern_exp(float x) {
    x = x > -87.0f ? x : -87.0f;
    x = x < 88.0f ? x : 88.0f;
    const float round = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float n = (x * 1.44269504088896341f + round) - round;
    float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23; /* 2^n */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

KERN_INLINE float kern_sigmoid(float x) { return 1.0f / (1.0f + kern_exp(-x)); }

/* clip(0.2 x + 0.5, 0, 1), Keras's hard_sigmoid. */
KERN_INLINE float kern_hard_sigmoid(float x) {
    float y = 0.2f * x + 0.5f;
    y = y > 0.0f ? y : 0.0f;
    return y < 1.0f ? y : 1.0f;
}

/* tanh by e^2|x|, and by Cephes's polynomial near 0, where that would cancel. */
KERN_INLINE float kern_tanh(float x) {
    float a = x < 0.0f ? -x : x;
    float s = x * x;
    float p = -5.70498872745e-3f;
    p = p * s + 2.06390887954e-2f;
    p = p * s - 5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s - 3.33332819422e-1f;
    float near = p * s * x + x;
    float far = 1.0f - 2.0f / (kern_exp(2.0f * a) + 1.0f);
    far = x < 0.0f ? -far : far;
    return a < 0.625f ? near : far;
}

#endif
