/* SPDX-License-Identifier: MIT */
/* A parsed specification: one token per layer or residual block. */
#ifndef DCPG_NN_SPEC_IMPL_H
#define DCPG_NN_SPEC_IMPL_H

#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum dcpg_token_kind {
    DCPG_TOKEN_CONV,
    DCPG_TOKEN_BN,
    DCPG_TOKEN_RELU,
    DCPG_TOKEN_POOL,
    DCPG_TOKEN_FC,
    DCPG_TOKEN_DROPOUT,
    DCPG_TOKEN_MEAN,
    DCPG_TOKEN_FLATTEN,
    DCPG_TOKEN_GRU,
    DCPG_TOKEN_BGRU,
    DCPG_TOKEN_RESB, /* bottleneck units */
    DCPG_TOKEN_RESC, /* units of two convolutions */
    DCPG_TOKEN_RESA  /* bottleneck units with dilation 1, 2, 4 ... */
} dcpg_token_kind;

enum { DCPG_MAX_TOKENS = 256, DCPG_MAX_STAGES = 16 };

/* nb_unit residual units of width `width`. */
typedef struct dcpg_stage {
    int64_t nb_unit, width;
} dcpg_stage;

typedef struct dcpg_token {
    dcpg_token_kind kind;
    int column;       /* of its first letter in the text, 1-based */
    int64_t units, k; /* units: for pool, its size */
    int64_t stride, dilation;
    bool same, linear, sequences;
    float rate; /* of dropout; negative: the default */
    int nb_stage;
    dcpg_stage stage[DCPG_MAX_STAGES];
} dcpg_token;

typedef struct dcpg_spec {
    const char *text;
    int nb_token;
    dcpg_token token[DCPG_MAX_TOKENS];
} dcpg_spec;

/* Parses `text`, which must outlive `spec`. DCPG_E_USAGE names the column, what was expected there and an
 * example. Local. */
dcpg_status dcpg_spec_parse(const char *text, dcpg_spec *spec, dcpg_err *err);

/* Whether `text` looks like a specification rather than a name: it contains [ or _, or is the name of a
 * layer. Pure. */
bool dcpg_spec_looks_like(const char *text);

/* Number of steps after a token, from `t` steps before it (0: a vector, negative: too short). Pure. */
int64_t dcpg_token_steps(const dcpg_token *token, int64_t t);

/* Fails with DCPG_E_USAGE at a token: the column, `expected`, an example. token NULL: at the end of the
 * text. */
dcpg_status dcpg_token_fail(const dcpg_spec *spec, const dcpg_token *token, dcpg_err *err,
                            const char *expected);

/* Whether a token is a residual block. Pure. */
bool dcpg_token_is_residual(const dcpg_token *token);

/* Whether the token at `index` brings a ReLU of its own: a conv or fc that is not linear and not followed by
 * bn. Pure. */
bool dcpg_token_has_relu(const dcpg_spec *spec, int index);

#endif
