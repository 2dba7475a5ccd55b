/* SPDX-License-Identifier: MIT */
/* Reading bigWig profiles that the test writes with libBigWig. */
#include "cmocka_all.h"

#include "profile_case.h"
#include <bigWig.h>

/* Writes intervals of `width` bases from start[n] on chromosome chr1 of 1000 bases; returns the path. */
static const char *write_bigwig(uint32_t n, const uint32_t *start, const float *value, uint32_t width) {
    static char path[256];
    strcpy(path, own_path("cell.bw"));
    const char *chromo[] = {"chr1"};
    uint32_t length = 1000, end[8];
    bigWigFile_t *file = bwOpen(path, NULL, "w");
    assert_non_null(file);
    assert_int_equal(bwCreateHdr(file, 3), 0);
    file->cl = bwCreateChromList(chromo, &length, 1);
    assert_int_equal(bwWriteHdr(file), 0);
    const char *names[8];
    for (uint32_t i = 0; i < n; i++) {
        names[i] = chromo[0];
        end[i] = start[i] + width;
    }
    assert_int_equal(bwAddIntervals(file, names, start, end, value, n), 0);
    bwClose(file);
    return path;
}

static void test_values(void **state) {
    (void)state;
    dcpg_profile profile;
    dcpg_profile_report report;
    dcpg_err err = {0};
    for (int percent = 0; percent < 2; percent++) {
        float scale = percent ? 100 : 1;
        const char *path = write_bigwig(3, (uint32_t[]){0, 7, 99}, (float[]){1 * scale, .5f * scale, 0}, 1);
        if (dcpg_profile_load(path, &plain_options, &profile, &report, &err) != DCPG_OK)
            fail_msg("%s", err.text);
        assert_string_equal(report.format, "bigwig");
        expect_calls(&profile, 0, "1", 3, (int[]){1, 8, 100}, (double[]){1, .5, 0});
        dcpg_profile_free(&profile);
        unlink(path);
    }
}

static void expect_bad(const char *path, const char *words) {
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(dcpg_profile_load(path, &plain_options, &profile, NULL, &err), DCPG_E_INPUT);
    if (!strstr(err.text, words) || !strstr(err.text, "cell.bw"))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    unlink(path);
}

static void test_wrong(void **state) {
    (void)state;
    expect_bad(write_bigwig(2, (uint32_t[]){0, 50}, (float[]){1, 0}, 10), "no interval of one CpG");
    expect_bad(write_bigwig(2, (uint32_t[]){0, 50}, (float[]){1, 101}, 1), "outside [0, 1");
    expect_bad(write_bigwig(2, (uint32_t[]){0, 50}, (float[]){1, NAN}, 1), "outside [0, 1");
    static const long keep[] = {5, 64, 100, -1, -4, -30};
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++) {
        const char *path = write_bigwig(2, (uint32_t[]){0, 50}, (float[]){1, 0}, 1);
        cut_file(path, keep[i]);
        expect_bad(path, "again");
    }
}

/* Whichever byte of a file is wrong, the answer comes within seconds and the process survives. */
static void test_damaged(void **state) {
    (void)state;
    const char *path = write_bigwig(3, (uint32_t[]){0, 7, 99}, (float[]){1, .5f, 0}, 1);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file), refused = 0;
    assert_in_range(size, 64, 1 << 20);
    for (long at = 4; at < size; at += at < 700 ? 5 : 41) {
        for (int value = 0xff; value >= 0x80; value -= 0x7f) {
            fseek(file, at, SEEK_SET);
            int byte = fgetc(file);
            fseek(file, at, SEEK_SET);
            fputc(value, file);
            fflush(file);
            dcpg_profile profile;
            dcpg_err err = {0};
            dcpg_status status = dcpg_profile_load(path, &plain_options, &profile, NULL, &err);
            if (status != DCPG_OK && status != DCPG_E_INPUT) fail_msg("byte %ld: %s", at, err.text);
            refused += status == DCPG_E_INPUT;
            dcpg_profile_free(&profile);
            fseek(file, at, SEEK_SET);
            fputc(byte, file);
            fflush(file);
        }
    }
    assert_true(refused > 0);
    fclose(file);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_wrong),
                                       cmocka_unit_test(test_damaged)};
    bwInit(1 << 17);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bwCleanup();
    return failed;
}
