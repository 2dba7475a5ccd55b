/* SPDX-License-Identifier: MIT */
/* FASTA files: chromosomes are not empty, and runs of unknown bases lie within them, in order. */
#include "fuzz.h"
#include <dcpg/genome.h>

const char *const fuzz_seeds[] = {">1\nACGTN\nNNNACG\n>chrX desc\nacgtry\n", ">a\r\nACGT\r\n\r\n>b\nC",
                                  "\n\n>1\nA\n>MT\nC", ">1\nACGT>2\nAC\n", NULL};

static dcpg_status check_sequence(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    (void)context, (void)err;
    int64_t last = -1;
    FUZZ_REQUIRE(sequence->length > 0 && sequence->chromo);
    for (int64_t i = 0; i < sequence->nb_run; i++) {
        const dcpg_run_n *run = &sequence->run[i];
        FUZZ_REQUIRE(run->start > last && run->end > run->start && run->end <= sequence->length);
        last = run->end;
    }
    return DCPG_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[64];
    dcpg_err err = {0};
    dcpg_status status = dcpg_fasta_read(fuzz_file(data, size, name), check_sequence, NULL, &err);
    unlink(name);
    fuzz_check_error(status, &err);
    return 0;
}
