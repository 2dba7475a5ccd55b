/* SPDX-License-Identifier: MIT */
/* Gated recurrent unit. With s the state before a step, s' the state after it, and * between vectors
 * elementwise:
 *     z = act(x W_z + b_z + s U_z), r = act(x W_r + b_r + s U_r), c = tanh(x W_c + b_c + (r * s) U_c),
 *     s' = z * s + (1 - z) * c
 * and with reset_after c = tanh(x W_c + b_c + r * (s U_c + d_c)), where d is the recurrent bias, which is
 * also added to s U_z and s U_r. K. Cho et al., EMNLP 2014; the second form is that of cuDNN.
 *
 * The products with x are one gemm for all steps; those with s are a gemm per step. Samples do not depend on
 * each other, so blocks of them go through all steps on threads of their own. Arrays kept for the backward
 * pass are [sample][step][...]: consecutive samples are consecutive rows, and their weight gradient is one
 * gemm over all their steps. */
#include "base/number.h"
#include "kern/rows.h"
#include "kern/vector.h"

#include <dcpg/kern.h>
#include <string.h>

/* Samples in a block: enough rows for a gemm, and work for all threads. It changes no bits, because gemm's
 * rows do not depend on each other. */
static int64_t block_of(int64_t n) {
    int64_t share = ceil_div(n, kern_threads());
    return min_i64(max_i64(round_up(share, 16), 16), 256);
}

/* What forward keeps for backward: gates[n][t][3u] (z, r, c; after the backward pass the gradients of their
 * pre-activations), state[n][t][u] before each step, and extra[n][t][u]: r * s or, with reset_after, s U_c +
 * d_c, which the backward pass replaces by its gradient. */
typedef struct kept {
    float *gates, *state, *extra;
} kept;

static kept kept_at(const dcpg_gru *gru, int64_t n, float *saved) {
    int64_t rows = n * gru->t * gru->u;
    return (kept){saved, saved + 3 * rows, saved + 4 * rows};
}

size_t dcpg_gru_saved(const dcpg_gru *gru, int64_t n) { return (size_t)(5 * n * gru->t * gru->u); }

/* Scratch of one sample, in floats: state or its gradient [u], r * s or its gradient [u], one step of gates
 * [3u], and the gates of all steps, which only prediction uses. */
static int64_t scratch_row(const dcpg_gru *gru) { return (5 + 3 * gru->t) * gru->u; }

/* Floats of the transposed recurrent kernel [3u][u], which precedes the samples' scratch in the backward
 * pass. */
static int64_t turned_floats(const dcpg_gru *gru) { return 3 * gru->u * gru->u; }

size_t dcpg_gru_scratch(const dcpg_gru *gru, int64_t n) {
    return (size_t)(n * scratch_row(gru) + turned_floats(gru));
}

/* The scratch of nb samples that go through the steps together. */
typedef struct buffers {
    int64_t nb;
    float *state, *reset, *step, *gates; /* [nb][u], [nb][u], [nb][3u], [nb][t][3u] */
} buffers;

static buffers buffers_at(const dcpg_gru *gru, int64_t nb, float *scratch) {
    int64_t size = nb * gru->u;
    return (buffers){nb, scratch, scratch + size, scratch + 2 * size, scratch + 5 * size};
}

/* The input step that is computed as the s-th. */
static int64_t time_of(const dcpg_gru *gru, int64_t s) { return gru->backwards ? gru->t - 1 - s : s; }

KERN_INLINE bool is_hard(const dcpg_gru *gru) { return gru->recurrent_activation == DCPG_HARD_SIGMOID; }
KERN_INLINE float gate(bool hard, float x) { return hard ? kern_hard_sigmoid(x) : kern_sigmoid(x); }
KERN_INLINE float gate_slope(bool hard, float y) {
    return !hard ? y * (1.0f - y) : y > 0.0f && y < 1.0f ? 0.2f : 0.0f;
}

/* ---- forward: one sample, one step ---- */

/* gates: in x W, out z and r; reset: r * s */
KERN_VECTOR(static, void, open_gates,
            (const dcpg_gru *gru, const float *restrict b, const float *restrict step,
             const float *restrict state, float *restrict gates, float *restrict reset),
            (gru, b, step, state, gates, reset)) {
    const int64_t u = gru->u;
    const bool hard = is_hard(gru);
    for (int64_t l = 0; l < 2 * u; l++) gates[l] = gate(hard, gates[l] + b[l] + step[l]);
    for (int64_t l = 0; l < u; l++) reset[l] = gates[u + l] * state[l];
}

/* gates: in x W_c, out c; state: in the old state, out the new one */
KERN_VECTOR(static, void, new_state,
            (int64_t u, const float *restrict b, const float *restrict step, float *restrict gates,
             float *restrict state),
            (u, b, step, gates, state)) {
    for (int64_t l = 0; l < u; l++) {
        float c = kern_tanh(gates[2 * u + l] + b[2 * u + l] + step[2 * u + l]);
        gates[2 * u + l] = c;
        state[l] = c + gates[l] * (state[l] - c);
    }
}

/* The same with reset_after, in one pass; extra: s U_c + d_c */
KERN_VECTOR(static, void, new_state_after,
            (const dcpg_gru *gru, const float *restrict b, const float *restrict step, float *restrict gates,
             float *restrict state, float *restrict extra),
            (gru, b, step, gates, state, extra)) {
    const int64_t u = gru->u;
    const bool hard = is_hard(gru);
    const float *d = b + 3 * u;
    for (int64_t l = 0; l < 2 * u; l++) gates[l] = gate(hard, gates[l] + b[l] + (step[l] + d[l]));
    for (int64_t l = 0; l < u; l++) {
        extra[l] = step[2 * u + l] + d[2 * u + l];
        float c = kern_tanh(gates[2 * u + l] + b[2 * u + l] + gates[u + l] * extra[l]);
        gates[2 * u + l] = c;
        state[l] = c + gates[l] * (state[l] - c);
    }
}

/* at.step's columns first .. first + columns - 1 = in[nb][u] * the same columns of r; step and r have row
 * stride 3u */
static void recur(const dcpg_gru *gru, buffers at, const float *in, const float *r, int64_t first,
                  int64_t columns) {
    int64_t u = gru->u;
    dcpg_gemm(at.nb, columns, u, (dcpg_mat){in, u, 1}, (dcpg_mat){r + first, 3 * u, 1}, 0.0f,
              (dcpg_mat_out){at.step + first, 3 * u, 1});
}

/* Step s of a block. keep: where results of the block's first sample go; gates always, the other two unless
 * NULL. */
static void forward_step(const dcpg_gru *gru, const dcpg_gru_arrays *in, int64_t s, buffers at, kept keep) {
    const float *r = in->r, *b = in->b;
    int64_t u = gru->u, t = gru->t, j = time_of(gru, s), nb = at.nb;
    if (s > 0)
        recur(gru, at, at.state, r, 0, gru->reset_after ? 3 * u : 2 * u);
    else
        memset(at.step, 0, (size_t)(nb * 3 * u) * sizeof *at.step); /* the first state is 0 */
    for (int64_t i = 0; i < nb; i++) {
        float *gates = keep.gates + (i * t + j) * 3 * u, *state = at.state + i * u, *reset = at.reset + i * u;
        const float *step = at.step + i * 3 * u;
        if (keep.state != NULL) memcpy(keep.state + (i * t + j) * u, state, (size_t)u * sizeof *state);
        if (gru->reset_after)
            new_state_after(gru, b, step, gates, state, reset);
        else
            open_gates(gru, b, step, state, gates, reset);
        if (keep.extra != NULL) memcpy(keep.extra + (i * t + j) * u, reset, (size_t)u * sizeof *reset);
    }
    if (gru->reset_after) return;
    if (s > 0) recur(gru, at, at.reset, r, 2 * u, u);
    for (int64_t i = 0; i < nb; i++)
        new_state(u, b, at.step + i * 3 * u, keep.gates + (i * t + j) * 3 * u, at.state + i * u);
}

/* x and y: those of the block's first sample. */
static void forward_block(const dcpg_gru *gru, const dcpg_gru_arrays *in, const float *x, float *y, kept keep,
                          buffers at) {
    int64_t u = gru->u, t = gru->t, nb = at.nb;
    dcpg_gemm(nb * t, 3 * u, gru->c, (dcpg_mat){x, gru->c, 1}, (dcpg_mat){in->w, 3 * u, 1}, 0.0f,
              (dcpg_mat_out){keep.gates, 3 * u, 1});
    memset(at.state, 0, (size_t)(nb * u) * sizeof *at.state);
    for (int64_t s = 0; s < t; s++) {
        forward_step(gru, in, s, at, keep);
        if (!gru->sequences && s < t - 1) continue;
        for (int64_t i = 0; i < nb; i++) {
            int64_t row = gru->sequences ? i * t + time_of(gru, s) : i;
            memcpy(y + row * in->y_stride, at.state + i * u, (size_t)u * sizeof *y);
        }
    }
}

/* Where sample i begins in an array laid out like y. */
static int64_t y_at(const dcpg_gru *gru, const dcpg_gru_arrays *in, int64_t i) {
    return i * (gru->sequences ? gru->t : 1) * in->y_stride;
}

/* What is kept of sample i and those after it. */
static kept kept_from(const dcpg_gru *gru, const dcpg_gru_arrays *in, int64_t i) {
    kept all = kept_at(gru, in->n, in->saved);
    int64_t row = i * gru->t * gru->u;
    return (kept){all.gates + 3 * row, all.state + row, all.extra + row};
}

/* Forward pass of samples i .. i + nb - 1 of n. */
static void forward_from(const dcpg_gru *gru, const dcpg_gru_arrays *in, int64_t i, int64_t nb, float *y) {
    buffers at = buffers_at(gru, nb, in->scratch + i * scratch_row(gru));
    kept keep = in->saved ? kept_from(gru, in, i) : (kept){at.gates, NULL, NULL};
    forward_block(gru, in, in->x + i * gru->t * gru->c, y + y_at(gru, in, i), keep, at);
}

void dcpg_gru_forward(const dcpg_gru *gru, const dcpg_gru_arrays *in, float *y) {
    int64_t n = in->n, block = block_of(n);
    if (n <= block) { /* no parallel region: gemm uses the threads */
        forward_from(gru, in, 0, n, y);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i += block) forward_from(gru, in, i, min_i64(block, n - i), y);
}

/* ---- backward: one sample, one step ---- */

/* state: in the gradient d of the new state, out the part of d that reaches the old state directly (d * z).
 * step and gates: the gradients of the pre-activations of z and c. */
KERN_VECTOR(static, void, close_state,
            (int64_t u, bool hard, const float *restrict before, float *restrict gates, float *restrict step,
             float *restrict state),
            (u, hard, before, gates, step, state)) {
    for (int64_t l = 0; l < u; l++) {
        float d = state[l], z = gates[l], c = gates[2 * u + l];
        step[l] = gates[l] = d * (before[l] - c) * gate_slope(hard, z);
        step[2 * u + l] = gates[2 * u + l] = d * (1.0f - z) * (1.0f - c * c);
        state[l] = d * z;
    }
}

/* From the gradient of r * s in `reset`: the gradient of r's pre-activation, and its part of the state's
 * gradient. */
KERN_VECTOR(static, void, close_reset,
            (const dcpg_gru *gru, const float *restrict before, const float *restrict reset,
             float *restrict gates, float *restrict step, float *restrict state),
            (gru, before, reset, gates, step, state)) {
    const int64_t u = gru->u;
    const bool hard = is_hard(gru);
    for (int64_t l = 0; l < u; l++) {
        float r = gates[u + l];
        step[u + l] = gates[u + l] = reset[l] * before[l] * gate_slope(hard, r);
        state[l] += reset[l] * r;
    }
}

/* The same with reset_after: extra holds s U_c + d_c and receives its gradient. */
KERN_VECTOR(static, void, close_reset_after,
            (int64_t u, bool hard, float *restrict extra, float *restrict gates, float *restrict step),
            (u, hard, extra, gates, step)) {
    for (int64_t l = 0; l < u; l++) {
        float r = gates[u + l], c = gates[2 * u + l];
        step[u + l] = gates[u + l] = c * extra[l] * gate_slope(hard, r);
        step[2 * u + l] = extra[l] = c * r;
    }
}

KERN_VECTOR(static, void, add_row, (int64_t u, const float *restrict from, float *restrict to),
            (u, from, to)) {
    for (int64_t l = 0; l < u; l++) to[l] += from[l];
}

/* turned[3u][u] = r[u][3u] transposed, once for all steps, in tiles that fit the L1 cache. */
static void turn(int64_t u, const float *r, float *turned) {
    enum { TILE = 16 };
#pragma omp parallel for schedule(static) if (u * u > KERN_SMALL)
    for (int64_t i0 = 0; i0 < 3 * u; i0 += TILE) {
        for (int64_t j0 = 0; j0 < u; j0 += TILE) {
            for (int64_t i = i0; i < min_i64(i0 + TILE, 3 * u); i++)
                for (int64_t j = j0; j < min_i64(j0 + TILE, u); j++) turned[i * u + j] = r[j * 3 * u + i];
        }
    }
}

/* Columns of the gates. */
typedef struct gate_columns {
    int64_t first, nb;
} gate_columns;

/* to[nb][u] = beta * to + these columns of at.step times the same rows of the turned kernel */
static void recur_back(const dcpg_gru *gru, buffers at, const float *turned, gate_columns part, float beta,
                       float *to) {
    int64_t u = gru->u;
    dcpg_gemm(at.nb, u, part.nb, (dcpg_mat){at.step + part.first, 3 * u, 1},
              (dcpg_mat){turned + part.first * u, u, 1}, beta, (dcpg_mat_out){to, u, 1});
}

/* at.state: in the gradient of the state after step s, out the gradient of the state before it. */
static void backward_step(const dcpg_gru *gru, int64_t s, const float *turned, buffers at, kept keep) {
    int64_t u = gru->u, t = gru->t, j = time_of(gru, s), nb = at.nb;
    bool hard = is_hard(gru);
    for (int64_t i = 0; i < nb; i++) {
        int64_t row = i * t + j;
        float *gates = keep.gates + row * 3 * u, *step = at.step + i * 3 * u;
        close_state(u, hard, keep.state + row * u, gates, step, at.state + i * u);
        if (gru->reset_after) close_reset_after(u, hard, keep.extra + row * u, gates, step);
    }
    if (gru->reset_after) {
        if (s > 0) recur_back(gru, at, turned, (gate_columns){0, 3 * u}, 1.0f, at.state);
        return;
    }
    if (s > 0)
        recur_back(gru, at, turned, (gate_columns){2 * u, u}, 0.0f, at.reset);
    else
        memset(at.reset, 0, (size_t)(nb * u) * sizeof *at.reset); /* the first state is the constant 0 */
    for (int64_t i = 0; i < nb; i++) {
        int64_t row = i * t + j;
        close_reset(gru, keep.state + row * u, at.reset + i * u, keep.gates + row * 3 * u,
                    at.step + i * 3 * u, at.state + i * u);
    }
    if (s > 0) recur_back(gru, at, turned, (gate_columns){0, 2 * u}, 1.0f, at.state);
}

/* Gradients of the output and the input. */
typedef struct gradients {
    const float *dy;
    bool accumulate; /* dx += */
    float *dx;       /* NULL: not wanted */
} gradients;

/* g and keep: those of the block's first sample. */
static void backward_block(const dcpg_gru *gru, const dcpg_gru_arrays *in, gradients g, kept keep,
                           buffers at) {
    int64_t u = gru->u, t = gru->t, nb = at.nb;
    const float *turned = in->scratch; /* with which the scratch begins */
    memset(at.state, 0, (size_t)(nb * u) * sizeof *at.state);
    for (int64_t s = t - 1; s >= 0; s--) {
        for (int64_t i = 0; i < nb && (gru->sequences || s == t - 1); i++) {
            int64_t row = gru->sequences ? i * t + time_of(gru, s) : i;
            add_row(u, g.dy + row * in->y_stride, at.state + i * u);
        }
        backward_step(gru, s, turned, at, keep);
    }
    if (g.dx != NULL) {
        dcpg_gemm(nb * t, gru->c, 3 * u, (dcpg_mat){keep.gates, 3 * u, 1}, (dcpg_mat){in->w, 1, 3 * u},
                  g.accumulate ? 1.0f : 0.0f, (dcpg_mat_out){g.dx, gru->c, 1});
    }
}

/* Backward pass of samples i .. i + nb - 1 of n; scratch begins with the turned kernel. */
static void backward_from(const dcpg_gru *gru, const dcpg_gru_arrays *in, int64_t i, int64_t nb,
                          gradients all) {
    gradients g = all;
    g.dy += y_at(gru, in, i);
    if (g.dx != NULL) g.dx += i * gru->t * gru->c;
    buffers at = buffers_at(gru, nb, in->scratch + turned_floats(gru) + i * scratch_row(gru));
    backward_block(gru, in, g, kept_from(gru, in, i), at);
}

void dcpg_gru_backward_input(const dcpg_gru *gru, const dcpg_gru_arrays *in, const float *dy, bool accumulate,
                             float *dx) {
    int64_t n = in->n, block = block_of(n);
    gradients all = {dy, accumulate, dx};
    turn(gru->u, in->r, in->scratch);
    if (n <= block) { /* no parallel region: gemm uses the threads */
        backward_from(gru, in, 0, n, all);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i += block) backward_from(gru, in, i, min_i64(block, n - i), all);
}

/* ---- gradient of the weights ---- */

/* to[c][columns] = a^T g over `rows` rows of a[rows][c] and g[rows][columns] */
static void correlate_rows(int64_t rows, int64_t c, const float *a, int64_t columns, dcpg_mat g,
                           dcpg_mat_out to) {
    dcpg_gemm(c, columns, rows, (dcpg_mat){a, 1, c}, g, 0.0f, to);
}

void dcpg_gru_backward_weight(const dcpg_gru *gru, const dcpg_gru_arrays *in, int64_t first, int64_t end,
                              const dcpg_gru_gradient *out) {
    int64_t u = gru->u, c = gru->c, rows = (end - first) * gru->t;
    kept keep = kept_from(gru, in, first);
    const float *x = in->x + first * gru->t * c;
    dcpg_mat gates = {keep.gates, 3 * u, 1};
    dcpg_mat_out to = {out->dr + 2 * u, 3 * u, 1}; /* the part of c */
    correlate_rows(rows, c, x, 3 * u, gates, (dcpg_mat_out){out->dw, 3 * u, 1});
    correlate_rows(rows, u, keep.state, 2 * u, gates, (dcpg_mat_out){out->dr, 3 * u, 1});
    if (gru->reset_after)
        correlate_rows(rows, u, keep.state, u, (dcpg_mat){keep.extra, u, 1}, to);
    else
        correlate_rows(rows, u, keep.extra, u, (dcpg_mat){keep.gates + 2 * u, 3 * u, 1}, to);
    dcpg_rows_sum(rows, 3 * u, keep.gates, 3 * u, out->db);
    if (gru->reset_after) {
        memcpy(out->db + 3 * u, out->db, (size_t)(2 * u) * sizeof *out->db);
        dcpg_rows_sum(rows, u, keep.extra, u, out->db + 5 * u);
    }
}
