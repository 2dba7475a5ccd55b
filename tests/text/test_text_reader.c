/* SPDX-License-Identifier: MIT */
/* Text comes out as gzip -dc would give it, whatever its line ends, and files of other kinds are named by
 * their first bytes. */
#include "cmocka_all.h"

#include "foreign.h"
#include "text/file_kind.h"
#include "text/text_reader.h"
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <zlib.h>

/* The bytes of a file to be written. */
typedef struct bytes {
    size_t n;
    char v[1 << 20];
} bytes;

static void add(bytes *b, const char *v, size_t n) {
    memcpy(b->v + b->n, v, n);
    b->n += n;
}

/* Appends a gzip stream of `text`; `extra` (a field of its header) may be NULL. */
static void add_gzip(bytes *b, const char *text, size_t n, const char *extra, unsigned extra_length) {
    z_stream z = {0};
    gz_header header = {.extra = (unsigned char *)(uintptr_t)extra, .extra_len = extra_length, .os = 3};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    if (extra) assert_int_equal(deflateSetHeader(&z, &header), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (unsigned)n;
    z.next_out = (unsigned char *)b->v + b->n;
    z.avail_out = (unsigned)(sizeof b->v - b->n);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    b->n = sizeof b->v - z.avail_out;
    deflateEnd(&z);
}

static const char end_marker[28] = "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0";

/* Appends two bgzip blocks, one for each half of `text`, without the end marker. */
static void add_blocks(bytes *b, const char *text, size_t n) {
    char block[BGZF_MAX_BLOCK_SIZE];
    for (int half = 0; half < 2; half++) {
        size_t length = sizeof block, at = half ? n / 2 : 0, end = half ? n : n / 2;
        assert_int_equal(bgzf_compress(block, &length, text + at, end - at, 6), 0);
        add(b, block, length);
    }
}

static const char *write_raw(const char *name, const char *v, size_t n) {
    const char *path = own_path(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(v, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* Reads all lines into one text, each ending in LF. */
static dcpg_status read_all(const char *path, bytes *text, unsigned *odd, dcpg_err *err) {
    dcpg_text_reader *reader = NULL;
    char *line = NULL;
    text->n = 0;
    DCPG_TRY(dcpg_text_open(path, &reader, err));
    dcpg_status status = dcpg_text_line(reader, &line, err);
    while (status == DCPG_OK && line) {
        add(text, line, strlen(line));
        add(text, "\n", 1);
        status = dcpg_text_line(reader, &line, err);
    }
    *odd = dcpg_text_odd(reader);
    dcpg_text_close(reader);
    return status;
}

static void expect_text(const bytes *file, const char *wanted, size_t n, unsigned odd) {
    static bytes text;
    unsigned found = 0;
    dcpg_err err = {0};
    const char *path = write_raw("t.gz", file->v, file->n);
    if (read_all(path, &text, &found, &err) != DCPG_OK) fail_msg("%s", err.text);
    assert_int_equal(text.n, n);
    assert_memory_equal(text.v, wanted, n);
    assert_int_equal(found, odd);
    unlink(path);
}

static void expect_fault(const bytes *file, const char *words) {
    static bytes text;
    unsigned odd = 0;
    dcpg_err err = {0};
    const char *path = write_raw("t.gz", file->v, file->n);
    assert_int_equal(read_all(path, &text, &odd, &err), DCPG_E_INPUT);
    if (!strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    unlink(path);
}

static char lines[60000];
static size_t nb_byte;

static int make_lines(void **state) {
    (void)state;
    for (int i = 0; nb_byte + 32 < sizeof lines; i++)
        nb_byte += (size_t)sprintf(lines + nb_byte, "1\t%d\t%d\n", i, i * i % 7);
    return 0;
}

/* Members in any order, as cat joins them. */
static void test_joined(void **state) {
    (void)state;
    static bytes file;
    size_t cut = nb_byte / 3;
    while (lines[cut - 1] != '\n') cut++;
    const char *rest = lines + cut;
    size_t nb_rest = nb_byte - cut;
    file.n = 0;
    add_gzip(&file, lines, cut, NULL, 0);
    add_gzip(&file, rest, nb_rest, NULL, 0);
    expect_text(&file, lines, nb_byte, 0);
    file.n = 0;
    add_gzip(&file, lines, cut, NULL, 0);
    add_blocks(&file, rest, nb_rest);
    add(&file, end_marker, sizeof end_marker);
    expect_text(&file, lines, nb_byte, 0);
    file.n -= sizeof end_marker;
    expect_text(&file, lines, nb_byte, DCPG_ODD_NO_END);
    file.n = 0;
    add_blocks(&file, lines, cut);
    add_gzip(&file, rest, nb_rest, NULL, 0);
    expect_text(&file, lines, nb_byte, 0);
    file.n = 0;
    add_blocks(&file, lines, cut);
    add(&file, end_marker, sizeof end_marker); /* in the middle */
    add_blocks(&file, rest, nb_rest);
    add(&file, end_marker, sizeof end_marker);
    expect_text(&file, lines, nb_byte, 0);
    file.n = 0;
    add(&file, end_marker, sizeof end_marker); /* and nothing else */
    expect_text(&file, "", 0, 0);
}

static void test_odd(void **state) {
    (void)state;
    static bytes file;
    static const char zeros[100000];
    file.n = 0;
    add_gzip(&file, lines, nb_byte, NULL, 0);
    size_t whole = file.n;
    add(&file, zeros, sizeof zeros);
    expect_text(&file, lines, nb_byte, DCPG_ODD_ZEROS);
    file.n = whole + 1;
    expect_text(&file, lines, nb_byte, DCPG_ODD_ZEROS);
    add_gzip(&file, "1\t9\t9\n", 6, NULL, 0); /* data after a gap is data */
    static bytes more;
    more.n = 0;
    add(&more, lines, nb_byte);
    add(&more, "1\t9\t9\n", 6);
    expect_text(&file, more.v, more.n, DCPG_ODD_ZEROS);
    file.n = whole;
    add(&file, "garbage", 7);
    expect_text(&file, lines, nb_byte, DCPG_ODD_TRAILING);
    file.n = whole;
    add(&file, "\x1f", 1);
    expect_text(&file, lines, nb_byte, DCPG_ODD_TRAILING);
    file.n = 0;
    add_gzip(&file, lines, nb_byte, "RAZF\1\x80", 6);
    add(&file, "\0\0\0\7index", 9);
    expect_text(&file, lines, nb_byte, DCPG_ODD_RAZF);
    file.n = 0;
    add_blocks(&file, lines, nb_byte);
    add(&file, zeros, 512);
    expect_text(&file, lines, nb_byte, DCPG_ODD_NO_END | DCPG_ODD_ZEROS);
}

/* A stream cut anywhere is refused; so is a bgzip block with other bytes in its place. */
static void test_faults(void **state) {
    (void)state;
    static bytes file;
    file.n = 0;
    add_gzip(&file, lines, nb_byte, NULL, 0);
    add_gzip(&file, lines, nb_byte, "XY\1\0a", 5);
    size_t whole = file.n;
    for (file.n = 2; file.n < whole; file.n += file.n < 40 || file.n + 40 > whole ? 1 : 997) {
        if (file.n == whole / 2) continue;
        static bytes text;
        unsigned odd = 0;
        dcpg_err err = {0};
        const char *path = write_raw("t.gz", file.v, file.n);
        dcpg_status status = read_all(path, &text, &odd, &err);
        bool second =
            status == DCPG_OK && text.n == nb_byte; /* cut after the first stream or in the next magic */
        if (!second && status != DCPG_E_INPUT) fail_msg("cut at %zu passes", file.n);
        if (!second) assert_non_null(strstr(err.text, "again"));
        unlink(path);
    }
    file.n = 0;
    add_blocks(&file, lines, nb_byte);
    size_t blocks = file.n;
    add(&file, "\0\0garbage", 9);
    expect_fault(&file, "damaged");
    file.n = blocks - 20;
    expect_fault(&file, "cut");
    file.n = blocks;
    file.v[blocks - 6] ^= 1; /* its checksum */
    expect_fault(&file, "damaged");
}

/* ---- lines ---- */

static void test_ends(void **state) {
    (void)state;
    static const char *const end[] = {"\n", "\r\n", "\r"};
    static bytes file, wanted;
    for (size_t shift = 0; shift < 3; shift++) {
        for (size_t k = 0; k < 3; k++) {
            file.n = wanted.n = 0;
            add(&file, "xxx", shift); /* moves the CR across the borders of blocks */
            add(&wanted, "xxx", shift);
            for (int i = 0; i < 40000; i++) {
                add(&file, "1\t5", 3);
                add(&wanted, "1\t5\n", 4);
                if (i < 39999 || shift != 1) add(&file, end[k], strlen(end[k]));
            }
            expect_text(&file, wanted.v, wanted.n, 0);
        }
    }
    static const char mixed[] = "a\rb\nc\r\nd\r\r\ne";
    file.n = 0;
    add(&file, mixed, sizeof mixed - 1);
    expect_text(&file, "a\nb\nc\nd\n\ne\n", 11, 0);
    file.n = 0;
    add(&file,
        "\xEF\xBB\xBF"
        "a\r",
        5);
    expect_text(&file, "a\n", 2, 0);
    file.n = 0;
    expect_text(&file, "", 0, 0);
}

/* ---- kinds ---- */

static void expect_kind(const char *v, size_t n, const char *words) {
    bool text = words == NULL;
    for (int packed = 0; packed < 2; packed++) {
        static bytes file;
        file.n = 0;
        if (packed)
            add_gzip(&file, v, n, NULL, 0);
        else
            add(&file, v, n);
        const char *path = write_raw("kind", file.v, file.n);
        dcpg_text_reader *reader = NULL;
        dcpg_err err = {0};
        dcpg_status status = dcpg_text_open_table(path, &reader, &err);
        if (text != (status == DCPG_OK)) fail_msg("%s: %s", words ? words : "text", err.text);
        if (!text && (!strstr(err.text, words) || !strstr(err.text, path) || strchr(err.text, '\n')))
            fail_msg("\"%s\" does not say \"%s\"", err.text, words);
        dcpg_text_close(reader);
        unlink(path);
    }
}

#define KIND(v, words) expect_kind(v, sizeof(v) - 1, words)

static void test_kinds(void **state) {
    (void)state;
    KIND("BZh91AY&SY", "bzip2 -d");
    KIND("\xfd"
         "7zXZ\0\0\4",
         "xz -d");
    KIND("\x28\xb5\x2f\xfd\4\0", "zstd -d");
    KIND("\x53\x2a\x4d\x18\4\0\0\0", "zstd -d");
    KIND("\x04\x22\x4d\x18"
         "d@",
         "lz4 -d");
    KIND("\x1f\x9d\x90", ".Z");
    KIND("PK\3\4\x14\0\0\0\x08\0aaaaaaaaaaaaaaaaaaa.tsv", "unzip");
    KIND("PK\3\4\x14\0\0\0\x08\0aaaaaaaaaaaaaaaaaaaxl/workbook.xml", "Excel");
    KIND("PK\3\4\x14\0\0\0\x08\0aaaaaaaaaaaaaaaaaaadata.npy", "NumPy");
    KIND("7z\xbc\xaf\x27\x1c\0\4", "7z x");
    KIND("\x87\x89\xf2\xeb\0\4", "bigBedToBed");
    KIND("\x43\x27\x41\x1a\0\0", "twoBitToFa");
    KIND("##fileformat=VCFv4.3\n##x\n", "biscuit vcf2bed");
    KIND("BCF\2\2", "bcftools view");
    KIND("BAM\1\0\0", "BAM");
    KIND("CRAM\3\0", "CRAM");
    KIND("NCBI.sra", "Sequence Read Archive");
    KIND("\x89HDF\r\n\x1a\n\0", "HDF5");
    KIND("\x93NUMPY\1\0", "NumPy");
    KIND("PAR1\x15\4", "Parquet");
    KIND("RDX3\nX\n", "R data");
    KIND("X\n\0\0\0\3", "saveRDS");
    KIND("%PDF-1.4\n", "PDF");
    KIND("\n<!DOCTYPE HTML PUBLIC>\n", "HTML");
    KIND("<?xml version='1.0'?>\n<Error/>", "download");
    KIND("\xff\xfe"
         "1\0\t\0",
         "iconv -f UTF-16");
    KIND("\xfe\xff\0"
         "1\0\t",
         "iconv -f UTF-16");
    KIND("\xff\xfe\0\0"
         "1\0\0\0",
         "UTF-32");
    KIND("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
    KIND("track type=wiggle_0\nfixedStep chrom=chr1 start=1 step=1\n1\n", "wiggle");
    KIND("variableStep chrom=chr1\n5 1\n", "wigToBigWig");
    KIND("#x\n>chr1\nACGT\n", "FASTA");
    KIND("@read/1\nACGTN\n+\nIIIII\n", "FASTQ");
    KIND("@HD\tVN:1.6\n", "SAM");
    KIND("##gff-version 3\n1\tx\tgene\n", "GFF");
    char tar[1024] = "cell.tsv";
    strcpy(tar + 100, "0000644");
    strcpy(tar + 124, "00000000011");
    unsigned sum = 8 * ' ';
    for (int i = 0; i < 512; i++) sum += (unsigned char)tar[i];
    sprintf(tar + 148, "%06o", sum);
    expect_kind(tar, sizeof tar, "tar -xf"); /* in the oldest form, without the word ustar */
    static bytes twice;
    twice.n = 0;
    add_gzip(&twice, lines, nb_byte, NULL, 0);
    static bytes file;
    file.n = 0;
    add_gzip(&file, twice.v, twice.n, NULL, 0);
    expect_fault(&file, "gzip twice");
    KIND("1\t5\t1\n", NULL);
    KIND("PAR1\t5\t1\n", NULL); /* names of chromosomes that begin as binary files do */
    KIND("CRAM\t5\t1\n", NULL);
    KIND("BZh\t5\t1\n", NULL);
    KIND("RDX\t5\t1\n", NULL);
    KIND("LZIP\t5\t1\n", NULL);
    KIND("track type=bedGraph\n1\t5\t6\t1\n", NULL);
    KIND("", NULL);
}

/* ---- files that are not regular ---- */

static void *write_pipe(void *path) {
    FILE *file = fopen(path, "w");
    if (!file) return NULL;
    fwrite(lines, 1, nb_byte, file);
    fclose(file);
    return NULL;
}

/* Opens late and writes even later, byte by byte. */
static void *write_late(void *path) {
    const struct timespec pause = {.tv_nsec = 150000000};
    nanosleep(&pause, NULL);
    FILE *file = fopen(path, "w");
    if (!file) return NULL;
    for (const char *c = "1\n"; *c; c++) {
        nanosleep(&pause, NULL);
        fputc(*c, file);
        fflush(file);
    }
    fclose(file);
    return NULL;
}

static void test_pipe(void **state) {
    (void)state;
    static bytes text;
    unsigned odd = 0;
    dcpg_err err = {0};
    char path[256];
    strcpy(path, own_path("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_pipe, path), 0);
    if (read_all(path, &text, &odd, &err) != DCPG_OK) fail_msg("%s", err.text);
    pthread_join(writer, NULL);
    assert_int_equal(text.n, nb_byte);
    assert_memory_equal(text.v, lines, nb_byte);
    assert_int_equal(pthread_create(&writer, NULL, write_late, path), 0);
    if (read_all(path, &text, &odd, &err) != DCPG_OK) fail_msg("%s", err.text);
    pthread_join(writer, NULL);
    assert_int_equal(text.n, 2);
    assert_memory_equal(text.v, "1\n", 2);
    unlink(path);
    dcpg_text_reader *reader = NULL;
    assert_int_equal(dcpg_text_open("/dev/null", &reader, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "is a device"));
    err = (dcpg_err){0};
    assert_int_equal(dcpg_text_open("/dev/fd/987", &reader, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "mpirun"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_joined), cmocka_unit_test(test_odd),
                                       cmocka_unit_test(test_faults), cmocka_unit_test(test_ends),
                                       cmocka_unit_test(test_kinds),  cmocka_unit_test(test_pipe)};
    return cmocka_run_group_tests(tests, make_lines, NULL);
}
