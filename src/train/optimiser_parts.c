/* SPDX-License-Identifier: MIT */
/* Cuts this rank's slices of the trained parameters into parts of one array each. */
#include "base/number.h"
#include "train/optimiser.h"

#include <assert.h>
#include <dcpg/kern.h>
#include <dcpg/memory.h>

/* The parts being listed; `part` NULL: they are only counted. */
typedef struct part_list {
    dcpg_adam_part *part;
    int nb;
} part_list;

static void add(part_list *list, dcpg_adam_part part) {
    if (list->part) list->part[list->nb] = part;
    list->nb++;
}

/* An array stored in one piece, cut at multiples of DCPG_ADAM_PART: between lines. */
static void add_contiguous(part_list *list, const dcpg_param *p, int array, dcpg_range slice, size_t moment) {
    dcpg_range own = dcpg_range_common((dcpg_range){p->offset, p->size}, slice);
    for (size_t at = own.offset, end = own.offset + own.count, next; at < end; at = next) {
        next = min_size(end, (at / DCPG_ADAM_PART + 1) * DCPG_ADAM_PART);
        add(list, (dcpg_adam_part){at, next - at, 1, moment + (at - slice.offset), array, p->l1, p->l2});
    }
}

/* An array whose rows are spread over a wider matrix: column by column. */
static void add_columns(part_list *list, const dcpg_param *p, int array, dcpg_range slice, size_t moment) {
    size_t rows = p->size / p->row, end = slice.offset + slice.count;
    for (size_t column = p->offset; column < p->offset + p->row; column++) {
        size_t first = column < slice.offset ? ceil_div_size(slice.offset - column, p->stride) : 0;
        size_t last = column < end ? min_size(rows, ceil_div_size(end - column, p->stride)) : 0;
        for (size_t row = first, next; row < last; row = next) {
            size_t at = column + row * p->stride;
            next = min_size(last, (row / DCPG_ADAM_PART + 1) * DCPG_ADAM_PART);
            add(list, (dcpg_adam_part){at, next - row, p->stride, moment + (at - slice.offset), array, p->l1,
                                       p->l2});
        }
    }
}

/* Lists the parts of all arrays; returns the number of arrays with a ratio. */
static int list_parts(const dcpg_adam *adam, const dcpg_net *net, part_list *list) {
    int nb_array = 0;
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        if (p->weight.state || !p->trainable) continue;
        int array = adam->kind.lamb && p->weight.ndim >= 2 ? nb_array++ : -1;
        size_t moment = 0;
        for (size_t b = 0; b < dcpg_slices_blocks(&adam->slices); b++) {
            dcpg_range slice = dcpg_slice(&adam->slices, b, adam->slices.place);
            assert(slice.offset % DCPG_LINE == 0);
            (p->row == p->stride ? add_contiguous : add_columns)(list, p, array, slice, moment);
            moment += slice.count;
        }
    }
    return nb_array;
}

dcpg_status dcpg_adam_find_parts(dcpg_adam *adam, const dcpg_net *net, dcpg_err *err) {
    part_list list = {0};
    adam->nb_array = list_parts(adam, net, &list);
    adam->nb_part = list.nb;
    size_t norms = 1 + 2 * (size_t)adam->nb_array;
    adam->part = dcpg_alloc((size_t)list.nb, sizeof *adam->part);
    adam->norm = dcpg_alloc(norms, sizeof *adam->norm);
    if (!adam->part || !adam->norm)
        return dcpg_fail_nomem(err, "the norms of the optimiser",
                               (size_t)list.nb * sizeof *adam->part + norms * sizeof *adam->norm);
    list = (part_list){.part = adam->part};
    list_parts(adam, net, &list);
    return DCPG_OK;
}
