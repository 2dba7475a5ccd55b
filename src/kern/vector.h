/* SPDX-License-Identifier: MIT */
/* Vector code chosen at run time, and functions on single numbers that vectorised loops share. */
#ifndef KERN_VECTOR_H
#define KERN_VECTOR_H

#include <omp.h>
#include <stdint.h>
#include <string.h>

/* For functions that KERN_VECTOR's functions call: they must be inlined there. */
#if defined(__GNUC__)
#define KERN_INLINE static inline __attribute__((always_inline))
#else
#define KERN_INLINE static inline
#endif

/* Instruction sets that kernels are compiled for, worst first. */
typedef enum kern_level { KERN_BASE, KERN_AVX2, KERN_AVX512 } kern_level;

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(__AVX2__)
#define KERN_LEVELS 1 /* all of them; otherwise just the set of the compiler's options */
#endif

/* level.c: the set in use (the processor's best until another is chosen), the processor's best, and the
 * choice of another, which must come before any threads start and does nothing in a build for one set. */
kern_level dcpg_kern_level_now(void);
kern_level dcpg_kern_level_here(void);
void dcpg_kern_level_choose(kern_level level);

/* Defines a function whose loops are compiled for several processors; the version to run is looked up at
 * every call: KERN_VECTOR(static, type, name, (parameters), (their names)) { body }. Only the function's own
 * code and code inlined into it gains: keep `omp parallel` outside, in its caller. (gcc's target_clones would
 * choose when the program is loaded, before ranks can agree.) */
#if defined(KERN_LEVELS)
extern kern_level dcpg_kern_level_chosen __attribute__((visibility("hidden")));
#define KERN_VECTOR(linkage, type, name, parameters, names)                                                  \
    KERN_INLINE type name##_body parameters;                                                                 \
    __attribute__((target("arch=x86-64-v4"))) static type name##_v4 parameters { return name##_body names; } \
    __attribute__((target("arch=x86-64-v3"))) static type name##_v3 parameters { return name##_body names; } \
    static __attribute__((noinline)) type name##_v1 parameters { return name##_body names; }                 \
    linkage type name parameters {                                                                           \
        if (dcpg_kern_level_chosen == KERN_AVX512) return name##_v4 names;                                   \
        if (dcpg_kern_level_chosen == KERN_AVX2) return name##_v3 names;                                     \
        return name##_v1 names;                                                                              \
    }                                                                                                        \
    KERN_INLINE type name##_body parameters
#else
#define KERN_VECTOR(linkage, type, name, parameters, names) linkage type name parameters
#endif

/* Promises the compiler that the iterations of the next loop do not depend on each other, although pointers
 * might overlap. */
#if defined(__GNUC__) && !defined(__clang__)
#define KERN_INDEPENDENT _Pragma("GCC ivdep")
#else
#define KERN_INDEPENDENT
#endif

/* Threads for a parallel region that starts here: one inside another region, even if that one has a single
 * thread, because there libgomp would start and end new threads for every region, which costs hundreds of
 * times the work. For the same reason regions never ask for fewer threads than there are (num_threads): the
 * others would end, and be started anew by the next region. */
KERN_INLINE int64_t kern_threads(void) { return omp_get_level() > 0 ? 1 : omp_get_max_threads(); }

/* A loop over fewer numbers than this is not worth waking threads for. */
enum { KERN_SMALL = 1 << 14 };

/* e^x to 2 units in the last place, x clipped to [-87, 88] (Cephes' expf: e^x = 2^n * e^r with a polynomial
 * for |r| <= ln(2) / 2). It vectorises, unlike libm's. */
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

/* tanh from e^(2|x|); near 0, where that would cancel, Cephes' polynomial. */
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
