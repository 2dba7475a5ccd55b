/* SPDX-License-Identifier: MIT */
/* Reads weights in the layout of Keras 3 (NAME.weights.h5), and recognises files of other kinds. Private. */
#ifndef DCPG_KERAS_KERAS3_H
#define DCPG_KERAS_KERAS3_H

#include <dcpg/h5.h>
#include <dcpg/keras.h>

/* The group that holds the layers in such a file; NULL: the file has another layout. */
const char *dcpg_keras3_root(dcpg_h5 *file);

/* Reads all weights of `graph`. Keras 3 does not write names of layers but numbers them per class ("conv1d",
 * "conv1d_1" ...), in the order of the model's JSON, `json` (NULL: the JSON that dcpg writes for the graph).
 * DCPG_E_INPUT if a weight is missing, left over or of another shape. */
dcpg_status dcpg_keras3_read(dcpg_h5 *file, const char *json, const dcpg_graph *graph,
                             const dcpg_weights *weights, dcpg_err *err);

/* DCPG_E_INPUT if a file or folder is a model of another kind (.keras, SavedModel, PyTorch, ONNX and others);
 * the message names the kind and a remedy. Local. */
dcpg_status dcpg_keras_refuse_foreign(const char *path, dcpg_err *err);

/* Whether a file is HDF5, by its first bytes. Local. */
bool dcpg_keras_is_hdf5(const char *path);

#endif
