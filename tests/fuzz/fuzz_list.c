/* SPDX-License-Identifier: MIT */
/* Manifests of cells: names are names of files. */
#include "fuzz.h"
#include <dcpg/profile.h>

const char *const fuzz_seeds[] = {"one\t/dev/null\ntwo\tx/y\n# c\n\nthree\t../a\n", "1\t5\t1\n", "a\t5\n",
                                  NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[64];
    bool is_list = false;
    dcpg_strings words = {0}, names = {0}, paths = {0};
    dcpg_err err = {0};
    dcpg_strings_add(&words, fuzz_file(data, size, name), NULL);
    dcpg_status status = dcpg_profile_list(&words, &is_list, &names, &paths, &err);
    unlink(name);
    fuzz_check_error(status, &err);
    for (size_t i = 0; status == DCPG_OK && i < names.n; i++)
        FUZZ_REQUIRE(*names.v[i] != '\0' && strchr(names.v[i], '/') == NULL);
    dcpg_strings_free(&words);
    dcpg_strings_free(&names);
    dcpg_strings_free(&paths);
    return 0;
}
