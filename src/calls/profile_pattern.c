/* SPDX-License-Identifier: MIT */
/* Recognises the columns of a table without column names by what they hold in its first lines: every known
 * way to read them is tried on every line, and the ways that hold are compared. */
#include "calls/profile_scan.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A field, parsed once. */
typedef struct cell {
    double x; /* NaN: missing */
    enum { CELL_TEXT, CELL_NUMBER, CELL_WHOLE, CELL_MISSING, CELL_RATIO } kind;
    int8_t decimals;
    char first; /* first character */
    int8_t length;
} cell;

enum { NB_CELL = 12, MAX_WEAK = 8 };

typedef struct row {
    int n; /* columns */
    cell at[NB_CELL];
} row;

/* A way to read a table, with a letter for each column: c chromosome, p position, e end, s strand, b base, x
 * context, m methylated, u unmethylated, n all reads, % percentage, f fraction, v either of these two, h
 * haplotype of pb-CpG-tools, - anything. */
typedef struct pattern {
    const char *columns;
    int rank; /* 3: relations bind its columns; 2: it has unusual kinds of columns; 1: neither */
    int base; /* -1: not settled, or decided by whether start and end are equal */
    const profile_format *format; /* NULL: a table */
} pattern;

static const pattern patterns[] = {
    {"cpe-hnmu", 3, 0, NULL}, /* pb-CpG-tools; '-' is the score of its model */
    {"cpe%mu", 3, 1, &dcpg_profile_cov},
    {"cpe%um", 3, -1, NULL},
    {"cpe%mn", 3, -1, NULL},
    {"cpe%nm", 3, -1, NULL},
    {"cpefmu", 3, 0, NULL}, /* biscuit mergecg -c, vcf2bed -c */
    {"cpefmn", 3, -1, NULL},
    {"cpefnm", 3, -1, NULL},
    {"cpemu%", 3, -1, NULL},
    {"cpemuf", 3, -1, NULL},
    {"cpemn%", 3, -1, NULL},
    {"cpemnf", 3, -1, NULL},
    {"cpenm%", 3, -1, NULL},
    {"cpenmf", 3, -1, NULL},
    {"cpefn", 2, 0, &dcpg_profile_biscuit},
    {"cpe%n", 2, -1, NULL},
    {"cpen%", 2, -1, NULL},
    {"cpenf", 2, -1, NULL},
    {"cpsmu", 2, 1, NULL},
    {"cpsmn", 2, 1, NULL},
    {"cpsnm", 2, 1, NULL},
    {"cpesnmu", 3, -1, NULL}, /* methylKit's tables for tabix */
    {"cpesmu", 2, -1, NULL},
    {"cpesmn", 2, -1, NULL},
    {"cpemn", 1, -1, NULL},
    {"cpenm", 1, -1, NULL},
    {"cpemu", 1, -1, NULL},
    {"cpeum", 1, -1, NULL},
    {"cpev", 1, -1, &dcpg_profile_bedgraph},
    {"csp-xfmn", 3, 1, NULL},   /* CGmap of BS-Seeker */
    {"cps---munf", 3, 0, NULL}, /* DeepSignal */
    {"cpsmuf", 3, 1, NULL},
    {"cpsmu%", 3, 1, NULL},
    {"cpsmnf", 3, 1, NULL},
    {"cpsmn%", 3, 1, NULL},
    {"cpsnmf", 3, 1, NULL},
    {"cpsnm%", 3, 1, NULL},
    {"cpsxfn", 2, 0, NULL}, /* dnmtools counts, MethPipe */
    {"cpsxmn", 2, 1, NULL},
    {"cpsxmu", 2, 1, NULL},
    {"cpsfn", 2, 1, NULL},
    {"cps%n", 2, 1, NULL},
    {"cpsv", 1, 1, NULL},
    {"cpmuf", 3, 1, NULL},
    {"cpmu%", 3, 1, NULL},
    {"cpumf", 3, 1, NULL},
    {"cpum%", 3, 1, NULL},
    {"cpmnf", 3, 1, NULL},
    {"cpmn%", 3, 1, NULL},
    {"cpnmf", 3, 1, NULL},
    {"cpnm%", 3, 1, NULL},
    {"cpfmn", 3, 1, NULL},
    {"cpfmu", 3, 1, NULL},
    {"cp%mn", 3, 1, NULL},
    {"cp%mu", 3, 1, NULL},
    {"cp%n", 2, 1, NULL},
    {"cpmn", 1, 1, NULL},
    {"cpnm", 1, 1, NULL},
    {"cpmu", 1, 1, NULL},
    {"cpum", 1, 1, NULL},
    {"cpv", 1, 1, &dcpg_profile_tsv},
};

enum { NB_PATTERN = sizeof patterns / sizeof *patterns };

/* ---- cells ---- */

/* '3/4', with or without its quotes: methylated/all reads, as EPP files write them. */
static bool is_ratio(const char *text) {
    size_t n;
    text += *text == '\'';
    if ((n = strspn(text, "0123456789")) == 0 || text[n] != '/') return false;
    text += n + 1;
    n = strspn(text, "0123456789");
    return n > 0 && (text[n] == '\0' || strcmp(text + n, "'") == 0);
}

static cell read_cell(const char *text) {
    size_t length = strlen(text);
    cell c = {.x = NAN, .first = text[0], .length = (int8_t)(length < 100 ? length : 100)};
    const char *point = strchr(text, '.');
    if (dcpg_profile_is_missing(text)) {
        c.kind = CELL_MISSING;
    } else if (scan_double(text, &c.x) && fabs(c.x) < 1e15) {
        c.kind = c.x == floor(c.x) ? CELL_WHOLE : CELL_NUMBER;
        c.decimals = (int8_t)(point ? strspn(point + 1, "0123456789") : strpbrk(text, "eE") ? 3 : 0);
    } else {
        c.x = NAN;
        if (is_ratio(text)) c.kind = CELL_RATIO;
    }
    return c;
}

static bool is_position(const cell *c) { return c->kind == CELL_WHOLE && c->x >= 0; }

static bool is_strand(const cell *c) { return c->length == 1 && strchr("+-.*", c->first) && c->first; }

static bool is_interval(const row *r) {
    return r->n >= 4 && is_position(&r->at[1]) && is_position(&r->at[2]) && r->at[2].x >= r->at[1].x &&
           r->at[2].x - r->at[1].x <= 2;
}

/* ---- a pattern on a line ---- */

/* The numbers of a line, read in one way. */
typedef struct line_values {
    double meth, total;  /* NaN: not given */
    double share, scale; /* as in the file, with its unit */
    int decimals;
    bool state; /* 0 or 1 in place of a fraction, without a column of methylated reads */
} line_values;

static bool fits_column(char kind, const cell *c, line_values *s) {
    bool number = c->kind == CELL_NUMBER || c->kind == CELL_WHOLE, missing = c->kind == CELL_MISSING;
    bool reads = c->kind == CELL_WHOLE && c->x >= 0 && c->x <= MAX_READS && c->decimals == 0;
    switch (kind) {
    case 'p':
    case 'e':
        return is_position(c);
    case 's':
        return is_strand(c) || (c->length == 1 && c->first && strchr("CGFR", c->first));
    case 'x':
        return c->kind != CELL_WHOLE && (c->first == 'C' || c->first == 'c' || c->first == '-');
    case 'h':
        return c->kind == CELL_TEXT && (c->first == 'T' || c->first == 'h');
    case 'm':
        s->meth = c->x;
        return reads || missing;
    case 'n':
        s->total = c->x;
        return reads || missing;
    case 'u':
        return reads || missing;
    case 'f':
    case '%':
    case 'v':
        s->share = c->x;
        s->scale = kind == 'f' ? 1 : 100;
        s->decimals = c->decimals;
        return missing || (number && c->x >= (kind == 'v' && c->x == -1 ? -1 : 0) && c->x <= s->scale);
    default:
        return true;
    }
}

/* Whether the line fits the pattern's columns and their relations; fills `s`. */
static bool holds(const char *columns, int rank, const row *r, line_values *s) {
    int n = (int)strlen(columns);
    double unmeth = NAN;
    *s = (line_values){.meth = NAN, .total = NAN, .share = NAN, .scale = 1};
    if (r->n < n || (rank == 1 && r->n > MAX_WEAK && columns[n - 1] != 'v')) return false;
    for (int i = 0; i < n; i++) {
        if (!fits_column(columns[i], &r->at[i], s)) return false;
        if (columns[i] == 'u') unmeth = r->at[i].x;
    }
    bool sum = strchr(columns, 'u') && strchr(columns, 'n');
    if (sum && s->meth + unmeth != s->total) return false;
    if (strchr(columns, 'u') && !sum) s->total = s->meth + unmeth;
    if (s->meth > s->total) return false;
    bool fraction = strchr(columns, 'f') && !strchr(columns, 'm') && !strchr(columns, 'x');
    s->state = fraction && s->decimals == 0 && !isnan(s->share);
    if (!strchr(columns, 'm') && strchr(columns, 'n')) s->meth = nearbyint(s->share / s->scale * s->total);
    return isnan(s->share) || isnan(s->meth) ||
           dcpg_profile_agrees(s->share, s->decimals, s->scale, s->meth, s->total);
}

/* ---- all of them on all lines ---- */

typedef struct evidence {
    row *rows;
    int n; /* lines */
    int nb_interval;
    double scale;                       /* of 'v': 100 if a value is above 1 */
    int above, within, hundreds, small; /* values of 'v': above 1, in (0, 1], 100, whole ones below 10 */
    int hold[NB_PATTERN];               /* lines */
    int even[NB_PATTERN];               /* of these, with all reads methylated */
    int informed[NB_PATTERN];           /* of these, with methylated reads */
} evidence;

static void gather(const profile_parser *p, const sample *lines, int first, evidence *e) {
    char *line = NULL;
    for (int i = first; i < lines->n; i++) {
        const char *text = lines->text + lines->start[i];
        fields f;
        if (dcpg_profile_is_comment(text)) continue;
        line = dcpg_strdup(text);
        if (!line) return;
        dcpg_profile_cut(p, line, NB_CELL, &f);
        row *r = &e->rows[e->n++];
        r->n = f.n;
        for (int k = 1; k < f.n; k++) r->at[k] = read_cell(f.at[k]);
        if (f.open && f.n < NB_CELL) r->at[r->n++] = read_cell("");
        e->nb_interval += is_interval(r);
        dcpg_free(line);
    }
}

static bool has_end(const pattern *way) { return way->columns[2] == 'e'; }

static bool is_value(const pattern *way) { return way->columns[strlen(way->columns) - 1] == 'v'; }

static void count_value(evidence *e, double x) {
    e->above += x > 1;
    e->within += x > 0 && x <= 1;
    e->hundreds += x == 100;
    e->small += x >= 1 && x < 10 && x == floor(x);
    if (x > 1) e->scale = 100;
}

/* Values above 1 are percentages, unless they look like numbers of reads. */
static bool is_plausible(const evidence *e, const pattern *way) {
    if (e->above == 0) return true;
    if (!has_end(way)) return e->within == 0 && e->hundreds > 0;
    return e->within <= e->above && e->small <= (e->above + e->within) / 2;
}

static void try_all(evidence *e) {
    bool intervals = 2 * e->nb_interval >= e->n;
    for (int k = 0; k < NB_PATTERN; k++) {
        int nb_state = 0;
        if (has_end(&patterns[k]) != intervals) continue;
        for (int i = 0; i < e->n; i++) {
            line_values s;
            if (intervals && !is_interval(&e->rows[i])) continue;
            if (!holds(patterns[k].columns, patterns[k].rank, &e->rows[i], &s)) continue;
            e->hold[k]++;
            nb_state += s.state;
            e->informed[k] += s.meth > 0;
            e->even[k] += s.meth > 0 && s.meth == s.total;
            if (patterns[k].format && is_value(&patterns[k])) count_value(e, s.share);
        }
        /* Nothing but 0 and 1 beside numbers of reads may be reads as well: a fraction must have decimals on
         * some line. (With a context column, other ways decide.) */
        if (nb_state > 0 && nb_state == e->hold[k]) e->hold[k] = 0;
    }
}

/* How many of n lines may be mistakes without a way to read them being ruled out. */
static int slips(int n) { return n >= 20 ? 1 + n / 100 : 0; }

static int find_best(const evidence *e, int rank) {
    int best = 0;
    for (int k = 0; k < NB_PATTERN; k++) {
        if (patterns[k].rank == rank && e->hold[k] > best) best = e->hold[k];
    }
    return best;
}

/* In a file of methylated and all reads, most CpGs with methylated reads have no others, so both numbers are
 * equal; read as methylated and unmethylated reads they would be ties, which are rare. */
static bool are_of_all(const evidence *e, int k) {
    return e->informed[k] >= 2 && 2 * e->even[k] >= e->informed[k];
}

static double value_of(const evidence *e, const pattern *way, const row *r, bool *observed) {
    line_values s;
    *observed = holds(way->columns, way->rank, r, &s);
    if (!*observed) return 0;
    if (!isnan(s.total)) {
        *observed = s.total > 0;
        return s.total > 0 ? s.meth / s.total : 0;
    }
    *observed = !isnan(s.share) && s.share >= 0;
    double scale = way->columns[strlen(way->columns) - 1] == 'v' ? e->scale : s.scale;
    return *observed ? s.share / scale : 0;
}

static bool differ(const evidence *e, const pattern *a, const pattern *b) {
    for (int i = 0; i < e->n; i++) {
        bool in_a, in_b;
        double x = value_of(e, a, &e->rows[i], &in_a), y = value_of(e, b, &e->rows[i], &in_b);
        if (in_a && in_b && fabs(x - y) > 0.02) return true;
    }
    return false;
}

/* ---- the choice ---- */

static void make_layout(const pattern *way, const evidence *e, layout *l) {
    static const char letters[] = "cpesxgmun%fv";
    static const role roles[] = {ROLE_CHROMO,  ROLE_POS,     ROLE_END,      ROLE_STRAND,
                                 ROLE_CONTEXT, ROLE_GROUP,   ROLE_METH,     ROLE_UNMETH,
                                 ROLE_TOTAL,   ROLE_PERCENT, ROLE_FRACTION, ROLE_VALUE};
    *l = (layout){.base = way->base, .nb_column = (int)strlen(way->columns)};
    for (int r = 0; r < NB_ROLE; r++) l->column[r] = -1;
    for (int i = 0; way->columns[i]; i++) {
        const char *letter = strchr(letters, way->columns[i]);
        if (letter) l->column[roles[letter - letters]] = i;
    }
    if (l->column[ROLE_METH] >= 0 && l->column[ROLE_UNMETH] >= 0) l->column[ROLE_TOTAL] = -1;
    l->counts = l->column[ROLE_METH] >= 0 || l->column[ROLE_TOTAL] >= 0;
    if (l->column[ROLE_END] < 0 || l->base >= 0) return;
    int same = 0;
    for (int i = 0; i < e->n; i++)
        same += is_interval(&e->rows[i]) && e->rows[i].at[1].x == e->rows[i].at[2].x;
    l->base = 2 * same >= e->n;
}

static void name_way(const pattern *way, const evidence *e, char *text, size_t size) {
    layout l;
    if (way->format) {
        snprintf(text, size, "%s",
                 way->format == &dcpg_profile_bedgraph && e->scale > 1 ? "percent" : way->format->name);
        return;
    }
    make_layout(way, e, &l);
    dcpg_profile_describe(&l, text, size);
}

static dcpg_status fail_two(const profile_parser *p, const evidence *e, const pattern *a, const pattern *b,
                            dcpg_err *err) {
    char one[160], two[160];
    name_way(a, e, one, sizeof one);
    name_way(b, e, two, sizeof two);
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: its columns can be read in two ways that differ: give --profile_format %s or --profile_format "
        "%s (meth: methylated reads, unmeth: unmethylated ones, total: all)",
        p->path, one, two);
}

/* Whether the k-th way holds on nearly all lines, and not only on those without methylated reads. */
static bool survives(const evidence *e, int k, int rank, int best) {
    int failed = e->n - e->hold[k];
    if (patterns[k].rank != rank || best == 0 || e->hold[k] < best - slips(best)) return false;
    return rank == 1 || failed <= slips(e->n) || e->informed[k] >= failed;
}

static bool is_pair(const pattern *way) { return strchr(way->columns, 'u') && way->rank < 3; }

/* Marks the ways that survive and that no other evidence rules out. */
static void find_left(const evidence *e, int rank, int best, bool left[NB_PATTERN]) {
    bool of_all = false, reads = false;
    for (int k = 0; k < NB_PATTERN; k++) {
        left[k] = survives(e, k, rank, best);
        of_all |= left[k] && strchr(patterns[k].columns, 'n') && are_of_all(e, k);
        reads |= left[k] && !is_value(&patterns[k]);
    }
    for (int k = 0; k < NB_PATTERN; k++) {
        if (of_all && is_pair(&patterns[k])) left[k] = false;
        if (reads && is_value(&patterns[k]) && !is_plausible(e, &patterns[k])) left[k] = false;
    }
}

/* Chooses the first way that is left, if all others left agree with it on the values; a format of its own
 * that holds everywhere needs no comparison. */
static dcpg_status choose(const profile_parser *p, const evidence *e, int rank, const pattern **chosen,
                          dcpg_err *err) {
    bool left[NB_PATTERN];
    int best = find_best(e, rank);
    const pattern *other = NULL;
    *chosen = NULL;
    if (2 * best < e->n) return DCPG_OK;
    find_left(e, rank, best, left);
    for (int k = 0; k < NB_PATTERN && !*chosen; k++) {
        if (left[k] && rank > 1 && patterns[k].format && e->hold[k] == best) *chosen = &patterns[k];
    }
    if (*chosen) return DCPG_OK;
    for (int k = 0; k < NB_PATTERN; k++) {
        const pattern *way = &patterns[k];
        if (left[k] && !*chosen) *chosen = way;
        if (left[k] && differ(e, *chosen, way) && (!other || is_value(way))) other = way;
    }
    return other ? fail_two(p, e, *chosen, other, err) : DCPG_OK;
}

/* Recognises the formats with many columns by their characteristic ones. */
const profile_format *dcpg_profile_find_marked(const profile_parser *p, const sample *lines, int first) {
    int hits[16] = {0}, n = 0;
    for (int i = first; i < lines->n; i++) {
        fields f;
        const char *text = lines->text + lines->start[i];
        if (dcpg_profile_is_comment(text)) continue;
        char *line = dcpg_strdup(text);
        if (!line) return NULL;
        dcpg_profile_cut(p, line, MAX_FIELD, &f);
        n++;
        for (int k = 0; dcpg_profile_format_at(k); k++) {
            const profile_format *format = dcpg_profile_format_at(k);
            hits[k] += format->recognise && format->recognise(&f);
        }
        dcpg_free(line);
        if (n == 200) break;
    }
    for (int k = 0; dcpg_profile_format_at(k); k++) {
        if (n > 0 && 2 * hits[k] >= n) return dcpg_profile_format_at(k);
    }
    return NULL;
}

static void note_ignored(profile_parser *p, const evidence *e, const pattern *way) {
    int used = (int)strlen(way->columns), last = 0;
    bool numbers = false;
    for (int i = 0; i < e->n; i++) {
        const row *r = &e->rows[i];
        if (r->n > last) last = r->n;
        for (int k = used; k < r->n; k++)
            numbers |= r->at[k].kind == CELL_WHOLE || r->at[k].kind == CELL_NUMBER;
    }
    if (!numbers) return;
    if (used + 1 == last)
        snprintf(p->report->ignored, sizeof p->report->ignored, "column %d", last);
    else
        snprintf(p->report->ignored, sizeof p->report->ignored, "columns %d to %d", used + 1, last);
}

/* Refuses a column of ratios: its two numbers must be columns of their own. */
static dcpg_status check_ratios(const profile_parser *p, const evidence *e, dcpg_err *err) {
    for (int k = 2; k < NB_CELL; k++) {
        int n = 0;
        for (int i = 0; i < e->n; i++) n += k < e->rows[i].n && e->rows[i].at[k].kind == CELL_RATIO;
        if (n == 0 || 2 * n < e->n) continue;
        bool end = 2 * e->nb_interval >= e->n;
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: column %d holds ratios such as '3/4' (methylated/all reads, as EPP files do): make "
            "two columns of it (tr -d \\' <FILE | tr / '\\t') and give --profile_format "
            "chrom=1,%s,meth=%d,total=%d",
            p->path, k + 1, end ? "start=2,end=3" : "pos=2", k + 1, k + 2);
    }
    return DCPG_OK;
}

static dcpg_status take_best(profile_parser *p, evidence *e, dcpg_err *err) {
    const pattern *way = NULL;
    for (int rank = 3; rank >= 1 && !way; rank--) DCPG_TRY(choose(p, e, rank, &way, err));
    if (!way) DCPG_TRY(check_ratios(p, e, err));
    if (!way) {
        dcpg_profile_take_format(p, 2 * e->nb_interval >= e->n && e->n > 0 ? &dcpg_profile_bedgraph
                                                                           : &dcpg_profile_tsv);
        return DCPG_OK;
    }
    note_ignored(p, e, way);
    make_layout(way, e, &p->layout);
    const profile_format *format = way->format;
    if (format == &dcpg_profile_bedgraph && e->scale > 1) format = &dcpg_profile_percent;
    if (!format) format = p->layout.counts ? &dcpg_profile_table : &dcpg_profile_table_shares;
    dcpg_profile_take_format(p, format);
    return DCPG_OK;
}

dcpg_status dcpg_profile_detect_columns(profile_parser *p, const sample *lines, int first, dcpg_err *err) {
    const profile_format *marked = dcpg_profile_find_marked(p, lines, first);
    if (marked) {
        dcpg_profile_take_format(p, marked);
        return DCPG_OK;
    }
    evidence e = {.scale = 1, .rows = dcpg_alloc((size_t)(lines->n - first) + 1, sizeof *e.rows)};
    if (!e.rows) return dcpg_fail_nomem(err, "a profile", (size_t)lines->n * sizeof *e.rows);
    gather(p, lines, first, &e);
    try_all(&e);
    dcpg_status status = take_best(p, &e, err);
    dcpg_free(e.rows);
    return status;
}
