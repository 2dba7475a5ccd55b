/* SPDX-License-Identifier: MIT */
/* Names and constants shared by the files that write Keras models. Private. */
#ifndef DCPG_KERAS_KERAS_NAMES_H
#define DCPG_KERAS_KERAS_NAMES_H

#include <dcpg/keras.h>

#include <string.h>

#define KERAS_VERSION "2.2.4" /* the version whose files we write */
#define KERAS_BACKEND "tensorflow"

/* The attribute model_config of a complete model; NULL when out of memory. Free with dcpg_free. */
char *dcpg_keras_model_config(const dcpg_graph *graph);

/* Like dcpg_weights_find, but looks at entry `first` first: files, graphs and nets hold weights in nearly the
 * same order, and there may be thousands. */
struct dcpg_weight_value *dcpg_keras_find_from(const dcpg_weights *weights, int first, const char *layer,
                                               const char *name);

/* The part of a name after the last '/'. */
static inline const char *keras_base_name(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Name of the wrapped layer; the wrapper's own name if the graph has none. */
static inline const char *keras_inner_name(const dcpg_glayer *layer) {
    return layer->inner ? layer->inner : keras_base_name(layer->name);
}

#endif
