/* SPDX-License-Identifier: MIT */
/* Writes tables: datasets whose elements are rows of named fields. */
#include "base/number.h"
#include "io/h5_impl.h"
#include <assert.h>

static size_t field_size(const dcpg_h5_field *field) {
    return field->type == DCPG_H5_TEXT ? field->width : dcpg_h5_type_size(field->type);
}

size_t dcpg_h5_row_size(const dcpg_h5_table *table) {
    size_t size = 0;
    for (int i = 0; i < table->nb_field; i++) size += field_size(&table->field[i]);
    return size;
}

/* The type of a row in the file, or in memory. The caller closes it. */
static hid_t row_type(const dcpg_h5_table *table, bool memory) {
    hid_t row = H5Tcreate(H5T_COMPOUND, dcpg_h5_row_size(table));
    size_t at = 0;
    for (int i = 0; i < table->nb_field; i++) {
        const dcpg_h5_field *field = &table->field[i];
        bool text = field->type == DCPG_H5_TEXT;
        hid_t type = text     ? dcpg_h5_text_type(field->width, true)
                     : memory ? dcpg_h5_memory_type(field->type)
                              : dcpg_h5_file_type(field->type);
        H5Tinsert(row, field->name, at, type);
        at += field_size(field);
        if (text) H5Tclose(type);
    }
    return row;
}

static hid_t creation_properties(const dcpg_h5_table *table) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk = (hsize_t)min_i64(table->chunk, table->rows);
    H5Pset_obj_track_times(creation, false);
    if (chunk == 0) return creation;
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, (unsigned)table->deflate);
    return creation;
}

dcpg_status dcpg_h5_make_table(dcpg_h5 *file, const char *path, const dcpg_h5_table *table, dcpg_err *err) {
    hsize_t rows = (hsize_t)table->rows;
    assert(!dcpg_h5_parallel(file) && table->chunk > 0 && table->deflate > 0);
    if (dcpg_h5_exists(file, path))
        return dcpg_fail(err, DCPG_E_IO, "%s: %s exists already", file->path, path);
    DCPG_TRY(dcpg_h5_make_parents(file, path, err));
    hid_t type = row_type(table, false), space = H5Screate_simple(1, &rows, NULL);
    hid_t creation = creation_properties(table);
    hid_t dataset = H5Dcreate2(file->id, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    dcpg_status status =
        dataset < 0 ? dcpg_h5_fail(file, DCPG_E_IO, err, "dataset %s cannot be created", path) : DCPG_OK;
    if (dataset >= 0) H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Tclose(type);
    dcpg_h5_count_object(file, 0);
    return status == DCPG_OK ? dcpg_h5_reserve(file, 0, err) : status;
}

dcpg_status dcpg_h5_write_rows(dcpg_h5 *file, const char *path, const dcpg_h5_table *table,
                               const dcpg_h5_rows *rows, dcpg_err *err) {
    hsize_t first = (hsize_t)rows->first, n = (hsize_t)rows->n;
    if (n == 0) return DCPG_OK;
    assert(rows->first >= 0 && rows->first + rows->n <= table->rows);
    uint64_t chunks = (uint64_t)(ceil_div(rows->first + rows->n, table->chunk) - rows->first / table->chunk);
    DCPG_TRY(dcpg_h5_reserve(file, chunks * (uint64_t)table->chunk * dcpg_h5_row_size(table), err));
    hid_t dataset = dcpg_h5_open_dataset(file, path, err);
    if (dataset < 0) return DCPG_E_IO;
    hid_t type = row_type(table, true), space = H5Dget_space(dataset), memory = H5Screate_simple(1, &n, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, NULL, &n, NULL);
    dcpg_status status = DCPG_OK;
    if (H5Dwrite(dataset, type, memory, space, file->transfer, rows->at) < 0)
        status = dcpg_h5_fail(file, DCPG_E_IO, err, "dataset %s cannot be written", path);
    H5Sclose(memory);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return status;
}
