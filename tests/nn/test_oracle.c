/* SPDX-License-Identifier: MIT */
/* Predictions, losses, gradients and Adam steps of models from another program: reference results in
 * DCPG_SHARED/oracle/keras (its README describes the files). */
#include "case.h"
#include "net_adam.h"

#include <dcpg/h5.h>

#include <math.h>

enum { NB_STEP = 3 };

static const char *const names[] = {"CnnL1h128", "CnnL2h128",   "CnnRnn01", "FcAvg",  "RnnL1",
                                    "RnnL2",     "JointL1h512", "ResNet01", "Outputs"};

typedef struct oracle {
    const char *name;
    dcpg_h5 *results, *weights;
    dcpg_strings layers, outputs; /* in the weights file */
    dcpg_graph *graph;
    dcpg_net *net;
    int64_t n;
    uint8_t *dna;
    float *cpg, *label, *output_weight, *class_weight;
    int64_t row[3]; /* two leaves */
    float *m, *v;
} oracle;

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* ---- reading ---- */

static int64_t shape_size(dcpg_h5 *file, const char *path, dcpg_h5_shape *shape) {
    dcpg_err err = {0};
    ok(dcpg_h5_shape_of(file, path, shape, &err), &err);
    int64_t size = 1;
    for (int i = 0; i < shape->ndim; i++) size *= shape->dim[i];
    return size;
}

/* A dataset as floats; dcpg_free. */
static float *read_floats(dcpg_h5 *file, const char *path, int64_t *size) {
    dcpg_h5_shape shape;
    dcpg_err err = {0};
    *size = shape_size(file, path, &shape);
    float *values = dcpg_alloc((size_t)*size, sizeof *values);
    ok(dcpg_h5_read(file, path, DCPG_H5_F32, NULL, values, &err), &err);
    return values;
}

static void read_inputs(oracle *o) {
    dcpg_h5_shape shape;
    dcpg_err err = {0};
    if (dcpg_h5_exists(o->results, "inputs/dna")) {
        int64_t size = shape_size(o->results, "inputs/dna", &shape);
        o->n = shape.dim[0];
        o->dna = dcpg_alloc((size_t)size, 1);
        ok(dcpg_h5_read(o->results, "inputs/dna", DCPG_H5_U8, NULL, o->dna, &err), &err);
    }
    if (!dcpg_h5_exists(o->results, "inputs/cpg/state")) return;
    int64_t size = shape_size(o->results, "inputs/cpg/state", &shape), wlen = shape.dim[2];
    float *state = read_floats(o->results, "inputs/cpg/state", &size),
          *dist = read_floats(o->results, "inputs/cpg/dist", &size);
    o->n = shape.dim[0];
    o->cpg = dcpg_alloc(2 * (size_t)size, sizeof *o->cpg);
    dcpg_copy_columns(size / wlen, wlen, (dcpg_mat){state, wlen, 1}, (dcpg_mat_out){o->cpg, 2 * wlen, 1},
                      false);
    dcpg_copy_columns(size / wlen, wlen, (dcpg_mat){dist, wlen, 1},
                      (dcpg_mat_out){o->cpg + wlen, 2 * wlen, 1}, false);
    dcpg_free(state);
    dcpg_free(dist);
}

static const char *path_of(char path[512], const char *group, const char *name) {
    snprintf(path, 512, "%s/%s", group, name);
    return path;
}

static void read_outputs(oracle *o) {
    size_t outputs = (size_t)o->net->nb_output;
    o->label = dcpg_alloc((size_t)o->n * outputs, sizeof(float));
    o->output_weight = dcpg_alloc(outputs, sizeof(float));
    o->class_weight = dcpg_alloc(outputs * DCPG_MAX_CLASSES, sizeof(float));
    for (size_t i = 0; i < outputs; i++) {
        char path[512];
        int64_t size;
        float *values = read_floats(o->results, path_of(path, "labels", o->net->output[i]), &size);
        assert_int_equal(size, o->n);
        for (int64_t j = 0; j < o->n; j++) o->label[j * (int64_t)outputs + (int64_t)i] = values[j];
        dcpg_free(values);
        o->output_weight[i] = 1;
        if (!dcpg_h5_exists(o->results, path_of(path, "class_weights", o->net->output[i]))) continue;
        values = read_floats(o->results, path, &size);
        memcpy(o->class_weight + i * DCPG_MAX_CLASSES, values, (size_t)size * sizeof *values);
        dcpg_free(values);
    }
}

/* Width of an input in the file: dimension `dim` of dataset `path`; 0 if there is no such dataset. */
static int64_t width(const oracle *o, const char *path, int dim) {
    dcpg_h5_shape shape;
    if (!dcpg_h5_exists(o->results, path)) return 0;
    shape_size(o->results, path, &shape);
    return shape.dim[dim];
}

/* Builds the graph from the zoo, by the name in the file: "JointL1h512_CnnL1h128_FcAvg". */
static void build_graph(oracle *o) {
    dcpg_err err = {0};
    char *text, *rest = NULL, path[512];
    ok(dcpg_h5_read_attr_string(o->results, "/", "model", &text, &err), &err);
    ok(dcpg_h5_read_attr_strings(o->weights, "/", "layer_names", &o->layers, &err), &err);
    for (size_t i = 0; i < o->layers.n; i++)
        if (dcpg_h5_exists(o->results, path_of(path, "labels", o->layers.v[i])))
            ok(dcpg_strings_add(&o->outputs, o->layers.v[i], &err), &err);
    dcpg_model_options options = {.dna_wlen = width(o, "inputs/dna", 1),
                                  .cpg_wlen = width(o, "inputs/cpg/state", 2),
                                  .nb_cell = width(o, "inputs/cpg/state", 1),
                                  .outputs = &o->outputs,
                                  .l1 = 1e-4f,
                                  .l2 = 1e-4f};
    for (char *part = strtok_r(text, "_", &rest); part; part = strtok_r(NULL, "_", &rest)) {
        if (dcpg_zoo_find(DCPG_PART_DNA, part)) options.dna = part;
        if (dcpg_zoo_find(DCPG_PART_CPG, part)) options.cpg = part;
        if (dcpg_zoo_find(DCPG_PART_JOINT, part)) options.joint = part;
    }
    ok(dcpg_model_build(&options, &o->graph, &err), &err);
    dcpg_free(text);
}

/* ---- weights: LAYER/WEIGHT, as in the weights file ---- */

/* Path of weight w of a layer, relative to the layer's group. */
static dcpg_strings weight_names(oracle *o, int layer) {
    dcpg_strings list = {0};
    dcpg_err err = {0};
    ok(dcpg_h5_read_attr_strings(o->weights, o->graph->layer[layer].name, "weight_names", &list, &err), &err);
    return list;
}

typedef void visitor(oracle *o, const dcpg_param *param, const char *path);

/* Calls `visit` with every parameter and its path. */
static void each_weight(oracle *o, visitor *visit) {
    for (int i = 0; i < o->net->nb_param; i++) {
        const dcpg_param *param = &o->net->param[i];
        int w = 0;
        while (w < i && o->net->param[i - w - 1].layer == param->layer) w++;
        dcpg_strings list = weight_names(o, param->layer);
        char path[512];
        assert_true((size_t)w < list.n);
        snprintf(path, sizeof path, "%s/%s", o->graph->layer[param->layer].name, list.v[w]);
        visit(o, param, path);
        dcpg_strings_free(&list);
    }
}

static void load_weight(oracle *o, const dcpg_param *param, const char *path) {
    int64_t size;
    float *values = read_floats(o->weights, path, &size);
    assert_int_equal(size, param->size);
    dcpg_net_set(o->net, param, values);
    dcpg_free(values);
}

/* ---- comparing ---- */

/* Values of a tensor in the results: all, or every stride-th; absmax is that of the whole tensor. */
typedef struct sample {
    float *values;
    int64_t size, stride;
    float absmax;
} sample;

static sample read_sample(oracle *o, const char *group, const char *path) {
    char full[600];
    snprintf(full, sizeof full, "%s/%s", group, path);
    sample s;
    dcpg_err err = {0};
    s.values = read_floats(o->results, full, &s.size);
    ok(dcpg_h5_read_attr_i64(o->results, full, "stride", &s.stride, &err), &err);
    s.absmax = 0;
    for (int64_t i = 0; i < s.size; i++) s.absmax = fmaxf(s.absmax, fabsf(s.values[i]));
    return s;
}

/* Our value at place i of the sampled tensor, from an array of parameters or gradients. */
static float ours(const dcpg_param *param, const float *values, const sample *s, int64_t i) {
    return values[param_place(param, (size_t)(i * s->stride))];
}

static void check_gradient(oracle *o, const dcpg_param *param, const char *path) {
    if (param->weight.state) return;
    sample s = read_sample(o, "grads", path);
    assert_int_equal((param->size + (size_t)s.stride - 1) / (size_t)s.stride, s.size);
    /* Gradients of biases before batch norm are 0, up to rounding. */
    float scale = s.absmax > 1e-6f ? s.absmax : 1;
    for (int64_t i = 0; i < s.size; i++) {
        float difference = fabsf(ours(param, o->net->grads, &s, i) - s.values[i]);
        if (!(difference <= 1e-4f * scale))
            fail_msg("%s: gradient of %s[%d]: %g, not %g (largest %g)", o->name, path, (int)i,
                     (double)ours(param, o->net->grads, &s, i), (double)s.values[i], (double)s.absmax);
    }
    dcpg_free(s.values);
}

static int64_t compared, steps_compared;

static void check_stepped(oracle *o, const dcpg_param *param, const char *path) {
    sample s = read_sample(o, "adam/weights", path);
    sample least = {0}, gradient = {0};
    if (!param->weight.state) {
        least = read_sample(o, "adam/min_abs_grad", path);
        gradient = read_sample(o, "grads", path);
    }
    for (int64_t i = 0; i < s.size; i++) {
        compared++;
        /* Other gradients are partly rounding noise, which Adam turns into a whole step. */
        if (!param->weight.state && least.values[i] <= fmaxf(1e-5f, 1e-3f * gradient.absmax)) continue;
        steps_compared++;
        float difference = fabsf(ours(param, o->net->params, &s, i) - s.values[i]),
              most = param->weight.state ? 1e-5f * fmaxf(1, s.absmax) : 1e-6f;
        if (!(difference <= most))
            fail_msg("%s: %s[%d] after Adam: %.9g, not %.9g", o->name, path, (int)i,
                     (double)ours(param, o->net->params, &s, i), (double)s.values[i]);
    }
    dcpg_free(s.values);
    dcpg_free(least.values);
    dcpg_free(gradient.values);
}

static void check_predictions(oracle *o, const char *group) {
    for (int k = 0; k < o->net->nb_output; k++) {
        char path[512];
        int64_t size, stride, units = dcpg_output_kind_of(o->net->output[k]).units;
        float *values = read_floats(o->results, path_of(path, group, o->net->output[k]), &size);
        const float *p = dcpg_net_prediction(o->net, k, &stride);
        assert_int_equal(size, o->n * units);
        for (int64_t i = 0; i < size; i++) {
            float mine = p[i / units * stride + i % units];
            if (!(fabsf(mine - values[i]) <= 1e-5f))
                fail_msg("%s: %s[%d]: %g, not %g", o->name, path, (int)i, (double)mine, (double)values[i]);
        }
        dcpg_free(values);
    }
}

/* ---- running ---- */

static dcpg_input input_of(const oracle *o, const dcpg_leaves *leaves) {
    return (dcpg_input){.n = o->n, .n_global = o->n, .dna = o->dna, .cpg = o->cpg, .leaves = leaves};
}

/* Losses by output, each summed over both leaves and divided by the batch; gradients end up in node 0. */
static void train_step(oracle *o, double *loss) {
    dcpg_leaves leaves = {2, 0, 2, o->row};
    dcpg_input input = input_of(o, &leaves);
    dcpg_targets targets = {o->label, o->output_weight, o->class_weight};
    double part[64];
    dcpg_net_forward(o->net, &input, true, NULL);
    for (int k = 0; k < o->net->nb_output; k++) loss[k] = 0;
    for (int leaf = 0; leaf < 2; leaf++) {
        dcpg_net_loss(o->net, &input, &targets, (dcpg_net_rows){o->row[leaf], o->row[leaf + 1]}, true, part);
        for (int k = 0; k < o->net->nb_output; k++) loss[k] += part[k] / (double)o->n;
    }
    dcpg_net_backward(o->net, &input, NULL);
}

static void check_close(const oracle *o, const char *what, double mine, double reference, double tolerance) {
    if (!(fabs(mine - reference) <= tolerance * fmax(1, fabs(reference))))
        fail_msg("%s: %s: %.9g, not %.9g", o->name, what, mine, reference);
}

static void check_losses(const oracle *o, const double *loss) {
    for (int k = 0; k < o->net->nb_output; k++) {
        char path[512];
        int64_t size;
        float *values = read_floats(o->results, path_of(path, "train/loss", o->net->output[k]), &size);
        check_close(o, path, loss[k], (double)values[0], 1e-5);
        dcpg_free(values);
    }
}

/* Steps 1 to 3 and another forward pass; losses before each. */
static void check_adam(oracle *o) {
    int64_t size;
    double loss[64];
    float *data_loss = read_floats(o->results, "adam/loss_data", &size),
          *penalty = read_floats(o->results, "adam/loss_reg", &size);
    assert_int_equal(size, NB_STEP + 1);
    for (int t = 0; t < NB_STEP; t++) {
        double sum = 0;
        train_step(o, loss);
        for (int k = 0; k < o->net->nb_output; k++) sum += loss[k];
        check_close(o, "loss before an Adam step", sum, (double)data_loss[t], 1e-5);
        check_close(o, "penalty before an Adam step", dcpg_net_penalty(o->net), (double)penalty[t], 1e-5);
        net_adam_step(o->net, o->m, o->v, 1e-4, t + 1);
    }
    dcpg_free(data_loss);
    dcpg_free(penalty);
    each_weight(o, check_stepped);
    dcpg_input input = input_of(o, NULL);
    dcpg_net_forward(o->net, &input, false, NULL);
    check_predictions(o, "adam/predict");
}

static bool open_oracle(oracle *o, const char *name) {
    const char *shared = getenv("DCPG_SHARED");
    char path[512];
    dcpg_err err = {0};
    *o = (oracle){.name = name};
    snprintf(path, sizeof path, "%s/oracle/keras/%s.h5", shared ? shared : "../shared", name);
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    fclose(file);
    ok(dcpg_h5_open(path, NULL, &o->results, &err), &err);
    snprintf(path, sizeof path, "%s/oracle/keras/%s.weights.h5", shared ? shared : "../shared", name);
    ok(dcpg_h5_open(path, NULL, &o->weights, &err), &err);
    read_inputs(o);
    build_graph(o);
    o->row[1] = o->n / 2 - 1, o->row[2] = o->n;
    dcpg_net_options options = {.max_rows = o->n, .total = 2, .first = 0, .end = 2, .train = true};
    ok(dcpg_net_new(o->graph, &options, &o->net, &err), &err);
    read_outputs(o);
    o->m = dcpg_alloc(o->net->nb_trained, sizeof *o->m);
    o->v = dcpg_alloc(o->net->nb_trained, sizeof *o->v);
    return true;
}

static void close_oracle(oracle *o) {
    dcpg_h5_close(o->results);
    dcpg_h5_close(o->weights);
    dcpg_strings_free(&o->layers);
    dcpg_strings_free(&o->outputs);
    dcpg_net_free(o->net);
    dcpg_graph_free(o->graph);
    dcpg_free(o->dna);
    dcpg_free(o->cpg);
    dcpg_free(o->label);
    dcpg_free(o->output_weight);
    dcpg_free(o->class_weight);
    dcpg_free(o->m);
    dcpg_free(o->v);
}

/* Our graph has the reference's layers, in the same order and with the same names. */
static void check_layers(const oracle *o) {
    assert_int_equal(o->layers.n, o->graph->nb_layer);
    for (int i = 0; i < o->graph->nb_layer; i++) assert_string_equal(o->layers.v[i], o->graph->layer[i].name);
}

static void against_reference(void **state) {
    const char *name = *state;
    oracle o;
    if (!open_oracle(&o, name)) {
        print_message("%s: no reference results under DCPG_SHARED\n", name);
        skip();
    }
    double loss[64];
    check_layers(&o);
    each_weight(&o, load_weight);
    dcpg_input input = input_of(&o, NULL);
    dcpg_net_forward(o.net, &input, false, NULL);
    check_predictions(&o, "predict");
    train_step(&o, loss);
    check_predictions(&o, "train/predict");
    check_losses(&o, loss);
    each_weight(&o, check_gradient);
    each_weight(&o, load_weight); /* moving statistics have moved */
    check_adam(&o);
    print_message("%s: %d of %d values compared after Adam\n", name, (int)steps_compared, (int)compared);
    assert_true(steps_compared > compared / 4);
    compared = steps_compared = 0;
    close_oracle(&o);
}

int main(void) {
    enum { NB = sizeof names / sizeof *names };
    struct CMUnitTest tests[NB];
    for (int i = 0; i < NB; i++)
        tests[i] = (struct CMUnitTest){names[i], against_reference, NULL, NULL, (void *)(uintptr_t)names[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
