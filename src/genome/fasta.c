/* SPDX-License-Identifier: MIT */
/* Reads FASTA files, packing their sequences on the way. */
#include "genome/fasta.h"
#include "base/number.h"
#include "npz/npz.h"
#include "text/text_reader.h"
#include <dcpg/genome.h>
#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <htslib/hts.h>
#include <inttypes.h>
#include <string.h>

/* Class of a byte in a sequence: the code of a base, 0 to 3, or one of these. */
enum { OTHER_BASE = 4, BLANK = 5 };

/* 1 + class; 0 for bytes that may not occur in a sequence. */
#define BOTH(upper, lower, class) [upper] = (class) + 1, [lower] = (class) + 1
static const uint8_t class_plus_1[256] = {
    BOTH('A', 'a', 0),
    BOTH('T', 't', 1),
    BOTH('G', 'g', 2),
    BOTH('C', 'c', 3),
    /* letters for any or several bases (IUPAC), and for masked ones */
    BOTH('N', 'n', 4),
    BOTH('R', 'r', 4),
    BOTH('Y', 'y', 4),
    BOTH('S', 's', 4),
    BOTH('W', 'w', 4),
    BOTH('K', 'k', 4),
    BOTH('M', 'm', 4),
    BOTH('B', 'b', 4),
    BOTH('D', 'd', 4),
    BOTH('H', 'h', 4),
    BOTH('V', 'v', 4),
    BOTH('U', 'u', 4),
    BOTH('X', 'x', 4),
    [' '] = BLANK + 1,
    ['\t'] = BLANK + 1,
    ['\r'] = BLANK + 1,
};

typedef struct fasta {
    const char *path;
    dcpg_text_reader *text; /* NULL: the file is an npz */
    dcpg_sequence_fn *each;
    void *context;
    int64_t max_length;
    dcpg_map names;         /* seen in this file, as written there: the line of each header */
    dcpg_sequence sequence; /* being read; chromo NULL: none yet */
    size_t capacity;        /* bytes allocated for sequence.packed */
    int64_t header;         /* line of the sequence's header */
    hts_md5_context *md5;
    char name[DCPG_CHROMO_MAX + 1]; /* raw, while its header line is read */
    size_t name_length;
    bool in_header, name_ended;
} fasta;

int dcpg_base_at(const dcpg_sequence *sequence, int64_t pos) {
    int64_t i = pos - 1;
    if (i < 0 || i >= sequence->length) return 4;
    int64_t low = 0, high = sequence->nb_run; /* runs before `low` end at or before i */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sequence->run[middle].end <= i) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < sequence->nb_run && sequence->run[low].start <= i) return 4;
    return sequence->packed[i / 4] >> 2 * (i % 4) & 3;
}

void dcpg_sequence_free(dcpg_sequence *sequence) {
    dcpg_free(sequence->chromo);
    dcpg_free(sequence->raw);
    dcpg_free(sequence->packed);
    dcpg_free(sequence->run);
    *sequence = (dcpg_sequence){0};
}

static dcpg_status add_run(dcpg_sequence *s, int64_t start, dcpg_err *err) {
    if (s->nb_run == s->run_capacity) {
        int64_t capacity = s->run_capacity ? 2 * s->run_capacity : 16;
        dcpg_run_n *grown = dcpg_realloc(s->run, (size_t)s->nb_run, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "runs of N", (size_t)capacity * sizeof *grown);
        s->run = grown;
        s->run_capacity = capacity;
    }
    s->run[s->nb_run++] = (dcpg_run_n){start, start + 1};
    return DCPG_OK;
}

/* Notes that base i is not A, C, G or T. */
static dcpg_status add_other(dcpg_sequence *s, int64_t i, dcpg_err *err) {
    if (s->nb_run == 0 || s->run[s->nb_run - 1].end < i) return add_run(s, i, err);
    s->run[s->nb_run - 1].end++;
    return DCPG_OK;
}

/* The line that is read; of an npz, the number of the array. */
static int64_t line_of(const fasta *f) { return f->text ? dcpg_text_line_number(f->text) : f->header; }

/* text[length]: the rest of the piece, starting with the wrong letter. */
static dcpg_status fail_letter(const fasta *f, const char *text, size_t length, dcpg_err *err) {
    int word = 0;
    while (word < 40 && (size_t)word < length && (unsigned char)text[word] > ' ') word++;
    if (*text == '>')
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64
                         ": '%.*s' stands in the middle of a line: the file before it had no line end: put "
                         "one there (awk 1 *.fa joins files so that each ends its last line)",
                         f->path, line_of(f), word, text);
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: line %" PRId64
        ": '%c' (byte %d) is no base: a FASTA file holds header lines that start with '>' and bases",
        f->path, line_of(f), *text, (unsigned char)*text);
}

static dcpg_status fail_length(const fasta *f, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64 ": sequence %s has more than %" PRId64
                     " bases, the most that a chromosome may have: cut it into pieces, here and in the "
                     "profiles, or leave it out",
                     f->path, line_of(f), f->name, f->max_length);
}

static dcpg_status reserve(fasta *f, size_t more, dcpg_err *err) {
    size_t need = (size_t)f->sequence.length / 4 + more / 4 + 2;
    if (need <= f->capacity) return DCPG_OK;
    size_t capacity = max_size(need, 2 * f->capacity);
    uint8_t *grown = dcpg_realloc(f->sequence.packed, f->capacity, capacity, 1);
    if (!grown) return dcpg_fail_nomem(err, "a chromosome", capacity);
    f->sequence.packed = grown;
    f->capacity = capacity;
    return DCPG_OK;
}

/* Appends a piece of a line of bases. */
static dcpg_status add_bases(fasta *f, const char *text, size_t length, dcpg_err *err) {
    char upper[4096];
    dcpg_sequence *s = &f->sequence;
    DCPG_TRY(reserve(f, length, err));
    while (length > 0) {
        size_t part = length < sizeof upper ? length : sizeof upper, n = 0;
        for (size_t i = 0; i < part; i++) {
            int class = class_plus_1[(unsigned char)text[i]] - 1;
            if (class < 0) return fail_letter(f, text + i, length - i, err);
            if (class == BLANK) continue;
            if (s->length == f->max_length) return fail_length(f, err);
            int64_t at = s->length++;
            upper[n++] = (char)(text[i] & 0xDF); /* upper case in ASCII */
            if (class == OTHER_BASE) {
                DCPG_TRY(add_other(s, at, err));
            } else {
                s->packed[at / 4] |= (uint8_t)(class << 2 * (at % 4));
            }
        }
        hts_md5_update(f->md5, upper, (unsigned long)n);
        text += part;
        length -= part;
    }
    return DCPG_OK;
}

/* Passes the sequence that just ended to `each`. */
static dcpg_status finish_sequence(fasta *f, dcpg_err *err) {
    dcpg_sequence *s = &f->sequence;
    if (!s->chromo) return DCPG_OK;
    if (s->length == 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64 ": sequence %s holds no bases: the file may be cut", f->path,
                         f->header, s->chromo);
    }
    unsigned char digest[16];
    hts_md5_final(digest, f->md5);
    hts_md5_hex(s->md5, digest);
    size_t bytes = (size_t)(s->length + 3) / 4;
    uint8_t *fitted = dcpg_realloc(s->packed, bytes, bytes, 1);
    if (fitted) s->packed = fitted;
    dcpg_status status = f->each(f->context, s, err);
    dcpg_sequence_free(s);
    f->capacity = 0;
    return status;
}

static dcpg_status start_sequence(fasta *f, dcpg_err *err) {
    const char *path = f->path;
    f->in_header = false;
    if (f->name_length == 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64
                         ": '>' is followed by no name: write the chromosome's name there",
                         path, f->header);
    f->name[f->name_length] = '\0';
    int64_t before = dcpg_map_get(&f->names, f->name, 0);
    if (before > 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64 ": sequence %s stands in this file twice, line %" PRId64
                         " is the first: keep one",
                         path, f->header, f->name, before);
    }
    f->sequence.chromo = dcpg_chromo_name(f->name);
    f->sequence.raw = dcpg_strdup(f->name);
    if (!f->sequence.chromo || !f->sequence.raw)
        return dcpg_fail_nomem(err, "a chromosome's name", f->name_length);
    hts_md5_reset(f->md5);
    return dcpg_map_set(&f->names, f->name, f->header, err);
}

/* The name is the first word of a header line. */
static dcpg_status read_header(fasta *f, const dcpg_text_piece *piece, dcpg_err *err) {
    for (size_t i = 0; i < piece->length && !f->name_ended; i++) {
        char c = piece->text[i];
        f->name_ended = c == ' ' || c == '\t' || c == '\r';
        if (f->name_ended) break;
        if ((unsigned char)c < ' ' || c == 0x7f) {
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: line %" PRId64 ": the sequence's name holds a control character: write it "
                             "as plain text",
                             f->path, f->header);
        }
        if (f->name_length + 1 == sizeof f->name) {
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: line %" PRId64 ": the sequence's name is longer than 255 letters", f->path,
                             f->header);
        }
        f->name[f->name_length++] = c;
    }
    return DCPG_OK;
}

static dcpg_status read_piece(fasta *f, dcpg_text_piece piece, dcpg_err *err) {
    if (piece.first && f->in_header) DCPG_TRY(start_sequence(f, err));
    if (piece.first && piece.length > 0 && piece.text[0] == '>') {
        DCPG_TRY(finish_sequence(f, err));
        f->in_header = true;
        f->name_ended = false;
        f->name_length = 0;
        f->header = line_of(f);
        piece.text++;
        piece.length--;
    }
    if (f->in_header) return read_header(f, &piece, err);
    if (f->sequence.chromo) return add_bases(f, piece.text, piece.length, err);
    if (strspn(piece.text, " \t\r\n") >= piece.length) return DCPG_OK; /* blank lines at the top */
    return dcpg_fail(err, DCPG_E_INPUT, "%s: line %" PRId64 ": a FASTA file starts with '>' and a name",
                     f->path, line_of(f));
}

static dcpg_status read_pieces(fasta *f, dcpg_err *err) {
    dcpg_text_piece piece;
    DCPG_TRY(dcpg_text_next(f->text, &piece, err));
    while (piece.text) {
        DCPG_TRY(read_piece(f, piece, err));
        DCPG_TRY(dcpg_text_next(f->text, &piece, err));
    }
    if (f->in_header) DCPG_TRY(start_sequence(f, err));
    DCPG_TRY(finish_sequence(f, err));
    if (f->names.n == 0) return dcpg_fail(err, DCPG_E_INPUT, "%s: holds no sequence", f->path);
    return DCPG_OK;
}

/* ---- genomes in npz ---- */

/* Reads a chromosome of X.npz as CpG Transformer encodes it: a number per base, those of IUPAC's letters. */
static dcpg_status read_array(fasta *f, dcpg_npz_reader *reader, int64_t length, dcpg_err *err) {
    static const char letter[] = "ATCGNMRWSYKVHDBX";
    double code[1024];
    char text[1024];
    for (int64_t done = 0; done < length;) {
        size_t n = (size_t)min_i64(length - done, 1024);
        DCPG_TRY(dcpg_npz_read(reader, code, n, err));
        for (size_t i = 0; i < n; i++) {
            if (!(code[i] >= 0 && code[i] < (double)strlen(letter)))
                return dcpg_fail(
                    err, DCPG_E_INPUT,
                    "%s: array %s: %g is no base: an encoded genome has 0 to 3 for A, T, C, G, and 4 "
                    "to 15 for N and other letters",
                    f->path, f->name, code[i]);
            text[i] = letter[(int)code[i]];
        }
        DCPG_TRY(add_bases(f, text, n, err));
        done += (int64_t)n;
    }
    return dcpg_npz_read_end(reader, err);
}

static dcpg_status take_array(fasta *f, const dcpg_npz_array *array, dcpg_err *err) {
    dcpg_npz_reader *reader = NULL;
    if (array->about.ndim != 1 || !strchr("iu", array->about.kind) || array->about.size != 1)
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: array %.80s: is no encoded chromosome (a byte per base): of npz files, --dna_files "
            "takes X.npz",
            f->path, array->name);
    if (!dcpg_chromo_fits(array->name, strlen(array->name)))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: array %.80s: is no name: " DCPG_CHROMO_RULE, f->path,
                         array->name);
    f->header++;
    f->name_length = strlen(array->name);
    memcpy(f->name, array->name, f->name_length);
    DCPG_TRY(start_sequence(f, err));
    dcpg_status status = dcpg_npz_open(f->path, array->name, &reader, err);
    if (status == DCPG_OK) status = read_array(f, reader, array->about.dim[0], err);
    dcpg_npz_close(reader);
    return status == DCPG_OK ? finish_sequence(f, err) : status;
}

static dcpg_status read_arrays(fasta *f, dcpg_err *err) {
    dcpg_npz_list list = {0};
    dcpg_status status = dcpg_npz_read_list(f->path, &list, err);
    for (size_t i = 0; i < list.n && status == DCPG_OK; i++) status = take_array(f, &list.v[i], err);
    dcpg_npz_free_list(&list);
    return status;
}

dcpg_status dcpg_fasta_read_within(const char *path, int64_t max_length, dcpg_sequence_fn *each,
                                   void *context, unsigned *odd, dcpg_err *err) {
    fasta f = {.path = path, .each = each, .context = context, .max_length = max_length};
    bool npz = dcpg_npz_is_npz(path);
    *odd = 0;
    if (!npz) DCPG_TRY(dcpg_text_open(path, &f.text, err));
    f.md5 = hts_md5_init();
    dcpg_status status = f.md5 ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", 128);
    if (status == DCPG_OK) status = npz ? read_arrays(&f, err) : read_pieces(&f, err);
    hts_md5_destroy(f.md5);
    dcpg_sequence_free(&f.sequence);
    dcpg_map_free(&f.names);
    if (f.text) *odd = dcpg_text_odd(f.text);
    dcpg_text_close(f.text);
    return status;
}

dcpg_status dcpg_fasta_read_odd(const char *path, dcpg_sequence_fn *each, void *context, unsigned *odd,
                                dcpg_err *err) {
    return dcpg_fasta_read_within(path, DCPG_MAX_LENGTH, each, context, odd, err);
}

dcpg_status dcpg_fasta_read(const char *path, dcpg_sequence_fn *each, void *context, dcpg_err *err) {
    unsigned odd;
    return dcpg_fasta_read_odd(path, each, context, &odd, err);
}
