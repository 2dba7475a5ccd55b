/* SPDX-License-Identifier: MIT */
/* The name of a cell, and freeing a profile. */
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <string.h>

char *dcpg_cell_name(const char *path) {
    const char *base = dcpg_basename(path);
    return dcpg_strndup(base, strcspn(base, "."));
}

void dcpg_profile_free(dcpg_profile *profile) {
    for (int c = 0; c < profile->nb_chromo; c++) {
        dcpg_free(profile->chromo[c].chromo);
        dcpg_free(profile->chromo[c].pos);
        dcpg_free(profile->chromo[c].value);
    }
    dcpg_free(profile->chromo);
    dcpg_free(profile->cell);
    *profile = (dcpg_profile){0};
}
