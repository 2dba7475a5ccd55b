/* SPDX-License-Identifier: MIT */
/* Reading the "config" object of a Keras layer, of either generation of Keras. Private to the Keras reader.
 */
#ifndef DCPG_KERAS_KERAS_CONFIG_H
#define DCPG_KERAS_KERAS_CONFIG_H

#include <dcpg/graph.h>
#include <dcpg/status.h>

#include <jansson.h>
#include <stdint.h>

/* A layer's configuration. The first value that is missing or wrong is noted in `err`, and everything read
 * after it is a harmless default: callers read all they need, then look at `status`. Keys come in pairs,
 * Keras 2's and Keras 1's name of the same thing; the second may be NULL. */
typedef struct keras_config {
    const char *origin, *layer; /* file and layer, for messages */
    const json_t *json;
    dcpg_status status;
    dcpg_err *err;
} keras_config;

/* Notes "<origin>: layer <layer>: ..."; the first note stays. */
void keras_config_fail(keras_config *config, const char *fmt, ...) DCPG_PRINTF(2, 3);

enum { CONFIG_REQUIRED = -1 };

/* A whole number (also the only element of a list) of at least 1; `fallback` where it is null or missing,
 * unless that is CONFIG_REQUIRED. */
int64_t keras_config_size(keras_config *config, const char *key2, const char *key1, int64_t fallback);
double keras_config_number(keras_config *config, const char *key2, const char *key1, double fallback);
bool keras_config_flag(keras_config *config, const char *key2, const char *key1, bool fallback);
/* `fallback` NULL: required. */
const char *keras_config_text(keras_config *config, const char *key2, const char *key1, const char *fallback);
dcpg_activation keras_config_activation(keras_config *config, const char *key2, const char *key1,
                                        const char *fallback);

/* l1 and l2 of a regulariser; 0 where there is none. */
void keras_config_penalty(keras_config *config, const char *key2, const char *key1, float *l1, float *l2);
/* Things that do not run here must be off: regularisers without weight, other objects null. `keys` ends with
 * NULL. */
void keras_config_refuse(keras_config *config, const char *const keys[]);
/* The value of `key` must be `expected` or missing. */
void keras_config_expect(keras_config *config, const char *key2, const char *key1, const char *expected);

#endif
