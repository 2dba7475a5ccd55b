/* SPDX-License-Identifier: MIT */
/* Memory of a plan: when each array is alive, and one allocation shared by arrays that are never alive
 * together. */
#include "base/number.h"
#include "nn/plan.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <stdlib.h>

static int forward_step(int op) { return op; }
static int backward_step(const dcpg_plan *plan, int op) { return 2 * plan->nb_op - op; }
static int loss_step(const dcpg_plan *plan) { return plan->nb_op; }
static int last_step(const dcpg_plan *plan) { return 2 * plan->nb_op + 1; }

static dcpg_status new_buffer(dcpg_plan *plan, size_t bytes, int first, int last, int *buffer,
                              dcpg_err *err) {
    if (plan->nb_buffer == plan->buffer_capacity) {
        size_t old = (size_t)plan->buffer_capacity, capacity = old ? 2 * old : 64;
        dcpg_buffer *grown = dcpg_realloc(plan->buffer, old, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "buffers", capacity * sizeof *grown);
        plan->buffer = grown;
        plan->buffer_capacity = (int)capacity;
    }
    bytes = round_up_size(bytes, DCPG_ALIGN);
    plan->buffer[plan->nb_buffer] = (dcpg_buffer){.bytes = bytes, .first = first, .last = last};
    *buffer = plan->nb_buffer++;
    return DCPG_OK;
}

dcpg_status dcpg_plan_own(dcpg_plan *plan, dcpg_op *op, int which, size_t bytes, dcpg_err *err) {
    int index = (int)(op - plan->op);
    int last = plan->options.train ? backward_step(plan, index) : forward_step(index);
    return new_buffer(plan, bytes, forward_step(index), last, &op->own[which], err);
}

/* ---- results ---- */

static int nb_reader(const dcpg_plan *plan, int value) {
    int n = 0;
    for (int i = 0; i < plan->nb_op; i++)
        for (int j = 0; j < plan->op[i].nb_in; j++) n += plan->op[i].in[j] == value;
    return n;
}

/* Whether `op` may write its result over its source `source`, because nothing reads that source later. */
static bool may_overwrite(const dcpg_plan *plan, const dcpg_op *op, int source) {
    const dcpg_value *value = &plan->value[op->in[source]];
    if (!plan->fuse || !op->in_place || value->origin != DCPG_FROM_OP || value->output ||
        nb_reader(plan, op->in[source]) != 1)
        return false;
    assert(value->size == plan->value[op->out].size);
    return !plan->options.train || (!op->keeps_in && !plan->op[value->writer].keeps_out);
}

static size_t value_bytes(const dcpg_plan *plan, const dcpg_value *value) {
    return (size_t)value->size * (size_t)plan->options.max_rows * sizeof(float);
}

static dcpg_status place_result(dcpg_plan *plan, int index, dcpg_err *err) {
    dcpg_op *op = &plan->op[index];
    dcpg_value *value = &plan->value[op->out];
    for (int j = 0; j < op->nb_in && value->data < 0; j++)
        if (may_overwrite(plan, op, j)) value->data = plan->value[op->in[j]].data;
    if (value->data >= 0) return DCPG_OK;
    return new_buffer(plan, value_bytes(plan, value), forward_step(index), forward_step(index), &value->data,
                      err);
}

static void keep_until(dcpg_plan *plan, const dcpg_value *value, int step) {
    if (value->origin != DCPG_FROM_OP) return;
    dcpg_buffer *buffer = &plan->buffer[value->data];
    if (buffer->last < step) buffer->last = step;
}

/* A result lives until its last reader has run, until the backward pass if that needs it, and predictions to
 * the end. */
static void keep_results(dcpg_plan *plan) {
    for (int i = 0; i < plan->nb_op; i++) {
        const dcpg_op *op = &plan->op[i];
        const dcpg_value *out = &plan->value[op->out];
        bool backward = out->graded; /* otherwise the operation has no backward pass */
        for (int j = 0; j < op->nb_in; j++)
            keep_until(plan, &plan->value[op->in[j]],
                       backward && op->keeps_in ? backward_step(plan, i) : forward_step(i));
        keep_until(plan, out, backward && op->keeps_out ? backward_step(plan, i) : forward_step(i));
        if (out->output) keep_until(plan, out, last_step(plan));
    }
}

/* ---- gradients ---- */

/* Backward from the last operation: the first operation to reach a value writes its gradient, all others add
 * to it. The loss reaches outputs before any operation does. */
static dcpg_status place_gradients(dcpg_plan *plan, dcpg_err *err) {
    for (int i = plan->nb_op - 1; i >= 0; i--) {
        dcpg_op *op = &plan->op[i];
        dcpg_value *out = &plan->value[op->out];
        if (out->graded && out->output && out->grad < 0)
            DCPG_TRY(new_buffer(plan, value_bytes(plan, out), loss_step(plan), backward_step(plan, i),
                                &out->grad, err));
        for (int j = 0; j < op->nb_in; j++) {
            dcpg_value *in = &plan->value[op->in[j]];
            if (!in->graded) continue;
            op->adds[j] = in->grad >= 0 || in->output;
            if (in->grad < 0)
                DCPG_TRY(new_buffer(plan, value_bytes(plan, in),
                                    in->output ? loss_step(plan) : backward_step(plan, i),
                                    backward_step(plan, in->writer), &in->grad, err));
        }
    }
    return DCPG_OK;
}

/* ---- offsets ---- */

typedef struct piece {
    size_t bytes;
    int buffer;
} piece;

static int by_size(const void *a, const void *b) {
    const piece *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->buffer - y->buffer;
}

static bool live_together(const dcpg_buffer *a, const dcpg_buffer *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `buffer` overlaps none of the buffers pieces[0 .. nb) that are alive at the same
 * time. */
static size_t lowest_offset(const dcpg_plan *plan, const dcpg_buffer *buffer, const piece *pieces, int nb) {
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < nb; i++) {
            const dcpg_buffer *other = &plan->buffer[pieces[i].buffer];
            bool apart = offset + buffer->bytes <= other->offset || other->offset + other->bytes <= offset;
            if (apart || !live_together(buffer, other)) continue;
            offset = other->offset + other->bytes;
            moved = true;
        }
    }
    return offset;
}

/* Greedy by size: largest first, each at the lowest offset that is free throughout its life. */
static dcpg_status place_buffers(dcpg_plan *plan, dcpg_err *err) {
    piece *pieces = dcpg_alloc((size_t)plan->nb_buffer, sizeof *pieces);
    if (!pieces) return dcpg_fail_nomem(err, "buffers", sizeof *pieces);
    for (int i = 0; i < plan->nb_buffer; i++) pieces[i] = (piece){plan->buffer[i].bytes, i};
    qsort(pieces, (size_t)plan->nb_buffer, sizeof *pieces, by_size);
    for (int i = 0; i < plan->nb_buffer; i++) {
        dcpg_buffer *buffer = &plan->buffer[pieces[i].buffer];
        buffer->offset = lowest_offset(plan, buffer, pieces, i);
        if (plan->activation_bytes < buffer->offset + buffer->bytes)
            plan->activation_bytes = buffer->offset + buffer->bytes;
    }
    dcpg_free(pieces);
    return DCPG_OK;
}

dcpg_status dcpg_plan_buffers(dcpg_plan *plan, dcpg_err *err) {
    for (int i = 0; i < plan->nb_op; i++) {
        dcpg_op *op = &plan->op[i];
        DCPG_TRY(op->kind->plan(op, plan, err));
        if (plan->scratch_bytes < op->scratch) plan->scratch_bytes = op->scratch;
    }
    for (int i = 0; i < plan->nb_op; i++) DCPG_TRY(place_result(plan, i, err));
    keep_results(plan);
    if (plan->options.train) DCPG_TRY(place_gradients(plan, err));
    return place_buffers(plan, err);
}
