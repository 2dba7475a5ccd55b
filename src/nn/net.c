/* SPDX-License-Identifier: MIT */
/* Networks: memory, forward and backward passes over the plan, parameters, sizes and times. */
#include "nn/plan.h"

#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/subnormals.h>

#include <assert.h>
#include <string.h>

/* ---- construction ---- */

/* Number of gradient buffers, of nb_trained floats each. */
static size_t count_gradients(const dcpg_plan *plan) {
    return plan->options.train ? (size_t)((plan->nb_node > 0 ? plan->nb_node : 1) + plan->nb_spare) : 0;
}

static dcpg_status allocate(dcpg_net *net, dcpg_err *err) {
    const dcpg_plan *plan = net->plan;
    net->nb_grads = count_gradients(plan);
    size_t nb_grads = plan->options.lent_grads ? 0 : net->nb_grads;
    net->params = dcpg_alloc(net->nb_value, sizeof *net->params);
    net->grads = dcpg_alloc(nb_grads * net->nb_trained, sizeof *net->grads);
    net->output = dcpg_alloc((size_t)net->nb_output, sizeof *net->output);
    if (!net->params || !net->grads || !net->output)
        return dcpg_fail_nomem(err, "parameters and gradients",
                               (nb_grads * net->nb_trained + net->nb_value) * sizeof *net->params);
    for (int i = 0; i < net->nb_output; i++) net->output[i] = net->graph->layer[net->graph->output[i]].name;
    return dcpg_plan_allocate(net->plan, err);
}

dcpg_status dcpg_net_new_planned(const dcpg_graph *graph, const dcpg_net_options *options, bool fuse,
                                 dcpg_net **made, dcpg_err *err) {
    assert(options->max_rows >= 0 && options->first <= options->end && options->end <= options->total);
    dcpg_net *net = dcpg_alloc(1, sizeof *net);
    *made = NULL;
    if (!net) return dcpg_fail_nomem(err, "a net", sizeof *net);
    net->graph = graph;
    net->options = *options;
    dcpg_status status = dcpg_plan_new(graph, options, fuse, &net->plan, err);
    if (status == DCPG_OK) {
        net->nb_trained = net->plan->nb_trained;
        net->nb_value = net->plan->nb_value_params;
        net->nb_node = net->plan->nb_node;
        memcpy(net->node, net->plan->node, sizeof net->node);
        net->nb_pass = net->plan->nb_pass;
        net->nb_param = net->plan->nb_param;
        net->param = net->plan->param;
        net->nb_output = graph->nb_output;
        status = allocate(net, err);
    }
    if (status == DCPG_OK)
        *made = net;
    else
        dcpg_net_free(net);
    return status;
}

dcpg_status dcpg_net_new(const dcpg_graph *graph, const dcpg_net_options *options, dcpg_net **net,
                         dcpg_err *err) {
    return dcpg_net_new_planned(graph, options, true, net, err);
}

void dcpg_net_free(dcpg_net *net) {
    if (!net) return;
    dcpg_plan_free(net->plan);
    dcpg_free(net->params);
    if (!net->options.lent_grads) dcpg_free(net->grads);
    dcpg_free(net->output);
    dcpg_free(net);
}

/* ---- parameters ---- */

void dcpg_net_get(const dcpg_net *net, const dcpg_param *param, float *values) {
    for (size_t i = 0; i < param->size / param->row; i++)
        memcpy(values + i * param->row, net->params + param->offset + i * param->stride,
               param->row * sizeof *values);
}

void dcpg_net_set(dcpg_net *net, const dcpg_param *param, const float *values) {
    for (size_t i = 0; i < param->size / param->row; i++)
        memcpy(net->params + param->offset + i * param->stride, values + i * param->row,
               param->row * sizeof *values);
}

double dcpg_net_penalty(const dcpg_net *net) {
    double penalty = 0;
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        for (size_t row = 0; (p->l1 > 0 || p->l2 > 0) && row < p->size / p->row; row++) {
            double sum_abs, sum_square;
            dcpg_norms(p->row, net->params + p->offset + row * p->stride, &sum_abs, &sum_square);
            penalty += (double)p->l1 * sum_abs + (double)p->l2 * sum_square;
        }
    }
    return penalty;
}

/* ---- running ---- */

static double now(const dcpg_net *net) { return net->options.profile ? dcpg_now() : 0; }

static dcpg_run start_run(dcpg_net *net, const dcpg_input *input, bool training,
                          const dcpg_reducer *reducer) {
    assert(input->n >= 0 && input->n <= net->options.max_rows);
    assert(!net->graph->dna_wlen || input->dna || input->n == 0);
    assert(!net->graph->nb_cell || input->cpg || input->n == 0);
    assert(input->pass >= 0 && input->pass < net->nb_pass);
    return (dcpg_run){.net = net,
                      .plan = net->plan,
                      .input = input,
                      .reducer = reducer,
                      .pass = &net->plan->pass[input->pass],
                      .n = input->n,
                      .training = training};
}

static void check_leaves(const dcpg_net *net, const dcpg_input *input) {
    const dcpg_leaves *leaves = input->leaves;
    assert(net->options.train && leaves && leaves->total == net->options.total);
    dcpg_node pass = net->plan->pass[input->pass].leaves;
    assert(leaves->first == pass.first && leaves->end == pass.end);
    assert(leaves->row[leaves->end - leaves->first] - leaves->row[0] == input->n);
    (void)net, (void)leaves, (void)input, (void)pass;
}

void dcpg_net_forward(dcpg_net *net, const dcpg_input *input, bool training, const dcpg_reducer *reducer) {
    dcpg_run run = start_run(net, input, training, reducer);
    if (training) check_leaves(net, input);
    dcpg_flush_begin();
    for (int i = 0; i < net->plan->nb_op; i++) {
        dcpg_op *op = &net->plan->op[i];
        double started = now(net);
        op->kind->forward(op, &run);
        op->seconds[0] += now(net) - started;
    }
    dcpg_flush_end();
}

void dcpg_net_backward(dcpg_net *net, const dcpg_input *input, const dcpg_reducer *reducer) {
    dcpg_run run = start_run(net, input, true, reducer);
    check_leaves(net, input);
    dcpg_flush_begin();
    for (int i = net->plan->nb_op - 1; i >= 0; i--) {
        dcpg_op *op = &net->plan->op[i];
        double started = now(net);
        if (net->plan->value[op->out].graded) op->kind->backward(op, &run);
        op->seconds[1] += now(net) - started;
        dcpg_run_poll(&run);
    }
    dcpg_flush_end();
}

const float *dcpg_net_prediction(const dcpg_net *net, int output, int64_t *stride) {
    const dcpg_plan *plan = net->plan;
    assert(output >= 0 && output < net->nb_output);
    *stride = plan->prediction[output].stride;
    const dcpg_buffer *buffer = &plan->buffer[plan->value[plan->prediction[output].value].data];
    return (const float *)(void *)(plan->memory + buffer->offset) + plan->prediction[output].column;
}

int dcpg_net_times(const dcpg_net *net, dcpg_op_time *time) {
    const dcpg_plan *plan = net->plan;
    for (int i = 0; time && i < plan->nb_op; i++) {
        const dcpg_op *op = &plan->op[i];
        time[i] = (dcpg_op_time){.kind = op->kind->name,
                                 .layer = op->layer->name,
                                 .macs = op->macs,
                                 .forward = op->seconds[0],
                                 .backward = op->seconds[1],
                                 .gradients = {op->begin, op->trained ? op->padded : 0},
                                 .nb_sum = op->nb_sum};
    }
    return plan->nb_op;
}

void dcpg_net_reset_times(dcpg_net *net) {
    for (int i = 0; i < net->plan->nb_op; i++) net->plan->op[i].seconds[0] = net->plan->op[i].seconds[1] = 0;
}

/* ---- sizes ---- */

dcpg_status dcpg_net_measure(const dcpg_graph *graph, dcpg_net_size *size, dcpg_err *err) {
    dcpg_net_options options = {.max_rows = 1, .total = 1, .first = 0, .end = 1, .train = true};
    dcpg_plan *plan;
    DCPG_TRY(dcpg_plan_new(graph, &options, true, &plan, err));
    *size = (dcpg_net_size){.activation_bytes = (int64_t)plan->activation_bytes};
    for (int i = 0; i < plan->nb_op; i++) size->macs += plan->op[i].macs;
    for (int i = 0; i < plan->nb_param; i++)
        *(plan->param[i].trainable ? &size->trainable : &size->not_trainable) += (int64_t)plan->param[i].size;
    dcpg_plan_free(plan);
    return DCPG_OK;
}

dcpg_status dcpg_net_bytes(const dcpg_graph *graph, const dcpg_net_options *options, size_t *bytes,
                           dcpg_err *err) {
    dcpg_plan *plan;
    DCPG_TRY(dcpg_plan_new(graph, options, true, &plan, err));
    *bytes = dcpg_plan_bytes(plan) +
             (count_gradients(plan) * plan->nb_trained + plan->nb_value_params) * sizeof(float);
    dcpg_plan_free(plan);
    return DCPG_OK;
}
