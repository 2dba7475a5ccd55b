/* SPDX-License-Identifier: MIT */
/* The tree's sums for one element type. tree.c includes this file once per type, having defined
 *   REAL        the element type
 *   TYPED(name) the name of a function for it
 *   LEAF_FN     the type of a leaf function for it
 *   ROUND(x)    rounding of every leaf's sum and of every sum of two nodes
 *   ROUNDS      whether ROUND changes anything. */

/* to[i] += from[i]. Each element takes a single addition, so threads cannot change its bits. */
void TYPED(dcpg_tree_add)(REAL *restrict to, const REAL *restrict from, size_t count) {
#pragma omp parallel for simd if (count >= THREADED_FROM)
    for (size_t i = 0; i < count; i++) to[i] = ROUND(to[i] + from[i]);
}

void TYPED(dcpg_tree_sum)(dcpg_node node, size_t count, LEAF_FN *leaf, void *context, REAL *out,
                          REAL *scratch) {
    if (node.end - node.first == 1) {
        leaf(context, node.first, out);
        for (size_t i = 0; ROUNDS && i < count; i++) out[i] = ROUND(out[i]);
        return;
    }
    int middle = dcpg_tree_split(node);
    TYPED(dcpg_tree_sum)((dcpg_node){node.first, middle}, count, leaf, context, out, scratch);
    TYPED(dcpg_tree_sum)((dcpg_node){middle, node.end}, count, leaf, context, scratch, scratch + count);
    TYPED(dcpg_tree_add)(out, scratch, count);
}

/* Sums the parts that tile `node` into the leftmost of them, which is `**next` and `**part`; moves both past
 * the parts. */
static void TYPED(merge)(dcpg_node node, const dcpg_node **next, REAL ***part, size_t count) {
    if ((*next)->first == node.first && (*next)->end == node.end) {
        ++*next;
        ++*part;
        return;
    }
    REAL *left = **part;
    int middle = dcpg_tree_split(node);
    TYPED(merge)((dcpg_node){node.first, middle}, next, part, count);
    const REAL *right = **part;
    TYPED(merge)((dcpg_node){middle, node.end}, next, part, count);
    TYPED(dcpg_tree_add)(left, right, count);
}

void TYPED(dcpg_tree_merge)(int total, int nb, const dcpg_node *nodes, REAL **part, size_t count) {
    assert(nb > 0 && nodes[0].first == 0 && nodes[nb - 1].end == total);
    const dcpg_node *next = nodes;
    TYPED(merge)((dcpg_node){0, total}, &next, &part, count);
    assert(next == nodes + nb);
}
