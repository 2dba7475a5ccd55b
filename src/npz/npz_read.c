/* SPDX-License-Identifier: MIT */
/* Reads npz files: lists their arrays, and opens one as a stream. */
#include "npz/npy_header.h"
#include "npz/npz.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/text.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool dcpg_npz_is_npz(const char *path) {
    size_t n = strlen(path);
    char begin[4] = "";
    if (n < 4 || strcasecmp(path + n - 4, ".npz") != 0) return false;
    FILE *file = dcpg_file_open(path);
    bool is = file && fread(begin, 1, 4, file) == 4 &&
              (memcmp(begin, "PK\3\4", 4) == 0 || memcmp(begin, "PK\5\6", 4) == 0);
    if (file) fclose(file);
    return is;
}

void dcpg_npz_free_list(dcpg_npz_list *list) {
    for (size_t i = 0; i < list->n; i++) dcpg_free(list->v[i].name);
    dcpg_free(list->v);
    *list = (dcpg_npz_list){0};
}

const dcpg_npy *dcpg_npz_find(const dcpg_npz_list *list, const char *name) {
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i].name, name) == 0) return &list->v[i].about;
    return NULL;
}

#ifndef DCPG_HAVE_ARCHIVE

dcpg_status dcpg_npz_read_list(const char *path, dcpg_npz_list *list, dcpg_err *err) {
    *list = (dcpg_npz_list){0};
    return dcpg_npz_usable(path, err);
}

dcpg_status dcpg_npz_open(const char *path, const char *name, dcpg_npz_reader **reader, dcpg_err *err) {
    (void)name;
    *reader = NULL;
    return dcpg_npz_usable(path, err);
}

dcpg_status dcpg_npz_read(dcpg_npz_reader *reader, double *to, size_t n, dcpg_err *err) {
    (void)reader, (void)to, (void)n;
    return dcpg_npz_usable("this", err);
}

dcpg_status dcpg_npz_read_text(dcpg_npz_reader *reader, char *text, size_t size, dcpg_err *err) {
    (void)reader, (void)text, (void)size;
    return dcpg_npz_usable("this", err);
}

dcpg_status dcpg_npz_read_end(dcpg_npz_reader *reader, dcpg_err *err) {
    (void)reader;
    return dcpg_npz_usable("this", err);
}

void dcpg_npz_close(dcpg_npz_reader *reader) { (void)reader; }

#else

#include <archive.h>
#include <archive_entry.h>

enum { BLOCK = 1 << 16, LONGEST_HEADER = 1 << 14, LONGEST_NAME = 1024 };

struct dcpg_npz_reader {
    char *path;
    FILE *file;
    struct archive *archive;
    int64_t
        most; /* bytes that all arrays of a file of this size can hold: deflate shrinks to 1/1032 at best */
    char name[LONGEST_NAME];
    dcpg_npy about;
    bool swapped;
    int64_t left; /* bytes of the array that are still to be read */
    unsigned char block[BLOCK];
};

static dcpg_status fail(const dcpg_npz_reader *r, const char *what, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, *r->name ? "%s: array %.80s: %s" : "%s: %.0s%s", r->path, r->name,
                     what);
}

static dcpg_status fail_archive(const dcpg_npz_reader *r, dcpg_err *err) {
    const char *reason = archive_error_string(r->archive);
    char text[256];
    snprintf(text, sizeof text, "damaged, or no npz file of NumPy: %s",
             reason ? reason : "it ends too early");
    return fail(r, text, err);
}

static dcpg_status open_file(const char *path, dcpg_npz_reader **reader, dcpg_err *err) {
    dcpg_npz_reader *r = dcpg_alloc(1, sizeof *r);
    struct stat about;
    *reader = r;
    if (!r || !(r->path = dcpg_strdup(path))) return dcpg_fail_nomem(err, path, sizeof *r);
    r->file = dcpg_file_open(path);
    if (!r->file || fstat(fileno(r->file), &about) != 0)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    r->most =
        (int64_t)about.st_size < INT64_MAX / 2048 ? (int64_t)about.st_size * 1100 + (1 << 16) : INT64_MAX;
    r->archive = archive_read_new();
    if (!r->archive) return dcpg_fail_nomem(err, path, BLOCK);
    bool fine = archive_read_support_format_zip_seekable(r->archive) == ARCHIVE_OK &&
                archive_read_open_fd(r->archive, fileno(r->file), BLOCK) == ARCHIVE_OK;
    return fine ? DCPG_OK : fail_archive(r, err);
}

void dcpg_npz_close(dcpg_npz_reader *r) {
    if (!r) return;
    archive_read_free(r->archive);
    if (r->file) fclose(r->file);
    dcpg_free(r->path);
    dcpg_free(r);
}

/* ---- arrays ---- */

/* Reads n bytes of the present member. */
static dcpg_status read_bytes(dcpg_npz_reader *r, void *to, size_t n, dcpg_err *err) {
    for (size_t done = 0; done < n;) {
        la_ssize_t more = archive_read_data(r->archive, (char *)to + done, n - done);
        if (more <= 0) return more < 0 ? fail_archive(r, err) : fail(r, "is cut", err);
        done += (size_t)more;
    }
    return DCPG_OK;
}

/* Reads the header of an array; `size`: of the member. */
static dcpg_status read_header(dcpg_npz_reader *r, int64_t size, dcpg_err *err) {
    unsigned char begin[12];
    char text[LONGEST_HEADER + 1];
    size_t length, before = 10;
    if (size < 10) return fail(r, "is no array", err);
    DCPG_TRY(read_bytes(r, begin, 10, err));
    if (memcmp(begin, "\x93NUMPY", 6) != 0) return fail(r, "is no array", err);
    if (begin[6] < 1 || begin[6] > 3) return fail(r, "is of a version of npy that dcpg does not know", err);
    length = (size_t)begin[8] | (size_t)begin[9] << 8;
    if (begin[6] > 1) {
        before = 12;
        DCPG_TRY(read_bytes(r, begin + 10, 2, err));
        length |= (size_t)begin[10] << 16 | (size_t)begin[11] << 24;
    }
    if (length > LONGEST_HEADER) return fail(r, "its header is too long", err);
    DCPG_TRY(read_bytes(r, text, length, err));
    text[length] = '\0';
    const char *wrong =
        strlen(text) < length ? "its header is malformed" : dcpg_npy_parse(text, &r->about, &r->swapped);
    if (wrong) return fail(r, wrong, err);
    if (!dcpg_npy_bytes(&r->about, &r->left) || r->left > r->most)
        return fail(r, "claims more than a file of this size can hold: it is damaged, or made to fill memory",
                    err);
    if (r->left != size - (int64_t)(before + length))
        return fail(r, "is cut, or longer than its header says", err);
    return DCPG_OK;
}

/* Moves to the next array; *r->name is empty after the last. */
static dcpg_status next_array(dcpg_npz_reader *r, dcpg_err *err) {
    struct archive_entry *entry;
    *r->name = '\0';
    int found = archive_read_next_header(r->archive, &entry);
    if (found == ARCHIVE_EOF) return DCPG_OK;
    if (found != ARCHIVE_OK && found != ARCHIVE_WARN) return fail_archive(r, err);
    const char *name = archive_entry_pathname(entry);
    size_t n = name ? strlen(name) : 0;
    if (n < 5 || n >= LONGEST_NAME || strcmp(name + n - 4, ".npy") != 0 ||
        archive_entry_filetype(entry) != AE_IFREG || !archive_entry_size_is_set(entry))
        return fail(r, "holds something that is no array, so that it is no npz file of NumPy", err);
    snprintf(r->name, sizeof r->name, "%.*s", (int)(n - 4), name);
    return read_header(r, archive_entry_size(entry), err);
}

static dcpg_status add(dcpg_npz_list *list, const dcpg_npz_reader *r, dcpg_err *err) {
    if (dcpg_npz_find(list, r->name)) return fail(r, "is there twice", err);
    if (list->n == list->capacity) {
        size_t capacity = list->n ? 2 * list->n : 32;
        dcpg_npz_array *grown = dcpg_realloc(list->v, list->n, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "arrays", capacity * sizeof *grown);
        list->v = grown;
        list->capacity = capacity;
    }
    list->v[list->n] = (dcpg_npz_array){dcpg_strdup(r->name), r->about};
    return list->v[list->n++].name ? DCPG_OK : dcpg_fail_nomem(err, "a name", strlen(r->name));
}

dcpg_status dcpg_npz_read_list(const char *path, dcpg_npz_list *list, dcpg_err *err) {
    dcpg_npz_reader *r = NULL;
    int64_t total = 0;
    *list = (dcpg_npz_list){0};
    dcpg_status status = open_file(path, &r, err);
    if (status == DCPG_OK) status = next_array(r, err);
    while (status == DCPG_OK && *r->name) {
        total += r->left;
        status = add(list, r, err);
        if (status == DCPG_OK && total > r->most)
            status = fail(r, "and those before it claim more than a file of this size can hold", err);
        if (status == DCPG_OK) status = next_array(r, err);
    }
    if (status == DCPG_OK && list->n == 0) status = fail(r, "holds no array", err);
    dcpg_npz_close(r);
    if (status != DCPG_OK) dcpg_npz_free_list(list);
    return status;
}

dcpg_status dcpg_npz_open(const char *path, const char *name, dcpg_npz_reader **reader, dcpg_err *err) {
    dcpg_npz_reader *r = NULL;
    dcpg_status status = open_file(path, &r, err);
    if (status == DCPG_OK) status = next_array(r, err);
    while (status == DCPG_OK && *r->name && strcmp(r->name, name) != 0) status = next_array(r, err);
    if (status == DCPG_OK && !*r->name)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: holds no array %.80s", path, name);
    *reader = status == DCPG_OK ? r : NULL;
    if (status != DCPG_OK) dcpg_npz_close(r);
    return status;
}

/* ---- numbers ---- */

/* The number in bytes of this machine's order. */
static double number_at(const unsigned char *at, const dcpg_npy *about) {
    union {
        int8_t i1;
        uint8_t u1;
        int16_t i2;
        uint16_t u2;
        int32_t i4;
        uint32_t u4;
        int64_t i8;
        uint64_t u8;
        float f4;
        double f8;
    } x;
    bool is_signed = about->kind == 'i', real = about->kind == 'f';
    memcpy(&x, at, (size_t)about->size);
    switch (about->size) {
    case 1:
        return is_signed ? x.i1 : x.u1;
    case 2:
        return is_signed ? x.i2 : x.u2;
    case 4:
        return real ? (double)x.f4 : is_signed ? (double)x.i4 : (double)x.u4;
    default:
        return real ? x.f8 : is_signed ? (double)x.i8 : (double)x.u8;
    }
}

static void swap(unsigned char *at, size_t size) {
    for (size_t i = 0; i < size / 2; i++) {
        unsigned char byte = at[i];
        at[i] = at[size - 1 - i];
        at[size - 1 - i] = byte;
    }
}

dcpg_status dcpg_npz_read(dcpg_npz_reader *r, double *to, size_t n, dcpg_err *err) {
    size_t size = (size_t)r->about.size;
    if (r->about.kind == 'S') return fail(r, "holds text where numbers should be", err);
    if (n > (size_t)r->left / size) return fail(r, "has too few numbers", err);
    while (n > 0) {
        size_t part = n < BLOCK / size ? n : BLOCK / size;
        DCPG_TRY(read_bytes(r, r->block, part * size, err));
        for (size_t i = 0; i < part; i++) {
            unsigned char *at = r->block + i * size;
            if (r->swapped) swap(at, size);
            to[i] = number_at(at, &r->about);
        }
        r->left -= (int64_t)(part * size);
        to += part;
        n -= part;
    }
    return DCPG_OK;
}

dcpg_status dcpg_npz_read_text(dcpg_npz_reader *r, char *text, size_t size, dcpg_err *err) {
    if (r->about.kind != 'S' || r->about.ndim != 0) return fail(r, "is not one string of bytes", err);
    size_t n = (size_t)r->left < size - 1 ? (size_t)r->left : size - 1;
    memset(text, 0, size);
    DCPG_TRY(read_bytes(r, text, n, err));
    r->left -= (int64_t)n;
    return DCPG_OK;
}

dcpg_status dcpg_npz_read_end(dcpg_npz_reader *r, dcpg_err *err) {
    char more;
    if (r->left != 0) return fail(r, "has more numbers than it should", err);
    la_ssize_t n = archive_read_data(r->archive, &more, 1);
    if (n < 0) return fail_archive(r, err);
    return n == 0 ? DCPG_OK : fail(r, "is longer than its header says", err);
}

#endif
