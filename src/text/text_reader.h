/* SPDX-License-Identifier: MIT */
/* Reading text files, whether plain, gzip or bgzip, in large blocks. Used by all readers of text formats. */
#ifndef DCPG_TEXT_TEXT_READER_H
#define DCPG_TEXT_TEXT_READER_H

#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dcpg_text_reader dcpg_text_reader;

/* Opens `path`; a byte order mark is skipped. DCPG_E_INPUT if it cannot be read or is not text (compressed in
 * another way, an archive, a binary format, an HTML page); the message names its kind and what converts it.
 * Close with dcpg_text_close. Local. */
dcpg_status dcpg_text_open(const char *path, dcpg_text_reader **reader, dcpg_err *err);

/* The same for tables: FASTA, FASTQ, SAM, wiggle, GFF, and Bismark's calls of single reads are refused and
 * named, too. Local. */
dcpg_status dcpg_text_open_table(const char *path, dcpg_text_reader **reader, dcpg_err *err);
void dcpg_text_close(dcpg_text_reader *reader); /* NULL is fine */

/* Sets `*line` to the next line, NUL-terminated and without its end (LF, CRLF or CR), or to NULL after the
 * last line. The caller may change the line, which is valid until the next call. DCPG_E_INPUT: a broken gzip
 * stream, a NUL byte, a line of more than 1 MB. Local. */
dcpg_status dcpg_text_line(dcpg_text_reader *reader, char **line, dcpg_err *err);

/* A piece of a line: [text, text + length) without the LF. */
typedef struct dcpg_text_piece {
    const char *text; /* NULL after the last piece */
    size_t length;
    bool first; /* the piece starts its line */
} dcpg_text_piece;

/* The next piece, for lines of any length: a line comes in one piece or several. Not to be mixed with
 * dcpg_text_line. Local. */
dcpg_status dcpg_text_next(dcpg_text_reader *reader, dcpg_text_piece *piece, dcpg_err *err);

const char *dcpg_text_path(const dcpg_text_reader *reader);
int64_t dcpg_text_line_number(const dcpg_text_reader *reader); /* of the last line or piece, from 1 */

/* What was odd about the compression, though `gzip -dc` reads it: bits DCPG_ODD_... of dcpg/compression.h, 0
 * if nothing. Complete once the last line has been returned. Local. */
unsigned dcpg_text_odd(const dcpg_text_reader *reader);

#endif
