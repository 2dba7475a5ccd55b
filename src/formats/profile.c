#include <ctype.h>
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <string.h>

char *dcpg_chromo_name(const char *raw) {
    char *name = dcpg_strdup(raw);
    if (!name) return NULL;
    for (char *p = name; *p; p++) *p = (char)toupper((unsigned char)*p);
    if (strncmp(name, "CHR", 3) == 0 && name[3]) memmove(name, name + 3, strlen(name + 3) + 1);
    if (strcmp(name, "M") != 0) return name;
    dcpg_free(name);
    return dcpg_strdup("MT"); /* UCSC and Ensembl call it differently */
}

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
