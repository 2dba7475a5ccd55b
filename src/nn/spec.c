/* SPDX-License-Identifier: MIT */
/* The parser of model specifications (grammar in dcpg/spec.h). */
#include "nn/spec_impl.h"

#include <dcpg/kern.h>
#include <dcpg/spec.h>

#include <string.h>

/* The contents of a layer's brackets. */
typedef enum brackets { NO_BRACKETS, FILTERS, SIZE, RATE, STAGES } brackets;

typedef struct word {
    const char *name;
    dcpg_token_kind kind;
    brackets brackets;
    const char *options; /* one letter each: s stride, d dilation, p same, l linear, q seq */
    const char *example;
} word;

static const word words[] = {
    {"conv", DCPG_TOKEN_CONV, FILTERS, "sdpl", "conv[128@11] or conv[64@5,s=2,d=1,same,linear]"},
    {"bn", DCPG_TOKEN_BN, NO_BRACKETS, "", "conv[128@11]_bn_relu"},
    {"relu", DCPG_TOKEN_RELU, NO_BRACKETS, "", "conv[128@11]_bn_relu"},
    {"mp", DCPG_TOKEN_POOL, SIZE, "", "mp[4]"},
    {"pool", DCPG_TOKEN_POOL, SIZE, "", "pool[4]"},
    {"fc", DCPG_TOKEN_FC, SIZE, "l", "fc[128] or fc[128,linear]"},
    {"do", DCPG_TOKEN_DROPOUT, RATE, "", "do or do[0.25]"},
    {"gap", DCPG_TOKEN_MEAN, NO_BRACKETS, "", "gap"},
    {"flatten", DCPG_TOKEN_FLATTEN, NO_BRACKETS, "", "flatten"},
    {"gru", DCPG_TOKEN_GRU, SIZE, "q", "gru[256] or gru[256,seq]"},
    {"bgru", DCPG_TOKEN_BGRU, SIZE, "q", "bgru[256] or bgru[128,seq]"},
    {"resb", DCPG_TOKEN_RESB, STAGES, "", "resb[2x128|2x256|2x512|1x1024]"},
    {"resc", DCPG_TOKEN_RESC, STAGES, "", "resc[2x128|1x256|1x256|1x512]"},
    {"resa", DCPG_TOKEN_RESA, STAGES, "", "resa[3x128|3x256|3x512|1x1024]"},
};
enum { NB_WORD = sizeof words / sizeof *words };

static const char *const EXAMPLE = "conv[128@11]_mp[4]_fc[128]_do";

typedef struct reader {
    const char *text, *at;
    dcpg_err *err;
} reader;

static dcpg_status expected(const reader *in, const char *what, const char *example) {
    return dcpg_fail(in->err, DCPG_E_USAGE, "model \"%s\", column %d: expected %s, for example %s", in->text,
                     (int)(in->at - in->text) + 1, what, example);
}

static const word *find_word(const char *at) {
    for (int i = 0; i < NB_WORD; i++) {
        size_t length = strlen(words[i].name);
        if (strncmp(at, words[i].name, length) == 0 && strchr("[_", at[length])) return &words[i];
    }
    return NULL;
}

bool dcpg_spec_looks_like(const char *text) {
    return find_word(text) || strchr(text, '[') || strchr(text, '_');
}

static bool take(reader *in, const char *text) {
    size_t length = strlen(text);
    if (strncmp(in->at, text, length) != 0) return false;
    in->at += length;
    return true;
}

/* A whole number from 1 to 1000000. */
static dcpg_status take_number(reader *in, const char *what, const char *example, int64_t *value) {
    const char *at = in->at;
    *value = 0;
    for (; *at >= '0' && *at <= '9' && *value <= 1000000; at++) *value = 10 * *value + (*at - '0');
    if (*value < 1 || *value > 1000000) return expected(in, what, example);
    in->at = at;
    return DCPG_OK;
}

/* 0, or a decimal number below 1. */
static dcpg_status take_rate(reader *in, const char *example, float *rate) {
    char digits[32];
    size_t length = strspn(in->at, "0123456789.");
    double value = 2;
    if (length < sizeof digits) {
        memcpy(digits, in->at, length);
        digits[length] = '\0';
        if (!dcpg_parse_double(digits, &value)) value = 2;
    }
    if (!(value >= 0 && value < 1)) return expected(in, "a rate from 0 to below 1", example);
    in->at += length;
    *rate = (float)value;
    return DCPG_OK;
}

static dcpg_status take_stages(reader *in, const char *example, dcpg_token *token) {
    do {
        if (token->nb_stage == DCPG_MAX_STAGES)
            return expected(in, "] (there are at most 16 stages)", example);
        dcpg_stage *stage = &token->stage[token->nb_stage++];
        const char *number = in->at;
        DCPG_TRY(take_number(in, "a number of units", example, &stage->nb_unit));
        if (stage->nb_unit > (token->kind == DCPG_TOKEN_RESA
                                  ? 20
                                  : 99)) { /* dilation doubles with each unit; names have two digits */
            in->at = number;
            return expected(in,
                            token->kind == DCPG_TOKEN_RESA ? "at most 20 units in a stage"
                                                           : "at most 99 units in a stage",
                            example);
        }
        if (!take(in, "x")) return expected(in, "x and a width", example);
        DCPG_TRY(take_number(in, "a width", example, &stage->width));
        if (token->kind != DCPG_TOKEN_RESC && stage->width % 4 != 0)
            return expected(in, "a width that 4 divides", example);
    } while (take(in, "|"));
    return DCPG_OK;
}

static dcpg_status take_option(reader *in, const word *kind, dcpg_token *token) {
    bool s = strchr(kind->options, 's'), d = strchr(kind->options, 'd');
    if (s && take(in, "s=")) return take_number(in, "a stride", kind->example, &token->stride);
    if (d && take(in, "d=")) return take_number(in, "a dilation", kind->example, &token->dilation);
    if (strchr(kind->options, 'p') && take(in, "same")) return token->same = true, DCPG_OK;
    if (strchr(kind->options, 'l') && take(in, "linear")) return token->linear = true, DCPG_OK;
    if (strchr(kind->options, 'q') && take(in, "seq")) return token->sequences = true, DCPG_OK;
    return expected(in, "an option of this layer", kind->example);
}

static dcpg_status take_brackets(reader *in, const word *kind, dcpg_token *token) {
    if (kind->brackets == NO_BRACKETS || (kind->brackets == RATE && *in->at != '[')) return DCPG_OK;
    if (!take(in, "[")) return expected(in, "[", kind->example);
    switch (kind->brackets) {
    case FILTERS:
        DCPG_TRY(take_number(in, "a number of filters", kind->example, &token->units));
        if (!take(in, "@")) return expected(in, "@ and the length of the filters", kind->example);
        DCPG_TRY(take_number(in, "the length of the filters", kind->example, &token->k));
        break;
    case SIZE:
        DCPG_TRY(take_number(in, kind->kind == DCPG_TOKEN_POOL ? "a pool size" : "a number of units",
                             kind->example, &token->units));
        if (kind->kind == DCPG_TOKEN_POOL && token->units > 255)
            return expected(in, "a pool size of at most 255", kind->example);
        break;
    case RATE:
        DCPG_TRY(take_rate(in, kind->example, &token->rate));
        break;
    case STAGES:
        DCPG_TRY(take_stages(in, kind->example, token));
        break;
    case NO_BRACKETS:
        break;
    }
    while (*kind->options && take(in, ",")) DCPG_TRY(take_option(in, kind, token));
    return take(in, "]") ? DCPG_OK
                         : expected(in, *kind->options ? "] or an option after a comma" : "]", kind->example);
}

static dcpg_status take_token(reader *in, dcpg_token *token) {
    const word *kind = find_word(in->at);
    if (!kind)
        return expected(
            in, "a layer (conv, bn, relu, mp, fc, do, gap, flatten, gru, bgru, resb, resc or resa)", EXAMPLE);
    *token = (dcpg_token){
        .kind = kind->kind, .column = (int)(in->at - in->text) + 1, .stride = 1, .dilation = 1, .rate = -1};
    in->at += strlen(kind->name);
    return take_brackets(in, kind, token);
}

dcpg_status dcpg_spec_parse(const char *text, dcpg_spec *spec, dcpg_err *err) {
    reader in = {text, text, err};
    spec->text = text;
    spec->nb_token = 0;
    if (*text == '\0') return DCPG_OK;
    do {
        if (spec->nb_token == DCPG_MAX_TOKENS)
            return expected(&in, "the end (there are at most 256 layers)", EXAMPLE);
        DCPG_TRY(take_token(&in, &spec->token[spec->nb_token++]));
    } while (take(&in, "_"));
    return *in.at == '\0' ? DCPG_OK : expected(&in, "_ and the next layer, or the end", EXAMPLE);
}

dcpg_status dcpg_token_fail(const dcpg_spec *spec, const dcpg_token *token, dcpg_err *err, const char *what) {
    reader in = {spec->text, spec->text + (token ? token->column - 1 : (int)strlen(spec->text)), err};
    const char *example = EXAMPLE;
    for (int i = 0; token && i < NB_WORD; i++)
        if (words[i].kind == token->kind) example = words[i].example;
    return expected(&in, what, example);
}

bool dcpg_token_is_residual(const dcpg_token *token) {
    return token->kind == DCPG_TOKEN_RESB || token->kind == DCPG_TOKEN_RESC || token->kind == DCPG_TOKEN_RESA;
}

bool dcpg_token_has_relu(const dcpg_spec *spec, int index) {
    const dcpg_token *token = &spec->token[index];
    if ((token->kind != DCPG_TOKEN_CONV && token->kind != DCPG_TOKEN_FC) || token->linear) return false;
    return index + 1 == spec->nb_token || spec->token[index + 1].kind != DCPG_TOKEN_BN;
}

int64_t dcpg_token_steps(const dcpg_token *token, int64_t t) {
    dcpg_conv conv = {
        .t_in = t, .c = 1, .f = 1, .k = token->k, .stride = token->stride, .dilation = token->dilation};
    switch (token->kind) {
    case DCPG_TOKEN_CONV:
        dcpg_conv_shape(&conv, token->same);
        return conv.t_out > 0 ? conv.t_out : -1;
    case DCPG_TOKEN_POOL:
        return t >= token->units ? t / token->units : -1;
    case DCPG_TOKEN_RESB:
    case DCPG_TOKEN_RESC:
    case DCPG_TOKEN_RESA:
        for (int i = 0; i < token->nb_stage; i++) t = (t + 1) / 2;
        return t;
    case DCPG_TOKEN_FC:
    case DCPG_TOKEN_MEAN:
    case DCPG_TOKEN_FLATTEN:
        return 0;
    case DCPG_TOKEN_GRU:
    case DCPG_TOKEN_BGRU:
        return token->sequences ? t : 0;
    default:
        return t;
    }
}

/* Whether every layer that works on steps gets enough of them. */
static bool long_enough(const dcpg_spec *spec, int64_t wlen) {
    int64_t t = wlen;
    for (int i = 0; i < spec->nb_token && t > 0; i++) t = dcpg_token_steps(&spec->token[i], t);
    return t >= 0;
}

dcpg_status dcpg_spec_min_wlen(const char *text, int64_t *wlen, dcpg_err *err) {
    dcpg_spec spec;
    DCPG_TRY(dcpg_spec_parse(text, &spec, err));
    int64_t high = 1; /* window 2 high + 1 is long enough, 2 low + 1 is not */
    int64_t low = -1;
    while (!long_enough(&spec, 2 * high + 1)) {
        if (high > INT64_C(1) << 40)
            return dcpg_fail(err, DCPG_E_USAGE, "model \"%s\": no window is long enough for it", text);
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        *(long_enough(&spec, 2 * middle + 1) ? &high : &low) = middle;
    }
    *wlen = 2 * high + 1;
    return DCPG_OK;
}
