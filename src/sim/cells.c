/* SPDX-License-Identifier: MIT */
/* Draws the cells: which sites the reads of each cover, the calls, and how well these can be predicted at
 * best. */
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

/* Mean length of a stretch that reads cover, bp: the calls of a single cell come in clumps. */
static const double clump_length = 500;

/* A covered stretch shows most of its sites, not all: least_shown + (1 - least_shown) * c of them in a cell
 * of coverage c, so that with coverage 1 all are seen. */
static const double least_shown = .8;

/* Coverages are drawn this much (of the distance between the bounds) inside of the bounds, because chance
 * adds to them. */
static const double coverage_margin = .05;

enum { PROGRESS_CELLS = 100 }; /* progress is reported after every so many cells */

/* Stretches covered by reads; their lengths and the gaps between them are exponentially distributed. */
typedef struct reads {
    dcpg_rng rng;
    double gap;        /* mean, bp */
    double start, end; /* the current stretch, bp */
} reads;

static reads reads_new(const dcpg_sim *sim, int part, int64_t cell, double covered) {
    reads r = {.gap = clump_length * (1 - covered) / covered};
    dcpg_rng_start(&r.rng, sim->options->seed, dcpg_sim_stream(DCPG_SIM_READS, sim->part[part].chromo, cell));
    bool within = dcpg_rng_uniform(&r.rng) < covered;
    r.start = within ? 0 : dcpg_sim_exponential(&r.rng, r.gap);
    r.end = r.start + dcpg_sim_exponential(&r.rng, clump_length);
    return r;
}

/* Positions must not decrease from one call to the next. */
static bool is_covered(reads *r, int32_t pos) {
    while (r->end <= pos) {
        r->start = r->end + dcpg_sim_exponential(&r->rng, r->gap);
        r->end = r->start + dcpg_sim_exponential(&r->rng, clump_length);
    }
    return pos >= r->start;
}

void dcpg_sim_cell_name(const dcpg_sim *sim, int64_t cell, char name[DCPG_SIM_NAME]) {
    snprintf(name, DCPG_SIM_NAME, "cl%" PRId64 "_cell%02" PRId64, cell % sim->options->nb_cluster, cell + 1);
}

/* Fraction of sites that a cell covers. */
static double draw_coverage(const dcpg_sim *sim, int64_t cell) {
    const dcpg_simulate_options *o = sim->options;
    dcpg_rng rng;
    dcpg_rng_start(&rng, o->seed, dcpg_sim_stream(DCPG_SIM_COVERAGE, "", cell));
    double within = coverage_margin + (1 - 2 * coverage_margin) * dcpg_rng_uniform(&rng);
    return o->coverage_min + (o->coverage_max - o->coverage_min) * within;
}

/* Writes "chromo\tpos\t1.0\n"; the chromosome's name may be long, so it is written by itself first. */
static void write_call(dcpg_bgzip *file, const char *chromo, size_t length, int32_t pos, bool call) {
    char text[24], *p = text + sizeof text;
    memcpy(p -= 5, call ? "\t1.0\n" : "\t0.0\n", 5);
    for (; pos > 0; pos /= 10) *--p = (char)('0' + pos % 10);
    *--p = '\t';
    dcpg_sim_write(file, chromo, length);
    dcpg_sim_write(file, p, (size_t)(text + sizeof text - p));
}

typedef struct cell_run {
    const dcpg_sim *sim;
    int64_t cell;
    dcpg_bgzip file;
    dcpg_sim_score *score; /* [DCPG_SIM_NB_PREDICTOR] of this cell */
    dcpg_sim_cell *result;
    uint8_t *seen;
} cell_run;

static void write_part(cell_run *run, int part, double coverage) {
    const dcpg_sim *sim = run->sim;
    const dcpg_sim_part *p = &sim->part[part];
    double keep = least_shown + (1 - least_shown) * coverage;
    reads r = reads_new(sim, part, run->cell, coverage / keep);
    dcpg_sim_track track = dcpg_sim_track_new(sim, part, run->cell);
    size_t length = strlen(p->chromo);
    for (int64_t i = p->first; i < p->end; i++) {
        int32_t pos = sim->sites.pos[i];
        if (!is_covered(&r, pos)) continue;
        dcpg_sim_truth truth = dcpg_sim_at(&track, i, keep);
        if (!truth.seen) continue;
        write_call(&run->file, p->chromo, length, pos, truth.call);
        run->result->nb_call++;
        run->result->nb_methylated += truth.call;
        dcpg_sim_score_add(&run->score[DCPG_SIM_ORACLE], truth.p_call, truth.call);
        dcpg_sim_score_add(&run->score[DCPG_SIM_DNA_ONLY], dcpg_sim_p_dna(sim, track.cluster, i), truth.call);
#pragma omp atomic write
        run->seen[i] = 1;
    }
}

static dcpg_status write_cell(cell_run *run, dcpg_err *err) {
    const dcpg_sim *sim = run->sim;
    char name[DCPG_SIM_NAME], path[DCPG_SIM_NAME + 16];
    dcpg_sim_cell_name(sim, run->cell, name);
    snprintf(path, sizeof path, "cpg/%s.tsv.gz", name);
    memset(run->score, 0, DCPG_SIM_NB_PREDICTOR * sizeof *run->score);
    DCPG_TRY(dcpg_sim_open(sim->folder, path, &run->file, err));
    double coverage = draw_coverage(sim, run->cell);
    for (int p = 0; p < sim->nb_part; p++) write_part(run, p, coverage);
    DCPG_TRY(dcpg_sim_close(&run->file, err));
    if (run->result->nb_call == 0)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "no read covers a site of %s: raise --coverage_min or take a longer genome", name);
    for (int k = 0; k < DCPG_SIM_NB_PREDICTOR; k++) {
        run->result->auc[k] = dcpg_sim_score_auc(&run->score[k]);
        run->result->expected_right[k] = run->score[k].expected_right;
    }
    return DCPG_OK;
}

/* Adds up integers only, so the order of the cells does not matter. */
static void add_score(dcpg_sim_score *sum, const dcpg_sim_score *cell) {
    for (int c = 0; c < 2; c++) {
        for (int b = 0; b < DCPG_SIM_BINS; b++) sum->count[c][b] += cell->count[c][b];
    }
    sum->n += cell->n;
    sum->nb_right += cell->nb_right;
}

static dcpg_status start_observed(const dcpg_sim *sim, dcpg_sim_observed *observed, dcpg_err *err) {
    size_t nb_cell = (size_t)sim->options->nb_cell, nb_site = (size_t)sim->sites.n;
    observed->cell = dcpg_alloc(nb_cell, sizeof *observed->cell);
    observed->score = dcpg_alloc(DCPG_SIM_NB_PREDICTOR, sizeof *observed->score);
    observed->seen = dcpg_alloc(nb_site, 1);
    if (observed->cell && observed->score && observed->seen) return DCPG_OK;
    return dcpg_fail_nomem(err, "the cells", nb_cell * sizeof *observed->cell + nb_site);
}

void dcpg_sim_observed_free(dcpg_sim_observed *observed) {
    dcpg_free(observed->cell);
    dcpg_free(observed->score);
    dcpg_free(observed->seen);
    *observed = (dcpg_sim_observed){0};
}

dcpg_status dcpg_sim_write_cells(const dcpg_sim *sim, dcpg_sim_observed *observed, dcpg_log *log,
                                 dcpg_err *err) {
    *observed = (dcpg_sim_observed){0};
    DCPG_TRY(start_observed(sim, observed, err));
    dcpg_status status = DCPG_OK;
    int64_t nb_cell = sim->options->nb_cell, done = 0;
#pragma omp parallel
    {
        dcpg_sim_score *score = dcpg_alloc(DCPG_SIM_NB_PREDICTOR, sizeof *score);
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < nb_cell; i++) {
            dcpg_status before;
#pragma omp atomic read
            before = status;
            if (before != DCPG_OK) continue;
            dcpg_err own = {0};
            cell_run run = {
                .sim = sim, .cell = i, .score = score, .result = &observed->cell[i], .seen = observed->seen};
            dcpg_status mine =
                score ? write_cell(&run, &own) : dcpg_fail_nomem(&own, "a cell", sizeof *score);
#pragma omp critical
            {
                if (mine == DCPG_OK) {
                    for (int k = 0; k < DCPG_SIM_NB_PREDICTOR; k++) add_score(&observed->score[k], &score[k]);
                    done++;
                    dcpg_progress(log, done == nb_cell || done % PROGRESS_CELLS == 0,
                                  "cells: %" PRId64 " of %" PRId64, done, nb_cell);
                } else {
                    dcpg_fail(err, mine, "%s", own.text); /* keeps the first message */
#pragma omp atomic write
                    status = mine;
                }
            }
        }
        dcpg_free(score);
    }
    return status;
}
