/* SPDX-License-Identifier: MIT */
/* Random numbers of the simulation: streams, exponential numbers and smooth noise. */
#include "sim/sim.h"
#include <math.h>

uint64_t dcpg_sim_stream(dcpg_sim_purpose purpose, const char *chromo, int64_t who) {
    return dcpg_mix(dcpg_mix((uint64_t)purpose, dcpg_hash(chromo)), (uint64_t)who);
}

double dcpg_sim_exponential(dcpg_rng *rng, double mean) {
    return -mean * log(1 - dcpg_rng_uniform(rng)); /* 1 - u is never 0 */
}

dcpg_sim_wave dcpg_sim_wave_new(uint64_t seed, uint64_t stream, int64_t spacing) {
    return (dcpg_sim_wave){.seed = seed, .stream = stream, .spacing = spacing, .knot = -1};
}

/* Draw number `knot` of the wave's stream. */
static double knot_value(const dcpg_sim_wave *wave, int64_t knot) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, wave->seed, wave->stream);
    rng.counter[0] = (uint32_t)knot;
    return dcpg_rng_normal(&rng);
}

double dcpg_sim_wave_at(dcpg_sim_wave *wave, int64_t pos) {
    int64_t knot = pos / wave->spacing;
    if (knot != wave->knot) {
        wave->left = wave->knot >= 0 && knot == wave->knot + 1 ? wave->right : knot_value(wave, knot);
        wave->right = knot_value(wave, knot + 1);
        wave->knot = knot;
    }
    double t = (double)(pos % wave->spacing) / (double)wave->spacing;
    return ((1 - t) * wave->left + t * wave->right) / sqrt((1 - t) * (1 - t) + t * t);
}
