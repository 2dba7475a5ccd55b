/* SPDX-License-Identifier: MIT */
/* A program of somebody else: sums the doubles 1 .. 4 as leaves of a tree. */
#include <dcpg/tree.h>
#include <stdio.h>

static void leaf(void *context, int i, double *out) {
    (void)context;
    *out = i + 1;
}

int main(void) {
    dcpg_node all = {0, 4};
    double sum, scratch[8];
    dcpg_tree_sum64(all, 1, leaf, NULL, &sum, scratch);
    printf("%g\n", sum);
    return sum != 10;
}
