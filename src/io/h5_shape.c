/* SPDX-License-Identifier: MIT */
/* Types and shapes of datasets: describes them and creates datasets. */
#include "io/h5_impl.h"
#include <assert.h>
#include <inttypes.h>

hid_t dcpg_h5_memory_type(dcpg_h5_type type) {
    switch (type) {
    case DCPG_H5_I8:
        return H5T_NATIVE_INT8;
    case DCPG_H5_U8:
        return H5T_NATIVE_UINT8;
    case DCPG_H5_I16:
        return H5T_NATIVE_INT16;
    case DCPG_H5_I32:
        return H5T_NATIVE_INT32;
    case DCPG_H5_I64:
        return H5T_NATIVE_INT64;
    case DCPG_H5_U64:
        return H5T_NATIVE_UINT64;
    case DCPG_H5_F32:
        return H5T_NATIVE_FLOAT;
    case DCPG_H5_F64:
        return H5T_NATIVE_DOUBLE;
    case DCPG_H5_TEXT:
        break;
    }
    assert(!"type");
    return -1;
}

hid_t dcpg_h5_file_type(dcpg_h5_type type) {
    switch (type) {
    case DCPG_H5_I8:
        return H5T_STD_I8LE;
    case DCPG_H5_U8:
        return H5T_STD_U8LE;
    case DCPG_H5_I16:
        return H5T_STD_I16LE;
    case DCPG_H5_I32:
        return H5T_STD_I32LE;
    case DCPG_H5_I64:
        return H5T_STD_I64LE;
    case DCPG_H5_U64:
        return H5T_STD_U64LE;
    case DCPG_H5_F32:
        return H5T_IEEE_F32LE;
    case DCPG_H5_F64:
        return H5T_IEEE_F64LE;
    case DCPG_H5_TEXT:
        break;
    }
    assert(!"type");
    return -1;
}

size_t dcpg_h5_type_size(dcpg_h5_type type) { return H5Tget_size(dcpg_h5_memory_type(type)); }

bool dcpg_h5_npoints(hid_t space, uint64_t *count) {
    hsize_t dim[H5S_MAX_RANK];
    *count = 0;
    H5S_class_t kind = H5Sget_simple_extent_type(space);
    if (kind == H5S_NULL) return true;
    int ndim = kind == H5S_NO_CLASS ? -1 : H5Sget_simple_extent_dims(space, dim, NULL);
    if (ndim < 0) return false;
    uint64_t n = 1;
    for (int i = 0; i < ndim; i++) {
        if (dim[i] > 0 && n > INT64_MAX / dim[i]) return false;
        n *= dim[i];
    }
    *count = n;
    return true;
}

dcpg_status dcpg_h5_check_bytes(const dcpg_h5 *file, const char *what, uint64_t count, uint64_t size,
                                dcpg_err *err) {
    if (size == 0 || count <= file->max_bytes / size) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: %s claims %" PRIu64 " elements of %" PRIu64
                     " bytes, more than the file can hold: it is damaged",
                     file->path, what, count, size);
}

/* The type that holds an integer of `size` bytes; false if there is none. */
static bool integer_type(size_t size, bool is_signed, dcpg_h5_type *type) {
    switch (size) {
    case 1:
        *type = is_signed ? DCPG_H5_I8 : DCPG_H5_U8;
        return true;
    case 2:
        *type = is_signed ? DCPG_H5_I16 : DCPG_H5_I32;
        return true;
    case 4:
        *type = is_signed ? DCPG_H5_I32 : DCPG_H5_I64;
        return true;
    case 8:
        *type = is_signed ? DCPG_H5_I64 : DCPG_H5_U64;
        return true;
    }
    return false;
}

bool dcpg_h5_number_type(hid_t id, dcpg_h5_type *type) {
    switch (H5Tget_class(id)) {
    case H5T_INTEGER:
        return integer_type(H5Tget_size(id), H5Tget_sign(id) == H5T_SGN_2, type);
    case H5T_FLOAT:
        *type = H5Tget_size(id) <= 4 ? DCPG_H5_F32 : DCPG_H5_F64;
        return H5Tget_size(id) >= 2 && H5Tget_size(id) <= 8;
    case H5T_ENUM: {
        hid_t base = H5Tget_super(id);
        bool known = base >= 0 && H5Tget_class(base) == H5T_INTEGER && dcpg_h5_number_type(base, type);
        if (base >= 0) H5Tclose(base);
        return known;
    }
    default:
        return false;
    }
}

bool dcpg_h5_fixed_text(hid_t id) { return H5Tget_class(id) == H5T_STRING && H5Tis_variable_str(id) == 0; }

static dcpg_status read_type(dcpg_h5 *file, const char *path, hid_t dataset, dcpg_h5_shape *shape,
                             dcpg_err *err) {
    hid_t id = H5Dget_type(dataset);
    if (id < 0) return dcpg_h5_fail(file, DCPG_E_INPUT, err, "the type of dataset %s cannot be read", path);
    bool text = H5Tget_class(id) == H5T_STRING, known = text || dcpg_h5_number_type(id, &shape->type);
    if (text) shape->type = DCPG_H5_TEXT;
    shape->width = dcpg_h5_fixed_text(id) ? H5Tget_size(id) : 0;
    H5Tclose(id);
    return known ? DCPG_OK
                 : dcpg_fail(err, DCPG_E_INPUT,
                             "%s: dataset %s holds neither text nor numbers of a known type (whole numbers, "
                             "floats of up to 64 bits, bool)",
                             file->path, path);
}

static uint64_t element_bytes(const dcpg_h5_shape *shape) {
    if (shape->type != DCPG_H5_TEXT) return dcpg_h5_type_size(shape->type);
    return shape->width > 0 ? shape->width : sizeof(char *);
}

static dcpg_status read_extent(dcpg_h5 *file, const char *path, hid_t dataset, dcpg_h5_shape *shape,
                               dcpg_err *err) {
    hid_t space = H5Dget_space(dataset);
    if (space < 0)
        return dcpg_h5_fail(file, DCPG_E_INPUT, err, "the shape of dataset %s cannot be read", path);
    uint64_t count = 0;
    hsize_t dim[H5S_MAX_RANK] = {0};
    bool sound = dcpg_h5_npoints(space, &count);
    int ndim = H5Sget_simple_extent_dims(space, dim, NULL);
    bool null = H5Sget_simple_extent_type(space) == H5S_NULL;
    H5Sclose(space);
    if (!sound || ndim < 0)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s has an impossible shape", file->path, path);
    if (ndim > DCPG_H5_MAX_NDIM)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s has %d dimensions, at most %d are known",
                         file->path, path, ndim, DCPG_H5_MAX_NDIM);
    shape->ndim = null ? 1 : ndim; /* a null space is read as an empty list */
    for (int i = 0; i < ndim; i++) shape->dim[i] = (int64_t)dim[i];
    return dcpg_h5_check_bytes(file, path, count, element_bytes(shape), err);
}

static void read_layout(hid_t dataset, dcpg_h5_shape *shape) {
    hid_t creation = H5Dget_create_plist(dataset);
    hsize_t chunk[H5S_MAX_RANK];
    if (creation >= 0 && H5Pget_layout(creation) == H5D_CHUNKED &&
        H5Pget_chunk(creation, H5S_MAX_RANK, chunk) == shape->ndim) {
        for (int i = 0; i < shape->ndim; i++) shape->chunk[i] = (int64_t)chunk[i];
    }
    unsigned flags, level = 0;
    size_t nb = 1;
    if (creation >= 0 &&
        H5Pget_filter_by_id2(creation, H5Z_FILTER_DEFLATE, &flags, &nb, &level, 0, NULL, NULL) >= 0)
        shape->deflate = (int)level;
    if (creation >= 0) H5Pclose(creation);
    H5Eclear2(H5E_DEFAULT); /* a missing filter is no error */
}

dcpg_status dcpg_h5_shape_of(dcpg_h5 *file, const char *path, dcpg_h5_shape *shape, dcpg_err *err) {
    *shape = (dcpg_h5_shape){0};
    hid_t dataset = dcpg_h5_open_dataset(file, path, err);
    dcpg_status status = dataset < 0 ? DCPG_E_INPUT : read_type(file, path, dataset, shape, err);
    if (status == DCPG_OK) status = read_extent(file, path, dataset, shape, err);
    if (status == DCPG_OK) read_layout(dataset, shape);
    if (dataset >= 0) H5Dclose(dataset);
    return dcpg_h5_agree(file, status, err);
}

/* ---- creating ---- */

static hid_t creation_properties(const dcpg_h5 *file, const dcpg_h5_shape *shape) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    bool empty = false;
    for (int i = 0; i < shape->ndim; i++) empty = empty || shape->dim[i] == 0;
    if (shape->ndim > 0 && shape->chunk[0] > 0 && !empty) {
        hsize_t chunk[DCPG_H5_MAX_NDIM];
        for (int i = 0; i < shape->ndim; i++)
            chunk[i] = (hsize_t)(shape->chunk[i] < shape->dim[i] ? shape->chunk[i] : shape->dim[i]);
        H5Pset_chunk(creation, shape->ndim, chunk);
        if (shape->deflate > 0) {
            H5Pset_shuffle(creation);
            H5Pset_deflate(creation, (unsigned)shape->deflate);
        }
    }
    /* Parallel HDF5 would write zeros first and then the data over them. Chunks need the zeros: otherwise the
     * space between the dataset's edge and the chunk's would get leftovers from MPI's buffers. */
    if (dcpg_h5_parallel(file) && H5Pget_layout(creation) != H5D_CHUNKED)
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    if (shape->deflate <= 0)
        H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY); /* parallel HDF5 does so anyway, and the end of the
                                                              file must account for the data */
    return creation;
}

/* Bytes that a dataset takes at once, in whole chunks; none if it is compressed. */
static uint64_t early_bytes(const dcpg_h5_shape *shape) {
    if (shape->deflate > 0) return 0;
    uint64_t bytes = element_bytes(shape);
    for (int i = 0; i < shape->ndim; i++) {
        uint64_t dim = (uint64_t)shape->dim[i], chunk = (uint64_t)shape->chunk[i];
        bytes *= chunk > 0 && chunk < dim ? (dim + chunk - 1) / chunk * chunk : dim;
    }
    return bytes;
}

static dcpg_status make_dataset(dcpg_h5 *file, const char *path, const dcpg_h5_shape *shape, dcpg_err *err) {
    if (dcpg_h5_exists(file, path))
        return dcpg_fail(err, DCPG_E_IO, "%s: %s exists already", file->path, path);
    hsize_t dim[DCPG_H5_MAX_NDIM];
    for (int i = 0; i < shape->ndim; i++) dim[i] = (hsize_t)shape->dim[i];
    hid_t space = shape->ndim > 0 ? H5Screate_simple(shape->ndim, dim, NULL) : H5Screate(H5S_SCALAR);
    hid_t creation = creation_properties(file, shape);
    hid_t text = shape->type == DCPG_H5_TEXT ? dcpg_h5_text_type(shape->width, true) : -1;
    hid_t dataset = H5Dcreate2(file->id, path, text >= 0 ? text : dcpg_h5_file_type(shape->type), space,
                               H5P_DEFAULT, creation, H5P_DEFAULT);
    dcpg_status status =
        dataset < 0 ? dcpg_h5_fail(file, DCPG_E_IO, err, "dataset %s cannot be created", path) : DCPG_OK;
    if (dataset >= 0) H5Dclose(dataset);
    if (text >= 0) H5Tclose(text);
    H5Pclose(creation);
    H5Sclose(space);
    return status;
}

dcpg_status dcpg_h5_make(dcpg_h5 *file, const char *path, const dcpg_h5_shape *shape, dcpg_err *err) {
    assert(shape->ndim >= 0 && shape->ndim <= DCPG_H5_MAX_NDIM);
    DCPG_TRY(dcpg_h5_make_parents(file, path, err));
    DCPG_TRY(dcpg_h5_agree(file, make_dataset(file, path, shape, err), err));
    dcpg_h5_count_object(file, early_bytes(shape));
    return dcpg_h5_reserve(file, 0, err);
}
