/* SPDX-License-Identifier: MIT */
/* Packs the bases of a chromosome that was not read from a FASTA file. */
#ifndef DCPG_GENOME_SEQUENCE_PACK_H
#define DCPG_GENOME_SEQUENCE_PACK_H

#include <dcpg/genome.h>

/* This code and larger ones are unknown bases, N. */
enum { DCPG_UNKNOWN_BASE = 4 };

/* Packs code[length] (0 to 3; larger codes are N) into arrays that `sequence` owns; its names are left alone.
 * Local. */
dcpg_status dcpg_sequence_pack(const uint8_t *code, int64_t length, dcpg_sequence *sequence, dcpg_err *err);

#endif
