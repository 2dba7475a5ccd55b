/* SPDX-License-Identifier: MIT */
/* What Adam and LAMB do to every gradient. */
#ifndef DCPG_KERN_GRADIENT_H
#define DCPG_KERN_GRADIENT_H

#include "kern/vector.h"

#include <dcpg/kern.h>
#include <string.h>

/* The bits of infinity; those of every finite float without its sign are smaller. */
enum { KERN_INFINITE = 0x7F800000 };

/* The bits of a float without its sign: they order as the magnitudes do, with infinity and NaN above every
 * finite number. */
KERN_INLINE uint32_t kern_magnitude(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7FFFFFFFu;
}

/* A gradient with its penalty, scaled. */
KERN_INLINE float kern_full_gradient(const dcpg_adam_step *step, float grad, float w) {
    float sign = (w > 0.0f ? 1.0f : 0.0f) - (w < 0.0f ? 1.0f : 0.0f);
    return step->scale * (grad + (step->l1 * sign + 2.0f * step->l2 * w));
}

#endif
