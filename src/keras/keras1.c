/* SPDX-License-Identifier: MIT */
/* Reads weights in the layout of Keras 1. */
#include "keras/keras_file.h"
#include "keras/keras_names.h"

#include <dcpg/memory.h>

#include <string.h>

/* Whether `array`, without TensorFlow's ":0", ends in `suffix`. */
static bool ends_in(const char *array, const char *suffix) {
    size_t length = strcspn(array, ":"), tail = strlen(suffix);
    return length >= tail && strncmp(array + length - tail, suffix, tail) == 0;
}

bool dcpg_keras1_is_named(const char *array, const char *weight) {
    static const char *const suffixes[][2] = {{"kernel", "_W"},
                                              {"recurrent_kernel", "_U"},
                                              {"bias", "_b"},
                                              {"gamma", "_gamma"},
                                              {"beta", "_beta"},
                                              {"moving_mean", "_running_mean"},
                                              /* called std, but it holds the variance */
                                              {"moving_variance", "_running_std"}};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(weight, suffixes[i][0]) == 0) return ends_in(array, suffixes[i][1]);
    return false;
}

dcpg_status dcpg_keras1_take_conv(keras_arrays *arrays, const int64_t shape[3], float *value) {
    const char *name = dcpg_keras_next(arrays);
    int64_t k = shape[0], c = shape[1], f = shape[2], usual[4] = {k, 1, c, f}, early[4] = {f, c, k, 1};
    dcpg_h5_shape found;
    DCPG_TRY(dcpg_keras_array_shape(arrays, name, &found));
    /* A shape that fits both (all extents 1) has the same layout in both. */
    bool is_early = found.ndim == 4 && memcmp(found.dim, early, sizeof early) == 0 &&
                    memcmp(found.dim, usual, sizeof usual) != 0;
    if (!is_early) return dcpg_keras_take(arrays, "kernel", 4, usual, value);
    size_t size = (size_t)(k * c * f);
    float *raw = dcpg_alloc(size, sizeof *raw);
    if (!raw) return dcpg_fail_nomem(arrays->err, "a convolution kernel", size * sizeof *raw);
    dcpg_status status = dcpg_keras_take(arrays, "kernel", 4, early, raw);
    for (int64_t o = 0; o < f && status == DCPG_OK; o++)
        for (int64_t i = 0; i < c; i++)
            for (int64_t j = 0; j < k; j++) value[(j * c + i) * f + o] = raw[(o * c + i) * k + j];
    dcpg_free(raw);
    return status;
}

bool dcpg_keras1_gates_next(const keras_arrays *arrays) {
    return dcpg_keras_next(arrays) && ends_in(dcpg_keras_next(arrays), "_W_z");
}

/* Takes the next array, whose name must end in `suffix`, as one gate of three: `columns` columns of rows with
 * 3 * columns; `out` points to the first of them in the first row. */
static dcpg_status take_gate(keras_arrays *arrays, const char *suffix, int64_t rows, int64_t columns,
                             float *scratch, float *out) {
    const char *name = dcpg_keras_next(arrays);
    const int64_t matrix[2] = {rows, columns};
    if (!name || !ends_in(name, suffix))
        return dcpg_fail(arrays->err, DCPG_E_INPUT, "%s: layer %s: expected an array *%s, found %s",
                         dcpg_h5_path(arrays->file), arrays->layer, suffix, name ? name : "none");
    /* the bias is a vector */
    if (rows == 1 && suffix[1] == 'b')
        DCPG_TRY(dcpg_keras_read_array(arrays, name, 1, matrix + 1, scratch));
    else
        DCPG_TRY(dcpg_keras_read_array(arrays, name, 2, matrix, scratch));
    arrays->next++;
    for (int64_t r = 0; r < rows; r++)
        memcpy(out + r * 3 * columns, scratch + r * columns, (size_t)columns * sizeof *out);
    return DCPG_OK;
}

dcpg_status dcpg_keras1_take_gates(keras_arrays *arrays, int64_t c, int64_t u, float *kernel,
                                   float *recurrent, float *bias) {
    static const char *const gates[3][3] = {
        {"_W_z", "_U_z", "_b_z"}, {"_W_r", "_U_r", "_b_r"}, {"_W_h", "_U_h", "_b_h"}};
    size_t size = (size_t)((c > u ? c : u) * u);
    float *scratch = dcpg_alloc(size, sizeof *scratch);
    dcpg_status status =
        scratch ? DCPG_OK : dcpg_fail_nomem(arrays->err, "a GRU's weights", size * sizeof *scratch);
    for (int g = 0; g < 3 && status == DCPG_OK; g++) {
        status = take_gate(arrays, gates[g][0], c, u, scratch, kernel + g * u);
        if (status == DCPG_OK) status = take_gate(arrays, gates[g][1], u, u, scratch, recurrent + g * u);
        if (status == DCPG_OK) status = take_gate(arrays, gates[g][2], 1, u, scratch, bias + g * u);
    }
    dcpg_free(scratch);
    return status;
}
