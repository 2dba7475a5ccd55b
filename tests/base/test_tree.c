/* SPDX-License-Identifier: MIT */
/* The summation tree, for every V up to 40 and every range of leaves: nodes tile it, and cutting the leaves
 * over ranks changes no bits. */
#include "cmocka_all.h"
#include <dcpg/rng.h>
#include <dcpg/tree.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = 40, COUNT = 3 };

/* The definition of tree.h once more, in the plainest way: the left child has the largest power of two below
 * the number of leaves. */
static void add_all(int first, int end, const float leaf[][COUNT], float out[COUNT]) {
    if (end - first == 1) {
        memcpy(out, leaf[first], COUNT * sizeof *out);
        return;
    }
    int half = 1;
    while (2 * half < end - first) half *= 2;
    float right[COUNT];
    add_all(first, first + half, leaf, out);
    add_all(first + half, end, leaf, right);
    for (int i = 0; i < COUNT; i++) out[i] += right[i];
}

static bool in_tree(int total, dcpg_node wanted) {
    dcpg_node node = {0, total};
    while (node.first != wanted.first || node.end != wanted.end) {
        if (node.end - node.first == 1) return false;
        int middle = dcpg_tree_split(node);
        if (wanted.first < middle)
            node.end = middle;
        else
            node.first = middle;
        if (wanted.first < node.first || wanted.end > node.end) return false;
    }
    return true;
}

/* Two neighbours in a list of maximal nodes are never the two children of one node. */
static bool are_siblings(int total, dcpg_node left, dcpg_node right) {
    dcpg_node both = {left.first, right.end};
    return in_tree(total, both) && dcpg_tree_split(both) == right.first;
}

static void nodes_tile_every_run(void **state) {
    (void)state;
    dcpg_node nodes[DCPG_MAX_NODES];
    for (int total = 1; total <= MOST; total++) {
        for (int first = 0; first <= total; first++) {
            assert_int_equal(dcpg_tree_nodes(total, first, first, nodes), 0);
            for (int end = first + 1; end <= total; end++) {
                int nb = dcpg_tree_nodes(total, first, end, nodes);
                assert_int_equal(nodes[0].first, first);
                assert_int_equal(nodes[nb - 1].end, end);
                for (int i = 0; i < nb; i++) {
                    assert_true(in_tree(total, nodes[i]));
                    if (i > 0) assert_int_equal(nodes[i - 1].end, nodes[i].first);
                    if (i > 0) assert_false(are_siblings(total, nodes[i - 1], nodes[i]));
                }
            }
        }
        assert_int_equal(dcpg_tree_nodes(total, 0, total, nodes), 1);
    }
    assert_in_range(dcpg_tree_nodes(INT32_MAX, 1, INT32_MAX - 1, nodes), 1, DCPG_MAX_NODES);
}

static float leaves[MOST][COUNT];

static void leaf_sum(void *context, int leaf, float *out) {
    int *next = context;
    assert_int_equal(leaf, (*next)++); /* left to right, each once */
    memcpy(out, leaves[leaf], sizeof leaves[leaf]);
}

static void leaf_sum64(void *context, int leaf, double *out) {
    (void)context;
    for (int i = 0; i < COUNT; i++) out[i] = leaves[leaf][i];
}

static void random_leaves(uint64_t stream) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, 11, stream);
    for (int v = 0; v < MOST; v++) {
        for (int i = 0; i < COUNT; i++) leaves[v][i] = (float)(dcpg_rng_normal(&rng) * 1000);
    }
}

/* Sums of leaves [first, end) over maximal nodes, appended to the lists. */
static int sum_run(int total, int first, int end, dcpg_node *nodes, float (*sums)[COUNT]) {
    int nb = dcpg_tree_nodes(total, first, end, nodes);
    for (int i = 0; i < nb; i++) {
        float scratch[8 * COUNT];
        int next = nodes[i].first, depth = dcpg_tree_depth(nodes[i]);
        assert_in_range(depth, 0, 6);
        for (int k = 0; k < 8 * COUNT; k++) scratch[k] = 12345;
        dcpg_tree_sum(nodes[i], COUNT, leaf_sum, &next, sums[i], scratch);
        assert_int_equal(next, nodes[i].end);
        for (int k = depth * COUNT; k < 8 * COUNT; k++)
            assert_true(scratch[k] == 12345); /* no more scratch is used than was asked for */
    }
    return nb;
}

static void assert_merged(int total, int nb, const dcpg_node *nodes, float (*sums)[COUNT],
                          const float *single) {
    float *part[2 * MOST];
    for (int i = 0; i < nb; i++) part[i] = sums[i];
    dcpg_tree_merge(total, nb, nodes, part, COUNT);
    assert_memory_equal(part[0], single, COUNT * sizeof *single);
}

/* Cuts [0, V) into up to three ranges in every way, and into V / k equal ones. */
static void ranks_do_not_change_bits(void **state) {
    (void)state;
    static float sums[4 * MOST][COUNT];
    dcpg_node nodes[8 * DCPG_MAX_NODES];
    for (int total = 1; total <= MOST; total++) {
        random_leaves((uint64_t)total);
        float single[COUNT];
        add_all(0, total, (const float(*)[COUNT])leaves, single);
        for (int a = 0; a <= total; a++) {
            for (int b = a; b <= total; b++) {
                int nb = sum_run(total, 0, a, nodes, sums);
                nb += sum_run(total, a, b, nodes + nb, sums + nb);
                nb += sum_run(total, b, total, nodes + nb, sums + nb);
                assert_merged(total, nb, nodes, sums, single);
            }
        }
        for (int ranks = 1; ranks <= total; ranks++) {
            int nb = 0;
            for (int r = 0; r < ranks; r++)
                nb += sum_run(total, r * total / ranks, (r + 1) * total / ranks, nodes + nb, sums + nb);
            assert_merged(total, nb, nodes, sums, single);
        }
    }
}

static void doubles_follow_the_same_tree(void **state) {
    (void)state;
    random_leaves(99);
    for (int total = 1; total <= MOST; total++) {
        double out[COUNT], scratch[8 * COUNT], parts[MOST][COUNT], *part[MOST];
        dcpg_node nodes[MOST];
        dcpg_tree_sum64((dcpg_node){0, total}, COUNT, leaf_sum64, NULL, out, scratch);
        for (int v = 0; v < total; v++) {
            nodes[v] = (dcpg_node){v, v + 1};
            part[v] = parts[v];
            leaf_sum64(NULL, v, part[v]);
        }
        dcpg_tree_merge64(total, total, nodes, part, COUNT);
        assert_memory_equal(part[0], out, sizeof out);
    }
}

static void fill_leaf(void *context, int leaf, float *out) {
    size_t count = *(size_t *)context;
    for (size_t i = 0; i < count; i++) out[i] = (float)leaf + 1 / (float)(i % 1000 + 1);
}

/* Long arrays are added by several threads. */
static void long_arrays(void **state) {
    (void)state;
    static float out[300001], scratch[3 * 300001];
    size_t count = 300001, one = 1000;
    dcpg_node node = {0, 5};
    dcpg_tree_sum(node, count, fill_leaf, &count, out, scratch);
    float expected[1000], little[3000];
    dcpg_tree_sum(node, one, fill_leaf, &one, expected, little);
    for (size_t i = 0; i < count; i++) assert_true(out[i] == expected[i % 1000]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_tile_every_run),
        cmocka_unit_test(ranks_do_not_change_bits),
        cmocka_unit_test(doubles_follow_the_same_tree),
        cmocka_unit_test(long_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
