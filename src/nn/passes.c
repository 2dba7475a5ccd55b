/* SPDX-License-Identifier: MIT */
/* Passes: a rank runs its leaves one node of the tree after the other, so that only the activations of one
 * pass's samples are in memory at a time. Sums of finished passes are merged in the tree's order; a sum that
 * waits for its sibling has a buffer of its own, one per level. */
#include "nn/plan.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <string.h>

/* Adds the passes of `node`, whose sum belongs to the rank's maximal node `of` and ends up in buffer
 * `level`. */
static void add_passes(dcpg_plan *plan, int of, dcpg_node node, int level) {
    if (node.end - node.first <= plan->options.at_once) {
        plan->pass[plan->nb_pass++] =
            (dcpg_pass){.leaves = node, .of = of, .level = level, .first_merge = plan->nb_merge};
        return;
    }
    int middle = dcpg_tree_split(node);
    if (plan->nb_spare <= level) plan->nb_spare = level + 1;
    add_passes(plan, of, (dcpg_node){node.first, middle}, level);
    add_passes(plan, of, (dcpg_node){middle, node.end}, level + 1);
    plan->merge[plan->nb_merge++] = (dcpg_merge){of, level};
    plan->pass[plan->nb_pass - 1].nb_merge++;
}

dcpg_status dcpg_plan_passes(dcpg_plan *plan, dcpg_err *err) {
    const dcpg_net_options *o = &plan->options;
    int nb_leaf = o->end - o->first;
    bool all = !o->train || o->at_once == 0 || o->at_once >= nb_leaf;
    size_t capacity = all ? 1 : (size_t)nb_leaf;
    plan->pass = dcpg_alloc(capacity, sizeof *plan->pass);
    plan->merge = dcpg_alloc(capacity, sizeof *plan->merge);
    if (!plan->pass || !plan->merge) return dcpg_fail_nomem(err, "passes", capacity * sizeof *plan->pass);
    if (all)
        plan->pass[plan->nb_pass++] = (dcpg_pass){.leaves = {o->first, o->end}};
    else
        for (int i = 0; i < plan->nb_node; i++) add_passes(plan, i, plan->node[i], 0);
    return DCPG_OK;
}

/* ---- buffers ---- */

static float *buffer(const dcpg_run *run, int of, int level) {
    size_t spare = (size_t)(run->plan->nb_node + level - 1);
    return run->net->grads + (level > 0 ? spare : (size_t)of) * run->net->nb_trained;
}

int dcpg_run_nodes(const dcpg_run *run, const dcpg_node **nodes) {
    const dcpg_plan *plan = run->plan;
    *nodes = plan->nb_pass > 1 ? &run->pass->leaves : plan->node;
    return plan->nb_pass > 1 ? 1 : plan->nb_node;
}

float *dcpg_run_node_gradient(const dcpg_run *run, const dcpg_op *op, int i) {
    const dcpg_pass *pass = run->pass;
    return (run->plan->nb_pass > 1 ? buffer(run, pass->of, pass->level) : buffer(run, i, 0)) + op->begin;
}

void dcpg_run_start(const dcpg_op *op, const dcpg_run *run) {
    const dcpg_plan *plan = run->plan;
    const dcpg_merge *merge = plan->merge + run->pass->first_merge;
    for (const dcpg_merge *m = merge; m < merge + run->pass->nb_merge; m++)
        (plan->options.bf16_sums ? dcpg_tree_add_bf16 : dcpg_tree_add)(
            buffer(run, m->of, m->level) + op->begin, buffer(run, m->of, m->level + 1) + op->begin, op->size);
    bool last = run->pass == plan->pass + plan->nb_pass - 1;
    if (run->reducer && last) run->reducer->start(run->reducer->self, op->begin, op->padded);
}

/* ---- for callers ---- */

void dcpg_net_pass(const dcpg_net *net, int pass, const dcpg_input *input, const dcpg_targets *targets,
                   dcpg_net_samples *part) {
    const dcpg_leaves *all = input->leaves;
    const dcpg_graph *graph = net->graph;
    dcpg_node node = net->plan->pass[pass].leaves;
    assert(pass < net->nb_pass && all->first == net->options.first && all->end == net->options.end);
    const int64_t *row = all->row + (node.first - all->first);
    int64_t first = row[0];
    part->leaves = (dcpg_leaves){.total = all->total, .first = node.first, .end = node.end, .row = row};
    part->input = *input;
    part->input.pass = pass;
    part->input.n = row[node.end - node.first] - first;
    part->input.leaves = &part->leaves;
    if (input->dna) part->input.dna += first * graph->dna_wlen;
    if (input->cpg) part->input.cpg += first * graph->nb_cell * 2 * graph->cpg_wlen;
    if (input->id) part->input.id += first;
    part->targets = *targets;
    part->targets.label += first * net->nb_output;
}
