/* SPDX-License-Identifier: MIT */
/* Between the files that read a Keras model's JSON. Private. */
#ifndef DCPG_KERAS_KERAS_JSON_H
#define DCPG_KERAS_KERAS_JSON_H

#include "keras/keras_config.h"

/* The JSON of a text, also of JSON within a JSON string; NULL, and DCPG_E_INPUT in `err`, where it is none.
 * json_decref. */
json_t *keras_json_load(const char *text, const char *origin, dcpg_err *err);

/* Reads a layer that is no container, wrapper or input: its kind and fields into `like` (which holds
 * defaults). `ndim`: axes of its input, that of samples included. Notes in config->status what cannot run
 * here, unknown classes among it. */
dcpg_kind keras_layer_read(keras_config *config, const char *class_name, int ndim, dcpg_glayer *like);

#endif
