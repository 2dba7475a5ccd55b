/* SPDX-License-Identifier: MIT */
/* What a file is that is no table of text, told by its first bytes, and what converts it. */
#ifndef DCPG_TEXT_FILE_KIND_H
#define DCPG_TEXT_FILE_KIND_H

#include <dcpg/status.h>
#include <stddef.h>

/* So many bytes are looked at. */
enum { DCPG_KIND_BYTES = 512 };

typedef struct dcpg_file_kind {
    const char *name;   /* behind "is " */
    const char *remedy; /* what to do, behind a colon */
} dcpg_file_kind;

/* The kind of a file that no text reader reads; NULL where it may be text. bytes[n] are its first ones,
 * decompressed where it is gzip. Local. */
const dcpg_file_kind *dcpg_file_kind_of(const char *bytes, size_t n);

/* The same for text that is no table of a value per line: FASTA, FASTQ, SAM, wiggle, GFF. NULL: none of them.
 * Local. */
const dcpg_file_kind *dcpg_text_kind_of(const char *bytes, size_t n);

#endif
