/* SPDX-License-Identifier: MIT */
/* Everything that the results of an evaluation depend on, as text, line by line. */
#include "analysis/eval_settings.h"
#include "analysis/eval_partial.h"

#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dcpg/version.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t hash_names(const dcpg_strings *names) {
    uint64_t hash = names->n;
    for (size_t i = 0; i < names->n; i++) hash = dcpg_mix(hash, dcpg_hash(names->v[i]));
    return hash;
}

static uint64_t hash_values(uint64_t hash, const float *value, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &value[i], sizeof bits);
        hash = dcpg_mix(hash, bits);
    }
    return hash;
}

static uint64_t hash_weights(const dcpg_weights *weights) {
    uint64_t hash = (uint64_t)weights->nb;
    for (int i = 0; i < weights->nb; i++) {
        const struct dcpg_weight_value *w = &weights->entry[i];
        size_t n = 1;
        for (int d = 0; d < w->ndim; d++) n *= (size_t)w->shape[d];
        hash = dcpg_mix(dcpg_mix(hash, dcpg_hash(w->layer)), dcpg_hash(w->name));
        hash = hash_values(hash, w->value, n);
    }
    return hash;
}

/* A line of names, few of them written out. */
static void write_names(FILE *out, const char *what, const dcpg_strings *names) {
    char text[DCPG_LIST_TEXT];
    fprintf(out, "%s: %zu (%s) %016" PRIx64 "\n", what, names->n, dcpg_strings_text(names, text),
            hash_names(names));
}

/* Sizes and times of files, for sources that keep no digests. */
static void write_files(FILE *out, const dcpg_strings *files) {
    for (size_t i = 0; files && i < files->n; i++) {
        struct stat s = {0};
        if (stat(files->v[i], &s) == 0)
            fprintf(out, "data file %zu: %lld bytes of %lld.%09ld\n", i + 1, (long long)s.st_size,
                    (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    }
}

static void write_model(FILE *out, const dcpg_model *model) {
    char *json = dcpg_keras_json(model->graph);
    fprintf(out, "model: %016" PRIx64 " %016" PRIx64 "\n", json ? dcpg_hash(json) : 0,
            hash_weights(&model->weights));
    dcpg_free(json);
}

static void write_lines(FILE *out, const eval_settings_from *from, const char *digest) {
    const dcpg_source *source = from->source;
    fputs(EVAL_PARTIAL_FORMAT, out);
    fprintf(out, "data: %s\n", digest ? digest : source->checksum ? source->checksum : "");
    if (!digest) write_files(out, from->files);
    write_model(out, from->model);
    write_names(out, "chromosomes", &source->chromo);
    fprintf(out, "sites: %" PRId64 "\n", from->total);
    write_names(out, "cells", &source->cells);
    fprintf(out, "outputs: %d", from->outputs->nb);
    uint64_t hash = 0;
    for (int o = 0; o < from->outputs->nb; o++) hash = dcpg_mix(hash, dcpg_hash(from->outputs->name[o]));
    fprintf(out, " %016" PRIx64 "\n", hash);
    fprintf(out, "hide: %" PRId64 " seed %" PRIu64 "\n", source->hiding.parts, source->hiding.seed);
    fprintf(out, "program: %s, kernels %s\n", dcpg_version(), dcpg_kern_name());
}

dcpg_status dcpg_eval_settings_all(const eval_settings_from *from, const dcpg_par *par, char **settings,
                                   dcpg_err *err) {
    char *digest = NULL, *text = NULL;
    size_t size = 0;
    *settings = NULL;
    if (from->source->ops->digest_all) DCPG_TRY(from->source->ops->digest_all(from->source, &digest, err));
    FILE *out = open_memstream(&text, &size);
    if (out) write_lines(out, from, digest);
    bool fine = out && !ferror(out);
    if (out && fclose(out) != 0) fine = false;
    if (fine) *settings = dcpg_strdup(text);
    free(text);
    dcpg_free(digest);
    return dcpg_agree_all(par, *settings ? DCPG_OK : dcpg_fail_nomem(err, "settings", 4096), err);
}
