/* model.json: what the reference programs wrote is read, and written again as they write it; other things are
 * refused with a word on where and why. */
#include <cmocka_all.h>

#include <dcpg/file.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Text of a file of the shared folder; skips the test where it is not there. */
static char *shared_text(const char *name) {
    const char *shared = getenv("DCPG_SHARED");
    char *path = dcpg_format("%s/oracle/%s", shared ? shared : "../shared", name), *text = NULL;
    dcpg_err err = {0};
    if (!dcpg_file_exists(path)) {
        print_message("%s is not there: skipped\n", path);
        dcpg_free(path);
        skip();
    }
    assert_int_equal(dcpg_file_read(path, (size_t)1 << 24, &text, &err), DCPG_OK);
    dcpg_free(path);
    return text;
}

static dcpg_graph *parse(const char *json) {
    dcpg_graph *graph = NULL;
    dcpg_err err = {0};
    if (dcpg_keras_parse(json, "model.json", &graph, &err) != DCPG_OK) fail_msg("%s", err.text);
    return graph;
}

/* ---- there and back ---- */

static bool same(const json_t *a, const json_t *b, const char *at);

static bool same_object(const json_t *a, const json_t *b, const char *at) {
    const char *key;
    json_t *value;
    bool all = json_object_size(a) == json_object_size(b);
    json_object_foreach((json_t *)a, key, value) {
        const json_t *other = json_object_get(b, key);
        if (!other) print_message("%s: %s is missing\n", at, key);
        all = all && other && same(value, other, key);
    }
    return all;
}

static bool same(const json_t *a, const json_t *b, const char *at) {
    bool all = true;
    if (json_is_number(a) && json_is_number(b))
        all = fabs(json_number_value(a) - json_number_value(b)) < 1e-12;
    else if (json_is_object(a) && json_is_object(b))
        return same_object(a, b, at);
    else if (json_is_array(a) && json_array_size(a) == json_array_size(b)) {
        for (size_t i = 0; i < json_array_size(a); i++)
            all = same(json_array_get(a, i), json_array_get(b, i), at) && all;
        return all;
    } else
        all = json_equal(a, b);
    if (!all) print_message("%s differs\n", at);
    return all;
}

/* What was read from Keras's text and written again holds the same keys and values, and is the same text when
 * read and written once more. */
static void check_there_and_back(const char *name) {
    char *theirs = shared_text(name);
    dcpg_graph *graph = parse(theirs);
    char *ours = dcpg_keras_json(graph);
    json_t *a = json_loads(theirs, 0, NULL), *b = json_loads(ours, 0, NULL);
    json_object_del(a, "backend");
    json_object_del(b, "backend");
    json_object_del(a, "keras_version");
    json_object_del(b, "keras_version");
    if (!same(a, b, name)) fail_msg("%s: not the same", name);
    dcpg_graph *again = parse(ours);
    char *twice = dcpg_keras_json(again);
    assert_string_equal(ours, twice);
    json_decref(a);
    json_decref(b);
    dcpg_graph_free(graph);
    dcpg_graph_free(again);
    dcpg_free(theirs);
    dcpg_free(ours);
    dcpg_free(twice);
}

static void test_reference_program(void **state) {
    static const char *const cases[] = {"cnnl2h128", "rnnl1", "resnet01", "cnnrnn01", "joint"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *name = dcpg_format("deepcpg/%s/model.json", cases[i]);
        check_there_and_back(name);
        dcpg_free(name);
    }
    check_there_and_back("deepcpg_run/model.json");
}

static void test_keras(void **state) {
    static const char *const cases[] = {"CnnL1h128",   "CnnL2h128", "CnnRnn01", "FcAvg",
                                        "JointL1h512", "Outputs",   "RnnL1",    "RnnL2"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *name = dcpg_format("keras/%s.json", cases[i]);
        check_there_and_back(name);
        dcpg_free(name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference_program),
                                       cmocka_unit_test(test_keras)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
