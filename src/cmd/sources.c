#include "cmd/sources.h"

#include "data/store_layout.h"

#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <string.h>

/* Windows of models, as DeepCpG has them. */
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

/* Chromosomes as the data name them: the user's words where they are known, else without "chr" and in upper
 * case. */
static dcpg_status name_chromos(const dcpg_strings *known, const dcpg_strings *chromos, dcpg_strings *names,
                                dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < chromos->n && status == DCPG_OK; i++) {
        bool as_it_is = dcpg_strings_find(known, chromos->v[i]) >= 0;
        char *name = as_it_is ? dcpg_strdup(chromos->v[i]) : dcpg_chromo_name(chromos->v[i]);
        status = name ? dcpg_strings_add(names, name, err)
                      : dcpg_fail_nomem(err, "a chromosome's name", strlen(chromos->v[i]));
        dcpg_free(name);
    }
    return status;
}

/* Appends `n` samples on the chromosome; none where the source does not hold it. */
static void add_samples(const dcpg_source *source, const char *chromo, int64_t n,
                        dcpg_deepcpg_stretch *stretch, int64_t *nb) {
    ptrdiff_t k = dcpg_strings_find(&source->chromo, chromo);
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
    for (int64_t i = 0; i < most; i++) {
        const char *chromo = store ? store->chromo.v[i] : data->set->chromo.v[data->set->run[i].chromo];
        int64_t n = store ? store->site_offset[i + 1] - store->site_offset[i] : data->set->run[i].n;
        add_samples(source, chromo, n, *stretch, nb);
    }
    return DCPG_OK;
}

dcpg_status dcpg_cmd_source_all(const dcpg_cmd_named *data, const dcpg_strings *chromos,
                                const dcpg_want *want, dcpg_log *log, dcpg_source **source, dcpg_err *err) {
    const dcpg_strings *known = data->store ? &data->store->chromo : &data->set->chromo;
    dcpg_strings names = {0};
    dcpg_status status = dcpg_agree_all(data->store ? data->store->par : data->set->par,
                                        name_chromos(known, chromos, &names, err), err);
    if (status == DCPG_OK)
        status = data->store ? dcpg_source_from_store_all(data->store, &names, want, source, err)
                             : dcpg_source_from_deepcpg_all(data->set, &names, want, source, err);
    dcpg_strings_free(&names);
    if (status == DCPG_OK) (*source)->log = log;
    return status;
}
