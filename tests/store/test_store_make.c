/* SPDX-License-Identifier: MIT */
/* Stores made from files, by any number of ranks, return what the files hold; wrong input is refused, and
 * nothing is left behind. */
#include "cmocka_all.h"

#include "small_source.h"
#include <dcpg/store.h>
#include <dcpg/store_make.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static dcpg_par par;
static char folder[64]; /* of all files of this test */

/* A path in the folder; the last eight stay valid. */
static const char *in_folder(const char *name) {
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void empty_folder(void) {
    dcpg_barrier_all(&par);
    DIR *dir = par.rank == 0 ? opendir(folder) : NULL;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlink(in_folder(entry->d_name));
    }
    if (dir) closedir(dir);
    dcpg_barrier_all(&par);
}

/* Number of files whose name contains `word`. */
static int count_files(const char *word) {
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        n += strstr(entry->d_name, word) != NULL;
    closedir(dir);
    return n;
}

static void write_text(const char *name, const char *text) {
    if (par.rank == 0) {
        FILE *file = fopen(in_folder(name), "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
    }
    dcpg_barrier_all(&par);
}

/* ---- a data set as files ---- */

/* How a cell's file is written. */
typedef enum cell_style { TSV, BEDGRAPH_0, BEDGRAPH_1 } cell_style;

static void write_cell(const small_data *s, int cell, cell_style style, dcpg_strings *profiles) {
    char name[32];
    snprintf(name, sizeof name, "%s.%s", s->cell[cell], style == TSV ? "tsv" : "bedGraph");
    assert_int_equal(dcpg_strings_add(profiles, in_folder(name), NULL), DCPG_OK);
    if (par.rank > 0) return;
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    for (int k = 0; k < s->nb_chromo; k++) {
        int c = (k + cell) % s->nb_chromo; /* in any order */
        for (int64_t i = 0; i < s->length[c]; i++) {
            float v = small_value(s, cell, s->start[c] + i);
            int pos = (int)i + (style == BEDGRAPH_0 ? 0 : 1);
            if (isnan(v)) continue;
            if (style == TSV)
                fprintf(file, "%s%s\t%d\t%.9g\n", cell % 2 ? "chr" : "", s->chromo[c], pos, (double)v);
            else
                fprintf(file, "%s\t%d\t%d\t%.9g\n", s->chromo[c], pos, pos + 1, (double)v);
        }
    }
    fclose(file);
}

/* Writes each of the first chromosomes to a file of its own, the last two to one. */
static void write_genome(const small_data *s) {
    static const char upper[] = "ATGCN", lower[] = "atgcn";
    FILE *file = NULL;
    for (int c = 0; c < s->nb_chromo && par.rank == 0; c++) {
        char name[32];
        snprintf(name, sizeof name, "part%d.fa", c);
        if (c < s->nb_chromo - 1) file = fopen(in_folder(name), "w");
        assert_non_null(file);
        fprintf(file, ">chr%s and more", s->chromo[c]);
        for (int64_t i = 0; i < s->length[c]; i++) {
            uint8_t base = s->base[s->start[c] + i];
            fprintf(file, "%s%c", i % 60 ? "" : "\n", i % 7 ? upper[base] : lower[base]);
        }
        fputc('\n', file);
        if (c < s->nb_chromo - 2 || c == s->nb_chromo - 1) fclose(file);
    }
}

typedef struct files {
    dcpg_strings profiles, dna;
    dcpg_store_options options;
} files;

static void write_files(const small_data *s, cell_style style, files *f) {
    *f = (files){.options = {.cpg_cov = 1, .bedgraph_base = -1, .min_cg = 100, .command = "a test"}};
    empty_folder();
    for (int k = s->nb_cell - 1; k >= 0; k--)
        write_cell(s, k, style == TSV ? TSV : k % 2 ? BEDGRAPH_0 : BEDGRAPH_1, &f->profiles);
    write_genome(s);
    assert_int_equal(dcpg_strings_add(&f->dna, folder, NULL), DCPG_OK);
    f->options.profiles = &f->profiles;
    f->options.dna_files = &f->dna;
    f->options.out_file = dcpg_strdup(in_folder("out.h5"));
    dcpg_barrier_all(&par);
}

static void free_files(files *f) {
    dcpg_strings_free(&f->profiles);
    dcpg_strings_free(&f->dna);
    dcpg_free((void *)f->options.out_file);
}

/* Puts CG where a cell observes a position, and removes calls where that is impossible: right after another
 * CG, and on the last base. Every cell keeps at least one call. */
static void plant_cg(small_data *s) {
    for (int c = 0; c < s->nb_chromo; c++) {
        int64_t free_from = s->start[c];
        for (int64_t at = s->start[c]; at < s->start[c + 1]; at++) {
            if (!small_observed(s, at)) continue;
            if (at >= free_from && at + 1 < s->start[c + 1]) {
                s->base[at] = 3;
                s->base[at + 1] = 2;
                free_from = at + 2;
                continue;
            }
            for (int k = 0; k < s->nb_cell; k++) s->value[k * small_total(s) + at] = NAN;
        }
    }
    for (int k = 0; k < s->nb_cell; k++) {
        float *value = s->value + k * small_total(s);
        if (isnan(value[0])) value[0] = 1; /* a CG, as cell 0 observes it */
        s->binary[k] = true;
        for (int64_t i = 0; i < small_total(s); i++)
            s->binary[k] &= isnan(value[i]) || value[i] == 0 || value[i] == 1;
    }
}

static small_data random_data(uint64_t seed, bool targets) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, seed, 9);
    small_options o = {.nb_chromo = 2 + (int)dcpg_rng_below(&rng, 5),
                       .nb_cell = 2 + (int)dcpg_rng_below(&rng, 30),
                       .targets = targets};
    for (int c = 0; c < o.nb_chromo; c++)
        o.length[c] =
            c % 3 == 2 ? 1 + (int64_t)dcpg_rng_below(&rng, 3) : 200 + (int64_t)dcpg_rng_below(&rng, 900);
    o.nb_binary = (int)dcpg_rng_below(&rng, 3);
    if (seed % 4 == 0) o.nb_binary = 3; /* otherwise cell 3 would be an empty file */
    if (o.nb_cell < o.nb_binary) o.nb_cell = o.nb_binary;
    o.density = 0.2 + 0.6 * dcpg_rng_uniform(&rng);
    o.coverage = 0.3;
    small_data s = small_make(seed, &o);
    plant_cg(&s);
    return s;
}

/* Opens the store and compares all of it with the data. */
static void check_store(const small_data *s, const files *f, const bool *chosen, bool dna) {
    dcpg_store *store = NULL;
    dcpg_source *source = NULL;
    dcpg_err err = {0};
    small_must(dcpg_store_open_all(f->options.out_file, &par, &store, &err), &err);
    assert_int_equal(store->cells.n, s->nb_cell);
    assert_int_equal(store->has_dna, dna);
    for (int k = 0; k < s->nb_cell; k++) assert_int_equal(store->binary[k], s->binary[k]);
    dcpg_want want = {.dna_wlen = dna ? 25 : 0, .cpg_wlen = 6};
    small_must(dcpg_source_from_store_all(store, NULL, &want, &source, &err), &err);
    small_sites sites = small_list_sites(s, chosen);
    assert_int_equal(source->nb_site, sites.n);
    small_check_range(s, &sites, source, dcpg_part(sites.n, par.rank, par.size),
                      dcpg_part(sites.n, par.rank + 1, par.size), 1);
    small_check_range(s, &sites, source, 0, sites.n, 7);
    small_free_sites(&sites);
    dcpg_source_close(source);
    dcpg_store_free(store);
    assert_int_equal(count_files("tmp"), 0);
    dcpg_barrier_all(&par);
}

static const bool all_chromos[SMALL_MAX_CHROMO] = {true, true, true, true, true, true, true, true};

static void make(const files *f) {
    dcpg_err err = {0};
    small_must(dcpg_store_make_all(&f->options, &par, NULL, &err), &err);
}

static void test_profiles(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        small_data s = random_data(seed, false);
        files f;
        write_files(&s, TSV, &f);
        if (seed == 0) f.dna.n = 0;
        make(&f);
        if (seed == 0) f.dna.n = 1;
        check_store(&s, &f, all_chromos, seed != 0);
        free_files(&f);
        small_free(&s);
    }
}

/* Sites are seen in at least two cells; the other positions are still neighbours. */
static void test_coverage(void **state) {
    (void)state;
    small_data s = random_data(20, true);
    for (int64_t i = 0; i < small_total(&s); i++) {
        int n = 0;
        for (int k = 0; k < s.nb_cell; k++) n += !isnan(small_value(&s, k, i));
        s.target[i] = n >= 2;
    }
    files f;
    write_files(&s, TSV, &f);
    f.options.cpg_cov = 2;
    make(&f);
    check_store(&s, &f, all_chromos, true);
    free_files(&f);
    small_free(&s);
}

static void test_target_sites(void **state) {
    (void)state;
    small_data s = random_data(21, true);
    for (int64_t i = 0; i < small_total(&s); i++) /* sites are checked against the genome */
        s.target[i] = s.target[i] && i + 1 < small_total(&s) && s.base[i] == 3 && s.base[i + 1] == 2;
    for (int c = 0; c < s.nb_chromo; c++) s.target[s.start[c + 1] - 1] = false;
    files f;
    write_files(&s, TSV, &f);
    if (par.rank == 0) {
        FILE *file = fopen(in_folder("sites.txt"), "w");
        fputs("# sites\n\n", file);
        for (int c = 0; c < s.nb_chromo; c++) {
            for (int64_t i = s.length[c] - 1; i >= 0; i--) {
                if (s.target[s.start[c] + i]) fprintf(file, "%s\t%d\tmore\n", s.chromo[c], (int)i + 1);
                if (s.target[s.start[c] + i] && i % 3 == 0)
                    fprintf(file, "chr%s %d\n", s.chromo[c], (int)i + 1);
            }
        }
        fclose(file);
    }
    dcpg_barrier_all(&par);
    f.options.pos_file = in_folder("sites.txt");
    make(&f);
    check_store(&s, &f, all_chromos, true);
    free_files(&f);
    small_free(&s);
}

static void test_chromos(void **state) {
    (void)state;
    small_data s = random_data(4, false);
    files f;
    write_files(&s, TSV, &f);
    char *name = "chr10";
    f.options.chromos = &(dcpg_strings){&name, 1, 1};
    make(&f);
    check_store(&s, &f, (bool[SMALL_MAX_CHROMO]){false, true}, true);
    free_files(&f);
    small_free(&s);
}

/* ---- many cells: chunks of several cells, and more chunks than are written at a time ---- */

enum { MANY = 171, MANY_SITES = 125000 };

/* Value of cell k at site i (position 2i + 1), NAN where not observed; every tenth cell is not binary. */
static float many_value(int k, int64_t i) {
    if ((i + 37 * k) % 5003 != 0) return NAN;
    return k % 10 == 0 ? (float)(i % 9) / 8 : (float)(i % 2);
}

static void write_many(dcpg_strings *profiles) {
    for (int k = 0; k < MANY; k++) {
        char name[32];
        snprintf(name, sizeof name, "m%03d.tsv", k);
        assert_int_equal(dcpg_strings_add(profiles, in_folder(name), NULL), DCPG_OK);
        FILE *file = par.rank == 0 ? fopen(in_folder(name), "w") : NULL;
        for (int64_t i = 0; i < MANY_SITES && file; i++) {
            if (!isnan(many_value(k, i)))
                fprintf(file, "1\t%d\t%g\n", (int)(2 * i + 1), (double)many_value(k, i));
        }
        if (file) fclose(file);
    }
    FILE *file = par.rank == 0 ? fopen(in_folder("sites.txt"), "w") : NULL;
    for (int i = 0; i < MANY_SITES && file; i++) fprintf(file, "1\t%d\n", 2 * i + 1);
    if (file) fclose(file);
    dcpg_barrier_all(&par);
}

/* Checks the label of site i and its nearest neighbour on either side. */
static void check_many(const dcpg_batch *batch, int64_t i) {
    for (int k = 0; k < MANY; k++) {
        float wanted[4] = {k % 10 ? 0 : 0.5f, k % 10 ? 0 : 0.5f, 1, 1}, here = many_value(k, i);
        assert_true(batch->label[k] == (isnan(here) ? -1 : rintf(here)));
        for (int side = 0; side < 2; side++) {
            for (int64_t j = side ? i + 1 : i - 1; j >= 0 && j < MANY_SITES; j += side ? 1 : -1) {
                if (isnan(many_value(k, j))) continue;
                wanted[side] = many_value(k, j);
                wanted[2 + side] = (float)(2 * llabs(j - i) < 25000 ? 2 * llabs(j - i) : 25000) / 25000.0f;
                break;
            }
        }
        assert_memory_equal(wanted, batch->cpg + 4 * k, sizeof wanted);
    }
}

static void test_many_cells(void **state) {
    (void)state;
    dcpg_strings profiles = {0};
    dcpg_err err = {0};
    empty_folder();
    write_many(&profiles);
    const char *path = in_folder("many.h5");
    dcpg_store_options options = {.profiles = &profiles,
                                  .out_file = path,
                                  .cpg_cov = 1,
                                  .pos_file = in_folder("sites.txt"),
                                  .bedgraph_base = -1,
                                  .min_cg = 90};
    small_must(dcpg_store_make_all(&options, &par, NULL, &err), &err);
    dcpg_store *store = NULL;
    dcpg_source *source = NULL;
    dcpg_batch *batch = NULL;
    small_must(dcpg_store_open_all(path, &par, &store, &err), &err);
    assert_true(store->all_sites);
    assert_int_equal(store->nb_site, MANY_SITES);
    for (int k = 0; k < MANY; k++) assert_int_equal(store->binary[k], k % 10 != 0);
    small_must(dcpg_source_from_store_all(store, NULL, &(dcpg_want){.cpg_wlen = 2}, &source, &err), &err);
    int64_t first = dcpg_part(MANY_SITES, par.rank, par.size),
            end = dcpg_part(MANY_SITES, par.rank + 1, par.size);
    small_must(source->ops->load_all(source, first, end, &err), &err);
    small_must(dcpg_batch_new(source, 1, &batch, &err), &err);
    for (int64_t i = first; i < end; i++) {
        if (i % 1250 != 0 && i % 5003 != 0) continue; /* those at multiples of 5003 are observed in cell 0 */
        small_must(source->ops->fill(source, 1, &i, batch, &err), &err);
        check_many(batch, i);
    }
    dcpg_batch_free(batch);
    dcpg_source_close(source);
    dcpg_store_free(store);
    dcpg_strings_free(&profiles);
}

/* Keeps only calls on CG, so that the genome shows where positions start. */
static void keep_cg(small_data *s) {
    for (int c = 0; c < s->nb_chromo; c++) {
        for (int64_t at = s->start[c]; at < s->start[c + 1]; at++) {
            bool cg = at + 1 < s->start[c + 1] && s->base[at] == 3 && s->base[at + 1] == 2;
            for (int k = 0; k < s->nb_cell; k++) {
                float *v = &s->value[k * small_total(s) + at];
                *v = cg && (at + k) % 3 ? (float)((at ^ k) & 1) : NAN;
            }
        }
    }
    for (int k = 0; k < s->nb_cell; k++) s->binary[k] = true;
}

static void test_bedgraph(void **state) {
    (void)state;
    small_data s = random_data(5, false);
    keep_cg(&s);
    files f;
    write_files(&s, BEDGRAPH_0, &f); /* odd cells count from 0, even ones from 1 */
    make(&f);
    check_store(&s, &f, all_chromos, true);
    free_files(&f);
    small_free(&s);
}

/* ---- what is refused ---- */

/* Making the store must fail with a one-line message that contains `words`, and leave neither the store nor a
 * temporary file. */
static void expect_refused(const files *f, dcpg_status wanted, const char *words, const char *more) {
    dcpg_err err = {0};
    dcpg_status status = dcpg_store_make_all(&f->options, &par, NULL, &err);
    if (status != wanted) fail_msg("status %d, not %d: %s", status, wanted, err.text);
    if (!strstr(err.text, words) || !strstr(err.text, more))
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", err.text, words, more);
    dcpg_barrier_all(&par);
    assert_int_equal(count_files("out.h5"), 0);
    dcpg_barrier_all(&par);
}

/* The same with one more profile. */
static void expect_bad_profile(files *f, const char *text, const char *words) {
    write_text("bad.tsv", text);
    assert_int_equal(dcpg_strings_add(&f->profiles, in_folder("bad.tsv"), NULL), DCPG_OK);
    expect_refused(f, DCPG_E_INPUT, "bad.tsv", words);
    dcpg_free(f->profiles.v[--f->profiles.n]);
}

static void test_bad_profiles(void **state) {
    (void)state;
    small_data s = random_data(6, false);
    files f;
    write_files(&s, TSV, &f);
    expect_bad_profile(&f, "1\t1\t1\n1\tsix\t0\n", "line 2");
    expect_bad_profile(&f, "Q7\t5\t0\n", "no chromosome of it (Q7, say) is in the genome");
    char text[64];
    snprintf(text, sizeof text, "1\t1\t1\n1\t%d\t0\n", (int)s.length[0] + 5);
    expect_bad_profile(&f, text, "50.0 % of its 2 calls stand on a CG");
    write_text("a_bad.tsv", "1\tx\t1\n"); /* of two wrong files the first in the order of cells is reported,
                                             whichever rank reads it */
    assert_int_equal(dcpg_strings_add(&f.profiles, in_folder("a_bad.tsv"), NULL), DCPG_OK);
    write_text("bad.tsv", "1\tx\t1\n");
    assert_int_equal(dcpg_strings_add(&f.profiles, in_folder("bad.tsv"), NULL), DCPG_OK);
    expect_refused(&f, DCPG_E_INPUT, "a_bad.tsv", "");
    free_files(&f);
    small_free(&s);
}

static void test_bad_files(void **state) {
    (void)state;
    small_data s = random_data(7, false);
    files f;
    write_files(&s, TSV, &f);
    char *name = "nowhere", *out = (char *)f.options.out_file;

    assert_int_equal(dcpg_strings_add(&f.profiles, in_folder("../other/c01.bed"), NULL), DCPG_OK);
    expect_refused(&f, DCPG_E_INPUT, "c01.tsv", "both name the cell c01");
    dcpg_free(f.profiles.v[--f.profiles.n]);

    f.options.chromos = &(dcpg_strings){&name, 1, 1};
    expect_refused(&f, DCPG_E_INPUT, "--chromos nowhere: the genome has no such chromosome: it has", "chr1");
    write_text("extra.fa", ">chrextra\nACGACG\n");
    name = "extra";
    expect_refused(&f, DCPG_E_INPUT, "--chromos", "no profile holds a call");
    if (par.rank == 0) unlink(in_folder("extra.fa"));
    dcpg_barrier_all(&par);
    f.options.chromos = NULL;

    write_text("sites.txt", "Q7\t5\n");
    f.options.pos_file = in_folder("sites.txt");
    expect_refused(&f, DCPG_E_INPUT, "sites.txt", "chromosome Q7 is missing from the FASTA files");
    write_text("sites.txt", "1\t5\n1\tx\n");
    f.options.pos_file = in_folder("sites.txt");
    expect_refused(&f, DCPG_E_INPUT, "sites.txt: line 2", "'x' is no position");
    write_text("sites.txt", "1\t5\n1\t1000000\n");
    f.options.pos_file = in_folder("sites.txt");
    expect_refused(&f, DCPG_E_INPUT, "sites.txt: chromosome 1", "position 1000000 lies beyond its end");
    f.options.pos_file = NULL;

    f.options.cpg_cov = 1000;
    expect_refused(&f, DCPG_E_INPUT, "no site is left", "--cpg_cov");
    f.options.cpg_cov = 0;
    expect_refused(&f, DCPG_E_USAGE, "--cpg_cov 0", "");
    f.options.cpg_cov = 1;

    write_text("twice.fa", ">1\nACGT\n");
    expect_refused(&f, DCPG_E_INPUT, "part0.fa", "twice.fa: both hold chromosome 1");
    if (par.rank == 0) unlink(in_folder("twice.fa"));
    dcpg_barrier_all(&par);

    f.options.out_file = in_folder("none/out.h5");
    expect_refused(&f, DCPG_E_IO, "none/out.h5", "No such file");
    f.options.out_file = folder;
    expect_refused(&f, DCPG_E_IO, folder, "directory");
    f.options.out_file = out;
    make(&f); /* nothing else was wrong */
    free_files(&f);
    small_free(&s);
}

static void test_bad_bedgraphs(void **state) {
    (void)state;
    small_data s = random_data(5, false);
    keep_cg(&s);
    files f;
    write_files(&s, BEDGRAPH_0, &f);
    f.dna.n = 0; /* nothing shows where positions start */
    for (size_t i = 0; i < f.profiles.n; i++) assert_non_null(strstr(f.profiles.v[i], "bedGraph"));
    expect_refused(&f, DCPG_E_INPUT, "c00.bedGraph", "--bedgraph_base");
    f.options.bedgraph_base = 1;
    write_text("a_zero.bedGraph", "1\t0\t1\t1\n");
    assert_int_equal(dcpg_strings_add(&f.profiles, in_folder("a_zero.bedGraph"), NULL), DCPG_OK);
    expect_refused(&f, DCPG_E_INPUT, "a_zero.bedGraph: line 1", "--bedgraph_base 0");
    f.dna.n = 1;
    free_files(&f);
    small_free(&s);
}

/* Profiles of counts on both strands, named in a manifest, with calls that are not on CG and calls on contigs
 * that the genome lacks; the genome has contigs that the cells lack. */
static void test_manifest(void **state) {
    (void)state;
    small_data s = random_data(5, false);
    keep_cg(&s);
    files f;
    write_files(&s, TSV, &f);
    FILE *list = par.rank == 0 ? fopen(in_folder("cells.txt"), "w") : NULL;
    for (int k = 0; k < s.nb_cell && list; k++) {
        char name[64];
        snprintf(name, sizeof name, "x%d.cov", s.nb_cell - k);
        fprintf(list, "%s\t%s\n", s.cell[k], name);
        FILE *file = fopen(in_folder(name), "w");
        for (int c = 0; c < s.nb_chromo; c++) {
            for (int64_t i = 0; i < s.length[c]; i++) {
                float v = small_value(&s, k, s.start[c] + i);
                int pos = (int)i + 1, meth = v > 0;
                if (isnan(v)) continue;
                fprintf(file, "chr%s\t%d\t%d\t%d\t%d\t%d\n", s.chromo[c], pos, pos, 100 * meth, 2 * meth,
                        2 * !meth);
                if (i % 2)
                    fprintf(file, "chr%s\t%d\t%d\t%d\t%d\t%d\n", s.chromo[c], pos + 1, pos + 1, 100 * !meth,
                            !meth, meth); /* outvoted */
            }
        }
        fprintf(file, "chr1\t2000000\t2000000\t100\t1\t0\nchrUn\t5\t5\t100\t1\t0\n");
        fclose(file);
    }
    if (list) fclose(list);
    write_text("extra.fa", ">chrextra\nACGACG\n");
    dcpg_strings manifest = {0};
    assert_int_equal(dcpg_strings_add(&manifest, in_folder("cells.txt"), NULL), DCPG_OK);
    f.options.profiles = &manifest;
    f.options.min_cg = 50;
    make(&f);
    check_store(&s, &f, all_chromos, true);
    dcpg_strings_free(&manifest);
    free_files(&f);
    small_free(&s);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all ranks */
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) return 1;
    snprintf(folder, sizeof folder, "test_store_make_np%d", par.size);
    if (par.rank == 0) mkdir(folder, 0777);
    dcpg_barrier_all(&par);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles),      cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_target_sites),  cmocka_unit_test(test_chromos),
        cmocka_unit_test(test_bedgraph),      cmocka_unit_test(test_many_cells),
        cmocka_unit_test(test_bad_profiles),  cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_bad_bedgraphs), cmocka_unit_test(test_manifest),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    empty_folder();
    if (par.rank == 0) rmdir(folder);
    dcpg_par_close_all(&par);
    return failed;
}
