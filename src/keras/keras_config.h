/* SPDX-License-Identifier: MIT */
/* Reads the "config" object of a Keras layer, of Keras 1 or 2. Private to the Keras reader. */
#ifndef DCPG_KERAS_KERAS_CONFIG_H
#define DCPG_KERAS_KERAS_CONFIG_H

#include <dcpg/graph.h>
#include <dcpg/status.h>

#include <jansson.h>
#include <stdint.h>

/* A layer's configuration. The first missing or wrong value is reported in `err`, and every value read after
 * it is a harmless default: callers read everything they need and then check `status`. Keys come in pairs,
 * the names of one setting in Keras 2 and in Keras 1; the second may be NULL. */
typedef struct keras_config {
    const char *origin, *layer; /* file and layer, for messages */
    const json_t *json;
    dcpg_status status;
    dcpg_err *err;
} keras_config;

/* Sets the error "<origin>: layer <layer>: ..." unless there is one already. */
void dcpg_keras_config_fail(keras_config *config, const char *fmt, ...) DCPG_PRINTF(2, 3);

enum { CONFIG_REQUIRED = -1 };

/* A whole number of at least 1, possibly as the only element of a list; `fallback` if it is null or missing,
 * unless that is CONFIG_REQUIRED. */
int64_t dcpg_keras_config_size(keras_config *config, const char *key2, const char *key1, int64_t fallback);
double dcpg_keras_config_number(keras_config *config, const char *key2, const char *key1, double fallback);
bool dcpg_keras_config_flag(keras_config *config, const char *key2, const char *key1, bool fallback);
/* `fallback` NULL: the value is required. */
const char *dcpg_keras_config_text(keras_config *config, const char *key2, const char *key1,
                                   const char *fallback);
dcpg_activation dcpg_keras_config_activation(keras_config *config, const char *key2, const char *key1,
                                             const char *fallback);

/* l1 and l2 of a regulariser; 0 if there is none. */
void dcpg_keras_config_penalty(keras_config *config, const char *key2, const char *key1, float *l1,
                               float *l2);
/* Settings that do not run here must be off: regularisers of strength 0, numbers 0, flags false, other
 * objects null. `keys` ends with NULL. */
void dcpg_keras_config_refuse(keras_config *config, const char *const keys[]);
/* The value of the key must be `expected` or missing. */
void dcpg_keras_config_expect(keras_config *config, const char *key2, const char *key1, const char *expected);

#endif
