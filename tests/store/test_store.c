/* SPDX-License-Identifier: MIT */
/* Stores damaged in every way give an error that names the file, on all ranks, and never a crash. */
#include "cmocka_all.h"

#include "small_store.h"
#include <dcpg/source.h>
#include <dcpg/store.h>
#include <unistd.h>

static dcpg_par par;
static char path[64];

static small_data small(void) {
    return small_make(5, &(small_options){.nb_chromo = 3,
                                          .length = {700, 900, 500},
                                          .nb_cell = 5,
                                          .nb_binary = 3,
                                          .density = 0.3,
                                          .coverage = 0.4,
                                          .targets = true});
}

static void write_store(const small_data *data, small_fault fault) {
    if (par.rank == 0) small_write_store(data, fault, path);
    dcpg_barrier_all(&par);
}

/* Opens the store and loads every sample with everything that can be wanted. */
static dcpg_status use_all(bool *opened, dcpg_err *err) {
    dcpg_store *store = NULL;
    dcpg_source *source = NULL;
    dcpg_status status = dcpg_store_open_all(path, &par, &store, err);
    *opened = status == DCPG_OK;
    dcpg_want want = {.dna_wlen = 51, .cpg_wlen = 8};
    if (status == DCPG_OK && !store->has_dna) want.dna_wlen = 0;
    if (status == DCPG_OK) status = dcpg_source_from_store_all(store, NULL, &want, &source, err);
    if (status == DCPG_OK) {
        int64_t first = dcpg_part(source->nb_site, par.rank, par.size),
                end = dcpg_part(source->nb_site, par.rank + 1, par.size);
        status = source->ops->load_all(source, first, end, err);
        dcpg_batch *batch = NULL;
        if (status == DCPG_OK) status = dcpg_batch_new(source, 1, &batch, err);
        for (int64_t i = first; i < end && status == DCPG_OK; i++)
            status = source->ops->fill(source, 1, &i, batch, err);
        dcpg_batch_free(batch);
    }
    dcpg_source_close(source);
    dcpg_store_free(store);
    return status;
}

static void test_description(void **state) {
    (void)state;
    small_data data = small();
    write_store(&data, SOUND);
    dcpg_store *store = NULL;
    dcpg_err err = {0};
    small_must(dcpg_store_open_all(path, &par, &store, &err), &err);
    assert_string_equal(store->path, path);
    assert_int_equal(store->nb_chromo, 3);
    assert_string_equal(store->chromo.v[1], "10");
    assert_int_equal(store->length[2], 500);
    assert_true(store->has_dna);
    assert_false(store->all_sites);
    int64_t nb_pos = 0, nb_site = 0;
    for (int c = 0; c < 3; c++) {
        for (int64_t at = data.start[c]; at < data.start[c + 1]; at++) {
            nb_pos += small_is_position(&data, at);
            nb_site += small_is_site(&data, at);
        }
        assert_int_equal(store->pos_offset[c + 1], nb_pos);
        assert_int_equal(store->site_offset[c + 1], nb_site);
    }
    assert_int_equal(store->nb_pos, nb_pos);
    assert_int_equal(store->nb_site, nb_site);
    assert_int_equal(store->cells.n, 5);
    assert_true(store->binary[2] && !store->binary[3]);
    assert_string_equal(store->outputs.v[4], "cpg/c04");
    char *checksum = dcpg_strdup(store->checksum);
    dcpg_store_free(store);

    data.value[4 * small_total(&data) + 3] =
        isnan(small_value(&data, 4, 3)) ? 0 : NAN; /* one call more or less makes another data set */
    write_store(&data, SOUND);
    small_must(dcpg_store_open_all(path, &par, &store, &err), &err);
    assert_string_not_equal(store->checksum, checksum);
    dcpg_store_free(store);
    dcpg_free(checksum);
    small_free(&data);
}

static void test_faults(void **state) {
    (void)state;
    small_data data = small();
    bool opened;
    dcpg_err none = {0};
    write_store(&data, SOUND);
    small_must(use_all(&opened, &none), &none);
    for (int fault = SOUND + 1; fault < NB_FAULT; fault++) {
        dcpg_err err = {0};
        write_store(&data, (small_fault)fault);
        dcpg_status status = use_all(&opened, &err);
        if (status != DCPG_E_INPUT) fail_msg("fault %d: status %d %s", fault, status, err.text);
        if (!strstr(err.text, path)) fail_msg("fault %d: \"%s\" does not name the file", fault, err.text);
        if (opened != (fault >= FIRST_LOAD_FAULT))
            fail_msg("fault %d: found while %s: %s", fault, opened ? "loading" : "opening", err.text);
    }
    small_free(&data);
}

static void expect_words(const char *words) {
    bool opened;
    dcpg_err err = {0};
    assert_int_equal(use_all(&opened, &err), DCPG_E_INPUT);
    if (!strstr(err.text, words) || !strstr(err.text, path))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_words(void **state) {
    (void)state;
    small_data data = small();
    write_store(&data, OTHER_FORMAT);
    expect_words("make one with dcpg data");
    write_store(&data, NEWER_VERSION);
    expect_words("newer dcpg");
    write_store(&data, POS_DESCENDS);
    expect_words("/positions/pos");
    small_free(&data);
}

/* Stores cut at any length. */
static void test_truncated(void **state) {
    (void)state;
    small_data data = small();
    for (int cut = 0; cut < 12; cut++) {
        write_store(&data, SOUND);
        if (par.rank == 0) {
            FILE *file = fopen(path, "r");
            assert_non_null(file);
            fseek(file, 0, SEEK_END);
            long size = ftell(file);
            fclose(file);
            assert_int_equal(truncate(path, cut == 11 ? size - 1 : size * cut / 11), 0);
        }
        dcpg_barrier_all(&par);
        expect_words("");
    }
    small_free(&data);
}

/* Random bytes are overwritten: an error or, where the bytes are not used, none; but no crash. */
static void test_noise(void **state) {
    (void)state;
    small_data data = small();
    write_store(&data, SOUND);
    static unsigned char sound[1 << 20], bad[1 << 20];
    size_t size = 0;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size = fread(sound, 1, sizeof sound, file);
    fclose(file);
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 2);
    for (int i = 0; i < 400; i++) {
        memcpy(bad, sound, size);
        for (uint64_t k = 1 + dcpg_rng_below(&rng, 4); k > 0; k--)
            bad[dcpg_rng_below(&rng, size)] ^= (unsigned char)(1 + dcpg_rng_below(&rng, 255));
        dcpg_barrier_all(&par);
        if (par.rank == 0) {
            file = fopen(path, "wb");
            assert_non_null(file);
            assert_int_equal(fwrite(bad, 1, size, file), size);
            fclose(file);
        }
        dcpg_barrier_all(&par);
        bool opened;
        dcpg_err err = {0};
        dcpg_status status = use_all(&opened, &err);
        if (status != DCPG_OK && status != DCPG_E_INPUT && status != DCPG_E_NOMEM)
            fail_msg("round %d: status %d %s", i, status, err.text);
    }
    small_free(&data);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all ranks */
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) return 1;
    snprintf(path, sizeof path, "test_store_np%d.h5", par.size);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description), cmocka_unit_test(test_faults), cmocka_unit_test(test_words),
        cmocka_unit_test(test_truncated),   cmocka_unit_test(test_noise),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_barrier_all(&par);
    if (par.rank == 0) unlink(path);
    dcpg_par_close_all(&par);
    return failed;
}
