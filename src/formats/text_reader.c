#include "formats/text_reader.h"
#include <dcpg/memory.h>
#include <errno.h>
#include <fcntl.h>
#include <htslib/bgzf.h>
#include <htslib/hts.h>
#include <htslib/hts_log.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, BLOCK = 1 << 16 };

struct dcpg_text_reader {
    BGZF *file;
    char *path;
    char *buffer;   /* [BUFFER + 1] */
    size_t at, end; /* what is not yet returned */
    int64_t line;   /* returned last */
    bool ended;     /* nothing is left in the file */
    bool in_line;   /* the piece returned last did not end its line */
};

/* htslib prints on stderr by itself; what it says is in our own message. */
static ssize_t read_quietly(BGZF *file, char *data, size_t length) {
    enum htsLogLevel before = hts_get_log_level();
    hts_set_log_level(HTS_LOG_OFF);
    ssize_t got = bgzf_read(file, data, length);
    hts_set_log_level(before);
    return got;
}

static BGZF *open_quietly(int fd) {
    enum htsLogLevel before = hts_get_log_level();
    hts_set_log_level(HTS_LOG_OFF);
    BGZF *file = bgzf_dopen(fd, "r");
    hts_set_log_level(before);
    return file;
}

static int64_t count_lines(const char *text, const char *end) {
    int64_t n = 0;
    while ((text = memchr(text, '\n', (size_t)(end - text)))) {
        n++;
        text++;
    }
    return n;
}

/* Looks at what was just read. A gzip file cut within its header looks like text to htslib. */
static dcpg_status check_text(const dcpg_text_reader *r, const char *fresh, size_t length, dcpg_err *err) {
    if (r->line == 0 && length >= 2 && memcmp(fresh, "\x1f\x8b", 2) == 0) {
        return dcpg_fail(err, DCPG_E_INPUT, "%s: is cut within its gzip header: copy or download it again",
                         r->path);
    }
    const char *nul = memchr(fresh, '\0', length);
    if (!nul) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64 " holds a NUL byte: this is not a text file, or not one in UTF-8",
                     r->path, r->line + !r->in_line + count_lines(r->buffer, nul));
}

/* Reads on behind what is left, which moves to the front. In blocks: an error loses its whole block, and
 * where it is is told by what came before. */
static dcpg_status fill(dcpg_text_reader *r, dcpg_err *err) {
    memmove(r->buffer, r->buffer + r->at, r->end - r->at);
    r->end -= r->at;
    r->at = 0;
    char *fresh = r->buffer + r->end;
    size_t room = BUFFER - r->end;
    ssize_t got = read_quietly(r->file, fresh, room < BLOCK ? room : BLOCK);
    if (got < 0) {
        return dcpg_fail(err, DCPG_E_INPUT, "%s: %s after line %" PRId64 ": copy or download it again",
                         r->path,
                         bgzf_compression(r->file) == no_compression ? "cannot be read on"
                                                                     : "the gzip stream is cut or damaged",
                         r->line + count_lines(r->buffer, fresh));
    }
    r->ended = got == 0;
    r->end += (size_t)got;
    return check_text(r, fresh, (size_t)got, err);
}

static dcpg_status start(dcpg_text_reader *r, dcpg_err *err) {
    static const char mark[] = "\xEF\xBB\xBF";
    if (bgzf_compression(r->file) == bgzf && bgzf_check_EOF(r->file) == 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: is cut, bgzip's end marker is missing: copy or download it again", r->path);
    }
    DCPG_TRY(fill(r, err));
    if (r->end >= 3 && memcmp(r->buffer, mark, 3) == 0) r->at = 3;
    return DCPG_OK;
}

dcpg_status dcpg_text_open(const char *path, dcpg_text_reader **reader, dcpg_err *err) {
    *reader = NULL;
    int fd = open(path, O_RDONLY);
    if (fd < 0) return dcpg_fail(err, DCPG_E_INPUT, "%s: %s", path, strerror(errno));
    char first;
    if (read(fd, &first, 0) < 0) { /* a directory */
        dcpg_status status = dcpg_fail(err, DCPG_E_INPUT, "%s: %s", path, strerror(errno));
        close(fd);
        return status;
    }
    BGZF *file = open_quietly(fd);
    if (!file) {
        close(fd);
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read: copy or download it again", path);
    }
    dcpg_text_reader *r = dcpg_alloc(1, sizeof *r);
    if (r)
        *r = (dcpg_text_reader){.file = file, .path = dcpg_strdup(path), .buffer = dcpg_alloc(BUFFER + 1, 1)};
    dcpg_status status = DCPG_OK;
    if (!r) bgzf_close(file);
    if (!r || !r->path || !r->buffer) status = dcpg_fail_nomem(err, path, BUFFER);
    if (status == DCPG_OK) status = start(r, err);
    if (status == DCPG_OK) {
        *reader = r;
    } else {
        dcpg_text_close(r);
    }
    return status;
}

void dcpg_text_close(dcpg_text_reader *reader) {
    if (!reader) return;
    bgzf_close(reader->file);
    dcpg_free(reader->path);
    dcpg_free(reader->buffer);
    dcpg_free(reader);
}

dcpg_status dcpg_text_line(dcpg_text_reader *r, char **line, dcpg_err *err) {
    char *end;
    *line = NULL;
    size_t seen = 0; /* bytes without a line's end */
    while (!(end = memchr(r->buffer + r->at + seen, '\n', r->end - r->at - seen)) && !r->ended) {
        seen = r->end - r->at;
        if (seen == BUFFER)
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
