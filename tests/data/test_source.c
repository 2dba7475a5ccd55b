/* SPDX-License-Identifier: MIT */
/* Windows, neighbours and labels are compared with a slow computation, for random data sets, ranges, cells
 * and chromosomes. */
#include "cmocka_all.h"

#include "small_source.h"
#include "small_store.h"
#include <dcpg/store.h>
#include <unistd.h>

static dcpg_par par;
static char path[64];

static void check_where_and_counts(const small_data *data, const small_sites *s, dcpg_source *source,
                                   int64_t first, int64_t end) {
    dcpg_err err = {0};
    int32_t *chromo = dcpg_alloc((size_t)(end - first), sizeof *chromo),
            *pos = dcpg_alloc((size_t)(end - first), sizeof *pos);
    small_must(source->ops->where(source, first, end, chromo, pos, &err), &err);
    for (int64_t i = first; i < end; i++) {
        assert_string_equal(source->chromo.v[chromo[i - first]], data->chromo[s->chromo[i]]);
        assert_int_equal(pos[i - first], s->pos[i]);
    }
    size_t nb_output = source->outputs.n;
    int64_t *count = dcpg_alloc(nb_output, 3 * sizeof *count);
    memset(count, 17, nb_output * 3 * sizeof *count);
    small_must(source->ops->count_labels(source, first, end, count, &err), &err);
    for (size_t o = 0; o < nb_output; o++) {
        int64_t wanted[3] = {0};
        int cell;
        assert_int_equal(sscanf(source->outputs.v[o], "cpg/c%d", &cell), 1);
        for (int64_t i = first; i < end; i++) {
            float label = small_label(data, cell, s->chromo[i], s->pos[i]);
            if (label >= 0) wanted[(int)label]++;
        }
        assert_memory_equal(wanted, count + 3 * o, sizeof wanted);
    }
    dcpg_free(count);
    dcpg_free(chromo);
    dcpg_free(pos);
}

/* A random part of `all`, in random order; all of it in one case out of three. The same on all ranks. */
static void choose(const dcpg_strings *all, dcpg_rng *rng, dcpg_strings *out) {
    bool whole = dcpg_rng_below(rng, 3) == 0;
    int64_t order[SMALL_MAX_CELL];
    for (size_t i = 0; i < all->n; i++) order[i] = (int64_t)i;
    if (!whole) dcpg_rng_shuffle(rng, order, all->n);
    size_t n = whole ? all->n : 1 + (size_t)dcpg_rng_below(rng, all->n);
    for (size_t i = 0; i < n; i++) assert_int_equal(dcpg_strings_add(out, all->v[order[i]], NULL), DCPG_OK);
}

static void choose_chromos(const small_data *data, dcpg_rng *rng, bool *chosen, dcpg_strings *out) {
    int n = 0;
    for (int c = 0; c < data->nb_chromo; c++) n += chosen[c] = dcpg_rng_below(rng, 3) > 0;
    for (int c = data->nb_chromo - 1; c >= 0; c--) {
        if (n == 0)
            chosen[c] = true;
        else if (chosen[c])
            assert_int_equal(dcpg_strings_add(out, data->chromo[c], NULL), DCPG_OK);
    }
}

static void check_source(const small_data *data, dcpg_store *store, dcpg_rng *rng) {
    static const int64_t dna_wlens[] = {0, 1, 3, 5, 51, 2001}, cpg_wlens[] = {0, 2, 8, 50};
    dcpg_want want = {.dna_wlen = dna_wlens[dcpg_rng_below(rng, 6)],
                      .cpg_wlen = cpg_wlens[dcpg_rng_below(rng, 4)]};
    dcpg_strings cells = {0}, outputs = {0}, chromos = {0};
    bool chosen[SMALL_MAX_CHROMO];
    choose(&store->cells, rng, &cells);
    choose(&store->outputs, rng, &outputs);
    choose_chromos(data, rng, chosen, &chromos);
    want.cells = &cells;
    want.outputs = &outputs;
    dcpg_source *source = NULL;
    dcpg_err err = {0};
    small_must(dcpg_source_from_store_all(store, &chromos, &want, &source, &err), &err);
    small_sites s = small_list_sites(data, chosen);
    assert_int_equal(source->nb_site, s.n);
    assert_string_equal(source->checksum, store->checksum);
    int64_t first = dcpg_part(s.n, par.rank, par.size), end = dcpg_part(s.n, par.rank + 1, par.size);
    int64_t step = 1 + s.n / 500;
    small_check_range(data, &s, source, first, end, step);
    check_where_and_counts(data, &s, source, first, end);
    for (int i = 0; i < 4;
         i++) { /* any range gives the same bytes; each rank loads its own, one of them nothing */
        int64_t a = (int64_t)dcpg_rng_below(rng, (uint64_t)s.n + 1),
                b = (int64_t)dcpg_rng_below(rng, (uint64_t)s.n + 1);
        for (int skip = 0; skip < par.rank; skip++) a = (int64_t)dcpg_rng_below(rng, (uint64_t)s.n + 1);
        for (int skip = par.rank; skip < par.size; skip++) (void)dcpg_rng_below(rng, (uint64_t)s.n + 1);
        if (i == par.rank && par.size > 1) a = b;
        small_check_range(data, &s, source, a < b ? a : b, a < b ? b : a, step);
    }
    small_free_sites(&s);
    dcpg_source_close(source);
    dcpg_strings_free(&cells);
    dcpg_strings_free(&outputs);
    dcpg_strings_free(&chromos);
}

static void check_data(const small_data *data, uint64_t seed, int nb_source) {
    if (par.rank == 0) small_write_store(data, SOUND, path);
    dcpg_barrier_all(&par);
    dcpg_store *store = NULL;
    dcpg_err err = {0};
    dcpg_rng rng;
    dcpg_rng_start(&rng, seed, 2);
    small_must(dcpg_store_open_all(path, &par, &store, &err), &err);
    for (int i = 0; i < nb_source; i++) check_source(data, store, &rng);
    dcpg_store_free(store);
    dcpg_barrier_all(&par);
}

static void test_random(void **state) {
    (void)state;
    dcpg_rng rng;
    dcpg_rng_start(&rng, 11, 3);
    for (uint64_t seed = 0; seed < 24; seed++) {
        small_options o = {.nb_chromo = 2 + (int)dcpg_rng_below(&rng, 5),
                           .nb_cell = 4 + (int)dcpg_rng_below(&rng, 12),
                           .targets = seed % 3 == 0};
        for (int c = 0; c < o.nb_chromo; c++)
            o.length[c] = dcpg_rng_below(&rng, 4) ? 1 + (int64_t)dcpg_rng_below(&rng, 900)
                                                  : 1 + (int64_t)dcpg_rng_below(&rng, 3);
        o.nb_binary = (int)dcpg_rng_below(&rng, (uint64_t)o.nb_cell + 1);
        o.density = dcpg_rng_uniform(&rng);
        o.coverage = dcpg_rng_below(&rng, 2) ? 0.5 : 0.05;
        small_data data = small_make(seed, &o);
        check_data(&data, seed, 4);
        small_free(&data);
    }
}

/* Neighbours more than 25 kb away, and cells with so few calls that the margin must be widened often. */
static void test_sparse(void **state) {
    (void)state;
    small_data data = small_make(3, &(small_options){.nb_chromo = 2,
                                                     .length = {150000, 60000},
                                                     .nb_cell = 6,
                                                     .nb_binary = 4,
                                                     .density = 0.05,
                                                     .coverage = 0.3});
    for (int64_t i = 0; i < small_total(&data); i++) {
        if (i % 3001 == 17)
            data.value[4 * small_total(&data) + i] = 0.75f;
        else if (i % 3000 != 5)
            data.value[2 * small_total(&data) + i] = data.value[4 * small_total(&data) + i] = NAN;
    }
    data.value[4 * small_total(&data) + 75000] = 0.375f;
    check_data(&data, 1, 3);
    small_free(&data);
}

/* More positions than a slab of words or values holds. */
static void test_slabs(void **state) {
    (void)state;
    small_data data = small_make(9, &(small_options){.nb_chromo = 2,
                                                     .length = {190000, 110000},
                                                     .nb_cell = 5,
                                                     .nb_binary = 3,
                                                     .density = 1,
                                                     .coverage = 0.5});
    if (par.rank == 0) small_write_store(&data, SOUND, path);
    dcpg_barrier_all(&par);
    dcpg_store *store = NULL;
    dcpg_source *source = NULL;
    dcpg_err err = {0};
    small_must(dcpg_store_open_all(path, &par, &store, &err), &err);
    assert_true(store->nb_pos > 64 * 4096);
    dcpg_want want = {.dna_wlen = 101, .cpg_wlen = 10};
    small_must(dcpg_source_from_store_all(store, NULL, &want, &source, &err), &err);
    small_sites s = small_list_sites(&data, (bool[]){true, true});
    small_check_range(&data, &s, source, dcpg_part(s.n, par.rank, par.size),
                      dcpg_part(s.n, par.rank + 1, par.size), 311);
    small_check_range(&data, &s, source, par.rank * 100, s.n - 50, 1009);
    small_free_sites(&s);
    dcpg_source_close(source);
    dcpg_store_free(store);
    small_free(&data);
    dcpg_barrier_all(&par);
}

static void expect_refused(dcpg_store *store, const dcpg_strings *chromos, const dcpg_want *want,
                           const char *words) {
    dcpg_source *source = NULL;
    dcpg_err err = {0};
    assert_int_equal(dcpg_source_from_store_all(store, chromos, want, &source, &err), DCPG_E_INPUT);
    assert_null(source);
    if (!strstr(err.text, words) || !strstr(err.text, path))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_refused(void **state) {
    (void)state;
    small_data data = small_make(1, &(small_options){.nb_chromo = 3,
                                                     .length = {50, 60, 70},
                                                     .nb_cell = 4,
                                                     .nb_binary = 4,
                                                     .density = 0.5,
                                                     .coverage = 0.5});
    if (par.rank == 0) small_write_store(&data, SOUND, path);
    dcpg_barrier_all(&par);
    dcpg_store *store = NULL;
    dcpg_err err = {0};
    small_must(dcpg_store_open_all(path, &par, &store, &err), &err);
    char *name[] = {"7"}, *cell[] = {"nobody"}, *output[] = {"cpg_stats/mode"};
    dcpg_strings chromos = {name, 1, 1}, cells = {cell, 1, 1}, outputs = {output, 1, 1};
    expect_refused(store, &chromos, &(dcpg_want){.cpg_wlen = 2}, "chromosomes 1, 10, 2");
    expect_refused(store, NULL, &(dcpg_want){.cpg_wlen = 2, .cells = &cells}, "no cell nobody");
    expect_refused(store, NULL, &(dcpg_want){.cpg_wlen = 2, .outputs = &outputs}, "no output cpg_stats/mode");
    store->has_dna = false;
    expect_refused(store, NULL, &(dcpg_want){.dna_wlen = 3}, "no DNA");
    dcpg_store_free(store);
    small_free(&data);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all ranks */
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) return 1;
    snprintf(path, sizeof path, "test_source_np%d.h5", par.size);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_slabs),
        cmocka_unit_test(test_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_barrier_all(&par);
    if (par.rank == 0) unlink(path);
    dcpg_par_close_all(&par);
    return failed;
}
