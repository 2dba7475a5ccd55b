/* SPDX-License-Identifier: MIT */
/* Translates the configurations of Keras layers, of Keras 2 and Keras 1, into graph layers. */
#include "keras/keras_json.h"

#include <string.h>

typedef dcpg_kind layer_reader(keras_config *config, int ndim, dcpg_glayer *like);

static const char *const weight_extras[] = {
    "bias_regularizer", "b_regularizer",   "activity_regularizer", "kernel_constraint",
    "W_constraint",     "bias_constraint", "b_constraint",         NULL};

static void read_weighted(keras_config *config, dcpg_glayer *like) {
    like->bias = dcpg_keras_config_flag(config, "use_bias", "bias", true);
    dcpg_keras_config_penalty(config, "kernel_regularizer", "W_regularizer", &like->l1, &like->l2);
    dcpg_keras_config_refuse(config, weight_extras);
}

static bool read_padding(keras_config *config) {
    const char *padding = dcpg_keras_config_text(config, "padding", "border_mode", "valid");
    bool same = strcmp(padding, "same") == 0;
    if (!same && strcmp(padding, "valid") != 0)
        dcpg_keras_config_fail(config, "padding '%s' does not run here (valid, same do)", padding);
    return same;
}

static dcpg_kind read_conv(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)ndim;
    like->units = dcpg_keras_config_size(config, "filters", "nb_filter", CONFIG_REQUIRED);
    like->k = dcpg_keras_config_size(config, "kernel_size", "filter_length", CONFIG_REQUIRED);
    like->stride = dcpg_keras_config_size(config, "strides", "subsample_length", 1);
    like->dilation = dcpg_keras_config_size(config, "dilation_rate", "atrous_rate", 1);
    like->same = read_padding(config);
    dcpg_keras_config_expect(config, "data_format", NULL, "channels_last");
    if (dcpg_keras_config_size(config, "groups", NULL, 1) != 1)
        dcpg_keras_config_fail(config, "a convolution in groups does not run here");
    like->activation = dcpg_keras_config_activation(config, "activation", NULL, "linear");
    read_weighted(config, like);
    return DCPG_CONV;
}

static dcpg_kind read_dense(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)ndim;
    like->units = dcpg_keras_config_size(config, "units", "output_dim", CONFIG_REQUIRED);
    like->activation = dcpg_keras_config_activation(config, "activation", NULL, "linear");
    read_weighted(config, like);
    return DCPG_DENSE;
}

static dcpg_kind read_activation(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)ndim;
    like->activation = dcpg_keras_config_activation(config, "activation", NULL, NULL);
    return DCPG_ACTIVATION;
}

static dcpg_kind read_scaled_sigmoid(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)ndim;
    double scaling = dcpg_keras_config_number(config, "scaling", NULL, 1);
    if (scaling < 0.2509999 || scaling > 0.2510001)
        dcpg_keras_config_fail(config, "a scaled sigmoid runs here with scaling 0.251 only, not %g", scaling);
    like->activation = DCPG_SCALED_SIGMOID;
    return DCPG_ACTIVATION;
}

static dcpg_kind read_max_pool(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)ndim;
    like->k = dcpg_keras_config_size(config, "pool_size", "pool_length", 2);
    if (dcpg_keras_config_size(config, "strides", "stride", like->k) != like->k)
        dcpg_keras_config_fail(config, "pooling runs here with strides equal to the pool size only");
    if (read_padding(config)) dcpg_keras_config_fail(config, "pooling runs here with padding 'valid' only");
    dcpg_keras_config_expect(config, "data_format", NULL, "channels_last");
    return DCPG_MAX_POOL;
}

static dcpg_kind read_mean(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)ndim, (void)like;
    dcpg_keras_config_expect(config, "data_format", NULL, "channels_last");
    return DCPG_MEAN;
}

static dcpg_kind read_flatten(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)ndim, (void)like;
    dcpg_keras_config_expect(config, "data_format", NULL, "channels_last");
    return DCPG_FLATTEN;
}

static dcpg_kind read_dropout(keras_config *config, int ndim, dcpg_glayer *like) {
    static const char *const extras[] = {"noise_shape", NULL};
    (void)ndim;
    like->rate = (float)dcpg_keras_config_number(config, "rate", "p", 0);
    dcpg_keras_config_refuse(config, extras);
    return DCPG_DROPOUT;
}

/* The axis must be the last of `ndim`. */
static void expect_last_axis(keras_config *config, const char *key2, const char *key1, int ndim) {
    double axis = dcpg_keras_config_number(config, key2, key1, -1);
    if (axis != -1 && axis != ndim - 1)
        dcpg_keras_config_fail(config, "it runs here along the last axis (%d) only, not %g", ndim - 1, axis);
}

static dcpg_kind read_batch_norm(keras_config *config, int ndim, dcpg_glayer *like) {
    static const char *const extras[] = {"gamma_regularizer", "beta_regularizer", "gamma_constraint",
                                         "beta_constraint", NULL};
    like->momentum = (float)dcpg_keras_config_number(config, "momentum", NULL, 0.99);
    like->epsilon = (float)dcpg_keras_config_number(config, "epsilon", NULL, 1e-3);
    if (!(like->momentum >= 0 && like->momentum <= 1 && like->epsilon > 0))
        dcpg_keras_config_fail(config, "momentum or epsilon is out of range");
    if (!dcpg_keras_config_flag(config, "center", NULL, true) ||
        !dcpg_keras_config_flag(config, "scale", NULL, true))
        dcpg_keras_config_fail(config, "batch normalisation runs here with center and scale only");
    double mode = dcpg_keras_config_number(config, "mode", NULL, 0);
    if (mode != 0 && mode != 2)
        dcpg_keras_config_fail(config, "batch normalisation of mode %g does not run here (0 and 2 do)", mode);
    expect_last_axis(config, "axis", NULL, ndim);
    dcpg_keras_config_refuse(config, extras);
    return DCPG_BATCH_NORM;
}

static dcpg_kind read_gru(keras_config *config, int ndim, dcpg_glayer *like) {
    static const char *const extras[] = {"recurrent_regularizer",
                                         "U_regularizer",
                                         "recurrent_constraint",
                                         "U_constraint",
                                         "dropout",
                                         "dropout_W",
                                         "recurrent_dropout",
                                         "dropout_U",
                                         "return_state",
                                         "stateful",
                                         "go_backwards",
                                         NULL};
    (void)ndim;
    like->units = dcpg_keras_config_size(config, "units", "output_dim", CONFIG_REQUIRED);
    if (dcpg_keras_config_activation(config, "activation", NULL, "tanh") != DCPG_TANH)
        dcpg_keras_config_fail(config, "a GRU runs here with activation tanh only");
    like->recurrent_activation =
        dcpg_keras_config_activation(config, "recurrent_activation", "inner_activation", "hard_sigmoid");
    if (like->recurrent_activation != DCPG_HARD_SIGMOID && like->recurrent_activation != DCPG_SIGMOID)
        dcpg_keras_config_fail(config,
                               "a GRU runs here with recurrent activation hard_sigmoid or sigmoid only");
    like->sequences = dcpg_keras_config_flag(config, "return_sequences", NULL, false);
    like->reset_after = dcpg_keras_config_flag(config, "reset_after", NULL, false);
    read_weighted(config, like);
    dcpg_keras_config_refuse(config, extras);
    return DCPG_GRU;
}

static dcpg_kind read_concat(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)like;
    expect_last_axis(config, "axis", "concat_axis", ndim);
    return DCPG_CONCAT;
}

static dcpg_kind read_add(keras_config *config, int ndim, dcpg_glayer *like) {
    (void)config, (void)ndim, (void)like;
    return DCPG_ADD;
}

/* Keras 1: one class for all ways to merge. */
static dcpg_kind read_merge(keras_config *config, int ndim, dcpg_glayer *like) {
    const char *mode = dcpg_keras_config_text(config, "mode", NULL, "sum");
    if (strcmp(mode, "concat") == 0) return read_concat(config, ndim, like);
    if (strcmp(mode, "sum") != 0)
        dcpg_keras_config_fail(config, "merging by '%s' does not run here (concat, sum do)", mode);
    return DCPG_ADD;
}

static const struct {
    const char *class_name;
    layer_reader *read;
} readers[] = {
    {"Conv1D", read_conv},
    {"Convolution1D", read_conv},
    {"AtrousConvolution1D", read_conv},
    {"Dense", read_dense},
    {"Activation", read_activation},
    {"ScaledSigmoid", read_scaled_sigmoid},
    {"MaxPooling1D", read_max_pool},
    {"GlobalAveragePooling1D", read_mean},
    {"Flatten", read_flatten},
    {"Dropout", read_dropout},
    {"BatchNormalization", read_batch_norm},
    {"GRU", read_gru},
    {"Concatenate", read_concat},
    {"Add", read_add},
    {"Merge", read_merge},
};

dcpg_kind dcpg_keras_layer_read(keras_config *config, const char *class_name, int ndim, dcpg_glayer *like) {
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(class_name, readers[i].class_name) == 0) return readers[i].read(config, ndim, like);
    dcpg_keras_config_fail(config, "a %s layer does not run here", class_name);
    return DCPG_ACTIVATION;
}
