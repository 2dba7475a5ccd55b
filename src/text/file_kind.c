/* SPDX-License-Identifier: MIT */
/* Recognises files that are not tables of text by their first bytes, and names what converts them. */
#include "text/file_kind.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* A kind, and the bytes with which its files start. */
typedef struct row {
    size_t n;
    const char *magic;
    dcpg_file_kind kind;
} row;

#define MAGIC(bytes) sizeof(bytes) - 1, bytes

/* clang-format off: a table */
static const row rows[] = {
    {MAGIC("\x1f\x8b"), {"compressed with gzip twice", "decompress it once with gzip -d"}},
    {MAGIC("BZh"), {"compressed with bzip2", "decompress it with bzip2 -d"}},
    {MAGIC("\xfd"
           "7zXZ\0"),
     {"compressed with xz", "decompress it with xz -d"}},
    {MAGIC("\x5d\0\0"), {"compressed with lzma", "decompress it with xz -d --format=lzma"}},
    {MAGIC("LZIP\1"), {"compressed with lzip", "decompress it with lzip -d"}},
    {MAGIC("\x28\xb5\x2f\xfd"), {"compressed with zstd", "decompress it with zstd -d"}},
    {MAGIC("\x04\x22\x4d\x18"), {"compressed with lz4", "decompress it with lz4 -d"}},
    {MAGIC("\x02\x21\x4c\x18"), {"compressed with lz4", "decompress it with lz4 -d"}},
    {MAGIC("\xff\x06\0\0sNaPpY"), {"compressed with snappy", "decompress it with snzip -d"}},
    {MAGIC("\x89LZO\0\r\n\x1a\n"), {"compressed with lzop", "decompress it with lzop -d"}},
    {MAGIC("\x1f\x9d"), {"compressed with compress (.Z)", "decompress it with gzip -d"}},
    {MAGIC("\x1f\x1e"), {"compressed with pack (.z)", "decompress it with gzip -d"}},
    {MAGIC("\x1f\xa0"), {"compressed with compress -H", "decompress it with gzip -d"}},
    {MAGIC("7z\xbc\xaf\x27\x1c"), {"a 7z archive", "unpack it with 7z x, and give the files in it"}},
    {MAGIC("Rar!\x1a\x07"), {"a rar archive", "unpack it with unrar x, and give the files in it"}},
    {MAGIC("\xeb\xf2\x89\x87"), {"a bigBed", "bigBedToBed makes text of it"}},
    {MAGIC("\x87\x89\xf2\xeb"), {"a bigBed", "bigBedToBed makes text of it"}},
    {MAGIC("\x26\xfc\x8f\x88"), {"a bigWig", "bigWigToBedGraph makes text of it"}},
    {MAGIC("\x88\x8f\xfc\x26"), {"a bigWig", "bigWigToBedGraph makes text of it"}},
    {MAGIC("\x43\x27\x41\x1a"), {"a 2bit genome", "twoBitToFa makes FASTA of it"}},
    {MAGIC("\x1a\x41\x27\x43"), {"a 2bit genome", "twoBitToFa makes FASTA of it"}},
    {MAGIC("##fileformat=VCF"), {"a VCF", "of methylation biscuit vcf2bed makes a table"}},
    {MAGIC("BCF\2"), {"a BCF", "bcftools view makes VCF of it, and biscuit vcf2bed a table"}},
    {MAGIC("BCF\4"), {"an old BCF", "bcftools view makes VCF of it, and biscuit vcf2bed a table"}},
    {MAGIC("BAM\1"),
     {"a BAM of aligned reads", "call its methylation first (Bismark's extractor, MethylDackel extract)"}},
    {MAGIC("CRAM\2"), {"a CRAM of aligned reads", "call its methylation first (MethylDackel extract)"}},
    {MAGIC("CRAM\3"), {"a CRAM of aligned reads", "call its methylation first (MethylDackel extract)"}},
    {MAGIC("BAI\1"), {"the index of a BAM", "give the table itself"}},
    {MAGIC("TBI\1"), {"the index that tabix makes", "give the file without .tbi"}},
    {MAGIC("CSI\1"), {"the index that tabix makes", "give the file without .csi"}},
    {MAGIC("NCBI.sra"),
     {"a run of the Sequence Read Archive",
      "fasterq-dump gives its reads, which must be aligned and called first"}},
    {MAGIC("\x89HDF\r\n\x1a\n"),
     {"an HDF5 file (such as .h5, .h5ad, .loom)",
      "write its values as a table of chromosome, position, value"}},
    {MAGIC("\x93NUMPY"), {"an array of NumPy", "write it as text with numpy.savetxt"}},
    {MAGIC("PAR1\x15"),
     {"a Parquet file", "write it as text, as with pandas.read_parquet(...).to_csv(..., sep='\\t')"}},
    {MAGIC("ARROW1\0\0"),
     {"an Arrow or Feather file",
      "write it as text, as with pandas.read_feather(...).to_csv(..., sep='\\t')"}},
    {MAGIC("FEA1\0\0"),
     {"a Feather file", "write it as text, as with pandas.read_feather(...).to_csv(..., sep='\\t')"}},
    {MAGIC("X\n\0\0\0"), {"an R object (saveRDS)", "write it as text with write.table in R"}},
    {MAGIC("RDX2\n"), {"R data (save)", "write it as text with write.table in R"}},
    {MAGIC("RDX3\n"), {"R data (save)", "write it as text with write.table in R"}},
    {MAGIC("RDA2\n"), {"R data (save)", "write it as text with write.table in R"}},
    {MAGIC("RDA3\n"), {"R data (save)", "write it as text with write.table in R"}},
    {MAGIC("SQLite format 3\0"), {"an SQLite data base", "write its table as text"}},
    {MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
     {"an old Excel or Word file", "save it as tab-separated text"}},
    {MAGIC("{\\rtf"), {"a rich text document", "save it as plain text"}},
    {MAGIC("%PDF-"), {"a PDF", "give the data themselves"}},
    {MAGIC("%%MatrixMarket"),
     {"a sparse matrix of MatrixMarket", "write a table of chromosome, position, value for each cell"}},
    {MAGIC("version https://git-lfs"), {"a pointer of Git LFS", "git lfs pull fetches the file itself"}},
    {MAGIC("\xff\xfe\0\0"), {"text in UTF-32", "iconv -f UTF-32 -t UTF-8 converts it"}},
    {MAGIC("\0\0\xfe\xff"), {"text in UTF-32", "iconv -f UTF-32 -t UTF-8 converts it"}},
    {MAGIC("\xff\xfe"), {"text in UTF-16", "iconv -f UTF-16 -t UTF-8 converts it"}},
    {MAGIC("\xfe\xff"), {"text in UTF-16", "iconv -f UTF-16 -t UTF-8 converts it"}},
};
/* clang-format on */

static const row *find_row(const row *table, size_t nb_row, const char *bytes, size_t n) {
    for (size_t i = 0; i < nb_row; i++) {
        if (n >= table[i].n && memcmp(bytes, table[i].magic, table[i].n) == 0) return &table[i];
    }
    return NULL;
}

static bool holds(const char *bytes, size_t n, const char *word) {
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= n; i++) {
        if (memcmp(bytes + i, word, length) == 0) return true;
    }
    return false;
}

/* Many programs store their files as zip archives; the names of the members show which program it was. */
static const dcpg_file_kind *zip_kind(const char *bytes, size_t n) {
    static const dcpg_file_kind excel = {"an Excel workbook", "save it as tab-separated text"},
                                other = {"an office document", "save it as tab-separated text"},
                                numpy = {"a set of NumPy arrays (.npz)",
                                         "write a table of chromosome, position, value as text"},
                                zip = {"a zip archive", "unpack it with unzip, and give the files in it"};
    if (n < 4 || (memcmp(bytes, "PK\3\4", 4) != 0 && memcmp(bytes, "PK\5\6", 4) != 0)) return NULL;
    if (holds(bytes, n, ".npy")) return &numpy;
    if (holds(bytes, n, "xl/") || holds(bytes, n, "[Content_Types].xml")) return &excel;
    return holds(bytes, n, "mimetypeapplication/vnd.") ? &other : &zip;
}

/* The first block of a tar archive starts with a name and holds, in octal, the sum of all its bytes, where
 * those of the sum itself count as blanks. */
static bool is_tar(const char *bytes, size_t n) {
    enum { SUM = 148, SUM_LENGTH = 8, BLOCK = 512 };
    if (n < BLOCK || bytes[0] == '\0') return false;
    unsigned long sum = 0, stored = 0;
    int nb_digit = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= SUM && i < SUM + SUM_LENGTH ? ' ' : (unsigned char)bytes[i];
    for (size_t i = SUM; i < SUM + SUM_LENGTH && bytes[i]; i++) {
        if (bytes[i] == ' ') continue;
        if (bytes[i] < '0' || bytes[i] > '7') return false;
        stored = 8 * stored + (unsigned long)(bytes[i] - '0');
        nb_digit++;
    }
    return nb_digit > 0 && stored == sum;
}

/* A web page in place of the file, as servers send it with an error or a login form. */
static bool is_page(const char *bytes, size_t n) {
    static const char *const starts[] = {"<!doctype html", "<html", "<?xml", "<head", "<error"};
    while (n > 0 && isspace((unsigned char)*bytes)) {
        bytes++;
        n--;
    }
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (n >= strlen(starts[i]) && strncasecmp(bytes, starts[i], strlen(starts[i])) == 0) return true;
    }
    return false;
}

const dcpg_file_kind *dcpg_file_kind_of(const char *bytes, size_t n) {
    static const dcpg_file_kind tar = {"a tar archive", "unpack it with tar -xf, and give the files in it"},
                                page = {"a page of HTML or XML, such as a server sends instead of a file",
                                        "look at it, and download the file again"},
                                pickle = {"a Python pickle",
                                          "write its values as a table of chromosome, position, value"};
    const row *found = find_row(rows, sizeof rows / sizeof *rows, bytes, n);
    if (found && strcmp(found->magic, "BZh") == 0 && (n < 4 || bytes[3] < '1' || bytes[3] > '9'))
        found = NULL;
    if (found) return &found->kind;
    if (is_tar(bytes, n)) return &tar;
    if (is_page(bytes, n)) return &page;
    if (n >= 4 && (bytes[0] & 0xf0) == 0x50 &&
        memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0) /* a skippable frame */
        return dcpg_file_kind_of("\x28\xb5\x2f\xfd", 4);
    if (n >= 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5) return &pickle;
    return zip_kind(bytes, n);
}

/* ---- text ---- */

/* Length of the first line of rest[n] without its line end; moves `*rest` past the line and lowers `*n`. */
static size_t cut_line(const char **rest, size_t *n) {
    const char *end = memchr(*rest, '\n', *n);
    size_t whole = end ? (size_t)(end - *rest) + 1 : *n, length = whole - (end != NULL);
    if (length > 0 && (*rest)[length - 1] == '\r') length--;
    *rest += whole;
    *n -= whole;
    return length;
}

static bool starts(const char *line, size_t length, const char *word) {
    return length >= strlen(word) && strncmp(line, word, strlen(word)) == 0;
}

static const dcpg_file_kind *line_kind(const char *line, size_t length, const char *rest, size_t n) {
    static const dcpg_file_kind fasta = {"FASTA", "a genome is given with --dna_files"},
                                fastq = {"FASTQ, which holds reads",
                                         "align them and call their methylation first"},
                                sam = {"SAM, which holds aligned reads", "call their methylation first"},
                                wiggle = {"a wiggle (fixedStep, variableStep)",
                                          "wigToBigWig makes a bigWig of it, which is read"},
                                gff = {"GFF", "convert it to BED"},
                                reads = {"Bismark's calls of single reads",
                                         "bismark2bedGraph makes the .cov of it that is read"};
    if (starts(line, length, "fixedStep") || starts(line, length, "variableStep")) return &wiggle;
    if (starts(line, length, "##gff-version")) return &gff;
    if (starts(line, length, "Bismark methylation extractor")) return &reads;
    if (line[0] == '>') return &fasta;
    if (line[0] != '@') return NULL;
    if (length > 3 && line[3] == '\t' && isupper((unsigned char)line[1]) && isupper((unsigned char)line[2]))
        return &sam;
    const char *bases = rest;
    size_t nb_base = cut_line(&rest, &n), same = 0;
    while (same < nb_base && strchr("ACGTNacgtn", bases[same])) same++;
    return nb_base > 0 && same == nb_base ? &fastq : NULL;
}

const dcpg_file_kind *dcpg_text_kind_of(const char *bytes, size_t n) {
    while (n > 0) {
        const char *line = bytes;
        size_t length = cut_line(&bytes, &n);
        if (length == 0) continue;
        const dcpg_file_kind *kind = line_kind(line, length, bytes, n);
        bool skipped = line[0] == '#' || starts(line, length, "track") || starts(line, length, "browser");
        if (kind || !skipped) return kind;
    }
    return NULL;
}
