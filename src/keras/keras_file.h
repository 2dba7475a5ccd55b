/* SPDX-License-Identifier: MIT */
/* Reads weights from the HDF5 files of Keras 1 and 2. Private. */
#ifndef DCPG_KERAS_KERAS_FILE_H
#define DCPG_KERAS_KERAS_FILE_H

#include <dcpg/h5.h>
#include <dcpg/keras.h>

/* The origin of a weights file, as found in it or concluded from it. */
typedef struct keras_origin {
    bool keras1;        /* weight names of Keras 1 */
    bool names_backend; /* it names the back end that wrote it */
    bool theano;        /* convolution kernels were flipped */
    bool keras3;        /* Keras 3's layout, keras3.h; nothing else is set then */
} keras_origin;

/* A weights file, and what else is known of it. */
typedef struct keras_weights_file {
    const char *path;
    const char *json;    /* of its model; NULL: not known */
    const char *backend; /* as in dcpg_keras_read_weights */
} keras_weights_file;

/* Like dcpg_keras_read_weights, and reports the file's origin. */
dcpg_status dcpg_keras_read_weights_of(const keras_weights_file *from, const dcpg_graph *graph,
                                       dcpg_weights *weights, keras_origin *origin, dcpg_err *err);

/* keras_data.c: writes cells, outputs and untrained outputs of a graph as attributes of the root. */
dcpg_status dcpg_keras_write_data(dcpg_h5 *file, const dcpg_graph *graph, dcpg_err *err);

/* keras_data.c: sets graph->untrained from the weights, and graph->cells from them or the file beside
 * model.json (`json`, may be NULL). DCPG_E_INPUT if both name cells and differ, or if their number is not
 * that of the graph. */
dcpg_status dcpg_keras_read_data(const char *json, const char *weights, dcpg_graph *graph, dcpg_err *err);

/* keras_data.c: gives rank 0's graph->cells and graph->untrained to all ranks. Collective. */
dcpg_status dcpg_keras_spread_data_all(const dcpg_par *par, dcpg_graph *graph, dcpg_err *err);

/* The arrays of one Keras layer, to be taken one after the other. */
typedef struct keras_arrays {
    dcpg_h5 *file;
    const char *group, *layer; /* HDF5 group and Keras name of the layer */
    dcpg_strings names;        /* names of its arrays, in the file's order */
    size_t next;
    dcpg_err *err;
} keras_arrays;

/* Whether `array` is Keras 1's name ("dense_1_W") for `weight` ("kernel", "bias" ...). */
bool dcpg_keras1_is_named(const char *array, const char *weight);

/* Takes the next array as `weight` with `shape`; its name and shape are checked. */
dcpg_status dcpg_keras_take(keras_arrays *arrays, const char *weight, int ndim, const int64_t *shape,
                            float *value);

/* The next array's name; NULL at the end. */
const char *dcpg_keras_next(const keras_arrays *arrays);

/* Keras 1: takes a convolution kernel [k][1][in][out] (or [out][in][k][1], from the first versions) as
 * [k][in][out]. */
dcpg_status dcpg_keras1_take_conv(keras_arrays *arrays, const int64_t shape[3], float *value);

/* Whether the next array is the first of the nine that Keras 1 writes for a GRU (W, U, b for z, r, h). */
bool dcpg_keras1_gates_next(const keras_arrays *arrays);

/* Takes these nine arrays as kernel [c][3u], recurrent [u][3u], bias [3u]. */
dcpg_status dcpg_keras1_take_gates(keras_arrays *arrays, int64_t c, int64_t u, float *kernel,
                                   float *recurrent, float *bias);

/* Reads array `name` of the layer, whose shape must be `shape`, without moving on to the next array. */
dcpg_status dcpg_keras_read_array(keras_arrays *arrays, const char *name, int ndim, const int64_t *shape,
                                  float *value);
/* The shape of array `name`; DCPG_E_INPUT if it is missing. */
dcpg_status dcpg_keras_array_shape(keras_arrays *arrays, const char *name, dcpg_h5_shape *shape);

#endif
