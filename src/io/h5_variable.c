/* SPDX-License-Identifier: MIT */
/* Writes strings of variable length in UTF-8, as h5py does, for programs that expect these. */
#include "io/h5_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* Bytes that HDF5's heap takes for a string besides its text, at most. */
enum { HEAP = 48 };

static hid_t variable_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static uint64_t bytes_of(const dcpg_strings *text) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < text->n; i++) bytes += strlen(text->v[i]) + HEAP;
    return bytes;
}

static bool write_attr(hid_t object, const char *name, hid_t type, hid_t space, char *const *text) {
    if (H5Aexists(object, name) > 0) H5Adelete(object, name);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    return fine;
}

/* An attribute of `space`, which holds as many strings as `text`. */
static dcpg_status make_attr(dcpg_h5 *file, const char *path, const char *name, hid_t space,
                             const dcpg_strings *text, dcpg_err *err) {
    hid_t type = variable_type(), object = dcpg_h5_open_object(file, path, err);
    dcpg_status status = object < 0 ? DCPG_E_IO : DCPG_OK;
    dcpg_h5_count_object(file, 0);
    if (status == DCPG_OK) status = dcpg_h5_reserve(file, bytes_of(text), err);
    if (status == DCPG_OK && !write_attr(object, name, type, space, text->v))
        status = dcpg_h5_fail(file, DCPG_E_IO, err, "attribute %s of %s cannot be written", name, path);
    if (object >= 0) H5Oclose(object);
    H5Tclose(type);
    H5Sclose(space);
    return status;
}

dcpg_status dcpg_h5_write_attr_variable(dcpg_h5 *file, const char *path, const char *name, const char *text,
                                        dcpg_err *err) {
    char *v[1] = {(char *)text};
    const dcpg_strings one = {.v = v, .n = 1};
    return make_attr(file, path, name, H5Screate(H5S_SCALAR), &one, err);
}

dcpg_status dcpg_h5_write_attr_variables(dcpg_h5 *file, const char *path, const char *name,
                                         const dcpg_strings *text, dcpg_err *err) {
    hsize_t count = text->n;
    return make_attr(file, path, name, H5Screate_simple(1, &count, NULL), text, err);
}

dcpg_status dcpg_h5_write_variables(dcpg_h5 *file, const char *path, const dcpg_strings *text,
                                    dcpg_err *err) {
    hsize_t count = text->n;
    DCPG_TRY(dcpg_h5_make_parents(file, path, err));
    dcpg_h5_count_object(file, 0);
    DCPG_TRY(dcpg_h5_reserve(file, bytes_of(text), err));
    hid_t type = variable_type(), space = H5Screate_simple(1, &count, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t dataset = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool fine = dataset >= 0;
    if (fine && count > 0) fine = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, file->transfer, text->v) >= 0;
    dcpg_status status =
        fine ? DCPG_OK : dcpg_h5_fail(file, DCPG_E_IO, err, "dataset %s cannot be written", path);
    if (dataset >= 0) H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}
