/* SPDX-License-Identifier: MIT */
/* Making a store: leaves out profiles without lines of data. The other cells move between ranks, so that each
 * rank has the cells that it would have without these files. */
#include "base/number.h"
#include "store/make/make_impl.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

/* ---- cells as bytes ---- */

/* Bytes to send, or received bytes to read; with v NULL they are only counted. */
typedef struct parcel {
    char *v;
    size_t n;
} parcel;

static void put(parcel *to, const void *v, size_t n) {
    if (to->v) memcpy(to->v + to->n, v, n);
    to->n += n;
}

static void take(parcel *from, void *v, size_t n) {
    memcpy(v, from->v + from->n, n);
    from->n += n;
}

static size_t packed_size(const packed_calls *calls) {
    size_t n = 0;
    for (int64_t left = calls->n; left > 0; n++) left -= calls->bytes[n] < 128;
    return n;
}

/* Headers: of a cell, and of each of its chromosomes, followed by the chromosome's name and bytes. */
typedef struct cell_head {
    int64_t n, nb_chromo, binary;
} cell_head;

typedef struct chromo_head {
    int64_t n, name, bytes;
    int32_t first, last;
} chromo_head;

static void put_cell(parcel *to, const packed_cell *cell) {
    const cell_head head = {cell->n, cell->nb_chromo, cell->binary};
    put(to, &head, sizeof head);
    for (int c = 0; c < cell->nb_chromo; c++) {
        const packed_calls *calls = &cell->chromo[c];
        const chromo_head part = {calls->n, (int64_t)strlen(calls->name) + 1, (int64_t)packed_size(calls),
                                  calls->first, calls->last};
        put(to, &part, sizeof part);
        put(to, calls->name, (size_t)part.name);
        put(to, calls->bytes, (size_t)part.bytes);
    }
    if (!cell->binary) put(to, cell->value, (size_t)cell->n * sizeof *cell->value);
}

static dcpg_status take_cell(parcel *from, packed_cell *cell, dcpg_err *err) {
    cell_head head;
    take(from, &head, sizeof head);
    *cell = (packed_cell){.binary = head.binary != 0, .n = head.n};
    cell->chromo = dcpg_alloc((size_t)head.nb_chromo, sizeof *cell->chromo);
    if (!cell->binary) cell->value = dcpg_alloc((size_t)head.n, sizeof *cell->value);
    if (!cell->chromo || (!cell->binary && !cell->value))
        return dcpg_fail_nomem(err, "calls", (size_t)head.n * sizeof *cell->value);
    for (; cell->nb_chromo < head.nb_chromo; cell->nb_chromo++) {
        packed_calls *calls = &cell->chromo[cell->nb_chromo];
        chromo_head part;
        take(from, &part, sizeof part);
        *calls = (packed_calls){.n = part.n, .first = part.first, .last = part.last};
        calls->name = dcpg_alloc((size_t)part.name, 1);
        calls->bytes = dcpg_alloc((size_t)part.bytes, 1);
        if (!calls->name || !calls->bytes) return dcpg_fail_nomem(err, "calls", (size_t)part.bytes);
        take(from, calls->name, (size_t)part.name);
        take(from, calls->bytes, (size_t)part.bytes);
    }
    if (!cell->binary) take(from, cell->value, (size_t)head.n * sizeof *cell->value);
    return DCPG_OK;
}

/* ---- moving cells between ranks ---- */

/* The cells that this rank holds now, [first, end) in the new numbering, and the layout of the parcels that
 * it sends. */
typedef struct moving {
    packed_cell *cell; /* [end - first] */
    int64_t first, end;
    size_t *at, *bytes; /* [ranks] offset and size of each rank's parcel; cells that stay are in none */
} moving;

/* The cells, in the new numbering, that this rank holds and `rank` is to own. */
static void overlap(const making *m, const moving *v, int rank, int64_t *from, int64_t *to) {
    making other = *m;
    dcpg_par par = *m->par;
    par.rank = rank;
    other.par = &par;
    dcpg_make_share_cells(&other);
    *from = max_i64(other.cells.first, v->first);
    *to = min_i64(other.cells.end, v->end);
    if (*to < *from || rank == m->par->rank) *to = *from;
}

static size_t pack_all(const making *m, const moving *v, parcel *to) {
    for (int r = 0; r < m->par->size; r++) {
        int64_t from, end;
        overlap(m, v, r, &from, &end);
        v->at[r] = to->n;
        for (int64_t i = from; i < end; i++) put_cell(to, &v->cell[i - v->first]);
        v->bytes[r] = to->n - v->at[r];
    }
    return to->n;
}

/* Parcels arrive in rank order, which is the order of the cells; cells that were here already are moved over.
 */
static dcpg_status unpack_all(making *m, moving *v, parcel *from, size_t bytes, dcpg_err *err) {
    packed_cell *cell = dcpg_alloc((size_t)nb_own(m), sizeof *cell);
    if (!cell) return dcpg_fail_nomem(err, "cells", (size_t)nb_own(m) * sizeof *cell);
    m->cells.packed = cell;
    for (int64_t i = m->cells.first; i < m->cells.end; i++) {
        packed_cell *to = &cell[i - m->cells.first];
        if (i >= v->first && i < v->end) {
            *to = v->cell[i - v->first];
            v->cell[i - v->first] = (packed_cell){0};
        } else if (from->n < bytes) {
            DCPG_TRY(take_cell(from, to, err));
        }
        to->path = m->cells.files.path[i] ? m->cells.files.path[i] : m->input->name;
    }
    return DCPG_OK;
}

/* Gives the cells of `v`, in the new numbering, to the ranks that own them now. Collective. */
static dcpg_status move_all(making *m, moving *v, dcpg_err *err) {
    size_t n = (size_t)m->par->size, *received = dcpg_alloc(n, sizeof *received), total = 0;
    v->at = dcpg_alloc(n, sizeof *v->at);
    v->bytes = dcpg_alloc(n, sizeof *v->bytes);
    parcel sent = {0};
    void *all = NULL;
    dcpg_status status = received && v->at && v->bytes ? DCPG_OK : dcpg_fail_nomem(err, "ranks", n * 8);
    if (status == DCPG_OK) {
        size_t bytes = pack_all(m, v, &sent);
        sent = (parcel){.v = dcpg_alloc(bytes, 1)};
        if (!sent.v) status = dcpg_fail_nomem(err, "calls", bytes);
    }
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        pack_all(m, v, &sent);
        const dcpg_par_parts parts = {sent.v, v->at, v->bytes};
        status = dcpg_alltoallv_all(m->par, &parts, &all, received, err);
    }
    for (size_t r = 0; status == DCPG_OK && r < n; r++) total += received[r];
    if (status == DCPG_OK) status = unpack_all(m, v, &(parcel){.v = all}, total, err);
    dcpg_free(all);
    dcpg_free(sent.v);
    dcpg_free(received);
    dcpg_free(v->at);
    dcpg_free(v->bytes);
    return dcpg_agree_all(m->par, status, err);
}

/* ---- which cells are left out ---- */

/* Sets gone[nb_cell] where every file of the cell is empty. Returns the number of such cells. */
static int64_t find_empty(const making *m, const file_reports *reports, bool *gone) {
    int64_t n = 0;
    for (int64_t i = 0; i < reports->n; i++) gone[reports->v[i].cell] = true;
    for (int64_t i = 0; i < reports->n; i++)
        if (!reports->v[i].report.empty) gone[reports->v[i].cell] = false;
    for (int64_t c = 0; c < m->cells.n; c++) n += gone[c];
    return n;
}

static void name_empty(const file_reports *reports, const named_files *files, some_names *names) {
    for (int64_t i = 0; i < reports->n; i++)
        if (reports->v[i].report.empty) dcpg_names_add(names, files->sorted[reports->v[i].file]);
}

/* Closes the gaps in the list of all cells and in this rank's cells. */
static void close_gaps(making *m, const bool *gone, moving *v) {
    named_files *files = &m->cells.files;
    int64_t n = 0, file = 0;
    v->cell = m->cells.packed;
    v->first = v->end = 0;
    for (int64_t c = 0; c < m->cells.n; c++) {
        bool own = c >= m->cells.first && c < m->cells.end;
        if (c == m->cells.first) v->first = n;
        if (gone[c]) {
            dcpg_free(files->name.v[c]);
            if (own) dcpg_free_packed(&m->cells.packed[c - m->cells.first]);
            continue;
        }
        int64_t first = files->first[c], end = files->first[c + 1];
        files->name.v[n] = files->name.v[c];
        files->path[n] = files->path[c];
        files->first[n] = file;
        for (int64_t f = first; f < end; f++) files->sorted[file++] = files->sorted[f];
        if (own) m->cells.packed[n - v->first] = m->cells.packed[c - m->cells.first];
        n++;
        if (own) v->end = n;
    }
    if (v->end < v->first) v->end = v->first;
    files->first[n] = file;
    files->name.n = (size_t)n;
    m->cells.n = n;
}

static dcpg_status leave_out_all(making *m, const bool *gone, dcpg_err *err) {
    moving v = {0};
    close_gaps(m, gone, &v);
    m->cells.packed = NULL;
    dcpg_make_share_cells(m);
    dcpg_status status = move_all(m, &v, err);
    for (int64_t i = 0; i < v.end - v.first; i++) dcpg_free_packed(&v.cell[i]);
    dcpg_free(v.cell);
    return status;
}

dcpg_status dcpg_make_leave_out_all(making *m, const file_reports *reports, dcpg_err *err) {
    some_names names = {0};
    bool *gone = dcpg_alloc((size_t)m->cells.n, sizeof *gone);
    dcpg_status status = gone ? DCPG_OK : dcpg_fail_nomem(err, "cells", (size_t)m->cells.n * sizeof *gone);
    status = dcpg_agree_all(m->par, status, err);
    int64_t n = status == DCPG_OK ? find_empty(m, reports, gone) : 0;
    name_empty(reports, &m->cells.files, &names);
    if (status == DCPG_OK && names.n > 0 && n < m->cells.n)
        dcpg_warn(m->log, "%" PRId64 " profile%s no methylation values and %s left out: %s", names.n,
                  names.n == 1 ? " holds" : "s hold", names.n == 1 ? "is" : "are", dcpg_names_text(&names));
    if (n > 0 && n == m->cells.n)
        status =
            dcpg_fail(err, DCPG_E_INPUT, "no profile holds methylation values: %s", dcpg_names_text(&names));
    else if (n > 0)
        status = leave_out_all(m, gone, err);
    dcpg_free(gone);
    return status;
}
