/* SPDX-License-Identifier: MIT */
/* Export: checks everything that will be written and what it would replace, then each rank writes its share
 * of the files. */
#include "analysis/export_impl.h"
#include "base/number.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <string.h>

static const export_format formats[] = {
    {"bedGraph", EXPORT_SPLIT, "chr", ".bedGraph.gz", .write = dcpg_export_write_bedgraph},
    {"bigWig", EXPORT_SPLIT | EXPORT_ORDER | EXPORT_LENGTHS, "genome", ".bw",
     .write = dcpg_export_write_bigwig, .usable = dcpg_export_check_bigwig},
    {"cov", EXPORT_CELLS | EXPORT_BESIDE, "genome", ".cov.gz", .write = dcpg_export_write_cov},
    {"allc", EXPORT_CELLS | EXPORT_BESIDE | EXPORT_ORDER | EXPORT_INDEX, "genome", ".allc.tsv.gz",
     .write = dcpg_export_write_allc},
    {"hdf", EXPORT_SPLIT, "", ".h5", .write = dcpg_export_write_hdf},
    {"tsv", EXPORT_SPLIT | EXPORT_ORDER | EXPORT_INDEX | EXPORT_ONE, "genome", "sites.tsv.gz",
     .write = dcpg_export_write_tsv},
    {"tsv", EXPORT_REGIONS | EXPORT_TOGETHER | EXPORT_CELLS | EXPORT_ORDER | EXPORT_INDEX | EXPORT_ONE,
     "genome", "regions.tsv.gz", .write = dcpg_export_write_regions_tsv},
    {"h5ad", EXPORT_REGIONS | EXPORT_TOGETHER | EXPORT_CELLS | EXPORT_ORDER | EXPORT_ONE, "genome",
     "regions.h5ad", .write = dcpg_export_write_h5ad},
    {"amethyst", EXPORT_CELLS | EXPORT_BESIDE | EXPORT_ORDER | EXPORT_ONE | EXPORT_TOGETHER, "genome",
     "amethyst.h5", .write = dcpg_export_write_amethyst, .check = dcpg_export_check_amethyst},
    {"methscan", EXPORT_CELLS | EXPORT_BESIDE | EXPORT_ORDER | EXPORT_ONE | EXPORT_TOGETHER, "genome",
     "run_info.txt", .write = dcpg_export_write_methscan, .usable = dcpg_export_methscan_usable,
     .check = dcpg_export_check_methscan},
};

enum { NB_FORMAT = sizeof formats / sizeof *formats };

static const char *const prefixes[] = {"genome", "ucsc", "ensembl"};

/* ---- options ---- */

static dcpg_status fail_format(const char *name, dcpg_err *err) {
    char known[160];
    size_t used = 0;
    for (int i = 0; i < NB_FORMAT; i++) {
        if (strcmp(formats[i].name, name) == 0)
            return dcpg_fail(
                err, DCPG_E_USAGE,
                formats[i].traits & EXPORT_REGIONS
                    ? "--format %s is by regions: name them with --regions, or bins with --bins"
                    : "--format %s is by sites: leave out --regions and --bins, or choose tsv or h5ad",
                name);
        if (i == 0 || strcmp(formats[i].name, formats[i - 1].name) != 0)
            used +=
                (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", formats[i].name);
    }
    return dcpg_fail(err, DCPG_E_USAGE, "--format %s: known are %s", name, known);
}

static dcpg_status find_format(export_run *run, dcpg_err *err) {
    const dcpg_export_options *o = run->options;
    bool regions = o->regions || o->bins > 0;
    for (int i = 0; i < NB_FORMAT; i++)
        if (strcmp(formats[i].name, o->format) == 0 && regions == ((formats[i].traits & EXPORT_REGIONS) != 0))
            run->format = &formats[i];
    if (!run->format) return fail_format(o->format, err);
    run->qualities = o->quality || o->min_quality > 0 || run->format->traits & EXPORT_BESIDE;
    run->traits = run->format->traits;
    if (run->qualities) run->traits |= EXPORT_CELLS | EXPORT_ORDER;
    if (o->groups) run->traits |= EXPORT_CELLS;
    if (o->index) run->traits |= EXPORT_INDEX | EXPORT_ORDER;
    if (o->observed_only) run->traits &= ~(unsigned)EXPORT_BESIDE;
    return DCPG_OK;
}

static dcpg_status check_options(export_run *run, dcpg_err *err) {
    const dcpg_export_options *o = run->options;
    bool known = !o->chromo_prefix, hdf = strcmp(o->format, "hdf") == 0;
    DCPG_TRY(find_format(run, err));
    if (run->format->usable) DCPG_TRY(run->format->usable(err));
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes && !known; i++)
        known = strcmp(prefixes[i], o->chromo_prefix) == 0;
    if (!known)
        return dcpg_fail(err, DCPG_E_USAGE, "--chromo_prefix %s: known are genome, ucsc and ensembl",
                         o->chromo_prefix);
    if (o->observed_only && o->imputed_only)
        return dcpg_fail(err, DCPG_E_USAGE, "--observed_only and --imputed_only leave nothing: choose one");
    if (o->unmethylated_to > o->methylated_from)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--unmethylated_to %g lies above --methylated_from %g: a call would be both",
                         o->unmethylated_to, o->methylated_from);
    if (o->quality && !hdf) return dcpg_fail(err, DCPG_E_USAGE, "--quality belongs to --format hdf");
    if (o->quality && o->groups)
        return dcpg_fail(err, DCPG_E_USAGE, "--quality is that of single cells: leave out --groups");
    if (o->regions && o->bins > 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--regions and --bins name two kinds of regions: choose one");
    if (o->index && strcmp(o->format, "bedGraph") != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--index belongs to --format bedGraph");
    if (o->one_based && o->index)
        return dcpg_fail(err, DCPG_E_USAGE, "--index needs starts that count from 0: leave out --one_based");
    return DCPG_OK;
}

/* ---- does the data file hold what the format needs? ---- */

/* Leaves only cells among the outputs. */
static dcpg_status keep_cells(const export_run *run, dcpg_strings *outputs, dcpg_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < outputs->n; i++) {
        char *output = outputs->v[i];
        int64_t classes = 0;
        if (dcpg_export_is_cell(output)) DCPG_TRY(dcpg_export_classes(&run->data, output, &classes, err));
        if (classes == 1)
            outputs->v[n++] = output;
        else
            dcpg_free(output);
    }
    outputs->n = n;
    if (n > 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: no cell (cpg/NAME) is among the outputs chosen, and --format %s with these options "
                     "writes cells only",
                     run->data.path, run->format->name);
}

static dcpg_status check_order(const export_run *run, dcpg_err *err) {
    if (!(run->traits & EXPORT_ORDER) || run->chromos.disorder < 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: row %" PRId64
                     " of pos: sites are not in order, which --format %s with these options "
                     "needs: evaluate a store made by dcpg data, or name DeepCpG data files in their order",
                     run->data.path, run->chromos.disorder, run->format->name);
}

static dcpg_status check_lengths(const export_run *run, dcpg_err *err) {
    for (size_t i = 0; i < run->chromos.nb_wanted && run->traits & EXPORT_LENGTHS; i++) {
        size_t k = run->chromos.order[i];
        const export_chromo *chromo = &run->chromos.v[k];
        const char *name = dcpg_export_chromo_name(&run->chromos, k);
        if (chromo->length == 0)
            return dcpg_fail(
                err, DCPG_E_INPUT,
                "%s: does not hold the length of chromosome %s, which --format %s needs: evaluate a "
                "store made with --dna_files, or choose bedGraph",
                run->data.path, name, run->format->name);
        if (chromo->last > chromo->length)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: damaged: position %" PRId32
                             " of chromosome %s lies beyond its end: evaluate "
                             "again",
                             run->data.path, chromo->last, name);
    }
    return DCPG_OK;
}

/* Counts the observed labels of the rows just read, on wanted chromosomes. */
static void count_observed(const export_run *run, export_count *count) {
    const export_numbers *v = &run->numbers;
    for (size_t k = 0; k < run->chromos.nb_wanted; k++) {
        const export_chromo *chromo = &run->chromos.v[run->chromos.order[k]];
        int64_t end = min_i64(chromo->end, v->first + v->n);
        for (int64_t row = max_i64(chromo->first, v->first); row < end; row++) {
            count->observed += v->label[row - v->first] >= 0;
            count->methylated += v->label[row - v->first] >= 0.5f;
        }
    }
}

/* Reads and checks the numbers of this rank's share of the outputs, before anything is written. */
static dcpg_status check_numbers(export_run *run, dcpg_err *err) {
    const dcpg_strings *outputs = &run->data.outputs;
    run->count = dcpg_alloc(outputs->n, sizeof *run->count);
    if (!run->count) return dcpg_fail_nomem(err, "outputs", outputs->n * sizeof *run->count);
    for (size_t o = (size_t)run->par->rank; o < outputs->n; o += (size_t)run->par->size) {
        for (int64_t first = 0; first < run->data.total; first += EXPORT_BLOCK) {
            dcpg_par_busy(run->par);
            run->numbers.first = first;
            run->numbers.n = min_i64(run->data.total - first, EXPORT_BLOCK);
            DCPG_TRY(dcpg_export_read_numbers(&run->data, outputs->v[o], &run->numbers, err));
            if (run->traits & EXPORT_REGIONS) count_observed(run, &run->count[o]);
        }
    }
    return DCPG_OK;
}

/* ---- all of it ---- */

static dcpg_status prepare(export_run *run, dcpg_err *err) {
    const dcpg_export_options *o = run->options;
    DCPG_TRY(check_options(run, err));
    DCPG_TRY(dcpg_export_data_open(o, &run->data, err));
    if (run->traits & EXPORT_CELLS) DCPG_TRY(keep_cells(run, &run->data.outputs, err));
    bool split = run->traits & EXPORT_SPLIT;
    DCPG_TRY(dcpg_export_columns_open(&run->data, o, split, &run->columns, run->log, err));
    DCPG_TRY(dcpg_export_check_files(run, err));
    const char *prefix = o->chromo_prefix ? o->chromo_prefix : run->format->prefix;
    DCPG_TRY(dcpg_export_chromos_open(&run->data, o, prefix, run->par, &run->chromos, err));
    DCPG_TRY(check_order(run, err));
    DCPG_TRY(check_lengths(run, err));
    if (run->format->check) DCPG_TRY(run->format->check(run, err));
    DCPG_TRY(dcpg_export_sites_open(run, err));
    return check_numbers(run, err);
}

static dcpg_status make_folder(const export_run *run, dcpg_err *err) {
    return run->par->rank == 0 ? dcpg_make_dirs(run->options->out_dir, err) : DCPG_OK;
}

static dcpg_status write_mine(export_run *run, dcpg_err *err) {
    size_t nb = dcpg_export_nb_part(run);
    if (run->traits & EXPORT_TOGETHER) return run->format->write(run, 0, err);
    for (size_t part = (size_t)run->par->rank; part < nb; part += (size_t)run->par->size) {
        if (!(run->traits & EXPORT_ONE)) dcpg_debug(run->log, "%s", run->columns.v[part].name);
        DCPG_TRY(run->format->write(run, part, err));
    }
    return DCPG_OK;
}

static void report(const export_run *run) {
    size_t n = run->data.outputs.n;
    int64_t total = run->data.total;
    char text[DCPG_LIST_TEXT];
    if (strcmp(run->format->prefix, "genome") == 0 && !run->chromos.named && !run->options->chromo_prefix)
        dcpg_warn(run->log,
                  "%s does not hold the names of the genome's chromosomes: they are written as %s; "
                  "--chromo_prefix ucsc or ensembl chooses others",
                  run->data.path, run->chromos.shown.n ? run->chromos.shown.v[0] : "in the file");
    dcpg_info(run->log, "%zu output%s of %" PRId64 " site%s written to %s: %s", n, n == 1 ? "" : "s", total,
              total == 1 ? "" : "s", run->options->out_dir, dcpg_strings_text(&run->data.outputs, text));
}

dcpg_status dcpg_export_all(const dcpg_export_options *options, const dcpg_par *par, dcpg_log *log,
                            dcpg_err *err) {
    export_run run = {.options = options, .par = par, .log = log};
    dcpg_status status = dcpg_agree_all(par, prepare(&run, err), err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, make_folder(&run, err), err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, write_mine(&run, err), err);
    if (status == DCPG_OK) report(&run);
    dcpg_free(run.count);
    dcpg_export_sites_close(&run);
    dcpg_export_chromos_close(&run.chromos);
    dcpg_export_columns_close(&run.columns);
    dcpg_export_data_close(&run.data);
    return status;
}
