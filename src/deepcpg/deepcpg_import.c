/* SPDX-License-Identifier: MIT */
/* Makes a store from DeepCpG data files. */
#include "deepcpg/deepcpg_import.h"
#include "base/number.h"
#include "store/make/make_impl.h"
#include "store/store_layout.h"

#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <dcpg/stats.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

dcpg_status dcpg_import_open_file(dcpg_importing *im, int64_t file, dcpg_err *err) {
    if (im->file_index == file) return DCPG_OK;
    dcpg_h5_close(im->file);
    im->file = NULL;
    im->file_index = -1;
    DCPG_TRY(dcpg_h5_open(im->set->files.v[file], NULL, &im->file, err));
    im->file_index = file;
    return DCPG_OK;
}

/* ---- names ---- */

static dcpg_status add_new(dcpg_strings *list, const char *name, dcpg_err *err) {
    return dcpg_strings_find(list, name) < 0 ? dcpg_strings_add(list, name, err) : DCPG_OK;
}

static dcpg_status name_cells(dcpg_importing *im, dcpg_err *err) {
    const dcpg_deepcpg *set = im->set;
    for (size_t i = 0; i < set->cells.n; i++) DCPG_TRY(add_new(&im->cells, set->cells.v[i], err));
    for (size_t i = 0; i < set->outputs.n; i++)
        if (strncmp(set->outputs.v[i], "cpg/", 4) == 0)
            DCPG_TRY(add_new(&im->cells, set->outputs.v[i] + 4, err));
    dcpg_strings_sort(&im->cells);
    if (im->cells.n > 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: holds no cells: neither neighbours (inputs/cpg) nor labels (outputs/cpg)",
                     set->files.v[0]);
}

/* The rest of the name after `prefix`; NULL if the output is of another kind. */
static const char *rest_after(const char *output, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(output, prefix, n) == 0 && output[n] ? output + n : NULL;
}

/* Adds the two parts of "<window>/<statistic>" to their lists; `*known` stays false if the name has another
 * form. */
static dcpg_status add_window(dcpg_importing *im, const char *words, bool *known, dcpg_err *err) {
    const char *slash = strchr(words, '/');
    dcpg_stat stat;
    int64_t length;
    if (!slash || !dcpg_stat_find(slash + 1, &stat)) return DCPG_OK;
    char *text = dcpg_format("%.*s", (int)(slash - words), words);
    if (!text) return dcpg_fail_nomem(err, "a name", strlen(words));
    *known = dcpg_parse_int(text, &length) && length >= 1 && length <= INT32_MAX;
    dcpg_status status = *known ? add_new(&im->win_wlen, text, err) : DCPG_OK;
    if (*known && status == DCPG_OK) status = add_new(&im->win_stats, slash + 1, err);
    dcpg_free(text);
    return status;
}

/* Adds an output to the list of its kind; sets `*known` to whether a store can have it. */
static dcpg_status name_output(dcpg_importing *im, const char *output, bool *known, dcpg_err *err) {
    const char *bulk = rest_after(output, "bulk/"), *cpg_stat = rest_after(output, "cpg_stats/"),
               *window = rest_after(output, "win_stats/");
    dcpg_stat stat;
    *known = bulk || (cpg_stat && dcpg_stat_find(cpg_stat, &stat)) || rest_after(output, "cpg/");
    if (bulk) return dcpg_strings_add(&im->bulk, bulk, err);
    if (cpg_stat && *known) return dcpg_strings_add(&im->cpg_stats, cpg_stat, err);
    return window ? add_window(im, window, known, err) : DCPG_OK;
}

static dcpg_status name_outputs(dcpg_importing *im, dcpg_err *err) {
    const dcpg_strings *outputs = &im->set->outputs;
    for (size_t i = 0; i < outputs->n; i++) {
        bool known;
        DCPG_TRY(name_output(im, outputs->v[i], &known, err));
        if (known) continue;
        if (im->nb_left_out++ == 0) im->first_left_out = outputs->v[i];
    }
    return DCPG_OK;
}

/* Puts the normalised names into im->chromo, each once, and each chromosome's index in it into im->chromo_of.
 */
static dcpg_status name_chromos(dcpg_importing *im, dcpg_err *err) {
    const dcpg_strings *raw = &im->set->chromo;
    dcpg_map seen = {0};
    dcpg_status status = DCPG_OK;
    unsigned mito = 0;
    for (size_t i = 0; i < raw->n; i++) mito |= dcpg_chromo_mito(raw->v[i]);
    if (mito == DCPG_CHROMO_BOTH)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: the files hold both chrM and chrMT (or M and MT), which a store without its "
                         "genome takes for one chromosome: convert files of one of them",
                         im->set->files.v[0]);
    for (size_t i = 0; i < raw->n && status == DCPG_OK; i++) {
        char *name = dcpg_chromo_name(raw->v[i]);
        status = name ? DCPG_OK : dcpg_fail_nomem(err, "a chromosome's name", strlen(raw->v[i]));
        if (status == DCPG_OK) im->chromo_of[i] = dcpg_map_get(&seen, name, (int64_t)seen.n);
        if (status == DCPG_OK) status = dcpg_map_set(&seen, name, im->chromo_of[i], err);
        dcpg_free(name);
    }
    for (size_t k = 0; k < seen.n && status == DCPG_OK; k++)
        status = dcpg_strings_add(&im->chromo, dcpg_map_key(&seen, k), err);
    dcpg_strings_sort(&im->chromo);
    for (size_t i = 0; i < raw->n && status == DCPG_OK; i++)
        im->chromo_of[i] =
            dcpg_strings_find_sorted(&im->chromo, dcpg_map_key(&seen, (size_t)im->chromo_of[i]));
    dcpg_map_free(&seen);
    return status;
}

/* Sorts the runs by chromosome, in time linear in both, as there may be many. */
static dcpg_status sort_runs(dcpg_importing *im, dcpg_err *err) {
    const dcpg_deepcpg *set = im->set;
    im->first_run = dcpg_alloc(im->chromo.n + 2, sizeof *im->first_run);
    im->run_of = dcpg_alloc((size_t)set->nb_run, sizeof *im->run_of);
    if (!im->first_run || !im->run_of)
        return dcpg_fail_nomem(err, "rows", (size_t)set->nb_run * sizeof *im->run_of);
    for (int64_t k = 0; k < set->nb_run; k++) im->first_run[im->chromo_of[set->run[k].chromo] + 2]++;
    for (size_t c = 0; c < im->chromo.n; c++) im->first_run[c + 2] += im->first_run[c + 1];
    for (int64_t k = 0; k < set->nb_run; k++)
        im->run_of[im->first_run[im->chromo_of[set->run[k].chromo] + 1]++] = k;
    return DCPG_OK;
}

/* ---- positions ---- */

static dcpg_status read_positions(dcpg_importing *im, dcpg_err *err) {
    const dcpg_deepcpg *set = im->set;
    for (int64_t k = 0; k < set->nb_run; k++) {
        const dcpg_deepcpg_run *run = &set->run[k];
        int32_t *pos = im->pos + im->first_row[k];
        im->first_row[k + 1] = im->first_row[k] + run->n;
        const dcpg_h5_block rows = {{run->row}, {run->n}};
        DCPG_TRY(dcpg_import_open_file(im, run->file, err));
        DCPG_TRY(dcpg_h5_read(im->file, "pos", DCPG_H5_I32, &rows, pos, err));
        int64_t *last = &im->last[im->chromo_of[run->chromo]];
        for (int64_t i = 0; i < run->n; i++)
            if (pos[i] > *last) *last = pos[i];
    }
    return DCPG_OK;
}

/* Greatest distance of a right-hand neighbour in a row, over all cells. */
static dcpg_status farthest(dcpg_importing *im, const dcpg_deepcpg_run *run, int64_t row, float *dist,
                            int64_t *most, dcpg_err *err) {
    const dcpg_deepcpg *set = im->set;
    const dcpg_h5_block one = {{row, 0}, {1, set->cpg_wlen}};
    *most = 0;
    DCPG_TRY(dcpg_import_open_file(im, run->file, err));
    for (size_t i = 0; i < set->cells.n; i++) {
        char *path = dcpg_format("inputs/cpg/%s/dist", set->cells.v[i]);
        if (!path) return dcpg_fail_nomem(err, "a name", strlen(set->cells.v[i]));
        dcpg_status status = dcpg_h5_read(im->file, path, DCPG_H5_F32, &one, dist, err);
        dcpg_free(path);
        DCPG_TRY(status);
        for (int64_t k = set->cpg_wlen / 2; k < set->cpg_wlen; k++)
            if (dist[k] > (float)*most && dist[k] < (float)INT32_MAX) *most = (int64_t)dist[k];
    }
    return DCPG_OK;
}

/* Moves last[chromo] on to the farthest neighbour of the last row: any neighbour beyond that row is one of
 * its own neighbours. */
static dcpg_status look_beyond(dcpg_importing *im, int64_t chromo, float *dist, dcpg_err *err) {
    const dcpg_deepcpg *set = im->set;
    for (int64_t j = im->first_run[chromo]; j < im->first_run[chromo + 1]; j++) {
        int64_t k = im->run_of[j];
        for (int64_t i = 0; i < set->run[k].n; i++) {
            if (im->pos[im->first_row[k] + i] != im->last[chromo]) continue;
            int64_t most;
            DCPG_TRY(farthest(im, &set->run[k], set->run[k].row + i, dist, &most, err));
            im->last[chromo] += most;
            return DCPG_OK;
        }
    }
    return DCPG_OK;
}

/* Finds the last position of every chromosome; chromosomes are distributed among the ranks. Collective. */
static dcpg_status find_ends_all(dcpg_importing *im, dcpg_err *err) {
    const dcpg_par *par = im->set->par;
    float *dist = dcpg_alloc((size_t)im->set->cpg_wlen, sizeof *dist);
    dcpg_status status =
        dist ? DCPG_OK
             : dcpg_fail_nomem(err, "distances", (unsigned long long)im->set->cpg_wlen * sizeof *dist);
    for (int64_t c = par->rank; c < (int64_t)im->chromo.n && status == DCPG_OK; c += par->size)
        status = look_beyond(im, c, dist, err);
    dcpg_free(dist);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) dcpg_max_i64s_all(par, im->last, im->chromo.n);
    return status;
}

/* ---- data for the store ---- */

static int by_pos(const void *a, const void *b) {
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Makes a call of every row on a chromosome, each position once. */
static dcpg_status site_calls(const dcpg_importing *im, int64_t chromo, dcpg_calls *calls, dcpg_err *err) {
    const dcpg_deepcpg *set = im->set;
    int64_t n = 0;
    for (int64_t j = im->first_run[chromo]; j < im->first_run[chromo + 1]; j++)
        n += set->run[im->run_of[j]].n;
    calls->chromo = dcpg_strdup(im->chromo.v[chromo]);
    calls->pos = dcpg_alloc((size_t)n, sizeof *calls->pos);
    calls->value = dcpg_alloc((size_t)n, sizeof *calls->value);
    if (!calls->chromo || !calls->pos || !calls->value)
        return dcpg_fail_nomem(err, "sites", (unsigned long long)n * 8);
    n = 0;
    for (int64_t j = im->first_run[chromo]; j < im->first_run[chromo + 1]; j++) {
        int64_t k = im->run_of[j];
        memcpy(calls->pos + n, im->pos + im->first_row[k], (size_t)set->run[k].n * sizeof *calls->pos);
        n += set->run[k].n;
    }
    qsort(calls->pos, (size_t)n, sizeof *calls->pos, by_pos);
    for (int64_t i = 0; i < n; i++)
        if (calls->n == 0 || calls->pos[calls->n - 1] != calls->pos[i])
            calls->pos[calls->n++] = calls->pos[i];
    return DCPG_OK;
}

static dcpg_status give_sites(void *context, dcpg_profile *profile, dcpg_err *err) {
    const dcpg_importing *im = context;
    profile->binary = true;
    profile->chromo = dcpg_alloc(im->chromo.n, sizeof *profile->chromo);
    if (!profile->chromo) return dcpg_fail_nomem(err, "chromosomes", im->chromo.n * sizeof *profile->chromo);
    for (int64_t c = 0; c < (int64_t)im->chromo.n; c++)
        DCPG_TRY(site_calls(im, c, &profile->chromo[profile->nb_chromo++], err));
    return DCPG_OK;
}

static dcpg_status give_cell(void *context, int64_t cell, dcpg_profile *profile, dcpg_err *err) {
    dcpg_importing *im = context;
    return dcpg_import_cell(im, im->cells.v[cell], profile, err);
}

static dcpg_status give_column(dcpg_importing *im, char *path, bool inside, dcpg_profile *profile,
                               dcpg_err *err) {
    dcpg_status status =
        path ? dcpg_import_column(im, path, inside, profile, err) : dcpg_fail_nomem(err, "a name", 256);
    dcpg_free(path);
    return status;
}

static dcpg_status give_bulk(void *context, int64_t number, dcpg_profile *profile, dcpg_err *err) {
    dcpg_importing *im = context;
    return give_column(im, dcpg_format("outputs/bulk/%s", im->bulk.v[number]), false, profile, err);
}

static dcpg_status give_anno(void *context, int64_t number, dcpg_profile *profile, dcpg_err *err) {
    dcpg_importing *im = context;
    return give_column(im, dcpg_format("inputs/annos/%s", im->set->annos.v[number]), true, profile, err);
}

/* Chromosomes are distributed among the ranks. */
static dcpg_status give_sequences(void *context, dcpg_sequence_fn *each, void *receiver, dcpg_err *err) {
    dcpg_importing *im = context;
    for (int64_t c = im->set->par->rank; c < (int64_t)im->chromo.n; c += im->set->par->size) {
        dcpg_sequence sequence = {.chromo = dcpg_strdup(im->chromo.v[c])};
        dcpg_status status = sequence.chromo ? DCPG_OK : dcpg_fail_nomem(err, "a chromosome's name", 16);
        if (status == DCPG_OK) status = dcpg_import_sequence(im, c, &sequence, err);
        if (status == DCPG_OK) status = each(receiver, &sequence, err);
        dcpg_sequence_free(&sequence);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* ---- the whole import ---- */

static dcpg_status start(dcpg_importing *im, dcpg_err *err) {
    const dcpg_deepcpg *set = im->set;
    size_t nb_row = (size_t)set->nb_site;
    DCPG_TRY(name_outputs(im, err));
    im->chromo_of = dcpg_alloc(set->chromo.n, sizeof *im->chromo_of);
    im->last = dcpg_alloc(set->chromo.n, sizeof *im->last);
    im->first_row = dcpg_alloc((size_t)set->nb_run + 1, sizeof *im->first_row);
    im->pos = dcpg_alloc(nb_row, sizeof *im->pos);
    if (!im->chromo_of || !im->last || !im->first_row || !im->pos)
        return dcpg_fail_nomem(err, "positions", nb_row * sizeof *im->pos);
    DCPG_TRY(name_cells(im, err));
    DCPG_TRY(name_chromos(im, err));
    DCPG_TRY(sort_runs(im, err));
    return read_positions(im, err);
}

static void finish(dcpg_importing *im) {
    dcpg_h5_close(im->file);
    dcpg_strings *lists[] = {&im->cells,     &im->chromo,    &im->bulk,
                             &im->cpg_stats, &im->win_stats, &im->win_wlen};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
    dcpg_free(im->chromo_of);
    dcpg_free(im->first_run);
    dcpg_free(im->run_of);
    dcpg_free(im->first_row);
    dcpg_free(im->pos);
    dcpg_free(im->last);
}

static void log_losses(const dcpg_importing *im, bool own_dna, dcpg_log *log) {
    const dcpg_par *par = im->set->par;
    int64_t bases = dcpg_sum_i64_all(par, im->nb_contradictory), far = dcpg_sum_i64_all(par, im->nb_far);
    const char *first = im->set->files.v[0];
    if (own_dna && bases > 0)
        dcpg_info(log,
                  "%s: %" PRId64
                  " bases differ between windows: taken as N, in place of which DeepCpG writes random bases",
                  first, bases);
    if (far > 0)
        dcpg_warn(log,
                  "%s: %" PRId64
                  " neighbours more than 16777216 bp away are left out: their distance is not exact",
                  first, far);
    if (im->nb_left_out > 0)
        dcpg_warn(log, "%s: %" PRId64 " output%s left out, as a store has none of the kind: %s%s", first,
                  im->nb_left_out, im->nb_left_out == 1 ? " is" : "s are", im->first_left_out,
                  im->nb_left_out > 1 ? " ..." : "");
}

/* The store offers the outputs of the files again; of statistics the files give only the names. */
static dcpg_store_options options_of(const dcpg_importing *im, const dcpg_store_options *options) {
    dcpg_store_options o = *options;
    o.profiles = o.bulk_profiles = o.anno_files = NULL;
    o.cpg_stats = &im->cpg_stats;
    o.win_stats = &im->win_stats;
    o.win_stats_wlen = &im->win_wlen;
    if (im->set->cpg_wlen > 0) o.stats_wlen = min_i64(im->set->cpg_wlen, STORE_MAX_STATS_WLEN);
    return o;
}

static making_input input_of(dcpg_importing *im, bool own_dna) {
    return (making_input){.context = im,
                          .name = im->set->files.v[0],
                          .cells = &im->cells,
                          .bulk = &im->bulk,
                          .annos = &im->set->annos,
                          .cell = give_cell,
                          .bulk_values = give_bulk,
                          .anno_inside = give_anno,
                          .sites = give_sites,
                          .sequences = own_dna ? give_sequences : NULL};
}

dcpg_status dcpg_store_from_deepcpg_all(const dcpg_deepcpg *set, const dcpg_store_options *options,
                                        dcpg_log *log, dcpg_err *err) {
    dcpg_importing im = {.set = set, .file_index = -1};
    bool own_dna = set->dna_wlen > 0 && options->dna_files->n == 0;
    dcpg_status status = dcpg_agree_all(set->par, start(&im, err), err);
    if (status == DCPG_OK) status = find_ends_all(&im, err);
    if (status == DCPG_OK) {
        const dcpg_store_options named = options_of(&im, options);
        const making_input input = input_of(&im, own_dna);
        status = dcpg_store_make_from_all(&named, &input, set->par, log, err);
    }
    if (status == DCPG_OK) log_losses(&im, own_dna, log);
    finish(&im);
    return status;
}
