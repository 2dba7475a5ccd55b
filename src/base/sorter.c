/* SPDX-License-Identifier: MIT */
/* External merge sort of 64-bit numbers. */
#include "base/sorter.h"
#include "base/number.h"

#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Numbers of the first allocation; fewest of a run that are read at once. */
enum { FIRST = 1 << 12, FEWEST = 1 << 10 };

/* A sorted run of the file, and the part of it in memory while runs are merged. */
typedef struct run {
    int64_t first, end; /* its numbers in the file */
    int64_t next;       /* the first one that has not been read yet */
    uint64_t *part;     /* [share] */
    size_t at, n;       /* next number of the part, and their number */
} run;

struct dcpg_sorter {
    const char *path;
    size_t most;            /* numbers in memory, twice: for sorting, and while runs are merged */
    uint64_t *number;       /* [capacity] added and not in the file */
    size_t n, capacity, at; /* at: next to be given, if there is no file */
    int fd;                 /* -1: no file */
    int64_t written;        /* numbers in the file */
    run *run;               /* [nb_run] */
    size_t nb_run, run_capacity;
    size_t *heap, nb_heap; /* runs that are not at their end; the one with the smallest number first */
    size_t share;          /* numbers of a run in memory */
};

dcpg_status dcpg_sorter_new(size_t bytes, const char *path, dcpg_sorter **sorter, dcpg_err *err) {
    dcpg_sorter *s = dcpg_alloc(1, sizeof *s);
    if (!s) return dcpg_fail_nomem(err, "a sorter", sizeof *s);
    *s = (dcpg_sorter){.path = path, .most = max_size(bytes / 2 / sizeof(uint64_t), 1), .fd = -1};
    *sorter = s;
    return DCPG_OK;
}

void dcpg_sorter_free(dcpg_sorter *s) {
    if (!s) return;
    if (s->fd >= 0) close(s->fd);
    dcpg_free(s->number);
    dcpg_free(s->run);
    dcpg_free(s->heap);
    dcpg_free(s);
}

/* ---- in memory ---- */

/* How often each value of each byte occurs. */
typedef size_t byte_counts[8][256];

static void count_bytes(const uint64_t *x, size_t n, byte_counts count) {
    memset(count, 0, sizeof(byte_counts));
    for (size_t i = 0; i < n; i++)
        for (int b = 0; b < 8; b++) count[b][x[i] >> 8 * b & 255]++;
}

/* Sorts x[n] byte by byte, the lowest first; bytes that are the same in all numbers are skipped. */
static void sort(uint64_t *x, uint64_t *scratch, size_t n) {
    byte_counts count;
    uint64_t *from = x, *to = scratch;
    count_bytes(x, n, count);
    for (int b = 0; b < 8 && n; b++) {
        if (count[b][x[0] >> 8 * b & 255] == n) continue;
        size_t at[256] = {0};
        for (int v = 1; v < 256; v++) at[v] = at[v - 1] + count[b][v - 1];
        for (size_t i = 0; i < n; i++) to[at[from[i] >> 8 * b & 255]++] = from[i];
        uint64_t *other = from;
        from = to;
        to = other;
    }
    if (from != x) memcpy(x, from, n * sizeof *x);
}

static dcpg_status sort_added(dcpg_sorter *s, dcpg_err *err) {
    uint64_t *scratch = dcpg_grow(NULL, s->n, sizeof *scratch);
    if (!scratch) return dcpg_fail_nomem(err, "sorting", s->n * sizeof *scratch);
    sort(s->number, scratch, s->n);
    dcpg_free(scratch);
    return DCPG_OK;
}

/* ---- the file ---- */

static dcpg_status fail(const dcpg_sorter *s, const char *what, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_IO, "%s: the temporary file beside it cannot be %s: %s", s->path, what,
                     strerror(errno));
}

static dcpg_status make_file(dcpg_sorter *s, dcpg_err *err) {
    char *name;
    DCPG_TRY(dcpg_temporary_create(s->path, &name, &s->fd, err));
    dcpg_temporary_remove(name); /* what is open stays */
    return DCPG_OK;
}

/* Moves all of x[n] to or from number `first` of the file. */
static bool transfer(const dcpg_sorter *s, bool to_file, uint64_t *x, size_t n, int64_t first) {
    char *bytes = (char *)x;
    size_t left = n * sizeof *x;
    off_t at = (off_t)(first * (int64_t)sizeof *x);
    while (left) {
        ssize_t moved = to_file ? pwrite(s->fd, bytes, left, at) : pread(s->fd, bytes, left, at);
        if (moved < 0 && errno == EINTR) continue;
        if (moved == 0) errno = EIO;
        if (moved <= 0) return false;
        bytes += moved;
        at += moved;
        left -= (size_t)moved;
    }
    return true;
}

/* Writes what was added as a run. */
static dcpg_status write_run(dcpg_sorter *s, dcpg_err *err) {
    DCPG_TRY(sort_added(s, err));
    if (s->fd < 0) DCPG_TRY(make_file(s, err));
    if (s->nb_run == s->run_capacity) {
        size_t capacity = 2 * s->run_capacity + 8;
        run *grown = dcpg_realloc(s->run, s->nb_run, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "sorting", capacity * sizeof *grown);
        s->run = grown;
        s->run_capacity = capacity;
    }
    if (!transfer(s, true, s->number, s->n, s->written)) return fail(s, "written", err);
    s->run[s->nb_run++] = (run){.first = s->written, .end = s->written + (int64_t)s->n};
    s->written += (int64_t)s->n;
    s->n = 0;
    return DCPG_OK;
}

/* Makes space for another number. */
static dcpg_status make_space(dcpg_sorter *s, dcpg_err *err) {
    if (s->capacity == s->most) return write_run(s, err);
    size_t capacity = min_size(s->most, s->capacity ? 2 * s->capacity : FIRST);
    uint64_t *grown = dcpg_grow(s->number, capacity, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, "sorting", capacity * sizeof *grown);
    s->number = grown;
    s->capacity = capacity;
    return DCPG_OK;
}

dcpg_status dcpg_sorter_add(dcpg_sorter *s, uint64_t x, dcpg_err *err) {
    if (s->n == s->capacity) DCPG_TRY(make_space(s, err));
    s->number[s->n++] = x;
    return DCPG_OK;
}

/* ---- merging ---- */

/* Reads the next part of a run, unless all of it was read. */
static dcpg_status read_part(dcpg_sorter *s, run *r, dcpg_err *err) {
    r->n = (size_t)min_i64(r->end - r->next, (int64_t)s->share);
    r->at = 0;
    if (!transfer(s, false, r->part, r->n, r->next)) return fail(s, "read", err);
    r->next += (int64_t)r->n;
    return DCPG_OK;
}

static uint64_t smallest(const dcpg_sorter *s, size_t h) {
    const run *r = &s->run[s->heap[h]];
    return r->part[r->at];
}

static void sift_down(dcpg_sorter *s, size_t h) {
    for (;;) {
        size_t least = h;
        for (size_t child = 2 * h + 1; child <= 2 * h + 2 && child < s->nb_heap; child++)
            if (smallest(s, child) < smallest(s, least)) least = child;
        if (least == h) return;
        size_t other = s->heap[h];
        s->heap[h] = s->heap[least];
        s->heap[least] = other;
        h = least;
    }
}

/* The memory of what was added becomes that of the runs' parts. */
static dcpg_status end_runs(dcpg_sorter *s, dcpg_err *err) {
    if (s->n) DCPG_TRY(write_run(s, err));
    s->share = max_size(2 * s->most / s->nb_run, FEWEST);
    dcpg_free(s->number);
    s->number = dcpg_grow(NULL, s->nb_run * s->share, sizeof *s->number);
    s->heap = dcpg_alloc(s->nb_run, sizeof *s->heap);
    if (!s->number || !s->heap)
        return dcpg_fail_nomem(err, "sorting", s->nb_run * s->share * sizeof *s->number);
    return DCPG_OK;
}

static dcpg_status start_merge(dcpg_sorter *s, dcpg_err *err) {
    if (!s->heap) DCPG_TRY(end_runs(s, err));
    for (size_t r = 0; r < s->nb_run; r++) {
        s->run[r].part = s->number + r * s->share;
        s->run[r].next = s->run[r].first;
        DCPG_TRY(read_part(s, &s->run[r], err));
        s->heap[r] = r;
    }
    s->nb_heap = s->nb_run;
    for (size_t h = s->nb_heap; h > 0; h--) sift_down(s, h - 1);
    return DCPG_OK;
}

dcpg_status dcpg_sorter_start(dcpg_sorter *s, dcpg_err *err) {
    s->at = 0;
    return s->fd >= 0 ? start_merge(s, err) : sort_added(s, err);
}

dcpg_status dcpg_sorter_next(dcpg_sorter *s, uint64_t *x, bool *any, dcpg_err *err) {
    *any = s->fd >= 0 ? s->nb_heap > 0 : s->at < s->n;
    if (!*any) return DCPG_OK;
    if (s->fd < 0) {
        *x = s->number[s->at++];
        return DCPG_OK;
    }
    run *r = &s->run[s->heap[0]];
    *x = r->part[r->at++];
    if (r->at == r->n) DCPG_TRY(read_part(s, r, err));
    if (r->n == 0) s->heap[0] = s->heap[--s->nb_heap];
    sift_down(s, 0);
    return DCPG_OK;
}
