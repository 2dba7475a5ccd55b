/* SPDX-License-Identifier: MIT */
/* Reading FASTA: names, letters, line ends, limits, damage, folders; and a real genome with its profiles. */
#include "cmocka_all.h"

#include "foreign.h"
#include "genome/fasta.h"
#include <dcpg/compression.h>
#include <dcpg/genome.h>
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <dcpg/rng.h>
#include <sys/stat.h>

enum { MAX_SEQUENCE = 8 };

/* Sequences taken over from the reader. */
typedef struct taken {
    int n;
    dcpg_sequence sequence[MAX_SEQUENCE];
} taken;

static dcpg_status take(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    (void)err;
    taken *t = context;
    assert_in_range(t->n, 0, MAX_SEQUENCE - 1);
    t->sequence[t->n++] = *sequence;
    *sequence = (dcpg_sequence){0};
    return DCPG_OK;
}

static void drop(taken *t) {
    for (int i = 0; i < t->n; i++) dcpg_sequence_free(&t->sequence[i]);
    *t = (taken){0};
}

static dcpg_status read_text(const char *text, taken *t, dcpg_err *err) {
    const char *path = write_text("genome.fa", text);
    dcpg_status status = dcpg_fasta_read(path, take, t, err);
    unlink(path);
    return status;
}

static void expect_error(const char *text, const char *words) {
    taken t = {0};
    dcpg_err err = {0};
    assert_int_equal(read_text(text, &t, &err), DCPG_E_INPUT);
    if (!strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    assert_non_null(strstr(err.text, "genome.fa: "));
    drop(&t);
}

static void expect_bases(const dcpg_sequence *s, const char *bases) {
    assert_int_equal(s->length, strlen(bases));
    for (int64_t i = 0; i < s->length; i++)
        assert_int_equal(dcpg_base_at(s, i + 1), strchr("ATGCN", bases[i]) - "ATGCN");
    assert_int_equal(dcpg_base_at(s, 0), 4);
    assert_int_equal(dcpg_base_at(s, -5), 4);
    assert_int_equal(dcpg_base_at(s, s->length + 1), 4);
}

static void test_small(void **state) {
    (void)state;
    taken t = {0};
    dcpg_err err = {0};
    assert_int_equal(read_text("\n>chr1 first\nACGT\nacgtn\r\nRYN A\n\n>X\nNNG\n>MT|x\tmore\nT", &t, &err),
                     DCPG_OK);
    assert_int_equal(t.n, 3);
    assert_string_equal(t.sequence[0].chromo, "1");
    expect_bases(&t.sequence[0], "ACGTACGTNNNNA");
    assert_int_equal(t.sequence[0].nb_run, 1);
    assert_int_equal(t.sequence[0].run[0].start, 8);
    assert_int_equal(t.sequence[0].run[0].end, 12);
    assert_string_equal(t.sequence[0].md5, "15d8766b81bc6f57ec9b3a9ca44cf43f"); /* md5sum of ACGTACGTNRYNA */
    assert_string_equal(t.sequence[1].chromo, "X");
    expect_bases(&t.sequence[1], "NNG");
    assert_string_equal(t.sequence[2].chromo, "MT|X");
    expect_bases(&t.sequence[2], "T");
    assert_int_equal(t.sequence[2].nb_run, 0);
    drop(&t);
}

/* Every letter that stands for several bases, or for none in particular, counts as N; lines may end as on
 * Windows. */
static void test_letters(void **state) {
    (void)state;
    static const char others[] = "NRYSWKMBDHVUXnryswkmbdhvux";
    char text[64], letters[32];
    snprintf(text, sizeof text, ">chrUn_1\r\nA%sT\r\n", others);
    memset(letters, 'N', sizeof letters);
    letters[0] = 'A';
    strcpy(letters + sizeof others, "T");
    taken t = {0};
    dcpg_err err = {0};
    assert_int_equal(read_text(text, &t, &err), DCPG_OK);
    assert_string_equal(t.sequence[0].chromo, "UN_1");
    expect_bases(&t.sequence[0], letters);
    drop(&t);
}

static void test_errors(void **state) {
    (void)state;
    expect_error("", "holds no sequence");
    expect_error("ACGT\n", "line 1: a FASTA file starts with '>'");
    expect_error("\n\nhello\n>1\nA\n", "line 3: a FASTA file starts with '>'");
    expect_error(">1\nAC\nA-C\n", "line 3: '-'");
    expect_error(">1\nACGT*\n", "line 2: '*'");
    expect_error(">1\nAC\n1 ACGT\n", "line 3: '1'");
    expect_error(">1\nAC\n;comment\n", "line 3: ';'");
    expect_error(">1\nACJ\n", "line 2: 'J'");
    expect_error(">1\nAC\xC3\xA4\n", "line 2: ");
    expect_error("> 1\nAC\n", "line 1: '>' is followed by no name");
    expect_error(">1\nAC\n>\n", "line 3: '>' is followed by no name");
    expect_error(">1\nAC\n>2\n>3\nA\n", "line 3: sequence 2 holds no bases");
    expect_error(">1\nAC\n>2", "line 3: sequence 2 holds no bases");
    expect_error(">1\nAC\n>2\nA\n>1\nG\n",
                 "line 5: sequence 1 stands in this file twice, line 1 is the first");
    /* files joined although the last line of the first had no end */
    expect_error(">chr1\nAC\nGATT>chr2 more\nAC\n",
                 "line 3: '>chr2' stands in the middle of a line: the file before it had no line end");
    char name[400] = ">";
    memset(name + 1, 'n', 300);
    strcpy(name + 301, "\nACGT\n");
    expect_error(name, "line 1: the sequence's name is longer than 255 letters");

    taken t = {0};
    dcpg_err err = {0};
    static const char with_nul[] = ">1\nAC\nG\0T\n";
    const char *path = write_bytes("nul.fa", PLAIN, with_nul, sizeof with_nul - 1);
    assert_int_equal(dcpg_fasta_read(path, take, &t, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "line 3 holds a NUL byte"));
    unlink(path);
}

/* Lines may end with CR alone, and with all three line ends in one file. */
static void test_carriage_returns(void **state) {
    (void)state;
    taken t = {0};
    dcpg_err err = {0};
    assert_int_equal(read_text("\r\r>chr1 first\rACGT\rNN\r\r>chr2\r\nGG\r\nAA\r\n\n>3\nT\rT\nC\r", &t, &err),
                     DCPG_OK);
    assert_int_equal(t.n, 3);
    assert_string_equal(t.sequence[0].raw, "chr1");
    expect_bases(&t.sequence[0], "ACGTNN");
    assert_string_equal(t.sequence[1].raw, "chr2");
    expect_bases(&t.sequence[1], "GGAA");
    expect_bases(&t.sequence[2], "TTC");
    drop(&t);
    expect_error(">chr1\rAC\rA-C\r", "line 3: '-'");
    expect_error(">chr1\rAC\r>chr1\rA\r", "line 3: sequence chr1 stands in this file twice");
}

/* A sequence has as many bases as int32 positions reach, no more; the error names the line. Tested with a
 * smaller limit. */
static void test_too_long(void **state) {
    (void)state;
    taken t = {0};
    dcpg_err err = {0};
    unsigned odd;
    const char *path = write_text("genome.fa", ">chr1\nACGT\nACGT\n>chr2\nACGTACGT\nA \n");
    assert_int_equal(dcpg_fasta_read_within(path, 8, take, &t, &odd, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "genome.fa: line 6: sequence chr2 has more than 8 bases, the most"));
    assert_int_equal(t.n, 1);
    drop(&t);
    assert_int_equal(dcpg_fasta_read_within(path, 9, take, &t, &odd, &err), DCPG_OK);
    drop(&t);
    unlink(path);
    assert_int_equal(DCPG_MAX_LENGTH, INT32_MAX - 1);
}

/* Names are distinguished as written; their names in the store are decided for a genome as a whole. */
static void test_names(void **state) {
    (void)state;
    taken t = {0};
    dcpg_err err = {0};
    assert_int_equal(read_text(">chr1\nA\n>1\nC\n>chrM\nG\n>chrMT\nT\n", &t, &err), DCPG_OK);
    assert_int_equal(t.n, 4);
    assert_string_equal(t.sequence[2].raw, "chrM");
    assert_string_equal(t.sequence[2].chromo, "MT");
    drop(&t);
}

/* Letters of a made-up sequence, with runs of N and lower case. */
static char *make_letters(int64_t length, uint64_t seed) {
    char *letters = malloc((size_t)length + 1);
    dcpg_rng rng;
    dcpg_rng_start(&rng, seed, 0);
    bool other = false;
    for (int64_t i = 0; i < length; i++) {
        if (dcpg_rng_below(&rng, 50) == 0) other = !other;
        letters[i] = other ? "NNNNRyksWn"[dcpg_rng_below(&rng, 10)] : "ACGTacgt"[dcpg_rng_below(&rng, 8)];
    }
    letters[length] = '\0';
    return letters;
}

/* A FASTA text of two sequences of these letters: the first in lines of 60, the second all in one line. */
static char *make_fasta(const char *letters, int64_t length, size_t *bytes) {
    char *text = malloc((size_t)length * 3 + 100), *p = text;
    p += sprintf(p, ">chr1 dna:chromosome\n");
    for (int64_t i = 0; i < length; i += 60) p += sprintf(p, "%.60s\n", letters + i);
    p += sprintf(p, ">2\n%s\n", letters);
    *bytes = (size_t)(p - text);
    return text;
}

/* Line numbers count lines, not pieces of lines. */
static void test_line_after_long_line(void **state) {
    (void)state;
    enum { LENGTH = 1000000 };
    char *letters = make_letters(LENGTH, 3), *text = malloc(LENGTH + 100);
    int n = sprintf(text, ">1\n%s\nAC=GT\n", letters);
    taken t = {0};
    dcpg_err err = {0};
    const char *path = write_bytes("long.fa", BGZIP, text, (size_t)n);
    assert_int_equal(dcpg_fasta_read(path, take, &t, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "line 3: '='"));
    unlink(path);
    drop(&t);
    free(text);
    free(letters);
}

static void test_against_letters(void **state) {
    (void)state;
    enum { LENGTH = 2500003 };
    char *letters = make_letters(LENGTH, 1);
    size_t bytes;
    char *text = make_fasta(letters, LENGTH, &bytes);
    for (enum how how = PLAIN; how <= BGZIP; how++) {
        taken t = {0};
        dcpg_err err = {0};
        const char *path = write_bytes("genome.fa.gz", how, text, bytes);
        assert_int_equal(dcpg_fasta_read(path, take, &t, &err), DCPG_OK);
        assert_int_equal(t.n, 2);
        assert_string_equal(t.sequence[0].md5, t.sequence[1].md5);
        for (int k = 0; k < 2; k++) {
            const dcpg_sequence *s = &t.sequence[k];
            assert_int_equal(s->length, LENGTH);
            int64_t run = 0;
            for (int64_t i = 0; i < LENGTH; i++) {
                const char *found = strchr("AaTtGgCc", letters[i]);
                int code = found ? (int)(found - "AaTtGgCc") / 2 : 4;
                if (run < s->nb_run && s->run[run].end == i) run++;
                bool inside = run < s->nb_run && s->run[run].start <= i;
                if (inside != (code == 4) || (s->packed[i / 4] >> 2 * (i % 4) & 3) != code % 4)
                    fail_msg("base %d is wrong", (int)i);
                if (i % 101 == 0) assert_int_equal(dcpg_base_at(s, i + 1), code);
            }
            for (int64_t r = 1; r < s->nb_run; r++) assert_true(s->run[r - 1].end < s->run[r].start);
            assert_true(run + 1 >= s->nb_run);
        }
        drop(&t);
        unlink(path);
    }
    free(text);
    free(letters);
}

static void test_cut(void **state) {
    (void)state;
    static const long keep[] = {2, 10, 18, 5000, 100000, -1, -8, -28, -29, -1000};
    char *letters = make_letters(500000, 2);
    size_t bytes;
    char *text = make_fasta(letters, 500000, &bytes);
    for (enum how how = GZIP; how <= BGZIP; how++) {
        for (size_t k = 0; k < sizeof keep / sizeof *keep; k++) {
            taken t = {0};
            dcpg_err err = {0};
            const char *path = write_bytes("cut.fa.gz", how, text, bytes);
            cut_file(path, keep[k]);
            bool between = how == BGZIP && keep[k] == -28; /* only bgzip's end marker is missing */
            unsigned odd = 0;
            if (dcpg_fasta_read_odd(path, take, &t, &odd, &err) != (between ? DCPG_OK : DCPG_E_INPUT))
                fail_msg("%s cut at %ld: %s", how == GZIP ? "gzip" : "bgzip", keep[k], err.text);
            assert_int_equal(odd, between ? DCPG_ODD_NO_END : 0);
            if (!between) assert_non_null(strstr(err.text, "again"));
            unlink(path);
            drop(&t);
        }
    }
    free(text);
    free(letters);
}

static dcpg_status refuse(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    (void)context;
    return dcpg_fail(err, DCPG_E_INPUT, "not %s", sequence->chromo);
}

static void test_receiver_fails(void **state) {
    (void)state;
    dcpg_err err = {0};
    const char *path = write_text("genome.fa", ">1\nA\n>2\nC\n");
    assert_int_equal(dcpg_fasta_read(path, refuse, NULL, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "not 1");
    unlink(path);
}

/* The MD5 that md5sum computes of the sequence. */
static void test_real_genome(void **state) {
    (void)state;
    const char *path = shared_path("hs1/dna/Homo_sapiens.GRCh37.dna.chromosome.1.fa.gz");
    if (!path) {
        print_message("the shared human DNA is absent: skipped\n");
        skip();
    }
    taken t = {0};
    dcpg_err err = {0};
    assert_int_equal(dcpg_fasta_read(path, take, &t, &err), DCPG_OK);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.sequence[0].chromo, "1");
    assert_int_equal(t.sequence[0].length, 9876492);
    assert_string_equal(t.sequence[0].md5, "b6261ddb47dd9c8fc7e7daa8eb8a6c9e");
    drop(&t);

    /* Every call of the profiles that belong to it lies on a CG. */
    assert_int_equal(dcpg_fasta_read(path, take, &t, &err), DCPG_OK);
    dcpg_profile profile;
    path = shared_path("hs1/cpg/bulk_ENCSR156JXJ.tsv.gz");
    assert_non_null(path);
    assert_int_equal(dcpg_profile_read(path, &profile, &err), DCPG_OK);
    const dcpg_calls *calls = &profile.chromo[0];
    for (int64_t i = 0; i < calls->n; i++) {
        assert_int_equal(dcpg_base_at(&t.sequence[0], calls->pos[i]), 3);
        assert_int_equal(dcpg_base_at(&t.sequence[0], calls->pos[i] + 1), 2);
    }
    dcpg_profile_free(&profile);
    drop(&t);
}

static void test_list(void **state) {
    (void)state;
    static const char *const inside[] = {
        "b.fa.gz",     "a.fasta", "c.fna.bgz",   "x.txt",       "a.fasta.fai", ".d.fa",
        "b.fa.gz.gzi", "D.FA.GZ", "E.Fasta",     "genome.2bit", "g.fa.bz2",    "g.dict",
        "chr1.txt",    "F.fas",   "notes.md.xz", "calls.bz2",   "h.FNA.ZST",   "chromFa.tar.gz"};
    char folder[256], path[600];
    snprintf(folder, sizeof folder, "%s", own_path("folder"));
    assert_int_equal(mkdir(folder, 0700), 0);
    dcpg_strings words = {0}, files = {0}, notes = {0};
    dcpg_err err = {0};
    assert_int_equal(dcpg_strings_add(&words, folder, &err), DCPG_OK);
    assert_int_equal(dcpg_fasta_list(&words, &files, &notes, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "holds no FASTA file"));
    assert_null(strstr(err.text, "it holds"));
    err = (dcpg_err){0};
    snprintf(path, sizeof path, "%s/genome.2bit", folder);
    fclose(fopen(path, "w"));
    assert_int_equal(dcpg_fasta_list(&words, &files, &notes, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "; it holds genome.2bit (twoBitToFa makes FASTA of it)"));
    assert_int_equal(notes.n, 0);
    err = (dcpg_err){0};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, inside[i]);
        fclose(fopen(path, "w"));
    }
    snprintf(path, sizeof path, "%s/x.txt", folder); /* a file is taken whatever its name */
    assert_int_equal(dcpg_strings_add(&words, path, &err), DCPG_OK);
    assert_int_equal(dcpg_fasta_list(&words, &files, &notes, &err), DCPG_OK);
    static const char *const expected[] = {"D.FA.GZ", "E.Fasta",   "F.fas", "a.fasta",
                                           "b.fa.gz", "c.fna.bgz", "x.txt"};
    assert_int_equal(notes.n, 1); /* sequences that are skipped are named, indexes and other files are not */
    assert_non_null(strstr(
        notes.v[0], ": passed over: chromFa.tar.gz (tar xzf takes FASTA out of it), g.fa.bz2 (bunzip2 makes "
                    "FASTA of it), genome.2bit (twoBitToFa makes FASTA of it) and 1 more"));
    assert_int_equal(files.n, 7);
    for (size_t i = 0; i < 7; i++) assert_string_equal(dcpg_basename(files.v[i]), expected[i]);
    assert_int_equal(dcpg_strings_add(&words, "no/such", &err), DCPG_OK);
    assert_int_equal(dcpg_fasta_list(&words, &files, &notes, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "no/such: No such file or directory");
    dcpg_strings_free(&words);
    dcpg_strings_free(&files);
    dcpg_strings_free(&notes);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, inside[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_letters),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_carriage_returns),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_line_after_long_line),
        cmocka_unit_test(test_against_letters),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_receiver_fails),
        cmocka_unit_test(test_real_genome),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
