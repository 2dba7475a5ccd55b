/* SPDX-License-Identifier: MIT */
/* Reads and writes attributes of HDF5 objects: strings, lists of strings, whole numbers. */
#include "base/number.h"
#include "io/h5_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* Keras splits lists of names into attributes of at most this many bytes: larger ones do not fit the headers
 * of old HDF5 files. */
enum { MAX_LIST_BYTES = 64512 };

bool dcpg_h5_has_attr(dcpg_h5 *file, const char *path, const char *name) {
    return dcpg_h5_exists(file, path) && H5Aexists_by_name(file->id, path, name, file->links) > 0;
}

/* ---- writing ---- */

/* An attribute to be written. */
typedef struct attr {
    dcpg_h5 *file;
    const char *path, *name;
} attr;

static dcpg_status write_attr(const attr *a, hid_t type, hid_t space, const void *data, dcpg_err *err) {
    dcpg_h5 *file = a->file;
    hid_t object = dcpg_h5_open_object(file, a->path, err);
    if (object < 0) return DCPG_E_IO;
    uint64_t bytes = data ? H5Tget_size(type) * (uint64_t)H5Sget_simple_extent_npoints(space) : 0;
    dcpg_h5_count_object(file, dcpg_h5_parallel(file) ? bytes : 0);
    if (!dcpg_h5_parallel(file) && dcpg_h5_reserve(file, bytes, err) != DCPG_OK) {
        H5Oclose(object);
        return DCPG_E_IO;
    }
    if (H5Aexists(object, a->name) > 0) H5Adelete(object, a->name);
    hid_t attribute = H5Acreate2(object, a->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && (!data || H5Awrite(attribute, type, data) >= 0);
    dcpg_status status =
        fine ? DCPG_OK
             : dcpg_h5_fail(file, DCPG_E_IO, err, "attribute %s of %s cannot be written", a->name, a->path);
    if (attribute >= 0) H5Aclose(attribute);
    H5Oclose(object);
    return status;
}

dcpg_status dcpg_h5_write_attr_string(dcpg_h5 *file, const char *path, const char *name, const char *text,
                                      dcpg_err *err) {
    const attr a = {file, path, name};
    char *v[1] = {(char *)text};
    dcpg_strings one = {.v = v, .n = 1};
    bool ascii;
    size_t length = dcpg_h5_text_length(&one, &ascii);
    char *packed = dcpg_h5_text_pack(&one, 0, 1, length);
    dcpg_status status = dcpg_h5_agree(file, packed ? DCPG_OK : dcpg_fail_nomem(err, name, length), err);
    if (status == DCPG_OK) {
        hid_t type = dcpg_h5_text_type(length, ascii), space = H5Screate(H5S_SCALAR);
        status = dcpg_h5_agree(file, write_attr(&a, type, space, packed, err), err);
        H5Sclose(space);
        H5Tclose(type);
    }
    dcpg_free(packed);
    return status;
}

dcpg_status dcpg_h5_write_attr_i64(dcpg_h5 *file, const char *path, const char *name, int64_t value,
                                   dcpg_err *err) {
    hid_t space = H5Screate(H5S_SCALAR);
    /* write_attr writes without conversion, so the bytes are put in the file's order here. */
    unsigned char little[8];
    for (int i = 0; i < 8; i++) little[i] = (unsigned char)((uint64_t)value >> 8 * i);
    dcpg_status status = write_attr(&(attr){file, path, name}, H5T_STD_I64LE, space, little, err);
    H5Sclose(space);
    return dcpg_h5_agree(file, status, err);
}

/* Writes the strings [first, end). */
static dcpg_status write_list(const attr *a, const dcpg_strings *text, size_t first, size_t end,
                              dcpg_err *err) {
    bool ascii;
    size_t length = dcpg_h5_text_length(text, &ascii);
    char *packed = dcpg_h5_text_pack(text, first, end, length);
    dcpg_status status =
        dcpg_h5_agree(a->file, packed ? DCPG_OK : dcpg_fail_nomem(err, a->name, (end - first) * length), err);
    if (status == DCPG_OK) {
        hsize_t count = end - first;
        hid_t type = dcpg_h5_text_type(length, ascii), space = H5Screate_simple(1, &count, NULL);
        status = dcpg_h5_agree(a->file, write_attr(a, type, space, packed, err), err);
        H5Sclose(space);
        H5Tclose(type);
    }
    dcpg_free(packed);
    return status;
}

static dcpg_status write_empty_list(dcpg_h5 *file, const char *path, const char *name, dcpg_err *err) {
    hsize_t none = 0;
    hid_t space = H5Screate_simple(1, &none, NULL);
    dcpg_status status = write_attr(&(attr){file, path, name}, H5T_IEEE_F64LE, space, NULL, err);
    H5Sclose(space);
    return dcpg_h5_agree(file, status, err);
}

/* The smallest number of attributes that stay below the limit; the first n % nb of them hold one more name
 * (NumPy's array_split). */
static size_t nb_attr_of(size_t n, size_t length) {
    size_t nb = 1;
    while (nb < n && ceil_div_size(n, nb) * length > MAX_LIST_BYTES) nb++;
    return nb;
}

dcpg_status dcpg_h5_write_attr_strings(dcpg_h5 *file, const char *path, const char *name,
                                       const dcpg_strings *text, dcpg_err *err) {
    if (text->n == 0) return write_empty_list(file, path, name, err);
    bool ascii;
    size_t nb = nb_attr_of(text->n, dcpg_h5_text_length(text, &ascii));
    if (nb == 1) return write_list(&(attr){file, path, name}, text, 0, text->n, err);
    size_t first = 0;
    for (size_t i = 0; i < nb; i++) {
        size_t end = first + text->n / nb + (i < text->n % nb);
        char *part = dcpg_format("%s%zu", name, i);
        dcpg_status status =
            dcpg_h5_agree(file, part ? DCPG_OK : dcpg_fail_nomem(err, name, strlen(name)), err);
        if (status == DCPG_OK) status = write_list(&(attr){file, path, part}, text, first, end, err);
        dcpg_free(part);
        DCPG_TRY(status);
        first = end;
    }
    return DCPG_OK;
}

/* ---- reading ---- */

static hid_t open_attr(dcpg_h5 *file, const char *path, const char *name, dcpg_err *err) {
    if (!dcpg_h5_has_attr(file, path, name)) {
        dcpg_fail(err, DCPG_E_INPUT, "%s: %s has no attribute %s", file->path, path, name);
        return -1;
    }
    hid_t id = H5Aopen_by_name(file->id, path, name, H5P_DEFAULT, file->links);
    if (id < 0) dcpg_h5_fail(file, DCPG_E_INPUT, err, "attribute %s of %s cannot be opened", name, path);
    return id;
}

/* Appends the strings of one attribute. */
static dcpg_status add_attr(dcpg_h5 *file, const char *path, const char *name, dcpg_strings *text,
                            dcpg_err *err) {
    char title[256];
    snprintf(title, sizeof title, "attribute %s of %s", name, path);
    dcpg_h5_text from = {
        .file = file, .id = open_attr(file, path, name, err), .attribute = true, .name = title};
    dcpg_status status = from.id < 0 ? DCPG_E_INPUT : dcpg_h5_text_read(&from, text, err);
    if (from.id >= 0) H5Aclose(from.id);
    return dcpg_h5_agree(file, status, err);
}

/* Appends name0, name1 and so on, as long as they exist. */
static dcpg_status add_parts(dcpg_h5 *file, const char *path, const char *name, dcpg_strings *text,
                             dcpg_err *err) {
    for (int i = 0;; i++) {
        char *part = dcpg_format("%s%d", name, i);
        DCPG_TRY(dcpg_h5_agree(file, part ? DCPG_OK : dcpg_fail_nomem(err, name, strlen(name)), err));
        bool more = dcpg_h5_has_attr(file, path, part);
        dcpg_status status = more ? add_attr(file, path, part, text, err) : DCPG_OK;
        dcpg_free(part);
        DCPG_TRY(status);
        if (!more) return DCPG_OK;
    }
}

dcpg_status dcpg_h5_read_attr_strings(dcpg_h5 *file, const char *path, const char *name, dcpg_strings *text,
                                      dcpg_err *err) {
    *text = (dcpg_strings){0};
    char *first = dcpg_format("%s0", name);
    dcpg_status status = dcpg_h5_agree(file, first ? DCPG_OK : dcpg_fail_nomem(err, name, strlen(name)), err);
    bool cut =
        status == DCPG_OK && !dcpg_h5_has_attr(file, path, name) && dcpg_h5_has_attr(file, path, first);
    dcpg_free(first);
    if (status == DCPG_OK)
        status = cut ? add_parts(file, path, name, text, err) : add_attr(file, path, name, text, err);
    if (status != DCPG_OK) dcpg_strings_free(text);
    return status;
}

dcpg_status dcpg_h5_read_attr_string(dcpg_h5 *file, const char *path, const char *name, char **text,
                                     dcpg_err *err) {
    *text = NULL;
    dcpg_strings list = {0};
    dcpg_status status = add_attr(file, path, name, &list, err);
    if (status == DCPG_OK && list.n == 1) {
        *text = list.v[0];
        list.n = 0;
    } else if (status == DCPG_OK) {
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: attribute %s of %s holds %zu strings, wanted is one",
                           file->path, name, path, list.n);
    }
    dcpg_strings_free(&list);
    return status;
}

static dcpg_status read_integer(dcpg_h5 *file, const char *path, const char *name, hid_t id, int64_t *value,
                                dcpg_err *err) {
    hid_t type = H5Aget_type(id), space = H5Aget_space(id);
    uint64_t count = 0;
    bool sound = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_INTEGER &&
                 dcpg_h5_npoints(space, &count) && count == 1;
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (!sound)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: attribute %s of %s is not one whole number", file->path,
                         name, path);
    if (H5Aread(id, H5T_NATIVE_INT64, value) >= 0) return DCPG_OK;
    return dcpg_h5_fail(file, DCPG_E_INPUT, err, "attribute %s of %s cannot be read", name, path);
}

dcpg_status dcpg_h5_read_attr_i64(dcpg_h5 *file, const char *path, const char *name, int64_t *value,
                                  dcpg_err *err) {
    hid_t id = open_attr(file, path, name, err);
    dcpg_status status = id < 0 ? DCPG_E_INPUT : read_integer(file, path, name, id, value, err);
    if (id >= 0) H5Aclose(id);
    return dcpg_h5_agree(file, status, err);
}
