/* SPDX-License-Identifier: MIT */
/* Reads text line by line or in pieces of lines, from plain, gzip and bgzip files. */
#include "text/text_reader.h"
#include "base/number.h"
#include "text/byte_reader.h"
#include "text/file_kind.h"
#include <dcpg/memory.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { BUFFER = 1 << 20, BLOCK = 1 << 16 };

struct dcpg_text_reader {
    dcpg_bytes *file;
    char *path;
    char *buffer;    /* [BUFFER + 2]: has space for a NUL, and for a CR that was held back */
    size_t at, end;  /* bytes not yet returned: buffer[at, end) */
    int64_t line;    /* number of the line returned last */
    bool ended;      /* the file has been read to its end */
    bool in_line;    /* the piece returned last did not end its line */
    bool is_pending; /* a CR was read last; whether an LF follows is not known yet */
};

static int64_t count_lines(const char *text, const char *end) {
    int64_t n = 0;
    while ((text = memchr(text, '\n', (size_t)(end - text)))) {
        n++;
        text++;
    }
    return n;
}

static dcpg_status check_text(const dcpg_text_reader *r, const char *fresh, size_t length, dcpg_err *err) {
    const char *nul = memchr(fresh, '\0', length);
    if (!nul) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64 " holds a NUL byte: this is not a text file, or not one in UTF-8",
                     r->path, r->line + !r->in_line + count_lines(r->buffer, nul));
}

static dcpg_status fail_read(const dcpg_text_reader *r, dcpg_bytes_state state, const char *fresh,
                             dcpg_err *err) {
    int64_t line = r->line + count_lines(r->buffer + r->at, fresh);
    if (state == DCPG_BYTES_UNREADABLE)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read on after line %" PRId64 ": %s", r->path, line,
                         strerror(errno));
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: the gzip stream is %s after line %" PRId64 ": copy or download it again", r->path,
                     state == DCPG_BYTES_CUT ? "cut" : "damaged", line);
}

/* Lines end with LF, CRLF or, as on old Macintoshes and in exports of some spreadsheets, CR alone, which
 * becomes LF. A CR at the end of the `length` bytes is held back until the next byte is known. Returns the
 * length without it. */
static size_t unify_ends(dcpg_text_reader *r, char *text, size_t length) {
    char *end = text + length;
    r->is_pending = length > 0 && end[-1] == '\r' && !r->ended;
    if (r->is_pending) end--;
    for (char *cr = text; (cr = memchr(cr, '\r', (size_t)(end - cr))); cr++) {
        if (cr + 1 == end || cr[1] != '\n') *cr = '\n';
    }
    return (size_t)(end - text);
}

/* Moves the bytes not yet returned to the front of the buffer and reads more after them. */
static dcpg_status fill(dcpg_text_reader *r, dcpg_err *err) {
    memmove(r->buffer, r->buffer + r->at, r->end - r->at);
    r->end -= r->at;
    r->at = 0;
    char *fresh = r->buffer + r->end;
    size_t space = BUFFER - r->end, got = 0;
    if (r->is_pending) *fresh = '\r';
    size_t held = r->is_pending;
    dcpg_bytes_state state = dcpg_bytes_read(r->file, fresh + held, min_size(space, BLOCK), &got);
    if (state != DCPG_BYTES_FINE) return fail_read(r, state, fresh, err);
    r->ended = got == 0;
    DCPG_TRY(check_text(r, fresh, held + got, err));
    r->end += unify_ends(r, fresh, held + got);
    return DCPG_OK;
}

static dcpg_status fail_kind(const dcpg_text_reader *r, const dcpg_file_kind *kind, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s: is %s: %s", r->path, kind->name, kind->remedy);
}

/* Reads the first bytes, which show whether this is text. Files of other kinds are full of NUL bytes, so the
 * kind is checked first: it makes the more useful message. */
static dcpg_status start(dcpg_text_reader *r, dcpg_err *err) {
    static const char mark[] = "\xEF\xBB\xBF";
    char first[DCPG_KIND_BYTES];
    size_t n = 0, got = 1;
    dcpg_bytes_state state = DCPG_BYTES_FINE;
    while (n < sizeof first && got > 0 && state == DCPG_BYTES_FINE) {
        state = dcpg_bytes_read(r->file, first + n, sizeof first - n, &got);
        n += got;
    }
    if (state != DCPG_BYTES_FINE && n == 0) return fail_read(r, state, r->buffer, err);
    const dcpg_file_kind *kind = dcpg_file_kind_of(first, n);
    if (kind) return fail_kind(r, kind, err);
    memcpy(r->buffer, first, n);
    r->ended = got == 0 && state == DCPG_BYTES_FINE; /* otherwise the next read returns the fault again */
    DCPG_TRY(check_text(r, r->buffer, n, err));
    r->end = unify_ends(r, r->buffer, n);
    if (n >= 3 && memcmp(first, mark, 3) == 0) r->at = 3;
    return DCPG_OK;
}

dcpg_status dcpg_text_open(const char *path, dcpg_text_reader **reader, dcpg_err *err) {
    *reader = NULL;
    dcpg_bytes *file = NULL;
    DCPG_TRY(dcpg_bytes_open(path, &file, err));
    dcpg_text_reader *r = dcpg_alloc(1, sizeof *r);
    if (r)
        *r = (dcpg_text_reader){.file = file, .path = dcpg_strdup(path), .buffer = dcpg_alloc(BUFFER + 2, 1)};
    dcpg_status status = DCPG_OK;
    if (!r) dcpg_bytes_close(file);
    if (!r || !r->path || !r->buffer) status = dcpg_fail_nomem(err, path, BUFFER);
    if (status == DCPG_OK) status = start(r, err);
    if (status == DCPG_OK) {
        *reader = r;
    } else {
        dcpg_text_close(r);
    }
    return status;
}

dcpg_status dcpg_text_open_table(const char *path, dcpg_text_reader **reader, dcpg_err *err) {
    DCPG_TRY(dcpg_text_open(path, reader, err));
    const dcpg_text_reader *r = *reader;
    const dcpg_file_kind *kind = dcpg_text_kind_of(r->buffer + r->at, r->end - r->at);
    if (!kind) return DCPG_OK;
    dcpg_status status = fail_kind(r, kind, err);
    dcpg_text_close(*reader);
    *reader = NULL;
    return status;
}

void dcpg_text_close(dcpg_text_reader *reader) {
    if (!reader) return;
    dcpg_bytes_close(reader->file);
    dcpg_free(reader->path);
    dcpg_free(reader->buffer);
    dcpg_free(reader);
}

dcpg_status dcpg_text_line(dcpg_text_reader *r, char **line, dcpg_err *err) {
    char *end;
    *line = NULL;
    size_t seen = 0; /* bytes known to hold no line end */
    while (!(end = memchr(r->buffer + r->at + seen, '\n', r->end - r->at - seen)) && !r->ended) {
        seen = r->end - r->at;
        if (seen >= BUFFER)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: line %" PRId64 " is longer than 1 MB: this is not a table", r->path,
                             r->line + 1);
        DCPG_TRY(fill(r, err));
    }
    if (!end) { /* the last line may lack its end */
        if (r->at == r->end) return DCPG_OK;
        end = r->buffer + r->end;
    }
    *line = r->buffer + r->at;
    r->at = (size_t)(end - r->buffer) + (end < r->buffer + r->end);
    r->line++;
    if (end > *line && end[-1] == '\r') end--;
    *end = '\0';
    return DCPG_OK;
}

dcpg_status dcpg_text_next(dcpg_text_reader *r, dcpg_text_piece *piece, dcpg_err *err) {
    *piece = (dcpg_text_piece){0};
    while (r->at == r->end && !r->ended) DCPG_TRY(fill(r, err));
    if (r->at == r->end) return DCPG_OK;
    const char *text = r->buffer + r->at;
    const char *end = memchr(text, '\n', r->end - r->at);
    piece->text = text;
    piece->length = end ? (size_t)(end - text) : r->end - r->at;
    piece->first = !r->in_line;
    r->line += piece->first;
    r->in_line = !end;
    r->at += piece->length + (end != NULL);
    return DCPG_OK;
}

const char *dcpg_text_path(const dcpg_text_reader *reader) { return reader->path; }

int64_t dcpg_text_line_number(const dcpg_text_reader *reader) { return reader->line; }

unsigned dcpg_text_odd(const dcpg_text_reader *reader) { return dcpg_bytes_odd(reader->file); }
