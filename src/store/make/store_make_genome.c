/* SPDX-License-Identifier: MIT */
/* Making a store, first step: reads the genome, distributed among the ranks, settles the names of its
 * chromosomes, and maps its CGs. */
#include "base/number.h"
#include "store/make/make_impl.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading sequences ---- */

/* A FASTA file being read by one thread. */
typedef struct reading {
    making *m;
    const dcpg_map *wanted; /* names, as given and normalised; empty: all */
    int64_t file;
} reading;

static dcpg_status hold(making *m, held_sequence *held, dcpg_err *err) {
    if (m->chromos.nb_held == m->chromos.held_capacity) {
        int64_t capacity = m->chromos.held_capacity > 0 ? 2 * m->chromos.held_capacity : 32;
        held_sequence *grown =
            dcpg_realloc(m->chromos.held, (size_t)m->chromos.nb_held, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "chromosomes", (size_t)capacity * sizeof *grown);
        m->chromos.held = grown;
        m->chromos.held_capacity = capacity;
    }
    m->chromos.held[m->chromos.nb_held++] = *held;
    held->sequence = (dcpg_sequence){0};
    return DCPG_OK;
}

/* Drops the bases but keeps the name. */
static void drop_bases(dcpg_sequence *s) {
    dcpg_free(s->packed);
    dcpg_free(s->run);
    s->packed = NULL;
    s->run = NULL;
    s->nb_run = s->run_capacity = 0;
}

static dcpg_status receive(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    reading *r = context;
    bool wanted = r->wanted->n == 0 || dcpg_map_get(r->wanted, sequence->chromo, 0);
    if (!wanted) drop_bases(sequence);
    held_sequence held = {*sequence, -1, r->file};
    if (omp_get_thread_num() == 0) dcpg_par_busy(r->m->par); /* only the first thread may call MPI */
    dcpg_status status;
#pragma omp critical(dcpg_store_make)
    status = hold(r->m, &held, err);
    if (status == DCPG_OK) *sequence = (dcpg_sequence){0};
    return status;
}

/* odd[number of files] receives the oddities of this rank's files. */
static dcpg_status read_files(making *m, const dcpg_map *wanted, int64_t *odd, dcpg_err *err) {
    int64_t n = (int64_t)m->dna.files.n, worst = n;
    int64_t from = dcpg_part(n, m->par->rank, m->par->size),
            to = dcpg_part(n, m->par->rank + 1, m->par->size);
    dcpg_err first = {0};
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = from; i < to; i++) {
        reading r = {m, wanted, i};
        dcpg_err mine = {0};
        unsigned odd_here = 0;
        dcpg_status status = dcpg_fasta_read_odd(m->dna.files.v[i], receive, &r, &odd_here, &mine);
        odd[i] = odd_here;
#pragma omp critical(dcpg_store_make)
        if (status != DCPG_OK && i < worst) {
            worst = i;
            first = mine;
        }
    }
    if (first.status != DCPG_OK && err) *err = first;
    return first.status;
}

static dcpg_status read_sequences(making *m, int64_t *odd, dcpg_err *err) {
    dcpg_map wanted = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < m->wanted.n && status == DCPG_OK; i++) {
        char *name = dcpg_chromo_name(m->wanted.v[i]);
        status = name ? dcpg_map_set(&wanted, name, 1, err)
                      : dcpg_fail_nomem(err, "a chromosome's name", strlen(m->wanted.v[i]) + 1);
        dcpg_free(name);
        /* Sequences from a store have the names that it gave them. */
        if (status == DCPG_OK) status = dcpg_map_set(&wanted, m->wanted.v[i], 1, err);
    }
    if (status == DCPG_OK && m->dna.files.n > 0) {
        status = read_files(m, &wanted, odd, err);
    } else if (status == DCPG_OK) {
        reading r = {.m = m, .wanted = &wanted};
        status = m->input->sequences(m->input->context, receive, &r, err);
    }
    dcpg_map_free(&wanted);
    return status;
}

static dcpg_status read_all(making *m, dcpg_err *err) {
    size_t n = m->dna.files.n;
    int64_t *odd = dcpg_alloc(n, sizeof *odd);
    dcpg_status status = odd ? read_sequences(m, odd, err) : dcpg_fail_nomem(err, "files", n * sizeof *odd);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        dcpg_max_i64s_all(m->par, odd, n);
        dcpg_make_log_odd(m, odd, (const char *const *)m->dna.files.v, (int64_t)n);
    }
    dcpg_free(odd);
    return status;
}

/* ---- sequences as all ranks know them ---- */

static const char *raw_name(const dcpg_sequence *s) { return s->raw ? s->raw : s->chromo; }

/* Describes this rank's sequences, with their names in one text. */
static dcpg_status describe(const making *m, about_sequence **about, char **text, size_t *bytes,
                            dcpg_err *err) {
    *bytes = 0;
    for (int64_t i = 0; i < m->chromos.nb_held; i++)
        *bytes += strlen(raw_name(&m->chromos.held[i].sequence)) + 1;
    *about = dcpg_alloc((size_t)m->chromos.nb_held, sizeof **about);
    *text = dcpg_alloc(*bytes, 1);
    if (!*about || !*text)
        return dcpg_fail_nomem(err, "chromosomes", (size_t)m->chromos.nb_held * sizeof **about);
    char *to = *text;
    for (int64_t i = 0; i < m->chromos.nb_held; i++) {
        const dcpg_sequence *s = &m->chromos.held[i].sequence;
        (*about)[i] = (about_sequence){.length = s->length,
                                       .nb_run = s->nb_run,
                                       .file = m->chromos.held[i].file,
                                       .held = i,
                                       .owner = m->par->rank,
                                       .wanted = s->packed != NULL,
                                       .same = -1};
        memcpy((*about)[i].md5, s->md5, sizeof s->md5);
        to = stpcpy(to, raw_name(s)) + 1;
    }
    return DCPG_OK;
}

static dcpg_status gather_all(making *m, dcpg_err *err) {
    genome *g = &m->genome;
    about_sequence *mine = NULL;
    char *text = NULL;
    void *all = NULL, *all_text = NULL;
    size_t bytes = 0, *bytes_of = dcpg_alloc((size_t)m->par->size, sizeof *bytes_of);
    dcpg_status status = bytes_of ? describe(m, &mine, &text, &bytes, err)
                                  : dcpg_fail_nomem(err, "ranks", (size_t)m->par->size * sizeof *bytes_of);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) status = dcpg_allgatherv_all(m->par, text, bytes, &all_text, bytes_of, err);
    if (status == DCPG_OK)
        status =
            dcpg_allgatherv_all(m->par, mine, (size_t)m->chromos.nb_held * sizeof *mine, &all, bytes_of, err);
    for (int r = 0; r < m->par->size && status == DCPG_OK; r++) g->n += (int64_t)(bytes_of[r] / sizeof *mine);
    g->about = all;
    g->raw_text = all_text;
    const char *name = all_text;
    for (int64_t i = 0; i < g->n; i++) {
        g->about[i].raw = name;
        name += strlen(name) + 1;
    }
    dcpg_free(mine);
    dcpg_free(text);
    dcpg_free(bytes_of);
    return status;
}

/* ---- names ---- */

/* During the search for copies `name` is the normalised name. */
static int by_name(const void *a, const void *b) {
    const about_sequence *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0) order = strcmp(x->raw, y->raw);
    if (order) return order;
    return x->file != y->file ? (x->file < y->file ? -1 : 1) : (x->held > y->held) - (x->held < y->held);
}

static dcpg_status fail_twice(const making *m, const about_sequence *a, const about_sequence *b,
                              dcpg_err *err) {
    const about_sequence *first = a->file < b->file ? a : b, *second = first == a ? b : a;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s and %s: both hold chromosome %s (%s and %s), with other bases: give one of them",
                     m->dna.files.v[first->file], m->dna.files.v[second->file], a->name, first->raw,
                     second->raw);
}

/* Finds copies among about[from, to), which share one normalised name. Names that differ only by "chr" may
 * occur in one file; in two files and with different bases they belong to two genomes. For unwanted sequences
 * only the names matter. */
static dcpg_status find_copies(const making *m, int64_t from, int64_t to, dcpg_err *err) {
    about_sequence *about = m->genome.about;
    for (int64_t i = from; i < to; i++) {
        for (int64_t k = from; k < i && about[i].same < 0; k++) {
            if (about[k].wanted != about[i].wanted || about[k].same >= 0) continue;
            if (!about[i].wanted)
                about[i].same = strcmp(about[k].raw, about[i].raw) == 0 ? k : -1;
            else if (about[k].length == about[i].length && strcmp(about[k].md5, about[i].md5) == 0)
                about[i].same = k;
            else if (about[k].file != about[i].file && dcpg_chromo_same(about[k].raw, about[i].raw) < 3)
                return fail_twice(m, &about[k], &about[i], err);
            else if (about[k].file != about[i].file)
                dcpg_warn(m->log,
                          "%s of %s and %s of %s have other bases: they are taken for two chromosomes, and "
                          "files mean the one that they name",
                          about[k].raw, m->dna.files.v[about[k].file], about[i].raw,
                          m->dna.files.v[about[i].file]);
        }
    }
    return DCPG_OK;
}

/* A chromosome that occurs twice with the same bases is taken once; the bases of the copy are freed. */
static dcpg_status drop_copies(making *m, dcpg_err *err) {
    genome *g = &m->genome;
    int64_t copies = 0;
    const about_sequence *first = NULL;
    for (int64_t from = 0, to; from < g->n; from = to) {
        for (to = from + 1; to < g->n && strcmp(g->about[from].name, g->about[to].name) == 0;) to++;
        DCPG_TRY(find_copies(m, from, to, err));
    }
    for (int64_t i = 0; i < g->n; i++) {
        const about_sequence *a = &g->about[i];
        if (a->same < 0 || !a->wanted) continue;
        if (copies++ == 0) first = a;
        if (a->owner == m->par->rank) drop_bases(&m->chromos.held[a->held].sequence);
    }
    if (!first || m->dna.files.n == 0) return DCPG_OK;
    const about_sequence *kept = &g->about[first->same];
    dcpg_info(m->log,
              "data: %" PRId64
              " sequence%s stand%s in the genome twice, with the same bases, and %s taken once "
              "(%s of %s is %s of %s)",
              copies, copies == 1 ? "" : "s", copies == 1 ? "s" : "", copies == 1 ? "is" : "are", first->raw,
              m->dna.files.v[first->file], kept->raw, m->dna.files.v[kept->file]);
    return DCPG_OK;
}

/* Makes names for the store, in g->store: [number of sequences that are no copies]. Names that come from a
 * store stay. raw[g->n]: scratch. */
static dcpg_status name_sequences(making *m, const char **raw, dcpg_err *err) {
    genome *g = &m->genome;
    size_t n = 0, next = 0;
    for (int64_t i = 0; i < g->n; i++)
        if (g->about[i].same < 0) raw[n++] = g->about[i].raw;
    dcpg_strings_free(&g->store);
    if (m->dna.files.n > 0) {
        DCPG_TRY(dcpg_chromos_rename(raw, n, &g->store, err));
    } else {
        for (size_t i = 0; i < n; i++) DCPG_TRY(dcpg_strings_add(&g->store, raw[i], err));
    }
    for (int64_t i = 0; i < g->n; i++)
        if (g->about[i].same < 0) g->about[i].name = g->store.v[next++];
    for (int64_t i = 0; i < g->n; i++)
        if (g->about[i].same >= 0) g->about[i].name = g->about[g->about[i].same].name;
    return DCPG_OK;
}

/* Notes the names of about[from, to), which share one normalised name, if they are several sequences: two
 * strings for each, the file's name and the store's. */
static dcpg_status note_group(making *m, int64_t from, int64_t to, dcpg_err *err) {
    const about_sequence *about = m->genome.about;
    int64_t several = 0;
    for (int64_t i = from; i < to; i++) several += about[i].same < 0;
    for (int64_t i = from; i < to && several > 1; i++) {
        DCPG_TRY(dcpg_strings_add(&m->dna.alike, about[i].raw, err));
        DCPG_TRY(dcpg_strings_add(&m->dna.alike, about[i].name, err));
    }
    return DCPG_OK;
}

/* Notes sequences whose names are alike, such as hg19's chrM and chrMT: a store that holds only one of them
 * must know that the other's name does not mean it. `about` is sorted by normalised name. */
static dcpg_status note_alike(making *m, dcpg_err *err) {
    const genome *g = &m->genome;
    const dcpg_strings *known = m->dna.files.n == 0 ? m->input->alike : NULL;
    for (size_t i = 0; known && i < known->n; i++)
        DCPG_TRY(dcpg_strings_add(&m->dna.alike, known->v[i], err));
    for (int64_t from = 0, to; !known && from < g->n; from = to) {
        for (to = from + 1; to < g->n && dcpg_chromo_same(g->about[from].raw, g->about[to].raw) > 0;) to++;
        if (to - from > 1) DCPG_TRY(note_group(m, from, to, err));
    }
    return DCPG_OK;
}

static dcpg_status fail_wanted(const genome *g, const char *word, dcpg_err *err) {
    enum { MOST = 64 };
    const char *names[MOST];
    char text[160];
    int64_t given = min_i64(g->n, MOST);
    for (int64_t i = 0; i < given; i++) names[i] = g->about[i].raw;
    return dcpg_fail(err, DCPG_E_INPUT, "--chromos %s: the genome has no such chromosome: it has %s", word,
                     dcpg_chromos_some(names, (size_t)given, (size_t)g->n, text, sizeof text));
}

/* Resolves --chromos and marks the sequences that it names. g->names gives places in `about`. */
static dcpg_status mark_wanted(making *m, dcpg_err *err) {
    genome *g = &m->genome;
    dcpg_strings found = {0};
    dcpg_status status = DCPG_OK;
    for (int64_t i = 0; i < g->n; i++) g->about[i].wanted = false;
    for (size_t i = 0; i < m->wanted.n && status == DCPG_OK; i++) {
        int64_t k = dcpg_chromos_find(&g->names, m->wanted.v[i]);
        if (k == DCPG_CHROMO_UNCLEAR)
            status = dcpg_chromos_fail_unclear(&g->names, "--chromos", m->wanted.v[i], "the genome", err);
        else if (k < 0 || k >= g->n)
            status = fail_wanted(g, m->wanted.v[i], err);
        else if (!g->about[k].wanted)
            status = dcpg_strings_add(&found, g->about[k].name, err);
        if (status == DCPG_OK) g->about[k].wanted = true;
    }
    dcpg_strings_free(&m->wanted);
    dcpg_strings_sort(&found);
    m->wanted = found;
    return status;
}

/* Adds the names in m->dna.alike, since a store may hold only one of the sequences that have them; names of
 * sequences that it lacks get number n. */
static dcpg_status index_alike(making *m, const int64_t *place, int64_t n, dcpg_err *err) {
    genome *g = &m->genome;
    dcpg_map number = {0};
    dcpg_status status = DCPG_OK;
    for (int64_t i = 0; i < g->n && status == DCPG_OK; i++)
        status = dcpg_map_set(&number, g->about[i].name, place ? place[i] : i, err);
    for (size_t i = 0; i + 1 < m->dna.alike.n && status == DCPG_OK; i += 2)
        status = dcpg_chromos_add(&g->names, m->dna.alike.v[i],
                                  dcpg_map_get(&number, m->dna.alike.v[i + 1], n), err);
    dcpg_map_free(&number);
    return status;
}

/* Indexes the names that files may use for the sequences; a copy counts as its original. place[g->n]: number
 * of each sequence; NULL: its place in `about`. n: the number given to unwanted ones. */
static dcpg_status index_names(making *m, const int64_t *place, int64_t n, dcpg_err *err) {
    genome *g = &m->genome;
    dcpg_chromos_free(&g->names);
    for (int64_t i = 0; i < g->n; i++) {
        int64_t k = g->about[i].same >= 0 ? g->about[i].same : i;
        DCPG_TRY(dcpg_chromos_add(&g->names, g->about[i].raw, place ? place[k] : k, err));
    }
    return m->dna.files.n == 0 && m->dna.alike.n > 0 ? index_alike(m, place, n, err) : DCPG_OK;
}

static int by_store_name(const void *a, const void *b) {
    const about_sequence *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* Keeps only the wanted sequences in `about`, sorted by name. order[n] and place[n] are scratch. */
static dcpg_status sort_wanted(making *m, const about_sequence **order, int64_t *place, dcpg_err *err) {
    genome *g = &m->genome;
    int64_t n = 0;
    for (int64_t i = 0; i < g->n; i++)
        if (g->about[i].wanted && g->about[i].same < 0) order[n++] = &g->about[i];
    if (n > 0) qsort(order, (size_t)n, sizeof *order, by_store_name);
    for (int64_t i = 0; i < g->n; i++) place[i] = -1;
    for (int64_t i = 0; i < n; i++) place[order[i] - g->about] = i;
    for (int64_t i = 0; i < g->n; i++)
        if (place[i] < 0) place[i] = n; /* not wanted: all share one number */
    DCPG_TRY(index_names(m, place, n, err));
    about_sequence *sorted = dcpg_alloc((size_t)n, sizeof *sorted);
    if (!sorted) return dcpg_fail_nomem(err, "chromosomes", (size_t)n * sizeof *sorted);
    for (int64_t i = 0; i < n; i++) sorted[i] = *order[i];
    dcpg_free(g->about);
    g->about = sorted;
    g->n = n;
    return DCPG_OK;
}

/* Gives the sequences their final names and order, the same on all ranks. Local. */
static dcpg_status settle_names(making *m, dcpg_err *err) {
    genome *g = &m->genome;
    size_t n = (size_t)g->n;
    const char **raw = dcpg_alloc(n, sizeof *raw);
    const about_sequence **order = dcpg_alloc(n, sizeof *order);
    int64_t *place = dcpg_alloc(n, sizeof *place);
    dcpg_status status =
        raw && order && place ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", 3 * n * sizeof *raw);
    for (size_t i = 0; i < n && status == DCPG_OK; i++) {
        char *name = dcpg_chromo_name(g->about[i].raw);
        status = name ? dcpg_strings_add(&g->store, name, err)
                      : dcpg_fail_nomem(err, "a chromosome's name", strlen(g->about[i].raw) + 1);
        dcpg_free(name);
        if (status == DCPG_OK) g->about[i].name = g->store.v[i];
    }
    if (status == DCPG_OK && n > 0) qsort(g->about, n, sizeof *g->about, by_name);
    if (status == DCPG_OK) status = drop_copies(m, err);
    if (status == DCPG_OK) status = name_sequences(m, raw, err);
    if (status == DCPG_OK) status = note_alike(m, err);
    if (status == DCPG_OK && m->wanted.n > 0) {
        status = index_names(m, NULL, g->n, err);
        if (status == DCPG_OK) status = mark_wanted(m, err);
    }
    if (status == DCPG_OK) status = sort_wanted(m, order, place, err);
    dcpg_free(raw);
    dcpg_free(order);
    dcpg_free(place);
    return status;
}

/* ---- the map of CGs ---- */

static int64_t nb_word(const about_sequence *about) { return ceil_div(about->length, 64); }

/* Lays out the words of the sequences, those of one rank side by side. at[n]: first word of each sequence;
 * first[size + 1]: of each rank. */
static void place_words(const making *m, int64_t *at, int64_t *first) {
    const genome *g = &m->genome;
    int size = m->par->size;
    for (int64_t i = 0; i < g->n; i++) first[g->about[i].owner + 1] += nb_word(&g->about[i]);
    for (int r = 0; r < size; r++) first[r + 1] += first[r];
    for (int64_t i = 0; i < g->n; i++) {
        at[i] = first[g->about[i].owner];
        first[g->about[i].owner] += nb_word(&g->about[i]);
    }
    for (int r = size; r > 0; r--) first[r] = first[r - 1];
    first[0] = 0;
}

/* Every rank finds the CGs of its sequences, in memory shared by its host, and gives them to the other hosts.
 */
static dcpg_status fill_map_all(making *m, const int64_t *at, const int64_t *first, dcpg_err *err) {
    genome *g = &m->genome;
    DCPG_TRY(dcpg_par_shared_open_all(m->par, (size_t)first[m->par->size] * sizeof(uint64_t), &g->bits, err));
    uint64_t *bits = g->bits->data;
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t i = 0; i < g->n; i++)
        if (g->about[i].owner == m->par->rank)
            dcpg_cg_bits(&m->chromos.held[g->about[i].held].sequence, bits + at[i]);
    for (int r = 0; r < m->par->size; r++) {
        size_t bytes = (size_t)(first[r + 1] - first[r]) * sizeof *bits;
        if (bytes > 0)
            dcpg_par_shared_fill_all(m->par, g->bits, (size_t)first[r] * sizeof *bits, bits + first[r], bytes,
                                     r);
    }
    int64_t nb_cg = 0;
    for (int64_t w = first[m->par->rank]; w < first[m->par->rank + 1]; w++)
        nb_cg += __builtin_popcountll(bits[w]);
    g->nb_cg = dcpg_sum_i64_all(m->par, nb_cg);
    return DCPG_OK;
}

static dcpg_status map_all(making *m, dcpg_err *err) {
    genome *g = &m->genome;
    int64_t *at = dcpg_alloc((size_t)g->n, sizeof *at),
            *first = dcpg_alloc((size_t)m->par->size + 1, sizeof *first);
    g->chromo = dcpg_alloc((size_t)g->n, sizeof *g->chromo);
    dcpg_status status = at && first && g->chromo
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "chromosomes", (size_t)g->n * sizeof *g->chromo);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        place_words(m, at, first);
        status = fill_map_all(m, at, first, err);
    }
    for (int64_t i = 0; i < g->n && status == DCPG_OK; i++)
        g->chromo[i] =
            (dcpg_cg_chromo){g->about[i].name, g->about[i].length, (const uint64_t *)g->bits->data + at[i]};
    g->map = (dcpg_cg_map){g->n, g->chromo, &g->names};
    dcpg_free(at);
    dcpg_free(first);
    return status;
}

void dcpg_free_genome_all(genome *g) {
    dcpg_par_shared_close_all(g->bits);
    dcpg_free(g->chromo);
    dcpg_free(g->run_first);
    dcpg_free(g->run);
    g->bits = NULL;
    g->chromo = NULL;
    g->run_first = NULL;
    g->run = NULL;
    g->runs = (dcpg_genome_runs){0};
    g->map = (dcpg_cg_map){0};
}

void dcpg_free_genome_names(genome *g) {
    dcpg_free(g->about);
    dcpg_free(g->raw_text);
    dcpg_strings_free(&g->store);
    dcpg_chromos_free(&g->names);
}

dcpg_status dcpg_make_genome_all(making *m, dcpg_err *err) {
    if (!has_genome(m)) return DCPG_OK;
    double started = dcpg_now();
    for (size_t i = 0; i < m->dna.notes.n; i++) dcpg_warn(m->log, "%s", m->dna.notes.v[i]);
    DCPG_TRY(read_all(m, err));
    DCPG_TRY(gather_all(m, err));
    DCPG_TRY(dcpg_agree_all(m->par, settle_names(m, err), err));
    DCPG_TRY(map_all(m, err));
    DCPG_TRY(dcpg_make_runs_all(m, err));
    int64_t bases = 0;
    for (int64_t i = 0; i < m->genome.n; i++) bases += m->genome.about[i].length;
    dcpg_info(m->log, "data: genome of %.1f Mb read in %.2f s", (double)bases / 1e6, dcpg_now() - started);
    return DCPG_OK;
}
