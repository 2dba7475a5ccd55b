/* SPDX-License-Identifier: MIT */
/* The summation tree: why results do not depend on the number of ranks or threads.
 *
 * A batch is cut into V leaves (virtual ranks). Every sum over samples is formed per leaf and merged in one
 * fixed binary tree over the leaves, pairs first: the node [first, end) with more than one leaf is left +
 * right, where left holds the largest power of two of leaves that is smaller than end - first. A rank owns a
 * run of leaves; it computes the sums of the maximal nodes inside its run, and ranks exchange those.
 * Floating-point addition commutes but does not associate, so fixing the tree fixes the bits. */
#ifndef DCPG_TREE_H
#define DCPG_TREE_H

#include <dcpg/api.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* A node of the tree: leaves [first, end). */
typedef struct dcpg_node {
    int first, end;
} dcpg_node;

/* More nodes than a run of leaves can need: two per level of a 2^31 tree. */
enum { DCPG_MAX_NODES = 64 };

/* A rank's part of a batch as the tree sees it. Its samples are ordered by leaf. */
typedef struct dcpg_leaves {
    int total;          /* V: leaves over all ranks */
    int first, end;     /* leaves of this rank */
    const int64_t *row; /* [end - first + 1] leaf first + i holds rows row[i] .. row[i+1]-1 of the part,
                           counted from row[0], which is 0 unless the leaves are part of a longer run */
} dcpg_leaves;

/* First leaf of the right child of `node`, which must hold more than one leaf. */
DCPG_API int dcpg_tree_split(dcpg_node node);

/* The maximal nodes that tile leaves [first, end) of a tree over `total` leaves, left to right; returns their
 * number (0 if first == end). Pure. */
DCPG_API int dcpg_tree_nodes(int total, int first, int end, dcpg_node nodes[DCPG_MAX_NODES]);

/* Arrays of `count` floats (or doubles) that a node's sum needs as scratch: depth(node) * count. */
DCPG_API int dcpg_tree_depth(dcpg_node node);

/* Computes the partial sum of leaf `leaf` into out[count] (overwrites). */
typedef void dcpg_leaf_fn(void *context, int leaf, float *out);
typedef void dcpg_leaf_fn64(void *context, int leaf, double *out);

/* out[count] = sum of `node`; scratch holds dcpg_tree_depth(node) * count values. Merging adds are threaded
 * for long arrays. */
DCPG_API void dcpg_tree_sum(dcpg_node node, size_t count, dcpg_leaf_fn *leaf, void *context, float *out,
                            float *scratch);
DCPG_API void dcpg_tree_sum64(dcpg_node node, size_t count, dcpg_leaf_fn64 *leaf, void *context, double *out,
                              double *scratch);

/* As dcpg_tree_sum, with every leaf's sum and every merged sum rounded to bfloat16 (bf16.h), so that sums of
 * nodes fit into half the bytes: like the tree itself, the rounding does not depend on the number of
 * ranks. */
DCPG_API void dcpg_tree_sum_bf16(dcpg_node node, size_t count, dcpg_leaf_fn *leaf, void *context, float *out,
                                 float *scratch);

/* Merges the sum of a right node into that of its left sibling: to[i] += from[i]. */
DCPG_API void dcpg_tree_add(float *to, const float *from, size_t count);
DCPG_API void dcpg_tree_add_bf16(float *to, const float *from, size_t count);
DCPG_API void dcpg_tree_add64(double *to, const double *from, size_t count);

/* Merges the sums of `nb` nodes that tile [0, total) left to right, sum i in part[i][count], in the order of
 * the tree; the total ends in part[0]. The other sums are destroyed. */
DCPG_API void dcpg_tree_merge(int total, int nb, const dcpg_node *nodes, float **part, size_t count);
DCPG_API void dcpg_tree_merge_bf16(int total, int nb, const dcpg_node *nodes, float **part, size_t count);
DCPG_API void dcpg_tree_merge64(int total, int nb, const dcpg_node *nodes, double **part, size_t count);

/* What merges the sums of two sibling nodes: left + right, sums number `left` and `right` of those that the
 * caller keeps; returns which of both numbers holds the sum from now on. */
typedef int dcpg_join_fn(void *context, int left, int right);

/* Merges the sums of the nodes node[*next], node[*next + 1] ... that tile `wanted`, in the order of the tree,
 * by calls of `join`; moves *next past them. Returns the number of the sum that holds the total. */
DCPG_API int dcpg_tree_join(dcpg_node wanted, const dcpg_node *node, int *next, dcpg_join_fn *join,
                            void *context);

DCPG_END_C

#endif
