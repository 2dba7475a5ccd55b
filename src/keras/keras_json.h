/* SPDX-License-Identifier: MIT */
/* Declarations shared by the files that read a Keras model's JSON. Private. */
#ifndef DCPG_KERAS_KERAS_JSON_H
#define DCPG_KERAS_KERAS_JSON_H

#include "keras/keras_config.h"

/* Parses JSON, or JSON inside a JSON string. NULL, with DCPG_E_INPUT in `err`, if the text is not JSON. Free
 * with json_decref. */
json_t *dcpg_keras_json_load(const char *text, const char *origin, dcpg_err *err);

/* Reads a layer that is no container, wrapper or input: returns its kind and sets its fields in `like`, which
 * holds the defaults. `ndim`: axes of its input, including that of the samples. Sets config->status if the
 * layer cannot run here, also if its class is unknown. */
dcpg_kind dcpg_keras_layer_read(keras_config *config, const char *class_name, int ndim, dcpg_glayer *like);

#endif
