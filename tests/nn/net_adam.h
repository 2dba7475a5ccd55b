/* SPDX-License-Identifier: MIT */
/* Adam on the trainable parameters of a net, as the reference programs do it. */
#ifndef DCPG_TESTS_NET_ADAM_H
#define DCPG_TESTS_NET_ADAM_H

#include <dcpg/kern.h>
#include <dcpg/net.h>
#include <math.h>

/* Step t, from 1, with the gradients that the net holds; m and v like net->params. */
static inline void net_adam_step(dcpg_net *net, float *m, float *v, double learning_rate, int t) {
    double rate = learning_rate * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t));
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        dcpg_adam_step step = {.rate = (float)rate,
                               .beta1 = 0.9f,
                               .beta2 = 0.999f,
                               .epsilon = 1e-7f,
                               .l1 = p->l1,
                               .l2 = p->l2,
                               .scale = 1};
        for (size_t row = 0; p->trainable && row < p->size / p->row; row++) {
            size_t at = p->offset + row * p->stride;
            dcpg_adam_update(&step, p->row, net->grads + at, net->params + at, m + at, v + at);
        }
    }
}

#endif
