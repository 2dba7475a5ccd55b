/* gemm by BLIS, through its own typed interface: any strides, and a say in threads call by call.
 *
 * Bits. A row (and a column) of the product has the same bits whatever stands beside it, because BLIS cuts
 * the sum over k by k alone. This holds for its blocked algorithm; the one for small and thin matrices
 * ("sup") picks among kernels by m and n, so it is switched off. test_gemm proves it on the shapes of the zoo
 * for the kernel set in use. */
#include "kern/gemm_backend.h"

#include <blis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Kernel sets that this BLIS was built with, among those we ever ask for. */
static const char *const built[] = {
#ifdef BLIS_CONFIG_ZEN5
    "zen5",
#endif
#ifdef BLIS_CONFIG_ZEN4
    "zen4",
#endif
#ifdef BLIS_CONFIG_SKX
    "skx",
#endif
#ifdef BLIS_CONFIG_ZEN3
    "zen3",
#endif
#ifdef BLIS_CONFIG_HASWELL
    "haswell",
#endif
    NULL};

/* Kernel sets to try for this processor, best first. BLIS 0.9 knows processors by name and takes one it has
 * not heard of for an old one: an Intel in a virtual machine runs at two thirds of its speed (haswell), an
 * AMD Zen 5 at a fifth (generic). What the processor can do is the better guide. Among the sets for AVX2 the
 * choice hardly matters. */
static const char *const *wanted_kernels(void) {
    static const char *const none[] = {NULL};
#if defined(__x86_64__)
    static const char *const avx512_amd[] = {"zen5", "zen4", "skx", NULL}, *const avx512[] = {"skx", NULL};
    static const char *const avx2_amd[] = {"zen3", "haswell", NULL}, *const avx2[] = {"haswell", NULL};
    bool amd = __builtin_cpu_is("amd");
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        return amd ? avx512_amd : avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return amd ? avx2_amd : avx2;
#endif
    return none;
}

static bool is_built(const char *name) {
    for (int i = 0; built[i] != NULL; i++) {
        if (strcmp(built[i], name) == 0) return true;
    }
    return false;
}

/* The number by which the BLIS that runs knows a kernel set; -1: not at all. Numbers differ between versions.
 */
static int number_of(const char *name) {
    for (int id = 0; id < BLIS_NUM_ARCHS; id++) {
        if (strcmp(bli_arch_string((arch_t)id), name) == 0) return id;
    }
    return -1;
}

/* BLIS reads BLIS_ARCH_TYPE at its first use. */
static void start(void) {
    if (getenv("BLIS_ARCH_TYPE") != NULL) return;
    const char *const *wanted = wanted_kernels();
    for (int i = 0; wanted[i] != NULL; i++) {
        int id = is_built(wanted[i]) ? number_of(wanted[i]) : -1;
        if (id < 0) continue;
        char text[16];
        snprintf(text, sizeof text, "%d", id);
        setenv("BLIS_ARCH_TYPE", text, 1);
        return;
    }
}

static void describe(char *text, size_t room) {
    bli_init(); /* asking for the kernel set does not start BLIS by itself */
    snprintf(text, room, "blis %s (%s)", bli_info_get_version_str(), bli_arch_string(bli_arch_query_id()));
}

/* BLIS's prototypes have no const. */
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
        BLIS_NO_ERROR_CHECKING); /* per thread; its checks refuse rows that overlap */
    bli_sgemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, m, n, k, &one, readable(a.p), a.rs, a.cs,
                 readable(b.p), b.rs, b.cs, &beta, c.p, c.rs, c.cs, NULL, &runtime);
}

const dcpg_gemm_backend dcpg_gemm_blis = {"blis", NULL, start, describe, gemm};
