/* SPDX-License-Identifier: MIT */
/* Specifications: errors name column, expectation and an example; for windows that are too short they name
 * the shortest that works. */
#include "cmocka_all.h"

#include <dcpg/memory.h>
#include <dcpg/spec.h>

#include <stdio.h>
#include <string.h>

static dcpg_status build(dcpg_model_part part, const char *spec, int64_t wlen, dcpg_graph **graph,
                         dcpg_err *err) {
    dcpg_model_options options = {.dna_wlen = wlen, .cpg_wlen = 10, .nb_cell = 4};
    if (part != DCPG_PART_CPG) options.dna = part == DCPG_PART_DNA ? spec : "CnnL1h128";
    if (part != DCPG_PART_DNA) options.cpg = part == DCPG_PART_CPG ? spec : "FcAvg";
    if (part == DCPG_PART_JOINT) options.joint = spec;
    return dcpg_model_build(&options, graph, err);
}

static void wrong_specs(void **state) {
    (void)state;
    static const struct {
        dcpg_model_part part;
        const char *spec;
        int column;
        const char *expected;
    } rows[] = {
        {DCPG_PART_DNA, "conv[128@]_mp[4]", 10, "length of the filters"},
        {DCPG_PART_DNA, "conv[128]_mp[4]", 9, "@ and the length"},
        {DCPG_PART_DNA, "conv[@11]", 6, "a number of filters"},
        {DCPG_PART_DNA, "conv[0@11]", 6, "a number of filters"},
        {DCPG_PART_DNA, "conv[99999999@11]", 6, "a number of filters"},
        {DCPG_PART_DNA, "conv[8@11", 10, "]"},
        {DCPG_PART_DNA, "conv[8@11,s=]", 13, "a stride"},
        {DCPG_PART_DNA, "conv[8@11,t=2]", 11, "an option"},
        {DCPG_PART_DNA, "conv[8@11]mp[4]", 11, "_ and the next layer"},
        {DCPG_PART_DNA, "conv[8@11]_", 12, "a layer"},
        {DCPG_PART_DNA, "conv[8@11]__mp[2]", 12, "a layer"},
        {DCPG_PART_DNA, "conv[8@11]_pond[2]_gap", 12, "a layer"},
        {DCPG_PART_DNA, "conv[8@11]_mp[2,3]_gap", 16, "]"},
        {DCPG_PART_DNA, "conv[8@11]_mp[256]_gap", 18, "at most 255"},
        {DCPG_PART_DNA, "conv[8@11]_gap_do[1.5]", 19, "a rate"},
        {DCPG_PART_DNA, "conv[8@11]_gap_do[nan]", 19, "a rate"},
        {DCPG_PART_DNA, "conv[8@11]_resb[2y128]_gap", 18, "x and a width"},
        {DCPG_PART_DNA, "conv[8@11]_resb[2x6]_gap", 20, "a width that 4 divides"},
        {DCPG_PART_DNA, "conv[8@11]_resa[21x8]_gap", 17, "at most 20 units"},
        {DCPG_PART_DNA, "conv[8@11]_gap_mp[2]", 16, "works on a vector"},
        {DCPG_PART_DNA, "conv[8@11]_mp[2]", 17, "must end in a vector"},
        {DCPG_PART_CPG, "fc[256]", 8, "must end in a vector"},
        {DCPG_PART_CPG, "fc[8]_bgru[]_do", 12, "a number of units"},
        {DCPG_PART_CPG, "fc[8]_mp[5]_gap", 7, "fits on the 4 steps"},
        {DCPG_PART_JOINT, "fc[512]_gap", 9, "works on a vector"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dcpg_graph *graph;
        dcpg_err err = {0};
        char column[32];
        snprintf(column, sizeof column, "column %d:", rows[i].column);
        if (build(rows[i].part, rows[i].spec, 101, &graph, &err) != DCPG_E_USAGE)
            fail_msg("%s passed", rows[i].spec);
        assert_null(graph);
        if (!strstr(err.text, column) || !strstr(err.text, rows[i].expected) ||
            !strstr(err.text, "for example") || !strstr(err.text, rows[i].spec))
            fail_msg("%s: got: %s", rows[i].spec, err.text);
    }
}

static void unknown_names(void **state) {
    (void)state;
    dcpg_graph *graph;
    dcpg_err err = {0};
    assert_int_equal(build(DCPG_PART_DNA, "RnnL1", 101, &graph, &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "CnnL1h128, CnnL1h256"));
    assert_non_null(strstr(err.text, "ResAtrous01"));
    err = (dcpg_err){0};
    assert_int_equal(build(DCPG_PART_JOINT, "JointL9", 101, &graph, &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "JointL0, JointL1h512, JointL2h512, JointL3h512"));
    assert_null(strstr(err.text, "RnnL1"));
}

static void names_in_any_case(void **state) {
    (void)state;
    const char *spec;
    dcpg_err err = {0};
    assert_int_equal(dcpg_spec_find(DCPG_PART_DNA, "cNNl2H128", &spec, &err), DCPG_OK);
    assert_string_equal(spec, "conv[128@11]_mp[4]_conv[256@3]_mp[2]_flatten_fc[128]_do");
    assert_int_equal(dcpg_spec_find(DCPG_PART_JOINT, "jointl0", &spec, &err), DCPG_OK);
    assert_string_equal(spec, "");
}

/* The strings as published work too. */
static void published_notation(void **state) {
    (void)state;
    static const char *const specs[] = {"conv[128@11]_mp[4]_fc[128]_do",
                                        "conv[128@11]_pool[4]_conv[256@7]_pool[4]_bgru[256]_do",
                                        "conv[64@15]_mp[8]_conv[128@5,d=2]_mp[4]_bgru[64]_do"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        dcpg_graph *graph;
        dcpg_err err = {0};
        assert_int_equal(build(DCPG_PART_DNA, specs[i], 1001, &graph, &err), DCPG_OK);
        dcpg_graph_free(graph);
    }
}

/* The error names the shortest window, which works, while the next shorter one does not. */
static void short_windows(void **state) {
    (void)state;
    static const struct {
        const char *model;
        int64_t shortest;
    } rows[] = {{"CnnL1h128", 15}, {"CnnL2h128", 27},        {"CnnRnn01", 51},
                {"ResNet01", 13},  {"conv[4@11]_fc[3]", 11}, {"conv[4@4,same]_gap", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dcpg_graph *graph;
        dcpg_err err = {0};
        int64_t shortest;
        const char *spec;
        assert_int_equal(dcpg_spec_find(DCPG_PART_DNA, rows[i].model, &spec, &err), DCPG_OK);
        assert_int_equal(dcpg_spec_min_wlen(spec, &shortest, &err), DCPG_OK);
        assert_int_equal(shortest, rows[i].shortest);
        assert_int_equal(build(DCPG_PART_DNA, rows[i].model, shortest, &graph, &err), DCPG_OK);
        dcpg_graph_free(graph);
        if (shortest == 1) continue;
        char text[64];
        snprintf(text, sizeof text, "the shortest that works is %d", (int)shortest);
        assert_int_equal(build(DCPG_PART_DNA, rows[i].model, shortest - 2, &graph, &err), DCPG_E_USAGE);
        assert_non_null(strstr(err.text, text));
    }
    dcpg_graph *graph;
    dcpg_err err = {0};
    assert_int_equal(build(DCPG_PART_DNA, "CnnL1h128", 100, &graph, &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "odd"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_specs),       cmocka_unit_test(unknown_names),
        cmocka_unit_test(names_in_any_case), cmocka_unit_test(published_notation),
        cmocka_unit_test(short_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
