/* SPDX-License-Identifier: MIT */
/* BED files: intervals are in order and do not touch. */
#include "fuzz.h"
#include "genome/bed.h"

const char *const fuzz_seeds[] = {"chr1\t1\t5\nchr1 3 9 x\n# c\ntrack x\nbrowser y\n2\t0\t0\n",
                                  "1\t2147483646\t2147483646\n", "", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[64];
    dcpg_bed bed;
    dcpg_err err = {0};
    dcpg_status status = dcpg_bed_read(fuzz_file(data, size, name), &bed, &err);
    unlink(name);
    fuzz_check_error(status, &err);
    for (int64_t c = 0; status == DCPG_OK && c < bed.nb_chromo; c++)
        for (int64_t i = 0; i < bed.chromo[c].n; i++) {
            FUZZ_REQUIRE(bed.chromo[c].v[i].start >= 0 && bed.chromo[c].v[i].end >= bed.chromo[c].v[i].start);
            FUZZ_REQUIRE(i == 0 || bed.chromo[c].v[i].start > bed.chromo[c].v[i - 1].end);
        }
    dcpg_bed_free(&bed);
    return 0;
}
