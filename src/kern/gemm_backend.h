/* SPDX-License-Identifier: MIT */
/* The interface of a gemm backend. gemm.c dispatches to the one in use; kernels.c holds the table of
 * backends. */
#ifndef KERN_GEMM_BACKEND_H
#define KERN_GEMM_BACKEND_H

#include <dcpg/kern.h>

typedef struct dcpg_gemm_backend {
    const char *name;
    void (*describe)(char *text, size_t size); /* "blis 0.9.0 (skx)"; starts the backend */
    /* dcpg_gemm for m, n, k > 0, on the calling thread alone */
    void (*gemm)(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c);
} dcpg_gemm_backend;

extern const dcpg_gemm_backend dcpg_gemm_direct, dcpg_gemm_blis, dcpg_gemm_ref;

/* Names of BLIS's kernel sets (gemm_blis.c), best first, ended by NULL. "auto": BLIS's own choice; "other": a
 * set that this program does not know. */
extern const char *const dcpg_kern_blis_sets[];

/* A bit for each set that this BLIS was built with and that suits a processor with these instructions. */
uint32_t dcpg_kern_blis_offer(bool avx512, bool avx2);
/* The bit of the set that the user named in BLIS_ARCH_TYPE; 0: the variable is not set. `number`: the
 * variable's value; -1: not set. */
uint32_t dcpg_kern_blis_asked(int *number);
/* Makes BLIS use a set; call it before BLIS's first use. `number`: BLIS's number of the set if `set` is
 * "other". */
void dcpg_kern_blis_choose(int set, int number);
const char *dcpg_kern_blis_version(void);

/* Sets the backend that dcpg_gemm uses, and a note that is appended to its description. */
void dcpg_kern_gemm_choose(const dcpg_gemm_backend *backend, const char *note);

#endif
