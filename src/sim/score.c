/* SPDX-License-Identifier: MIT */
/* Accuracy and AUC of a predictor of the calls. */
#include "sim/sim.h"
#include <math.h>

void dcpg_sim_score_add(dcpg_sim_score *score, double p, bool call) {
    int bin = (int)(p * DCPG_SIM_BINS);
    score->count[call][bin < DCPG_SIM_BINS ? bin : DCPG_SIM_BINS - 1]++;
    score->n++;
    score->nb_right += (p >= .5) == call;
    score->expected_right += p >= .5 ? p : 1 - p;
}

/* Fraction of (methylated, unmethylated) pairs of calls in which the methylated one has the larger
 * probability; ties count half (Mann and Whitney). */
double dcpg_sim_score_auc(const dcpg_sim_score *score) {
    double won = 0;
    int64_t below = 0, methylated = 0;
    for (int b = 0; b < DCPG_SIM_BINS; b++) {
        won += (double)score->count[1][b] * ((double)below + .5 * (double)score->count[0][b]);
        below += score->count[0][b];
        methylated += score->count[1][b];
    }
    return below > 0 && methylated > 0 ? won / ((double)below * (double)methylated) : NAN;
}
