/* SPDX-License-Identifier: MIT */
/* Recognises the kind of an HDF5 file by its attribute "format". */
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <string.h>

bool dcpg_h5_is_format(const char *path, const char *format) {
    dcpg_h5 *file = NULL;
    char *found = NULL;
    if (dcpg_h5_open(path, NULL, &file, NULL) != DCPG_OK) return false;
    bool is = dcpg_h5_has_attr(file, "/", "format") &&
              dcpg_h5_read_attr_string(file, "/", "format", &found, NULL) == DCPG_OK &&
              strcmp(found, format) == 0;
    dcpg_free(found);
    dcpg_h5_close(file);
    return is;
}
