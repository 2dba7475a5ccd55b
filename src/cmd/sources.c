/* SPDX-License-Identifier: MIT */
/* Opens a store or DeepCpG data files behind one interface. */
#include "cmd/sources.h"

#include "store/store_layout.h"

#include <dcpg/chromo.h>
#include <dcpg/h5.h>
#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <string.h>

/* DeepCpG's usual windows: bp of DNA, and neighbours per cell. */
enum { DNA_WLEN = 1001, CPG_WLEN = 50 };

static dcpg_status look(const char *path, int *is_store, dcpg_err *err) {
    dcpg_h5 *file = NULL;
    char *format = NULL;
    DCPG_TRY(dcpg_h5_open(path, NULL, &file, err));
    if (dcpg_h5_has_attr(file, "/", "format") &&
        dcpg_h5_read_attr_string(file, "/", "format", &format, NULL) == DCPG_OK)
        *is_store = strcmp(format, STORE_FORMAT) == 0;
    dcpg_free(format);
    dcpg_h5_close(file);
    return DCPG_OK;
}

static dcpg_status open_store_all(const dcpg_strings *files, const dcpg_par *par, dcpg_cmd_named *data,
                                  dcpg_err *err) {
    if (files->n > 1)
        return dcpg_fail(err, DCPG_E_USAGE, "%s is a store: give it alone, not with %zu more files",
                         files->v[0], files->n - 1);
    DCPG_TRY(dcpg_store_open_all(files->v[0], par, &data->store, err));
    data->cells = &data->store->cells;
    data->outputs = &data->store->outputs;
    return DCPG_OK;
}

static dcpg_status open_set_all(const dcpg_strings *files, const dcpg_par *par, dcpg_cmd_named *data,
                                dcpg_err *err) {
    DCPG_TRY(dcpg_deepcpg_describe_all(files, par, &data->set, err));
    data->cells = &data->set->cells;
    data->outputs = &data->set->outputs;
    if (data->set->dna_wlen > 0) data->dna_wlen = data->set->dna_wlen;
    if (data->set->cpg_wlen > 0) data->cpg_wlen = data->set->cpg_wlen;
    return DCPG_OK;
}

dcpg_status dcpg_cmd_named_open_all(const dcpg_strings *files, const dcpg_par *par, dcpg_cmd_named *data,
                                    dcpg_err *err) {
    *data = (dcpg_cmd_named){.files = files, .name = files->v[0], .dna_wlen = DNA_WLEN, .cpg_wlen = CPG_WLEN};
    int is_store = 0;
    DCPG_TRY(dcpg_agree_all(par, par->rank == 0 ? look(files->v[0], &is_store, err) : DCPG_OK, err));
    dcpg_bcast_all(par, &is_store, sizeof is_store, 0);
    return is_store ? open_store_all(files, par, data, err) : open_set_all(files, par, data, err);
}

void dcpg_cmd_named_close(dcpg_cmd_named *data) {
    dcpg_store_free(data->store);
    dcpg_deepcpg_free(data->set);
    *data = (dcpg_cmd_named){0};
}

/* Adds chromosomes as the data name them. One that the data lack keeps its name: the function that uses the
 * name reports which ones exist. */
static dcpg_status resolve(const char *name, const dcpg_chromos *index, const dcpg_strings *known,
                           const dcpg_strings *words, dcpg_strings *names, dcpg_err *err) {
    for (size_t i = 0; i < words->n; i++) {
        int64_t number = dcpg_chromos_find(index, words->v[i]);
        if (number == DCPG_CHROMO_UNCLEAR)
            return dcpg_chromos_fail_unclear(index, name, words->v[i], "the data", err);
        const char *found = number >= 0 ? known->v[number] : words->v[i];
        DCPG_TRY(dcpg_strings_add(names, found, err));
    }
    return DCPG_OK;
}

const dcpg_strings *dcpg_cmd_chromos(const dcpg_cmd_named *data) {
    return data->store ? &data->store->chromo : &data->set->chromo;
}

dcpg_status dcpg_cmd_name_chromos(const dcpg_cmd_named *data, const dcpg_strings *words, dcpg_strings *names,
                                  dcpg_err *err) {
    const dcpg_strings *known = dcpg_cmd_chromos(data);
    dcpg_chromos index = {0};
    dcpg_status status = DCPG_OK;
    if (words->n == 0) return DCPG_OK;
    for (size_t i = 0; i < known->n && status == DCPG_OK; i++)
        status = dcpg_chromos_add(&index, known->v[i], (int64_t)i, err);
    if (status == DCPG_OK) status = resolve(data->name, &index, known, words, names, err);
    dcpg_chromos_free(&index);
    return status;
}

/* Appends `n` samples on the chromosome, unless the source does not hold it. `number`: name of a chromosome
 * of the source -> its index. */
static void add_samples(const dcpg_source *source, const dcpg_map *number, const char *chromo, int64_t n,
                        dcpg_deepcpg_stretch *stretch, int64_t *nb) {
    int64_t k = dcpg_map_get(number, chromo, -1);
    if (k < 0 || n == 0) return;
    bool again = *nb > 0 && stretch[*nb - 1].chromo == source->chromo.v[k];
    if (!again) stretch[(*nb)++] = (dcpg_deepcpg_stretch){source->chromo.v[k], 0};
    stretch[*nb - 1].n += n;
}

dcpg_status dcpg_cmd_stretches(const dcpg_cmd_named *data, const dcpg_source *source,
                               dcpg_deepcpg_stretch **stretch, int64_t *nb, dcpg_err *err) {
    const dcpg_store *store = data->store;
    int64_t most = store ? store->nb_chromo : data->set->nb_run;
    *nb = 0;
    *stretch = dcpg_alloc((size_t)most, sizeof **stretch);
    if (!*stretch) return dcpg_fail_nomem(err, "chromosomes", (unsigned long long)most * sizeof **stretch);
    dcpg_map number = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < source->chromo.n && status == DCPG_OK; i++)
        status = dcpg_map_set(&number, source->chromo.v[i], (int64_t)i, err);
    for (int64_t i = 0; i < most && status == DCPG_OK; i++) {
        const char *chromo = store ? store->chromo.v[i] : data->set->chromo.v[data->set->run[i].chromo];
        int64_t n = store ? store->site_offset[i + 1] - store->site_offset[i] : data->set->run[i].n;
        add_samples(source, &number, chromo, n, *stretch, nb);
    }
    dcpg_map_free(&number);
    return status;
}

dcpg_status dcpg_cmd_source_all(const dcpg_cmd_named *data, const dcpg_strings *chromos,
                                const dcpg_want *want, dcpg_log *log, dcpg_source **source, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_status status = dcpg_agree_all(data->store ? data->store->par : data->set->par,
                                        dcpg_cmd_name_chromos(data, chromos, &names, err), err);
    if (status == DCPG_OK)
        status = data->store ? dcpg_source_from_store_all(data->store, &names, want, source, err)
                             : dcpg_source_from_deepcpg_all(data->set, &names, want, source, err);
    dcpg_strings_free(&names);
    if (status == DCPG_OK) (*source)->log = log;
    return status;
}
