/* SPDX-License-Identifier: MIT */
/* Every model of the zoo against tests/oracle/fixtures, the results of an independent implementation
 * (tests/oracle/README.md describes the files, and how weights and inputs follow from their names):
 * predictions, losses, gradients and steps of Adam, with one leaf and with four leaves of the summation
 * tree. */
#include "case.h"
#include "net_adam.h"

#include <dcpg/h5.h>

#include <math.h>
#include <omp.h>

static const char *const names[] = {
    "CnnL1h128",   "CnnL1h256", "CnnL2h128",  "CnnL2h256",     "CnnL3h128",           "CnnL3h256",
    "CnnRnn01",    "ResNet01",  "ResNet02",   "ResConv01",     "ShortResConv01",      "ResAtrous01",
    "FcAvg",       "RnnL1",     "RnnL2",      "JointL0",       "JointL1h512",         "JointL2h512",
    "JointL3h512", "Outputs",   "GruSigmoid", "GruResetAfter", "GruSigmoidResetAfter"};

/* Largest differences allowed. */
static const double limit_predict = 1e-5, limit_loss = 1e-5, limit_gradient = 1e-4, limit_adam = 1e-6,
                    limit_moving = 1e-5;
/* The change of a moving statistic is known as accurately as the statistic itself, of which it is a
 * hundredth. */
static const double limit_move = 3e-5;
/* After the steps, predictions also depend on weights that moved by the noise in their gradients, such as
 * biases before batch normalisation. */
static const double limit_after = 1e-4;

typedef struct fixture {
    const char *name;
    int nb_leaf, faults;
    dcpg_h5 *file;
    dcpg_graph *graph;
    dcpg_net *net;
    data data;
    uint32_t draw;
    dcpg_strings weights; /* "LAYER/WEIGHT" */
    int64_t *size, *stride,
        *at; /* [weight] number of values, of which every stride-th is in the file, from index `at` on */
    double *scale, *absmax; /* [weight] of the gradients */
    double options[3];      /* learning rate, l1, l2 */
    float *m, *v;
} fixture;

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* ---- reading ---- */

static int64_t number(const fixture *f, const char *name) {
    int64_t value;
    dcpg_err err = {0};
    ok(dcpg_h5_read_attr_i64(f->file, "/", name, &value, &err), &err);
    return value;
}

/* A text attribute of the root; NULL if it is "-". dcpg_free. */
static char *text(const fixture *f, const char *name) {
    char *value;
    dcpg_err err = {0};
    ok(dcpg_h5_read_attr_string(f->file, "/", name, &value, &err), &err);
    if (strcmp(value, "-") != 0) return value;
    dcpg_free(value);
    return NULL;
}

static size_t bytes_of(dcpg_h5_type type) { return type == DCPG_H5_F32 ? 4 : 8; }

/* A whole dataset as `type` (F32, F64 or I64), which must hold `count` values (-1: any number). dcpg_free. */
static void *values(const fixture *f, const char *path, dcpg_h5_type type, int64_t count) {
    dcpg_h5_shape shape;
    dcpg_err err = {0};
    ok(dcpg_h5_shape_of(f->file, path, &shape, &err), &err);
    int64_t size = 1;
    for (int i = 0; i < shape.ndim; i++) size *= shape.dim[i];
    if (count >= 0) assert_int_equal(size, count);
    void *array = dcpg_alloc((size_t)size, bytes_of(type));
    ok(dcpg_h5_read(f->file, path, type, NULL, array, &err), &err);
    return array;
}

/* ---- numbers that follow from names ---- */

/* The first `count` numbers that belong to `name`, in (0, 1). dcpg_free. */
static double *uniform(const char *name, uint32_t draw, size_t count) {
    uint64_t hash = dcpg_hash(name);
    const uint32_t key[2] = {(uint32_t)hash, (uint32_t)(hash >> 32)};
    double *number = dcpg_alloc(count, sizeof *number);
    uint32_t word[4];
    for (size_t i = 0; i < count; i++) {
        const uint32_t counter[4] = {(uint32_t)(i / 4), 0, draw, 0};
        if (i % 4 == 0) dcpg_philox(key, counter, word);
        number[i] = (word[i % 4] + 0.5) / 4294967296.0;
    }
    return number;
}

/* The range of a weight's numbers: centre +- scale. */
static void weight_range(const dcpg_weight *weight, double *centre, double *scale) {
    const char *slash = strrchr(weight->name, '/'), *kind = slash ? slash + 1 : weight->name;
    *centre = 0, *scale = 0.1;
    if (strcmp(kind, "kernel") == 0 || strcmp(kind, "recurrent_kernel") == 0) {
        int64_t fans = weight->shape[weight->ndim - 2] + weight->shape[weight->ndim - 1];
        for (int i = 0; i < weight->ndim - 2; i++) fans *= weight->shape[i];
        *scale = sqrt(6.0 / (double)fans);
    } else if (strcmp(kind, "gamma") == 0 || strcmp(kind, "moving_variance") == 0) {
        *centre = 1, *scale = 0.5;
    }
}

static void set_weights(fixture *f) {
    for (int i = 0; i < f->net->nb_param; i++) {
        const dcpg_param *param = &f->net->param[i];
        char *name = dcpg_format("%s/%s", f->graph->layer[param->layer].name, param->weight.name);
        float *array = dcpg_alloc(param->size, sizeof *array);
        double *u = uniform(name, f->draw, param->size), centre, scale;
        weight_range(&param->weight, &centre, &scale);
        for (size_t j = 0; j < param->size; j++) array[j] = (float)(centre + scale * (2 * u[j] - 1));
        dcpg_net_set(f->net, param, array);
        dcpg_free(array);
        dcpg_free(u);
        dcpg_free(name);
    }
}

static void set_inputs(fixture *f) {
    const dcpg_graph *g = f->graph;
    size_t nb_dna = (size_t)(f->data.n * g->dna_wlen), wlen = (size_t)g->cpg_wlen,
           nb_cpg = (size_t)(f->data.n * g->nb_cell) * wlen;
    double *dna = uniform("dna", f->draw, nb_dna), *state = uniform("cpg/state", f->draw, nb_cpg),
           *dist = uniform("cpg/dist", f->draw, nb_cpg);
    f->data.dna = dcpg_alloc(nb_dna, 1);
    f->data.cpg = dcpg_alloc(2 * nb_cpg, sizeof(float));
    for (size_t i = 0; i < nb_dna; i++) f->data.dna[i] = (uint8_t)floor(4.2 * dna[i]);
    for (size_t i = 0; i < nb_cpg; i++) {
        float *row = f->data.cpg + i / wlen * 2 * wlen;
        row[i % wlen] = (float)(floor(3 * state[i]) / 2);
        row[wlen + i % wlen] = (float)dist[i];
    }
    dcpg_free(dna);
    dcpg_free(state);
    dcpg_free(dist);
}

/* ---- the model ---- */

static void build_graph(fixture *f) {
    char *dna = text(f, "dna"), *cpg = text(f, "cpg"), *joint = text(f, "joint"),
         *recurrent = text(f, "recurrent_activation");
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    ok(dcpg_h5_read_strings(f->file, "outputs/name", &outputs, &err), &err);
    dcpg_model_options options = {.dna = dna,
                                  .cpg = cpg,
                                  .joint = joint,
                                  .dna_wlen = number(f, "dna_wlen"),
                                  .cpg_wlen = number(f, "cpg_wlen"),
                                  .nb_cell = number(f, "nb_cell"),
                                  .outputs = &outputs,
                                  .l1 = (float)f->options[1],
                                  .l2 = (float)f->options[2]};
    ok(dcpg_model_build(&options, &f->graph, &err), &err);
    for (int i = 0; i < f->graph->nb_layer; i++) {
        dcpg_glayer *layer = &f->graph->layer[i];
        if (layer->kind != DCPG_GRU) continue;
        layer->reset_after = number(f, "reset_after") != 0;
        layer->recurrent_activation = strcmp(recurrent, "sigmoid") == 0 ? DCPG_SIGMOID : DCPG_HARD_SIGMOID;
    }
    assert_int_equal(f->graph->nb_output, outputs.n);
    for (int o = 0; o < f->graph->nb_output; o++)
        assert_string_equal(f->graph->layer[f->graph->output[o]].name, outputs.v[o]);
    dcpg_strings_free(&outputs);
    dcpg_free(dna);
    dcpg_free(cpg);
    dcpg_free(joint);
    dcpg_free(recurrent);
}

static void read_outputs(fixture *f) {
    data *d = &f->data;
    d->n = number(f, "samples");
    d->label = values(f, "outputs/label", DCPG_H5_F32, d->n * f->graph->nb_output);
    d->output_weight = values(f, "outputs/weight", DCPG_H5_F32, f->graph->nb_output);
    d->class_weight =
        values(f, "outputs/class_weight", DCPG_H5_F32, (int64_t)f->graph->nb_output * DCPG_MAX_CLASSES);
    d->row = dcpg_alloc((size_t)f->nb_leaf + 1, sizeof *d->row);
    d->id = dcpg_alloc((size_t)d->n, sizeof *d->id);
    for (int leaf = 0; leaf <= f->nb_leaf; leaf++) d->row[leaf] = leaf_row(d->n, f->nb_leaf, leaf);
}

static void read_directory(fixture *f) {
    dcpg_err err = {0};
    ok(dcpg_h5_read_strings(f->file, "weights/name", &f->weights, &err), &err);
    int64_t nb = (int64_t)f->weights.n;
    f->size = values(f, "weights/size", DCPG_H5_I64, nb);
    f->stride = values(f, "weights/stride", DCPG_H5_I64, nb);
    f->scale = values(f, "gradients/scale", DCPG_H5_F64, nb);
    f->absmax = values(f, "gradients/absmax", DCPG_H5_F64, nb);
    f->at = dcpg_alloc((size_t)nb + 1, sizeof *f->at);
    for (int64_t i = 0; i < nb; i++) f->at[i + 1] = f->at[i] + (f->size[i] + f->stride[i] - 1) / f->stride[i];
}

static void open_fixture(fixture *f, const char *name, int nb_leaf) {
    const char *source = getenv("DCPG_SOURCE");
    dcpg_err err = {0};
    *f = (fixture){.name = name, .nb_leaf = nb_leaf};
    char *path = dcpg_format("%s/tests/oracle/fixtures/%s.h5", source ? source : ".", name);
    ok(dcpg_h5_open(path, NULL, &f->file, &err), &err);
    dcpg_free(path);
    f->draw = (uint32_t)number(f, "draw");
    double *options = values(f, "adam/options", DCPG_H5_F64, 3);
    memcpy(f->options, options, sizeof f->options);
    dcpg_free(options);
    build_graph(f);
    read_outputs(f);
    read_directory(f);
    dcpg_net_options net = {
        .max_rows = f->data.n, .total = nb_leaf, .first = 0, .end = nb_leaf, .train = true};
    ok(dcpg_net_new(f->graph, &net, &f->net, &err), &err);
    f->m = dcpg_alloc(f->net->nb_trained, sizeof *f->m);
    f->v = dcpg_alloc(f->net->nb_trained, sizeof *f->v);
}

static void close_fixture(fixture *f) {
    dcpg_h5_close(f->file);
    dcpg_net_free(f->net);
    dcpg_graph_free(f->graph);
    free_data(&f->data);
    dcpg_strings_free(&f->weights);
    dcpg_free(f->size);
    dcpg_free(f->stride);
    dcpg_free(f->at);
    dcpg_free(f->scale);
    dcpg_free(f->absmax);
    dcpg_free(f->m);
    dcpg_free(f->v);
}

/* ---- comparing ---- */

/* Notes a difference beyond its limit; all are printed before the test fails. `worst` keeps the largest
 * difference seen. */
static void compare(fixture *f, const char *what, const char *where, double difference, double limit,
                    double *worst) {
    *worst = fmax(*worst, difference);
    if (difference <= limit) return;
    print_message("%s, %d leaves: %s of %s differs by %.2e, more than %.0e\n", f->name, f->nb_leaf, what,
                  where, difference, limit);
    f->faults++;
}

static void check_predictions(fixture *f, const char *path, double limit, double *worst) {
    int64_t units = 0, stride;
    for (int o = 0; o < f->net->nb_output; o++) units += dcpg_output_kind_of(f->net->output[o]).units;
    float *expected = values(f, path, DCPG_H5_F32, f->data.n * units);
    for (int64_t o = 0, at = 0; o < f->net->nb_output; o++) {
        int nb = dcpg_output_kind_of(f->net->output[o]).units;
        const float *p = dcpg_net_prediction(f->net, (int)o, &stride);
        double difference = 0, most = 0;
        for (int64_t i = 0; i < f->data.n; i++)
            for (int j = 0; j < nb; j++) {
                double reference = (double)expected[i * units + at + j];
                difference = fmax(difference, fabs((double)p[i * stride + j] - reference));
                most = fmax(most, fabs(reference));
            }
        compare(f, path, f->net->output[o], difference / most, limit, worst);
        at += nb;
    }
    dcpg_free(expected);
}

/* The parameter of weight w of the fixture. */
static const dcpg_param *param_of(const fixture *f, size_t w) {
    const dcpg_param *found = NULL;
    for (int i = 0; i < f->net->nb_param && !found; i++) {
        char *name =
            dcpg_format("%s/%s", f->graph->layer[f->net->param[i].layer].name, f->net->param[i].weight.name);
        if (strcmp(name, f->weights.v[w]) == 0) found = &f->net->param[i];
        dcpg_free(name);
    }
    if (!found) fail_msg("%s: no weight %s", f->name, f->weights.v[w]);
    assert_int_equal(found->size, f->size[w]);
    return found;
}

static void check_gradients(fixture *f, double *worst) {
    int64_t nb = (int64_t)f->weights.n;
    float *value = values(f, "gradients/value", DCPG_H5_F32, f->at[nb]);
    double *sum = values(f, "gradients/sum", DCPG_H5_F64, nb),
           *norm = values(f, "gradients/l2norm", DCPG_H5_F64, nb);
    for (size_t w = 0; w < f->weights.n; w++) {
        const dcpg_param *param = param_of(f, w);
        if (param->weight.state) continue;
        double difference = 0, ours_sum = 0, ours_square = 0, root = sqrt((double)param->size);
        for (int64_t i = f->at[w]; i < f->at[w + 1]; i++) {
            size_t place = param_place(param, (size_t)((i - f->at[w]) * f->stride[w]));
            difference = fmax(difference, fabs((double)f->net->grads[place] - (double)value[i]));
        }
        for (size_t i = 0; i < param->size; i++) {
            double ours = (double)f->net->grads[param_place(param, i)];
            ours_sum += ours, ours_square += ours * ours;
        }
        compare(f, "gradient", f->weights.v[w], difference / f->scale[w], limit_gradient, worst);
        compare(f, "sum of the gradient", f->weights.v[w],
                fabs(ours_sum - sum[w]) / (f->scale[w] * (double)param->size), limit_gradient, worst);
        compare(f, "norm of the gradient", f->weights.v[w],
                fabs(sqrt(ours_square) - norm[w]) / (f->scale[w] * root), limit_gradient, worst);
    }
    dcpg_free(value);
    dcpg_free(sum);
    dcpg_free(norm);
}

/* Checks how the first training pass changed the moving statistics, from `before`. */
static void check_moves(fixture *f, const float *before, double *worst) {
    float *expected = values(f, "moving/first", DCPG_H5_F32, -1);
    int64_t at = 0;
    for (size_t w = 0; w < f->weights.n; w++) {
        const dcpg_param *param = param_of(f, w);
        double difference = 0, most = 0;
        if (!param->weight.state) continue;
        for (size_t i = 0; i < param->size; i++, at++) {
            size_t place = param_place(param, i);
            difference = fmax(difference, fabs((double)f->net->params[place] - (double)before[place] -
                                               (double)expected[at]));
            most = fmax(most, fabs((double)expected[at]));
        }
        compare(f, "first move", f->weights.v[w], difference / most, limit_move, worst);
    }
    dcpg_free(expected);
}

/* Checks weights after the steps, unless rounding determines them, and moving statistics. Returns how many
 * weights were compared. */
static int64_t check_adam(fixture *f, double *worst, double *worst_moving) {
    int64_t compared = 0;
    float *value = values(f, "adam/value", DCPG_H5_F32, f->at[f->weights.n]),
          *least = values(f, "adam/min_abs_grad", DCPG_H5_F32, f->at[f->weights.n]);
    for (size_t w = 0; w < f->weights.n; w++) {
        const dcpg_param *param = param_of(f, w);
        bool state = param->weight.state;
        double difference = 0, most = 0, floor_of_noise = fmax(1e-5, 1e-3 * f->absmax[w]);
        for (int64_t i = f->at[w]; i < f->at[w + 1]; i++) {
            if (!state && (double)least[i] <= floor_of_noise) continue;
            size_t place = param_place(param, (size_t)((i - f->at[w]) * f->stride[w]));
            difference = fmax(difference, fabs((double)f->net->params[place] - (double)value[i]));
            most = fmax(most, fabs((double)value[i]));
            compared += !state;
        }
        if (state)
            compare(f, "moving statistic", f->weights.v[w], difference / most, limit_moving, worst_moving);
        else
            compare(f, "weight after Adam", f->weights.v[w], difference, limit_adam, worst);
    }
    dcpg_free(value);
    dcpg_free(least);
    return compared;
}

/* ---- running ---- */

static void predict(fixture *f) {
    dcpg_input input = {.n = f->data.n, .n_global = f->data.n, .dna = f->data.dna, .cpg = f->data.cpg};
    dcpg_net_forward(f->net, &input, false, NULL);
}

/* Forward, losses by output, backward; gradients end up in node 0. */
static void train(fixture *f, double *loss) {
    dcpg_leaves leaves = {f->nb_leaf, 0, f->nb_leaf, f->data.row};
    dcpg_input input = {.n = f->data.n,
                        .n_global = f->data.n,
                        .dna = f->data.dna,
                        .cpg = f->data.cpg,
                        .id = f->data.id,
                        .leaves = &leaves};
    dcpg_targets targets = data_targets(&f->data);
    double part[64];
    dcpg_net_forward(f->net, &input, true, NULL);
    for (int o = 0; o < f->net->nb_output; o++) loss[o] = 0;
    for (int leaf = 0; leaf < f->nb_leaf; leaf++) {
        dcpg_net_loss(f->net, &input, &targets, (dcpg_net_rows){f->data.row[leaf], f->data.row[leaf + 1]},
                      true, part);
        for (int o = 0; o < f->net->nb_output; o++) loss[o] += part[o] / (double)f->data.n;
    }
    dcpg_net_backward(f->net, &input, NULL);
}

static void check_losses(fixture *f, const double *loss, double *worst) {
    double *expected = values(f, "outputs/loss", DCPG_H5_F64, f->net->nb_output),
           *penalty = values(f, "adam/penalty", DCPG_H5_F64, 1);
    for (int o = 0; o < f->net->nb_output; o++)
        compare(f, "loss", f->net->output[o], fabs(loss[o] / expected[o] - 1), limit_loss, worst);
    compare(f, "penalty", "all weights", fabs(dcpg_net_penalty(f->net) / penalty[0] - 1), limit_loss, worst);
    dcpg_free(expected);
    dcpg_free(penalty);
}

static void check_fixture(const char *name, int nb_leaf) {
    fixture f;
    double loss[64], predictions = 0, losses = 0, gradients = 0, weights = 0, moving = 0, moves = 0,
                     after = 0;
    open_fixture(&f, name, nb_leaf);
    assert_int_equal(f.weights.n, f.net->nb_param);
    set_weights(&f);
    set_inputs(&f);
    float *before = dcpg_alloc(f.net->nb_value, sizeof *before);
    memcpy(before, f.net->params, f.net->nb_value * sizeof *before);
    predict(&f);
    check_predictions(&f, "predict/before", limit_predict, &predictions);
    int64_t steps = number(&f, "steps");
    for (int t = 1; t <= steps; t++) {
        train(&f, loss);
        if (t == 1) {
            check_predictions(&f, "predict/training", limit_predict, &predictions);
            check_losses(&f, loss, &losses);
            check_gradients(&f, &gradients);
            check_moves(&f, before, &moves);
        }
        net_adam_step(f.net, f.m, f.v, f.options[0], t);
    }
    int64_t compared = check_adam(&f, &weights, &moving);
    predict(&f);
    check_predictions(&f, "predict/after", limit_after, &after);
    print_message("%s, %d leaves: predictions %.1e, losses %.1e, gradients %.1e, first moves %.1e; after "
                  "Adam %d weights %.1e, moving statistics %.1e, predictions %.1e\n",
                  name, nb_leaf, predictions, losses, gradients, moves, (int)compared, weights, moving,
                  after);
    assert_true(compared > f.at[f.weights.n] / 4);
    int faults = f.faults;
    dcpg_free(before);
    close_fixture(&f);
    assert_int_equal(faults, 0);
}

static void with_one_leaf(void **state) { check_fixture(*state, 1); }
static void with_four_leaves(void **state) { check_fixture(*state, 4); }

int main(void) {
    enum { NB = sizeof names / sizeof *names };
    struct CMUnitTest tests[2 * NB];
    omp_set_num_threads(1); /* so little work that threads would only wait; other tests show that their number
                               changes no bits */
    for (int i = 0; i < NB; i++) {
        tests[2 * i] = (struct CMUnitTest){names[i], with_one_leaf, NULL, NULL, (void *)(uintptr_t)names[i]};
        tests[2 * i + 1] =
            (struct CMUnitTest){names[i], with_four_leaves, NULL, NULL, (void *)(uintptr_t)names[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
