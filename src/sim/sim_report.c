/* SPDX-License-Identifier: MIT */
/* The simulation's report about itself: small tables and report.json. */
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static dcpg_status open_text(const dcpg_sim *sim, const char *name, char **path, FILE **file, dcpg_err *err) {
    *path = dcpg_format("%s/%s", sim->folder, name);
    if (!*path) return dcpg_fail_nomem(err, "a file name", strlen(sim->folder));
    *file = dcpg_file_create_new(*path);
    if (*file) return DCPG_OK;
    dcpg_status status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be created: %s", *path, strerror(errno));
    dcpg_free(*path);
    return status;
}

/* Frees `path`. */
static dcpg_status close_text(FILE *file, char *path, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", path, strerror(errno));
    dcpg_free(path);
    return status;
}

static double share(int64_t part, int64_t whole) { return (double)part / (double)whole; }

static dcpg_status write_cells(const dcpg_sim *sim, const dcpg_sim_observed *observed, dcpg_err *err) {
    char *path;
    FILE *file;
    DCPG_TRY(open_text(sim, "truth/cells.tsv", &path, &file, err));
    fprintf(file, "cell\tcluster\tn_sites\tcoverage\tmean_state\n");
    for (int64_t i = 0; i < sim->options->nb_cell; i++) {
        const dcpg_sim_cell *cell = &observed->cell[i];
        char name[DCPG_SIM_NAME];
        dcpg_sim_cell_name(sim, i, name);
        fprintf(file, "%s\t%" PRId64 "\t%" PRId64 "\t%.4f\t%.4f\n", name, i % sim->options->nb_cluster,
                cell->nb_call, share(cell->nb_call, sim->sites.n), share(cell->nb_methylated, cell->nb_call));
    }
    return close_text(file, path, err);
}

static dcpg_status write_motifs(const dcpg_sim *sim, dcpg_err *err) {
    char *path;
    FILE *file;
    DCPG_TRY(open_text(sim, "truth/motifs.tsv", &path, &file, err));
    fprintf(file, "motif\tword\treverse\trange_bp\tplanted\tmatches\tsites_hit");
    for (int64_t k = 0; k < sim->options->nb_cluster; k++) fprintf(file, "\teffect_cl%" PRId64, k);
    fprintf(file, "\n");
    for (int m = 0; m < sim->nb_motif; m++) {
        const dcpg_sim_motif *motif = &sim->motif[m];
        fprintf(file, "%s\t%s\t%s\t%d\t%" PRId64 "\t%" PRId64 "\t%" PRId64, motif->name, motif->word,
                motif->reverse, DCPG_SIM_MOTIF_RANGE, motif->nb_planted, motif->nb_match, motif->nb_site);
        for (int64_t k = 0; k < sim->options->nb_cluster; k++)
            fprintf(file, "\t%g", dcpg_sim_motif_acts(motif, k) ? motif->effect : 0);
        fprintf(file, "\n");
    }
    return close_text(file, path, err);
}

/* A number with four decimals; null if it is not finite. */
static json_t *rounded(double x) { return isfinite(x) ? json_real(round(1e4 * x) / 1e4) : json_null(); }

static json_t *describe_genome(const dcpg_sim *sim) {
    const int64_t *nb = sim->nb_base;
    int64_t gc = nb[DCPG_SIM_G] + nb[DCPG_SIM_C], known = nb[DCPG_SIM_A] + nb[DCPG_SIM_T] + gc,
            all = known + nb[DCPG_SIM_N];
    json_t *lengths = json_object();
    for (int p = 0; p < sim->nb_part; p++)
        json_object_set_new(lengths, sim->part[p].chromo, json_integer(sim->part[p].length));
    double n = (double)sim->sites.n;
    return json_pack("{s:o, s:I, s:I, s:o, s:I, s:o, s:o}", "chromosomes", lengths, "bases", (json_int_t)all,
                     "N", (json_int_t)nb[DCPG_SIM_N], "gc", rounded(share(gc, known)), "cpg",
                     (json_int_t)sim->sites.n, "cpg_per_kb", rounded(1000 * n / (double)known), "cpg_obs_exp",
                     rounded(n * (double)known / ((double)nb[DCPG_SIM_G] * (double)nb[DCPG_SIM_C])));
}

/* Expected values over all sites and clusters, whether seen or not. */
static json_t *describe_truth(const dcpg_sim *sim) {
    double sum = 0;
    for (int64_t k = 0; k < sim->options->nb_cluster; k++) {
        double cluster = 0;
        for (int64_t i = 0; i < sim->sites.n; i++) cluster += dcpg_sim_p_dna(sim, k, i);
        sum += cluster / (double)sim->sites.n;
    }
    return json_pack("{s:o, s:o, s:o}", "mean_methylation", rounded(sum / (double)sim->options->nb_cluster),
                     "share_in_islands", rounded(share(sim->nb_dense, sim->sites.n)), "share_near_motif",
                     rounded(share(sim->nb_near_motif, sim->sites.n)));
}

static json_t *describe_observed(const dcpg_sim *sim, const dcpg_sim_observed *observed) {
    int64_t calls = observed->score->n, seen = 0, nb_cell = sim->options->nb_cell;
    double least = 1, most = 0, lowest = 1, highest = 0;
    for (int64_t i = 0; i < nb_cell; i++) {
        const dcpg_sim_cell *cell = &observed->cell[i];
        double coverage = share(cell->nb_call, sim->sites.n),
               mean = share(cell->nb_methylated, cell->nb_call);
        least = fmin(least, coverage);
        most = fmax(most, coverage);
        lowest = fmin(lowest, mean);
        highest = fmax(highest, mean);
    }
    for (int64_t i = 0; i < sim->sites.n; i++) seen += observed->seen[i];
    return json_pack("{s:I, s:I, s:I, s:[o,o,o], s:[o,o], s:o}", "cells", (json_int_t)nb_cell, "clusters",
                     (json_int_t)sim->options->nb_cluster, "calls", (json_int_t)calls,
                     "coverage_min_mean_max", rounded(least),
                     rounded((double)calls / (double)sim->sites.n / (double)nb_cell), rounded(most),
                     "mean_state_min_max", rounded(lowest), rounded(highest), "sites_seen_in_any_cell",
                     rounded(share(seen, sim->sites.n)));
}

static json_t *describe_predictor(const dcpg_sim *sim, const dcpg_sim_observed *observed, int predictor) {
    const dcpg_sim_score *score = &observed->score[predictor];
    double auc = 0, right = 0;
    int64_t nb_auc = 0;
    for (int64_t i = 0; i < sim->options->nb_cell; i++) {
        const dcpg_sim_cell *cell = &observed->cell[i];
        right += cell->expected_right[predictor];
        if (isnan(cell->auc[predictor])) continue; /* all calls of the cell agree */
        auc += cell->auc[predictor];
        nb_auc++;
    }
    return json_pack("{s:o, s:o, s:o, s:I, s:o}", "accuracy_expected", rounded(right / (double)score->n),
                     "accuracy", rounded(share(score->nb_right, score->n)), "auc",
                     rounded(dcpg_sim_score_auc(score)), "n", (json_int_t)score->n, "auc_per_cell_mean",
                     rounded(auc / (double)nb_auc));
}

static json_t *describe_optimum(const dcpg_sim *sim, const dcpg_sim_observed *observed) {
    int64_t methylated = 0, n = observed->score->n;
    for (int64_t i = 0; i < sim->options->nb_cell; i++) methylated += observed->cell[i].nb_methylated;
    double mean = share(methylated, n);
    return json_pack("{s:o, s:o, s:o}", "bayes_oracle", describe_predictor(sim, observed, DCPG_SIM_ORACLE),
                     "bayes_dna_only", describe_predictor(sim, observed, DCPG_SIM_DNA_ONLY),
                     "baseline_majority_accuracy", rounded(fmax(mean, 1 - mean)));
}

static json_t *describe(const dcpg_sim *sim, const dcpg_sim_observed *observed) {
    json_t *cells = json_array(), *motifs = json_object();
    for (int64_t i = 0; i < sim->options->nb_cell; i++) {
        char name[DCPG_SIM_NAME];
        dcpg_sim_cell_name(sim, i, name);
        json_array_append_new(cells, json_string(name));
    }
    for (int m = 0; m < sim->nb_motif; m++)
        json_object_set_new(motifs, sim->motif[m].name, json_string(sim->motif[m].word));
    return json_pack("{s:s, s:I, s:f, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "mode",
                     sim->options->dna_files->n ? "real" : "synthetic", "seed",
                     (json_int_t)sim->options->seed, "noise", sim->options->noise, "cells", cells, "genome",
                     describe_genome(sim), "islands", (json_int_t)sim->nb_island, "truth",
                     describe_truth(sim), "observed", describe_observed(sim, observed), "optimum",
                     describe_optimum(sim, observed), "motifs", motifs);
}

dcpg_status dcpg_sim_write_report(const dcpg_sim *sim, const dcpg_sim_observed *observed, dcpg_err *err) {
    DCPG_TRY(write_cells(sim, observed, err));
    DCPG_TRY(write_motifs(sim, err));
    json_t *report = describe(sim, observed);
    if (!report) return dcpg_fail_nomem(err, "report.json", 4096);
    char *path;
    FILE *file;
    dcpg_status status = open_text(sim, "report.json", &path, &file, err);
    if (status == DCPG_OK) {
        bool failed = json_dumpf(report, file, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) != 0;
        fputc('\n', file);
        status = close_text(file, path, err);
        if (status == DCPG_OK && failed)
            status = dcpg_fail(err, DCPG_E_IO, "%s/report.json: cannot be written", sim->folder);
    }
    json_decref(report);
    return status;
}
