/* SPDX-License-Identifier: MIT */
/* Small arithmetic of whole numbers that the language lacks. */
#ifndef DCPG_BASE_NUMBER_H
#define DCPG_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

static inline int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

/* a / b rounded up, and a rounded up to a multiple of b; a >= 0, b > 0. */
static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline size_t ceil_div_size(size_t a, size_t b) { return (a + b - 1) / b; }
static inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
static inline size_t round_up_size(size_t a, size_t b) { return ceil_div_size(a, b) * b; }

#endif
