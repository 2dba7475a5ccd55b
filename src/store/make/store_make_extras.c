/* SPDX-License-Identifier: MIT */
/* Making a store: bulk profiles, annotations and statistics of the positions. Files are distributed among the
 * ranks and fill one row each; they add no positions. */
#include "base/number.h"
#include "genome/bed.h"
#include "store/make/make_impl.h"
#include "store/store_layout.h"
#include <dcpg/memory.h>
#include <dcpg/stats.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The source of a row: a file or, if path is NULL, the input's profile or annotation of that name. */
typedef struct origin {
    const char *name, *path;
    dcpg_profile_report *report; /* receives the report on a profile that was read */
} origin;

/* Fills a row: one value or one bit per position. */
typedef dcpg_status fill_fn(const making *m, const origin *from, void *row, dcpg_err *err);

/* Two datasets, of names and of one row per name, and how a row is filled. */
typedef struct rows {
    const char *names, *data; /* paths of the datasets */
    dcpg_h5_type type;
    int64_t width, chunk; /* elements */
    size_t bytes;         /* of a row */
    fill_fn *fill;
    const char *bare; /* warning about rows without any value; NULL: the rows are no profiles */
} rows;

static bool has_value(const float *row, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!isnan(row[i])) return true;
    return false;
}

/* bare[number of rows]: 1 for this rank's rows without a value. Collective. */
static void log_bare_all(const making *m, const rows *r, const named_files *files, int64_t *bare) {
    some_names names = {0};
    dcpg_max_i64s_all(m->par, bare, files->name.n);
    for (size_t i = 0; i < files->name.n; i++)
        if (bare[i]) dcpg_names_add(&names, files->name.v[i]);
    if (names.n > 0) dcpg_warn(m->log, "%s: %s", dcpg_names_text(&names), r->bare);
}

/* Logs how the files were read; report[n]: of this rank's rows. Collective. */
static dcpg_status log_reports_all(making *m, const rows *r, const named_files *files,
                                   const dcpg_profile_report *report, int64_t n, dcpg_err *err) {
    void *all = NULL;
    size_t *bytes_of = dcpg_alloc((size_t)m->par->size, sizeof *bytes_of);
    dcpg_status status = dcpg_agree_all(
        m->par, bytes_of ? DCPG_OK : dcpg_fail_nomem(err, "ranks", (size_t)m->par->size * sizeof *bytes_of),
        err);
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, report, (size_t)n * sizeof *report, &all, bytes_of, err);
    const dcpg_profile_report *reports = all;
    mito_files mito = {0};
    for (size_t i = 0; i < files->name.n && status == DCPG_OK; i++)
        if (files->path[i]) dcpg_make_add_mito(&mito, files->path[i], reports[i].mito);
    if (status == DCPG_OK) dcpg_make_log_mito(m, &mito);
    if (status == DCPG_OK && r->bare) dcpg_make_log_profiles(m, files->path, reports, (int64_t)files->name.n);
    dcpg_free(all);
    dcpg_free(bytes_of);
    return status;
}

/* A row being written, and findings about the rows. */
typedef struct row_place {
    void *row;
    int64_t *bare;               /* [number of rows] */
    dcpg_profile_report *report; /* [rows of this rank] */
    int64_t first;               /* first row of this rank */
} row_place;

/* Writes row `number`; a rank with no rows left passes -1 and takes part. Collective. */
static dcpg_status write_row_all(making *m, const rows *r, const named_files *files, int64_t number,
                                 const row_place *at, dcpg_err *err) {
    bool any = number >= 0;
    dcpg_status status = DCPG_OK;
    if (any) memset(at->row, 0, r->bytes);
    if (any)
        status =
            r->fill(m, &(origin){files->name.v[number], files->path[number], &at->report[number - at->first]},
                    at->row, err);
    DCPG_TRY(dcpg_agree_all(m->par, status, err));
    if (any && r->bare) at->bare[number] = !has_value(at->row, r->width);
    if (any && r->type == DCPG_H5_F32)
        m->digest.part[STORE_DIGEST_BULK] +=
            dcpg_store_digest_values(files->name.v[number], r->width, at->row);
    return dcpg_h5_write(m->file, r->data, r->type, &(dcpg_h5_block){{any ? number : 0, 0}, {any, r->width}},
                         at->row, err);
}

static dcpg_status write_rows_all(making *m, const rows *r, const named_files *files, dcpg_err *err) {
    int64_t n = (int64_t)files->name.n, first = dcpg_part(n, m->par->rank, m->par->size),
            end = dcpg_part(n, m->par->rank + 1, m->par->size);
    if (n == 0) return DCPG_OK;
    dcpg_h5_shape shape = {.type = r->type,
                           .ndim = 2,
                           .dim = {n, r->width},
                           .chunk = {1, min_i64(r->width, r->chunk)},
                           .deflate = DCPG_STORE_DEFLATE};
    DCPG_TRY(dcpg_h5_write_strings(m->file, r->names, &files->name, err));
    DCPG_TRY(dcpg_h5_make(m->file, r->data, &shape, err));
    const row_place at = {dcpg_alloc(r->bytes, 1), dcpg_alloc((size_t)n, sizeof *at.bare),
                          dcpg_alloc((size_t)(end - first), sizeof *at.report), first};
    dcpg_status status = at.row && at.bare && at.report ? DCPG_OK : dcpg_fail_nomem(err, r->data, r->bytes);
    status = dcpg_agree_all(m->par, status, err);
    int64_t rounds = dcpg_max_i64_all(m->par, end - first);
    for (int64_t i = first; i < first + rounds && status == DCPG_OK; i++)
        status = write_row_all(m, r, files, i < end ? i : -1, &at, err);
    if (status == DCPG_OK) status = log_reports_all(m, r, files, at.report, end - first, err);
    if (status == DCPG_OK && r->bare) log_bare_all(m, r, files, at.bare);
    dcpg_free(at.bare);
    dcpg_free(at.report);
    dcpg_free(at.row);
    return status;
}

/* ---- bulk profiles ---- */

/* Called for each call at a position of the store. */
typedef void place_fn(void *row, int64_t position, float value);

static void place_calls(const making *m, const dcpg_profile *profile, place_fn *place, void *row) {
    for (int c = 0; c < profile->nb_chromo; c++) {
        const dcpg_calls *calls = &profile->chromo[c];
        int chromo = dcpg_make_chromo_number(m, calls->chromo);
        if (chromo < 0) continue;
        int64_t at = m->positions.offset[chromo], end = m->positions.offset[chromo + 1];
        for (int64_t i = 0; i < calls->n; i++) {
            while (at < end && m->positions.pos[at] < calls->pos[i]) at++;
            if (at < end && m->positions.pos[at] == calls->pos[i]) place(row, at, calls->value[i]);
        }
    }
}

static void set_value(void *row, int64_t position, float value) { ((float *)row)[position] = value; }

static void set_inside(void *row, int64_t position, float value) {
    (void)value;
    ((uint64_t *)row)[position / 64] |= UINT64_C(1) << position % 64;
}

/* Values are fractions of reads, never rounded. */
static dcpg_status load_bulk(const making *m, const origin *from, dcpg_profile *profile, dcpg_err *err) {
    if (!from->path)
        return m->input->bulk_values(m->input->context, dcpg_strings_find(m->input->bulk, from->name),
                                     profile, err);
    dcpg_profile_options options = dcpg_make_profile_options(m);
    options.call = DCPG_CALL_FRACTION;
    options.format = "auto"; /* bulk profiles may have another format than the cells */
    return dcpg_profile_load(from->path, &options, profile, from->report, err);
}

static dcpg_status fill_bulk(const making *m, const origin *from, void *row, dcpg_err *err) {
    dcpg_profile profile = {0};
    float *value = row;
    dcpg_status status = load_bulk(m, from, &profile, err);
    for (int64_t i = 0; i < m->positions.n && status == DCPG_OK; i++) value[i] = NAN;
    if (status == DCPG_OK) place_calls(m, &profile, set_value, row);
    dcpg_profile_free(&profile);
    return status;
}

/* ---- annotations ---- */

static dcpg_status fill_known_anno(const making *m, const char *name, void *row, dcpg_err *err) {
    dcpg_profile profile = {0};
    dcpg_status status =
        m->input->anno_inside(m->input->context, dcpg_strings_find(m->input->annos, name), &profile, err);
    if (status == DCPG_OK) place_calls(m, &profile, set_inside, row);
    dcpg_profile_free(&profile);
    return status;
}

static dcpg_status fill_anno(const making *m, const origin *from, void *row, dcpg_err *err) {
    if (!from->path) return fill_known_anno(m, from->name, row, err);
    dcpg_bed bed;
    dcpg_status status = dcpg_bed_read(from->path, &bed, err);
    for (int64_t b = 0; b < bed.nb_chromo && status == DCPG_OK; b++) {
        const dcpg_bed_chromo *on = &bed.chromo[b];
        bool unclear;
        int c = dcpg_make_chromo_called(m, on->chromo, &unclear);
        if (!has_genome(m) && c >= 0) from->report->mito |= dcpg_chromo_mito(on->chromo);
        if (from->report->mito == DCPG_CHROMO_BOTH) status = dcpg_chromo_fail_both(from->path, err);
        if (unclear)
            status = dcpg_chromos_fail_unclear(&m->genome.names, from->path, on->chromo, "the genome", err);
        int64_t k = 0;
        for (int64_t i = c < 0 ? 0 : m->positions.offset[c]; c >= 0 && i < m->positions.offset[c + 1]; i++) {
            while (k < on->n && on->v[k].end < m->positions.pos[i]) k++;
            if (k < on->n && on->v[k].start <= m->positions.pos[i]) set_inside(row, i, 1);
        }
    }
    dcpg_bed_free(&bed);
    return status;
}

/* ---- statistics ---- */

static dcpg_status write_stats_all(making *m, dcpg_err *err) {
    if (m->extras.cpg_stats.n + m->extras.win_stats.n == 0) return DCPG_OK;
    DCPG_TRY(dcpg_h5_make_group(m->file, STORE_STATS, err));
    DCPG_TRY(dcpg_h5_write_attr_i64(m->file, STORE_STATS, STORE_STATS_COV, m->options->cpg_stats_cov, err));
    DCPG_TRY(dcpg_h5_write_attr_i64(m->file, STORE_STATS, STORE_STATS_WLEN, m->options->stats_wlen, err));
    if (m->extras.cpg_stats.n > 0)
        DCPG_TRY(dcpg_h5_write_strings(m->file, STORE_CPG_STATS, &m->extras.cpg_stats, err));
    if (m->extras.win_stats.n == 0) return DCPG_OK;
    DCPG_TRY(dcpg_h5_write_strings(m->file, STORE_WIN_STATS, &m->extras.win_stats, err));
    DCPG_TRY(dcpg_h5_make(m->file, STORE_WIN_WLEN,
                          &(dcpg_h5_shape){.type = DCPG_H5_I64, .ndim = 1, .dim = {m->extras.nb_win_wlen}},
                          err));
    return dcpg_h5_write(m->file, STORE_WIN_WLEN, DCPG_H5_I64, NULL, m->extras.win_wlen, err);
}

/* Names that come from the input, not from a file. */
static int64_t count_kept(const named_files *files) {
    int64_t n = 0;
    for (size_t i = 0; i < files->name.n; i++) n += files->path[i] == NULL;
    return n;
}

/* Where the input lacks new positions, values of bulk profiles may be missing, but not annotations. */
static dcpg_status check_kept(const making *m, dcpg_err *err) {
    int64_t news = m->input && m->input->nb_pos > 0 ? m->positions.n - m->input->nb_pos : 0;
    if (news > 0 && count_kept(&m->extras.annos) > 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: its annotations do not cover the %" PRId64
                         " new positions: give their files again with --anno_files",
                         m->input->name, news);
    }
    if (news > 0 && count_kept(&m->extras.bulk) > 0) {
        dcpg_warn(m->log,
                  "the bulk profiles of %s have no values at the %" PRId64
                  " new positions: give their files again with --bulk_profiles to fill them in",
                  m->input->name, news);
    }
    return DCPG_OK;
}

dcpg_status dcpg_make_extras_all(making *m, dcpg_err *err) {
    DCPG_TRY(check_kept(m, err));
    int64_t words = store_words(m->positions.n);
    const rows bulk = {STORE_BULK,
                       STORE_BULK_VALUE,
                       DCPG_H5_F32,
                       m->positions.n,
                       STORE_VALUE_CHUNK,
                       (size_t)m->positions.n * sizeof(float),
                       fill_bulk,
                       "the bulk profile has no value at any position of the cells: see whether it is of "
                       "their genome build"};
    const rows annos = {STORE_ANNOS,      STORE_ANNO_INSIDE,
                        DCPG_H5_U64,      words,
                        STORE_WORD_CHUNK, (size_t)words * sizeof(uint64_t),
                        fill_anno,        NULL};
    DCPG_TRY(write_rows_all(m, &bulk, &m->extras.bulk, err));
    DCPG_TRY(write_rows_all(m, &annos, &m->extras.annos, err));
    return write_stats_all(m, err);
}

/* ---- options ---- */

static dcpg_status take_statistics(const dcpg_strings *from, const char *option, dcpg_strings *to,
                                   dcpg_err *err) {
    if (!from) return DCPG_OK;
    DCPG_TRY(dcpg_stats_check(from, option, err));
    for (size_t i = 0; i < from->n; i++) {
        if (dcpg_strings_find(to, from->v[i]) < 0) DCPG_TRY(dcpg_strings_add(to, from->v[i], err));
    }
    dcpg_strings_sort(to);
    return DCPG_OK;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static dcpg_status take_windows(making *m, dcpg_err *err) {
    const dcpg_strings *words = m->options->win_stats_wlen;
    size_t n = words ? words->n : 0;
    if (n == 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--win_stats: name the windows' lengths with --win_stats_wlen");
    m->extras.win_wlen = dcpg_alloc(n, sizeof *m->extras.win_wlen);
    if (!m->extras.win_wlen) return dcpg_fail_nomem(err, "windows", n * sizeof *m->extras.win_wlen);
    for (size_t i = 0; i < n; i++) {
        bool fine = dcpg_parse_int(words->v[i], &m->extras.win_wlen[i]) && m->extras.win_wlen[i] >= 1 &&
                    m->extras.win_wlen[i] <= INT32_MAX;
        if (!fine)
            return dcpg_fail(err, DCPG_E_USAGE, "--win_stats_wlen %s: a length in bp, 1 or more",
                             words->v[i]);
    }
    qsort(m->extras.win_wlen, n, sizeof *m->extras.win_wlen, by_number);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || m->extras.win_wlen[i] != m->extras.win_wlen[i - 1])
            m->extras.win_wlen[m->extras.nb_win_wlen++] = m->extras.win_wlen[i];
    }
    return DCPG_OK;
}

/* Annotations are named after their files, as cells are. */
static dcpg_status sort_annos(making *m, dcpg_err *err) {
    const dcpg_strings *files = m->options->anno_files;
    dcpg_strings names = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; files && i < files->n && status == DCPG_OK; i++) {
        char *name = dcpg_cell_name(files->v[i]);
        status = name ? dcpg_strings_add(&names, name, err)
                      : dcpg_fail_nomem(err, "names of files", strlen(files->v[i]));
        if (status == DCPG_OK) status = dcpg_strings_add(&m->extras.annos.files, files->v[i], err);
        dcpg_free(name);
    }
    const making_kind kind = {"annotation", m->input ? m->input->annos : NULL, true, false};
    if (status == DCPG_OK) status = dcpg_make_sort_files(m, &names, &kind, &m->extras.annos, err);
    dcpg_strings_free(&names);
    return status;
}

dcpg_status dcpg_make_take_extras(making *m, dcpg_err *err) {
    const dcpg_store_options *o = m->options;
    const making_kind bulk = {"bulk profile", m->input ? m->input->bulk : NULL, true, false};
    DCPG_TRY(dcpg_make_sort_profiles(m, o->bulk_profiles, &bulk, &m->extras.bulk, err));
    DCPG_TRY(sort_annos(m, err));
    DCPG_TRY(take_statistics(o->cpg_stats, "cpg_stats", &m->extras.cpg_stats, err));
    DCPG_TRY(take_statistics(o->win_stats, "win_stats", &m->extras.win_stats, err));
    if (o->stats_wlen < 0 || o->stats_wlen % 2 || o->stats_wlen > STORE_MAX_STATS_WLEN)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "window statistics over %" PRId64 " neighbours: an even number of at most %d",
                         o->stats_wlen, STORE_MAX_STATS_WLEN);
    return m->extras.win_stats.n > 0 ? take_windows(m, err) : DCPG_OK;
}

void dcpg_make_free_extras(making *m) {
    dcpg_make_free_files(&m->extras.bulk);
    dcpg_make_free_files(&m->extras.annos);
    dcpg_strings_free(&m->extras.cpg_stats);
    dcpg_strings_free(&m->extras.win_stats);
    dcpg_free(m->extras.win_wlen);
}
