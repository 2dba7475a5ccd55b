/* SPDX-License-Identifier: MIT */
/* Packs the bases of a chromosome that came from elsewhere than a FASTA file. */
#ifndef DCPG_GENOME_SEQUENCE_PACK_H
#define DCPG_GENOME_SEQUENCE_PACK_H

#include <dcpg/genome.h>

/* Codes from here on are unknown bases: N. */
enum { DCPG_UNKNOWN_BASE = 4 };

/* Packs code[length] (0 to 3, others: N). `sequence` owns what it holds; its name is left alone. Local. */
dcpg_status dcpg_sequence_pack(const uint8_t *code, int64_t length, dcpg_sequence *sequence, dcpg_err *err);

#endif
