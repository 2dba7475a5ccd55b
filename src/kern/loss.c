/* SPDX-License-Identifier: MIT */
/* Losses of one output column, as Keras computes them: probabilities are clipped in float32, the rest is done
 * in double. */
#include <dcpg/kern.h>
#include <math.h>

/* The clip's ends in float32. The upper one is 0.99999988, so that a saturated wrong answer costs 15.94. */
static const float low = 1e-7f, high = 1.0f - 1e-7f;

static double clipped(float p) { return (double)(p < low ? low : p > high ? high : p); }

double dcpg_loss_bce(const dcpg_loss_column *in, float *dp) {
    const float *p = in->p, *y = in->y, *weight = in->weight;
    int64_t n = in->n, stride = in->stride;
    float scale = in->scale;
    double loss = 0.0;
    for (int64_t i = 0; i < n; i++) {
        float raw = p[i * stride];
        double q = clipped(raw), label = (double)y[i], w = (double)weight[i];
        loss -= w * (label * log(q) + (1.0 - label) * log1p(-q));
        if (dp != NULL)
            dp[i * stride] =
                raw < low || raw > high ? 0.0f : (float)((double)scale * w * (q - label) / (q * (1.0 - q)));
    }
    return loss;
}

double dcpg_loss_mse(const dcpg_loss_column *in, float *dp) {
    const float *p = in->p, *y = in->y, *weight = in->weight;
    int64_t n = in->n, stride = in->stride;
    float scale = in->scale;
    double loss = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)p[i * stride] - (double)y[i], w = (double)weight[i];
        loss += w * d * d;
        if (dp != NULL) dp[i * stride] = (float)((double)scale * w * 2.0 * d);
    }
    return loss;
}

double dcpg_loss_cce(const dcpg_loss_column *in, int64_t nb_class, float *dp) {
    const float *p = in->p, *y = in->y, *weight = in->weight;
    int64_t n = in->n, stride = in->stride;
    float scale = in->scale;
    double loss = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const float *row = p + i * stride;
        int64_t label = (int64_t)y[i];
        bool known = label >= 0 && label < nb_class;
        float sum = 0.0f;
        for (int64_t j = 0; j < nb_class; j++) sum += row[j];
        float raw = known ? row[label] / sum : 1.0f;
        double q = clipped(raw), w = (double)weight[i];
        if (known) loss -= w * log(q);
        for (int64_t j = 0; dp != NULL && j < nb_class; j++) {
            /* d/dp_j of -log(p_label / sum) */
            double g = (j == label ? -1.0 / q : 0.0) + 1.0;
            dp[i * stride + j] =
                known && raw >= low && raw <= high ? (float)((double)scale * w * g / (double)sum) : 0.0f;
        }
    }
    return loss;
}
