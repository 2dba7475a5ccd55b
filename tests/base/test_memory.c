/* SPDX-License-Identifier: MIT */
/* Memory: aligned, zeroed, checked for overflow; the arena measures what it later hands out. */
#include "cmocka_all.h"
#include <dcpg/memory.h>
#include <string.h>

static void is_aligned_and_zero(void **state) {
    (void)state;
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *x = dcpg_alloc(n, 3);
        assert_non_null(x);
        assert_int_equal((uintptr_t)x % DCPG_ALIGN, 0);
        for (size_t i = 0; i < 3 * n; i++) assert_int_equal(x[i], 0);
        memset(x, 0xAB, 3 * n); /* so that the next allocation is not zero by chance */
        dcpg_free(x);
    }
}

static void overflow_is_out_of_memory(void **state) {
    (void)state;
    assert_null(dcpg_alloc(SIZE_MAX / 2, 3));
    assert_null(dcpg_alloc(SIZE_MAX / 8 + 1, 8));
    char *x = dcpg_alloc(4, 1);
    assert_null(dcpg_realloc(x, 4, SIZE_MAX / 2, 4));
    dcpg_free(x); /* still ours */
}

static void growing_keeps_and_clears(void **state) {
    (void)state;
    int *x = dcpg_realloc(NULL, 0, 2, sizeof *x);
    x[0] = 5, x[1] = 6;
    x = dcpg_realloc(x, 2, 1000, sizeof *x);
    assert_int_equal((uintptr_t)x % DCPG_ALIGN, 0);
    assert_int_equal(x[0], 5);
    assert_int_equal(x[1], 6);
    for (int i = 2; i < 1000; i++) assert_int_equal(x[i], 0);
    x = dcpg_realloc(x, 1000, 1, sizeof *x);
    assert_int_equal(x[0], 5);
    dcpg_free(x);
}

static void growing_long_arrays_keeps(void **state) {
    (void)state;
    int *x = dcpg_grow(NULL, 2, sizeof *x);
    x[0] = 5, x[1] = 6;
    x = dcpg_grow(x, 3000000, sizeof *x); /* longer than the limit for huge pages */
    assert_int_equal(x[0], 5);
    assert_int_equal(x[1], 6);
    x[2999999] = 7;
    assert_null(dcpg_grow(x, SIZE_MAX / 2, sizeof *x));
    assert_int_equal(x[2999999], 7); /* still ours */
    dcpg_free(x);
}

static void copies_strings(void **state) {
    (void)state;
    char *all = dcpg_strdup("cell"), *part = dcpg_strndup("chr12", 3), *shorter = dcpg_strndup("ab", 9);
    assert_string_equal(all, "cell");
    assert_string_equal(part, "chr");
    assert_string_equal(shorter, "ab");
    dcpg_free(all);
    dcpg_free(part);
    dcpg_free(shorter);
}

static void *carve(dcpg_arena *arena, char **second) {
    void *first = dcpg_arena_take(arena, 3, 5);
    *second = dcpg_arena_take(arena, 65, 1);
    (void)dcpg_arena_take(arena, 0, 8);
    return first;
}

static void arena_measures_then_carves(void **state) {
    (void)state;
    char *second;
    dcpg_arena arena = {0};
    assert_null(carve(&arena, &second));
    assert_null(second);
    assert_int_equal(arena.used, 64 + 128);
    char *base = dcpg_alloc(arena.used, 1);
    arena = (dcpg_arena){.base = base};
    assert_ptr_equal(carve(&arena, &second), base);
    assert_ptr_equal(second, base + 64);
    assert_int_equal(arena.used, 64 + 128);
    dcpg_free(base);
}

static void memory_in_use(void **state) {
    (void)state;
    enum { BYTES = 64 << 20 };
    size_t before = dcpg_memory_used();
    char *array = dcpg_alloc(BYTES, 1);
    assert_non_null(array);
    assert_true(before > 0 && dcpg_memory_used() >= before + BYTES / 2);
    dcpg_free(array);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_aligned_and_zero),        cmocka_unit_test(memory_in_use),
        cmocka_unit_test(overflow_is_out_of_memory),  cmocka_unit_test(growing_keeps_and_clears),
        cmocka_unit_test(growing_long_arrays_keeps),  cmocka_unit_test(copies_strings),
        cmocka_unit_test(arena_measures_then_carves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
