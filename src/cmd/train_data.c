/* SPDX-License-Identifier: MIT */
/* Divides the data into sites to train on and sites to validate on. */
#include "cmd/train_data.h"

#include <string.h>
#include <sys/stat.h>

static bool same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static const char *checksum_of(const dcpg_cmd_named *data) {
    return data->store ? data->store->checksum : data->set->checksum;
}

/* Whether both may hold the same sites: they have a file in common, or one is a copy of the other. Rank 0
 * compares the files. Collective. */
static bool share_sites_all(const dcpg_cmd_named *data, const dcpg_cmd_named *val, const dcpg_par *par) {
    int same = !data->store == !val->store && strcmp(checksum_of(data), checksum_of(val)) == 0;
    for (size_t i = 0; par->rank == 0 && i < data->files->n; i++)
        for (size_t k = 0; k < val->files->n && !same; k++)
            same = same_file(data->files->v[i], val->files->v[k]);
    dcpg_bcast_all(par, &same, sizeof same, 0);
    return same;
}

/* Adds the chromosomes of the data that are not validated on to `others`. */
static dcpg_status choose_others(const dcpg_cmd_named *data, const dcpg_strings *val_chromos,
                                 dcpg_strings *others, dcpg_err *err) {
    const dcpg_strings *known = dcpg_cmd_chromos(data);
    dcpg_strings val = {0};
    dcpg_map validated = {0};
    dcpg_status status = dcpg_cmd_name_chromos(data, val_chromos, &val, err);
    if (status == DCPG_OK) status = dcpg_map_index(&validated, &val, err);
    for (size_t i = 0; i < known->n && status == DCPG_OK; i++)
        if (dcpg_map_get(&validated, known->v[i], -1) < 0)
            status = dcpg_strings_add(others, known->v[i], err);
    dcpg_map_free(&validated);
    dcpg_strings_free(&val);
    if (status != DCPG_OK || others->n) return status;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "--val_chromos names all chromosomes of %s, and none is left to train on: leave one "
                     "out, or give --train_chromos",
                     data->name);
}

/* Warns of chromosomes that are in both sources. */
static dcpg_status warn_of_shared(const dcpg_source *train, const dcpg_source *val, dcpg_log *log,
                                  dcpg_err *err) {
    dcpg_strings both = {0};
    dcpg_map trained = {0};
    dcpg_status status = dcpg_map_index(&trained, &train->chromo, err);
    char text[DCPG_LIST_TEXT];
    for (size_t i = 0; i < val->chromo.n && status == DCPG_OK; i++)
        if (dcpg_map_get(&trained, val->chromo.v[i], -1) >= 0)
            status = dcpg_strings_add(&both, val->chromo.v[i], err);
    if (both.n)
        dcpg_warn(log,
                  "chromosome%s %s %s both trained and validated on: the validation loss does not show how "
                  "well the model predicts what it has not seen",
                  both.n == 1 ? "" : "s", dcpg_strings_text(&both, text), both.n == 1 ? "is" : "are");
    dcpg_map_free(&trained);
    dcpg_strings_free(&both);
    return status;
}

dcpg_status train_data_open_all(const train_data_wish *wish, const dcpg_cmd_named *data, const dcpg_par *par,
                                dcpg_log *log, train_data *opened, dcpg_err *err) {
    const dcpg_want *want = wish->want;
    bool validates = wish->val_chromos->n || wish->val_files->n, shared = validates;
    const dcpg_cmd_named *from = data;
    dcpg_strings others = {0};
    char text[DCPG_LIST_TEXT];
    dcpg_status status = DCPG_OK;
    if (wish->val_files->n) {
        DCPG_TRY(dcpg_cmd_named_open_all(wish->val_files, par, &opened->val_data, err));
        shared = share_sites_all(data, &opened->val_data, par);
        from = &opened->val_data;
    }
    bool chooses = shared && wish->train_chromos->n == 0 && wish->val_chromos->n > 0;
    if (chooses) status = dcpg_agree_all(par, choose_others(data, wish->val_chromos, &others, err), err);
    if (chooses && status == DCPG_OK)
        dcpg_info(log,
                  "--train_chromos is not given: trained on are the chromosomes that are not validated "
                  "on: %s",
                  dcpg_strings_text(&others, text));
    if (status == DCPG_OK)
        status = dcpg_cmd_source_all(data, chooses ? &others : wish->train_chromos, want, log, &opened->train,
                                     err);
    dcpg_strings_free(&others);
    if (status == DCPG_OK && validates)
        status = dcpg_cmd_source_all(from, wish->val_chromos, want, log, &opened->val, err);
    if (status == DCPG_OK && shared)
        status = dcpg_agree_all(par, warn_of_shared(opened->train, opened->val, log, err), err);
    return status;
}
