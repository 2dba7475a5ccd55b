/* SPDX-License-Identifier: MIT */
/* CRC32C (Castagnoli), the checksum of TensorBoard's files and of dcpg's: detects every flipped bit, and
 * every burst of errors of up to 32 bits. */
#ifndef DCPG_CRC_H
#define DCPG_CRC_H

#include <dcpg/api.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* The checksum of `bytes` bytes; `crc` is the checksum of the bytes before them, 0 at the beginning. Pure. */
DCPG_API uint32_t dcpg_crc32c(uint32_t crc, const void *data, size_t bytes);

DCPG_END_C

#endif
