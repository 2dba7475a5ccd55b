/* SPDX-License-Identifier: MIT */
/* Making a store: declarations shared by its steps. Each rank reads a run of the cells and of the FASTA files
 * and keeps their calls packed; then all ranks agree on chromosomes and positions. */
#ifndef DCPG_STORE_MAKE_MAKE_IMPL_H
#define DCPG_STORE_MAKE_MAKE_IMPL_H

#include "store/store_digest.h"

#include <dcpg/chromo.h>
#include <dcpg/h5.h>
#include <dcpg/map.h>
#include <dcpg/profile.h>
#include <dcpg/store_make.h>

/* Calls of a cell on one chromosome, one to three bytes each: (distance to the previous position) * 2 +
 * rounded value, 7 bits per byte, lowest bits first, bit 7: another byte follows. */
typedef struct packed_calls {
    char *name; /* of the chromosome */
    int chromo; /* its number in making.chromos.name; ascending */
    int64_t n;
    int32_t first, last; /* positions */
    uint8_t *bytes;
} packed_calls;

/* A profile, packed. */
typedef struct packed_cell {
    const char *path;
    bool binary;
    int64_t n;
    int nb_chromo;
    packed_calls *chromo;
    float *value; /* [n] where not binary, chromosome after chromosome */
} packed_cell;

/* An iterator over packed calls. */
typedef struct unpacking {
    const uint8_t *next;
    int64_t left;
    int32_t pos; /* of the current call */
    bool state;  /* its rounded value */
} unpacking;

unpacking dcpg_start_unpacking(const packed_calls *calls);
bool dcpg_unpack_call(unpacking *u); /* false after the last call */

/* A sequence that this rank read; without bases if it is not wanted. */
typedef struct held_sequence {
    dcpg_sequence sequence;
    int chromo;   /* its number in making.chromos.name, -1: no calls there */
    int64_t file; /* number of its FASTA file */
} held_sequence;

/* A sequence of the genome as all ranks know it. */
typedef struct about_sequence {
    const char *raw;  /* name in its file */
    const char *name; /* name in the store */
    int64_t length, nb_run;
    int64_t file;
    int64_t held; /* its index in `held` on the rank that holds it */
    int owner;    /* the rank that holds it */
    bool wanted;
    int64_t same; /* place in `about` of the sequence with the same name and bases of which this one is a
                     copy; -1: no copy */
    char md5[33];
} about_sequence;

/* The genome: its sequences, and a map of its CGs, of which each host holds one copy. */
typedef struct genome {
    int64_t n;
    about_sequence *about;  /* [n] in bytewise order of their names */
    dcpg_cg_chromo *chromo; /* [n] */
    dcpg_chromos names; /* names in files: numbers are places in `about`, from n on for unwanted sequences */
    dcpg_cg_map map;
    int64_t *run_first; /* of `runs` */
    dcpg_run_n *run;
    dcpg_genome_runs runs;
    dcpg_par_shared *bits;
    char *raw_text;     /* all names as written in the files */
    dcpg_strings store; /* all names in the store */
    int64_t nb_cg;
} genome;

/* Profiles by number: of cells, of bulk profiles, or of annotations, whose calls are the positions inside. */
typedef dcpg_status making_profile_fn(void *context, int64_t number, dcpg_profile *profile, dcpg_err *err);

/* Data that comes without files: another data set, which becomes part of the store. Names are in bytewise
 * order. All functions are Local and may read HDF5, so only one thread calls them. */
typedef struct making_input {
    void *context;
    const char *name; /* the data set's name, for messages */
    const dcpg_strings *cells, *bulk, *annos;
    making_profile_fn *cell, *bulk_values, *anno_inside;
    int64_t nb_pos; /* positions that bulk and annos cover; 0: all */
    dcpg_status (*sites)(void *context, dcpg_profile *profile,
                         dcpg_err *err); /* called on rank 0; NULL: --cpg_cov chooses the sites */
    dcpg_status (*sequences)(void *context, dcpg_sequence_fn *each, void *receiver,
                             dcpg_err *err); /* this rank's part; NULL: there are none */
    const dcpg_strings *chromo, *md5;        /* [chromo->n] that FASTA files must agree with; NULL: none */
    const dcpg_strings *fasta_name; /* [chromo->n] their names in FASTA files; NULL or empty: unknown */
    const dcpg_strings *alike;      /* its making.dna.alike; NULL: unknown */
} making_input;

/* Where profiles come from: files or the input, in the order of the profiles' names. */
typedef struct named_files {
    dcpg_strings files; /* as given by the user */
    bool is_list;       /* `files` come from a list, in which several may have one name */
    dcpg_strings name;
    const char **path; /* [name.n] the first file with that name; NULL: the profile comes from the input */
    int64_t *first;    /* [name.n + 1] place of a name's first file in `sorted` */
    const char **sorted;
} named_files;

/* The profiles of cells, and which of them this rank reads. Given by dcpg_make_read_all, written by
 * dcpg_make_write_all. */
typedef struct making_cells {
    named_files files; /* [n] */
    int64_t n;
    int64_t rows_per_chunk; /* of calls */
    int64_t first, end;     /* this rank's cells */
    packed_cell *packed;    /* [end - first] */
    packed_cell target;     /* rank 0: positions of --pos_file */
} making_cells;

/* The files of the genome. */
typedef struct making_dna {
    dcpg_strings files, notes; /* notes: messages about the files */
    dcpg_strings alike; /* sequences whose names are alike: name in its files, name in the store, and so on */
} making_dna;

/* The chromosomes that hold a position, in order, with their sequences. Sequences are read by
 * dcpg_make_genome_all, the rest is given by dcpg_make_chromos_all. */
typedef struct making_chromos {
    dcpg_strings name;
    int64_t nb_held, held_capacity;
    held_sequence *held;     /* [nb_held] sequences on this rank */
    int64_t *owner;          /* [name.n] rank that holds the sequence */
    int64_t *length;         /* [name.n] */
    dcpg_strings md5;        /* [name.n] */
    dcpg_strings fasta_name; /* [name.n] names as the FASTA files have them; empty: unknown */
    int64_t *run_offset;     /* [name.n + 1] */
    dcpg_run_n *run;         /* [run_offset[name.n]] runs of N */
} making_chromos;

/* All positions, and which of them are sites. Given by dcpg_make_positions_all. */
typedef struct making_positions {
    int64_t *offset;  /* [nb chromosomes + 1] */
    int32_t *pos;     /* [n] */
    uint8_t *is_site; /* [n] */
    int64_t n, capacity, nb_site;
    bool every_cg;     /* --sites all */
    int64_t nb_unseen; /* positions without a call in any cell */
} making_positions;

/* Outputs and inputs beside the cells: taken by dcpg_make_take_extras, written by dcpg_make_extras_all. */
typedef struct making_extras {
    named_files bulk, annos;
    dcpg_strings cpg_stats, win_stats;
    int64_t nb_win_wlen, *win_wlen; /* ascending */
} making_extras;

/* The making of a store: what all steps use, and what each gives to those after it. */
typedef struct making {
    const making_input *input; /* NULL: the store is made from profiles only */
    const dcpg_store_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    dcpg_h5 *file;
    store_digest digest; /* of the data written; for calls and bulk profiles, this rank's terms only */
    dcpg_strings wanted; /* --chromos, normalised; replaced by the genome's names once it is read */
    unsigned mito;       /* without a genome: names of the mitochondrion in the files so far (chromo.h) */

    making_dna dna;
    genome genome;
    making_cells cells;
    making_chromos chromos;
    making_positions positions;
    making_extras extras;
} making;

static inline int64_t nb_own(const making *m) { return m->cells.end - m->cells.first; }

/* This rank's cells have nb_own_file files, starting at place own_file of cells.sorted. */
static inline int64_t own_file(const making *m) { return m->cells.files.first[m->cells.first]; }
static inline int64_t nb_own_file(const making *m) {
    return m->cells.files.first[m->cells.end] - own_file(m);
}

/* The file that lists the sites; NULL: they are found. */
static inline const char *targets_of(const making *m) {
    if (m->input) return m->input->sites ? m->input->name : NULL;
    return m->options->pos_file;
}

static inline bool has_genome(const making *m) {
    return m->dna.files.n > 0 || (m->input && m->input->sequences);
}

/* Like dcpg_store_make_all, from `input` (whose calls are taken as they are) and the files that the options
 * name. Collective. */
dcpg_status dcpg_store_make_from_all(const dcpg_store_options *options, const making_input *input,
                                     const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* Implements dcpg_store_make_all with options->append. Collective. */
dcpg_status dcpg_store_append_all(const dcpg_store_options *options, const dcpg_par *par, dcpg_log *log,
                                  dcpg_err *err);

/* gzip's level in a store: higher levels gain little here and take long. */
enum { DCPG_STORE_DEFLATE = 4 };

/* The steps, in this order. Each is Collective and agrees on the status. */
dcpg_status dcpg_make_genome_all(making *m, dcpg_err *err); /* reads sequences and maps their CGs */
dcpg_status dcpg_make_read_all(making *m,
                               dcpg_err *err); /* reads profiles, target sites, names of chromosomes */
dcpg_status dcpg_make_chromos_all(making *m, dcpg_err *err); /* chromosomes with calls; checks target sites */
dcpg_status dcpg_make_positions_all(making *m, dcpg_err *err); /* joins all positions; chooses sites */
dcpg_status dcpg_make_write_all(making *m,
                                dcpg_err *err); /* writes everything; the caller gives the file its name */

dcpg_status dcpg_make_extras_all(making *m,
                                 dcpg_err *err); /* part of writing: bulk profiles, annotations, statistics */

/* Reads the target sites of --pos_file, or of the input, into m->cells.target, on rank 0. Positions of a file
 * are checked against the genome as those of profiles are. Local. */
dcpg_status dcpg_make_read_targets(making *m, dcpg_err *err);

/* A kind of profiles or annotations. */
typedef struct making_kind {
    const char *what;         /* its name in messages */
    const dcpg_strings *kept; /* names that the input has; may be NULL */
    bool replaced;            /* a file may replace one of `kept` */
    bool merged;              /* files of one name in a list make one profile */
} making_kind;

/* Sorts profiles (files, or a list of them; NULL: none) and those of the input by name. DCPG_E_INPUT if two
 * have the same name, or if the store is one of the files. Local. */
dcpg_status dcpg_make_sort_profiles(const making *m, const dcpg_strings *words, const making_kind *kind,
                                    named_files *files, dcpg_err *err);
/* The same for files->files, whose names are given. */
dcpg_status dcpg_make_sort_files(const making *m, const dcpg_strings *names, const making_kind *kind,
                                 named_files *files, dcpg_err *err);
void dcpg_make_free_files(named_files *files);

/* Gives all ranks the runs of N in the wanted sequences, in genome.runs. Collective. */
dcpg_status dcpg_make_runs_all(making *m, dcpg_err *err);

/* The options for reading profiles of cells. Local. */
dcpg_profile_options dcpg_make_profile_options(const making *m);

/* Checks and keeps the options for bulk profiles, annotations and statistics. Local. */
dcpg_status dcpg_make_take_extras(making *m, dcpg_err *err);
void dcpg_make_free_extras(making *m);

/* Divides the cells among the ranks: sets cell_rows, cell_first and cell_end. Local. */
void dcpg_make_share_cells(making *m);

/* ---- reports on the files of cells ---- */

/* A file of a cell, and the report on its calls. */
typedef struct file_report {
    int64_t file; /* its place in cells.sorted */
    int64_t cell;
    dcpg_profile_report report;
} file_report;

/* Reports on the files of all ranks, in the order of the files. */
typedef struct file_reports {
    int64_t n;
    file_report *v;
} file_reports;

/* Gathers report[nb_own_file] of all ranks. The caller frees reports->v. Collective. */
dcpg_status dcpg_make_gather_reports_all(const making *m, const dcpg_profile_report *report,
                                         file_reports *reports, dcpg_err *err);

/* 1 + the base (0 or 1) of the files of this format that show their base; 0: none does, or they differ. Pure.
 */
int dcpg_make_base_of(const file_reports *reports, const char *format);

/* Logs how the files were read and which calls were dropped. Local. */
dcpg_status dcpg_make_log_files(const making *m, const file_reports *reports, dcpg_err *err);

/* --verbose: logs how profiles were read: path[n] (NULL: no file, nothing is logged), report[n]. Local. */
void dcpg_make_log_profiles(const making *m, const char *const *path, const dcpg_profile_report *report,
                            int64_t n);

/* Leaves out cells whose files hold no lines of data, and divides the other cells anew among the ranks: the
 * store is the same as without these files. DCPG_E_INPUT if no cell is left. Collective. */
dcpg_status dcpg_make_leave_out_all(making *m, const file_reports *reports, dcpg_err *err);

/* Warns of oddities in the compression of files, one line for each kind. odd[n], path[n]. Local. */
void dcpg_make_log_odd(const making *m, const int64_t *odd, const char *const *path, int64_t n);

/* Collects names of files for a message: the first ten, and the number of the others. Local. */
enum { NAMES_SIZE = 2048 };
typedef struct some_names {
    int64_t n;
    char text[NAMES_SIZE];
} some_names;

void dcpg_names_add(some_names *names, const char *name);
const char *dcpg_names_text(some_names *names);

/* Whether --chromos keeps the chromosome of this name. Local. */
bool dcpg_make_wants(const making *m, const char *chromo);

/* Files that call the mitochondrion M, and those that call it MT. */
typedef struct mito_files {
    some_names m, mt;
} mito_files;

/* Adds a file; `mito`: its names of the mitochondrion (chromo.h). Local. */
void dcpg_make_add_mito(mito_files *files, const char *path, unsigned mito);

/* Without a genome: warns if these files and earlier ones (m->mito, to which their names are added) use both
 * names, which become one chromosome. Local. */
void dcpg_make_log_mito(making *m, mito_files *files);

/* Packs a profile without its calls on unwanted chromosomes. Local. */
dcpg_status dcpg_pack_profile(const making *m, const dcpg_profile *profile, packed_cell *cell, dcpg_err *err);
void dcpg_free_packed(packed_cell *cell);

/* The place in making.chromos.name of the chromosome with this name in the store; -1: there is none. Local.
 */
int dcpg_make_chromo_number(const making *m, const char *name);

/* The same for a name as written in a file, by the rule of dcpg/chromo.h; also -1 if the name is unclear, and
 * then `*unclear` is set. Local. */
int dcpg_make_chromo_called(const making *m, const char *raw, bool *unclear);

void dcpg_free_genome_all(genome *g); /* Collective; frees the CGs and keeps the names */
void dcpg_free_genome_names(genome *g);

#endif
