/* SPDX-License-Identifier: MIT */
/* Adds cells, bulk profiles, annotations and statistics to a store: a new store is made from the old one and
 * the files, and takes its place once it is complete. */
#include "store/make/make_impl.h"
#include "store/store_layout.h"
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* A store that is being extended; every rank reads it on its own. */
typedef struct appending {
    const dcpg_par *par;
    dcpg_store *store;
    dcpg_h5 *file;
    int32_t *pos;         /* [nb_pos] */
    dcpg_strings md5;     /* [nb_chromo] */
    dcpg_strings chromos; /* --chromos with which it was made; empty: all */
    dcpg_strings alike;   /* making.dna.alike */
    bool every_cg;        /* every CG of its genome is a site */
    int64_t cpg_cov; /* its sites are the positions observed in at least this many cells; 0: sites were chosen
                        in another way */
    char *command;   /* command lines of the store, then of this addition */
    dcpg_strings cpg_stats, win_stats, win_wlen; /* of the store and of this addition */

    /* Rows of calls that were read last: whole chunks. */
    int64_t block_first, block_end, block_rows;
    uint64_t *observed, *state; /* [block_rows][words] */
    float *value;               /* [nb_pos] */
} appending;

static dcpg_status fail_damaged(const appending *a, const char *dataset, const char *how, dcpg_err *err) {
    return dcpg_store_fail_damaged(a->store, dataset, how, err);
}

/* ---- content of the store ---- */

static dcpg_status read_positions(appending *a, dcpg_err *err) {
    const dcpg_store *s = a->store;
    a->pos = dcpg_alloc((size_t)s->nb_pos, sizeof *a->pos);
    if (!a->pos) return dcpg_fail_nomem(err, "positions", (unsigned long long)s->nb_pos * sizeof *a->pos);
    DCPG_TRY(dcpg_h5_read(a->file, STORE_POS, DCPG_H5_I32, NULL, a->pos, err));
    for (int c = 0; c < s->nb_chromo; c++) {
        int32_t before = 0;
        for (int64_t i = s->pos_offset[c]; i < s->pos_offset[c + 1]; i++) {
            if (a->pos[i] <= before || a->pos[i] == INT32_MAX)
                return fail_damaged(a, STORE_POS, "does not ascend", err);
            before = a->pos[i];
        }
    }
    return DCPG_OK;
}

/* Reads an attribute that may be absent; a long list is split into several, the first of which is NAME0. */
static dcpg_status read_names(appending *a, const char *attribute, dcpg_strings *names, dcpg_err *err) {
    char first[32];
    snprintf(first, sizeof first, "%s0", attribute);
    if (!dcpg_h5_has_attr(a->file, "/", attribute) && !dcpg_h5_has_attr(a->file, "/", first)) return DCPG_OK;
    return dcpg_h5_read_attr_strings(a->file, "/", attribute, names, err);
}

/* Reads how the sites were chosen. For stores older than these attributes: if every position is a site, one
 * observing cell makes a site. */
static dcpg_status read_manner(appending *a, dcpg_err *err) {
    a->cpg_cov = a->store->all_sites;
    if (dcpg_h5_has_attr(a->file, "/", STORE_CPG_COV))
        DCPG_TRY(dcpg_h5_read_attr_i64(a->file, "/", STORE_CPG_COV, &a->cpg_cov, err));
    if (a->cpg_cov < 0) return fail_damaged(a, STORE_CPG_COV, "is negative", err);
    char *manner = NULL;
    if (dcpg_h5_has_attr(a->file, "/", STORE_MANNER))
        DCPG_TRY(dcpg_h5_read_attr_string(a->file, "/", STORE_MANNER, &manner, err));
    a->every_cg = manner && strcmp(manner, "all") == 0 && a->store->has_dna;
    dcpg_free(manner);
    DCPG_TRY(read_names(a, STORE_ALIKE, &a->alike, err));
    return read_names(a, STORE_CHROMOS, &a->chromos, err);
}

/* Allocates space for the rows that are read at a time: those of a chunk, so that no chunk is read twice. */
static dcpg_status alloc_rows(appending *a, dcpg_err *err) {
    dcpg_h5_shape shape;
    DCPG_TRY(dcpg_h5_shape_of(a->file, STORE_OBSERVED, &shape, err));
    a->block_rows = shape.chunk[0] > 0 && shape.chunk[0] <= 64 ? shape.chunk[0] : 1;
    size_t words = (size_t)store_words(a->store->nb_pos);
    a->observed = dcpg_alloc((size_t)a->block_rows, words * sizeof *a->observed);
    a->state = dcpg_alloc((size_t)a->block_rows, words * sizeof *a->state);
    if (!a->observed || !a->state)
        return dcpg_fail_nomem(err, "calls",
                               2 * (unsigned long long)a->block_rows * words * sizeof *a->state);
    return DCPG_OK;
}

static dcpg_status read_command(appending *a, const char *more, dcpg_err *err) {
    char *before = NULL;
    dcpg_status status = dcpg_h5_has_attr(a->file, "/", "command")
                             ? dcpg_h5_read_attr_string(a->file, "/", "command", &before, err)
                             : DCPG_OK;
    if (status == DCPG_OK) a->command = dcpg_format("%s\n%s", before ? before : "", more ? more : "");
    if (status == DCPG_OK && !a->command) status = dcpg_fail_nomem(err, "the command line", 0);
    dcpg_free(before);
    return status;
}

/* ---- its content as profiles ---- */

/* Allocates calls for all chromosomes; chromosomes without calls are left out later. */
static dcpg_status start_profile(const appending *a, bool binary, dcpg_profile *profile, dcpg_err *err) {
    profile->binary = binary;
    profile->chromo = dcpg_alloc((size_t)a->store->nb_chromo, sizeof *profile->chromo);
    return profile->chromo
               ? DCPG_OK
               : dcpg_fail_nomem(err, "chromosomes",
                                 (unsigned long long)a->store->nb_chromo * sizeof *profile->chromo);
}

static bool has_bit(const uint64_t *word, int64_t i) { return word[i / 64] >> i % 64 & 1; }

/* Some of the store's positions and their values. */
typedef struct selection {
    const uint64_t *set;   /* a bit for each position */
    const uint64_t *state; /* values as bits; NULL: 0 */
    const float *value;    /* [nb_pos] or NULL: the values are those of `state` */
} selection;

/* Adds the selected positions of chromosome `c`. */
static dcpg_status add_chromo(const appending *a, int c, const selection *s, dcpg_profile *profile,
                              dcpg_err *err) {
    int64_t n = 0, from = a->store->pos_offset[c], to = a->store->pos_offset[c + 1];
    for (int64_t i = from; i < to; i++) n += has_bit(s->set, i);
    if (n == 0) return DCPG_OK;
    dcpg_calls *calls = &profile->chromo[profile->nb_chromo++];
    calls->chromo = dcpg_strdup(a->store->chromo.v[c]);
    calls->pos = dcpg_alloc((size_t)n, sizeof *calls->pos);
    calls->value = dcpg_alloc((size_t)n, sizeof *calls->value);
    if (!calls->chromo || !calls->pos || !calls->value)
        return dcpg_fail_nomem(err, "calls", (unsigned long long)n * 2 * sizeof *calls->pos);
    for (int64_t i = from; i < to; i++) {
        if (!has_bit(s->set, i)) continue;
        calls->pos[calls->n] = a->pos[i];
        calls->value[calls->n++] = s->value ? s->value[i] : s->state ? (float)has_bit(s->state, i) : 0;
    }
    return DCPG_OK;
}

static dcpg_status add_chromos(const appending *a, selection s, dcpg_profile *profile, dcpg_err *err) {
    DCPG_TRY(start_profile(a, !s.value, profile, err));
    for (int c = 0; c < a->store->nb_chromo; c++) DCPG_TRY(add_chromo(a, c, &s, profile, err));
    return DCPG_OK;
}

static dcpg_status read_block(appending *a, int64_t cell, dcpg_err *err) {
    if (cell >= a->block_first && cell < a->block_end) return DCPG_OK;
    int64_t rows = a->block_rows, first = cell / rows * rows, n = (int64_t)a->store->cells.n - first;
    if (n > rows) n = rows;
    const dcpg_h5_block block = {{first, 0}, {n, store_words(a->store->nb_pos)}};
    a->block_first = a->block_end = 0;
    DCPG_TRY(dcpg_h5_read(a->file, STORE_OBSERVED, DCPG_H5_U64, &block, a->observed, err));
    DCPG_TRY(dcpg_h5_read(a->file, STORE_STATE, DCPG_H5_U64, &block, a->state, err));
    a->block_first = first;
    a->block_end = first + n;
    return DCPG_OK;
}

/* Reads a row of a dataset whose values must be NaN or in [0, 1]. */
static dcpg_status read_values(appending *a, const char *path, int64_t row, dcpg_err *err) {
    int64_t n = a->store->nb_pos;
    if (!a->value) a->value = dcpg_alloc((size_t)n, sizeof *a->value);
    if (!a->value) return dcpg_fail_nomem(err, "values", (unsigned long long)n * sizeof *a->value);
    const dcpg_h5_block block = {{row, 0}, {1, n}};
    DCPG_TRY(dcpg_h5_read(a->file, path, DCPG_H5_F32, &block, a->value, err));
    for (int64_t i = 0; i < n; i++) {
        if (a->value[i] < 0 || a->value[i] > 1)
            return fail_damaged(a, path, "holds a value outside [0, 1]", err);
    }
    return DCPG_OK;
}

static dcpg_status give_cell(void *context, int64_t cell, dcpg_profile *profile, dcpg_err *err) {
    appending *a = context;
    DCPG_TRY(read_block(a, cell, err));
    int64_t at = (cell - a->block_first) * store_words(a->store->nb_pos), row = 0;
    const uint64_t *observed = a->observed + at;
    if (a->store->binary[cell])
        return add_chromos(a, (selection){.set = observed, .state = a->state + at}, profile, err);
    for (int64_t i = 0; i < cell; i++) row += !a->store->binary[i];
    DCPG_TRY(read_values(a, STORE_VALUE, row, err));
    for (int64_t i = 0; i < a->store->nb_pos; i++) {
        if (has_bit(observed, i) == (bool)isnan(a->value[i]))
            return fail_damaged(a, STORE_VALUE, "does not fit the calls", err);
    }
    return add_chromos(a, (selection){.set = observed, .value = a->value}, profile, err);
}

static dcpg_status give_bulk(void *context, int64_t number, dcpg_profile *profile, dcpg_err *err) {
    appending *a = context;
    DCPG_TRY(read_values(a, STORE_BULK_VALUE, number, err));
    uint64_t *known = dcpg_alloc((size_t)store_words(a->store->nb_pos), sizeof *known);
    if (!known) return dcpg_fail_nomem(err, "values", (unsigned long long)a->store->nb_pos / 8);
    for (int64_t i = 0; i < a->store->nb_pos; i++) known[i / 64] |= (uint64_t)!isnan(a->value[i]) << i % 64;
    dcpg_status status = add_chromos(a, (selection){.set = known, .value = a->value}, profile, err);
    dcpg_free(known);
    return status;
}

static dcpg_status give_anno(void *context, int64_t number, dcpg_profile *profile, dcpg_err *err) {
    appending *a = context;
    int64_t words = store_words(a->store->nb_pos);
    uint64_t *inside = dcpg_alloc((size_t)words, sizeof *inside);
    if (!inside) return dcpg_fail_nomem(err, "an annotation", (unsigned long long)words * sizeof *inside);
    const dcpg_h5_block block = {{number, 0}, {1, words}};
    dcpg_status status = dcpg_h5_read(a->file, STORE_ANNO_INSIDE, DCPG_H5_U64, &block, inside, err);
    if (status == DCPG_OK) status = add_chromos(a, (selection){.set = inside}, profile, err);
    dcpg_free(inside);
    return status;
}

/* Sites ascend: dcpg_store_open_all has checked that. */
static dcpg_status give_sites(void *context, dcpg_profile *profile, dcpg_err *err) {
    appending *a = context;
    const dcpg_store *s = a->store;
    uint64_t *chosen = dcpg_alloc((size_t)store_words(s->nb_pos), sizeof *chosen);
    int64_t *site = dcpg_alloc((size_t)s->nb_site, sizeof *site);
    dcpg_status status = chosen && site
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "sites", (unsigned long long)s->nb_site * sizeof *site);
    if (status == DCPG_OK && !s->all_sites)
        status = dcpg_h5_read(a->file, STORE_SITES, DCPG_H5_I64, NULL, site, err);
    for (int64_t i = 0; i < s->nb_site && status == DCPG_OK; i++) {
        int64_t at = s->all_sites ? i : site[i];
        chosen[at / 64] |= UINT64_C(1) << at % 64;
    }
    if (status == DCPG_OK) status = add_chromos(a, (selection){.set = chosen}, profile, err);
    dcpg_free(chosen);
    dcpg_free(site);
    return status;
}

/* ---- its genome ---- */

static dcpg_status read_sequence(appending *a, int c, dcpg_sequence *sequence, dcpg_err *err) {
    const dcpg_store *s = a->store;
    int64_t bytes = s->base_offset[c + 1] - s->base_offset[c],
            nb_run = s->run_offset[c + 1] - s->run_offset[c];
    sequence->chromo = dcpg_strdup(s->chromo.v[c]);
    sequence->length = s->length[c];
    sequence->packed = dcpg_alloc((size_t)bytes, 1);
    sequence->run = dcpg_alloc((size_t)nb_run, sizeof *sequence->run);
    if (!sequence->chromo || !sequence->packed || !sequence->run)
        return dcpg_fail_nomem(err, "a chromosome", (unsigned long long)bytes);
    sequence->nb_run = sequence->run_capacity = nb_run;
    snprintf(sequence->md5, sizeof sequence->md5, "%s", a->md5.v[c]);
    DCPG_TRY(dcpg_h5_read(a->file, STORE_BASES, DCPG_H5_U8, &(dcpg_h5_block){{s->base_offset[c]}, {bytes}},
                          sequence->packed, err));
    if (nb_run > 0)
        DCPG_TRY(dcpg_h5_read(a->file, STORE_RUNS, DCPG_H5_I64,
                              &(dcpg_h5_block){{s->run_offset[c], 0}, {nb_run, 2}}, sequence->run, err));
    for (int64_t i = 0, before = 0; i < nb_run; i++) {
        const dcpg_run_n *run = &sequence->run[i];
        if (run->start < before || run->end <= run->start || run->end > sequence->length)
            return fail_damaged(a, STORE_RUNS, "does not ascend within the chromosomes", err);
        before = run->end;
    }
    return DCPG_OK;
}

/* Chromosomes are distributed among the ranks. */
static dcpg_status give_sequences(void *context, dcpg_sequence_fn *each, void *receiver, dcpg_err *err) {
    appending *a = context;
    for (int c = a->par->rank; c < a->store->nb_chromo; c += a->par->size) {
        dcpg_sequence sequence = {0};
        dcpg_status status = read_sequence(a, c, &sequence, err);
        if (status == DCPG_OK) status = each(receiver, &sequence, err);
        dcpg_sequence_free(&sequence);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* ---- statistics ---- */

static dcpg_status join_names(const dcpg_strings *a, const dcpg_strings *b, dcpg_strings *out,
                              dcpg_err *err) {
    for (size_t i = 0; i < a->n; i++) DCPG_TRY(dcpg_strings_add(out, a->v[i], err));
    for (size_t i = 0; b && i < b->n; i++) {
        if (dcpg_strings_find(out, b->v[i]) < 0) DCPG_TRY(dcpg_strings_add(out, b->v[i], err));
    }
    return DCPG_OK;
}

/* Statistics of both are offered; the parameters are the store's if it has any statistics. */
static dcpg_status join_statistics(appending *a, dcpg_store_options *o, dcpg_err *err) {
    const dcpg_store *s = a->store;
    bool any = s->cpg_stats.n + s->win_stats.n > 0, windows = o->win_stats && o->win_stats->n > 0;
    DCPG_TRY(join_names(&s->cpg_stats, o->cpg_stats, &a->cpg_stats, err));
    DCPG_TRY(join_names(&s->win_stats, o->win_stats, &a->win_stats, err));
    for (int64_t i = 0; i < s->nb_win_wlen; i++) {
        char text[32];
        snprintf(text, sizeof text, "%" PRId64, s->win_wlen[i]);
        DCPG_TRY(dcpg_strings_add(&a->win_wlen, text, err));
    }
    if (windows) { /* otherwise the option holds only its default lengths */
        dcpg_strings both = {0};
        dcpg_status status = join_names(&a->win_wlen, o->win_stats_wlen, &both, err);
        dcpg_strings_free(&a->win_wlen);
        a->win_wlen = both;
        DCPG_TRY(status);
    }
    o->cpg_stats = &a->cpg_stats;
    o->win_stats = &a->win_stats;
    o->win_stats_wlen = &a->win_wlen;
    if (any) o->cpg_stats_cov = s->stats_cov;
    if (any) o->stats_wlen = s->stats_cpg_wlen;
    return DCPG_OK;
}

/* ---- the whole addition ---- */

static dcpg_status check_options(const dcpg_store_options *o, dcpg_err *err) {
    const char *path = o->out_file ? o->out_file : "";
    if (access(path, F_OK) != 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: there is no such store to append to: leave --append out to make it", path);
    const char *fixed = o->pos_file                       ? "pos_file"
                        : o->every_cg                     ? "sites"
                        : o->cpg_cov != 1                 ? "cpg_cov"
                        : o->chromos && o->chromos->n > 0 ? "chromos"
                        : o->nb_sample_chromo             ? "nb_sample_chromo"
                        : o->nb_sample                    ? "nb_sample"
                                                          : NULL;
    if (fixed)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--append: sites are chosen as when the store was made: leave --%s out", fixed);
    const dcpg_strings *more[] = {o->profiles, o->bulk_profiles, o->anno_files, o->cpg_stats, o->win_stats};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (more[i] && more[i]->n > 0) return DCPG_OK;
    }
    return dcpg_fail(err, DCPG_E_USAGE,
                     "--append: nothing to append: give --cpg_profiles, --bulk_profiles, --anno_files, "
                     "--cpg_stats or --win_stats");
}

static dcpg_status read_store(appending *a, dcpg_store_options *o, dcpg_err *err) {
    DCPG_TRY(dcpg_h5_open(a->store->path, NULL, &a->file, err));
    DCPG_TRY(read_positions(a, err));
    DCPG_TRY(read_manner(a, err));
    DCPG_TRY(alloc_rows(a, err));
    DCPG_TRY(dcpg_h5_read_strings(a->file, STORE_MD5, &a->md5, err));
    DCPG_TRY(read_command(a, o->command, err));
    DCPG_TRY(join_statistics(a, o, err));
    if (!a->store->has_dna && o->dna_files && o->dna_files->n > 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: holds no DNA, so its calls were never checked against a genome: make it again "
                         "with --dna_files",
                         a->store->path);
    }
    o->command = a->command;
    o->chromos = &a->chromos;
    o->cpg_cov = a->cpg_cov > 0 ? a->cpg_cov : 1;
    o->every_cg = a->every_cg;
    return DCPG_OK;
}

static void finish(appending *a) {
    dcpg_h5_close(a->file);
    dcpg_store_free(a->store);
    dcpg_free(a->pos);
    dcpg_strings_free(&a->md5);
    dcpg_strings_free(&a->chromos);
    dcpg_strings_free(&a->alike);
    dcpg_free(a->command);
    dcpg_strings_free(&a->cpg_stats);
    dcpg_strings_free(&a->win_stats);
    dcpg_strings_free(&a->win_wlen);
    dcpg_free(a->observed);
    dcpg_free(a->state);
    dcpg_free(a->value);
}

static making_input input_of(appending *a) {
    const dcpg_store *s = a->store;
    return (making_input){.context = a,
                          .name = s->path,
                          .cells = &s->cells,
                          .bulk = &s->bulk,
                          .annos = &s->annos,
                          .cell = give_cell,
                          .bulk_values = give_bulk,
                          .anno_inside = give_anno,
                          .nb_pos = s->nb_pos,
                          .sites = a->cpg_cov > 0 || a->every_cg ? NULL : give_sites,
                          .sequences = s->has_dna ? give_sequences : NULL,
                          .chromo = &s->chromo,
                          .md5 = &a->md5,
                          .fasta_name = &s->fasta_name,
                          .alike = &a->alike};
}

dcpg_status dcpg_store_append_all(const dcpg_store_options *options, const dcpg_par *par, dcpg_log *log,
                                  dcpg_err *err) {
    dcpg_store_options o = *options;
    appending a = {.par = par};
    dcpg_status status = dcpg_agree_all(par, check_options(options, err), err);
    if (status == DCPG_OK) status = dcpg_store_open_all(options->out_file, par, &a.store, err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, read_store(&a, &o, err), err);
    if (status == DCPG_OK) {
        const making_input input = input_of(&a);
        status = dcpg_store_make_from_all(&o, &input, par, log, err);
    }
    finish(&a);
    return status;
}
