/* SPDX-License-Identifier: MIT */
/* Recognises, by its first bytes, a file that is not a table of text, and says what converts it. */
#ifndef DCPG_TEXT_FILE_KIND_H
#define DCPG_TEXT_FILE_KIND_H

#include <dcpg/status.h>
#include <stddef.h>

/* Number of first bytes that are looked at. */
enum { DCPG_KIND_BYTES = 512 };

typedef struct dcpg_file_kind {
    const char *name;   /* follows "is " in a message */
    const char *remedy; /* what to do; follows a colon */
} dcpg_file_kind;

/* The kind of a file that is not text; NULL if it may be text. bytes[n]: its first bytes, decompressed if the
 * file is gzip. Local. */
const dcpg_file_kind *dcpg_file_kind_of(const char *bytes, size_t n);

/* The same for text that is not a table with one value per line: FASTA, FASTQ, SAM, wiggle, GFF, and
 * Bismark's calls of single reads; NULL for any other text. Local. */
const dcpg_file_kind *dcpg_text_kind_of(const char *bytes, size_t n);

#endif
