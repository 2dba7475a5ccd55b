/* SPDX-License-Identifier: MIT */
/* Looks up objects by path, lists groups and creates them. */
#include "io/h5_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* The object at the end of a path; ELSEWHERE: it would be in another file. */
typedef enum target { NOTHING, GROUP, DATASET, OTHER, ELSEWHERE } target;

/* Checks the link at the end of `path`: NOTHING if there is none, ELSEWHERE if it leads into another file,
 * else OTHER. */
static target look_at_link(const dcpg_h5 *file, const char *path) {
    H5L_info_t info;
    if (H5Lexists(file->id, path, file->links) <= 0) return NOTHING;
    if (H5Lget_info(file->id, path, &info, file->links) < 0) return NOTHING;
    bool inside = info.type == H5L_TYPE_HARD || info.type == H5L_TYPE_SOFT;
    return inside ? OTHER : ELSEWHERE;
}

/* OTHER if every part of `path` is a link inside the file. The parts are checked one by one because HDF5
 * fails when asked for x/y if there is no x. */
static target follow_links(const dcpg_h5 *file, const char *path) {
    char *part = dcpg_strdup(path);
    target found = part ? OTHER : NOTHING;
    for (char *slash = part ? part + strspn(part, "/") : ""; found == OTHER && *slash;) {
        slash += strcspn(slash, "/");
        char kept = *slash;
        *slash = '\0';
        found = look_at_link(file, part);
        *slash = kept;
        slash += strspn(slash, "/");
    }
    dcpg_free(part);
    return found;
}

static bool is_root(const char *path) { return path[strspn(path, "/")] == '\0'; }

static target look(dcpg_h5 *file, const char *path) {
    if (is_root(path)) return GROUP;
    file->went_out = false;
    target found = follow_links(file, path);
    if (found == OTHER && H5Oexists_by_name(file->id, path, file->links) <= 0) found = NOTHING;
    if (file->went_out) return ELSEWHERE; /* through a soft link to an external one */
    if (found != OTHER) return found;
    H5O_info_t info;
    if (H5Oget_info_by_name2(file->id, path, &info, H5O_INFO_BASIC, file->links) < 0) return NOTHING;
    return info.type == H5O_TYPE_GROUP ? GROUP : info.type == H5O_TYPE_DATASET ? DATASET : OTHER;
}

bool dcpg_h5_is_group(dcpg_h5 *file, const char *path) { return look(file, path) == GROUP; }

bool dcpg_h5_exists(dcpg_h5 *file, const char *path) { return look(file, path) != NOTHING; }

static hid_t fail_elsewhere(const dcpg_h5 *file, const char *path, const char *how, dcpg_err *err) {
    dcpg_fail(err, DCPG_E_INPUT,
              "%s: %s holds its data in another file (%s), which is not followed: copy everything into one "
              "file (h5copy, h5repack or h5py)",
              file->path, path, how);
    return -1;
}

/* Whether a dataset keeps its values in its own file. */
static bool is_here(const dcpg_h5 *file, const char *path, hid_t dataset, dcpg_err *err) {
    hid_t creation = H5Dget_create_plist(dataset);
    if (creation < 0) {
        dcpg_h5_fail(file, DCPG_E_INPUT, err, "the layout of dataset %s cannot be read", path);
        return false;
    }
    const char *how = NULL;
    if (H5Pget_layout(creation) == H5D_VIRTUAL) how = "a virtual dataset";
    if (H5Pget_external_count(creation) > 0) how = "external storage";
    H5Pclose(creation);
    if (how) fail_elsewhere(file, path, how, err);
    return !how;
}

hid_t dcpg_h5_open_object(dcpg_h5 *file, const char *path, dcpg_err *err) {
    target found = look(file, path);
    if (found == ELSEWHERE) return fail_elsewhere(file, path, "an external link", err);
    if (found == NOTHING) {
        dcpg_fail(err, DCPG_E_INPUT, "%s: holds no %s", file->path, path);
        return -1;
    }
    hid_t id = H5Oopen(file->id, is_root(path) ? "/" : path, file->links);
    if (id < 0) dcpg_h5_fail(file, DCPG_E_INPUT, err, "%s cannot be opened", path);
    return id;
}

hid_t dcpg_h5_open_dataset(dcpg_h5 *file, const char *path, dcpg_err *err) {
    target found = look(file, path);
    if (found == ELSEWHERE) return fail_elsewhere(file, path, "an external link", err);
    if (found != DATASET) {
        dcpg_fail(err, DCPG_E_INPUT, found == NOTHING ? "%s: holds no dataset %s" : "%s: %s is not a dataset",
                  file->path, path);
        return -1;
    }
    hid_t id = H5Dopen2(file->id, path, file->links);
    if (id < 0) dcpg_h5_fail(file, DCPG_E_INPUT, err, "dataset %s cannot be opened", path);
    if (id < 0 || is_here(file, path, id, err)) return id;
    H5Dclose(id);
    return -1;
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
    target found = look(file, path);
    if (found == GROUP) return DCPG_OK;
    if (found != NOTHING) return dcpg_fail(err, DCPG_E_IO, "%s: %s is not a group", file->path, path);
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

/* HDF5's create_intermediate is not used: it would give the groups time stamps. `path` is changed meanwhile
 * and then restored. */
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
