/* SPDX-License-Identifier: MIT */
/* Genomes: sequences as FASTA files hold them, packed, and the map of their CGs. Local to a rank. */
#ifndef DCPG_GENOME_H
#define DCPG_GENOME_H

#include <dcpg/api.h>
#include <dcpg/chromo.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* ---- sequences ---- */

/* A run of bases that are not A, C, G or T: [start, end), 0-based. */
typedef struct dcpg_run_n {
    int64_t start, end;
} dcpg_run_n;

/* A chromosome packed: 2 bits per base (A 0, T 1, G 2, C 3; base i in bits 2(i%4) of byte i/4; other letters
 * 0), and the runs of the others. */
typedef struct dcpg_sequence {
    char *chromo;    /* normalised name */
    char *raw;       /* name as written in the file; NULL: `chromo` is the name */
    int64_t length;  /* bases */
    uint8_t *packed; /* [(length + 3) / 4] */
    int64_t nb_run, run_capacity;
    dcpg_run_n *run; /* sorted, not adjacent */
    char md5[33];    /* of the upper-case sequence: SAM's M5 tag */
} dcpg_sequence;

/* The most bases of a sequence, and the largest position. */
#define DCPG_MAX_LENGTH INT64_C(2147483646)

/* Base code of position pos (1-based): 0..3, 4 for N and outside the chromosome. Local. */
DCPG_API int dcpg_base_at(const dcpg_sequence *sequence, int64_t pos);

/* Fills bits[(length + 63) / 64] for dcpg_cg_chromo. Local. */
DCPG_API void dcpg_cg_bits(const dcpg_sequence *sequence, uint64_t *bits);

typedef dcpg_status dcpg_sequence_fn(void *context, dcpg_sequence *sequence, dcpg_err *err);

/* Reads a FASTA file (plain, gzip, bgzip; one sequence or many) and passes each sequence to `each`, which may
 * take ownership by zeroing the struct. The name is the first word of the header line, whatever the file is
 * called. Letters for several bases (IUPAC) and X count as N. Lines end with LF, CRLF or CR. DCPG_E_INPUT
 * with file and line: no '>' at the start, a letter that is not a base, a '>' within a line, a sequence
 * without bases or name, or of more than DCPG_MAX_LENGTH bases, a name twice in one file, no sequence, a
 * truncated gzip stream. After an error, the sequences passed to `each` so far may not be the whole genome.
 * Local. */
DCPG_API dcpg_status dcpg_fasta_read(const char *path, dcpg_sequence_fn *each, void *context, dcpg_err *err);

/* As dcpg_fasta_read; `*odd` also receives oddities of the file's compression, as bits (dcpg_odd_text).
 * Local. */
DCPG_API dcpg_status dcpg_fasta_read_odd(const char *path, dcpg_sequence_fn *each, void *context,
                                         unsigned *odd, dcpg_err *err);
DCPG_API void dcpg_sequence_free(dcpg_sequence *sequence);

/* Expands words that are directories to the FASTA files inside (*.fa, *.fasta, *.fna, *.fas, each also with
 * .gz or .bgz, in upper or lower case), sorted; other words are taken as files. `notes` (may be NULL)
 * receives a line for each directory that also holds sequence files of another format, which are ignored.
 * DCPG_E_INPUT: a path does not exist, or a directory holds no FASTA file. Local. */
DCPG_API dcpg_status dcpg_fasta_list(const dcpg_strings *words, dcpg_strings *files, dcpg_strings *notes,
                                     dcpg_err *err);

/* ---- the genome's CpGs ---- */

/* Positions of CG in a chromosome: one bit per base, set for a C followed by a G. */
typedef struct dcpg_cg_chromo {
    const char *name;     /* its name in the store: dcpg_chromos_rename */
    int64_t length;       /* bases */
    const uint64_t *bits; /* [(length + 63) / 64] base i (from 0) is bit i % 64 of word i / 64 */
} dcpg_cg_chromo;

typedef struct dcpg_cg_map {
    int64_t n;
    const dcpg_cg_chromo *chromo; /* [n] in bytewise order of their names */
    const dcpg_chromos
        *names; /* names that files may use for them: numbers are indices into chromo[]; n and above:
                   chromosomes that are not wanted. NULL: normalised names are the names */
} dcpg_cg_map;

/* Runs of N in the chromosomes of a map: run[first[i], first[i + 1]) in chromo[i], sorted. */
typedef struct dcpg_genome_runs {
    const int64_t *first; /* [n + 1] */
    const dcpg_run_n *run;
} dcpg_genome_runs;

/* The chromosome of exactly this name, or NULL. Local. */
DCPG_API const dcpg_cg_chromo *dcpg_cg_find(const dcpg_cg_map *map, const char *name);

/* The index in map->chromo of the chromosome that a file calls `raw`, by the rule of dcpg/chromo.h; or
 * DCPG_CHROMO_ABSENT, DCPG_CHROMO_UNCLEAR; map->n or more: known, but not wanted. Local. */
DCPG_API int64_t dcpg_cg_number(const dcpg_cg_map *map, const char *raw);

/* "NC_000001.11, NC_000002.12, ..., (22 more)": the genome's names, for messages; returns `text`, of at most
 * `size` bytes. Local. */
DCPG_API char *dcpg_cg_some_names(const dcpg_cg_map *map, char *text, size_t size);

DCPG_END_C

#endif
