/* SPDX-License-Identifier: MIT */
/* Finds and calls other libraries' sgemm (sgemm.h). */
#include "bench/lib/sgemm.h"

#include <dlfcn.h>
#include <omp.h>
#include <stddef.h>
#include <string.h>

/* Declarations from the libraries' documentation; Debian's builds use int. */
typedef void cblas_sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void openblas_threads_fn(int);
typedef int dnnl_sgemm_fn(char trans_a, char trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                          const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                          int64_t ldc);

static cblas_sgemm_fn *cblas;
static dnnl_sgemm_fn *dnnl;

static void openblas_sgemm(int64_t m, int64_t n, int64_t k, bool transposed, const float *a, const float *b,
                           float *c) {
    enum { ROW_MAJOR = 101, NO = 111, YES = 112 };
    cblas(ROW_MAJOR, transposed ? YES : NO, NO, (int)m, (int)n, (int)k, 1.0f, a, (int)(transposed ? m : k), b,
          (int)n, 0.0f, c, (int)n);
}

static void onednn_sgemm(int64_t m, int64_t n, int64_t k, bool transposed, const float *a, const float *b,
                         float *c) {
    dnnl(transposed ? 'T' : 'N', 'N', m, n, k, 1.0f, a, transposed ? m : k, b, n, 0.0f, c, n);
}

/* Finds a function in the first of the libraries that is installed. ISO C cannot convert dlsym's result to a
 * function pointer. */
static bool find(const char *const *files, const char *name, void *function, void **handle) {
    for (*handle = NULL; *files && !*handle; files++) *handle = dlopen(*files, RTLD_NOW | RTLD_LOCAL);
    void *found = *handle ? dlsym(*handle, name) : NULL;
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

const bench_library *bench_libraries(void) {
    static const char *const openblas_files[] = {"libopenblas.so.0", NULL}, *const dnnl_files[] = {
                                                                                "libdnnl.so.3",
                                                                                "libdnnl.so.2", NULL};
    static bench_library list[3];
    int nb = 0;
    void *handle;
    if (list[0].name) return list;
    if (find(openblas_files, "cblas_sgemm", &cblas, &handle)) {
        openblas_threads_fn *threads;
        void *found = dlsym(handle, "openblas_set_num_threads");
        memcpy(&threads, &found, sizeof found);
        if (threads) threads(omp_get_max_threads());
        list[nb++] = (bench_library){"OpenBLAS", openblas_sgemm};
    }
    if (find(dnnl_files, "dnnl_sgemm", &dnnl, &handle)) list[nb++] = (bench_library){"oneDNN", onednn_sgemm};
    return list;
}
