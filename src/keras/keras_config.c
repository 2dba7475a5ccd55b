/* SPDX-License-Identifier: MIT */
/* Reads values from the "config" object of a Keras layer. */
#include "keras/keras_config.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void dcpg_keras_config_fail(keras_config *config, const char *fmt, ...) {
    if (config->status != DCPG_OK) return;
    char text[512];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    config->status =
        dcpg_fail(config->err, DCPG_E_INPUT, "%s: layer %s: %s", config->origin, config->layer, text);
}

/* The value under either name; NULL if it is null or missing. */
static const json_t *find(const keras_config *config, const char *key2, const char *key1) {
    const json_t *value = json_object_get(config->json, key2);
    if (!value && key1) value = json_object_get(config->json, key1);
    return json_is_null(value) ? NULL : value;
}

/* Like find; fails if the value is missing but required. */
static const json_t *need(keras_config *config, const char *key2, const char *key1, bool required) {
    const json_t *value = find(config, key2, key1);
    if (!value && required)
        dcpg_keras_config_fail(config, "%s%s%s is missing", key2, key1 ? " or " : "", key1 ? key1 : "");
    return value;
}

int64_t dcpg_keras_config_size(keras_config *config, const char *key2, const char *key1, int64_t fallback) {
    const json_t *value = need(config, key2, key1, fallback == CONFIG_REQUIRED);
    if (!value) return fallback == CONFIG_REQUIRED ? 1 : fallback;
    if (json_array_size(value) == 1) value = json_array_get(value, 0);
    double number = json_number_value(value);
    if (!json_is_number(value) || number < 1 || number > INT32_MAX || number != floor(number)) {
        dcpg_keras_config_fail(config, "%s must be a whole number above 0", key2);
        return 1;
    }
    return (int64_t)number;
}

double dcpg_keras_config_number(keras_config *config, const char *key2, const char *key1, double fallback) {
    const json_t *value = find(config, key2, key1);
    if (!value) return fallback;
    if (json_array_size(value) == 1) value = json_array_get(value, 0); /* an axis */
    if (!json_is_number(value)) dcpg_keras_config_fail(config, "%s must be a number", key2);
    return json_number_value(value);
}

bool dcpg_keras_config_flag(keras_config *config, const char *key2, const char *key1, bool fallback) {
    const json_t *value = find(config, key2, key1);
    if (!value) return fallback;
    if (!json_is_boolean(value)) dcpg_keras_config_fail(config, "%s must be true or false", key2);
    return json_is_true(value);
}

const char *dcpg_keras_config_text(keras_config *config, const char *key2, const char *key1,
                                   const char *fallback) {
    const json_t *value = need(config, key2, key1, fallback == NULL);
    if (value && !json_is_string(value)) dcpg_keras_config_fail(config, "%s must be a string", key2);
    return json_is_string(value) ? json_string_value(value) : fallback ? fallback : "";
}

dcpg_activation dcpg_keras_config_activation(keras_config *config, const char *key2, const char *key1,
                                             const char *fallback) {
    static const dcpg_activation known[] = {DCPG_LINEAR,       DCPG_RELU, DCPG_SIGMOID,
                                            DCPG_HARD_SIGMOID, DCPG_TANH, DCPG_SOFTMAX};
    const char *name = dcpg_keras_config_text(config, key2, key1, fallback);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, dcpg_activation_name(known[i])) == 0) return known[i];
    dcpg_keras_config_fail(
        config, "activation '%s' does not run here (linear, relu, sigmoid, hard_sigmoid, tanh, softmax do)",
        name);
    return DCPG_LINEAR;
}

/* The factors of a regulariser: {"class_name": "L1L2", "config": {"l1": .., "l2": ..}}, or in Keras 1
 * {"name": "L1L2Regularizer", "l1": .., "l2": ..}. False if it is anything else. */
static bool penalty_of(const json_t *value, double *l1, double *l2) {
    const json_t *inner = json_object_get(value, "config");
    const json_t *source = inner ? inner : value;
    const json_t *one = json_object_get(source, "l1"), *two = json_object_get(source, "l2");
    *l1 = json_number_value(one);
    *l2 = json_number_value(two);
    return json_is_object(value) && (json_is_number(one) || json_is_number(two)) && *l1 >= 0 && *l2 >= 0;
}

void dcpg_keras_config_penalty(keras_config *config, const char *key2, const char *key1, float *l1,
                               float *l2) {
    const json_t *value = find(config, key2, key1);
    double one = 0, two = 0;
    if (value && !penalty_of(value, &one, &two))
        dcpg_keras_config_fail(config, "%s is not an l1 and l2 penalty", key2);
    *l1 = (float)one;
    *l2 = (float)two;
}

void dcpg_keras_config_refuse(keras_config *config, const char *const keys[]) {
    for (; *keys; keys++) {
        const json_t *value = find(config, *keys, NULL);
        double l1 = 0, l2 = 0;
        if (!value || (penalty_of(value, &l1, &l2) && l1 == 0 && l2 == 0)) continue;
        if ((json_is_number(value) && json_number_value(value) == 0) || json_is_false(value)) continue;
        dcpg_keras_config_fail(config, "%s does not work here", *keys);
    }
}

void dcpg_keras_config_expect(keras_config *config, const char *key2, const char *key1,
                              const char *expected) {
    const char *value = dcpg_keras_config_text(config, key2, key1, expected);
    if (strcmp(value, expected) != 0)
        dcpg_keras_config_fail(config, "%s '%s' does not run here, only '%s' does", key2, value, expected);
}
