/* SPDX-License-Identifier: MIT */
/* Making a store: what its steps share. Each rank reads a run of the cells and of the FASTA files, keeps
 * their calls packed, and all agree on chromosomes and positions. */
#ifndef DCPG_STORE_MAKE_MAKE_IMPL_H
#define DCPG_STORE_MAKE_MAKE_IMPL_H

#include "store/store_digest.h"

#include <dcpg/chromo.h>
#include <dcpg/h5.h>
#include <dcpg/map.h>
#include <dcpg/profile.h>
#include <dcpg/store_make.h>

/* Calls of a cell on one chromosome, one to three bytes each: (distance to the position before) * 2 + rounded
 * value, 7 bits a byte, lowest first, bit 7: more follows. */
typedef struct packed_calls {
    char *name; /* of the chromosome */
    int chromo; /* its number in making.chromo; ascending */
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

/* Goes through packed calls. */
typedef struct unpacking {
    const uint8_t *next;
    int64_t left;
    int32_t pos; /* of the call found */
    bool state;  /* its rounded value */
} unpacking;

unpacking dcpg_start_unpacking(const packed_calls *calls);
bool dcpg_unpack_call(unpacking *u); /* false behind the last */

/* A sequence that this rank read; without bases where nobody wants it. */
typedef struct held_sequence {
    dcpg_sequence sequence;
    int chromo;   /* its number in making.chromo, -1: no calls there */
    int64_t file; /* number of its FASTA file */
} held_sequence;

/* What all ranks know of a sequence. */
typedef struct about_sequence {
    const char *raw;  /* name in its file */
    const char *name; /* what the store calls it */
    int64_t length, nb_run;
    int64_t file;
    int64_t held; /* its number on the rank that holds it */
    int owner;    /* that rank */
    bool wanted;
    int64_t
        same; /* place in `about` of the sequence with the same name and bases, of which this is a copy; -1 */
    char md5[33];
} about_sequence;

/* The genome: what its sequences are, and where CG stands in them, which the ranks of a host hold once. */
typedef struct genome {
    int64_t n;
    about_sequence *about;  /* [n] in bytewise order of their names */
    dcpg_cg_chromo *chromo; /* [n] */
    dcpg_chromos names;     /* what files call them: numbers are places in `about`; from n on: not wanted */
    dcpg_cg_map map;
    int64_t *run_first; /* of `runs` */
    dcpg_run_n *run;
    dcpg_genome_runs runs;
    dcpg_par_shared *bits;
    char *raw_text;     /* all names as they stand in the files */
    dcpg_strings store; /* all names of the store */
    int64_t nb_cg;
} genome;

/* Profiles by number: of cells, of bulk profiles, and of annotations, which list the positions inside. */
typedef dcpg_status making_profile_fn(void *context, int64_t number, dcpg_profile *profile, dcpg_err *err);

/* What is there without files: another data set, which becomes part of the store. Names in bytewise order.
 * All functions are Local and may read HDF5: one thread calls them. */
typedef struct making_input {
    void *context;
    const char *name; /* of where it comes from, for messages */
    const dcpg_strings *cells, *bulk, *annos;
    making_profile_fn *cell, *bulk_values, *anno_inside;
    int64_t nb_pos; /* of which bulk and annos tell, where they do not tell of all; 0: they do */
    dcpg_status (*sites)(void *context, dcpg_profile *profile,
                         dcpg_err *err); /* asked on rank 0; NULL: --cpg_cov tells */
    dcpg_status (*sequences)(void *context, dcpg_sequence_fn *each, void *receiver,
                             dcpg_err *err); /* this rank's share; NULL: none */
    const dcpg_strings *chromo, *md5;        /* [chromo->n] what FASTA files must agree with; NULL: nothing */
    const dcpg_strings *alike;               /* making.alike of it; NULL: nothing is known */
} making_input;

/* What profiles come from: files, and what the input has, in the order of their names. */
typedef struct named_files {
    dcpg_strings files; /* as they were given */
    bool is_list;       /* ... in a list, where several may have one name */
    dcpg_strings name;
    const char **path; /* [name.n] the first file of a name; NULL: the input's */
    int64_t *first;    /* [name.n + 1] place of a name's first file in `sorted` */
    const char **sorted;
} named_files;

typedef struct making {
    const making_input *input; /* NULL: profiles */
    const dcpg_store_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    dcpg_h5 *file;
    store_digest digest; /* of what was written; of calls and bulk profiles, this rank's part */

    int64_t nb_cell;
    named_files cells;            /* [nb_cell] */
    int64_t cell_rows;            /* rows of a chunk of calls */
    int64_t cell_first, cell_end; /* of this rank */
    packed_cell *cell;            /* [cell_end - cell_first] */
    packed_cell target;           /* rank 0: positions of --pos_file */

    dcpg_strings wanted;               /* --chromos, normalised; once the genome is read, by its names */
    dcpg_strings chromo;               /* all that hold a position, in order */
    dcpg_strings dna_files, dna_notes; /* notes: what is to be said of them */
    dcpg_strings alike; /* sequences of the genome whose names are alike: in its files, in the store, ... */
    genome genome;
    int64_t nb_held, held_capacity;
    held_sequence *held;
    int64_t *owner;      /* [nb chromosomes] rank that holds the sequence */
    int64_t *length;     /* [nb chromosomes] */
    dcpg_strings md5;    /* [nb chromosomes] */
    int64_t *run_offset; /* [nb chromosomes + 1] */
    dcpg_run_n *run;     /* [run_offset[last]] of all chromosomes */

    int64_t *pos_offset; /* [nb chromosomes + 1] */
    int32_t *pos;        /* [nb_pos] */
    uint8_t *is_site;    /* [nb_pos] */
    int64_t nb_pos, pos_room, nb_site;
    bool every_cg;     /* --sites all */
    int64_t nb_unseen; /* positions without a call in any cell */
    unsigned mito;     /* without a genome: what the files so far call the mitochondrion (chromo.h) */

    named_files bulk, annos;
    dcpg_strings cpg_stats, win_stats;
    int64_t nb_win_wlen, *win_wlen; /* ascending */
} making;

static inline int64_t nb_own(const making *m) { return m->cell_end - m->cell_first; }

/* Files of this rank's cells: how many, and the first one's place among all. */
static inline int64_t own_file(const making *m) { return m->cells.first[m->cell_first]; }
static inline int64_t nb_own_file(const making *m) { return m->cells.first[m->cell_end] - own_file(m); }

/* Where the sites are listed; NULL: they are found. */
static inline const char *targets_of(const making *m) {
    if (m->input) return m->input->sites ? m->input->name : NULL;
    return m->options->pos_file;
}

static inline bool has_genome(const making *m) {
    return m->dna_files.n > 0 || (m->input && m->input->sequences);
}

/* dcpg_store_make_all of `input` (its calls are taken as they are) and of the files that the options name.
 * Collective. */
dcpg_status dcpg_store_make_from_all(const dcpg_store_options *options, const making_input *input,
                                     const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* dcpg_store_make_all with options->append. Collective. */
dcpg_status dcpg_store_append_all(const dcpg_store_options *options, const dcpg_par *par, dcpg_log *log,
                                  dcpg_err *err);

/* gzip's level in a store: higher ones gain little here and take long. */
enum { DCPG_STORE_DEFLATE = 4 };

/* The steps, in this order. Each is Collective and agrees on its outcome. */
dcpg_status dcpg_make_genome_all(making *m, dcpg_err *err); /* sequences, and where CG stands */
dcpg_status dcpg_make_read_all(making *m, dcpg_err *err);   /* profiles, target sites, names of chromosomes */
dcpg_status dcpg_make_chromos_all(making *m,
                                  dcpg_err *err); /* of the genome what has calls; target sites checked */
dcpg_status dcpg_make_positions_all(making *m, dcpg_err *err); /* union of positions; sites */
dcpg_status dcpg_make_write_all(making *m, dcpg_err *err);     /* everything but the file's name */

dcpg_status dcpg_make_extras_all(making *m,
                                 dcpg_err *err); /* part of writing: bulk profiles, annotations, statistics */

/* Reads the target sites of --pos_file, or of the input, into m->target: rank 0. Positions of a file are held
 * against the genome as those of profiles are. Local. */
dcpg_status dcpg_make_read_targets(making *m, dcpg_err *err);

/* Names of one kind. */
typedef struct making_kind {
    const char *what;         /* they are called, in messages */
    const dcpg_strings *kept; /* those of the input; may be NULL */
    bool replaced;            /* a file may take the place of one of them */
    bool merged;              /* files of one name are one profile where a list gives them */
} making_kind;

/* Sorts profiles (or a list of them; NULL: none), and what the input has, by name; no two have the same:
 * DCPG_E_INPUT. Nor may the store be one of the files. Local. */
dcpg_status dcpg_make_sort_profiles(const making *m, const dcpg_strings *words, const making_kind *kind,
                                    named_files *files, dcpg_err *err);
/* The same for files->files, of which the names are given. */
dcpg_status dcpg_make_sort_files(const making *m, const dcpg_strings *names, const making_kind *kind,
                                 named_files *files, dcpg_err *err);
void dcpg_make_free_files(named_files *files);

/* Gives where N stands in the wanted sequences to all ranks, into genome.runs. Collective. */
dcpg_status dcpg_make_runs_all(making *m, dcpg_err *err);

/* How profiles of cells are read. Local. */
dcpg_profile_options dcpg_make_profile_options(const making *m);

/* Checks and keeps what the options say of bulk profiles, annotations and statistics. Local. */
dcpg_status dcpg_make_take_extras(making *m, dcpg_err *err);
void dcpg_make_free_extras(making *m);

/* Shares out the cells: fills cell_rows, cell_first and cell_end. Local. */
void dcpg_make_share_cells(making *m);

/* ---- what is known of the files of cells ---- */

/* A file of a cell, and what became of its calls. */
typedef struct file_told {
    int64_t file; /* its place in cells.sorted */
    int64_t cell;
    dcpg_profile_report report;
} file_told;

/* What all ranks know of all files, in their order. */
typedef struct files_told {
    int64_t n;
    file_told *v;
} files_told;

/* Gathers report[nb_own_file] of all ranks. Free v. Collective. */
dcpg_status dcpg_make_gather_told_all(const making *m, const dcpg_profile_report *report, files_told *told,
                                      dcpg_err *err);

/* 1 + the base that the files of the run which tell have, of one format; 0: none tell, or they differ. Pure.
 */
int dcpg_make_base_of(const files_told *told, const char *format);

/* Logs what became of the calls. Local. */
dcpg_status dcpg_make_tell(const making *m, const files_told *told, dcpg_err *err);

/* --verbose: logs how profiles were read. path[n] (NULL: is no file, nothing is said), report[n] Local. */
void dcpg_make_tell_profiles(const making *m, const char *const *path, const dcpg_profile_report *report,
                             int64_t n);

/* Leaves out the cells whose files hold no lines of data, and shares the others out anew: the store is what
 * it would be without these files. DCPG_E_INPUT where none is left. Collective. */
dcpg_status dcpg_make_leave_out_all(making *m, const files_told *told, dcpg_err *err);

/* Warns of what was odd about the compression of files, a line for each kind. odd[n], path[n] Local. */
void dcpg_make_tell_odd(const making *m, const int64_t *odd, const char *const *path, int64_t n);

/* Writes names of files into a message, the first ten and how many more. Local. */
enum { NAMES_SIZE = 2048 };
typedef struct some_names {
    int64_t n;
    char text[NAMES_SIZE];
} some_names;

void dcpg_names_add(some_names *names, const char *name);
const char *dcpg_names_text(some_names *names);

/* Whether --chromos leaves the chromosome of this name in. Local. */
bool dcpg_make_wants(const making *m, const char *chromo);

/* Files that call the mitochondrion M, and those that call it MT. */
typedef struct mito_files {
    some_names m, mt;
} mito_files;

/* Adds a file; `mito`: what it calls it. Local. */
void dcpg_make_add_mito(mito_files *files, const char *path, unsigned mito);

/* Without a genome: warns where both names are in use, in these files and those before (m->mito, to which
 * they are added), for they become one chromosome. Local. */
void dcpg_make_tell_mito(making *m, mito_files *files);

/* Packs a profile, calls on unwanted chromosomes left out. Local. */
dcpg_status dcpg_pack_profile(const making *m, const dcpg_profile *profile, packed_cell *cell, dcpg_err *err);
void dcpg_free_packed(packed_cell *cell);

/* The place in making.chromo of the chromosome of this name of the store, -1 where it has none. Local. */
int dcpg_make_chromo_number(const making *m, const char *name);

/* The same for a chromosome as a file calls it, by the rule of dcpg/chromo.h; -1 too where the name is
 * unclear, which sets `*unclear`. Local. */
int dcpg_make_chromo_called(const making *m, const char *raw, bool *unclear);

void dcpg_free_genome_all(genome *g); /* Collective: the CGs, while names stay */
void dcpg_free_genome_names(genome *g);

#endif
