/* SPDX-License-Identifier: MIT */
/* Runs the simulation, from its options to the finished folder. */
#include "sim/sim.h"
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const subfolders[] = {"dna", "cpg", "anno", "truth"};
enum { NB_SUBFOLDER = sizeof subfolders / sizeof *subfolders };

/* A shorter chromosome would hold fewer than about 200 sites. Positions, 1-based, must fit 32 bits. */
static const int64_t min_length = 20000, max_length = INT32_MAX - 1;

static dcpg_status check_lengths(const dcpg_simulate_options *o, dcpg_err *err) {
    size_t n = o->chromo_len->n;
    if (n != 1 && n != (size_t)o->nb_chromo) {
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--chromo_len gives %zu lengths for %" PRId64
                         " chromosomes: give one for all or one for each",
                         n, o->nb_chromo);
    }
    for (size_t i = 0; i < n; i++) {
        int64_t length;
        if (!dcpg_parse_int(o->chromo_len->v[i], &length))
            return dcpg_fail(err, DCPG_E_USAGE, "--chromo_len: \"%s\" is not a whole number",
                             o->chromo_len->v[i]);
        if (length < min_length || length > max_length) {
            return dcpg_fail(err, DCPG_E_USAGE,
                             "--chromo_len %" PRId64 " is out of range: it may be from %" PRId64
                             " to %" PRId64,
                             length, min_length, max_length);
        }
    }
    return DCPG_OK;
}

static dcpg_status check_options(const dcpg_simulate_options *o, dcpg_err *err) {
    if (!o->out_dir || !*o->out_dir)
        return dcpg_fail(err, DCPG_E_USAGE, "--out_dir is missing: name the folder to write");
    if (o->nb_chromo < 1 || o->nb_cell < 1 || o->nb_cluster < 1)
        return dcpg_fail(err, DCPG_E_USAGE, "--nb_chromo, --nb_cell and --nb_cluster must be 1 or more");
    if (!(o->coverage_min > 0 && o->coverage_min <= o->coverage_max && o->coverage_max <= 1)) {
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--coverage_min %g and --coverage_max %g: they must be above 0, at most 1, and in this order",
            o->coverage_min, o->coverage_max);
    }
    if (!(o->noise >= 0 && o->noise <= .5))
        return dcpg_fail(err, DCPG_E_USAGE, "--noise %g is out of range: it may be from 0 to 0.5", o->noise);
    return o->dna_files->n ? DCPG_OK : check_lengths(o, err);
}

/* DCPG_E_USAGE if the folder is there and not empty; DCPG_E_IO if it cannot be read as a folder. */
static dcpg_status check_empty(const char *folder, dcpg_err *err) {
    DIR *entries = opendir(folder);
    if (!entries && errno == ENOENT) return DCPG_OK;
    if (!entries) return dcpg_fail(err, DCPG_E_IO, "%s: %s: name another --out_dir", folder, strerror(errno));
    bool empty = true;
    for (struct dirent *entry; (entry = readdir(entries));)
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(entries);
    if (empty) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "%s: is there and not empty: remove it or name another --out_dir",
                     folder);
}

/* A copy without slashes at the end; dcpg_free. */
static char *without_slashes(const char *folder) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') length--;
    return dcpg_strndup(folder, length);
}

static dcpg_status make_folders(const char *folder, dcpg_err *err) {
    DCPG_TRY(dcpg_make_dirs(folder, err));
    for (int i = 0; i < NB_SUBFOLDER; i++) {
        char *path = dcpg_format("%s/%s", folder, subfolders[i]);
        dcpg_status status =
            path ? dcpg_make_dirs(path, err) : dcpg_fail_nomem(err, "a name", strlen(folder));
        dcpg_free(path);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

static dcpg_status write_all(dcpg_sim *sim, dcpg_log *log, dcpg_err *err) {
    dcpg_sim_observed observed = {0};
    DCPG_TRY(make_folders(sim->folder, err));
    DCPG_TRY(dcpg_sim_model_new(sim, &sim->model, err));
    DCPG_TRY(dcpg_sim_write_genome(sim, log, err));
    dcpg_status status = dcpg_sim_write_cells(sim, &observed, log, err);
    if (status == DCPG_OK && !sim->options->no_cell_truth) status = dcpg_sim_write_cell_truth(sim, log, err);
    if (status == DCPG_OK) status = dcpg_sim_write_report(sim, &observed, err);
    if (status == DCPG_OK) {
        dcpg_info(log, "%" PRId64 " calls; best possible AUC %.3f from everything, %.3f from DNA alone",
                  observed.score->n, dcpg_sim_score_auc(&observed.score[DCPG_SIM_ORACLE]),
                  dcpg_sim_score_auc(&observed.score[DCPG_SIM_DNA_ONLY]));
    }
    dcpg_sim_observed_free(&observed);
    return status;
}

static void free_sim(dcpg_sim *sim) {
    for (int p = 0; p < sim->nb_part; p++) dcpg_free(sim->part[p].chromo);
    dcpg_free(sim->part);
    dcpg_free(sim->sites.pos);
    dcpg_free(sim->sites.density);
    dcpg_free(sim->sites.motifs);
    dcpg_sim_model_free(sim->model);
    dcpg_free(sim->folder);
}

dcpg_status dcpg_simulate(const dcpg_simulate_options *options, dcpg_log *log, dcpg_err *err) {
    DCPG_TRY(check_options(options, err));
    DCPG_TRY(check_empty(options->out_dir, err));
    char *out_dir = without_slashes(options->out_dir);
    if (!out_dir) return dcpg_fail_nomem(err, "a name", strlen(options->out_dir));
    dcpg_sim sim = {.options = options};
    dcpg_temporary_sweep_path(out_dir);
    dcpg_status status = dcpg_temporary_folder(out_dir, &sim.folder, err);
    if (status == DCPG_OK) {
        sim.nb_motif = dcpg_sim_motifs(options->nb_cluster, options->dna_files->n > 0, sim.motif);
        status = write_all(&sim, log, err);
        if (status == DCPG_OK && rename(sim.folder, out_dir) != 0)
            status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be given its name: %s", out_dir, strerror(errno));
        /* The folder is still there only if it was not renamed. */
        dcpg_temporary_remove(sim.folder);
        sim.folder = NULL;
    }
    free_sim(&sim);
    dcpg_free(out_dir);
    return status;
}
