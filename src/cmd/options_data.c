/* SPDX-License-Identifier: MIT */
/* Options of `dcpg data`. */
#include "cmd/options_data.h"

#define TO(member) offsetof(data_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "files", .kind = DCPG_OPT_GROUP},
    {.name = "cpg_profiles",
     .kind = DCPG_OPT_LIST,
     .to = TO(profiles),
     .meaning = "FILE",
     .help = "methylation profiles, one cell each, named by the file's name up to the first '.'; "
             "plain, gzip or bgzip. Or one list of them: lines of name, tab, path (relative to the "
             "list). Or matrices of cells: folders of MethSCAn, or y.npz and pos.npz of CpG Transformer"},
    {.name = "profile_format",
     .kind = DCPG_OPT_STRING,
     .to = TO(store.profile_format),
     .initial = "auto",
     .meaning = "FORMAT",
     .help =
         "tsv (DeepCpG: chromosome, 1-based position, value in [0, 1]), bedgraph, percent "
         "(bedGraph of percentages, 0-based), cov (Bismark; also .zero.cov; MethylDackel), "
         "cpg_report (Bismark), allc (ALLCools, methylpy), bedmethyl (modkit, 18 columns, or "
         "older, 11), biscuit, bigwig; or columns by names of the header or by numbers, "
         "chrom=chr,pos=pos,meth=met_reads,total=reads, from chrom=, pos= (from 1) or start= "
         "(from 0), end=, strand=, context=, meth=, unmeth=, total=, percent=, fraction=, and "
         "base=0 or 1, sep=tab, comma, semicolon or space, header=LINES; or as in MethSCAn, "
         "chromosome:position:methylated:total (c) or unmethylated (u):separator:lines of header, "
         "for example 1:2:5:6c:tab:0; auto: recognised by the names of the columns and by what they hold"},
    {.name = "dna_files",
     .kind = DCPG_OPT_LIST,
     .to = TO(dna_files),
     .meaning = "FILE",
     .help = "the genome: FASTA files, plain or gzip, or directories of them, or X.npz of CpG "
             "Transformer (left out: no DNA models)"},
    {.name = "out_file",
     .kind = DCPG_OPT_STRING,
     .to = TO(store.out_file),
     .meaning = "FILE",
     .help = "store to write (HDF5)"},
    {.name = "append",
     .kind = DCPG_OPT_FLAG,
     .to = TO(store.append),
     .help = "add cells, bulk profiles, annotations and statistics to the store --out_file, which is "
             "replaced when all is written; sites are chosen, and the statistics it offers are "
             "computed, as when it was made; its genome is used where --dna_files is left out"},
    {.name = "out_dir",
     .kind = DCPG_OPT_STRING,
     .to = TO(windows.out_dir),
     .meaning = "DIR",
     .help = "write DeepCpG data files to this directory; without --out_file the store is kept there "
             "only as long as they are written"},

    {.name = "sites", .kind = DCPG_OPT_GROUP},
    {.name = "sites",
     .kind = DCPG_OPT_STRING,
     .to = TO(sites),
     .initial = "observed",
     .meaning = "observed|all|FILE",
     .help = "target sites: the positions observed in the profiles; all: every CG of the genome, on "
             "the chromosomes of --chromos, also those that no cell saw; or a FILE of lines of "
             "chromosome, position, or BED of CpGs, which is held against the genome as profiles are"},
    {.name = "pos_file",
     .kind = DCPG_OPT_STRING,
     .to = TO(store.pos_file),
     .meaning = "FILE",
     .help = "the same as --sites FILE"},
    {.name = "cpg_cov",
     .kind = DCPG_OPT_INT,
     .to = TO(store.cpg_cov),
     .initial = "1",
     .min = 1,
     .max = 1e9,
     .meaning = "N",
     .help = "a target site must be observed in at least N cells"},
    DCPG_CMD_OPT_CHROMOS(data_settings, chromos),
    {.name = "nb_sample_chromo",
     .kind = DCPG_OPT_INT,
     .to = TO(store.nb_sample_chromo),
     .initial = "0",
     .max = 1e12,
     .meaning = "N",
     .help = "keep N random target sites of each chromosome; neighbours stay (0: all)"},
    {.name = "nb_sample",
     .kind = DCPG_OPT_INT,
     .to = TO(store.nb_sample),
     .initial = "0",
     .max = 1e12,
     .meaning = "N",
     .help = "keep the first N target sites, after --nb_sample_chromo; neighbours stay (0: all)"},
    {.name = "seed",
     .kind = DCPG_OPT_INT,
     .to = TO(store.seed),
     .initial = "0",
     .min = -9e15,
     .max = 9e15,
     .meaning = "N",
     .help = "of the random sites, and of the bases that --out_dir writes in place of N"},

    {.name = "calls", .kind = DCPG_OPT_GROUP},
    {.name = "call",
     .kind = DCPG_OPT_STRING,
     .to = TO(call),
     .initial = "auto",
     .meaning = "RULE",
     .help = "how the reads of a CpG, of both strands, become its state. round: what most reads say, "
             "ties dropped; strict: only where all reads agree; fraction: the methylated share. Of "
             "files without counts the value is the share, but round leaves those of tsv as they are, "
             "and the values of two strands are averaged. auto: counts are rounded, values stay"},
    {.name = "ties",
     .kind = DCPG_OPT_STRING,
     .to = TO(ties),
     .initial = "drop",
     .meaning = "RULE",
     .help = "drop, or methylated: CpGs with as many methylated reads as others, where counts are "
             "rounded; the data sets of CpG Transformer have them as methylated"},
    {.name = "min_reads",
     .kind = DCPG_OPT_INT,
     .to = TO(store.min_reads),
     .initial = "1",
     .max = 1e9,
     .meaning = "N",
     .help = "drop CpGs with less than N reads"},
    {.name = "min_cg",
     .kind = DCPG_OPT_DOUBLE,
     .to = TO(store.min_cg),
     .initial = "90",
     .max = 100,
     .meaning = "PERCENT",
     .help = "refuse a profile of which less than this percentage of calls stands on a CG of the "
             "genome, on either strand, as it is or moved by one; other calls that miss are dropped"},
    {.name = "max_memory",
     .kind = DCPG_OPT_STRING,
     .to = TO(max_memory),
     .meaning = "SIZE",
     .help = "end where reading profiles takes a rank more memory than this, such as 8G (left out: no "
             "limit)"},
    {.name = "bedgraph_base",
     .kind = DCPG_OPT_INT,
     .to = TO(bedgraph_base),
     .initial = "-1",
     .min = -1,
     .max = 1,
     .meaning = "BASE",
     .help = "bedGraphs of fractions and folders of MethSCAn count from 0 or from 1, unless the genome shows "
             "the other (-1: "
             "only the genome tells)"},

    {.name = "more outputs and inputs", .kind = DCPG_OPT_GROUP},
    {.name = "bulk_profiles",
     .kind = DCPG_OPT_LIST,
     .to = TO(bulk_profiles),
     .meaning = "FILE",
     .help = "continuous profiles in any of the formats, recognised by their content: outputs bulk/<name>. "
             "They add no sites; values elsewhere are left out"},
    {.name = "anno_files",
     .kind = DCPG_OPT_LIST,
     .to = TO(anno_files),
     .meaning = "FILE",
     .help = "genomic annotations, BED files: a site is inside where start <= position <= end, with "
             "the numbers as they stand there"},
    {.name = "cpg_stats",
     .kind = DCPG_OPT_LIST,
     .to = TO(cpg_stats),
     .meaning = "NAME",
     .help = "statistics over the cells of a site, outputs cpg_stats/<name>: mean, mode, var, "
             "cat_var, cat2_var, entropy, diff, cov"},
    {.name = "cpg_stats_cov",
     .kind = DCPG_OPT_INT,
     .to = TO(store.cpg_stats_cov),
     .initial = "3",
     .max = 1e9,
     .meaning = "N",
     .help = "sites observed in fewer than N cells have no cpg_stats"},
    {.name = "win_stats",
     .kind = DCPG_OPT_LIST,
     .to = TO(win_stats),
     .meaning = "NAME",
     .help = "the same over the cells' means in a window around a site, outputs "
             "win_stats/<length>/<name>"},
    {.name = "win_stats_wlen",
     .kind = DCPG_OPT_LIST,
     .to = TO(win_stats_wlen),
     .initial = "1001 2001 3001 4001 5001",
     .meaning = "N",
     .help = "lengths of the windows in bp; only the --cpg_wlen nearest neighbours in a cell are "
             "looked at"},

    {.name = "DeepCpG data files (--out_dir)", .kind = DCPG_OPT_GROUP},
    {.name = "dna_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(windows.dna_wlen),
     .max = 1e6,
     .meaning = "BP",
     .help = "length of DNA windows, odd; 0: none (left out: 1001, or none without --dna_files)"},
    {.name = "cpg_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(windows.cpg_wlen),
     .initial = "50",
     .max = 1e6,
     .meaning = "N",
     .help = "neighbours per site and cell, half on each side, also for --win_stats; 0: none, and 50 "
             "for --win_stats"},
    DCPG_CMD_OPT_CHUNK_SIZE(data_settings, windows.chunk_size),

    {.name = "messages", .kind = DCPG_OPT_GROUP},
    {.name = "verbose",
     .kind = DCPG_OPT_FLAG,
     .to = TO(common.verbose),
     .help = "log more: how each profile was read"},
    DCPG_CMD_OPT_LOG_FILE(data_settings),
    DCPG_CMD_OPT_STALL(data_settings),
    DCPG_CMD_OPT_FORCE(data_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_data_syntax = {
    .usage = "dcpg data --cpg_profiles FILE ... --dna_files FILE ... --out_file STORE | --out_dir DIR "
             "[options]",
    .about = "Puts methylation profiles and the genome into one store, from which models are trained "
             "and evaluated, or writes DeepCpG data files of them, or both.",
    .options = options};
