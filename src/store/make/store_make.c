/* SPDX-License-Identifier: MIT */
/* Making a store: options, cells of each rank, the steps in order, the summary. */
#include "base/number.h"
#include "store/make/make_impl.h"
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void free_making(making *m) {
    for (int64_t i = 0; m->cells.packed && i < nb_own(m); i++) dcpg_free_packed(&m->cells.packed[i]);
    for (int64_t i = 0; i < m->chromos.nb_held; i++) dcpg_sequence_free(&m->chromos.held[i].sequence);
    dcpg_free_packed(&m->cells.target);
    dcpg_free_genome_all(&m->genome);
    dcpg_free_genome_names(&m->genome);
    dcpg_make_free_files(&m->cells.files);
    dcpg_make_free_extras(m);
    dcpg_free(m->cells.packed);
    dcpg_strings_free(&m->wanted);
    dcpg_strings_free(&m->dna.alike);
    dcpg_strings_free(&m->chromos.name);
    dcpg_strings_free(&m->dna.files);
    dcpg_strings_free(&m->dna.notes);
    dcpg_free(m->chromos.held);
    dcpg_free(m->chromos.owner);
    dcpg_free(m->chromos.length);
    dcpg_strings_free(&m->chromos.md5);
    dcpg_strings_free(&m->chromos.fasta_name);
    dcpg_free(m->chromos.run_offset);
    dcpg_free(m->chromos.run);
    dcpg_free(m->positions.offset);
    dcpg_free(m->positions.pos);
    dcpg_free(m->positions.is_site);
    dcpg_h5_close(m->file);
}

/* ---- files ---- */

typedef struct named_path {
    const char *name, *path;
} named_path;

/* Of one name, the input's profile, which has no path, comes first. */
static int by_name(const void *a, const void *b) {
    const named_path *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order) return order;
    return x->path && y->path ? strcmp(x->path, y->path) : (x->path != NULL) - (y->path != NULL);
}

/* The file's name without extensions for tables and compression. */
static char *long_name(const char *path) {
    static const char *const known[] = {".gz",  ".bgz",  ".bz2", ".tsv",    ".txt",
                                        ".csv", ".bed",  ".cov", ".zero",   ".bw",
                                        ".tab", ".allc", ".CpG", ".bigWig", ".bedGraph"};
    const char *base = dcpg_basename(path);
    size_t n = strlen(base), before;
    do {
        before = n;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            size_t length = strlen(known[i]);
            if (n > length && strncmp(base + n - length, known[i], length) == 0) n -= length;
        }
    } while (n < before);
    return dcpg_strndup(base, n);
}

/* A list may name cells freely, and files that have one name in it are merged. */
static dcpg_status fail_names(const making_kind *kind, const named_path *a, const named_path *b,
                              dcpg_err *err) {
    char *x = long_name(a->path), *y = long_name(b->path);
    dcpg_status status =
        !x || !y
            ? dcpg_fail_nomem(err, "a name", strlen(a->path))
            : dcpg_fail(err, DCPG_E_INPUT,
                        "%s and %s: both name the %s %s (a file's name up to the first '.'): give a list "
                        "instead, a text file with a name, a tab and a path in each line, such as "
                        "\"%s<tab>%s\" and \"%s<tab>%s\"%s",
                        a->path, b->path, kind->what, a->name, x, a->path, y, b->path,
                        kind->merged ? "; files of one name are merged there" : "");
    dcpg_free(x);
    dcpg_free(y);
    return status;
}

static dcpg_status fail_twice(const making *m, const making_kind *kind, bool is_list, const named_path *a,
                              const named_path *b, dcpg_err *err) {
    if (!a->path)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: names the %s %s, which %s holds already: rename it, or leave it out", b->path,
                         kind->what, b->name, m->input->name);
    if (!is_list) return fail_names(kind, a, b, err);
    return dcpg_fail(err, DCPG_E_INPUT, "%s and %s: both are named %s: a %s is one file, rename one", a->path,
                     b->path, b->name, kind->what);
}

/* Two paths to one file would count its reads twice. */
static dcpg_status check_same_file(const named_path *a, const named_path *b, dcpg_err *err) {
    struct stat x, y;
    if (stat(a->path, &x) != 0 || stat(b->path, &y) != 0 || x.st_dev != y.st_dev || x.st_ino != y.st_ino)
        return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "%s and %s: are one file, given twice for %s: give it once", a->path,
                     b->path, a->name);
}

static dcpg_status take_sorted(const making *m, const named_path *sorted, size_t n, const making_kind *kind,
                               named_files *files, dcpg_err *err) {
    int64_t nb_file = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = i > 0 && strcmp(sorted[i].name, sorted[i - 1].name) == 0;
        bool merged = again && kind->merged && files->is_list && sorted[i - 1].path;
        bool replaced = again && kind->replaced && !sorted[i - 1].path;
        if (again && !merged && !replaced)
            return fail_twice(m, kind, files->is_list, &sorted[i - 1], &sorted[i], err);
        for (size_t k = i; merged && k > 0 && strcmp(sorted[k - 1].name, sorted[i].name) == 0; k--)
            DCPG_TRY(check_same_file(&sorted[k - 1], &sorted[i], err));
        if (!again) {
            files->path[files->name.n] = sorted[i].path;
            files->first[files->name.n] = nb_file;
            DCPG_TRY(dcpg_strings_add(&files->name, sorted[i].name, err));
        }
        if (replaced) files->path[files->name.n - 1] = sorted[i].path;
        if (sorted[i].path) files->sorted[nb_file++] = sorted[i].path;
        files->first[files->name.n] = nb_file;
    }
    return DCPG_OK;
}

dcpg_status dcpg_make_sort_files(const making *m, const dcpg_strings *names, const making_kind *kind,
                                 named_files *files, dcpg_err *err) {
    size_t kept = kind->kept ? kind->kept->n : 0, n = names->n + kept;
    named_path *sorted = dcpg_alloc(n, sizeof *sorted);
    files->path = dcpg_alloc(n, sizeof *files->path);
    files->sorted = dcpg_alloc(n, sizeof *files->sorted);
    files->first = dcpg_alloc(n + 1, sizeof *files->first);
    dcpg_status status = sorted && files->path && files->sorted && files->first
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "names of files", n * sizeof *sorted);
    if (status == DCPG_OK) {
        for (size_t i = 0; i < kept; i++) sorted[i] = (named_path){kind->kept->v[i], NULL};
        for (size_t i = 0; i < names->n; i++) sorted[kept + i] = (named_path){names->v[i], files->files.v[i]};
        if (n > 0) qsort(sorted, n, sizeof *sorted, by_name);
        status = take_sorted(m, sorted, n, kind, files, err);
    }
    dcpg_free(sorted);
    return status == DCPG_OK ? dcpg_check_output(m->options->out_file, &files->files, err) : status;
}

/* A pipe is rarely named after its cell: a shell turns <(...) into /dev/fd/63. */
static void log_pipes(const making *m, const making_kind *kind, const dcpg_strings *names,
                      const dcpg_strings *paths) {
    some_names called = {0}, pipes = {0};
    for (size_t i = 0; i < paths->n; i++) {
        struct stat about;
        bool device = strncmp(paths->v[i], "/dev/", 5) == 0 || strncmp(paths->v[i], "/proc/", 6) == 0;
        if (stat(paths->v[i], &about) != 0 || S_ISDIR(about.st_mode))
            continue; /* reported later as an error */
        if (S_ISREG(about.st_mode) && !device) continue;
        dcpg_names_add(&called, names->v[i]);
        dcpg_names_add(&pipes, paths->v[i]);
    }
    if (called.n == 0) return;
    const char *text = dcpg_names_text(&called);
    dcpg_warn(m->log,
              "the %s%s called %s after the pipe%s %s: to name it, give a list instead, a file of lines "
              "NAME<TAB>PATH, as NAME<TAB>%s",
              kind->what, called.n == 1 ? " is" : "s are", text, called.n == 1 ? "" : "s",
              dcpg_names_text(&pipes),
              called.n == 1 && strncmp(pipes.text, "/dev/fd/", 8) != 0 ? pipes.text : "/dev/stdin");
}

dcpg_status dcpg_make_sort_profiles(const making *m, const dcpg_strings *words, const making_kind *kind,
                                    named_files *files, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_status status = words && words->n > 0
                             ? dcpg_profile_list(words, &files->is_list, &names, &files->files, err)
                             : DCPG_OK;
    if (status == DCPG_OK && !files->is_list) log_pipes(m, kind, &names, &files->files);
    if (status == DCPG_OK) status = dcpg_make_sort_files(m, &names, kind, files, err);
    dcpg_strings_free(&names);
    return status;
}

void dcpg_make_free_files(named_files *files) {
    dcpg_strings_free(&files->files);
    dcpg_free(files->path);
    dcpg_free(files->sorted);
    dcpg_free(files->first);
    dcpg_strings_free(&files->name);
}

/* Each rank takes cells whose rows fill whole chunks, so that no chunk has two writers. Chunks depend only on
 * the number of cells. */
void dcpg_make_share_cells(making *m) {
    int64_t rows = m->cells.n / 64;
    m->cells.rows_per_chunk = min_i64(max_i64(rows, 1), 16);
    int64_t chunks = ceil_div(m->cells.n, m->cells.rows_per_chunk);
    m->cells.first = dcpg_part(chunks, m->par->rank, m->par->size) * m->cells.rows_per_chunk;
    m->cells.end = dcpg_part(chunks, m->par->rank + 1, m->par->size) * m->cells.rows_per_chunk;
    if (m->cells.first > m->cells.n) m->cells.first = m->cells.n;
    if (m->cells.end > m->cells.n) m->cells.end = m->cells.n;
}

/* ---- options ---- */

static dcpg_status add_chromo(making *m, const char *raw, dcpg_map *seen, dcpg_err *err) {
    char *name =
        has_genome(m) ? dcpg_strdup(raw) : dcpg_chromo_name(raw); /* the genome's names are not known yet */
    if (!name) return dcpg_fail_nomem(err, "a chromosome's name", strlen(raw) + 1);
    dcpg_status status = dcpg_map_get(seen, name, 0) ? DCPG_OK : dcpg_strings_add(&m->wanted, name, err);
    if (status == DCPG_OK) status = dcpg_map_set(seen, name, 1, err);
    dcpg_free(name);
    return status;
}

/* Puts the names of --chromos into m->wanted, each once, in bytewise order. */
static dcpg_status take_chromos(making *m, const dcpg_strings *words, dcpg_err *err) {
    dcpg_map seen = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; words && i < words->n && status == DCPG_OK; i++)
        status = add_chromo(m, words->v[i], &seen, err);
    dcpg_map_free(&seen);
    dcpg_strings_sort(&m->wanted);
    return status;
}

static dcpg_status take_options(making *m, dcpg_err *err) {
    const dcpg_store_options *o = m->options;
    if (!m->input && (!o->profiles || o->profiles->n == 0))
        return dcpg_fail(err, DCPG_E_USAGE,
                         "no profiles: give the methylation files of the cells with --cpg_profiles");
    if (!o->out_file || !*o->out_file)
        return dcpg_fail(err, DCPG_E_USAGE, "no file to write: name the store with --out_file");
    if (o->cpg_cov < 1) return dcpg_fail(err, DCPG_E_USAGE, "--cpg_cov %" PRId64 ": at least 1", o->cpg_cov);
    if (o->every_cg && (o->cpg_cov != 1 || o->pos_file))
        return dcpg_fail(err, DCPG_E_USAGE, "--sites all: all CGs of the genome are sites: leave --%s out",
                         o->pos_file ? "pos_file" : "cpg_cov");
    if (o->bedgraph_base < -1 || o->bedgraph_base > 1)
        return dcpg_fail(err, DCPG_E_USAGE, "--bedgraph_base %d: 0 or 1", o->bedgraph_base);
    if (o->min_reads < 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--min_reads %" PRId64 ": 0 or more", o->min_reads);
    if (!(o->min_cg >= 0 && o->min_cg <= 100))
        return dcpg_fail(err, DCPG_E_USAGE, "--min_cg %g: a percentage", o->min_cg);
    DCPG_TRY(dcpg_profile_check_format(o->profile_format, err));
    if (o->dna_files && o->dna_files->n > 0)
        DCPG_TRY(dcpg_fasta_list(o->dna_files, &m->dna.files, &m->dna.notes, err));
    DCPG_TRY(take_chromos(m, o->chromos, err));
    if (o->every_cg && !has_genome(m))
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--sites all: give the genome, whose CGs they are, with --dna_files");
    m->positions.every_cg = o->every_cg;
    const making_kind cells = {"cell", m->input ? m->input->cells : NULL, false, true};
    DCPG_TRY(dcpg_make_sort_profiles(m, o->profiles, &cells, &m->cells.files, err));
    m->cells.n = (int64_t)m->cells.files.name.n;
    DCPG_TRY(dcpg_make_take_extras(m, err));
    dcpg_make_share_cells(m);
    return DCPG_OK;
}

/* ---- all steps ---- */

static const char *plural(int64_t n) { return n == 1 ? "" : "s"; }

/* calls[3] as from count_calls_all. */
static void summarise(const making *m, const int64_t calls[3], double started) {
    struct stat about;
    double size = stat(m->options->out_file, &about) == 0 ? (double)about.st_size : 0,
           each = 100.0 / (double)m->positions.nb_site;
    dcpg_info(m->log,
              "data: %s: %" PRId64 " cell%s, %" PRId64 " position%s on %zu chromosome%s, %" PRId64
              " site%s, coverage of the sites %.1f %% (%.1f to %.1f), %.2f MB, %.2f s",
              m->options->out_file, m->cells.n, plural(m->cells.n), m->positions.n, plural(m->positions.n),
              m->chromos.name.n, plural((int64_t)m->chromos.name.n), m->positions.nb_site,
              plural(m->positions.nb_site), (double)calls[0] / (double)m->cells.n * each,
              (double)-calls[1] * each, (double)calls[2] * each, size / 1e6, dcpg_now() - started);
    if (calls[0] == 0)
        dcpg_warn(m->log,
                  "none of the sites is observed in any cell: they can be imputed, but not learned from");
}

/* Calls of a cell at sites. */
static int64_t count_on_sites(const making *m, const packed_cell *cell) {
    if (m->positions.nb_site == m->positions.n) return cell->n;
    int64_t n = 0;
    for (int c = 0; c < cell->nb_chromo; c++) {
        int64_t i = m->positions.offset[cell->chromo[c].chromo];
        unpacking u = dcpg_start_unpacking(&cell->chromo[c]);
        while (dcpg_unpack_call(&u)) {
            while (m->positions.pos[i] < u.pos) i++;
            n += m->positions.is_site[i];
        }
    }
    return n;
}

/* Calls at sites: calls[0] of all cells, calls[1] of the cell with the fewest, negated, calls[2] of the cell
 * with the most. */
static void count_calls_all(const making *m, int64_t calls[3]) {
    calls[0] = 0;
    calls[1] = -m->positions.n;
    calls[2] = 0;
    for (int64_t i = 0; i < nb_own(m); i++) {
        int64_t n = count_on_sites(m, &m->cells.packed[i]);
        calls[0] += n;
        if (-n > calls[1]) calls[1] = -n;
        if (n > calls[2]) calls[2] = n;
    }
    dcpg_sum_i64s_all(m->par, calls, 1);
    dcpg_max_i64s_all(m->par, calls + 1, 2);
}

/* Two CpGs cannot start at adjacent positions: such positions are C and G of the same CpG. */
static void log_neighbours(const making *m) {
    int64_t n = 0;
    for (size_t c = 0; c < m->chromos.name.n; c++) {
        for (int64_t i = m->positions.offset[c] + 1; i < m->positions.offset[c + 1]; i++)
            n += m->positions.pos[i] == m->positions.pos[i - 1] + 1;
    }
    if (n == 0 || has_genome(m)) return;
    dcpg_warn(m->log,
              "%" PRId64 " of %" PRId64
              " positions stand next to another one: C and G of one CpG, which become "
              "one site where --dna_files gives the genome",
              n, m->positions.n);
}

static dcpg_status make_all(making *m, dcpg_err *err) {
    double started = dcpg_now();
    int64_t calls[3];
    DCPG_TRY(dcpg_agree_all(m->par, take_options(m, err), err));
    DCPG_TRY(
        dcpg_h5_create(m->options->out_file, m->par, &m->file, err)); /* first, because it may be refused */
    DCPG_TRY(dcpg_make_genome_all(m, err));
    DCPG_TRY(dcpg_make_read_all(m, err));
    DCPG_TRY(dcpg_make_chromos_all(m, err));
    DCPG_TRY(dcpg_make_positions_all(m, err));
    log_neighbours(m);
    DCPG_TRY(dcpg_make_write_all(m, err));
    dcpg_h5 *file = m->file;
    m->file = NULL;
    DCPG_TRY(dcpg_h5_commit(file, err));
    count_calls_all(m, calls);
    summarise(m, calls, started);
    return DCPG_OK;
}

dcpg_status dcpg_store_make_all(const dcpg_store_options *options, const dcpg_par *par, dcpg_log *log,
                                dcpg_err *err) {
    return options->append ? dcpg_store_append_all(options, par, log, err)
                           : dcpg_store_make_from_all(options, NULL, par, log, err);
}

dcpg_status dcpg_store_make_from_all(const dcpg_store_options *options, const making_input *input,
                                     const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    making m = {.input = input, .options = options, .par = par, .log = log};
    dcpg_status status = make_all(&m, err);
    free_making(&m);
    return status;
}
