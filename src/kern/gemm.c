/* gemm: the interface, and which backend answers. */
#include "kern/gemm_backend.h"

#include <string.h>

static const dcpg_gemm_backend *const backends[] = {&dcpg_gemm_blis, &dcpg_gemm_ref};
enum { NB_BACKEND = sizeof backends / sizeof backends[0] };

/* Set once by dcpg_gemm_start, before there are threads. */
static const dcpg_gemm_backend *chosen;
static char description[96];

dcpg_status dcpg_gemm_start(const char *name, dcpg_err *err) {
    const dcpg_gemm_backend *backend = NULL;
    for (int i = 0; i < NB_BACKEND; i++) {
        if (name == NULL || *name == '\0' || strcmp(name, backends[i]->name) == 0) {
            backend = backends[i];
            break;
        }
    }
    if (backend == NULL) return dcpg_fail(err, DCPG_E_USAGE, "gemm backend '%s' is unknown: use blis or ref", name);
    backend->start();
    backend->describe(description, sizeof description);
    chosen = backend;
    return DCPG_OK;
}

const char *dcpg_gemm_description(void) { return description; }

void dcpg_gemm(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c) {
    if (m <= 0 || n <= 0) return;
    if (k <= 0) {
        for (int64_t i = 0; beta == 0.0f && i < m; i++) {
            for (int64_t j = 0; j < n; j++) c.p[i * c.rs + j * c.cs] = 0.0f;
        }
        return;
    }
    if (chosen == NULL) {
#pragma omp critical(dcpg_gemm_first)
        if (chosen == NULL) (void)dcpg_gemm_start(NULL, NULL);
    }
    chosen->gemm(m, n, k, a, b, beta, c);
}
