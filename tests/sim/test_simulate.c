/* SPDX-License-Identifier: MIT */
/* The simulation as a whole: same seed, same bytes; cells and chromosomes do not depend on one another;
 * nothing is left behind where it fails. */
#include "cmocka_all.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <dcpg/simulate.h>
#include <dirent.h>
#include <omp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char work[] = "simulate_XXXXXX";

static const char *in_work(const char *name) {
    static char path[4][256];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", work, name);
    return path[next];
}

typedef struct run {
    dcpg_simulate_options options;
    dcpg_strings lengths, dna;
} run;

static void set_lengths(run *r, int n, const char *const length[]) {
    dcpg_err err = {0};
    dcpg_strings_free(&r->lengths);
    for (int i = 0; i < n; i++) assert_int_equal(dcpg_strings_add(&r->lengths, length[i], &err), DCPG_OK);
}

static void small(run *r) {
    *r = (run){.options = {.nb_chromo = 2,
                           .nb_cell = 3,
                           .nb_cluster = 2,
                           .seed = 1,
                           .coverage_min = .05,
                           .coverage_max = .4,
                           .noise = .02}};
    r->options.chromo_len = &r->lengths;
    r->options.dna_files = &r->dna;
    set_lengths(r, 1, (const char *[]){"150000"});
}

static void free_run(run *r) {
    dcpg_strings_free(&r->lengths);
    dcpg_strings_free(&r->dna);
}

static void simulate(run *r, const char *name) {
    dcpg_err err = {0};
    r->options.out_dir = in_work(name);
    dcpg_status status = dcpg_simulate(&r->options, NULL, &err);
    if (status != DCPG_OK) fail_msg("%s", err.text);
}

/* Number of names in a folder. */
static int count_entries(const char *folder) {
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    int n = -2;
    while (readdir(entries)) n++;
    closedir(entries);
    return n;
}

static char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is missing", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static bool same_bytes(const char *a, const char *b) {
    size_t size_a, size_b;
    char *bytes_a = read_all(a, &size_a), *bytes_b = read_all(b, &size_b);
    bool same = size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
    free(bytes_a);
    free(bytes_b);
    return same;
}

static void remove_tree(const char *folder) {
    DIR *entries = opendir(folder);
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        char path[600];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (dcpg_is_dir(path))
            remove_tree(path);
        else
            unlink(path);
    }
    closedir(entries);
    rmdir(folder);
}

static const char *const all_files[] = {"dna/Simus.SIM1.dna.chromosome.1.fa.gz",
                                        "dna/Simus.SIM1.dna.chromosome.2.fa.gz",
                                        "cpg/cl0_cell01.tsv.gz",
                                        "cpg/cl1_cell02.tsv.gz",
                                        "cpg/cl0_cell03.tsv.gz",
                                        "anno/islands.bed.gz",
                                        "anno/repeats.bed.gz",
                                        "truth/cells.tsv",
                                        "truth/motifs.tsv",
                                        "truth/motif_sites.tsv.gz",
                                        "truth/sites.tsv.gz",
                                        "truth/probs.tsv.gz",
                                        "truth/states.tsv.gz",
                                        "report.json"};
enum { NB_FILE = sizeof all_files / sizeof *all_files };

static bool same_runs(const char *a, const char *b) {
    bool same = true;
    for (int i = 0; i < NB_FILE; i++) {
        char path_a[256], path_b[256];
        snprintf(path_a, sizeof path_a, "%s/%s/%s", work, a, all_files[i]);
        snprintf(path_b, sizeof path_b, "%s/%s/%s", work, b, all_files[i]);
        same &= same_bytes(path_a, path_b);
    }
    return same;
}

static void test_same_seed(void **state) {
    (void)state;
    run r;
    small(&r);
    omp_set_num_threads(1);
    simulate(&r, "a");
    assert_int_equal(count_entries(in_work("a")), 5);
    assert_int_equal(count_entries(in_work("a/cpg")), 3);
    assert_int_equal(count_entries(in_work("a/truth")), 6);
    omp_set_num_threads(3);
    assert_int_equal(mkdir(in_work("b"), 0700), 0); /* an empty folder is taken */
    simulate(&r, "b");
    assert_true(same_runs("a", "b"));
    r.options.seed = 2;
    simulate(&r, "c");
    assert_false(same_bytes(in_work("a/dna/Simus.SIM1.dna.chromosome.1.fa.gz"),
                            in_work("c/dna/Simus.SIM1.dna.chromosome.1.fa.gz")));
    assert_false(same_bytes(in_work("a/cpg/cl0_cell01.tsv.gz"), in_work("c/cpg/cl0_cell01.tsv.gz")));
    r.options.no_cell_truth = true;
    simulate(&r, "d");
    assert_int_equal(count_entries(in_work("d/truth")), 4);
    assert_true(same_bytes(in_work("c/report.json"), in_work("d/report.json")));
    free_run(&r);
}

static void expect_same_calls(const dcpg_calls *a, const dcpg_calls *b) {
    assert_string_equal(a->chromo, b->chromo);
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->pos, b->pos, (size_t)a->n * sizeof *a->pos);
    assert_memory_equal(a->value, b->value, (size_t)a->n * sizeof *a->value);
}

static void test_cells_stand_alone(void **state) {
    (void)state;
    run r;
    dcpg_err err = {0};
    small(&r);
    simulate(&r, "few");
    r.options.nb_chromo = 3;
    r.options.nb_cell = 7;
    set_lengths(&r, 3, (const char *[]){"150000", "150000", "90000"});
    simulate(&r, "more");
    assert_int_equal(count_entries(in_work("more/cpg")), 7);
    for (int c = 1; c <= 2; c++) {
        char few[256], more[256];
        snprintf(few, sizeof few, "%s/few/dna/Simus.SIM1.dna.chromosome.%d.fa.gz", work, c);
        snprintf(more, sizeof more, "%s/more/dna/Simus.SIM1.dna.chromosome.%d.fa.gz", work, c);
        assert_true(same_bytes(few, more));
    }
    static const char *const cells[] = {"cl0_cell01", "cl1_cell02", "cl0_cell03"};
    for (int i = 0; i < 3; i++) {
        char few[256], more[256];
        snprintf(few, sizeof few, "%s/few/cpg/%s.tsv.gz", work, cells[i]);
        snprintf(more, sizeof more, "%s/more/cpg/%s.tsv.gz", work, cells[i]);
        dcpg_profile a, b;
        assert_int_equal(dcpg_profile_read(few, &a, &err), DCPG_OK);
        assert_int_equal(dcpg_profile_read(more, &b, &err), DCPG_OK);
        assert_string_equal(a.cell, cells[i]);
        assert_true(a.binary);
        assert_int_equal(a.nb_chromo, 2);
        assert_int_equal(b.nb_chromo, 3);
        for (int c = 0; c < 2; c++) expect_same_calls(&a.chromo[c], &b.chromo[c]);
        dcpg_profile_free(&a);
        dcpg_profile_free(&b);
    }
    free_run(&r);
}

/* A genome given as FASTA is kept as it is, and every call is on a CG of it. */
typedef struct given {
    const char *profile;
    int64_t nb_call;
} given;

static dcpg_status check_calls(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    given *g = context;
    dcpg_profile profile;
    DCPG_TRY(dcpg_profile_read(g->profile, &profile, err));
    for (int c = 0; c < profile.nb_chromo; c++) {
        const dcpg_calls *calls = &profile.chromo[c];
        if (strcmp(calls->chromo, sequence->chromo) != 0) continue;
        g->nb_call += calls->n;
        for (int64_t i = 0; i < calls->n; i++) {
            assert_int_equal(dcpg_base_at(sequence, calls->pos[i]), 3);
            assert_int_equal(dcpg_base_at(sequence, calls->pos[i] + 1), 2);
            assert_true(calls->value[i] == 0 || calls->value[i] == 1);
        }
    }
    dcpg_profile_free(&profile);
    return DCPG_OK;
}

static dcpg_status copy_md5(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    (void)err;
    strcat(context, sequence->md5);
    return DCPG_OK;
}

static void test_given_genome(void **state) {
    (void)state;
    run r;
    dcpg_err err = {0};
    small(&r);
    simulate(&r, "synthetic");
    given g = {.profile = in_work("synthetic/cpg/cl0_cell01.tsv.gz")};
    assert_int_equal(
        dcpg_fasta_read(in_work("synthetic/dna/Simus.SIM1.dna.chromosome.1.fa.gz"), check_calls, &g, &err),
        DCPG_OK);
    assert_true(g.nb_call > 20);

    assert_int_equal(dcpg_strings_add(&r.dna, in_work("synthetic/dna"), &err), DCPG_OK);
    simulate(&r, "given");
    for (int c = 1; c <= 2; c++) {
        char a[256], b[256], md5_a[64] = "", md5_b[64] = "";
        snprintf(a, sizeof a, "%s/synthetic/dna/Simus.SIM1.dna.chromosome.%d.fa.gz", work, c);
        snprintf(b, sizeof b, "%s/given/dna/Simus.SIM1.dna.chromosome.%d.fa.gz", work, c);
        assert_int_equal(dcpg_fasta_read(a, copy_md5, md5_a, &err), DCPG_OK);
        assert_int_equal(dcpg_fasta_read(b, copy_md5, md5_b, &err), DCPG_OK);
        assert_string_equal(md5_a, md5_b);
    }
    g = (given){.profile = in_work("given/cpg/cl1_cell02.tsv.gz")};
    assert_int_equal(
        dcpg_fasta_read(in_work("given/dna/Simus.SIM1.dna.chromosome.2.fa.gz"), check_calls, &g, &err),
        DCPG_OK);
    assert_true(g.nb_call > 20);

    /* A chromosome stays the same if the one before it is missing. */
    dcpg_strings_free(&r.dna);
    assert_int_equal(
        dcpg_strings_add(&r.dna, in_work("synthetic/dna/Simus.SIM1.dna.chromosome.2.fa.gz"), &err), DCPG_OK);
    simulate(&r, "second");
    dcpg_profile both, second;
    assert_int_equal(dcpg_profile_read(in_work("given/cpg/cl1_cell02.tsv.gz"), &both, &err), DCPG_OK);
    assert_int_equal(dcpg_profile_read(in_work("second/cpg/cl1_cell02.tsv.gz"), &second, &err), DCPG_OK);
    assert_int_equal(second.nb_chromo, 1);
    expect_same_calls(&both.chromo[1], &second.chromo[0]);
    dcpg_profile_free(&both);
    dcpg_profile_free(&second);
    free_run(&r);
}

/* The simulation must fail with `words` in its error and leave nothing behind. */
static void expect_error(run *r, dcpg_status expected, const char *words) {
    dcpg_err err = {0};
    int before = count_entries(work);
    r->options.out_dir = in_work("refused");
    dcpg_status status = dcpg_simulate(&r->options, NULL, &err);
    if (status != expected || !strstr(err.text, words))
        fail_msg("status %d: \"%s\" does not say \"%s\"", (int)status, err.text, words);
    assert_int_equal(count_entries(work), before);
    free_run(r);
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_refused(void **state) {
    (void)state;
    run r;
    small(&r);
    set_lengths(&r, 2, (const char *[]){"150000", "150000"});
    r.options.nb_chromo = 3;
    expect_error(&r, DCPG_E_USAGE, "--chromo_len gives 2 lengths for 3 chromosomes");
    small(&r);
    set_lengths(&r, 1, (const char *[]){"2e6"});
    expect_error(&r, DCPG_E_USAGE, "\"2e6\" is not a whole number");
    small(&r);
    set_lengths(&r, 1, (const char *[]){"100"});
    expect_error(&r, DCPG_E_USAGE, "from 20000 to 2147483646");
    small(&r);
    r.options.coverage_min = .5;
    expect_error(&r, DCPG_E_USAGE, "--coverage_min 0.5 and --coverage_max 0.4");
    small(&r);
    r.options.noise = .7;
    expect_error(&r, DCPG_E_USAGE, "--noise 0.7");
    small(&r);
    r.options.nb_cell = 0;
    expect_error(&r, DCPG_E_USAGE, "--nb_cell");
    small(&r);
    r.options.coverage_min = r.options.coverage_max = 1e-6;
    expect_error(&r, DCPG_E_USAGE, "raise --coverage_min");

    dcpg_err err = {0};
    small(&r);
    write_text(in_work("bad.fa"), ">1\nACGTACGT\nAC-GT\n");
    assert_int_equal(dcpg_strings_add(&r.dna, in_work("bad.fa"), &err), DCPG_OK);
    expect_error(&r, DCPG_E_INPUT, "line 3: '-'");
    small(&r);
    write_text(in_work("none.fa"), ">1\nAAAATTTT\n");
    assert_int_equal(dcpg_strings_add(&r.dna, in_work("none.fa"), &err), DCPG_OK);
    expect_error(&r, DCPG_E_INPUT, "holds no CG");
    small(&r);
    write_text(in_work("path.fa"), ">../../x\nACGT\n");
    assert_int_equal(dcpg_strings_add(&r.dna, in_work("path.fa"), &err), DCPG_OK);
    expect_error(&r, DCPG_E_INPUT, "rename it without '/'");
    small(&r);
    write_text(in_work("one.fa"), ">1\nACGT\n");
    for (int i = 0; i < 2; i++) assert_int_equal(dcpg_strings_add(&r.dna, in_work("one.fa"), &err), DCPG_OK);
    expect_error(&r, DCPG_E_INPUT, "sequence 1 stands in two of the FASTA files");
}

static void test_folder_in_use(void **state) {
    (void)state;
    run r;
    small(&r);
    assert_int_equal(mkdir(in_work("refused"), 0700), 0);
    write_text(in_work("refused/mine.txt"), "mine");
    expect_error(&r, DCPG_E_USAGE, "not empty");
    assert_int_equal(unlink(in_work("refused/mine.txt")), 0);
    assert_int_equal(rmdir(in_work("refused")), 0);
    small(&r);
    write_text(in_work("refused"), "a file");
    expect_error(&r, DCPG_E_IO, "Not a directory");
    assert_int_equal(unlink(in_work("refused")), 0);
}

/* As on a full disk: no file may grow beyond a given number of bytes. */
static void test_disk_full(void **state) {
    (void)state;
    static const rlim_t most[] = {
        0, 1000, 20000,
        60000}; /* the last one suffices for the genome and each cell, but not for the tables of all cells */
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        run r;
        dcpg_err err = {0};
        small(&r);
        r.options.nb_cell = 40;
        int entries = count_entries(work);
        r.options.out_dir = in_work("full");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){most[i], before.rlim_max}), 0);
        dcpg_status status = dcpg_simulate(&r.options, NULL, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status, DCPG_E_IO);
        assert_non_null(strstr(err.text, "cannot be written: File too large"));
        assert_int_equal(count_entries(work), entries);
        free_run(&r);
    }
}

static int make_work(void **state) {
    (void)state;
    return mkdtemp(work) ? 0 : -1;
}

static int drop_work(void **state) {
    (void)state;
    remove_tree(work);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed),     cmocka_unit_test(test_cells_stand_alone),
        cmocka_unit_test(test_given_genome),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_folder_in_use), cmocka_unit_test(test_disk_full),
    };
    return cmocka_run_group_tests(tests, make_work, drop_work);
}
