/* SPDX-License-Identifier: MIT */
/* model.json: what is read is written, and read again as the same. */
#include "fuzz.h"
#include <dcpg/keras.h>

#define DENSE(name, from)                                                                                    \
    "{\"class_name\":\"Dense\",\"name\":\"" name "\",\"config\":{\"name\":\"" name                           \
    "\",\"units\":1,\"activation\":\"sigmoid\"},\"inbound_nodes\":[[[\"" from "\",0,0,{}]]]}"
#define MODEL(layers, inputs, outputs)                                                                       \
    "{\"class_name\":\"Model\",\"config\":{\"name\":\"m\",\"layers\":[" layers "],\"input_layers\":" inputs  \
    ",\"output_layers\":" outputs "}}"

const char *const fuzz_seeds[] = {
    MODEL(
        "{\"class_name\":\"InputLayer\",\"name\":\"dna\",\"config\":{\"name\":\"dna\",\"batch_input_shape\":["
        "null,"
        "11,4]},\"inbound_nodes\":[]},{\"class_name\":\"Conv1D\",\"name\":\"c\",\"config\":{\"name\":\"c\","
        "\"filters\":2,\"kernel_size\":[3],\"activation\":\"relu\"},\"inbound_nodes\":[[[\"dna\",0,0,{}]]]},"
        "{\"class_name\":\"Flatten\",\"name\":\"f\",\"config\":{\"name\":\"f\"},\"inbound_nodes\":[[[\"c\",0,"
        "0]]]}," DENSE("cpg/a", "f"),
        "[[\"dna\",0,0]]", "[[\"cpg/a\",0,0]]"),
    MODEL("{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"dna\",\"batch_shape\":[null,11,4]},\"name\":"
          "\"dna\"},"
          "{\"class_name\":\"GlobalAveragePooling1D\",\"name\":\"g\",\"config\":{\"name\":\"g\"},\"inbound_"
          "nodes\":"
          "[{\"args\":[{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":[\"dna\",0,0]}}],"
          "\"kwargs\":{\"mask\":null}}]}," DENSE("cpg/a", "g"),
          "[\"dna\",0,0]", "{\"a\":[\"cpg/a\",0,0]}"),
    "\"{\\\"class_name\\\": \\\"Model\\\"}\"",
    "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"dna\","
    "\"batch_input_shape\":[null,5,4]}},{\"class_name\":\"Flatten\",\"config\":{\"name\":\"f\"}},"
    "{\"class_name\":\"Dense\",\"config\":{\"name\":\"cpg/a\",\"units\":1,\"activation\":\"sigmoid\"}}]}",
    NULL};

static void check_round_trip(const dcpg_graph *graph) {
    dcpg_graph *again = NULL;
    dcpg_err err = {0};
    char *json = dcpg_keras_json(graph);
    FUZZ_REQUIRE(json != NULL);
    if (dcpg_keras_parse(json, "again", &again, &err) != DCPG_OK) fprintf(stderr, "%s\n%s\n", err.text, json);
    FUZZ_REQUIRE(again != NULL);
    char *same = dcpg_keras_json(again);
    FUZZ_REQUIRE(same != NULL && strcmp(json, same) == 0);
    dcpg_free(json);
    dcpg_free(same);
    dcpg_graph_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    dcpg_graph *graph = NULL;
    dcpg_err err = {0};
    dcpg_status status = dcpg_keras_parse(text, "model.json", &graph, &err);
    fuzz_check_error(status, &err);
    FUZZ_REQUIRE((status == DCPG_OK) == (graph != NULL));
    if (graph) check_round_trip(graph);
    dcpg_graph_free(graph);
    free(text);
    return 0;
}
