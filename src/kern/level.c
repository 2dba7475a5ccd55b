/* SPDX-License-Identifier: MIT */
/* The instruction set in use: detected at start, or chosen for a run. */
#include "kern/vector.h"

#include "kern/multiply.h"

#if defined(KERN_LEVELS)
kern_level dcpg_kern_level_chosen = KERN_BASE;

kern_level dcpg_kern_level_here(void) {
    if (__builtin_cpu_supports("x86-64-v4")) return KERN_AVX512;
    return __builtin_cpu_supports("x86-64-v3") ? KERN_AVX2 : KERN_BASE;
}

void dcpg_kern_level_choose(kern_level level) { dcpg_kern_level_chosen = level; }

/* Before main, so that kernels may be called at once. */
__attribute__((constructor)) static void choose_best(void) {
    __builtin_cpu_init();
    dcpg_kern_level_chosen = dcpg_kern_level_here();
}

kern_level dcpg_kern_level_now(void) { return dcpg_kern_level_chosen; }
#else
/* Built for one instruction set: that of the compiler's options. */
kern_level dcpg_kern_level_here(void) {
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
    return KERN_AVX512;
#elif defined(__AVX2__)
    return KERN_AVX2;
#else
    return KERN_BASE;
#endif
}

void dcpg_kern_level_choose(kern_level level) { (void)level; }

kern_level dcpg_kern_level_now(void) { return dcpg_kern_level_here(); }
#endif

bool dcpg_kern_multiply_pays(void) { return dcpg_kern_level_now() == KERN_AVX512; }
