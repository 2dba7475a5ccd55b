/* SPDX-License-Identifier: MIT */
/* Warns, before training, of outputs without labels, which would be trained or validated in vain. */
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { CLASSES = 3 }; /* per output, counted by sources */

static dcpg_status fail_all(const trainer *t, const dcpg_strings *outputs, dcpg_err *err) {
    char text[DCPG_LIST_TEXT];
    int64_t sites = t->train_shards->nb_site;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "there is no label on the training chromosomes (%" PRId64 " site%s, output%s %s): choose "
        "other chromosomes or outputs",
        sites, sites == 1 ? "" : "s", outputs->n == 1 ? "" : "s", dcpg_strings_text(outputs, text));
}

static void warn_of(const trainer *t, const char *what, const dcpg_strings *empty,
                    const dcpg_strings *one_class) {
    char text[DCPG_LIST_TEXT];
    const char *none = what[0] != 't'  ? empty->n == 1 ? "it is not validated" : "they are not validated"
                       : empty->n == 1 ? "its head is not trained"
                                       : "their heads are not trained";
    if (empty->n)
        dcpg_warn(t->log, "%s: no label on the %s chromosomes: %s", dcpg_strings_text(empty, text), what,
                  none);
    if (one_class->n)
        dcpg_warn(t->log, "%s: labels of one class only on the %s chromosomes",
                  dcpg_strings_text(one_class, text), what);
}

/* Of the outputs that were never trained, those stay so that have no label now. */
static dcpg_status keep_untrained(dcpg_graph *graph, const dcpg_strings *empty, dcpg_err *err) {
    dcpg_strings left = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < graph->untrained.n && status == DCPG_OK; i++)
        if (dcpg_strings_find(empty, graph->untrained.v[i]) >= 0)
            status = dcpg_strings_add(&left, graph->untrained.v[i], err);
    dcpg_strings_free(&graph->untrained);
    graph->untrained = left;
    return status;
}

dcpg_status dcpg_trainer_check_labels(const trainer *t, const char *what, const int64_t *counts,
                                      dcpg_err *err) {
    dcpg_strings empty = {0}, one_class = {0};
    dcpg_status status = DCPG_OK;
    for (int o = 0; o < t->net->nb_output && status == DCPG_OK; o++) {
        int classes = 0;
        for (int c = 0; c < CLASSES; c++) classes += counts[CLASSES * o + c] > 0;
        if (classes == 0) status = dcpg_strings_add(&empty, t->net->output[o], err);
        if (classes == 1 && t->tally->kind[o].nb_class > 1)
            status = dcpg_strings_add(&one_class, t->net->output[o], err);
    }
    if (status == DCPG_OK && what[0] == 't') status = keep_untrained(t->graph, &empty, err);
    bool nothing = (int)empty.n == t->net->nb_output;
    if (status == DCPG_OK && nothing && what[0] == 't')
        status = fail_all(t, &empty, err);
    else if (status == DCPG_OK)
        warn_of(t, what, &empty, &one_class);
    if (status == DCPG_OK && nothing)
        dcpg_warn(t->log,
                  "without any label the validation loss means nothing, and early stopping and the "
                  "choice of the best weights follow it: validate on other chromosomes, or not at all");
    dcpg_strings_free(&empty);
    dcpg_strings_free(&one_class);
    return status;
}

dcpg_status dcpg_trainer_check_validation_all(const trainer *t, dcpg_err *err) {
    size_t n = (size_t)t->net->nb_output * CLASSES;
    int64_t first, end, *counts = dcpg_alloc(n, sizeof *counts);
    dcpg_shards_range(t->val_shards, &first, &end);
    dcpg_status status = counts ? t->val->ops->count_labels(t->val, first, end, counts, err)
                                : dcpg_fail_nomem(err, "labels", n * sizeof *counts);
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) {
        dcpg_sum_i64s_all(t->par, counts, n);
        status = dcpg_agree_all(t->par, dcpg_trainer_check_labels(t, "validation", counts, err), err);
    }
    dcpg_free(counts);
    return status;
}

const char *dcpg_trainer_acc_text(double acc, char text[24]) {
    text[0] = '\0';
    if (!isnan(acc)) snprintf(text, 24, "  acc %.4f", acc);
    return text;
}
