/* SPDX-License-Identifier: MIT */
/* Nets as a whole: leaves and ranks, prediction, frozen layers, dropout, initial weights, overfitting. */
#include "case.h"

#include <math.h>
#include <pthread.h>

static const model joint_model = {.dna = "conv[6@5]_mp[3]_conv[5@3]_bn_relu_mp[2]_fc[8]_do",
                                  .cpg = "fc[7]_bgru[4]_bn_do",
                                  .joint = "fc[9]_do",
                                  .dna_wlen = 45,
                                  .cpg_wlen = 6,
                                  .nb_cell = 4,
                                  .outputs = "cpg/a cpg/b bulk/c cpg_stats/cat_var",
                                  .dropout = 0.2f};

/* Has a dense matrix that is summed in pieces. */
static const model large_model = {.dna = "conv[64@3]_flatten_fc[600]", .dna_wlen = 17};

/* ---- several ranks in one process: a net and a thread each ---- */

enum { MAX_RANK = 4, MAX_RANGE = 64 };

typedef struct world {
    int nb_rank, total;
    pthread_barrier_t barrier;
    dcpg_net *net[MAX_RANK];
    double *sums[MAX_RANK];
    int nb_range[MAX_RANK];
    size_t begin[MAX_RANK][MAX_RANGE], count[MAX_RANK][MAX_RANGE];
} world;

typedef struct rank {
    world *all;
    int number;
    const data *d;
    double loss;
    pthread_t thread;
} rank;

/* Nodes of all ranks, left to right. */
static int all_nodes(const world *w, dcpg_node *nodes) {
    int n = 0;
    for (int r = 0; r < w->nb_rank; r++)
        for (int i = 0; i < w->net[r]->nb_node; i++) nodes[n++] = w->net[r]->node[i];
    return n;
}

static void world_sum(void *self, double *sums, size_t count, double *total) {
    const rank *me = self;
    world *w = me->all;
    w->sums[me->number] = sums;
    pthread_barrier_wait(&w->barrier);
    dcpg_node nodes[DCPG_MAX_NODES];
    double *part[DCPG_MAX_NODES];
    int n = 0;
    for (int r = 0; r < w->nb_rank; r++)
        for (int i = 0; i < w->net[r]->nb_node; i++) {
            part[n] = dcpg_alloc(count, sizeof(double));
            memcpy(part[n++], w->sums[r] + (size_t)i * count, count * sizeof(double));
        }
    dcpg_tree_merge64(w->total, all_nodes(w, nodes), nodes, part, count);
    pthread_barrier_wait(&w->barrier);
    memcpy(total, part[0], count * sizeof *total);
    for (int i = 0; i < n; i++) dcpg_free(part[i]);
}

static void world_start(void *self, size_t offset, size_t count) {
    const rank *me = self;
    world *w = me->all;
    int i = w->nb_range[me->number]++;
    assert_true(i < MAX_RANGE);
    w->begin[me->number][i] = offset;
    w->count[me->number][i] = count;
}

static void world_poll(void *self) { (void)self; }

/* Rank 0 merges every range, for all ranks. */
static void world_wait(void *self) {
    const rank *me = self;
    world *w = me->all;
    pthread_barrier_wait(&w->barrier);
    for (int i = 0; me->number == 0 && i < w->nb_range[0]; i++) {
        dcpg_node nodes[DCPG_MAX_NODES];
        float *part[DCPG_MAX_NODES];
        int n = 0;
        for (int r = 0; r < w->nb_rank; r++) {
            assert_int_equal(w->begin[r][i], w->begin[0][i]);
            assert_int_equal(w->count[r][i], w->count[0][i]);
            for (int j = 0; j < w->net[r]->nb_node; j++)
                part[n++] = w->net[r]->grads + (size_t)j * w->net[r]->nb_trained + w->begin[0][i];
        }
        dcpg_tree_merge(w->total, all_nodes(w, nodes), nodes, part, w->count[0][i]);
        for (int r = 1; r < w->nb_rank; r++)
            memcpy(w->net[r]->grads + w->begin[0][i], part[0], w->count[0][i] * sizeof(float));
    }
    pthread_barrier_wait(&w->barrier);
}

static void *rank_step(void *argument) {
    rank *me = argument;
    dcpg_net *net = me->all->net[me->number];
    const data *d = me->d;
    int64_t first = d->row[net->options.first], n = d->row[net->options.end] - first;
    int64_t row[64];
    for (int i = 0; i <= net->options.end - net->options.first; i++)
        row[i] = d->row[net->options.first + i] - first;
    dcpg_leaves leaves = {net->options.total, net->options.first, net->options.end, row};
    dcpg_input input = {.n = n,
                        .n_global = d->n,
                        .dna = d->dna + first * net->graph->dna_wlen,
                        .cpg = d->cpg + first * net->graph->nb_cell * 2 * net->graph->cpg_wlen,
                        .id = d->id + first,
                        .leaves = &leaves,
                        .step = 4};
    dcpg_targets targets = data_targets(d);
    targets.label += first * net->nb_output;
    dcpg_reducer reducer = {me, world_sum, world_start, world_poll, world_wait};
    dcpg_net_forward(net, &input, true, &reducer);
    me->loss = sum_loss(net, &input, &targets, true);
    dcpg_net_backward(net, &input, &reducer);
    reducer.wait(reducer.self);
    return NULL;
}

/* One step over `total` leaves on `nb_rank` ranks; rank r has leaves r total / nb_rank up to those of rank r
 * + 1. */
static void run_world(world *w, const dcpg_graph *graph, const data *d, int total, int nb_rank) {
    rank ranks[MAX_RANK];
    *w = (world){.nb_rank = nb_rank, .total = total};
    pthread_barrier_init(&w->barrier, NULL, (unsigned)nb_rank);
    for (int r = 0; r < nb_rank; r++) {
        w->net[r] = graph_net(graph, d->n, total, r * total / nb_rank, (r + 1) * total / nb_rank, true);
        ranks[r] = (rank){.all = w, .number = r, .d = d};
    }
    for (int r = 0; r < nb_rank; r++)
        assert_int_equal(pthread_create(&ranks[r].thread, NULL, rank_step, &ranks[r]), 0);
    for (int r = 0; r < nb_rank; r++) pthread_join(ranks[r].thread, NULL);
    pthread_barrier_destroy(&w->barrier);
}

static void free_world(world *w) {
    for (int r = 0; r < w->nb_rank; r++) dcpg_net_free(w->net[r]);
}

/* Predictions, gradients and moving statistics have the same bits, whichever rank computes which leaves. */
static void ranks_change_nothing(void **state) {
    (void)state;
    static const struct {
        const model *model;
        int64_t n;
        int total, nb_rank;
    } cases[] = {{&joint_model, 13, 2, 2}, {&joint_model, 13, 8, 2},
                 {&joint_model, 13, 8, 3}, {&joint_model, 13, 8, 4},
                 {&joint_model, 13, 3, 2}, {&joint_model, 13, 5, 4},
                 {&joint_model, 3, 4, 4},  /* rank 0 has no sample */ {&joint_model, 9, 16, 3},
                 {&large_model, 13, 8, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int total = cases[i].total, nb_rank = cases[i].nb_rank;
        dcpg_graph *graph = model_graph(cases[i].model);
        data d = random_data(graph, cases[i].n, total);
        world one, many;
        run_world(&one, graph, &d, total, 1);
        run_world(&many, graph, &d, total, nb_rank);
        for (int r = 0; r < nb_rank; r++) {
            const dcpg_net *a = one.net[0], *b = many.net[r];
            assert_memory_equal(a->grads, b->grads, a->nb_trained * sizeof(float));
            assert_memory_equal(a->params, b->params, a->nb_value * sizeof(float));
            int64_t first = d.row[b->options.first], n = d.row[b->options.end] - first;
            int64_t stride;
            const float *p = dcpg_net_prediction(a, 0, &stride) + first * stride;
            if (n > 0)
                assert_memory_equal(p, dcpg_net_prediction(b, 0, &stride),
                                    (size_t)(n * stride) * sizeof(float));
        }
        free_world(&one);
        free_world(&many);
        free_data(&d);
        dcpg_graph_free(graph);
    }
}

static float worst(const dcpg_net *a, const dcpg_net *b) {
    float most = 0;
    for (int i = 0; i < a->nb_param; i++) {
        const dcpg_param *p = &a->param[i];
        const float *x = p->weight.state ? a->params : a->grads, *y = p->weight.state ? b->params : b->grads;
        float scale =
            fmaxf(largest(a, p, x), 1e-2f); /* biases before batch norm have gradients of rounding noise */
        for (size_t j = 0; j < p->size; j++) {
            float difference = fabsf(x[param_place(p, j)] - y[param_place(p, j)]) / scale;
            if (difference > most) most = difference;
        }
    }
    return most;
}

/* How samples are cut into leaves changes rounding only; a leaf may be empty. */
static void leaves_change_rounding(void **state) {
    (void)state;
    static const int totals[] = {2, 3, 8, 13, 20};
    dcpg_graph *graph = model_graph(&joint_model);
    data whole = random_data(graph, 13, 1);
    dcpg_net *one = graph_net(graph, 13, 1, 0, 1, true);
    double loss = train_pass(one, &whole, true);
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        data d = random_data(graph, 13, totals[i]);
        dcpg_net *net = graph_net(graph, 13, totals[i], 0, totals[i], true);
        assert_true(fabs(train_pass(net, &d, true) - loss) < 1e-5);
        if (!(worst(one, net) < 1e-4f)) fail_msg("%d leaves: by %g", totals[i], (double)worst(one, net));
        dcpg_net_free(net);
        free_data(&d);
    }
    dcpg_net_free(one);
    free_data(&whole);
    dcpg_graph_free(graph);
}

/* ---- prediction ---- */

/* A net for prediction reuses memory and gives the same bits as a net for training; a sample does not depend
 * on its neighbours. */
static void prediction(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&joint_model);
    data d = random_data(graph, 13, 1);
    dcpg_net *trained = graph_net(graph, 13, 1, 0, 1, true), *net;
    dcpg_net_options options = {.max_rows = 13, .total = 1, .first = 0, .end = 1};
    dcpg_err err = {0};
    train_pass(trained, &d, true); /* updates the moving statistics */
    assert_int_equal(dcpg_net_new(graph, &options, &net, &err), DCPG_OK);
    assert_int_equal(net->nb_value, trained->nb_value);
    assert_true(net->plan->activation_bytes < trained->plan->activation_bytes);
    memcpy(net->params, trained->params, net->nb_value * sizeof(float));
    dcpg_input input = {.n = 13, .n_global = 13, .dna = d.dna, .cpg = d.cpg};
    dcpg_net_forward(trained, &input, false, NULL);
    dcpg_net_forward(net, &input, false, NULL);
    int64_t stride, same;
    const float *p = dcpg_net_prediction(trained, 0, &stride), *q = dcpg_net_prediction(net, 0, &same);
    assert_int_equal(stride, same);
    assert_memory_equal(p, q, (size_t)(13 * stride) * sizeof(float));
    input = (dcpg_input){.n = 1,
                         .n_global = 1,
                         .dna = d.dna + 5 * graph->dna_wlen,
                         .cpg = d.cpg + 5 * graph->nb_cell * 2 * graph->cpg_wlen};
    dcpg_net_forward(net, &input, false, NULL);
    assert_memory_equal(p + 5 * stride, q, (size_t)stride * sizeof(float));
    dcpg_net_free(net);
    dcpg_net_free(trained);
    free_data(&d);
    dcpg_graph_free(graph);
}

/* Heads are columns of one matrix; files see each of them separately. */
static void parameters_by_name(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&joint_model);
    dcpg_net *net = graph_net(graph, 2, 1, 0, 1, true);
    bool *taken = dcpg_alloc(net->nb_value, sizeof *taken);
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        float *values = dcpg_alloc(p->size, sizeof *values), *back = dcpg_alloc(p->size, sizeof *back);
        for (size_t j = 0; j < p->size; j++) values[j] = (float)(1000 * i) + (float)j;
        dcpg_net_set(net, p, values);
        dcpg_net_get(net, p, back);
        assert_memory_equal(values, back, p->size * sizeof *values);
        for (size_t j = 0; j < p->size; j++) {
            assert_false(taken[param_place(p, j)]);
            taken[param_place(p, j)] = true;
            assert_true(net->params[param_place(p, j)] == values[j]);
            assert_int_equal(param_place(p, j) >= net->nb_trained, p->weight.state);
        }
        dcpg_free(values);
        dcpg_free(back);
    }
    dcpg_free(taken);
    dcpg_net_free(net);
    dcpg_graph_free(graph);
}

/* ---- training ---- */

/* Frozen layers get no gradient and keep their moving statistics; the layers after them are unaffected. */
static void frozen_layers(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&joint_model);
    data d = random_data(graph, 9, 2);
    dcpg_net *all = graph_net(graph, 9, 2, 0, 2, true);
    train_pass(all, &d, true);
    for (int i = 0; i < graph->nb_layer; i++)
        if (strncmp(graph->layer[i].name, "dna/", 4) == 0 || strcmp(graph->layer[i].name, "cpg/b") == 0)
            graph->layer[i].trainable = false;
    dcpg_net *net = graph_net(graph, 9, 2, 0, 2, true), *untouched = graph_net(graph, 9, 2, 0, 2, true);
    train_pass(net, &d, true);
    assert_true(net->plan->activation_bytes < all->plan->activation_bytes);
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        const char *name = graph->layer[p->layer].name;
        bool frozen = strncmp(name, "dna/", 4) == 0;
        for (size_t j = 0; j < p->size; j++) {
            size_t place = param_place(p, j);
            if (p->weight.state)
                assert_true(net->params[place] == (frozen ? untouched : all)->params[place]);
            else if (frozen)
                assert_true(net->grads[place] == 0);
            else
                assert_true(net->grads[place] == all->grads[place]);
        }
        assert_int_equal(p->trainable, !p->weight.state && !frozen && strcmp(name, "cpg/b") != 0);
    }
    dcpg_net_free(untouched);
    dcpg_net_free(net);
    dcpg_net_free(all);
    free_data(&d);
    dcpg_graph_free(graph);
}

/* Masks depend on step, seed and sample; without training there are none. */
static void dropout_keys(void **state) {
    (void)state;
    static const model m = {
        .cpg = "fc[64]_gap_do", .cpg_wlen = 4, .nb_cell = 2, .outputs = "cpg/a", .dropout = 0.5f};
    dcpg_graph *graph = model_graph(&m);
    data d = random_data(graph, 2, 1);
    memcpy(d.cpg + graph->nb_cell * 8, d.cpg,
           (size_t)graph->nb_cell * 8 * sizeof(float)); /* makes two samples equal */
    dcpg_net *net = graph_net(graph, 2, 1, 0, 1, true);
    dcpg_leaves leaves = {1, 0, 1, d.row};
    dcpg_input input = {.n = 2, .n_global = 2, .cpg = d.cpg, .id = d.id, .leaves = &leaves, .step = 1};
    int64_t stride;
    const float *p = dcpg_net_prediction(net, 0, &stride);
    dcpg_net_forward(net, &input, true, NULL);
    float first = p[0], other = p[stride];
    assert_true(first != other);
    dcpg_net_forward(net, &input, true, NULL);
    assert_true(p[0] == first);
    input.step = 2;
    dcpg_net_forward(net, &input, true, NULL);
    assert_true(p[0] != first);
    input.step = 1;
    net->options.seed++;
    dcpg_net_forward(net, &input, true, NULL);
    assert_true(p[0] != first);
    dcpg_net_forward(net, &input, false, NULL);
    assert_true(p[0] == p[stride]);
    dcpg_net_free(net);
    free_data(&d);
    dcpg_graph_free(graph);
}

static const dcpg_param *find_param(const dcpg_net *net, const char *layer, const char *weight) {
    for (int i = 0; i < net->nb_param; i++)
        if (strcmp(net->graph->layer[net->param[i].layer].name, layer) == 0 &&
            strcmp(net->param[i].weight.name, weight) == 0)
            return &net->param[i];
    fail_msg("no %s/%s", layer, weight);
    return NULL;
}

/* Glorot's bounds are reached but not exceeded, recurrent kernels have orthonormal rows, and a layer's
 * weights do not depend on the rest of the model. */
static void initial_weights(void **state) {
    (void)state;
    static const model small = {.cpg = "RnnL1", .cpg_wlen = 10, .nb_cell = 3},
                       large = {
                           .dna = "CnnL1h128", .cpg = "RnnL1", .dna_wlen = 51, .cpg_wlen = 10, .nb_cell = 3};
    dcpg_graph *a = model_graph(&small), *b = model_graph(&large);
    dcpg_net *x = graph_net(a, 1, 1, 0, 1, true), *y = graph_net(b, 1, 1, 0, 1, true);
    const dcpg_param *recurrent = find_param(x, "cpg/bidirectional_1", "backward/recurrent_kernel");
    const float *u = x->params + recurrent->offset;
    for (int i = 0; i < 256; i += 15)
        for (int j = 0; j < 256; j += 5) {
            double sum = 0;
            for (int k = 0; k < 768; k++) sum += (double)u[768 * i + k] * (double)u[768 * j + k];
            assert_true(fabs(sum - (i == j)) < 1e-5);
        }
    const dcpg_param *same = find_param(y, "cpg/bidirectional_1", "backward/recurrent_kernel");
    assert_memory_equal(u, y->params + same->offset, recurrent->size * sizeof(float));
    const dcpg_param *forward = find_param(x, "cpg/bidirectional_1", "forward/recurrent_kernel");
    assert_true(u[0] != x->params[forward->offset]);

    const dcpg_param *conv = find_param(y, "dna/conv1d_1", "kernel");
    float bound = sqrtf(6.0f / (11 * (4 + 128))), most = largest(y, conv, y->params);
    assert_true(most <= bound && most > 0.99f * bound);
    const dcpg_param *head = find_param(y, "cpg/a", "kernel");
    bound = sqrtf(6.0f / (float)(head->size + 1)), most = largest(y, head, y->params);
    assert_true(most <= bound && most > 0.98f * bound);
    assert_true(largest(y, find_param(y, "cpg/a", "bias"), y->params) == 0);
    dcpg_net_free(x);
    dcpg_net_free(y);
    dcpg_graph_free(a);
    dcpg_graph_free(b);
}

static void batch_norm_starts_as_keras(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&joint_model);
    dcpg_net *net = graph_net(graph, 1, 1, 0, 1, true);
    const dcpg_param *gamma = find_param(net, "dna/batch_normalization_1", "gamma"),
                     *mean = find_param(net, "dna/batch_normalization_1", "moving_mean");
    assert_true(net->params[gamma->offset] == 1 && net->params[gamma[1].offset] == 0);
    assert_true(net->params[mean->offset] == 0 && net->params[mean[1].offset] == 1);
    dcpg_net_free(net);
    dcpg_graph_free(graph);
}

/* Sum of l1 |w| + l2 w^2 over kernels, computed by hand. */
static void penalty(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&joint_model);
    dcpg_net *net = graph_net(graph, 1, 1, 0, 1, true);
    double sum = 0;
    int kernels = 0;
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        bool is_kernel = strcmp(p->weight.name, "kernel") == 0 ||
                         strcmp(p->weight.name, "forward/kernel") == 0 ||
                         strcmp(p->weight.name, "backward/kernel") == 0;
        bool is_head = dcpg_output_kind_of(graph->layer[p->layer].name).nb_metric > 0 &&
                       graph->layer[p->layer].nb_source == 1 && graph->layer[p->layer].kind == DCPG_DENSE &&
                       p->layer >= graph->nb_layer - graph->nb_output;
        if (!is_kernel || is_head) continue;
        kernels++;
        for (size_t j = 0; j < p->size; j++) {
            double w = (double)net->params[param_place(p, j)];
            sum += 1e-4 * fabs(w) + 3e-4 * w * w;
        }
    }
    assert_int_equal(kernels, 7);
    assert_true(fabs(dcpg_net_penalty(net) - sum) < 1e-6 * sum);
    dcpg_net_free(net);
    dcpg_graph_free(graph);
}

static double adam_pass(dcpg_net *net, const data *d, float *m, float *v, int t, float rate) {
    double loss = train_pass(net, d, true);
    dcpg_adam_step step = {.rate = rate * sqrtf(1 - powf(0.999f, (float)t)) / (1 - powf(0.9f, (float)t)),
                           .beta1 = 0.9f,
                           .beta2 = 0.999f,
                           .epsilon = 1e-7f,
                           .scale = 1};
    dcpg_adam_update(&step, net->nb_trained, net->grads, net->params, m, v);
    return loss;
}

/* Models with every sort of layer can learn one batch by heart. */
static void overfitting(void **state) {
    (void)state;
    static const model cases[] = {
        {.dna = "conv[16@5]_mp[3]_conv[16@3]_mp[2]_fc[24]_do",
         .cpg = "fc[16]_bgru[8]_do",
         .joint = "fc[16]_do",
         .dna_wlen = 41,
         .cpg_wlen = 6,
         .nb_cell = 3},
        {.dna = "conv[16@5]_bn_relu_mp[2]_resb[2x16|1x32]_gap_do", .dna_wlen = 41},
        {.cpg = "fc[32]_bgru[8,seq]_bgru[8]_do", .cpg_wlen = 6, .nb_cell = 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dcpg_graph *graph = model_graph(&cases[i]);
        dcpg_net *net = graph_net(graph, 16, 4, 0, 4, true);
        data d = random_data(graph, 16, 4);
        float *m = dcpg_alloc(net->nb_trained, sizeof *m), *v = dcpg_alloc(net->nb_trained, sizeof *v);
        double loss = 0, start = 0;
        for (int t = 1; t <= 300; t++) {
            loss = adam_pass(net, &d, m, v, t, 0.01f);
            if (t == 1) start = loss;
        }
        if (!(start > 0.2 && loss < 0.002)) fail_msg("case %d: loss from %g to %g", (int)i, start, loss);
        dcpg_free(m);
        dcpg_free(v);
        free_data(&d);
        dcpg_net_free(net);
        dcpg_graph_free(graph);
    }
}

static void output_of_wrong_size(void **state) {
    (void)state;
    static const model m = {.cpg = "fc[3]_gap", .cpg_wlen = 4, .nb_cell = 2};
    dcpg_graph *graph = model_graph(&m);
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_err err = {0};
    int source = dcpg_graph_find(graph, "cpg/global_average_pooling1d_1"), head;
    like.units = 2;
    assert_int_equal(
        dcpg_graph_add(
            graph,
            &(dcpg_new_layer){
                .kind = DCPG_DENSE, .name = "cpg/wide", .nb_source = 1, .source = &source, .like = &like},
            &head, &err),
        DCPG_OK);
    assert_int_equal(dcpg_graph_add_output(graph, head, &err), DCPG_OK);
    dcpg_net *net;
    dcpg_net_options options = {.max_rows = 1, .total = 1, .first = 0, .end = 1};
    assert_int_equal(dcpg_net_new(graph, &options, &net, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "cpg/wide"));
    dcpg_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_change_nothing),
        cmocka_unit_test(leaves_change_rounding),
        cmocka_unit_test(prediction),
        cmocka_unit_test(parameters_by_name),
        cmocka_unit_test(frozen_layers),
        cmocka_unit_test(dropout_keys),
        cmocka_unit_test(initial_weights),
        cmocka_unit_test(batch_norm_starts_as_keras),
        cmocka_unit_test(penalty),
        cmocka_unit_test(overfitting),
        cmocka_unit_test(output_of_wrong_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
