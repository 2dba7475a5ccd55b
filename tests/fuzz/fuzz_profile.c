/* SPDX-License-Identifier: MIT */
/* Profiles of every format: positions rise and values are from 0 to 1. */
#include "fuzz.h"
#include <dcpg/profile.h>

const char *const fuzz_seeds[] = {"1\t1\t1\n1\t8\t0\n1\t15\t0.5\nMT\t1\t1\n",
                                  "track type=bedGraph\nchr1\t0\t1\t0.5\nchr1\t7\t8\t1\n",
                                  "chr1\t0\t1\t50\nchr1\t7\t8\t100\n",
                                  "chr1\t1\t1\t50\t1\t1\nchr1\t8\t8\t100\t2\t0\n",
                                  "chr1\t1\t+\t3\t1\tCG\tCGA\nchr1\t2\t-\t0\t2\tCG\tCGT\n",
                                  "chr1\t1\t+\tCGA\t3\t4\t1\nchr1\t2\t-\tCGT\t0\t2\t1\n",
                                  "chr1\t0\t1\tm\t7\t+\t0\t1\t255,0,0\t7\t57.14\t4\t3\t0\t0\t0\t0\t0\n",
                                  "chr1\t0\t1\t0.500\t2\nchr1\t7\t8\t1.000\t3\tCG\n",
                                  "chr\tpos\tmet_reads\tnonmet_reads\trate\n1\t1\t2\t3\t40\n",
                                  NULL};

static void check_calls(const dcpg_calls *calls) {
    FUZZ_REQUIRE(calls->n > 0 && *calls->chromo != '\0');
    for (int64_t i = 0; i < calls->n; i++) {
        FUZZ_REQUIRE(calls->pos[i] >= 1 && (i == 0 || calls->pos[i] > calls->pos[i - 1]));
        FUZZ_REQUIRE(calls->value[i] >= 0 && calls->value[i] <= 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[64];
    dcpg_profile profile;
    dcpg_err err = {0};
    dcpg_status status = dcpg_profile_read(fuzz_file(data, size, name), &profile, &err);
    unlink(name);
    fuzz_check_error(status, &err);
    if (status != DCPG_OK) return 0;
    for (int64_t c = 0; c < profile.nb_chromo; c++) check_calls(&profile.chromo[c]);
    dcpg_profile_free(&profile);
    return 0;
}
