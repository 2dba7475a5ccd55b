/* SPDX-License-Identifier: MIT */
/* Reading FASTA with another limit than that of the store. */
#ifndef DCPG_GENOME_FASTA_H
#define DCPG_GENOME_FASTA_H

#include <dcpg/genome.h>

/* dcpg_fasta_read_odd that refuses sequences of more than `max_length` bases at the line. Local. */
dcpg_status dcpg_fasta_read_within(const char *path, int64_t max_length, dcpg_sequence_fn *each,
                                   void *context, unsigned *odd, dcpg_err *err);

#endif
