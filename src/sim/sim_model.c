/* SPDX-License-Identifier: MIT */
/* The model of dcpg/simulate.h: how methylated each cell is at each site. */
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <math.h>

/* Logit by CpG density: without noise, 98 % of the sites outside islands and 5 % of those in islands are
 * methylated; between them is a slope around island_density CpGs, island_width wide. */
static const double open_logit = 4, island_effect = -7, island_density = 22, island_width = 3;

/* Noise of the logit that cells of a cluster share, over 20 kb (domains), and that each cell has for itself,
 * over 600 bp (what neighbouring sites of one cell tell about each other). The standard deviations
 * are so large that a model needs neighbours besides DNA. */
static const double cluster_sd = 1.5, cell_sd = 2;
enum { CLUSTER_SPACING = 20000, CELL_SPACING = 600 };

/* Expected values over the noise are tabulated by logit. No sum of effects reaches -TABLE_REACH or
 * TABLE_REACH; 64 values per unit make linear interpolation exact to 3e-6, as |sigmoid''| < 0.1. */
enum { TABLE_PER_UNIT = 64, TABLE_REACH = 24, TABLE_SIZE = 2 * TABLE_REACH * TABLE_PER_UNIT + 1 };

/* Steps of the trapezoidal rule, to 8 standard deviations on each side. */
static const double rule_step = .05;
enum { RULE_STEPS = 160 };

enum { NB_DENSITY = UINT8_MAX + 1 };

struct dcpg_sim_model {
    double density[NB_DENSITY];  /* logit by CpGs within DCPG_SIM_DENSITY_RANGE bp */
    double expected[TABLE_SIZE]; /* of sigmoid(a + noise), for a from -TABLE_REACH */
    double *motifs;              /* [nb_cluster][2^nb_motif] effect of the motifs in range */
};

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Mean of sigmoid(a + sd z) over a standard normal z, by the trapezoidal rule, whose error for so smooth a
 * function is far below rounding. */
static double expect_sigmoid(double a, double sd) {
    double sum = 0, weights = 0;
    for (int i = -RULE_STEPS; i <= RULE_STEPS; i++) {
        double z = i * rule_step, weight = exp(-z * z / 2);
        sum += weight * sigmoid(a + sd * z);
        weights += weight;
    }
    return sum / weights;
}

dcpg_status dcpg_sim_model_new(const dcpg_sim *sim, struct dcpg_sim_model **model, dcpg_err *err) {
    size_t nb_set = (size_t)1 << sim->nb_motif, nb_cluster = (size_t)sim->options->nb_cluster;
    struct dcpg_sim_model *m = *model = dcpg_alloc(1, sizeof *m);
    if (m) m->motifs = dcpg_alloc(nb_cluster * nb_set, sizeof *m->motifs);
    if (!m || !m->motifs) return dcpg_fail_nomem(err, "the model", nb_cluster * nb_set * sizeof *m->motifs);
    for (int n = 0; n < NB_DENSITY; n++)
        m->density[n] = open_logit + island_effect * sigmoid((n - island_density) / island_width);
    double sd = sqrt(cluster_sd * cluster_sd + cell_sd * cell_sd);
    for (int i = 0; i < TABLE_SIZE; i++)
        m->expected[i] = expect_sigmoid((double)i / TABLE_PER_UNIT - TABLE_REACH, sd);
    for (size_t k = 0; k < nb_cluster; k++) {
        for (size_t set = 0; set < nb_set; set++) {
            for (int i = 0; i < sim->nb_motif; i++) {
                if (set >> i & 1 && dcpg_sim_motif_acts(&sim->motif[i], (int64_t)k))
                    m->motifs[k * nb_set + set] += sim->motif[i].effect;
            }
        }
    }
    return DCPG_OK;
}

void dcpg_sim_model_free(struct dcpg_sim_model *model) {
    if (model) dcpg_free(model->motifs);
    dcpg_free(model);
}

/* Logit of methylation from the DNA around a site. */
static double dna_logit(const dcpg_sim *sim, int64_t cluster, int64_t site) {
    const struct dcpg_sim_model *m = sim->model;
    return m->density[sim->sites.density[site]] +
           m->motifs[(cluster << sim->nb_motif) + sim->sites.motifs[site]];
}

/* Probability of a methylated call, given that of a methylated state. */
static double with_noise(const dcpg_sim *sim, double p) {
    return sim->options->noise + (1 - 2 * sim->options->noise) * p;
}

double dcpg_sim_p_dna(const dcpg_sim *sim, int64_t cluster, int64_t site) {
    double x = (dna_logit(sim, cluster, site) + TABLE_REACH) * TABLE_PER_UNIT;
    if (x < 0) x = 0;
    if (x > TABLE_SIZE - 2) x = TABLE_SIZE - 2;
    int i = (int)x;
    const double *expected = sim->model->expected + i;
    return with_noise(sim, expected[0] + (x - i) * (expected[1] - expected[0]));
}

dcpg_sim_track dcpg_sim_track_new(const dcpg_sim *sim, int part, int64_t cell) {
    const char *chromo = sim->part[part].chromo;
    uint64_t seed = sim->options->seed;
    int64_t cluster = cell % sim->options->nb_cluster;
    return (dcpg_sim_track){
        .sim = sim,
        .first = sim->part[part].first,
        .cluster = cluster,
        .stream = dcpg_sim_stream(DCPG_SIM_CALLS, chromo, cell),
        .cluster_wave =
            dcpg_sim_wave_new(seed, dcpg_sim_stream(DCPG_SIM_CLUSTER, chromo, cluster), CLUSTER_SPACING),
        .cell_wave = dcpg_sim_wave_new(seed, dcpg_sim_stream(DCPG_SIM_CELL, chromo, cell), CELL_SPACING),
    };
}

dcpg_sim_truth dcpg_sim_at(dcpg_sim_track *track, int64_t site, double keep) {
    const dcpg_sim *sim = track->sim;
    uint64_t seed = sim->options->seed;
    int64_t pos = sim->sites.pos[site];
    /* A site's draws are addressed by its number, so that any part of a cell can be computed again. */
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)(site - track->first), 0, (uint32_t)track->stream,
                                 (uint32_t)(track->stream >> 32)};
    uint32_t draw[4];
    dcpg_philox(key, counter, draw);
    double logit = dna_logit(sim, track->cluster, site) +
                   cluster_sd * dcpg_sim_wave_at(&track->cluster_wave, pos) +
                   cell_sd * dcpg_sim_wave_at(&track->cell_wave, pos);
    double p = sigmoid(logit);
    bool state = draw[0] * 0x1p-32 < p, wrong = draw[1] * 0x1p-32 < sim->options->noise;
    return (dcpg_sim_truth){.p_call = with_noise(sim, p),
                            .state = state,
                            .call = state != wrong,
                            .seen = draw[2] * 0x1p-32 < keep};
}
