/* SPDX-License-Identifier: MIT */
/* Inputs of DeepCpG data files in memory: blocks of rows of a file, read when they are asked for, those used
 * last kept. Private. */
#ifndef DCPG_DEEPCPG_DEEPCPG_BLOCKS_H
#define DCPG_DEEPCPG_DEEPCPG_BLOCKS_H

#include <dcpg/deepcpg.h>
#include <dcpg/h5.h>

/* Rows [first, first + n) of a file, ready for use: missing neighbours have the state and the distance that a
 * model reads. */
typedef struct dcpg_deepcpg_block {
    int64_t first, n;
    int64_t used;  /* the round that last asked for it */
    uint8_t *dna;  /* [n][dna_wlen] */
    int8_t *state; /* [binary cells][n][cpg_wlen] */
    float *real;   /* [other cells][n][cpg_wlen] */
    float *dist;   /* [cells][n][cpg_wlen] min(d, 25000) / 25000 */
} dcpg_deepcpg_block;

typedef struct dcpg_deepcpg_blocks {
    const dcpg_deepcpg *set;
    const dcpg_source *source; /* cells and windows wanted */
    bool *real;                /* [cells] */
    int64_t *place;            /* [cells] number among the cells of its kind */
    int64_t nb_real;
    int64_t rows;               /* of a block; the last one of a file may have fewer */
    int64_t *nb_row;            /* [files] */
    int64_t *first;             /* [files + 1] number of the first block of each file */
    dcpg_deepcpg_block **block; /* [blocks] NULL: not in memory */
    int64_t bytes, max_bytes;   /* held; to be held */
    int64_t round;
    dcpg_h5 *file; /* the one read last, kept open */
    int64_t file_index;
} dcpg_deepcpg_blocks;

/* `source` names cells and windows, and must outlive the blocks; nothing is read yet. Local, like all below.
 */
dcpg_status dcpg_deepcpg_blocks_open(const dcpg_deepcpg *set, const dcpg_source *source,
                                     dcpg_deepcpg_blocks *blocks, dcpg_err *err);
void dcpg_deepcpg_blocks_close(dcpg_deepcpg_blocks *blocks);

/* Frees all blocks and closes the file. */
void dcpg_deepcpg_blocks_drop(dcpg_deepcpg_blocks *blocks);

/* Number of the block that holds a row, and the bytes it takes. */
int64_t dcpg_deepcpg_block_of(const dcpg_deepcpg_blocks *blocks, int64_t file, int64_t row);
int64_t dcpg_deepcpg_block_bytes(const dcpg_deepcpg_blocks *blocks, int64_t file, int64_t block);

/* Brings a block into memory and keeps it until the next round. `*room` false: another block of this round
 * would have to go, nothing was done. The first block of a round always finds room. */
dcpg_status dcpg_deepcpg_block_hold(dcpg_deepcpg_blocks *blocks, int64_t file, int64_t block, bool *room,
                                    dcpg_err *err);

/* A dataset of the file kept open, of rows [first, first + n) and columns [column, column + width) (0: it has
 * no columns). */
dcpg_status dcpg_deepcpg_read(dcpg_deepcpg_blocks *blocks, int64_t file, const char *path, dcpg_h5_type type,
                              const dcpg_h5_block *part, void *out, dcpg_err *err);

#endif
