/* SPDX-License-Identifier: MIT */
/* Bounds on regular expressions. The C library expands every counted repeat, and doubles whatever precedes a
 * '+', so that 60 letters can take all memory; and with back-references a search can take forever. */
#include <dcpg/text.h>

#include <string.h>

enum { MAX_LETTERS = 10000, MAX_SIZE = 20000, MAX_DEPTH = 100 };

/* An expression while it is read: for every open group its size so far, and the size of its last piece. */
typedef struct measure {
    const char *at;
    int depth;
    uint64_t size[MAX_DEPTH + 1], last[MAX_DEPTH + 1];
    const char *wrong; /* error text; NULL: none so far */
} measure;

static void add_piece(measure *m, uint64_t size) {
    m->size[m->depth] += size;
    m->last[m->depth] = size;
    if (m->size[m->depth] > MAX_SIZE) m->wrong = "its repeats, written out, are too long";
}

/* Counts the last piece `times` times. */
static void repeat(measure *m, uint64_t times) {
    uint64_t last = m->last[m->depth];
    if (times < 2) return;
    m->size[m->depth] -= last;
    add_piece(m, last * times); /* both factors are small: sizes are checked as they grow */
}

/* Skips "[...]": a ']' at its beginning is a member, and so is one within [: :], [. .] or [= =]. */
static void skip_bracket(measure *m) {
    m->at++;
    if (*m->at == '^') m->at++;
    if (*m->at == ']') m->at++;
    while (*m->at && *m->at != ']') {
        if (m->at[0] == '[' && m->at[1] && strchr(":.=", m->at[1])) {
            const char end[] = {m->at[1], ']', '\0'}, *close = strstr(m->at + 2, end);
            m->at = close ? close + 1 : m->at + strlen(m->at) - 1;
        }
        m->at++;
    }
    if (*m->at) m->at++;
}

static uint64_t read_count(const char **at) {
    uint64_t count = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (count <= MAX_SIZE) count = 10 * count + (uint64_t)(**at - '0');
    return count;
}

/* "{3}", "{3,}", "{3,5}", "{,5}"; anything else is plain text. */
static void read_counts(measure *m) {
    const char *at = m->at + 1;
    uint64_t least = read_count(&at), most = least;
    if (*at == ',') {
        at++;
        most = *at == '}' ? least + 1 : read_count(&at);
    }
    bool counted = *at == '}' && at > m->at + 1;
    m->at = counted ? at + 1 : m->at + 1;
    if (counted)
        repeat(m, most > least ? most : least);
    else
        add_piece(m, 1);
}

static void open_group(measure *m) {
    m->at++;
    if (m->depth == MAX_DEPTH) {
        m->wrong = "its groups are nested too deeply";
        return;
    }
    m->depth++;
    m->size[m->depth] = m->last[m->depth] = 0;
}

static void close_group(measure *m) {
    m->at++;
    uint64_t size = 1;
    if (m->depth > 0) size += m->size[m->depth--];
    add_piece(m, size);
}

static void read_escape(measure *m) {
    if (m->at[1] >= '1' && m->at[1] <= '9') m->wrong = "back-references are not supported";
    m->at += m->at[1] ? 2 : 1;
    add_piece(m, 1);
}

static void read_piece(measure *m) {
    switch (*m->at) {
    case '\\':
        read_escape(m);
        break;
    case '[':
        skip_bracket(m);
        add_piece(m, 1);
        break;
    case '(':
        open_group(m);
        break;
    case ')':
        close_group(m);
        break;
    case '{':
        read_counts(m);
        break;
    case '+':
        m->at++;
        repeat(m, 2);
        break;
    case '*':
    case '?':
        m->at++; /* a loop, no larger than the piece that it repeats */
        break;
    default:
        m->at++;
        add_piece(m, 1);
    }
}

dcpg_status dcpg_regex_check(const char *pattern, dcpg_err *err) {
    measure m = {.at = pattern};
    if (strlen(pattern) > MAX_LETTERS) m.wrong = "it has more than 10000 letters";
    while (*m.at && !m.wrong) read_piece(&m);
    if (!m.wrong) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "'%.60s%s' is refused as a regular expression: %s", pattern,
                     strlen(pattern) > 60 ? "..." : "", m.wrong);
}
