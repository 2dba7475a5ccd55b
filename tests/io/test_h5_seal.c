/* SPDX-License-Identifier: MIT */
/* Seals: every flipped bit, every cut and every foreign file is noticed, and HDF5 reads a sealed file like
 * any other. */
#include "cmocka_all.h"
#include "folder.h"
#include <dcpg/h5.h>
#include <dcpg/rng.h>
#include <string.h>

enum { MOST = 1 << 16 };
static char bytes[MOST];
static size_t size;

static void make_sealed(const char *path) {
    dcpg_h5 *file;
    const dcpg_h5_shape shape = {.type = DCPG_H5_I32, .ndim = 1, .dim = {100}};
    int32_t x[100];
    for (int i = 0; i < 100; i++) x[i] = i * i;
    assert_int_equal(dcpg_h5_create(path, NULL, &file, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make(file, "x", &shape, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "x", DCPG_H5_I32, NULL, x, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_commit_sealed(file, NULL), DCPG_OK);
}

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size = fread(bytes, 1, sizeof bytes, file);
    assert_true(size > 500 && size < MOST);
    fclose(file);
}

static dcpg_status check(const char *content, size_t n, char *printed) {
    const char *path = in_folder("copy.h5");
    dcpg_err err = {0};
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(content, 1, n, file), n);
    fclose(file);
    dcpg_status status = dcpg_h5_check_seal(path, &err);
    assert_true(status == DCPG_OK || strstr(err.text, "copy.h5: "));
    if (printed) strcpy(printed, err.text);
    return status;
}

static void is_read_as_ever(void **state) {
    (void)state;
    dcpg_h5 *file;
    int32_t x[100] = {0};
    make_sealed(in_folder("a.h5"));
    assert_int_equal(dcpg_h5_check_seal(in_folder("a.h5"), NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_open(in_folder("a.h5"), NULL, &file, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_read(file, "x", DCPG_H5_I32, NULL, x, NULL), DCPG_OK);
    for (int i = 0; i < 100; i++) assert_int_equal(x[i], i * i);
    dcpg_h5_close(file);
    assert_int_equal(nb_file(folder), 1);
}

static void every_damage_is_known(void **state) {
    (void)state;
    char printed[1024];
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 1);
    load(in_folder("a.h5"));
    assert_int_equal(check(bytes, size, NULL), DCPG_OK);
    for (size_t i = 0; i < size; i += i + 60 < size ? 7 : 1) { /* every byte of the seal */
        char bit = (char)(1 << dcpg_rng_below(&rng, 8));
        bytes[i] ^= bit;
        assert_int_equal(check(bytes, size, NULL), DCPG_E_INPUT);
        bytes[i] ^= bit;
    }
    for (size_t n = 1; n < size; n += n + 40 < size ? 23 : 1)
        assert_int_equal(check(bytes, n, NULL), DCPG_E_INPUT);
    assert_int_equal(check(bytes, size + 1, printed), DCPG_E_INPUT);
    assert_non_null(strstr(printed, "cut"));
    assert_int_equal(check(bytes, 0, printed), DCPG_E_INPUT);
    assert_non_null(strstr(printed, "empty"));
    assert_int_equal(check(bytes, size, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_check_seal(in_folder("none.h5"), NULL), DCPG_E_INPUT);
    assert_int_equal(dcpg_h5_check_seal(folder, NULL), DCPG_E_INPUT);
}

static int enter(void **state) {
    (void)state;
    make_folder();
    return 0;
}

static int leave(void **state) {
    (void)state;
    remove_folder();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_read_as_ever),
                                       cmocka_unit_test(every_damage_is_known)};
    return cmocka_run_group_tests(tests, enter, leave);
}
