#include "io/h5_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* True where every part of `path` is a link; *object where the last one leads to something. HDF5 calls it an
 * error to ask for x/y where there is no x. */
static bool links_exist(hid_t id, const char *path) {
    char *part = dcpg_strdup(path);
    if (!part) return false;
    bool exists = true;
    for (char *slash = part + strspn(part, "/"); exists && *slash;) {
        slash += strcspn(slash, "/");
        char kept = *slash;
        *slash = '\0';
        exists = H5Lexists(id, part, H5P_DEFAULT) > 0;
        *slash = kept;
        slash += strspn(slash, "/");
    }
    dcpg_free(part);
    return exists;
}

static bool is_root(const char *path) { return path[strspn(path, "/")] == '\0'; }

static H5O_type_t type_of(dcpg_h5 *file, const char *path) {
    if (is_root(path)) return H5O_TYPE_GROUP;
    if (!links_exist(file->id, path) || H5Oexists_by_name(file->id, path, H5P_DEFAULT) <= 0)
        return H5O_TYPE_UNKNOWN;
    H5O_info_t info;
    if (H5Oget_info_by_name2(file->id, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return H5O_TYPE_UNKNOWN;
    return info.type;
}

bool dcpg_h5_is_group(dcpg_h5 *file, const char *path) { return type_of(file, path) == H5O_TYPE_GROUP; }

bool dcpg_h5_exists(dcpg_h5 *file, const char *path) { return type_of(file, path) != H5O_TYPE_UNKNOWN; }

hid_t dcpg_h5_open_object(dcpg_h5 *file, const char *path, dcpg_err *err) {
    if (!dcpg_h5_exists(file, path)) {
        dcpg_fail(err, DCPG_E_INPUT, "%s: holds no %s", file->path, path);
        return -1;
    }
    hid_t id = H5Oopen(file->id, is_root(path) ? "/" : path, H5P_DEFAULT);
    if (id < 0) dcpg_h5_fail(file, DCPG_E_INPUT, err, "%s cannot be opened", path);
    return id;
}

hid_t dcpg_h5_open_dataset(dcpg_h5 *file, const char *path, dcpg_err *err) {
    H5O_type_t type = type_of(file, path);
    if (type != H5O_TYPE_DATASET) {
        dcpg_fail(err, DCPG_E_INPUT,
                  type == H5O_TYPE_UNKNOWN ? "%s: holds no dataset %s" : "%s: %s is not a dataset",
                  file->path, path);
        return -1;
    }
    hid_t id = H5Dopen2(file->id, path, H5P_DEFAULT);
    if (id < 0) dcpg_h5_fail(file, DCPG_E_INPUT, err, "dataset %s cannot be opened", path);
    return id;
}

/* ---- members of a group ---- */

typedef struct listing {
    dcpg_strings *names;
    dcpg_status status;
    dcpg_err *err;
} listing;

static herr_t note_name(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    (void)group, (void)info;
    listing *list = context;
    list->status = dcpg_strings_add(list->names, name, list->err);
    return list->status == DCPG_OK ? 0 : -1;
}

static dcpg_status list_names(dcpg_h5 *file, const char *group, dcpg_strings *names, dcpg_err *err) {
    hid_t id = dcpg_h5_open_object(file, group, err);
    if (id < 0) return DCPG_E_INPUT;
    listing list = {.names = names, .err = err};
    herr_t done = H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, NULL, note_name, &list);
    if (done < 0 && list.status == DCPG_OK)
        list.status = dcpg_h5_fail(file, DCPG_E_INPUT, err, "group %s cannot be listed", group);
    H5Oclose(id);
    return list.status;
}

dcpg_status dcpg_h5_list(dcpg_h5 *file, const char *group, dcpg_strings *names, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    *names = (dcpg_strings){0};
    if (dcpg_h5_is_group(file, group))
        status = list_names(file, group, names, err);
    else
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: holds no group %s", file->path, group);
    status = dcpg_h5_agree(file, status, err);
    if (status != DCPG_OK) dcpg_strings_free(names);
    dcpg_strings_sort(names);
    return status;
}

/* ---- creating groups ---- */

static dcpg_status make_one_group(dcpg_h5 *file, const char *path, dcpg_err *err) {
    H5O_type_t type = type_of(file, path);
    if (type == H5O_TYPE_GROUP) return DCPG_OK;
    if (type != H5O_TYPE_UNKNOWN) return dcpg_fail(err, DCPG_E_IO, "%s: %s is not a group", file->path, path);
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t id = H5Gcreate2(file->id, path, H5P_DEFAULT, creation, H5P_DEFAULT);
    dcpg_status status =
        id < 0 ? dcpg_h5_fail(file, DCPG_E_IO, err, "group %s cannot be created", path) : DCPG_OK;
    if (id >= 0) H5Gclose(id);
    H5Pclose(creation);
    dcpg_h5_count_object(file, 0);
    return status;
}

/* Not by HDF5's create_intermediate: that would stamp the groups with the time. `path` is changed and
 * restored meanwhile. */
static dcpg_status make_groups(dcpg_h5 *file, char *path, bool last, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    for (char *p = path + strspn(path, "/"); *p && status == DCPG_OK;) {
        p += strcspn(p, "/");
        char kept = *p;
        if (!kept && !last) break;
        *p = '\0';
        status = make_one_group(file, path, err);
        *p = kept;
        p += strspn(p, "/");
    }
    return status;
}

static dcpg_status make_all(dcpg_h5 *file, const char *path, bool last, dcpg_err *err) {
    char *copy = dcpg_strdup(path);
    dcpg_status status = dcpg_h5_agree(file, copy ? DCPG_OK : dcpg_fail_nomem(err, path, strlen(path)), err);
    if (status == DCPG_OK) status = dcpg_h5_agree(file, make_groups(file, copy, last, err), err);
    dcpg_free(copy);
    return status;
}

dcpg_status dcpg_h5_make_group(dcpg_h5 *file, const char *path, dcpg_err *err) {
    return make_all(file, path, true, err);
}

dcpg_status dcpg_h5_make_parents(dcpg_h5 *file, const char *path, dcpg_err *err) {
    return make_all(file, path, false, err);
}
