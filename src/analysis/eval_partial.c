/* SPDX-License-Identifier: MIT */
/* What is done of an evaluation, kept on disk until it has ended: a folder PATH.partial with the settings,
 * and a file part-ATTEMPT-RANK of each rank and start of the program. These files are records, one after the
 * other, only ever appended to: a head, and labels and predictions of some sites. Records say which sites
 * they are of, so that any number of ranks can go on. One that was cut off, or damaged, counts as not done.
 */
#include "analysis/eval_partial.h"
#include "base/number.h"

#include <dcpg/cleanup.h>
#include <dcpg/crc.h>
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Seconds between flushes to the disk, so that a record also survives the end of the machine. */
static const double SYNC = 30;

enum { MAGIC = 0x4743504D, MOST_SETTINGS = 1 << 20 };

/* How settings begin. */
static const char FORMAT[] = EVAL_PARTIAL_FORMAT;

/* A record's head; `crc` is of what follows it in the head, and of the record. */
typedef struct head {
    uint32_t magic, crc;
    int64_t first, n, width; /* sites; bytes of each */
} head;

/* Where a record is. */
typedef struct record {
    int64_t first, n;
    int64_t attempt, rank, at; /* its file, and the offset of its head there */
} record;

/* A file of the folder, by its name: of records, or, if `rank` is STOP, one that asks the ranks of an attempt
 * to stop. */
typedef struct part {
    int64_t attempt, rank;
} part;
enum { STOP = -1 };

struct eval_partial {
    const dcpg_par *par;
    const eval_outputs *outputs;
    char *folder;
    char *stop; /* path of a file: all ranks are to stop */
    int64_t total, width;
    record *all, *own; /* of all ranks, in order of sites, and of this rank since it started */
    int64_t nb_all, nb_own, own_capacity, attempt;
    FILE *out;
    int64_t out_at;
    double synced;
    char *bytes; /* a record, head included, that is written, or was read: `held` */
    size_t capacity;
    record held;
    FILE *in;
    part in_part;
};

/* ---- names ---- */

static dcpg_status fail_io(const char *path, const char *what, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be %s: %s", path, what, strerror(errno));
}

/* The name of a file in the folder; dcpg_free. */
static char *part_path(const eval_partial *p, part which) {
    if (which.rank == STOP) return dcpg_format("%s/stop-%" PRId64, p->folder, which.attempt);
    return dcpg_format("%s/part-%" PRId64 "-%" PRId64, p->folder, which.attempt, which.rank);
}

static bool is_number(int64_t number) { return number >= 0 && number < INT32_MAX; }

/* Only names as part_path makes them. */
static bool is_part(const char *name, part *which) {
    char made[64] = "";
    which->rank = STOP;
    if (sscanf(name, "stop-%" SCNd64, &which->attempt) == 1)
        snprintf(made, sizeof made, "stop-%" PRId64, which->attempt);
    else if (sscanf(name, "part-%" SCNd64 "-%" SCNd64, &which->attempt, &which->rank) == 2)
        snprintf(made, sizeof made, "part-%" PRId64 "-%" PRId64, which->attempt, which->rank);
    return strcmp(name, made) == 0 && is_number(which->attempt) &&
           (which->rank == STOP || is_number(which->rank));
}

/* ---- records in memory ---- */

static int64_t bytes_per_site(const eval_outputs *outputs) {
    int64_t bytes = 2 * (int64_t)sizeof(int32_t) + outputs->nb_unit * (int64_t)sizeof(float);
    for (int o = 0; o < outputs->nb; o++)
        bytes += eval_has_classes(&outputs->kind[o]) ? 1 : (int64_t)sizeof(float);
    return bytes;
}

int64_t dcpg_eval_partial_rows(const eval_outputs *outputs) {
    enum { RECORD = 16 << 20 };
    return max_i64(RECORD / bytes_per_site(outputs), 1);
}

static char *put(char *to, const void *from, size_t bytes) {
    memcpy(to, from, bytes);
    return to + bytes;
}

/* Writes rows [from, from + n) of a block. */
static void pack(const eval_outputs *outputs, const eval_block *block, int64_t from, int64_t n, char *to) {
    size_t rows = (size_t)n;
    to = put(to, block->chromo + from, rows * sizeof *block->chromo);
    to = put(to, block->pos + from, rows * sizeof *block->pos);
    for (int o = 0; o < outputs->nb; o++) {
        const float *label = block->label + o * block->capacity + from;
        if (!eval_has_classes(&outputs->kind[o])) to = put(to, label, rows * sizeof *label);
        for (int64_t i = 0; i < n && eval_has_classes(&outputs->kind[o]); i++)
            *to++ = (char)(signed char)lrintf(label[i]);
    }
    for (int o = 0; o < outputs->nb; o++) {
        size_t units = (size_t)outputs->kind[o].units;
        const float *prediction = block->prediction + outputs->unit[o] * block->capacity;
        to = put(to, prediction + (size_t)from * units, rows * units * sizeof *prediction);
    }
}

/* A part of a record's rows: [from, from + count) of n. */
typedef struct rows {
    int64_t n, from, count;
} rows;

/* Copies a column of the record, with `bytes` a row; returns the next one. */
static const char *take(const char *column, const rows *r, size_t bytes, void *to) {
    memcpy(to, column + (size_t)r->from * bytes, (size_t)r->count * bytes);
    return column + (size_t)r->n * bytes;
}

/* The reverse of pack, for some rows of the record, into row `row` of the block and those after it. */
static void unpack(const eval_outputs *outputs, const char *column, const rows *r, int64_t row,
                   eval_block *block) {
    column = take(column, r, sizeof *block->chromo, block->chromo + row);
    column = take(column, r, sizeof *block->pos, block->pos + row);
    for (int o = 0; o < outputs->nb; o++) {
        float *label = block->label + o * block->capacity + row;
        if (eval_has_classes(&outputs->kind[o])) {
            for (int64_t i = 0; i < r->count; i++) label[i] = ((const signed char *)column)[r->from + i];
            column += r->n;
        } else {
            column = take(column, r, sizeof *label, label);
        }
    }
    for (int o = 0; o < outputs->nb; o++) {
        size_t units = (size_t)outputs->kind[o].units;
        float *prediction = block->prediction + outputs->unit[o] * block->capacity;
        column = take(column, r, units * sizeof *prediction, prediction + (size_t)row * units);
    }
}

static dcpg_status make_space(eval_partial *p, size_t bytes, dcpg_err *err) {
    if (bytes <= p->capacity) return DCPG_OK;
    dcpg_free(p->bytes);
    p->held = (record){0};
    p->bytes = dcpg_alloc(bytes, 1);
    p->capacity = p->bytes ? bytes : 0;
    return p->bytes ? DCPG_OK : dcpg_fail_nomem(err, "predictions", bytes);
}

static uint32_t checksum(const head *h, const void *payload) {
    const size_t before = offsetof(head, first);
    uint32_t crc = dcpg_crc32c(0, (const char *)h + before, sizeof *h - before);
    return dcpg_crc32c(crc, payload, (size_t)(h->n * h->width));
}

/* ---- writing ---- */

static dcpg_status note_own(eval_partial *p, record r, dcpg_err *err) {
    if (p->nb_own == p->own_capacity) {
        int64_t capacity = p->own_capacity ? 2 * p->own_capacity : 64;
        record *grown = dcpg_realloc(p->own, (size_t)p->nb_own, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "records", (size_t)capacity * sizeof *grown);
        p->own = grown;
        p->own_capacity = capacity;
    }
    p->own[p->nb_own++] = r;
    return DCPG_OK;
}

/* Writes the record in p->bytes. */
static dcpg_status append(eval_partial *p, size_t bytes, dcpg_err *err) {
    char *path = part_path(p, (part){p->attempt, p->par->rank});
    dcpg_status status = path ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64);
    if (path && !p->out && !(p->out = dcpg_file_create_new(path))) status = fail_io(path, "created", err);
    if (status == DCPG_OK && (fwrite(p->bytes, 1, bytes, p->out) != bytes || fflush(p->out) != 0))
        status = fail_io(path, "written", err);
    double now = dcpg_now();
    if (status == DCPG_OK && now - p->synced > SYNC) {
        int64_t length;
        status = dcpg_file_settle(p->out, path, &length, err);
        p->synced = now;
    }
    dcpg_free(path);
    return status;
}

dcpg_status dcpg_eval_partial_add(eval_partial *p, const eval_block *block, dcpg_err *err) {
    head h = {.magic = MAGIC, .first = block->first, .n = block->n, .width = p->width};
    size_t bytes = sizeof h + (size_t)(h.n * h.width);
    DCPG_TRY(make_space(p, bytes, err));
    p->held = (record){0};
    pack(p->outputs, block, 0, block->n, p->bytes + sizeof h);
    h.crc = checksum(&h, p->bytes + sizeof h);
    memcpy(p->bytes, &h, sizeof h);
    DCPG_TRY(append(p, bytes, err));
    const record r = {h.first, h.n, p->attempt, p->par->rank, p->out_at};
    p->out_at += (int64_t)bytes;
    return note_own(p, r, err);
}

void dcpg_eval_partial_ask_to_stop(const eval_partial *p) {
    FILE *file = p->par->size > 1 ? dcpg_file_create_new(p->stop) : NULL;
    if (file) fclose(file);
}

bool dcpg_eval_partial_asked_to_stop(const eval_partial *p) {
    return p->par->size > 1 && access(p->stop, F_OK) == 0;
}

/* ---- reading ---- */

/* Opens a file of records, unless it is open. */
static dcpg_status open_part(eval_partial *p, part which, dcpg_err *err) {
    if (p->in && p->in_part.attempt == which.attempt && p->in_part.rank == which.rank) return DCPG_OK;
    if (p->in) fclose(p->in);
    char *path = part_path(p, which);
    p->in = path ? dcpg_file_open(path) : NULL;
    p->in_part = which;
    dcpg_status status = p->in ? DCPG_OK : fail_io(path ? path : p->folder, "opened", err);
    dcpg_free(path);
    return status;
}

/* Reads the record whose head is at `at` of the open file; false where there is none that is whole. */
static bool read_record(eval_partial *p, int64_t at, int64_t end, record *found, dcpg_err *err) {
    head h;
    if (fseeko(p->in, (off_t)at, SEEK_SET) != 0 || fread(&h, sizeof h, 1, p->in) != 1) return false;
    bool sound = h.magic == MAGIC && h.width == p->width && h.first >= 0 && h.n > 0 && h.n <= p->total &&
                 h.first <= p->total - h.n && h.n <= (end - at - (int64_t)sizeof h) / h.width;
    size_t bytes = sound ? (size_t)(h.n * h.width) : 0;
    if (!sound || make_space(p, bytes + sizeof h, err) != DCPG_OK) return false;
    p->held = (record){0};
    if (fread(p->bytes + sizeof h, 1, bytes, p->in) != bytes || h.crc != checksum(&h, p->bytes + sizeof h))
        return false;
    *found = (record){h.first, h.n, p->in_part.attempt, p->in_part.rank, at};
    p->held = *found;
    return true;
}

static int64_t length_of(FILE *file) {
    struct stat s;
    return fstat(fileno(file), &s) == 0 ? (int64_t)s.st_size : 0;
}

/* Notes the records of a file. */
static dcpg_status scan(eval_partial *p, part which, dcpg_err *err) {
    record found;
    DCPG_TRY(open_part(p, which, err));
    int64_t end = length_of(p->in);
    dcpg_err why = {0};
    for (int64_t at = 0; read_record(p, at, end, &found, &why);
         at += (int64_t)sizeof(head) + found.n * p->width)
        DCPG_TRY(note_own(p, found, err));
    return why.status == DCPG_OK ? DCPG_OK : dcpg_fail(err, why.status, "%s", why.text);
}

static int by_site(const void *a, const void *b) {
    const record *x = a, *y = b;
    return x->first != y->first ? (x->first < y->first ? -1 : 1)
                                : (x->attempt > y->attempt) - (x->attempt < y->attempt);
}

/* Adds the own records of all ranks to those known to all. Collective. */
static dcpg_status share_all(eval_partial *p, dcpg_err *err) {
    size_t bytes = 0, *bytes_of = dcpg_alloc((size_t)p->par->size, sizeof *bytes_of);
    record *got = NULL;
    dcpg_status status = dcpg_agree_all(p->par, bytes_of ? DCPG_OK : dcpg_fail_nomem(err, "ranks", 8), err);
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(p->par, p->own, (size_t)p->nb_own * sizeof *p->own, (void **)&got,
                                     bytes_of, err);
    for (int r = 0; r < p->par->size && status == DCPG_OK; r++) bytes += bytes_of[r];
    int64_t nb = (int64_t)(bytes / sizeof *got);
    if (status == DCPG_OK) {
        record *grown = dcpg_realloc(p->all, (size_t)p->nb_all, (size_t)(p->nb_all + nb), sizeof *grown);
        status = dcpg_agree_all(
            p->par, grown || nb + p->nb_all == 0 ? DCPG_OK : dcpg_fail_nomem(err, "records", bytes), err);
        if (grown) p->all = grown;
    }
    if (status == DCPG_OK && nb > 0) {
        memcpy(p->all + p->nb_all, got, bytes);
        p->nb_all += nb;
        qsort(p->all, (size_t)p->nb_all, sizeof *p->all, by_site);
    }
    p->nb_own = 0;
    dcpg_free(bytes_of);
    dcpg_free(got);
    return status;
}

/* The last record that begins at or before the site; NULL: none. */
static const record *record_at(const eval_partial *p, int64_t site) {
    int64_t low = 0, high = p->nb_all;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (p->all[middle].first <= site)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &p->all[low - 1] : NULL;
}

int64_t dcpg_eval_partial_run(const eval_partial *p, int64_t first, int64_t end, bool *done) {
    const record *r = record_at(p, first), *next = r ? r + 1 : p->all;
    *done = r && first < r->first + r->n;
    if (*done) return min_i64(end, r->first + r->n);
    return next && next < p->all + p->nb_all ? min_i64(end, next->first) : end;
}

int64_t dcpg_eval_partial_done(const eval_partial *p, int64_t first, int64_t end) {
    int64_t sum = 0;
    bool done;
    for (int64_t at = first, stop; at < end; at = stop) {
        stop = dcpg_eval_partial_run(p, at, end, &done);
        if (done) sum += stop - at;
    }
    return sum;
}

/* Makes p->bytes hold the record. */
static dcpg_status hold(eval_partial *p, const record *r, dcpg_err *err) {
    record found;
    if (p->held.n > 0 && p->held.attempt == r->attempt && p->held.rank == r->rank && p->held.at == r->at)
        return DCPG_OK;
    DCPG_TRY(open_part(p, (part){r->attempt, r->rank}, err));
    if (read_record(p, r->at, length_of(p->in), &found, err) && found.first == r->first && found.n == r->n)
        return DCPG_OK;
    return dcpg_fail(err, DCPG_E_IO,
                     "%s/part-%" PRId64 "-%" PRId64 ": is damaged: --resume computes what it held again",
                     p->folder, r->attempt, r->rank);
}

dcpg_status dcpg_eval_partial_read(eval_partial *p, eval_block *block, dcpg_err *err) {
    for (int64_t row = 0; row < block->n;) {
        int64_t site = block->first + row;
        const record *r = record_at(p, site);
        if (!r || site >= r->first + r->n)
            return dcpg_fail(err, DCPG_E_IO, "%s: lacks site %" PRId64, p->folder, site);
        DCPG_TRY(hold(p, r, err));
        const rows some = {r->n, site - r->first, min_i64(r->first + r->n - site, block->n - row)};
        unpack(p->outputs, p->bytes + sizeof(head), &some, row, block);
        row += some.count;
    }
    return DCPG_OK;
}

dcpg_status dcpg_eval_partial_finish_all(eval_partial *p, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    if (p->out && fclose(p->out) != 0) status = fail_io(p->folder, "written", err);
    p->out = NULL;
    DCPG_TRY(dcpg_agree_all(p->par, status, err));
    return share_all(p, err);
}

/* ---- settings ---- */

/* A line "name: value" without its newline; the rest follows it. */
typedef struct line {
    const char *name, *value;
    int name_length, value_length;
} line;

static const char *next_line(const char *text, line *l) {
    size_t length = strcspn(text, "\n"), name = strcspn(text, ":\n");
    *l = (line){text, text + name, (int)name, (int)(length - name)};
    if (l->value_length >= 2) l->value += 2, l->value_length -= 2;
    return text + length + (text[length] == '\n');
}

/* Fails, naming the first line that differs. */
static dcpg_status compare(const eval_partial *p, const char *then, const char *now, dcpg_err *err) {
    line a, b;
    while (*then || *now) {
        then = next_line(then, &a);
        now = next_line(now, &b);
        if (a.name_length == b.name_length && a.value_length == b.value_length &&
            memcmp(a.name, b.name, (size_t)a.name_length) == 0 &&
            memcmp(a.value, b.value, (size_t)a.value_length) == 0)
            continue;
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "%s: was begun with other settings (%.*s: %.*s then, %.*s now): give those, or start "
            "again with --force instead of --resume",
            p->folder, b.name_length, b.name, (int)min_i64(a.value_length, 200), a.value,
            (int)min_i64(b.value_length, 200), b.value);
    }
    return DCPG_OK;
}

/* Lists the files of records, and those that ask to stop; others are passed over. `*nb` of them in `*list`
 * (dcpg_free). */
static dcpg_status list_parts(const eval_partial *p, part **list, int64_t *nb, dcpg_err *err) {
    DIR *dir = opendir(p->folder);
    dcpg_status status = dir ? DCPG_OK : fail_io(p->folder, "read", err);
    const struct dirent *entry;
    part which;
    int64_t capacity = 0;
    while (status == DCPG_OK && (entry = readdir(dir))) {
        if (!is_part(entry->d_name, &which)) continue;
        if (*nb == capacity) {
            part *grown = dcpg_realloc(*list, (size_t)*nb, (size_t)(2 * capacity + 64), sizeof *grown);
            if (!grown) status = dcpg_fail_nomem(err, "files", (size_t)capacity);
            if (!grown) break;
            *list = grown;
            capacity = 2 * capacity + 64;
        }
        (*list)[(*nb)++] = which;
    }
    if (dir) closedir(dir);
    return status;
}

/* Removes these files. Rank 0. */
static dcpg_status wipe(const eval_partial *p, dcpg_err *err) {
    part *list = NULL;
    int64_t nb = 0;
    dcpg_status status = list_parts(p, &list, &nb, err);
    for (int64_t i = 0; i < nb && status == DCPG_OK; i++) {
        char *path = part_path(p, list[i]);
        if (!path) status = dcpg_fail_nomem(err, "a file name", 64);
        if (path && unlink(path) != 0 && errno != ENOENT) status = fail_io(path, "removed", err);
        dcpg_free(path);
    }
    dcpg_free(list);
    return status;
}

static dcpg_status fail_foreign(const eval_partial *p, dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "%s: was not written by dcpg eval, which would keep there what is done: move it, or name "
        "another output",
        p->folder);
}

/* Makes the folder with its settings, both or none. An empty one may be there. */
static dcpg_status make_folder(const eval_partial *p, const char *settings, dcpg_err *err) {
    char *temporary = NULL;
    DCPG_TRY(dcpg_temporary_folder(p->folder, &temporary, err));
    char *path = dcpg_format("%s/settings", temporary);
    dcpg_status status = path ? dcpg_file_write(path, settings, strlen(settings), err)
                              : dcpg_fail_nomem(err, "a file name", strlen(temporary));
    if (status == DCPG_OK && rename(temporary, p->folder) != 0)
        status = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
                     ? fail_foreign(p, err)
                     : fail_io(p->folder, "created", err);
    dcpg_free(path);
    if (status != DCPG_OK) {
        dcpg_temporary_remove(temporary);
        return status;
    }
    dcpg_cleanup_forget(temporary);
    dcpg_free(temporary);
    return DCPG_OK;
}

/* Checks an evaluation that was begun before, with the settings `then`. */
static dcpg_status check_begun(const eval_partial *p, const eval_partial_options *o, const char *then,
                               dcpg_err *err) {
    if (strncmp(then, FORMAT, strlen(FORMAT)) != 0) return fail_foreign(p, err);
    if (o->resume) return compare(p, then, o->settings, err);
    if (o->force) return wipe(p, err);
    return dcpg_fail(err, DCPG_E_USAGE,
                     "%s: holds what is done of an evaluation that was stopped: --resume goes on with it, "
                     "--force starts again",
                     p->folder);
}

/* Rank 0: makes the folder, or checks the one that is there. */
static dcpg_status enter(const eval_partial *p, const eval_partial_options *o, const char *path,
                         dcpg_log *log, dcpg_err *err) {
    char *then = NULL;
    dcpg_temporary_sweep_path(p->folder);
    if (!dcpg_file_exists(path)) {
        if (o->resume) dcpg_info(log, "--resume: nothing is done yet, the evaluation starts");
        return make_folder(p, o->settings, err);
    }
    DCPG_TRY(dcpg_file_read(path, MOST_SETTINGS, &then, err));
    dcpg_status status = check_begun(p, o, then, err);
    dcpg_free(then);
    if (status != DCPG_OK || o->resume) return status;
    return dcpg_file_write(path, o->settings, strlen(o->settings), err);
}

/* ---- opening and closing ---- */

/* Reads the records of earlier attempts, shared out among the ranks. Collective. */
static dcpg_status find_records_all(eval_partial *p, dcpg_err *err) {
    part *list = NULL;
    int64_t nb = 0;
    dcpg_status status = p->par->rank == 0 ? list_parts(p, &list, &nb, err) : DCPG_OK;
    dcpg_bcast_all(p->par, &nb, sizeof nb, 0);
    if (p->par->rank > 0 && !(list = dcpg_alloc((size_t)nb, sizeof *list)))
        status = dcpg_fail_nomem(err, "files", (size_t)nb * sizeof *list);
    status = dcpg_agree_all(p->par, status, err);
    if (status == DCPG_OK && nb > 0) dcpg_bcast_all(p->par, list, (size_t)nb * sizeof *list, 0);
    for (int64_t i = 0; i < nb && status == DCPG_OK; i++)
        p->attempt = max_i64(p->attempt, list[i].attempt + 1);
    for (int64_t i = p->par->rank; i < nb && status == DCPG_OK; i += p->par->size)
        if (list[i].rank != STOP) status = scan(p, list[i], err);
    dcpg_free(list);
    DCPG_TRY(dcpg_agree_all(p->par, status, err));
    return share_all(p, err);
}

static dcpg_status open_all(eval_partial *p, const eval_partial_options *o, dcpg_log *log, dcpg_err *err) {
    char *path = NULL;
    dcpg_status status = DCPG_OK;
    p->folder = dcpg_format("%s.partial", o->path);
    if (p->folder) path = dcpg_format("%s/settings", p->folder);
    if (!path) status = dcpg_fail_nomem(err, "a file name", strlen(o->path));
    if (path && p->par->rank == 0) status = enter(p, o, path, log, err);
    dcpg_free(path);
    DCPG_TRY(dcpg_agree_all(p->par, status, err));
    DCPG_TRY(find_records_all(p, err));
    p->stop = part_path(p, (part){p->attempt, STOP}); /* another name than in earlier attempts */
    return dcpg_agree_all(p->par, p->stop ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64), err);
}

dcpg_status dcpg_eval_partial_open_all(const eval_partial_options *options, const dcpg_par *par,
                                       dcpg_log *log, eval_partial **partial, dcpg_err *err) {
    eval_partial *p = dcpg_alloc(1, sizeof *p);
    dcpg_status status = p ? DCPG_OK : dcpg_fail_nomem(err, "records", sizeof *p);
    status = dcpg_agree_all(par, status, err);
    *partial = NULL;
    if (status == DCPG_OK) {
        *p = (eval_partial){.par = par,
                            .outputs = options->outputs,
                            .total = options->total,
                            .width = bytes_per_site(options->outputs),
                            .synced = dcpg_now()};
        status = open_all(p, options, log, err);
    }
    if (status == DCPG_OK)
        *partial = p;
    else
        dcpg_eval_partial_close(p);
    return status;
}

const char *dcpg_eval_partial_folder(const eval_partial *p) { return p->folder; }

void dcpg_eval_partial_close(eval_partial *p) {
    if (!p) return;
    if (p->out) fclose(p->out);
    if (p->in) fclose(p->in);
    dcpg_free(p->folder);
    dcpg_free(p->stop);
    dcpg_free(p->all);
    dcpg_free(p->own);
    dcpg_free(p->bytes);
    dcpg_free(p);
}

/* Rank 0. */
static dcpg_status remove_folder(const eval_partial *p, dcpg_err *err) {
    char *path = dcpg_format("%s/settings", p->folder);
    dcpg_status status = path ? wipe(p, err) : dcpg_fail_nomem(err, "a file name", 64);
    dcpg_temporary_sweep(p->folder, NULL);
    if (status == DCPG_OK && (unlink(path) != 0 || rmdir(p->folder) != 0))
        status = fail_io(p->folder, "removed", err);
    dcpg_free(path);
    return status;
}

void dcpg_eval_partial_remove_all(eval_partial *p, dcpg_log *log) {
    dcpg_err err = {0};
    if (p->in) fclose(p->in);
    if (p->out) fclose(p->out);
    p->in = p->out = NULL;
    dcpg_barrier_all(p->par);
    if (p->par->rank == 0 && remove_folder(p, &err) != DCPG_OK) dcpg_warn(log, "%s", err.text);
    dcpg_barrier_all(p->par);
}

bool dcpg_eval_partial_is_empty_all(const eval_partial *p) {
    return p->nb_all + dcpg_sum_i64_all(p->par, p->nb_own) == 0;
}
