/* SPDX-License-Identifier: MIT */
/* Inputs of DeepCpG data files in memory: blocks of rows of a file, read on demand; the most recently used
 * ones are kept. Private. */
#ifndef DCPG_DEEPCPG_DEEPCPG_BLOCKS_H
#define DCPG_DEEPCPG_DEEPCPG_BLOCKS_H

#include <dcpg/deepcpg.h>
#include <dcpg/h5.h>

/* Rows [first, first + n) of a file, ready for use: missing neighbours have the state and the distance that a
 * model expects. */
typedef struct dcpg_deepcpg_block {
    int64_t first, n;
    int64_t used;  /* the last round that asked for it */
    uint8_t *dna;  /* [n][dna_wlen] */
    int8_t *state; /* [binary cells][n][cpg_wlen] */
    float *real;   /* [other cells][n][cpg_wlen] */
    float *dist;   /* [cells][n][cpg_wlen] min(d, 25000) / 25000 */
} dcpg_deepcpg_block;

typedef struct dcpg_deepcpg_blocks {
    const dcpg_deepcpg *set;
    const dcpg_source *source; /* cells and windows wanted */
    bool *real;                /* [cells] */
    int64_t *place;            /* [cells] index among the binary cells, or among the others */
    int64_t nb_real;
    int64_t rows;               /* of a block; the last block of a file may have fewer */
    int64_t *nb_row;            /* [files] */
    int64_t *first;             /* [files + 1] number of the first block of each file */
    dcpg_deepcpg_block **block; /* [blocks] NULL: not in memory */
    int64_t bytes, max_bytes;   /* held, and the most that may be held */
    int64_t round;
    dcpg_h5 *file; /* the file read last, kept open */
    int64_t file_index;
} dcpg_deepcpg_blocks;

/* Sets up the blocks; reads nothing yet. `source` names cells and windows, and must outlive the blocks.
 * Local, as are all functions below. */
dcpg_status dcpg_deepcpg_blocks_open(const dcpg_deepcpg *set, const dcpg_source *source,
                                     dcpg_deepcpg_blocks *blocks, dcpg_err *err);
void dcpg_deepcpg_blocks_close(dcpg_deepcpg_blocks *blocks);

/* Frees all blocks and closes the file. */
void dcpg_deepcpg_blocks_drop(dcpg_deepcpg_blocks *blocks);

/* The number of the block that holds a row, and a block's size in bytes. */
int64_t dcpg_deepcpg_block_of(const dcpg_deepcpg_blocks *blocks, int64_t file, int64_t row);
int64_t dcpg_deepcpg_block_bytes(const dcpg_deepcpg_blocks *blocks, int64_t file, int64_t block);

/* Brings a block into memory and keeps it until the next round. `*fits` false: another block of this round
 * would have to go, so nothing was done. The first block of a round always fits. */
dcpg_status dcpg_deepcpg_block_hold(dcpg_deepcpg_blocks *blocks, int64_t file, int64_t block, bool *fits,
                                    dcpg_err *err);

/* Opens a file as blocks->file, unless it is open already. */
dcpg_status dcpg_deepcpg_open_file(dcpg_deepcpg_blocks *blocks, int64_t file, dcpg_err *err);

#endif
