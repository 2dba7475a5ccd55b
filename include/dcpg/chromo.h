/* SPDX-License-Identifier: MIT */
/* Names of chromosomes: the one rule by which a name in one file is matched with those of another.
 *
 *  1. Exactly as written: "chrM" is "chrM", also where there is an "MT".
 *  2. Without a leading "chr" and in upper case: "1" is "chr1", "chrUn_gl000220" is "UN_GL000220".
 *  3. M and MT are the same, as UCSC and Ensembl call the mitochondrion differently.
 *
 * The first rule under which any known name matches decides. If several names match under that rule, the name
 * is ambiguous, and the caller refuses it and lists the candidates. */
#ifndef DCPG_CHROMO_H
#define DCPG_CHROMO_H

#include <dcpg/api.h>
#include <dcpg/map.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

/* "chr1" -> "1", "ChrX" -> "X", "chrM" -> "MT": a name normalised by rules 2 and 3. NULL when out of memory;
 * free with dcpg_free. Local. */
DCPG_API char *dcpg_chromo_name(const char *raw);

/* The first rule under which two names are the same: 1, 2 or 3; 0: they differ, or out of memory. Local. */
DCPG_API int dcpg_chromo_same(const char *a, const char *b);

/* Which of the two names of rule 3 a name is after rule 2 is applied: DCPG_CHROMO_M for "chrM" and "m",
 * DCPG_CHROMO_MT for "MT", 0 for all others. If both occur, only a genome can show whether they are two
 * chromosomes. Pure. */
enum { DCPG_CHROMO_M = 1, DCPG_CHROMO_MT = 2, DCPG_CHROMO_BOTH = 3 };
DCPG_API unsigned dcpg_chromo_mito(const char *raw);

/* DCPG_E_INPUT: "WHERE: holds both M and MT, ...: give the genome". Local. */
DCPG_API dcpg_status dcpg_chromo_fail_both(const char *where, dcpg_err *err);

/* Whether a name is allowed for a chromosome, in every file that is read or written: 1 to DCPG_CHROMO_MAX
 * bytes without blanks and control characters, which would start another column or line of a bedGraph.
 * Readers check names at once, so that nothing is refused after the work is done; DCPG_CHROMO_RULE is the
 * text for messages. The name has at most `width` bytes and may end earlier with a NUL. Local. */
enum { DCPG_CHROMO_MAX = 255 };
#define DCPG_CHROMO_RULE                                                                                     \
    "a chromosome's name has no blanks, line ends and other control characters, and 1 to 255 bytes"
DCPG_API bool dcpg_chromo_fits(const char *name, size_t width);

/* Known names, each with a number; two names may share one. Start with {0}, free with dcpg_chromos_free. */
typedef struct dcpg_chromos {
    dcpg_map by_rule[3];
} dcpg_chromos;

/* Returned by dcpg_chromos_find for unknown names, and for names that match several known ones. */
enum { DCPG_CHROMO_ABSENT = -1, DCPG_CHROMO_UNCLEAR = -2 };

/* Adds a name as it is written in its file, with a number of 0 or more. Local. */
DCPG_API dcpg_status dcpg_chromos_add(dcpg_chromos *known, const char *raw, int64_t number, dcpg_err *err);

/* The number of the known name that `raw` means, or DCPG_CHROMO_ABSENT or DCPG_CHROMO_UNCLEAR. Local. */
DCPG_API int64_t dcpg_chromos_find(const dcpg_chromos *known, const char *raw);

/* DCPG_E_INPUT for an ambiguous name: "WHERE: chromosome RAW may be any of chr1, 1 of HOLDER: ...". Local. */
DCPG_API dcpg_status dcpg_chromos_fail_unclear(const dcpg_chromos *known, const char *where, const char *raw,
                                               const char *holder, dcpg_err *err);

/* Lists some of n names, of which names[given] are the first: "1, 2, 3, ..., (22 more)", at most `size` bytes
 * including the NUL; returns `text`. Local. */
DCPG_API char *dcpg_chromos_some(const char *const *names, size_t given, size_t n, char *text, size_t size);

DCPG_API void dcpg_chromos_free(dcpg_chromos *known);

/* Chooses the store's names for the chromosomes of one genome, called raw[n] in its files: normalised by
 * rules 2 and 3, "1" and "MT"; where several would get the same name, by rule 2 alone, "M" and "MT" for
 * hg19's chrM and chrMT; where these still collide, unchanged, "chr1" and "1". Appends to `names`.
 * DCPG_E_INPUT if two names are the same even then. Local. */
DCPG_API dcpg_status dcpg_chromos_rename(const char *const *raw, size_t n, dcpg_strings *names,
                                         dcpg_err *err);

DCPG_END_C

#endif
