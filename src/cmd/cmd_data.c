/* SPDX-License-Identifier: MIT */
/* dcpg data */
#include "cmd/cmd.h"
#include "cmd/convert.h"
#include "cmd/job.h"

#include <dcpg/cleanup.h>
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <dcpg/store_make.h>
#include <dcpg/temporary.h>
#include <string.h>

typedef struct settings {
    dcpg_strings profiles, dna_files, chromos, bulk_profiles, anno_files, cpg_stats, win_stats,
        win_stats_wlen;
    const char *log_file, *call, *sites, *max_memory;
    int64_t bedgraph_base;
    bool verbose, force;
    double stall_timeout;
    dcpg_store_options store;
    dcpg_cmd_windows windows; /* of --out_dir */
} settings;

static dcpg_status parse(settings *s, int argc, char **argv, bool *help, const dcpg_par *par, dcpg_err *err) {
    dcpg_store_options *o = &s->store;
    dcpg_cmd_windows *w = &s->windows;
    const dcpg_opt options[] = {
        {DCPG_OPT_GROUP, "files", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_LIST, "cpg_profiles", &s->profiles, NULL, 0, 0,
         "methylation profiles, one cell each, named by the file's name up to the first '.'; plain, gzip or "
         "bgzip. Or one list of them: lines of name, tab, path (relative to the list)",
         "FILE"},
        {DCPG_OPT_STRING, "profile_format", &o->profile_format, "auto", 0, 0,
         "tsv (DeepCpG: chromosome, 1-based position, value in [0, 1]), bedgraph, percent (bedGraph of "
         "percentages, 0-based), cov (Bismark; also .zero.cov; MethylDackel), cpg_report (Bismark), allc "
         "(ALLCools, methylpy), bedmethyl (modkit, 18 columns, or older, 11), biscuit, bigwig; or columns by "
         "names of the header or by numbers, chrom=chr,pos=pos,meth=met_reads,total=reads, from chrom=, pos= "
         "(from 1) or start= (from 0), end=, strand=, context=, meth=, unmeth=, total=, percent=, fraction=, "
         "and base=0 or 1, sep=tab, comma or space, header=LINES; or as in MethSCAn, "
         "chromosome:position:methylated:total (c) or unmethylated (u):separator:lines of header, for "
         "example "
         "1:2:5:6c:tab:0; auto: told by the names of the columns and by what they hold",
         "FORMAT"},
        {DCPG_OPT_LIST, "dna_files", &s->dna_files, NULL, 0, 0,
         "the genome: FASTA files, plain or gzip, or directories of them (left out: no DNA models)", "FILE"},
        {DCPG_OPT_STRING, "out_file", &o->out_file, NULL, 0, 0, "store to write (HDF5)", "FILE"},
        {DCPG_OPT_FLAG, "append", &o->append, NULL, 0, 0,
         "add cells, bulk profiles, annotations and statistics to the store --out_file, which is replaced "
         "when all is written; sites are chosen, and the statistics it offers are computed, as when "
         "it was made; its genome is used where --dna_files is left out",
         NULL},
        {DCPG_OPT_STRING, "out_dir", &w->out_dir, NULL, 0, 0,
         "write DeepCpG data files to this directory; without --out_file the store is kept there only as "
         "long as they are written",
         "DIR"},

        {DCPG_OPT_GROUP, "sites", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_STRING, "sites", &s->sites, "observed", 0, 0,
         "target sites: the positions observed in the profiles; all: every CG of the genome, on the "
         "chromosomes "
         "of --chromos, also those that no cell saw; or a FILE of lines of chromosome, position, or BED of "
         "CpGs, "
         "which is held against the genome as profiles are",
         "observed|all|FILE"},
        {DCPG_OPT_STRING, "pos_file", &o->pos_file, NULL, 0, 0, "the same as --sites FILE", "FILE"},
        {DCPG_OPT_INT, "cpg_cov", &o->cpg_cov, "1", 1, 1e9,
         "a target site must be observed in at least N cells", "N"},
        {DCPG_OPT_LIST, "chromos", &s->chromos, NULL, 0, 0, "use only these chromosomes (left out: all)",
         "NAME"},
        {DCPG_OPT_INT, "nb_sample_chromo", &o->nb_sample_chromo, "0", 0, 1e12,
         "keep N random target sites of each chromosome; neighbours stay (0: all)", "N"},
        {DCPG_OPT_INT, "nb_sample", &o->nb_sample, "0", 0, 1e12,
         "keep the first N target sites, after --nb_sample_chromo; neighbours stay (0: all)", "N"},
        {DCPG_OPT_INT, "seed", &o->seed, "0", -9e15, 9e15,
         "of the random sites, and of the bases that --out_dir writes in place of N", "N"},

        {DCPG_OPT_GROUP, "calls", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_STRING, "call", &s->call, "auto", 0, 0,
         "how the reads of a CpG, of both strands, become its state. round: what most reads say, ties "
         "dropped; strict: only where all reads agree; fraction: the methylated share. Of files without "
         "counts the "
         "value is the share, but round leaves those of tsv as they are, and the values of two strands are "
         "averaged. auto: counts are rounded, values stay",
         "RULE"},
        {DCPG_OPT_INT, "min_reads", &o->min_reads, "1", 0, 1e9, "drop CpGs with less than N reads", "N"},
        {DCPG_OPT_DOUBLE, "min_cg", &o->min_cg, "90", 0, 100,
         "refuse a profile of which less than this percentage of calls stands on a CG of the genome, on "
         "either strand, as it is or moved by one; other calls that miss are dropped",
         "PERCENT"},
        {DCPG_OPT_STRING, "max_memory", &s->max_memory, NULL, 0, 0,
         "end where reading profiles takes a rank more memory than this, such as 8G (left out: no limit)",
         "SIZE"},
        {DCPG_OPT_INT, "bedgraph_base", &s->bedgraph_base, "-1", -1, 1,
         "bedGraphs of fractions count from 0 or from 1, unless the genome shows the other (-1: only the "
         "genome tells)",
         "BASE"},

        {DCPG_OPT_GROUP, "more outputs and inputs", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_LIST, "bulk_profiles", &s->bulk_profiles, NULL, 0, 0,
         "continuous profiles in any of the formats, told by their content: outputs bulk/<name>. They add no "
         "sites; values elsewhere are left out",
         "FILE"},
        {DCPG_OPT_LIST, "anno_files", &s->anno_files, NULL, 0, 0,
         "genomic annotations, BED files: a site is inside where start <= position <= end, with the numbers "
         "as they stand there",
         "FILE"},
        {DCPG_OPT_LIST, "cpg_stats", &s->cpg_stats, NULL, 0, 0,
         "statistics over the cells of a site, outputs cpg_stats/<name>: mean, mode, var, cat_var, cat2_var, "
         "entropy, diff, cov",
         "NAME"},
        {DCPG_OPT_INT, "cpg_stats_cov", &o->cpg_stats_cov, "3", 0, 1e9,
         "sites observed in fewer than N cells have no cpg_stats", "N"},
        {DCPG_OPT_LIST, "win_stats", &s->win_stats, NULL, 0, 0,
         "the same over the cells' means in a window around a site, outputs win_stats/<length>/<name>",
         "NAME"},
        {DCPG_OPT_LIST, "win_stats_wlen", &s->win_stats_wlen, "1001 2001 3001 4001 5001", 0, 0,
         "lengths of the windows in bp; only the --cpg_wlen nearest neighbours in a cell are looked at", "N"},

        {DCPG_OPT_GROUP, "DeepCpG data files (--out_dir)", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_INT, "dna_wlen", &w->dna_wlen, NULL, 0, 1e6,
         "length of DNA windows, odd; 0: none (left out: 1001, or none without --dna_files)", "BP"},
        {DCPG_OPT_INT, "cpg_wlen", &w->cpg_wlen, "50", 0, 1e6,
         "neighbours per site and cell, half on each side, also for --win_stats; 0: none, and 50 for "
         "--win_stats",
         "N"},
        {DCPG_OPT_INT, "chunk_size", &w->chunk_size, "32768", 1, 1e9, "most sites of a file", "N"},

        {DCPG_OPT_GROUP, "messages", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_FLAG, "verbose", &s->verbose, NULL, 0, 0, "tell more: how each profile was read", NULL},
        {DCPG_OPT_STRING, "log_file", &s->log_file, NULL, 0, 0, "append messages to this file too", "FILE"},
        DCPG_CMD_STALL(&s->stall_timeout),
        DCPG_CMD_FORCE(&s->force),
        {0}};
    dcpg_command_line line = {
        "dcpg data --cpg_profiles FILE ... --dna_files FILE ... --out_file STORE | --out_dir DIR [options]",
        "Puts methylation profiles and the genome into one store, from which models are trained and "
        "evaluated, or writes DeepCpG data files of them, or both.",
        options, NULL};
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, help, err));
    if (*help && par->rank == 0) dcpg_options_help(&line, stdout);
    o->profiles = &s->profiles;
    o->dna_files = &s->dna_files;
    o->chromos = &s->chromos;
    o->bulk_profiles = &s->bulk_profiles;
    o->anno_files = &s->anno_files;
    o->cpg_stats = &s->cpg_stats;
    o->win_stats = &s->win_stats;
    o->win_stats_wlen = &s->win_stats_wlen;
    o->stats_wlen = w->cpg_wlen > 0 ? w->cpg_wlen : DCPG_STATS_WLEN;
    w->seed = o->seed;
    o->bedgraph_base = (int)s->bedgraph_base;
    bool listed = strcmp(s->sites, "observed") != 0;
    if (listed && o->pos_file)
        return dcpg_fail(err, DCPG_E_USAGE, "--sites and --pos_file both choose the sites: leave one out");
    o->every_cg = strcmp(s->sites, "all") == 0;
    if (listed && !o->every_cg) o->pos_file = s->sites;
    DCPG_TRY(dcpg_call_named(s->call, &o->call, err));
    if (s->max_memory && !dcpg_parse_size(s->max_memory, &o->max_memory))
        return dcpg_fail(err, DCPG_E_USAGE, "--max_memory %s: a size such as 8G or 500M", s->max_memory);
    if (*help) return DCPG_OK;
    if (o->append && !o->out_file)
        return dcpg_fail(err, DCPG_E_USAGE, "--append: name the store with --out_file");
    if (!o->out_file && !w->out_dir)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "say what to write: a store with --out_file, or DeepCpG data files with --out_dir");
    DCPG_TRY(dcpg_cmd_check_windows(w, err));
    if (!o->out_file) return DCPG_OK;
    DCPG_TRY(dcpg_check_output(o->out_file, &s->profiles, err));
    return dcpg_check_output(o->out_file, &s->dna_files, err);
}

/* DeepCpG data files of the store just made. Collective. */
static dcpg_status write_files_all(const settings *s, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    const dcpg_strings everywhere = {0};
    dcpg_strings files = {0};
    dcpg_cmd_named data = {0};
    dcpg_status status = dcpg_agree_all(par, dcpg_strings_add(&files, s->store.out_file, err), err);
    if (status == DCPG_OK) status = dcpg_cmd_named_open_all(&files, par, &data, err);
    if (status == DCPG_OK) status = dcpg_cmd_write_files_all(&s->windows, &data, &everywhere, log, err);
    dcpg_cmd_named_close(&data);
    dcpg_strings_free(&files);
    return status;
}

/* A name for a store that nobody asked to keep, the same on all ranks, in a folder of its own; makes both
 * directories. Collective. */
static dcpg_status name_store_all(const char *out_dir, const dcpg_par *par, char **folder, char **name,
                                  dcpg_err *err) {
    char *target = dcpg_format("%s/store", out_dir);
    dcpg_status status = target ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64);
    if (status == DCPG_OK && par->rank == 0) status = dcpg_make_dirs(out_dir, err);
    if (status == DCPG_OK && par->rank == 0) status = dcpg_temporary_folder(target, folder, err);
    dcpg_free(target);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    int64_t bytes = *folder ? (int64_t)strlen(*folder) + 1 : 0;
    dcpg_bcast_all(par, &bytes, sizeof bytes, 0);
    if (!*folder) *folder = dcpg_alloc((size_t)bytes, 1);
    DCPG_TRY(dcpg_agree_all(par, *folder ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64), err));
    dcpg_bcast_all(par, *folder, (size_t)bytes, 0);
    *name = dcpg_format("%s/store.h5", *folder);
    status = *name ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64);
    if (*name && par->rank == 0) status = dcpg_cleanup_add(*name, -1, err);
    return dcpg_agree_all(par, status, err);
}

static dcpg_status write_all(settings *s, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    char *folder = NULL, *passing = NULL;
    dcpg_status status =
        s->store.out_file ? DCPG_OK : name_store_all(s->windows.out_dir, par, &folder, &passing, err);
    if (passing) s->store.out_file = passing;
    if (status == DCPG_OK) status = dcpg_store_make_all(&s->store, par, log, err);
    if (status == DCPG_OK && s->windows.out_dir) status = write_files_all(s, par, log, err);
    if (par->rank == 0)
        dcpg_temporary_remove(folder);
    else
        dcpg_free(folder);
    if (passing) dcpg_cleanup_forget(passing);
    dcpg_free(passing);
    return status;
}

static dcpg_status make_all(settings *s, int argc, char **argv, const dcpg_par *par, dcpg_log *log,
                            dcpg_err *err) {
    char *command = dcpg_cmd_words(argc, argv);
    dcpg_status status =
        command ? DCPG_OK : dcpg_fail_nomem(err, "the command line", (unsigned long long)argc);
    status = dcpg_agree_all(par, status, err);
    s->store.command = command;
    if (status == DCPG_OK) status = write_all(s, par, log, err);
    dcpg_free(command);
    return status;
}

int dcpg_cmd_data(dcpg_par *par, int argc, char **argv) {
    double started = dcpg_now();
    settings s = {.windows = {.dna_wlen = -1}};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {.output = {{s.store.out_file, "--out_file", DCPG_CMD_STORE},
                                       {s.windows.out_dir, "--out_dir", DCPG_CMD_FOLDER}},
                            .input = {&s.profiles, &s.dna_files, &s.bulk_profiles, &s.anno_files},
                            .log_file = s.log_file,
                            .force = s.force || s.store.append, /* that is read, and must be a store */
                            .stall_timeout = s.stall_timeout,
                            .started = started,
                            .argc = argc,
                            .argv = argv};
        s.windows.force = s.force;
        dcpg_log_open(&log, par->rank, s.verbose ? DCPG_DEBUG : DCPG_INFO);
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = make_all(&s, argc, argv, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings *lists[] = {&s.profiles,   &s.dna_files, &s.chromos,   &s.bulk_profiles,
                             &s.anno_files, &s.cpg_stats, &s.win_stats, &s.win_stats_wlen};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
