/* SPDX-License-Identifier: MIT */
/* What a gemm backend provides; gemm.c holds the table. */
#ifndef KERN_GEMM_BACKEND_H
#define KERN_GEMM_BACKEND_H

#include <dcpg/kern.h>

typedef struct dcpg_gemm_backend {
    const char *name;
    void (*describe)(char *text, size_t room); /* "blis 0.9.0 (skx)"; starts it */
    /* dcpg_gemm for m, n, k > 0, on the calling thread alone */
    void (*gemm)(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c);
} dcpg_gemm_backend;

extern const dcpg_gemm_backend dcpg_gemm_direct, dcpg_gemm_blis, dcpg_gemm_ref;

/* BLIS's kernel sets, gemm_blis.c. Their names in the order in which a processor wants them, ended by NULL;
 * "auto" is what BLIS chooses itself, "other" one that we do not know. */
extern const char *const kern_blis_sets[];

/* A bit for each set that this BLIS was built with and a processor with such instructions should have. */
uint32_t kern_blis_offer(bool avx512, bool avx2);
/* The bit of the set that BLIS_ARCH_TYPE names, as the user set it; 0: not set. `number`: as it stands there.
 */
uint32_t kern_blis_asked(int *number);
/* Makes BLIS take a set; before its first use. `number`: of "other". */
void kern_blis_choose(int set, int number);
const char *kern_blis_version(void);

/* Sets the backend that answers dcpg_gemm, and what is told of it. */
void kern_gemm_choose(const dcpg_gemm_backend *backend, const char *note);

#endif
