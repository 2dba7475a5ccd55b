/* SPDX-License-Identifier: MIT */
/* The summation tree: its shape, and sums over it that do not depend on ranks or threads. */
#include <assert.h>
#include <dcpg/bf16.h>
#include <dcpg/tree.h>
#include <stdbool.h>

/* Shorter arrays are added faster than threads can start. */
enum { THREADED_FROM = 1 << 16 };

int dcpg_tree_split(dcpg_node node) {
    int nb = node.end - node.first;
    assert(nb > 1);
    int left = 1;
    while (left <= (nb - 1) / 2) left *= 2;
    return node.first + left;
}

static int add_nodes(dcpg_node node, int first, int end, dcpg_node *nodes, int nb) {
    if (node.end <= first || end <= node.first) return nb;
    if (first <= node.first && node.end <= end) {
        assert(nb < DCPG_MAX_NODES);
        nodes[nb] = node;
        return nb + 1;
    }
    int middle = dcpg_tree_split(node);
    nb = add_nodes((dcpg_node){node.first, middle}, first, end, nodes, nb);
    return add_nodes((dcpg_node){middle, node.end}, first, end, nodes, nb);
}

int dcpg_tree_nodes(int total, int first, int end, dcpg_node nodes[DCPG_MAX_NODES]) {
    assert(0 <= first && first <= end && end <= total);
    if (first == end) return 0;
    return add_nodes((dcpg_node){0, total}, first, end, nodes, 0);
}

int dcpg_tree_depth(dcpg_node node) {
    if (node.end - node.first == 1) return 0;
    int middle = dcpg_tree_split(node);
    int left = dcpg_tree_depth((dcpg_node){node.first, middle});
    int right = 1 + dcpg_tree_depth((dcpg_node){
                        middle, node.end}); /* its sum stands in scratch, its own scratch after it */
    return left > right ? left : right;
}

int dcpg_tree_join(dcpg_node wanted, const dcpg_node *node, int *next, dcpg_join_fn *join, void *context) {
    if (node[*next].first == wanted.first && node[*next].end == wanted.end) return (*next)++;
    int middle = dcpg_tree_split(wanted);
    int left = dcpg_tree_join((dcpg_node){wanted.first, middle}, node, next, join, context);
    int right = dcpg_tree_join((dcpg_node){middle, wanted.end}, node, next, join, context);
    return join(context, left, right);
}

#define LEAF_FN     dcpg_leaf_fn
#define REAL        float
#define TYPED(name) name
#define ROUND(x)    (x)
#define ROUNDS      false
#include "base/tree_typed.h"
#undef TYPED
#undef ROUND
#undef ROUNDS

#define TYPED(name) name##_bf16
#define ROUND(x)    dcpg_bf16_round(x)
#define ROUNDS      true
#include "base/tree_typed.h"
#undef LEAF_FN
#undef REAL
#undef TYPED
#undef ROUND
#undef ROUNDS

#define LEAF_FN     dcpg_leaf_fn64
#define REAL        double
#define TYPED(name) name##64
#define ROUND(x)    (x)
#define ROUNDS      false
#include "base/tree_typed.h"
