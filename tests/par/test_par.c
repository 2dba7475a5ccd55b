/* SPDX-License-Identifier: MIT */
/* Ranks: agreement on errors and exchanges of any length, on any number of ranks. */
#include "cmocka_all.h"
#include "par/par_impl.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dcpg_par par;

static void all_fine(void **state) {
    (void)state;
    dcpg_err err = {0};
    assert_int_equal(dcpg_agree_all(&par, DCPG_OK, &err), DCPG_OK);
    assert_int_equal(err.status, DCPG_OK);
    assert_string_equal(err.text, "");
}

static void one_fails(void **state) {
    (void)state;
    for (int failing = 0; failing < par.size; failing++) {
        dcpg_err err = {0};
        dcpg_status status = DCPG_OK;
        if (par.rank == failing) status = dcpg_fail(&err, DCPG_E_INPUT, "rank %d cannot", failing);
        assert_int_equal(dcpg_agree_all(&par, status, &err), DCPG_E_INPUT);
        assert_int_equal(err.status, DCPG_E_INPUT);
        char expected[64];
        snprintf(expected, sizeof expected, "rank %d cannot", failing);
        assert_string_equal(err.text, expected);
    }
}

static void lowest_speaks(void **state) {
    (void)state;
    dcpg_err err = {0};
    dcpg_status status = DCPG_OK;
    if (par.rank > 0 || par.size == 1)
        status =
            dcpg_fail(&err, par.rank == par.size - 1 ? DCPG_E_IO : DCPG_E_USAGE, "reported by %d", par.rank);
    dcpg_status agreed = dcpg_agree_all(&par, status, &err);
    assert_int_equal(agreed, par.size <= 2 ? DCPG_E_IO : DCPG_E_USAGE);
    assert_string_equal(err.text, par.size == 1 ? "reported by 0" : "reported by 1");
    assert_int_equal(dcpg_agree_all(&par, status, NULL), agreed); /* err may be NULL */
}

static void parts_tile(void **state) {
    (void)state;
    for (int64_t total = 0; total < 40; total++) {
        for (int64_t n = 1; n < 40; n++) {
            for (int64_t r = 0; r <= n; r++) assert_int_equal(dcpg_part(total, r, n), r * total / n);
        }
    }
    assert_true(dcpg_part(INT64_MAX, 1000, 1000) == INT64_MAX);
    assert_true(dcpg_part(INT64_MAX, 1, 2) == INT64_MAX / 2);
}

static void nodes_are_numbered(void **state) {
    (void)state;
    assert_in_range(par.host, 0, par.nb_host - 1);
    assert_in_range(par.host_rank, 0, par.host_size - 1);
    assert_int_equal(par.nb_host, 1); /* tests run on one host */
    assert_int_equal(par.host_size, par.size);
    assert_int_equal(par.host_rank, par.rank);
}

/* Byte i of the data from rank r to rank q. */
static char byte_of(int r, int q, size_t i) { return (char)dcpg_mix((uint64_t)(r * 100 + q), i); }

static char *bytes_of(int r, int q, size_t n) {
    char *x = dcpg_alloc(n, 1);
    for (size_t i = 0; i < n; i++) x[i] = byte_of(r, q, i);
    return x;
}

static void assert_bytes(const char *x, int r, int q, size_t n) {
    for (size_t i = 0; i < n; i++) assert_int_equal(x[i], byte_of(r, q, i));
}

static void broadcasts(void **state) {
    (void)state;
    for (size_t n = 0; n < 60; n += 19) {
        char *x = bytes_of(par.rank, 0, n);
        dcpg_bcast_all(&par, x, n, par.size - 1);
        assert_bytes(x, par.size - 1, 0, n);
        dcpg_free(x);
    }
}

static void reductions(void **state) {
    (void)state;
    int64_t r = par.rank, n = par.size;
    assert_int_equal(dcpg_sum_i64_all(&par, r + 1), n * (n + 1) / 2);
    assert_int_equal(dcpg_max_i64_all(&par, -r), 0);
    assert_true(dcpg_max_f64_all(&par, 0.5 + (double)r) == 0.5 + (double)(n - 1));
    int64_t sum[5], least[5], most[5];
    for (int i = 0; i < 5; i++) sum[i] = least[i] = most[i] = r * 10 + i;
    dcpg_sum_i64s_all(&par, sum, 5);
    dcpg_min_i64s_all(&par, least, 5);
    dcpg_max_i64s_all(&par, most, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sum[i], 10 * n * (n - 1) / 2 + n * i);
        assert_int_equal(least[i], i);
        assert_int_equal(most[i], 10 * (n - 1) + i);
    }
}

static void gathers(void **state) {
    (void)state;
    for (size_t n = 0; n < 60; n += 19) {
        char *mine = bytes_of(par.rank, 0, n), *all = dcpg_alloc((size_t)par.size, n);
        dcpg_allgather_all(&par, mine, n, all);
        for (int r = 0; r < par.size; r++) assert_bytes(all + (size_t)r * n, r, 0, n);
        dcpg_free(mine);
        dcpg_free(all);
    }
}

static size_t length_of(int r, int q) {
    return dcpg_mix((uint64_t)r, (uint64_t)q) % 4 == 0 ? 0 : dcpg_mix((uint64_t)q, (uint64_t)r) % 50;
}

static void gathers_of_different_length(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        char *mine = bytes_of(par.rank, round, length_of(par.rank, round));
        size_t *lengths = dcpg_alloc((size_t)par.size, sizeof *lengths);
        void *all;
        assert_int_equal(dcpg_allgatherv_all(&par, mine, length_of(par.rank, round), &all, lengths, NULL),
                         DCPG_OK);
        const char *p = all;
        for (int r = 0; r < par.size; p += lengths[r++]) {
            assert_int_equal(lengths[r], length_of(r, round));
            assert_bytes(p, r, round, lengths[r]);
        }
        dcpg_free(mine);
        dcpg_free(all);
        dcpg_free(lengths);
    }
}

static void all_to_all(void **state) {
    (void)state;
    size_t size = (size_t)par.size, *at = dcpg_alloc(size, sizeof *at),
           *send = dcpg_alloc(size, sizeof *send), *received = dcpg_alloc(size, sizeof *received);
    char *mine = dcpg_alloc(size, 60);
    for (int r = 0; r < par.size; r++) {
        at[r] = 60 * (size_t)(par.size - 1 - r); /* in no particular order */
        send[r] = length_of(par.rank, r);
        for (size_t i = 0; i < send[r]; i++) mine[at[r] + i] = byte_of(par.rank, r, i);
    }
    const dcpg_par_parts parts = {mine, at, send};
    void *all;
    assert_int_equal(dcpg_alltoallv_all(&par, &parts, &all, received, NULL), DCPG_OK);
    const char *p = all;
    for (int r = 0; r < par.size; p += received[r++]) {
        assert_int_equal(received[r], length_of(r, par.rank));
        assert_bytes(p, r, par.rank, received[r]);
    }
    dcpg_free(at);
    dcpg_free(send);
    dcpg_free(received);
    dcpg_free(mine);
    dcpg_free(all);
}

/* ---- rows that pass through rank 0 ---- */

enum { WIDTH = 12 };

/* A file's stand-in. */
typedef struct shelf {
    char row[40][WIDTH];
    int64_t nb;    /* rows moved so far */
    int64_t fails; /* the row that cannot be moved; -1: none */
    int nb_call;
} shelf;

static void put_row(char *row, int64_t number) {
    for (size_t i = 0; i < WIDTH; i++) row[i] = byte_of((int)number, 0, i);
}

static dcpg_status move_rows(shelf *s, int64_t first, int64_t nb, void *to, const void *from, dcpg_err *err) {
    assert_int_equal(par.rank, 0);
    assert_int_equal(first, s->nb);
    s->nb_call++;
    if (s->fails >= first && s->fails < first + nb) return dcpg_fail(err, DCPG_E_IO, "the shelf is full");
    memcpy(to, from, (size_t)nb * WIDTH);
    s->nb += nb;
    return DCPG_OK;
}

static dcpg_status store_rows(void *context, int64_t first, int64_t nb, void *piece, dcpg_err *err) {
    shelf *s = context;
    return move_rows(s, first, nb, s->row[first], piece, err);
}

static dcpg_status fetch_rows(void *context, int64_t first, int64_t nb, void *piece, dcpg_err *err) {
    shelf *s = context;
    return move_rows(s, first, nb, piece, s->row[first], err);
}

static void rows_pass_through_rank_0(void **state) {
    (void)state;
    for (int round = 0; round < 8; round++) {
        int64_t nb[4], first = 0, total = 0;
        for (int r = 0; r < par.size; r++) {
            nb[r] = (int64_t)length_of(r, round) % 10;
            if (r < par.rank) first += nb[r];
            total += nb[r];
        }
        char mine[10][WIDTH], back[10][WIDTH];
        for (int64_t i = 0; i < nb[par.rank]; i++) put_row(mine[i], first + i);
        for (int64_t step = 0; step < 12; step++) {
            shelf s = {.fails = -1};
            dcpg_par_rows rows = {mine, nb[par.rank], WIDTH, step, store_rows, &s};
            assert_int_equal(dcpg_collect_rows_all(&par, &rows, NULL), DCPG_OK);
            if (par.rank == 0) {
                assert_int_equal(s.nb, total);
                assert_int_equal(s.nb_call, step ? (total + step - 1) / step : total > 0);
                for (int64_t i = 0; i < total; i++) {
                    char row[WIDTH];
                    put_row(row, i);
                    assert_memory_equal(s.row[i], row, WIDTH);
                }
            }
            s.nb = 0;
            memset(back, 0, sizeof back);
            rows = (dcpg_par_rows){back, nb[par.rank], WIDTH, step, fetch_rows, &s};
            assert_int_equal(dcpg_deal_rows_all(&par, &rows, NULL), DCPG_OK);
            assert_memory_equal(back, mine, (size_t)nb[par.rank] * WIDTH);
        }
    }
}

static void an_error_of_rank_0_ends_rows(void **state) {
    (void)state;
    char mine[6][WIDTH] = {0};
    for (int collects = 0; collects < 2; collects++) {
        for (int64_t fails = 0; fails < 6 * par.size; fails += 5) {
            shelf s = {.fails = fails};
            dcpg_err err = {0};
            dcpg_par_rows rows = {mine, 6, WIDTH, 4, collects ? store_rows : fetch_rows, &s};
            dcpg_status status =
                collects ? dcpg_collect_rows_all(&par, &rows, &err) : dcpg_deal_rows_all(&par, &rows, &err);
            assert_int_equal(status, DCPG_E_IO);
            assert_string_equal(err.text, "the shelf is full");
            if (par.rank == 0) assert_int_equal(s.nb_call, fails / 4 + 1);
        }
    }
}

/* An impossible request of one rank must not hang the others. */
static void out_of_memory_is_agreed(void **state) {
    (void)state;
    size_t *lengths = dcpg_alloc((size_t)par.size, sizeof *lengths);
    dcpg_err err = {0};
    void *all;
    size_t huge = par.rank == par.size - 1 ? (size_t)1 << 62 : 1;
    char byte = 0;
    assert_int_equal(dcpg_allgatherv_all(&par, &byte, huge, &all, lengths, &err), DCPG_E_NOMEM);
    assert_null(all);
    dcpg_free(lengths);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fine),
        cmocka_unit_test(one_fails),
        cmocka_unit_test(lowest_speaks),
        cmocka_unit_test(parts_tile),
        cmocka_unit_test(broadcasts),
        cmocka_unit_test(nodes_are_numbered),
        cmocka_unit_test(reductions),
        cmocka_unit_test(gathers),
        cmocka_unit_test(gathers_of_different_length),
        cmocka_unit_test(all_to_all),
        cmocka_unit_test(rows_pass_through_rank_0),
        cmocka_unit_test(an_error_of_rank_0_ends_rows),
        cmocka_unit_test(out_of_memory_is_agreed),
    };
    int failed = cmocka_run_group_tests_name("whole messages", tests, NULL, NULL);
    par.impl->piece = 16; /* in effect messages longer than MPI can count */
    failed += cmocka_run_group_tests_name("messages in pieces", tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
