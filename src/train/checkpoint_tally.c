/* SPDX-License-Identifier: MIT */
/* The tally of a checkpoint, whose leaves all ranks have, in rank order: rank 0 writes and reads it piece by
 * piece. */
#include "train/checkpoint_impl.h"

/* The tally in rank 0's file. */
typedef struct place {
    const checkpoint_field *field;
    dcpg_h5 *file;
} place;

static dcpg_h5_block leaves_of(const checkpoint_field *field, int64_t first, int64_t nb) {
    return (dcpg_h5_block){{first}, {nb, field->dim[1], field->dim[2]}};
}

static dcpg_status write_leaves(void *context, int64_t first, int64_t nb, void *sums, dcpg_err *err) {
    const place *to = context;
    dcpg_h5_block block = leaves_of(to->field, first, nb);
    return dcpg_h5_write(to->file, to->field->path, to->field->type, &block, sums, err);
}

static dcpg_status read_leaves(void *context, int64_t first, int64_t nb, void *sums, dcpg_err *err) {
    const place *from = context;
    dcpg_h5_block block = leaves_of(from->field, first, nb);
    return dcpg_h5_read(from->file, from->field->path, from->field->type, &block, sums, err);
}

static dcpg_par_rows rows_of(const trainer *t, const checkpoint_field *field) {
    return (dcpg_par_rows){.mine = t->tally->sum,
                           .nb = t->tally->nb_leaf,
                           .bytes = (size_t)(field->dim[1] * field->dim[2]) * sizeof *t->tally->sum};
}

dcpg_status dcpg_checkpoint_write_tally_all(const trainer *t, const checkpoint_field *field, dcpg_h5 *file,
                                            dcpg_err *err) {
    dcpg_par_rows rows = rows_of(t, field);
    rows.move = write_leaves;
    rows.context = &(place){field, file};
    return dcpg_collect_rows_all(t->par, &rows, err);
}

dcpg_status dcpg_checkpoint_read_tally_all(trainer *t, const checkpoint_field *field, dcpg_h5 *file,
                                           dcpg_err *err) {
    dcpg_par_rows rows = rows_of(t, field);
    rows.move = read_leaves;
    rows.context = &(place){field, file};
    return dcpg_deal_rows_all(t->par, &rows, err);
}
