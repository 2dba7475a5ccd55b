/* SPDX-License-Identifier: MIT */
/* Types and functions that the files of the simulation share. */
#ifndef DCPG_SIM_SIM_H
#define DCPG_SIM_SIM_H

#include "text/bgzip_file.h"
#include <dcpg/rng.h>
#include <dcpg/simulate.h>
#include <stdio.h>

/* ---- random numbers: each purpose has its own streams ---- */
typedef enum dcpg_sim_purpose {
    DCPG_SIM_GC,
    DCPG_SIM_BASES,
    DCPG_SIM_ISLANDS,
    DCPG_SIM_FAMILIES,
    DCPG_SIM_REPEATS,
    DCPG_SIM_MOTIFS,
    DCPG_SIM_GAPS,
    DCPG_SIM_CLUSTER, /* who: cluster */
    DCPG_SIM_CELL,    /* who: cell, here and below */
    DCPG_SIM_COVERAGE,
    DCPG_SIM_READS,
    DCPG_SIM_CALLS
} dcpg_sim_purpose;

uint64_t dcpg_sim_stream(dcpg_sim_purpose purpose, const char *chromo, int64_t who);
double dcpg_sim_exponential(dcpg_rng *rng, double mean);

/* Smooth noise along a chromosome: normal with mean 0 and variance 1 at every position, correlated over about
 * `spacing` bp. A pure function of seed, stream and position. */
typedef struct dcpg_sim_wave {
    uint64_t seed, stream;
    int64_t spacing;
    int64_t knot; /* left and right are the values at this knot and the next; -1: none yet */
    double left, right;
} dcpg_sim_wave;
dcpg_sim_wave dcpg_sim_wave_new(uint64_t seed, uint64_t stream, int64_t spacing);
double dcpg_sim_wave_at(dcpg_sim_wave *wave, int64_t pos);

/* ---- files ---- */

/* The first error is kept, and reported when the file is closed. */
dcpg_status dcpg_sim_open(const char *folder, const char *name, dcpg_bgzip *file, dcpg_err *err);
void dcpg_sim_write(dcpg_bgzip *file, const char *bytes, size_t n);
void dcpg_sim_print(dcpg_bgzip *file, const char *fmt, ...) DCPG_PRINTF(2, 3);
dcpg_status dcpg_sim_close(dcpg_bgzip *file, dcpg_err *err); /* also fine if it was never opened */

/* ---- genome ---- */
typedef struct dcpg_sim_interval {
    int64_t start, end; /* 0-based, half open */
    const char *name;
} dcpg_sim_interval;

typedef struct dcpg_sim_intervals {
    int64_t n, capacity;
    dcpg_sim_interval *v;
} dcpg_sim_intervals;
dcpg_status dcpg_sim_add_interval(dcpg_sim_intervals *list, dcpg_sim_interval interval, dcpg_err *err);

/* Codes of bases, those of dcpg/genome.h. */
enum { DCPG_SIM_A, DCPG_SIM_T, DCPG_SIM_G, DCPG_SIM_C, DCPG_SIM_N, DCPG_SIM_CODES };

/* A chromosome while it is being drawn or read. */
typedef struct dcpg_sim_chromo {
    const char *name;
    int64_t length;
    uint8_t *base;    /* [length] DCPG_SIM_A ... */
    uint8_t *planted; /* [length] 1 + motif where a planted one starts, else 0; NULL: none planted */
    dcpg_sim_intervals repeats;
} dcpg_sim_chromo;

struct dcpg_sim_motif;

/* Draws a chromosome of the synthetic genome: fills all of `chromo` but its name and length. */
dcpg_status dcpg_sim_draw_chromo(uint64_t seed, int nb_motif, const struct dcpg_sim_motif *motif,
                                 dcpg_sim_chromo *chromo, dcpg_err *err);
void dcpg_sim_free_chromo(dcpg_sim_chromo *chromo);

/* ---- motifs ---- */
enum {
    DCPG_SIM_SHARED_MOTIFS = 3,  /* act in all clusters */
    DCPG_SIM_CLUSTER_MOTIFS = 8, /* act in one cluster of eight each */
    DCPG_SIM_MAX_MOTIFS = DCPG_SIM_SHARED_MOTIFS + DCPG_SIM_CLUSTER_MOTIFS,
    DCPG_SIM_MOTIF_RANGE = 100, /* bp from a motif's centre to the sites on which it acts: DNA windows of a
                                   few hundred bp see all that matters */
    DCPG_SIM_NAME = 48          /* bytes of a cell's name */
};

typedef struct dcpg_sim_motif {
    char name[16], word[12], reverse[12]; /* IUPAC letters */
    uint8_t letters[2][12];               /* per strand and letter: the matching bases, bit by code */
    int length;
    double effect;
    int cluster;     /* acts in clusters k with k mod 8 equal to this; -1: in all */
    bool in_islands; /* planted in islands only */
    int64_t nb_planted, nb_match, nb_site;
} dcpg_sim_motif;

/* Fills `motif` and returns the number of motifs. */
int dcpg_sim_motifs(int64_t nb_cluster, bool real_genome, dcpg_sim_motif motif[DCPG_SIM_MAX_MOTIFS]);
bool dcpg_sim_motif_acts(const dcpg_sim_motif *motif, int64_t cluster);

/* Calls `found` for every instance on either strand (strand 0: '+'), ordered by start (0-based). */
typedef void dcpg_sim_found_fn(void *context, int motif, int strand, int64_t start);
dcpg_status dcpg_sim_scan(const dcpg_sim_chromo *chromo, int nb_motif, const dcpg_sim_motif *motif,
                          dcpg_sim_found_fn *found, void *context, dcpg_err *err);

/* ---- sites of the whole genome ---- */
enum { DCPG_SIM_DENSITY_RANGE = 250 }; /* bp to each side: a window of 501 bp, about an island's width */
typedef struct dcpg_sim_sites {
    int64_t n, capacity;
    int32_t *pos;     /* [n] 1-based, the C */
    uint8_t *density; /* [n] CpGs within DCPG_SIM_DENSITY_RANGE bp, including the site itself */
    uint16_t *motifs; /* [n] bit m: motif m is in range */
} dcpg_sim_sites;

typedef struct dcpg_sim_part {
    char *chromo;
    int64_t length;
    int64_t first, end; /* its sites: [first, end) */
} dcpg_sim_part;

typedef struct dcpg_sim {
    const dcpg_simulate_options *options;
    char *folder; /* where everything is written */
    int nb_motif;
    dcpg_sim_motif motif[DCPG_SIM_MAX_MOTIFS];
    int nb_part, part_capacity;
    dcpg_sim_part *part; /* one per chromosome */
    dcpg_sim_sites sites;
    int64_t nb_base[DCPG_SIM_CODES];
    int64_t nb_island, nb_dense, nb_near_motif;
    struct dcpg_sim_model *model;
} dcpg_sim;

/* ---- methylation ---- */

/* Computes the tables of the model. */
dcpg_status dcpg_sim_model_new(const dcpg_sim *sim, struct dcpg_sim_model **model, dcpg_err *err);
void dcpg_sim_model_free(struct dcpg_sim_model *model);

/* Probability of a methylated call in a cell of `cluster` given DNA alone. */
double dcpg_sim_p_dna(const dcpg_sim *sim, int64_t cluster, int64_t site);

/* State while the sites of a chromosome are computed for a cell. */
typedef struct dcpg_sim_track {
    const dcpg_sim *sim;
    int64_t first; /* the chromosome's first site */
    int64_t cluster;
    uint64_t stream;
    dcpg_sim_wave cluster_wave, cell_wave;
} dcpg_sim_track;
dcpg_sim_track dcpg_sim_track_new(const dcpg_sim *sim, int part, int64_t cell);

typedef struct dcpg_sim_truth {
    double p_call; /* probability of a methylated call */
    bool state;    /* the cell's true state */
    bool call;     /* what a read shows: the state, unless noise made it wrong */
    bool seen;     /* a read that covers the site shows it */
} dcpg_sim_truth;
/* `seen` is true with probability `keep`. */
dcpg_sim_truth dcpg_sim_at(dcpg_sim_track *track, int64_t site, double keep);

/* ---- cells ---- */
void dcpg_sim_cell_name(const dcpg_sim *sim, int64_t cell, char name[DCPG_SIM_NAME]);

/* Accuracy and AUC of one predictor. Calls are counted in bins of probability, so that memory does not grow
 * with their number; bins are so narrow that counting ties as half hardly changes the AUC. */
enum { DCPG_SIM_BINS = 16384 };
typedef struct dcpg_sim_score {
    int64_t count[2][DCPG_SIM_BINS]; /* calls by outcome and bin of probability */
    int64_t n, nb_right;
    double expected_right;
} dcpg_sim_score;
void dcpg_sim_score_add(dcpg_sim_score *score, double p, bool call);
double dcpg_sim_score_auc(const dcpg_sim_score *score); /* NaN if one outcome is missing */

enum { DCPG_SIM_ORACLE, DCPG_SIM_DNA_ONLY, DCPG_SIM_NB_PREDICTOR };

typedef struct dcpg_sim_cell {
    int64_t nb_call, nb_methylated;
    double auc[DCPG_SIM_NB_PREDICTOR];
    double expected_right[DCPG_SIM_NB_PREDICTOR];
} dcpg_sim_cell;

typedef struct dcpg_sim_observed {
    dcpg_sim_cell *cell;   /* [nb_cell] */
    dcpg_sim_score *score; /* [DCPG_SIM_NB_PREDICTOR] over all cells */
    uint8_t *seen;         /* [nb_site] 1 if seen in any cell */
} dcpg_sim_observed;

/* Writes the cells' files and fills `observed`; free with dcpg_sim_observed_free. */
dcpg_status dcpg_sim_write_cells(const dcpg_sim *sim, dcpg_sim_observed *observed, dcpg_log *log,
                                 dcpg_err *err);
void dcpg_sim_observed_free(dcpg_sim_observed *observed);

/* Writes truth/probs.tsv.gz and truth/states.tsv.gz. */
dcpg_status dcpg_sim_write_cell_truth(const dcpg_sim *sim, dcpg_log *log, dcpg_err *err);

/* Writes truth/cells.tsv, truth/motifs.tsv and report.json. */
dcpg_status dcpg_sim_write_report(const dcpg_sim *sim, const dcpg_sim_observed *observed, dcpg_err *err);

/* Draws or reads every chromosome, writes it with its annotations, sites and motifs, and fills the parts and
 * sites of `sim`. */
dcpg_status dcpg_sim_write_genome(dcpg_sim *sim, dcpg_log *log, dcpg_err *err);

#endif
