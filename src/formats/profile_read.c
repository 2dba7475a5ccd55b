/* Reading a profile line by line: which format it is, its fields, and where they are wrong. */
#include "formats/text_reader.h"
#include <ctype.h>
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One below the largest, so that positions may be shifted by one. */
static const int64_t max_pos = INT32_MAX - 1;

/* Calls of a chromosome in the order of the file. */
typedef struct draft {
    dcpg_calls calls;
    uint32_t *line; /* [room] where each stands; UINT32_MAX: beyond what this type holds */
    bool unsorted;
} draft;

typedef enum kind { UNKNOWN, TSV, BEDGRAPH } kind;

typedef struct parser {
    dcpg_text_reader *text;
    kind kind;
    bool binary;
    draft *chromo; /* [nb] sorted by name */
    int nb, room;
    int last;      /* the chromosome of the line before, -1: none yet */
    char last_raw[64];
} parser;

enum { MAX_FIELD = 4 };

static dcpg_status fail_line(const parser *p, dcpg_err *err, const char *what, const char *field, const char *remedy)
{
    return dcpg_fail(err, DCPG_E_INPUT, "%s: line %" PRId64 ": %s \"%.40s\" %s", dcpg_text_path(p->text), dcpg_text_line_number(p->text), what, field, remedy);
}

/* Cuts a line at tabs and blanks; returns the number of fields, of which only the first MAX_FIELD are looked at. */
static int split(char *line, char *field[MAX_FIELD])
{
    int n = 0;
    while (n < MAX_FIELD) {
        while (*line == '\t' || *line == ' ') line++;
        if (!*line) break;
        field[n++] = line;
        while (*line && *line != '\t' && *line != ' ') line++;
        if (*line) *line++ = '\0';
    }
    return n;
}

/* Nearly all positions are plain digits. */
static bool parse_pos(const char *text, int64_t *pos)
{
    int64_t x = 0;
    int n = 0;
    while (text[n] >= '0' && text[n] <= '9' && n < 18) x = 10 * x + (text[n++] - '0');
    *pos = x;
    return (n > 0 && text[n] == '\0') || dcpg_parse_int(text, pos);
}

/* Nearly all values are 0, 1, 0.0 or 1.0. */
static bool parse_value(const char *text, double *value)
{
    if ((text[0] == '0' || text[0] == '1') && (text[1] == '\0' || (text[1] == '.' && text[2] == '0' && text[3] == '\0'))) {
        *value = text[0] - '0';
        return true;
    }
    return dcpg_parse_double(text, value);
}

/* A bedGraph has a second position in its third column; a value there is at most 1. */
static kind tell_kind(int n, char *const field[MAX_FIELD])
{
    int64_t start, end;
    bool interval = n >= 4 && parse_pos(field[1], &start) && parse_pos(field[2], &end) && start < end;
    return interval ? BEDGRAPH : TSV;
}

static bool is_column_names(const char *pos)
{
    static const char *const known[] = {"pos", "position", "start", "chromstart", "coordinate"};
    char lower[16] = "";
    for (size_t i = 0; i + 1 < sizeof lower && pos[i]; i++) lower[i] = (char)tolower((unsigned char)pos[i]);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(lower, known[i]) == 0) return true;
    }
    return false;
}

/* Comments and what genome browsers want to know. A track line may name the format. */
static bool skip_line(parser *p, const char *line)
{
    if (line[0] == '#' || line[strspn(line, " \t")] == '\0') return true;
    size_t word = strcspn(line, " \t");
    if (word == 5 && strncmp(line, "track", 5) == 0) {
        if (p->kind == UNKNOWN && strstr(line, "type=bedGraph")) p->kind = BEDGRAPH;
        return true;
    }
    return word == 7 && strncmp(line, "browser", 7) == 0;
}

/* Makes room for a chromosome at `at`, which keeps the list sorted. Takes `name` over. */
static dcpg_status insert_chromo(parser *p, int at, char *name, dcpg_err *err)
{
    if (p->nb == p->room) {
        int room = p->room ? 2 * p->room : 32;
        draft *grown = dcpg_realloc(p->chromo, (size_t)p->nb, (size_t)room, sizeof *grown);
        if (!grown) {
            dcpg_free(name);
            return dcpg_fail_nomem(err, "chromosomes", (size_t)room * sizeof *grown);
        }
        p->chromo = grown;
        p->room = room;
    }
    memmove(p->chromo + at + 1, p->chromo + at, (size_t)(p->nb - at) * sizeof *p->chromo);
    p->chromo[at] = (draft){.calls.chromo = name};
    p->nb++;
    return DCPG_OK;
}

/* Sets p->last to the chromosome called `raw`. */
static dcpg_status find_chromo(parser *p, const char *raw, dcpg_err *err)
{
    if (p->last >= 0 && strcmp(p->last_raw, raw) == 0) return DCPG_OK;
    char *name = dcpg_chromo_name(raw);
    if (!name) return dcpg_fail_nomem(err, "a chromosome's name", strlen(raw));
    int low = 0, high = p->nb, order = 1;
    while (low < high && order != 0) {
        int middle = low + (high - low) / 2;
        order = strcmp(name, p->chromo[middle].calls.chromo);
        if (order < 0) high = middle;
        if (order > 0) low = middle + 1;
        if (order == 0) low = middle;
    }
    if (order == 0) {
        dcpg_free(name);
    } else {
        DCPG_TRY(insert_chromo(p, low, name, err));
    }
    p->last = low;
    /* A name too long to be kept is looked up on every line. */
    size_t length = strlen(raw) < sizeof p->last_raw ? strlen(raw) : 0;
    memcpy(p->last_raw, raw, length);
    p->last_raw[length] = '\0';
    return DCPG_OK;
}

static dcpg_status grow(draft *d, dcpg_err *err)
{
    size_t n = (size_t)d->calls.n, room = n ? 2 * n : 1024;
    int32_t *pos = dcpg_realloc(d->calls.pos, n, room, sizeof *pos);
    if (pos) d->calls.pos = pos;
    float *value = dcpg_realloc(d->calls.value, n, room, sizeof *value);
    if (value) d->calls.value = value;
    uint32_t *line = dcpg_realloc(d->line, n, room, sizeof *line);
    if (line) d->line = line;
    if (!pos || !value || !line) return dcpg_fail_nomem(err, "a profile", room * 12);
    d->calls.room = (int64_t)room;
    return DCPG_OK;
}

static dcpg_status fail_twice(const parser *p, const draft *d, int32_t pos, int64_t first, int64_t second, dcpg_err *err)
{
    return dcpg_fail(err, DCPG_E_INPUT, "%s: line %" PRId64 ": position %" PRId32 " of chromosome %s stands on line %" PRId64 " already: keep one line per position",
                     dcpg_text_path(p->text), second, pos, d->calls.chromo, first);
}

static dcpg_status add_call(parser *p, const char *chromo, int64_t pos, double value, dcpg_err *err)
{
    DCPG_TRY(find_chromo(p, chromo, err));
    draft *d = &p->chromo[p->last];
    dcpg_calls *calls = &d->calls;
    int64_t line = dcpg_text_line_number(p->text);
    if (calls->n == calls->room) DCPG_TRY(grow(d, err));
    if (calls->n > 0) {
        int32_t before = calls->pos[calls->n - 1];
        if (before == pos) return fail_twice(p, d, before, d->line[calls->n - 1], line, err);
        d->unsorted |= before > pos;
    }
    calls->pos[calls->n] = (int32_t)pos;
    calls->value[calls->n] = (float)value + 0.0f; /* no -0 */
    d->line[calls->n] = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    calls->n++;
    p->binary &= value == 0 || value == 1;
    return DCPG_OK;
}

static dcpg_status parse_line(parser *p, char *line, dcpg_err *err)
{
    if (skip_line(p, line)) return DCPG_OK;
    char *field[MAX_FIELD] = {0};
    int n = split(line, field);
    if (p->last < 0 && n >= 3 && is_column_names(field[1])) return DCPG_OK;
    if (p->kind == UNKNOWN) p->kind = tell_kind(n, field);
    bool bedgraph = p->kind == BEDGRAPH;
    if (n < (bedgraph ? 4 : 3)) {
        return dcpg_fail(err, DCPG_E_INPUT, "%s: line %" PRId64 " has %d column%s: it should hold %s, separated by tabs", dcpg_text_path(p->text),
                         dcpg_text_line_number(p->text), n, n == 1 ? "" : "s", bedgraph ? "chromosome, start, end and value" : "chromosome, position and value");
    }
    int64_t pos, end;
    double value;
    if (!parse_pos(field[1], &pos)) return fail_line(p, err, "position", field[1], "is not a whole number");
    if (pos < (bedgraph ? 0 : 1)) return fail_line(p, err, "position", field[1], bedgraph ? "is negative" : "is below 1: the first base of a chromosome is 1");
    if (pos > max_pos) return fail_line(p, err, "position", field[1], "is beyond 2147483646, the largest possible");
    if (bedgraph) {
        if (!parse_pos(field[2], &end)) return fail_line(p, err, "end", field[2], "is not a whole number");
        if (end < pos || end - pos > 2) return fail_line(p, err, "end", field[2], "does not end the interval of one CpG: write a line for each CpG");
    }
    const char *text = field[bedgraph ? 3 : 2];
    if (!parse_value(text, &value)) return fail_line(p, err, "value", text, "is not a number: leave out what was not observed");
    if (!(value >= 0 && value <= 1)) {
        return fail_line(p, err, "value", text, value > 1 && value <= 100 ? "lies outside [0, 1]: divide percentages by 100" : "lies outside [0, 1]: write the methylated fraction");
    }
    return add_call(p, field[0], pos, value, err);
}

typedef struct row {
    int32_t pos;
    uint32_t line;
    float value;
} row;

static int by_pos(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->pos != y->pos) return x->pos < y->pos ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static dcpg_status sort(const parser *p, draft *d, dcpg_err *err)
{
    size_t n = (size_t)d->calls.n;
    row *rows = dcpg_alloc(n, sizeof *rows);
    if (!rows) return dcpg_fail_nomem(err, "sorting a profile", n * sizeof *rows);
    for (size_t i = 0; i < n; i++) rows[i] = (row){d->calls.pos[i], d->line[i], d->calls.value[i]};
    qsort(rows, n, sizeof *rows, by_pos);
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < n && status == DCPG_OK; i++) {
        if (i > 0 && rows[i].pos == rows[i - 1].pos) status = fail_twice(p, d, rows[i].pos, rows[i - 1].line, rows[i].line, err);
        d->calls.pos[i] = rows[i].pos;
        d->calls.value[i] = rows[i].value;
    }
    dcpg_free(rows);
    return status;
}

static dcpg_status parse_file(parser *p, dcpg_err *err)
{
    char *line;
    DCPG_TRY(dcpg_text_line(p->text, &line, err));
    while (line) {
        DCPG_TRY(parse_line(p, line, err));
        DCPG_TRY(dcpg_text_line(p->text, &line, err));
    }
    if (p->nb == 0) return dcpg_fail(err, DCPG_E_INPUT, "%s: holds no methylation values: leave the file out", dcpg_text_path(p->text));
    for (int c = 0; c < p->nb; c++) {
        if (p->chromo[c].unsorted) DCPG_TRY(sort(p, &p->chromo[c], err));
    }
    return DCPG_OK;
}

/* Moves what was read into `profile`. */
static dcpg_status hand_over(parser *p, const char *path, dcpg_profile *profile, dcpg_err *err)
{
    profile->cell = dcpg_cell_name(path);
    profile->chromo = dcpg_alloc((size_t)p->nb, sizeof *profile->chromo);
    if (!profile->cell || !profile->chromo) return dcpg_fail_nomem(err, "a profile", (size_t)p->nb * sizeof *profile->chromo);
    if (!*profile->cell) return dcpg_fail(err, DCPG_E_INPUT, "%s: its name up to the first '.' names the cell and is empty: rename the file", path);
    profile->nb_chromo = p->nb;
    profile->binary = p->binary;
    profile->bedgraph = p->kind == BEDGRAPH;
    for (int c = 0; c < p->nb; c++) {
        profile->chromo[c] = p->chromo[c].calls;
        p->chromo[c].calls = (dcpg_calls){0};
    }
    return DCPG_OK;
}

dcpg_status dcpg_profile_read(const char *path, dcpg_profile *profile, dcpg_err *err)
{
    *profile = (dcpg_profile){0};
    parser p = {.binary = true, .last = -1};
    DCPG_TRY(dcpg_text_open(path, &p.text, err));
    dcpg_status status = parse_file(&p, err);
    if (status == DCPG_OK) status = hand_over(&p, path, profile, err);
    if (status != DCPG_OK) dcpg_profile_free(profile);
    for (int c = 0; c < p.nb; c++) {
        dcpg_free(p.chromo[c].calls.chromo);
        dcpg_free(p.chromo[c].calls.pos);
        dcpg_free(p.chromo[c].calls.value);
        dcpg_free(p.chromo[c].line);
    }
    dcpg_free(p.chromo);
    dcpg_text_close(p.text);
    return status;
}
