/* SPDX-License-Identifier: MIT */
/* Oddities of compressed files that gzip reads without complaint but that the user should know of. */
#ifndef DCPG_COMPRESSION_H
#define DCPG_COMPRESSION_H

#include <dcpg/api.h>

DCPG_BEGIN_C
/* Oddities, as bits of a set. */
enum {
    DCPG_ODD_NO_END = 1,   /* bgzip blocks without the end marker: the file may have been cut between two */
    DCPG_ODD_ZEROS = 2,    /* zero bytes after the end, or between two streams */
    DCPG_ODD_TRAILING = 4, /* other bytes after the end, passed over */
    DCPG_ODD_RAZF = 8      /* razip of old samtools, whose index follows the data: passed over */
};
enum { DCPG_NB_ODD = 4 };

/* Describes bit 1 << i of the set, as the end of a sentence about a file; NULL beyond the last bit. Pure. */
DCPG_API const char *dcpg_odd_text(int i);

DCPG_END_C

#endif
