/* SPDX-License-Identifier: MIT */
/* Reads and writes strings, of fixed or variable length. */
#include "io/h5_chunk.h"
#include <dcpg/memory.h>
#include <stdlib.h>
#include <string.h>

/* Limits on lists of names: at most FEW more names than bytes of the file, for names differ, and a byte of a
 * compressed file cannot hold several. Variable-length names in an attribute: so many that they take
 * MOST_TEXT (and FEW more) if each is as long as the file. */
static const uint64_t FEW = 1 << 16, MOST_TEXT = UINT64_C(1) << 34;

hid_t dcpg_h5_text_type(size_t length, bool ascii) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8);
    return type;
}

size_t dcpg_h5_text_length(const dcpg_strings *list, bool *ascii) {
    size_t longest = 1;
    *ascii = true;
    for (size_t i = 0; i < list->n; i++) {
        size_t length = strlen(list->v[i]);
        if (length > longest) longest = length;
        for (size_t k = 0; k < length; k++) *ascii = *ascii && (unsigned char)list->v[i][k] < 128;
    }
    return longest;
}

char *dcpg_h5_text_pack(const dcpg_strings *list, size_t first, size_t end, size_t length) {
    char *packed = dcpg_alloc(end - first, length);
    if (!packed) return NULL;
    for (size_t i = first; i < end; i++)
        memcpy(packed + (i - first) * length, list->v[i], strlen(list->v[i]));
    return packed;
}

/* ---- reading ---- */

static hid_t text_space(const dcpg_h5_text *from) {
    return from->attribute ? H5Aget_space(from->id) : H5Dget_space(from->id);
}

static bool fetch(const dcpg_h5_text *from, hid_t type, void *to) {
    if (from->attribute) return H5Aread(from->id, type, to) >= 0;
    return H5Dread(from->id, type, H5S_ALL, H5S_ALL, from->file->transfer, to) >= 0;
}

/* Reads a dataset of fixed-length strings in filtered chunks; sets `*ours` if it is one. */
static dcpg_status fetch_chunks(const dcpg_h5_text *from, hid_t type, hid_t space, char *to, bool *ours,
                                dcpg_err *err) {
    dcpg_h5_chunks chunks = {.path = from->name, .dataset = from->id, .type = type};
    hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK];
    *ours = false;
    if (from->attribute || from->file->temporary) return DCPG_OK;
    dcpg_status status = dcpg_h5_chunks_open(&chunks, from->file, ours, err);
    if (status == DCPG_OK && *ours && H5Sget_simple_extent_dims(space, count, NULL) == chunks.ndim) {
        status = dcpg_h5_chunks_read(&chunks, from->file, start, count, to, err);
    }
    dcpg_h5_chunks_close(&chunks);
    return status;
}

static dcpg_status fail_read(const dcpg_h5_text *from, dcpg_err *err) {
    return dcpg_h5_fail(from->file, DCPG_E_INPUT, err, "%s cannot be read", from->name);
}

static dcpg_status fail_budget(const dcpg_h5_text *from, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s: %s claims more text than the file can hold: it is damaged",
                     from->file->path, from->name);
}

/* Appends one string of a fixed-length array, without its padding. */
static dcpg_status add_fixed(dcpg_strings *list, const char *text, size_t size, H5T_str_t padding,
                             dcpg_err *err) {
    const char *end = memchr(text, '\0', size);
    size_t length = end ? (size_t)(end - text) : size;
    while (padding == H5T_STR_SPACEPAD && length > 0 && text[length - 1] == ' ') length--;
    char *copy = dcpg_strndup(text, length);
    if (!copy) return dcpg_fail_nomem(err, "text of an HDF5 file", length);
    dcpg_status status = dcpg_strings_add(list, copy, err);
    dcpg_free(copy);
    return status;
}

static dcpg_status read_fixed(const dcpg_h5_text *from, hid_t type, hid_t space, uint64_t count,
                              dcpg_strings *list, dcpg_err *err) {
    size_t size = H5Tget_size(type);
    H5T_str_t padding = H5Tget_strpad(type);
    DCPG_TRY(dcpg_h5_check_bytes(from->file, from->name, count, size, err));
    if (!from->file->temporary && count > from->file->bytes + FEW) return fail_budget(from, err);
    char *packed = dcpg_alloc(count, size);
    bool ours = false;
    dcpg_status status = packed ? fetch_chunks(from, type, space, packed, &ours, err)
                                : dcpg_fail_nomem(err, from->name, count * size);
    /* Memory and file have the same type, so nothing is converted. All ranks must get here: reading is
     * collective. */
    status = dcpg_h5_agree(from->file, status, err);
    if (status == DCPG_OK && !ours && !fetch(from, type, packed)) status = fail_read(from, err);
    for (uint64_t i = 0; i < count && status == DCPG_OK; i++)
        status = add_fixed(list, packed + i * size, size, padding, err);
    dcpg_free(packed);
    return status;
}

/* Bytes that variable-length strings may take together: as many as the file has. HDF5 asks for each string.
 */
typedef struct budget {
    uint64_t left;
    bool spent;
} budget;

static void *take_text(size_t size, void *context) {
    budget *b = context;
    b->spent = b->spent || size > b->left;
    if (b->spent) return NULL;
    b->left -= size;
    return malloc(size); /* freed by HDF5 if reading fails */
}

static void free_text(void *text, void *context) {
    (void)context;
    free(text);
}

/* HDF5 takes no properties for attributes; only the number of their strings is bounded. */
static bool fetch_variable(const dcpg_h5_text *from, hid_t type, budget *b, char **text) {
    if (from->attribute) return H5Aread(from->id, type, text) >= 0;
    hid_t with = H5Pcopy(from->file->transfer);
    H5Pset_vlen_mem_manager(with, take_text, b, free_text, NULL);
    bool fine = H5Dread(from->id, type, H5S_ALL, H5S_ALL, with, text) >= 0;
    H5Pclose(with);
    return fine;
}

static void free_variable(const dcpg_h5_text *from, hid_t type, hid_t space, uint64_t count, char **text) {
    if (from->attribute)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, text);
    else
        for (uint64_t i = 0; i < count; i++) free(text[i]);
}

/* A string of a dataset takes 16 bytes in the file besides its text; attributes hold only few names. */
static dcpg_status check_variable(const dcpg_h5_text *from, uint64_t count, dcpg_err *err) {
    uint64_t bytes = from->file->bytes;
    if (from->file->temporary) return DCPG_OK;
    if (count > bytes + FEW || (from->attribute && count > 1 && count > MOST_TEXT / bytes + FEW))
        return fail_budget(from, err);
    return from->attribute ? DCPG_OK : dcpg_h5_chunks_check_variable(from->file, from->name, from->id, err);
}

static dcpg_status read_variable(const dcpg_h5_text *from, hid_t type, hid_t space, uint64_t count,
                                 dcpg_strings *list, dcpg_err *err) {
    budget b = {from->file->temporary ? UINT64_MAX : from->file->bytes + FEW, false};
    dcpg_status status = check_variable(from, count, err);
    char **text = status == DCPG_OK ? dcpg_alloc(count, sizeof *text) : NULL;
    if (status == DCPG_OK && !text) status = dcpg_fail_nomem(err, from->name, count * sizeof *text);
    status = dcpg_h5_agree(from->file, status, err);
    if (status == DCPG_OK) {
        if (!fetch_variable(from, type, &b, text))
            status = b.spent ? fail_budget(from, err) : fail_read(from, err);
        for (uint64_t i = 0; i < count && status == DCPG_OK; i++)
            status = dcpg_strings_add(list, text[i] ? text[i] : "", err);
        free_variable(from, type, space, count, text);
    }
    dcpg_free(text);
    return status;
}

static dcpg_status read_typed(const dcpg_h5_text *from, hid_t space, hid_t type, dcpg_strings *list,
                              dcpg_err *err) {
    uint64_t count;
    if (!dcpg_h5_npoints(space, &count))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: %s has an impossible shape", from->file->path, from->name);
    if (count == 0) return DCPG_OK;
    if (H5Tget_class(type) != H5T_STRING)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: %s is not text", from->file->path, from->name);
    hid_t wanted = H5Tcopy(type);
    if (wanted < 0) return fail_read(from, err);
    dcpg_status status;
    if (H5Tis_variable_str(type) > 0)
        status = read_variable(from, wanted, space, count, list, err);
    else
        status = read_fixed(from, wanted, space, count, list, err);
    H5Tclose(wanted);
    return status;
}

dcpg_status dcpg_h5_text_read(const dcpg_h5_text *from, dcpg_strings *list, dcpg_err *err) {
    hid_t space = text_space(from);
    hid_t type = from->attribute ? H5Aget_type(from->id) : H5Dget_type(from->id);
    dcpg_status status =
        space < 0 || type < 0 ? fail_read(from, err) : read_typed(from, space, type, list, err);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

dcpg_status dcpg_h5_read_strings(dcpg_h5 *file, const char *path, dcpg_strings *text, dcpg_err *err) {
    *text = (dcpg_strings){0};
    dcpg_h5_text from = {.file = file, .id = dcpg_h5_open_dataset(file, path, err), .name = path};
    dcpg_status status = from.id < 0 ? DCPG_E_INPUT : dcpg_h5_text_read(&from, text, err);
    if (from.id >= 0) H5Dclose(from.id);
    status = dcpg_h5_agree(file, status, err);
    if (status != DCPG_OK) dcpg_strings_free(text);
    return status;
}

/* ---- writing ---- */

/* Creates the dataset and writes it; on parallel files rank 0 writes, and the others take part without data.
 */
static dcpg_status write_packed(dcpg_h5 *file, const char *path, hid_t type, hsize_t count,
                                const char *packed, dcpg_err *err) {
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t dataset = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool fine = dataset >= 0;
    if (fine && count > 0) {
        if (file->par && file->par->rank > 0) H5Sselect_none(space);
        fine = H5Dwrite(dataset, type, space, space, file->transfer, packed) >= 0;
    }
    dcpg_status status =
        fine ? DCPG_OK : dcpg_h5_fail(file, DCPG_E_IO, err, "dataset %s cannot be written", path);
    if (dataset >= 0) H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    return status;
}

dcpg_status dcpg_h5_write_strings(dcpg_h5 *file, const char *path, const dcpg_strings *text, dcpg_err *err) {
    DCPG_TRY(dcpg_h5_make_parents(file, path, err));
    bool ascii;
    size_t length = dcpg_h5_text_length(text, &ascii);
    char *packed = dcpg_h5_text_pack(text, 0, text->n, length);
    dcpg_status status = packed ? DCPG_OK : dcpg_fail_nomem(err, path, text->n * length);
    if (status == DCPG_OK && dcpg_h5_exists(file, path))
        status = dcpg_fail(err, DCPG_E_IO, "%s: %s exists already", file->path, path);
    status = dcpg_h5_agree(file, status, err);
    dcpg_h5_count_object(file, 0);
    if (status == DCPG_OK)
        status = dcpg_h5_reserve(file, !dcpg_h5_parallel(file) || file->par->rank == 0 ? text->n * length : 0,
                                 err);
    if (status == DCPG_OK) {
        hid_t type = dcpg_h5_text_type(length, ascii);
        status = dcpg_h5_agree(file, write_packed(file, path, type, text->n, packed, err), err);
        H5Tclose(type);
    }
    dcpg_free(packed);
    return status;
}
