/* SPDX-License-Identifier: MIT */
/* Recognises columns by their names, from a table of the names that programs write. */
#include "calls/profile_scan.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAME = 48 };

/* Names in lower case, with letters, digits and '%' only; of two that may occur in one table, the more common
 * one comes first. "meth" may be a number of reads or a fraction: the columns beside it decide. */
static const struct {
    role role;
    const char *names;
} known[] = {
    {ROLE_CHROMO, " chr chrom chromo chromosome seqname seqnames seqid seq contig refname ref reference "
                  "referencename rname "
                  "chrname scaffold chromosomename "},
    {ROLE_POS, " pos position start chromstart chrstart begin coordinate coord base loc location locus "
               "startposition posstart "
               "positionstart startpos cpgstart cpgpos cpgposition positions genomicposition refpos "},
    {ROLE_END, " end stop chromend chrend endposition posend positionend endpos cpgend "},
    {ROLE_STRAND, " strand refstrand chain "},
    {ROLE_CONTEXT, " context mcclass ctx ccontext cytosinecontext methcontext mccontext refcontext "},
    {ROLE_GROUP, " nummotifsingroup numcpgsingroup "},
    {ROLE_METH,
     " meth metreads methreads methylatedreads nummethylated nummeth methcount methylatedcount "
     "methcounts "
     "countmethylated countmeth mc mccount numcs numc ncs x calledsitesmethylated countmodified "
     "modifiedcount nmod nmodified "
     "nummodcalls numofmodcalls methc methylatedc methylatedcs methcov mcov ccount methcalls methylatedcalls "
     "nmeth nmethylated readsm mreads estmodcount modcount modreads methylated modified mod m cs c metcount "
     "countm "
     "met nc me "},
    {ROLE_UNMETH, " unmeth unmethylated nonmetreads unmetreads nonmeth unmethylatedreads nonmethylated "
                  "numunmethylated numts "
                  "numt nts countunmethylated unmethcount unmethylatedcount countunmodified countcanonical "
                  "unmodifiedcount "
                  "nunmod ncanonical canonical estunmodcount unmodcount unmethreads nonmethreads "
                  "unmethylatedc unmethylatedcs "
                  "unmethcounts tcount nunmeth nunmethylated notmethylated unmodified unmod unmethcalls "
                  "unmethylatedcalls ureads "
                  "unmet nonmet um u ts t countu uc un nt "},
    {ROLE_TOTAL, " total totalreads totalcount cov coverage depth readdepth n reads nreads numreads "
                 "readcount readcounts count "
                 "counts calledsites numofallcalls totalcalls totalc ctcount totalcoverage nvalidcov "
                 "validcov validcoverage allreads "
                 "covered mctotal totalcounts sites "},
    {ROLE_PERCENT, " percent percentage pct methpercent percentmeth percentmethylated percentmethylation "
                   "percentagemethylation "
                   "pctmeth percmeth methperc freqc percentmodified perc methylationpercentage "
                   "methylationpercent % %meth meth% "
                   "%methylation %methylated methpct fractionmodified discretizedmodscore modpercent "},
    {ROLE_FRACTION,
     " fraction frac methfraction fractionmethylated methylatedfraction fracmeth methylationfraction "},
    {ROLE_VALUE, " rate methrate methylationrate freq frequency methylatedfrequency methylationfrequency "
                 "methylfreq methfreq "
                 "modfreq modificationfrequency beta betavalue level methlevel methylationlevel methylation "
                 "ratio methratio "
                 "modscore value state call methstate methylationstate status signal "},
};

/* Names of the value in DeepCpG's TSV: a state or a fraction. */
static const char plain_values[] =
    " value state call methstate methylationstate status signal meth methylated ";

/* Copies the letters, digits and '%' of a name, in lower case, to simple[MAX_NAME]. */
static void simplify(const char *name, char *simple) {
    size_t n = 0;
    for (; *name && n + 3 < MAX_NAME; name++) {
        if (isalnum((unsigned char)*name) || *name == '%') simple[n++] = (char)tolower((unsigned char)*name);
    }
    simple[n] = '\0';
}

static bool is_among(const char *names, const char *simple, size_t *rank) {
    char word[MAX_NAME + 2];
    snprintf(word, sizeof word, " %s ", simple);
    const char *found = *simple ? strstr(names, word) : NULL;
    if (found) *rank = (size_t)(found - names);
    return found != NULL;
}

/* What a column with this name holds; NB_ROLE if the name is unknown. `rank` is lower for the more usual
 * names. */
static role role_of(const char *name, size_t *rank) {
    char simple[MAX_NAME];
    simplify(name, simple);
    for (int twice = 0; twice < 2; twice++) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (is_among(known[i].names, simple, rank)) return known[i].role;
        }
        size_t n = strlen(simple); /* "coverage1": the first sample of several */
        if (n < 2 || simple[n - 1] != '1') break;
        simple[n - 1] = '\0';
    }
    return NB_ROLE;
}

bool dcpg_profile_is_header(const fields *header) {
    bool chromo = false, pos = false;
    size_t rank;
    for (int i = 0; i < header->n; i++) {
        int64_t number;
        role r = role_of(header->at[i], &rank);
        if (i > 0 && scan_int(header->at[i], &number)) return false;
        chromo |= r == ROLE_CHROMO;
        pos |= r == ROLE_POS;
    }
    return pos && header->n >= 3 && (chromo || role_of(header->at[1], &rank) == ROLE_POS);
}

/* ---- what the columns hold ---- */

/* A table's names of columns, and its first lines. */
typedef struct table {
    const fields *header;
    const sample *lines;
    int first;                 /* the first line of data in `lines` */
    int shift;                 /* columns of the data before the first that the header names */
    bool known[MAX_FIELD + 1]; /* columns of the data that are known by their names */
} table;

typedef struct column_facts {
    int n;                     /* fields that are numbers */
    int whole, beyond_1, text; /* of these, and others that are neither numbers nor missing */
} column_facts;

static column_facts look(const profile_parser *p, const table *t, int column) {
    const sample *lines = t->lines;
    column_facts facts = {0};
    for (int i = t->first; i < lines->n; i++) {
        fields f;
        double x;
        char line[1024];
        if (dcpg_profile_is_comment(lines->text + lines->start[i])) continue;
        snprintf(line, sizeof line, "%s", lines->text + lines->start[i]);
        dcpg_profile_cut(p, line, MAX_FIELD, &f);
        if (column >= f.n || dcpg_profile_is_missing(f.at[column])) continue;
        if (!scan_double(f.at[column], &x)) {
            facts.text++;
            continue;
        }
        facts.n++;
        facts.whole += x == (double)(int64_t)x;
        facts.beyond_1 += x > 1;
    }
    return facts;
}

/* R's write.table() writes no name above the row names: the data have one column more than the header. */
int dcpg_profile_row_names(const profile_parser *p, const fields *header, const sample *lines, int first) {
    fields f;
    char line[4096];
    if (first >= lines->n) return 0;
    snprintf(line, sizeof line, "%s", lines->text + lines->start[first]);
    dcpg_profile_cut(p, line, MAX_FIELD, &f);
    return f.n == header->n + 1 && f.n < MAX_FIELD;
}

/* ---- the layout ---- */

static void find_roles(table *t, layout *l) {
    const fields *header = t->header;
    size_t best[NB_ROLE], rank = 0;
    for (int i = 0; i < header->n; i++) {
        role r = role_of(header->at[i], &rank);
        if (r == NB_ROLE || (l->column[r] >= 0 && best[r] <= rank)) continue;
        best[r] = rank;
        l->column[r] = i + t->shift;
    }
    if (l->column[ROLE_CHROMO] < 0) l->column[ROLE_CHROMO] = t->shift; /* its name is unknown or empty */
    for (int r = 0; r < NB_ROLE; r++) {
        if (l->column[r] >= 0) t->known[l->column[r]] = true;
    }
}

static void drop(layout *l, role r) { l->column[r] = -1; }

/* "meth" holds a fraction or percentage if it has decimals or no other number of reads is beside it. */
static void settle_meth(const profile_parser *p, const table *t, layout *l) {
    bool share = l->column[ROLE_PERCENT] >= 0 || l->column[ROLE_FRACTION] >= 0 || l->column[ROLE_VALUE] >= 0;
    if (l->column[ROLE_METH] < 0) return;
    column_facts facts = look(p, t, l->column[ROLE_METH]);
    if (facts.whole == facts.n && (l->column[ROLE_UNMETH] >= 0 || l->column[ROLE_TOTAL] >= 0)) return;
    if (!share) l->column[ROLE_VALUE] = l->column[ROLE_METH];
    drop(l, ROLE_METH);
}

/* Names of something other than methylation: unmethylated reads, tests, another modification. */
static bool is_other(const char *name) {
    static const char *const parts[] = {"unmeth", "nonmeth", "unmod", "freqt",   "pval", "qval", "padj",
                                        "fdr",    "diff",    "hmc",   "hydroxy", "mval", "logit"};
    char simple[MAX_NAME];
    simplify(name, simple);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(simple, parts[i])) return true;
    }
    return false;
}

/* If no column is known to hold methylation, the value is the one column of numbers with an unknown name. */
static dcpg_status settle_value(const profile_parser *p, const table *t, layout *l, dcpg_err *err) {
    const fields *header = t->header;
    int found = 0;
    char names[160] = "";
    for (int r = ROLE_METH; r < NB_ROLE; r++) {
        if (l->column[r] >= 0 && r != ROLE_TOTAL && r != ROLE_UNMETH) return DCPG_OK;
    }
    if (l->column[ROLE_UNMETH] >= 0 && l->column[ROLE_TOTAL] >= 0) return DCPG_OK;
    for (int i = 0; i < header->n; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%.20s", i ? " " : "", header->at[i]);
        column_facts facts = look(p, t, i + t->shift);
        if (t->known[i + t->shift] || facts.text > 0 || (facts.n == 0 && header->n > 3)) continue;
        if (is_other(header->at[i])) continue;
        l->column[ROLE_VALUE] = i + t->shift;
        found++;
    }
    if (found == 1) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: line %" PRId64 ": %s of its columns (%s) is known to hold methylation: name them, for example "
        "--profile_format chrom=%s,pos=%s,meth=NAME,total=NAME (or unmeth=, percent=, fraction=)",
        p->path, p->header, found ? "more than one, or none," : "none", names, header->at[0],
        header->at[l->column[ROLE_POS] - t->shift]);
}

/* The base that positions count from: 1 for a position; for a start and its end, 1 if they are equal, else 0;
 * for a start alone -1, not settled. */
static int find_base(const profile_parser *p, const table *t, const layout *l) {
    const fields *header = t->header;
    const sample *lines = t->lines;
    char name[MAX_NAME];
    simplify(header->at[l->column[ROLE_POS] - t->shift], name);
    for (int i = 0; i < header->n; i++) {
        char other[MAX_NAME];
        simplify(header->at[i], other);
        if (strcmp(other, "posinstrand") == 0) return 0; /* DeepSignal */
    }
    if (l->column[ROLE_GROUP] >= 0) return 0; /* nanopolish, f5c */
    if (l->column[ROLE_END] < 0) return strstr(name, "start") || strcmp(name, "begin") == 0 ? -1 : 1;
    for (int i = t->first; i < lines->n; i++) {
        fields f;
        char line[4096];
        int64_t start, end;
        if (dcpg_profile_is_comment(lines->text + lines->start[i])) continue;
        snprintf(line, sizeof line, "%s", lines->text + lines->start[i]);
        dcpg_profile_cut(p, line, MAX_FIELD, &f);
        if (l->column[ROLE_POS] < f.n && l->column[ROLE_END] < f.n &&
            scan_int(f.at[l->column[ROLE_POS]], &start) && scan_int(f.at[l->column[ROLE_END]], &end))
            return end == start;
    }
    return 0;
}

/* A fraction or percentage beside reads is read only if it is needed or can be checked. */
static void settle_share(const profile_parser *p, const table *t, layout *l) {
    static const role kinds[] = {ROLE_PERCENT, ROLE_FRACTION, ROLE_VALUE};
    int best = -1;
    for (int i = 0; i < 3; i++) {
        if (l->column[kinds[i]] < 0) continue;
        if (best >= 0)
            drop(l, kinds[i]);
        else
            best = i;
    }
    l->counts =
        (l->column[ROLE_METH] >= 0) + (l->column[ROLE_UNMETH] >= 0) + (l->column[ROLE_TOTAL] >= 0) >= 2 ||
        (best >= 0 && l->column[ROLE_TOTAL] >= 0);
    if (l->column[ROLE_METH] >= 0 && l->column[ROLE_UNMETH] >= 0) drop(l, ROLE_TOTAL);
    if (!l->counts && best >= 0) {
        drop(l, ROLE_METH);
        drop(l, ROLE_UNMETH);
    }
    if (best < 0 || (kinds[best] != ROLE_VALUE && kinds[best] != ROLE_FRACTION)) return;
    int column = l->column[kinds[best]];
    column_facts facts = look(p, t, column);
    if (facts.beyond_1 > 0 || (l->counts && kinds[best] == ROLE_VALUE)) {
        drop(l, kinds[best]);
        l->column[facts.beyond_1 > 0 ? ROLE_PERCENT : ROLE_FRACTION] = column;
    }
}

static void count_columns(layout *l) {
    l->nb_column = 0;
    for (int r = 0; r < NB_ROLE; r++) {
        if (l->column[r] >= l->nb_column) l->nb_column = l->column[r] + 1;
    }
}

/* Whether the table is DeepCpG's TSV: chromosome, position, value, the value not under the name of a rate. */
static bool is_tsv(const table *t, const layout *l) {
    char simple[MAX_NAME];
    size_t rank;
    for (int r = ROLE_END; r < NB_ROLE; r++) {
        if (r != ROLE_VALUE && l->column[r] >= 0) return false;
    }
    if (l->column[ROLE_CHROMO] != 0 || l->column[ROLE_POS] != 1 || l->column[ROLE_VALUE] != 2 || l->base != 1)
        return false;
    const char *name = t->header->at[2 - t->shift];
    simplify(name, simple);
    return role_of(name, &rank) == NB_ROLE || is_among(plain_values, simple, &rank);
}

/* Notes in the report the columns of reads, fractions and further samples that are not read. */
static void note_ignored(const profile_parser *p, const table *t) {
    const fields *header = t->header;
    char *text = p->report->ignored;
    size_t size = sizeof p->report->ignored, used = 0, rank;
    for (int i = 0; i < header->n && used + 1 < size; i++) {
        bool read = false;
        for (int r = 0; r < NB_ROLE; r++) read |= p->layout.column[r] == i + t->shift;
        char simple[MAX_NAME];
        simplify(header->at[i], simple);
        size_t n = strlen(simple);
        role r = role_of(header->at[i], &rank);
        if (r == NB_ROLE && n > 1 && simple[n - 1] >= '2' && simple[n - 1] <= '9') { /* a further sample */
            simple[n - 1] = '\0';
            r = role_of(simple, &rank);
        }
        if (read || r == NB_ROLE || r < ROLE_METH) continue;
        used += (size_t)snprintf(text + used, size - used, "%s%.40s", used ? ", " : "", header->at[i]);
    }
}

/* Whether the column names agree with `marked`, a format recognised by its characteristic columns. */
static bool agrees(const layout *l, const profile_format *marked) {
    static const struct {
        const profile_format *format;
        int meth, unmeth, total;
    } marks[] = {{&dcpg_profile_allc, 4, -1, 5},
                 {&dcpg_profile_cpg_report, 3, 4, -1},
                 {&dcpg_profile_bedmethyl, 11, 12, 9}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (marks[i].format != marked) continue;
        return (l->column[ROLE_METH] < 0 || l->column[ROLE_METH] == marks[i].meth) &&
               (l->column[ROLE_TOTAL] < 0 || marks[i].total < 0 || l->column[ROLE_TOTAL] == marks[i].total) &&
               (l->column[ROLE_UNMETH] < 0 || marks[i].unmeth < 0 ||
                l->column[ROLE_UNMETH] == marks[i].unmeth);
    }
    return true;
}

dcpg_status dcpg_profile_read_header(profile_parser *p, const fields *header, const sample *lines, int first,
                                     dcpg_err *err) {
    layout *l = &p->layout;
    table t = {.header = header,
               .lines = lines,
               .first = first,
               .shift = dcpg_profile_row_names(p, header, lines, first)};
    const profile_format *marked = dcpg_profile_find_marked(p, lines, first);
    *l = (layout){.named = true};
    for (int r = 0; r < NB_ROLE; r++) l->column[r] = -1;
    find_roles(&t, l);
    if (marked && t.shift == 0 && agrees(l, marked)) {
        dcpg_profile_take_format(p, marked);
        return DCPG_OK;
    }
    settle_meth(p, &t, l);
    DCPG_TRY(settle_value(p, &t, l, err));
    l->base = find_base(p, &t, l);
    if (is_tsv(&t, l)) {
        note_ignored(p, &t);
        dcpg_profile_take_format(p, &dcpg_profile_tsv);
        return DCPG_OK;
    }
    p->scale_known = l->column[ROLE_PERCENT] >= 0;
    settle_share(p, &t, l);
    count_columns(l);
    note_ignored(p, &t);
    dcpg_profile_take_format(p, l->counts ? &dcpg_profile_table : &dcpg_profile_table_shares);
    return DCPG_OK;
}
