/* SPDX-License-Identifier: MIT */
/* Simulated data: a genome and single cells whose methylation is known, for trials, tests and scaling without
 * real data.
 *
 * Genome. Bases are drawn with a GC content that varies over 50 kb around 0.41; of the CpGs that would arise
 * four in five decay to TpG or CpA (observed/expected about 0.25 with all that follows). Islands (GC 0.65,
 * hardly decayed, about 17 per Mb) and repeats (four families copied with 3-20 % divergence and their own
 * decay, and short tandem repeats; about a quarter of the genome) are laid over it, then motifs are planted:
 * words of 11 letters on either strand, about 300 of each per Mb, "on1" inside islands only. N stands at both
 * ends and in a few runs inside. With a real genome nothing is planted: the motifs are the inner 7 letters of
 * the same words wherever they occur.
 *
 * Methylation. The probability that cell i is methylated at site x is sigmoid(a + 1.5 D + 2 L), where
 *   a = 4 - 7 sigmoid((n - 22) / 3) + effects of motifs
 *       n: CpGs within 250 bp; a motif acts, once, on sites within 100 bp of its centre: off1 -6, off2 -4.5,
 * on1 +6, off_cl<k> -6 in cluster k alone (k modulo 8); D = smooth Gaussian noise of the cell's cluster,
 * knots every 20 kb; L = the same of the cell itself, knots every 600 bp; both have mean 0 and variance 1 at
 * every position. A call is the cell's state at the site, wrong with probability `noise`.
 *
 * Coverage. Each cell covers a fraction of the sites between coverage_min and coverage_max; calls come in
 * clumps of about 500 bp.
 *
 * Every random number is a function of (seed, purpose, chromosome's name, cell): a cell does not depend on
 * the number of cells, nor a chromosome on the other chromosomes. */
#ifndef DCPG_SIMULATE_H
#define DCPG_SIMULATE_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

typedef struct dcpg_simulate_options {
    const char *out_dir;            /* must not exist, or be empty */
    const dcpg_strings *dna_files;  /* FASTA files or directories of a real genome; empty: synthetic */
    int64_t nb_chromo;              /* of the synthetic genome, called 1, 2, ... */
    const dcpg_strings *chromo_len; /* bases: one number for all, or nb_chromo of them */
    int64_t nb_cell;                /* called cl<cluster>_cell<number from 1> */
    int64_t nb_cluster;             /* cell i (from 0) belongs to cluster i mod nb_cluster */
    uint64_t seed;
    double coverage_min, coverage_max; /* fraction of all sites observed in a cell, (0, 1] */
    double noise;                      /* probability that a call is wrong, [0, 0.5] */
    bool no_cell_truth; /* leaves out truth/probs.tsv.gz and states.tsv.gz, which hold sites x cells values */
} dcpg_simulate_options;

/* clang-format off */
/* Writes out_dir, which appears when it is complete:
 *   dna/Simus.SIM1.dna.chromosome.<name>.fa.gz   bgzip
 *   cpg/<cell>.tsv.gz          chromosome, position, 0.0 or 1.0
 *   anno/islands.bed.gz        stretches of sites with 24 CpGs or more within 250 bp, 200 bp long at least;
 *                              anno/repeats.bed.gz with the family (empty for a real genome)
 *   truth/cells.tsv            cell, cluster, n_sites, coverage, mean_state
 *   truth/motifs.tsv           per motif word, range, instances and effect in each cluster;
 *                              truth/motif_sites.tsv.gz: chromosome, 1-based start, strand, motif, 1 where
 *                              planted
 *   truth/sites.tsv.gz         per site CpGs within 250 bp, in an island or not, motifs in range, probability
 *                              of a methylated call in each cluster as far as DNA tells
 *   truth/probs.tsv.gz         per site and cell the probability of a methylated call; truth/states.tsv.gz:
 *                              the true state
 *   report.json                genome, observed calls, and the optimum over all calls: accuracy and AUC of
 *                              who knows these probabilities (bayes_oracle) and of who knows DNA, motifs and
 *                              the cell's cluster only (bayes_dna_only). AUC is computed from 16384 bins of
 *                              equal width; pairs within a bin count half.
 * Memory: a few bytes per base of the largest chromosome and per site of the genome, whatever the number of
 * cells. Positions are 1-based, on the C, in TSV; BED is 0-based. Threaded over
 * cells; the bytes do not depend on the number of threads. DCPG_E_USAGE: options out of range; DCPG_E_INPUT:
 * the FASTA is wrong; DCPG_E_IO: out_dir cannot be written. Local. */
/* clang-format on */
DCPG_API dcpg_status dcpg_simulate(const dcpg_simulate_options *options, dcpg_log *log, dcpg_err *err);

DCPG_END_C

#endif
