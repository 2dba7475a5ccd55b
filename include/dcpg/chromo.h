/* SPDX-License-Identifier: MIT */
/* Names of chromosomes: the one rule by which a name in one file is matched with those of another.
 *
 *  1. Exactly as it stands: "chrM" is "chrM", also where there is an "MT".
 *  2. Without a leading "chr" and in upper case: "1" is "chr1", "chrUn_gl000220" is "UN_GL000220".
 *  3. M and MT are the same, as UCSC and Ensembl call the mitochondrion differently.
 *
 * The first rule by which a known name fits decides. Where several fit by it, the name is unclear, and
 * whoever asked refuses it and names them. */
#ifndef DCPG_CHROMO_H
#define DCPG_CHROMO_H

#include <dcpg/api.h>
#include <dcpg/map.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

/* "chr1" -> "1", "ChrX" -> "X", "chrM" -> "MT": what rules 2 and 3 make of a name. NULL when out of memory;
 * dcpg_free. Local. */
DCPG_API char *dcpg_chromo_name(const char *raw);

/* The first rule by which two names are the same: 1, 2 or 3; 0: none, or out of memory. Local. */
DCPG_API int dcpg_chromo_same(const char *a, const char *b);

/* Which of the names of rule 3 a name is, once rule 2 was applied: DCPG_CHROMO_M for "chrM" and "m",
 * DCPG_CHROMO_MT for "MT", 0 for all others. Where both are seen, only a genome tells whether they are two.
 * Pure. */
enum { DCPG_CHROMO_M = 1, DCPG_CHROMO_MT = 2, DCPG_CHROMO_BOTH = 3 };
DCPG_API unsigned dcpg_chromo_mito(const char *raw);

/* DCPG_E_INPUT: "WHERE: holds both M and MT, ...: give the genome". Local. */
DCPG_API dcpg_status dcpg_chromo_fail_both(const char *where, dcpg_err *err);

/* What a chromosome may be called, in every file that is read or written: 1 to DCPG_CHROMO_MAX bytes without
 * blanks and control characters, which would start another column or line of a bedGraph. Whoever reads names
 * asks, so that nothing is refused after the work was done; DCPG_CHROMO_RULE is for messages. `width`: the
 * name ends there, if not before with a NUL. Local. */
enum { DCPG_CHROMO_MAX = 255 };
#define DCPG_CHROMO_RULE                                                                                     \
    "a chromosome's name has no blanks, line ends and other control characters, and 1 to 255 bytes"
DCPG_API bool dcpg_chromo_fits(const char *name, size_t width);

/* Known names, each with a number; two names may have the same. Starts as {0}. */
typedef struct dcpg_chromos {
    dcpg_map by_rule[3];
} dcpg_chromos;

/* What dcpg_chromos_find returns for names that are not known, and for those that may be several. */
enum { DCPG_CHROMO_ABSENT = -1, DCPG_CHROMO_UNCLEAR = -2 };

/* Adds a name as it stands in its file, with a number of 0 or more. Local. */
DCPG_API dcpg_status dcpg_chromos_add(dcpg_chromos *known, const char *raw, int64_t number, dcpg_err *err);

/* The number of the known name that `raw` means, or DCPG_CHROMO_ABSENT or DCPG_CHROMO_UNCLEAR. Local. */
DCPG_API int64_t dcpg_chromos_find(const dcpg_chromos *known, const char *raw);

/* DCPG_E_INPUT for a name that is unclear: "WHERE: chromosome RAW may be any of chr1, 1 of HOLDER: ...".
 * Local.
 */
DCPG_API dcpg_status dcpg_chromos_fail_unclear(const dcpg_chromos *known, const char *where, const char *raw,
                                               const char *holder, dcpg_err *err);

/* Some of n names, of which names[given] are the first: "1, 2, 3, ..., (22 more)", at most `size` bytes with
 * the NUL; returns `text`. Local. */
DCPG_API char *dcpg_chromos_some(const char *const *names, size_t given, size_t n, char *text, size_t size);

DCPG_API void dcpg_chromos_free(dcpg_chromos *known);

/* Names for chromosomes of one genome that are called raw[n] in its files: what rules 2 and 3 make of them,
 * "1" and "MT"; where several would be called the same, what rule 2 makes of them, "M" and "MT" of hg19's
 * chrM and chrMT; where that is not enough, as they stand, "chr1" and "1". Appends to `names`. DCPG_E_INPUT
 * where even so two are the same. Local. */
DCPG_API dcpg_status dcpg_chromos_rename(const char *const *raw, size_t n, dcpg_strings *names,
                                         dcpg_err *err);

DCPG_END_C

#endif
