/* Methylation profiles and genomes as files hold them: readers for one file each, local to a rank. Positions are 1-based, on the C of a CpG, after reading. */
#ifndef DCPG_PROFILE_H
#define DCPG_PROFILE_H

#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdint.h>

/* Calls of one cell on one chromosome, sorted by position, no position twice. */
typedef struct dcpg_calls {
    char *chromo;   /* normalised: upper case, without a leading CHR */
    int64_t n, room;
    int32_t *pos;   /* [n] 1-based */
    float *value;   /* [n] in [0, 1] */
} dcpg_calls;

/* A profile: the calls of one cell, chromosomes in bytewise order. */
typedef struct dcpg_profile {
    char *cell;      /* the file's basename up to the first '.' */
    int nb_chromo;
    dcpg_calls *chromo;
    bool binary;     /* no value strictly between 0 and 1 */
    bool bedgraph;   /* positions came from a bedGraph, whose base must still be decided (dcpg_profile_shift) */
} dcpg_profile;

/* Reads DeepCpG TSV (chromo, pos, value; further columns are ignored) or bedGraph (chromo, start, end, value; one CpG per line, so intervals of at most 2 bp), plain, gzip or bgzip;
 * which one is told by the first line of data. Columns stand between tabs or blanks; empty lines, lines that start with '#', track and browser lines, and a first line of column names are
 * skipped. Unsorted input is sorted. bedGraph positions are the raw start column. DCPG_E_INPUT with file, line and remedy: a non-number, a position below 1 (bedGraph: 0) or above 2147483646,
 * a value outside [0, 1] (percent files: say so), a duplicate position, a broken gzip stream, an empty file. Free with dcpg_profile_free. Local. */
dcpg_status dcpg_profile_read(const char *path, dcpg_profile *profile, dcpg_err *err);
void dcpg_profile_free(dcpg_profile *profile);

/* Adds `by` to all positions. */
void dcpg_profile_shift(dcpg_profile *profile, int32_t by);

/* "chr1" -> "1", "ChrX" -> "X"; NULL when out of memory; dcpg_free. */
char *dcpg_chromo_name(const char *raw);

/* The cell's name for a path; NULL when out of memory; dcpg_free. */
char *dcpg_cell_name(const char *path);

/* ---- genome ---- */

/* A run of bases that are not A, C, G or T: [start, end), 0-based. */
typedef struct dcpg_run_n {
    int64_t start, end;
} dcpg_run_n;

/* A chromosome packed: 2 bits per base (A 0, T 1, G 2, C 3; base i in bits 2(i%4) of byte i/4; other letters 0), and the runs of the others. */
typedef struct dcpg_sequence {
    char *chromo;    /* normalised name */
    int64_t length;  /* bases */
    uint8_t *packed; /* [(length + 3) / 4] */
    int64_t nb_run, run_room;
    dcpg_run_n *run; /* sorted, apart from one another */
    char md5[33];    /* of the upper-case sequence: SAM's M5 tag */
} dcpg_sequence;

/* Base code of position pos (1-based): 0..3, 4 for N and outside the chromosome. Local. */
int dcpg_base_at(const dcpg_sequence *sequence, int64_t pos);

typedef dcpg_status dcpg_sequence_fn(void *context, dcpg_sequence *sequence, dcpg_err *err);

/* Reads a FASTA file (plain, gzip, bgzip; one sequence or many) and gives each to `each`, which may take it over by zeroing the struct. The name is the first word of the header line,
 * whatever the file is called. Letters for several bases (IUPAC) and X count as N. DCPG_E_INPUT with file and line: no '>' at the start, a letter that is no base, a sequence without bases
 * or name, a name twice in one file, no sequence, a cut gzip stream. What was given to `each` before an error may be incomplete as a genome. Local. */
dcpg_status dcpg_fasta_read(const char *path, dcpg_sequence_fn *each, void *context, dcpg_err *err);
void dcpg_sequence_free(dcpg_sequence *sequence);

/* Expands words that are directories to the FASTA files inside (*.fa, *.fasta, *.fna, each also with .gz or .bgz), sorted; other words are taken as files. DCPG_E_INPUT: nothing is
 * called so, or a directory holds none. Local. */
dcpg_status dcpg_fasta_list(const dcpg_strings *words, dcpg_strings *files, dcpg_err *err);

#endif
