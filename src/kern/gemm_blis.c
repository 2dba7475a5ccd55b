/* SPDX-License-Identifier: MIT */
/* gemm by BLIS's own typed interface, which takes any strides and a number of threads for each call.
 *
 * Bits: a row or a column of the product has the same bits whatever its neighbours are, because BLIS's cuts
 * of the inner sum depend on k alone. This holds for its blocked algorithm; the one for small and thin
 * matrices ("sup") picks kernels by m and n, so it is switched off. test_gemm checks this on the shapes of
 * the zoo for the kernel set in use. */
#include "kern/gemm_backend.h"

#include <blis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Best first. BLIS 0.9 identifies processors by name and treats one that it does not know as an old one: an
 * Intel processor in a virtual machine then runs at two thirds of its speed (haswell), an AMD Zen 5 at a
 * fifth (generic). The instructions of the processor are the better guide. Among the sets for AVX2 the choice
 * hardly matters. */
const char *const dcpg_kern_blis_sets[] = {"zen5", "zen4",    "skx",   "zen3", "haswell",
                                           "auto", "generic", "other", NULL};
enum { ZEN5, ZEN4, SKX, ZEN3, HASWELL, AUTO, GENERIC, OTHER, NB_SET };

/* The sets that this BLIS was built with. */
static const bool built[NB_SET] = {
#ifdef BLIS_CONFIG_ZEN5
    [ZEN5] = true,
#endif
#ifdef BLIS_CONFIG_ZEN4
    [ZEN4] = true,
#endif
#ifdef BLIS_CONFIG_SKX
    [SKX] = true,
#endif
#ifdef BLIS_CONFIG_ZEN3
    [ZEN3] = true,
#endif
#ifdef BLIS_CONFIG_HASWELL
    [HASWELL] = true,
#endif
#ifdef BLIS_CONFIG_GENERIC
    [GENERIC] = true,
#endif
};

/* The number of a kernel set in the BLIS that is loaded, -1 if it has no such set. Numbers differ between
 * versions. */
static int number_of(const char *name) {
    for (int id = 0; id < BLIS_NUM_ARCHS; id++) {
        if (strcmp(bli_arch_string((arch_t)id), name) == 0) return id;
    }
    return -1;
}

static uint32_t bit_of(int set, bool wanted) {
    return wanted && built[set] && number_of(dcpg_kern_blis_sets[set]) >= 0 ? 1u << set : 0;
}

uint32_t dcpg_kern_blis_offer(bool avx512, bool avx2) {
    bool amd = false;
#if defined(__x86_64__)
    amd = __builtin_cpu_is("amd");
#endif
    uint32_t sets = bit_of(ZEN5, avx512 && amd) | bit_of(ZEN4, avx512 && amd) | bit_of(SKX, avx512) |
                    bit_of(ZEN3, avx2 && amd) | bit_of(HASWELL, avx2);
    if (sets == 0) sets = 1u << AUTO;
    return sets | bit_of(GENERIC, true);
}

uint32_t dcpg_kern_blis_asked(int *number) {
    const char *text = getenv("BLIS_ARCH_TYPE");
    *number = -1;
    if (text == NULL || *text == '\0') return 0;
    *number = atoi(text);
    for (int set = 0; set < NB_SET && *number >= 0 && *number < BLIS_NUM_ARCHS; set++)
        if (strcmp(bli_arch_string((arch_t)*number), dcpg_kern_blis_sets[set]) == 0) return 1u << set;
    return 1u << OTHER;
}

/* BLIS reads BLIS_ARCH_TYPE at its first use. */
void dcpg_kern_blis_choose(int set, int number) {
    char text[16];
    if (set == AUTO) return;
    snprintf(text, sizeof text, "%d", set == OTHER ? number : number_of(dcpg_kern_blis_sets[set]));
    setenv("BLIS_ARCH_TYPE", text, 1);
}

const char *dcpg_kern_blis_version(void) { return bli_info_get_version_str(); }

static void describe(char *text, size_t size) {
    bli_init(); /* querying the kernel set does not start BLIS */
    snprintf(text, size, "blis %s (%s)", bli_info_get_version_str(), bli_arch_string(bli_arch_query_id()));
}

/* BLIS's prototypes lack const. */
static float *readable(const float *p) {
    union {
        const float *from;
        float *to;
    } u = {p};
    return u.to;
}

static void gemm(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c) {
    float one = 1.0f;
    rntm_t runtime = BLIS_RNTM_INITIALIZER;
    bli_rntm_set_num_threads(1, &runtime);
    bli_rntm_disable_l3_sup(&runtime);
    bli_error_checking_level_set(
        BLIS_NO_ERROR_CHECKING); /* per thread; the checks would refuse overlapping rows */
    bli_sgemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, m, n, k, &one, readable(a.p), a.rs, a.cs,
                 readable(b.p), b.rs, b.cs, &beta, c.p, c.rs, c.cs, NULL, &runtime);
}

const dcpg_gemm_backend dcpg_gemm_blis = {"blis", describe, gemm};
