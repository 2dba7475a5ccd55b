/* SPDX-License-Identifier: MIT */
/* Specifications of models: those that are built are written as Keras files that can be read. */
#include "fuzz.h"
#include <dcpg/keras.h>
#include <dcpg/spec.h>

const char *const fuzz_seeds[] = {"conv[8@3]_mp[2]_fc[4]_do",
                                  "CnnL2h128\nRnnL1\nJointL2h512",
                                  "conv[8@3,s=2,d=2,same,linear]_bn_relu_mp[2]_gap_fc[4,linear]_do[0.5]",
                                  "resb[3x256|2x64]_gap",
                                  "resc[1x8]_flatten",
                                  "resa[3x16]_bgru[4,seq]_gru[4]",
                                  "conv[99999999999@3]",
                                  "conv[8@3]\nfc[8]_bgru[8]_do\nfc[9]_do",
                                  NULL};

static void check_build(const char *const spec[3]) {
    dcpg_strings outputs = {0};
    dcpg_graph *graph = NULL, *again = NULL;
    dcpg_err err = {0};
    dcpg_strings_add(&outputs, "cpg/a", NULL);
    dcpg_model_options options = {.dna = spec[0],
                                  .cpg = spec[1],
                                  .joint = spec[2],
                                  .dna_wlen = 101,
                                  .cpg_wlen = 10,
                                  .nb_cell = 3,
                                  .outputs = &outputs};
    dcpg_status status = dcpg_model_build(&options, &graph, &err);
    fuzz_check_error(status, &err);
    if (status == DCPG_OK) {
        char *json = dcpg_keras_json(graph);
        FUZZ_REQUIRE(json != NULL && dcpg_keras_parse(json, "again", &again, &err) == DCPG_OK);
        dcpg_free(json);
    }
    dcpg_graph_free(graph);
    dcpg_graph_free(again);
    dcpg_strings_free(&outputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), *at = text;
    const char *spec[3] = {NULL};
    dcpg_status status = DCPG_OK;
    dcpg_err err = {0};
    for (int part = DCPG_PART_DNA; part <= DCPG_PART_JOINT && at && status == DCPG_OK; part++) {
        char *end = strchr(at, '\n');
        if (end) *end = '\0';
        status = dcpg_spec_find((dcpg_model_part)part, at, &spec[part], &err);
        at = end ? end + 1 : NULL;
    }
    fuzz_check_error(status, &err);
    if (status == DCPG_OK) check_build(spec);
    free(text);
    return 0;
}
