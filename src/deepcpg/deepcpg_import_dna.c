/* SPDX-License-Identifier: MIT */
/* Assembles a chromosome from the windows of DeepCpG data files. */
#include "base/number.h"
#include "deepcpg/deepcpg_import.h"
#include "genome/sequence_pack.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <string.h>

/* Codes of a base while windows are read, besides 0 to 3. */
enum { UNKNOWN = 4, CONTRADICTORY = 5 };

/* Bytes of windows read at a time. */
static const int64_t BLOCK_BYTES = 16 << 20;

/* ---- windows ---- */

typedef struct assembly {
    dcpg_importing *im;
    int64_t wlen, length;
    uint8_t *code;   /* [length] */
    uint8_t *window; /* [rows][wlen] */
    int64_t rows;
} assembly;

/* Lays a window, whose middle is `pos`, onto the chromosome. */
static void lay(assembly *a, int64_t pos, const uint8_t *window) {
    int64_t start = pos - 1 - a->wlen / 2, from = start < 0 ? -start : 0;
    uint8_t *to = a->code + start;
    for (int64_t j = from; j < a->wlen; j++) {
        if (window[j] == UNKNOWN) continue;
        if (to[j] == UNKNOWN)
            to[j] = window[j];
        else if (to[j] != window[j] && to[j] != CONTRADICTORY) {
            to[j] = CONTRADICTORY;
            a->im->nb_contradictory++;
        }
    }
}

static dcpg_status check_window(const assembly *a, const dcpg_deepcpg_run *run, int64_t row,
                                const uint8_t *window, dcpg_err *err) {
    for (int64_t j = 0; j < a->wlen; j++)
        if (window[j] > UNKNOWN)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: dataset inputs/dna holds %d in row %" PRId64
                             ", where a base from 0 to 4 should be",
                             a->im->set->files.v[run->file], (int8_t)window[j], row);
    return DCPG_OK;
}

static dcpg_status read_windows(assembly *a, int64_t k, dcpg_err *err) {
    const dcpg_deepcpg_run *run = &a->im->set->run[k];
    for (int64_t at = 0, n; at < run->n; at += n) {
        n = min_i64(run->n - at, a->rows);
        const int32_t *pos = a->im->pos + a->im->first_row[k] + at;
        const dcpg_h5_block rows = {{run->row + at, 0}, {n, a->wlen}};
        DCPG_TRY(dcpg_import_open_file(a->im, run->file, err));
        DCPG_TRY(dcpg_h5_read(a->im->file, "inputs/dna", DCPG_H5_I8, &rows, a->window, err));
        for (int64_t i = 0; i < n; i++) {
            DCPG_TRY(check_window(a, run, run->row + at + i, a->window + i * a->wlen, err));
            lay(a, pos[i], a->window + i * a->wlen);
        }
    }
    return DCPG_OK;
}

/* Length in bases: up to the end of the last window, and at least one base past the last position. */
static int64_t length_of(const dcpg_importing *im, int64_t chromo) {
    int64_t length = im->last[chromo] + 1;
    for (int64_t j = im->first_run[chromo]; j < im->first_run[chromo + 1]; j++) {
        int64_t k = im->run_of[j];
        for (int64_t i = im->first_row[k]; i < im->first_row[k + 1]; i++)
            if (im->pos[i] + im->set->dna_wlen / 2 > length) length = im->pos[i] + im->set->dna_wlen / 2;
    }
    return length;
}

/* Rows read at a time: at most those of the chromosome's longest run, as there may be many chromosomes with
 * few rows. */
static int64_t rows_at_a_time(const dcpg_importing *im, int64_t chromo) {
    int64_t most = BLOCK_BYTES / im->set->dna_wlen, longest = 1;
    for (int64_t j = im->first_run[chromo]; j < im->first_run[chromo + 1]; j++)
        if (im->set->run[im->run_of[j]].n > longest) longest = im->set->run[im->run_of[j]].n;
    return most < 1 ? 1 : min_i64(most, longest);
}

dcpg_status dcpg_import_sequence(dcpg_importing *im, int64_t chromo, dcpg_sequence *sequence, dcpg_err *err) {
    assembly a = {.im = im, .wlen = im->set->dna_wlen, .length = length_of(im, chromo)};
    a.rows = rows_at_a_time(im, chromo);
    a.code = dcpg_alloc((size_t)a.length, 1);
    a.window = dcpg_alloc((size_t)a.rows, (size_t)a.wlen);
    dcpg_status status = a.code && a.window ? DCPG_OK
                                            : dcpg_fail_nomem(err, "a chromosome",
                                                              (unsigned long long)(a.length + BLOCK_BYTES));
    if (status == DCPG_OK) memset(a.code, UNKNOWN, (size_t)a.length);
    for (int64_t j = im->first_run[chromo]; j < im->first_run[chromo + 1] && status == DCPG_OK; j++)
        status = read_windows(&a, im->run_of[j], err);
    if (status == DCPG_OK) status = dcpg_sequence_pack(a.code, a.length, sequence, err);
    dcpg_free(a.code);
    dcpg_free(a.window);
    return status;
}
