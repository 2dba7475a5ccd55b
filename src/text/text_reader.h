/* SPDX-License-Identifier: MIT */
/* Text files, plain, gzip or bgzip alike, read in big blocks. Shared by all readers of text formats. */
#ifndef DCPG_TEXT_TEXT_READER_H
#define DCPG_TEXT_TEXT_READER_H

#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dcpg_text_reader dcpg_text_reader;

/* Opens `path`; a byte order mark is skipped. DCPG_E_INPUT where it cannot be read, or is a file of another
 * kind (compressed otherwise, an archive, a binary format, a page of HTML), which the message names with what
 * converts it. Close with dcpg_text_close. Local. */
dcpg_status dcpg_text_open(const char *path, dcpg_text_reader **reader, dcpg_err *err);

/* The same for tables: FASTA, FASTQ, SAM, wiggle and GFF are refused and named, too. Local. */
dcpg_status dcpg_text_open_table(const char *path, dcpg_text_reader **reader, dcpg_err *err);
void dcpg_text_close(dcpg_text_reader *reader); /* NULL is fine */

/* The next line without its end (LF, CRLF or CR), NUL-terminated; `*line` is NULL after the last. It may be
 * changed, and is valid until the next call. DCPG_E_INPUT: a broken gzip stream, a NUL byte, a line of more
 * than 1 MB. Local. */
dcpg_status dcpg_text_line(dcpg_text_reader *reader, char **line, dcpg_err *err);

/* A piece of a line: [text, text + length) without the LF. */
typedef struct dcpg_text_piece {
    const char *text; /* NULL after the last piece */
    size_t length;
    bool first; /* the line starts here */
} dcpg_text_piece;

/* The next piece, for lines of any length: a line comes as one piece or several. Not to be mixed with
 * dcpg_text_line. Local. */
dcpg_status dcpg_text_next(dcpg_text_reader *reader, dcpg_text_piece *piece, dcpg_err *err);

const char *dcpg_text_path(const dcpg_text_reader *reader);
int64_t dcpg_text_line_number(const dcpg_text_reader *reader); /* of what was returned last, from 1 */

/* What was odd about the compression but read as `gzip -dc` reads it: bits of DCPG_ODD_... (dcpg/profile.h);
 * 0: nothing. Complete once the last line was returned. Local. */
unsigned dcpg_text_odd(const dcpg_text_reader *reader);

#endif
