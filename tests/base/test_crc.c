/* SPDX-License-Identifier: MIT */
/* CRC32C against the values of RFC 3720 (B.4) and against a computation bit by bit. */
#include "cmocka_all.h"
#include <dcpg/crc.h>
#include <string.h>

static uint32_t slow(const unsigned char *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

static void published_values(void **state) {
    (void)state;
    unsigned char zeros[32] = {0}, ones[32], up[32];
    memset(ones, 255, sizeof ones);
    for (int i = 0; i < 32; i++) up[i] = (unsigned char)i;
    assert_int_equal(dcpg_crc32c(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(dcpg_crc32c(0, zeros, 32), 0x8A9136AAu);
    assert_int_equal(dcpg_crc32c(0, ones, 32), 0x62A8AB43u);
    assert_int_equal(dcpg_crc32c(0, up, 32), 0x46DD794Eu);
    assert_int_equal(dcpg_crc32c(0, "", 0), 0);
}

static void any_length_in_any_pieces(void **state) {
    (void)state;
    unsigned char x[100];
    for (int i = 0; i < 100; i++) x[i] = (unsigned char)(i * 37 + i / 3);
    for (size_t n = 0; n <= sizeof x; n++) {
        assert_int_equal(dcpg_crc32c(0, x, n), slow(x, n));
        size_t cut = n * 2 / 5;
        assert_int_equal(dcpg_crc32c(dcpg_crc32c(0, x, cut), x + cut, n - cut), slow(x, n));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(published_values),
                                       cmocka_unit_test(any_length_in_any_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
