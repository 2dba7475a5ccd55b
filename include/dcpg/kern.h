/* SPDX-License-Identifier: MIT */
/* Kernels: arithmetic on raw float arrays, row-major, channels last. No structs of nn, no MPI. All functions
 * are Local.
 *
 * Conventions. n: samples, t: time steps (positions along a window, or cells), c: channels in, f: channels
 * (filters, units) out, k: filter length. Every kernel threads itself over fixed blocks of its work (never by
 * thread count), so the same call gives the same bits for any number of threads, and a sample's result does
 * not depend on which other samples are in the call. Arrays must not overlap unless stated otherwise. Kernels
 * never allocate: scratch is the caller's, and a function *_scratch returns its size in floats; its content
 * before and after a call is meaningless, and its size does not depend on the number of threads. Every kernel
 * has a naive twin in tests/kern. Kernels named *_backward_weight work on the rows of ONE leaf of the
 * summation tree and overwrite dw (and db): the caller merges leaves (tree.h). */
#ifndef DCPG_KERN_H
#define DCPG_KERN_H

#include <dcpg/api.h>
#include <dcpg/exact.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* ---- gemm ---- */

/* A matrix by strides: element (i, j) at p[i * rs + j * cs]; rows of a matrix that is only read may
 * overlap. */
typedef struct dcpg_mat {
    const float *p;
    int64_t rs, cs;
} dcpg_mat;

typedef struct dcpg_mat_out {
    float *p;
    int64_t rs, cs;
} dcpg_mat_out;

/* C[m][n] = A[m][k] * B[k][n] + beta * C, beta 0 or 1 (0: C is not read). Threaded with the OpenMP threads
 * available; inside a parallel region single-threaded. A row of C has the same bits whatever m is, a column
 * whatever n is, and however many threads run. k = 0 gives beta * C. */
DCPG_API void dcpg_gemm(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c);

/* ---- which kernels run ----
 *
 * Bits depend on the instructions of our loops, on the backend of matrix products and on BLIS's kernels. A
 * single process takes the best that its processor offers. Ranks that compute together must use the same
 * kernels, or their weights drift apart: each makes its offer, all gather the offers (dcpg_allgather_all),
 * agree on a set, and start it.
 */

enum { DCPG_KERN_PARTS = 3, DCPG_KERN_NAME = 96 };

/* Kernels that a process could run, one bit each. Plain data, so that it can be sent. */
typedef struct dcpg_kern_offer {
    char host[64]; /* for messages; filled by the caller */
    uint32_t can[DCPG_KERN_PARTS];
    bool asked[DCPG_KERN_PARTS]; /* by DCPG_ISA, DCPG_GEMM, BLIS_ARCH_TYPE */
    int blis_number;             /* of BLIS_ARCH_TYPE, -1: not set */
    char version[24];            /* of BLIS */
} dcpg_kern_offer;

typedef struct dcpg_kern_set {
    int pick[DCPG_KERN_PARTS], blis_number, nb_rank;
    char why[160]; /* which rank keeps the others from a better set; empty: none */
    char name[DCPG_KERN_NAME];
} dcpg_kern_set;

/* The offer of this process. Environment variables limit it: DCPG_ISA (avx512, avx2, baseline) is the highest
 * instruction set allowed, DCPG_GEMM the backend (`gemm`, unless NULL, takes precedence), BLIS_ARCH_TYPE the
 * number of BLIS's kernels. DCPG_E_USAGE if a value is unknown. Does not start BLIS. Local. */
DCPG_API dcpg_status dcpg_kern_offer_here(const char *gemm, dcpg_kern_offer *offer, dcpg_err *err);

/* The best set that all of offer[nb] contain; for each part, the kernel that `wanted` names (dcpg_kern_name
 * of another run; NULL: none) if all have it. The same on all ranks that pass the same offers. DCPG_E_USAGE
 * if the environment variables of different ranks contradict each other. Pure. */
DCPG_API dcpg_status dcpg_kern_agree(const dcpg_kern_offer *offer, int nb, const char *wanted,
                                     dcpg_kern_set *set, dcpg_err *err);

/* Starts a set; to be called once, from one thread, before the first kernel, as BLIS cannot change its
 * kernels later. Local. */
DCPG_API void dcpg_kern_start(const dcpg_kern_set *set);

/* "vector=avx512 gemm=direct blis=skx 0.9.0": name of the running set, for checkpoints; empty before the
 * start. */
DCPG_API const char *dcpg_kern_name(void);

/* Starts the best set for this process alone; the first gemm does so if no set was started. `name`: the
 * backend, "direct" (our own kernel, with AVX-512), "blis" or "ref" (slow, for tests); NULL or empty: the
 * value of the environment variable DCPG_GEMM, else the first of them that suits this processor. Sets
 * BLIS_ARCH_TYPE to the best kernel set for the processor where BLIS would not recognise it; a value set by
 * the user wins. */
DCPG_API dcpg_status dcpg_gemm_start(const char *name, dcpg_err *err);
/* "direct (avx512), blis 0.9.0 (skx)": the running kernels, for the log. */
DCPG_API const char *dcpg_gemm_description(void);

/* ---- convolution over one time axis ---- */

typedef struct dcpg_conv {
    int64_t t_in, c, t_out, f; /* input steps and channels, output steps and filters */
    int64_t k, stride, dilation;
    int64_t pad_left; /* zeros before the first step; 'same' puts the odd one on the right */
} dcpg_conv;

/* Fills t_out and pad_left. `same`: padding as TensorFlow's 'same', otherwise 'valid'. t_out <= 0 if the
 * input is too short. Pure. */
DCPG_API void dcpg_conv_shape(dcpg_conv *conv, bool same);

/* The arrays of a layer for n samples. Forward passes read x, w and b, input gradients w, weight gradients
 * x. */
typedef struct dcpg_conv_arrays {
    int64_t n;
    const float *x;       /* [n][t_in][c] */
    const uint8_t *codes; /* dcpg_conv_dna_*: [n][t_in] in place of x */
    const float *w;       /* [k][c][f] */
    const float *b;       /* [f] */
    float *scratch;       /* [dcpg_conv_scratch], dcpg_conv_dna_*: [dcpg_conv_dna_scratch] */
} dcpg_conv_arrays;

/* A pooled output, as its forward pass returned it (where y is 0, the ReLU was inactive), and its
 * gradient. */
typedef struct dcpg_conv_pooled {
    const float *dy;    /* [n][t_out / pool][f] */
    const float *y;     /* the same */
    const uint8_t *arg; /* the same: offset of the maximum in its window */
} dcpg_conv_pooled;

/* y[n][t_out][f] = x * w + b; relu: max(., 0) after. */
DCPG_API void dcpg_conv_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, bool relu, float *y);
/* dx[n][t_in][c] (+)= dy[n][t_out][f] * w^T; accumulate: += */
DCPG_API void dcpg_conv_backward_input(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy,
                                       bool accumulate, float *dx);
/* dw[k][c][f], db[f]: sums over the n samples given, overwritten. db may be NULL here and in all other
 * convolutions: not wanted. */
DCPG_API void dcpg_conv_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy,
                                        float *dw, float *db);
DCPG_API size_t dcpg_conv_scratch(const dcpg_conv *conv,
                                  int64_t n); /* floats enough for all three, and for those with pooling */

/* conv + bias + relu + max pool (window = stride = pool) in one pass, for shapes and processors for which
 * dcpg_conv_pools returns true; y and arg as in dcpg_conv_dna_pool_forward. */
DCPG_API bool dcpg_conv_pools(const dcpg_conv *conv, int64_t pool);
DCPG_API void dcpg_conv_pool_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, float *y,
                                     uint8_t *arg);
DCPG_API void dcpg_conv_pool_backward_input(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                            const dcpg_conv_pooled *out, bool accumulate, float *dx);
DCPG_API void dcpg_conv_pool_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                             const dcpg_conv_pooled *out, float *dw, float *db);

/* Convolution over one-hot DNA that is never built: codes in 0..3, 4 = N (all zeros); c is 4; stride 1,
 * dilation 1, valid padding. Uses tables of k-mers (groups of 3 taps). */
DCPG_API void dcpg_conv_dna_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, bool relu, float *y);
DCPG_API void dcpg_conv_dna_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                            const float *dy, float *dw, float *db);
/* conv + bias + relu + max pool (window = stride = pool, valid) in one pass: y[n][t_out / pool][f],
 * arg[n][t_out / pool][f] = offset of the maximum in its window. */
DCPG_API void dcpg_conv_dna_pool_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, int64_t pool,
                                         float *y, uint8_t *arg);
DCPG_API void dcpg_conv_dna_pool_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                                 int64_t pool, const dcpg_conv_pooled *out, float *dw,
                                                 float *db);
DCPG_API size_t dcpg_conv_dna_scratch(const dcpg_conv *conv, int64_t n);

/* ---- dense: y[n][f] = x[n][c] * w[c][f] + b[f] ---- */
typedef struct dcpg_dense {
    int64_t n, c, f;
} dcpg_dense;

DCPG_API void dcpg_dense_forward(const dcpg_dense *dense, const float *x, const float *w, const float *b,
                                 bool relu, float *y);
/* dx[n][c] (+)= dy[n][f] * w^T */
DCPG_API void dcpg_dense_backward_input(const dcpg_dense *dense, const float *dy, const float *w,
                                        bool accumulate, float *dx);
DCPG_API void dcpg_dense_backward_weight(const dcpg_dense *dense, const float *x, const float *dy, float *dw,
                                         float *db);

/* ---- pooling ---- */
typedef struct dcpg_pool {
    int64_t n, t, c; /* of the input x[n][t][c] */
    int64_t window;  /* and stride: steps, at most 255 */
} dcpg_pool;

/* y[n][t / window][c] = max over each window; arg, of y's shape: offset in the window, the first one of
 * equals. */
DCPG_API void dcpg_max_pool_forward(const dcpg_pool *pool, const float *x, float *y, uint8_t *arg);
/* dx[n][t][c] is overwritten or added to; zero outside the maxima, and in the tail that no window covers. */
DCPG_API void dcpg_max_pool_backward(const dcpg_pool *pool, const uint8_t *arg, const float *dy,
                                     bool accumulate, float *dx);
/* y[n][c] = mean over t. */
DCPG_API void dcpg_mean_forward(int64_t n, int64_t t, int64_t c, const float *x, float *y);
DCPG_API void dcpg_mean_backward(int64_t n, int64_t t, int64_t c, const float *dy, bool accumulate,
                                 float *dx);

/* ---- pointwise ---- */
typedef enum dcpg_activation {
    DCPG_LINEAR,
    DCPG_RELU,
    DCPG_SIGMOID,
    DCPG_HARD_SIGMOID,
    DCPG_TANH,
    DCPG_SOFTMAX,
    DCPG_SCALED_SIGMOID /* 0.251 * sigmoid, DeepCpG's variance head */
} dcpg_activation;
/* y = activation(x) over rows of c values (softmax over the row); x and y may be the same array. */
DCPG_API void dcpg_activate(dcpg_activation kind, int64_t rows, int64_t c, const float *x, float *y);
/* What an activation gave. */
typedef struct dcpg_activated {
    dcpg_activation kind;
    int64_t rows, c;
    const float *y; /* [rows][c] */
} dcpg_activated;

/* dx (+)= dy * activation'(x), from the OUTPUT y; dx and dy may be the same array unless accumulating. */
DCPG_API void dcpg_activate_backward(const dcpg_activated *out, const float *dy, bool accumulate, float *dx);
DCPG_API void dcpg_add(size_t count, const float *a, const float *b, float *y); /* y = a + b, may alias */
DCPG_API void dcpg_accumulate(size_t count, const float *x, float *y);          /* y += x */
/* Copies c columns: dst[rows][c] (+)= src[rows][c], where both may be parts of wider matrices (concatenation
 * and its gradient). Column strides are 1. */
DCPG_API void dcpg_copy_columns(int64_t rows, int64_t c, dcpg_mat src, dcpg_mat_out dst, bool accumulate);
/* The mask of inverted dropout: element j of sample i is kept where the Philox word of (key, id[i], j) says
 * so. */
typedef struct dcpg_mask {
    int64_t n, c;
    float rate; /* fraction of elements dropped */
    uint64_t key;
    const int64_t *id; /* [n] global numbers of the samples */
} dcpg_mask;

/* y[n][c] = x where kept, divided by 1 - rate, else 0. The backward pass draws the same mask again, so
 * nothing is stored. y and x may be the same array. */
DCPG_API void dcpg_dropout(const dcpg_mask *mask, const float *x, float *y);

/* ---- batch normalisation over rows (samples and time) of c channels ---- */
/* Sums over `rows` rows of one leaf: sums[0..c) = sum x, sums[c..2c) = sum x^2 about shift[c] (shifted to
 * keep precision; the same shift on all leaves). */
DCPG_API void dcpg_bn_sums(int64_t rows, int64_t c, const float *x, const float *shift, double *sums);

/* A layer and its input. xhat = (x - mean) * rstd, with rstd = 1 / sqrt(var + epsilon). */
typedef struct dcpg_bn {
    int64_t rows, c;
    const float *x;            /* [rows][c] */
    const float *mean, *rstd;  /* [c] */
    const float *gamma, *beta; /* [c] */
    bool relu;                 /* after the normalisation */
} dcpg_bn;

/* y[rows][c] = gamma * xhat + beta, then ReLU if `relu`. */
DCPG_API void dcpg_bn_apply(const dcpg_bn *bn, float *y);
/* Sums of one leaf for the backward pass: sums[0..c) = sum dy, sums[c..2c) = sum dy * xhat; dy[rows][c]. With
 * `relu`, dy counts as 0 where y, which is computed again, is 0. */
DCPG_API void dcpg_bn_backward_sums(const dcpg_bn *bn, const float *dy, double *sums);
/* dx[rows][c] (+)= gamma * rstd * (dy - totals[0..c) / count - xhat * totals[c..2c) / count), with totals
 * over the global batch of `count` rows. */
DCPG_API void dcpg_bn_backward(const dcpg_bn *bn, const float *dy, const double *totals, int64_t count,
                               bool accumulate, float *dx);

/* ---- GRU (Keras 2.2: z, r, h; reset before the recurrent product unless reset_after) ---- */
typedef struct dcpg_gru {
    int64_t t, c, u;  /* steps, input channels, units */
    bool backwards;   /* runs from the last step to the first */
    bool sequences;   /* output is y[n][t][u] (in input order), otherwise the last state y[n][u] */
    bool reset_after; /* bias is [2][3u]: input bias, recurrent bias; otherwise [3u] */
    dcpg_activation recurrent_activation; /* DCPG_HARD_SIGMOID or DCPG_SIGMOID */
} dcpg_gru;

/* Floats that the forward pass keeps for the backward pass of n samples (gates, states). */
DCPG_API size_t dcpg_gru_saved(const dcpg_gru *gru, int64_t n);
DCPG_API size_t dcpg_gru_scratch(const dcpg_gru *gru, int64_t n);

/* The arrays of a layer for n samples. Rows of y and dy lie y_stride floats apart, so that both directions
 * write into one concatenated output: sample i, (step j,) unit l at y[(i (* t + j)) * y_stride + l]. */
typedef struct dcpg_gru_arrays {
    int64_t n;
    const float *x; /* [n][t][c] */
    const float *w; /* [c][3u] */
    const float *r; /* [u][3u] */
    const float *b; /* [3u] or [2][3u] */
    int64_t y_stride;
    float *saved;   /* [dcpg_gru_saved]; NULL: prediction, without a backward pass */
    float *scratch; /* [dcpg_gru_scratch] */
} dcpg_gru_arrays;

DCPG_API void dcpg_gru_forward(const dcpg_gru *gru, const dcpg_gru_arrays *in, float *y);
/* Backward through time: dy has the layout of y. Leaves the gradients of the gate pre-activations in `saved`
 * for the weight gradient; dx[n][t][c] is overwritten or added to; NULL: not wanted. Does not read x and b.
 */
DCPG_API void dcpg_gru_backward_input(const dcpg_gru *gru, const dcpg_gru_arrays *in, const float *dy,
                                      bool accumulate, float *dx);

typedef struct dcpg_gru_gradient {
    float *dw; /* [c][3u] */
    float *dr; /* [u][3u] */
    float *db; /* as b */
} dcpg_gru_gradient;

/* Overwrites `out` with the sums over samples first .. end-1 of the n (one leaf), from x and `saved` as the
 * backward pass left it; reads nothing else. */
DCPG_API void dcpg_gru_backward_weight(const dcpg_gru *gru, const dcpg_gru_arrays *in, int64_t first,
                                       int64_t end, const dcpg_gru_gradient *out);

/* ---- losses of one output; a loss is the weighted SUM over the rows (the caller divides by the batch) ----
 */
typedef struct dcpg_loss_column {
    int64_t n;
    const float *p;      /* predictions: that of sample i at p[i * stride] */
    int64_t stride;      /* of dp too */
    const float *y;      /* [n] labels */
    const float *weight; /* [n] of the samples */
    float scale;         /* of dp: weight of the output / batch size */
} dcpg_loss_column;

/* Binary cross-entropy, p clipped to [1e-7, 1 - 1e-7] in float32; a clipped p has gradient 0. dp has the
 * layout of p and may be NULL. */
DCPG_API double dcpg_loss_bce(const dcpg_loss_column *loss, float *dp);
DCPG_API double dcpg_loss_mse(const dcpg_loss_column *loss, float *dp);
/* nb_class softmax outputs at p[i * stride]; a label is the index of a class, or -1 (zero vector). As in
 * Keras, p is renormalised, then clipped as above. */
DCPG_API double dcpg_loss_cce(const dcpg_loss_column *loss, int64_t nb_class, float *dp);

/* ---- Adam in one pass, Keras 2.2's form ---- */
typedef struct dcpg_adam_step {
    float rate; /* lr * sqrt(1 - beta2^t) / (1 - beta1^t) */
    float beta1, beta2, epsilon;
    float l1, l2; /* gradient += l1 * sign(w) + 2 * l2 * w */
    float scale;  /* then gradient *= scale; 1: not clipped */
} dcpg_adam_step;
/* w, m, v [count], updated in place. False if a gradient is not finite. */
DCPG_API bool dcpg_adam_update(const dcpg_adam_step *step, size_t count, const float *grad, float *w,
                               float *m, float *v);
/* Sum of |w| and of w^2, in double, over fixed blocks. */
DCPG_API void dcpg_norms(size_t count, const float *w, double *sum_abs, double *sum_square);

/* ---- LAMB (You et al. 2020, algorithm 2) and clipping, part by part: these do not start threads ---- */

/* g[count] = the gradient as in dcpg_adam_step, with its penalty, scaled. */
DCPG_API void dcpg_full_gradient(const dcpg_adam_step *step, size_t count, const float *grad, const float *w,
                                 float *g);
/* The moments m, v [count], as in dcpg_adam_update; w stays. False if a gradient is not finite. */
DCPG_API bool dcpg_lamb_moments(const dcpg_adam_step *step, size_t count, const float *grad, const float *w,
                                float *m, float *v);

typedef struct dcpg_lamb_step {
    float correct_m, correct_v; /* 1 / (1 - beta1^t), 1 / (1 - beta2^t) */
    float epsilon, decay;
} dcpg_lamb_step;
/* u[count] = correct_m * m / (sqrt(correct_v * v) + epsilon) + decay * w. */
DCPG_API void dcpg_lamb_direction(const dcpg_lamb_step *step, size_t count, const float *w, const float *m,
                                  const float *v, float *u);
/* w[count] -= rate * u. */
DCPG_API void dcpg_lamb_move(size_t count, float rate, const float *u, float *w);

/* Adds the squares of x[count] to `sum`, in lines of DCPG_LINE values that are summed first; x[0] is value
 * `at` % DCPG_LINE of its line. Parts of an array that are cut between lines add up to the same bits. */
enum { DCPG_LINE = 16 };
DCPG_API void dcpg_add_squares(size_t count, size_t at, const float *x, dcpg_exact *sum);

DCPG_END_C

#endif
