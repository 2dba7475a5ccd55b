/* What a gemm backend provides; gemm.c holds the table. */
#ifndef KERN_GEMM_BACKEND_H
#define KERN_GEMM_BACKEND_H

#include <dcpg/kern.h>

typedef struct dcpg_gemm_backend {
    const char *name;
    bool (*pays)(void);                        /* whether this processor should have it; NULL: any */
    void (*start)(void);                       /* once, before the first gemm */
    void (*describe)(char *text, size_t room); /* "blis 0.9.0 (skx)" */
    /* dcpg_gemm for m, n, k > 0, on the calling thread alone */
    void (*gemm)(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c);
} dcpg_gemm_backend;

extern const dcpg_gemm_backend dcpg_gemm_direct, dcpg_gemm_blis, dcpg_gemm_ref;

#endif
