/* SPDX-License-Identifier: MIT */
/* Lists all datasets below a group. A malicious file may link a group into itself, or link one group many
 * times: each group is entered only once. */
#include "io/h5_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* names of outputs have two or three parts */
enum { MAX_DEPTH = 8, MAX_GROUPS = 4096 };

typedef struct walk {
    dcpg_h5 *file;
    const char *root;
    haddr_t *group; /* [nb] addresses in the file of the groups entered */
    size_t nb, capacity;
    dcpg_strings *names;
    dcpg_err *err;
} walk;

static dcpg_status walk_group(walk *w, const char *group, int depth);

/* Notes the group; DCPG_E_INPUT if it was entered before. */
static dcpg_status enter(walk *w, const char *group) {
    H5O_info_t info;
    if (H5Oget_info_by_name2(w->file->id, group, &info, H5O_INFO_BASIC, w->file->links) < 0)
        return dcpg_h5_fail(w->file, DCPG_E_INPUT, w->err, "group %s cannot be read", group);
    for (size_t i = 0; i < w->nb; i++)
        if (w->group[i] == info.addr)
            return dcpg_fail(
                w->err, DCPG_E_INPUT,
                "%s: group %s is linked into the file more than once: it is damaged, or made to harm",
                w->file->path, group);
    if (w->nb == MAX_GROUPS)
        return dcpg_fail(w->err, DCPG_E_INPUT, "%s: group %s holds more than %d groups", w->file->path,
                         w->root, MAX_GROUPS);
    if (w->nb == w->capacity) {
        size_t capacity = w->capacity ? 2 * w->capacity : 16;
        haddr_t *grown = dcpg_realloc(w->group, w->nb, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(w->err, "groups", capacity * sizeof *grown);
        w->group = grown;
        w->capacity = capacity;
    }
    w->group[w->nb++] = info.addr;
    return DCPG_OK;
}

static dcpg_status walk_member(walk *w, const char *group, const char *name, int depth) {
    char *path = dcpg_format("%s/%s", group, name);
    if (!path) return dcpg_fail_nomem(w->err, "a name", strlen(group) + strlen(name));
    dcpg_status status = dcpg_h5_is_group(w->file, path)
                             ? walk_group(w, path, depth + 1)
                             : dcpg_strings_add(w->names, path + strlen(w->root) + 1, w->err);
    dcpg_free(path);
    return status;
}

static dcpg_status walk_group(walk *w, const char *group, int depth) {
    dcpg_strings members = {0};
    if (depth > MAX_DEPTH)
        return dcpg_fail(w->err, DCPG_E_INPUT, "%s: group %s holds too many groups within groups",
                         w->file->path, w->root);
    DCPG_TRY(enter(w, group));
    dcpg_status status = dcpg_h5_list(w->file, group, &members, w->err);
    for (size_t i = 0; i < members.n && status == DCPG_OK; i++)
        status = walk_member(w, group, members.v[i], depth);
    dcpg_strings_free(&members);
    return status;
}

dcpg_status dcpg_h5_list_datasets(dcpg_h5 *file, const char *group, dcpg_strings *names, dcpg_err *err) {
    *names = (dcpg_strings){0};
    walk w = {.file = file, .root = group, .names = names, .err = err};
    dcpg_status status = dcpg_h5_is_group(file, group)
                             ? walk_group(&w, group, 0)
                             : dcpg_fail(err, DCPG_E_INPUT, "%s: holds no group %s", file->path, group);
    dcpg_free(w.group);
    status = dcpg_h5_agree(file, status, err);
    if (status != DCPG_OK) dcpg_strings_free(names);
    dcpg_strings_sort(names);
    return status;
}
