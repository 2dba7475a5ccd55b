/* SPDX-License-Identifier: MIT */
/* Reading FASTA with a limit of length other than the store's. */
#ifndef DCPG_GENOME_FASTA_H
#define DCPG_GENOME_FASTA_H

#include <dcpg/genome.h>

/* As dcpg_fasta_read_odd, but refuses sequences of more than `max_length` bases, naming the line. Local. */
dcpg_status dcpg_fasta_read_within(const char *path, int64_t max_length, dcpg_sequence_fn *each,
                                   void *context, unsigned *odd, dcpg_err *err);

#endif
