/* SPDX-License-Identifier: MIT */
/* The log: levels, files, progress on and off a terminal. */
#include "cmocka_all.h"
#include <dcpg/log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[4096];

/* Everything written to `file`. */
static const char *written(FILE *file) {
    fflush(file);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    return text;
}

static dcpg_log log_of(dcpg_level level, bool terminal) {
    return (dcpg_log){
        .screen = tmpfile(), .file = tmpfile(), .level = level, .speaks = true, .terminal = terminal};
}

static void done(dcpg_log *log) {
    assert_int_equal(dcpg_log_close(log, NULL), DCPG_OK);
    fclose(log->screen);
}

static void levels(void **state) {
    (void)state;
    dcpg_log log = log_of(DCPG_WARN, false);
    dcpg_info(&log, "epoch %d", 1);
    dcpg_warn(&log, "slow");
    dcpg_debug(&log, "detail");
    dcpg_progress(&log, true, "half");
    assert_string_equal(written(log.screen), "warning: slow\n");
    assert_string_equal(written(log.file), "epoch 1\nwarning: slow\nhalf\n");
    done(&log);
    log = log_of(DCPG_DEBUG, false);
    dcpg_debug(&log, "detail");
    assert_string_equal(written(log.screen), "detail\n");
    assert_string_equal(written(log.file), "detail\n");
    done(&log);
    log = log_of(DCPG_QUIET, false);
    dcpg_warn(&log, "slow");
    assert_string_equal(written(log.screen), "");
    done(&log);
}

static void only_one_rank_speaks(void **state) {
    (void)state;
    dcpg_log log = log_of(DCPG_DEBUG, true);
    log.speaks = false;
    dcpg_info(&log, "a");
    dcpg_progress(&log, true, "b");
    dcpg_info(NULL, "nobody");
    dcpg_progress(NULL, true, "nobody");
    assert_string_equal(written(log.screen), "");
    assert_string_equal(written(log.file), "");
    done(&log);
}

static void progress_without_terminal(void **state) {
    (void)state;
    dcpg_log log = log_of(DCPG_INFO, false);
    dcpg_progress(&log, false, "10 %%");
    dcpg_progress(&log, true, "50 %%");
    assert_string_equal(written(log.screen), "50 %\n");
    assert_string_equal(written(log.file), "50 %\n");
    done(&log);
}

static void progress_on_terminal(void **state) {
    (void)state;
    dcpg_log log = log_of(DCPG_INFO, true);
    dcpg_progress(&log, false, "10 %%");
    dcpg_progress(&log, true, "50 %%");
    const char *screen = written(log.screen);
    assert_null(strchr(screen, '\n'));
    assert_int_equal(screen[0], '\r');
    assert_non_null(strstr(screen, "10 %"));
    assert_non_null(strstr(screen, "50 %"));
    assert_string_equal(written(log.file), "50 %\n");
    dcpg_info(&log, "next"); /* begins a new line */
    assert_non_null(strstr(written(log.screen), "\nnext\n"));
    assert_false(log.line_open);
    done(&log);
}

static void file_is_appended(void **state) {
    (void)state;
    char path[] = "/tmp/dcpg_log_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (int i = 0; i < 2; i++) {
        dcpg_log log = {.speaks = true};
        dcpg_err err = {0};
        assert_int_equal(dcpg_log_to_file(&log, path, &err), DCPG_OK);
        dcpg_info(&log, "run %d", i);
        assert_int_equal(dcpg_log_close(&log, NULL), DCPG_OK);
    }
    FILE *file = fopen(path, "r");
    assert_string_equal(written(file), "run 0\nrun 1\n");
    fclose(file);
    unlink(path);
    dcpg_log log = {.speaks = true};
    dcpg_err err = {0};
    assert_int_equal(dcpg_log_to_file(&log, "/nonexistent/x.log", &err), DCPG_E_IO);
    assert_non_null(strstr(err.text, "/nonexistent/x.log"));
}

/* A file to which nothing can be written: one warning, and an error at the end. */
static void file_is_full(void **state) {
    (void)state;
    FILE *screen = tmpfile();
    dcpg_log log = {.speaks = true, .screen = screen, .level = DCPG_WARN};
    dcpg_err err = {0};
    if (dcpg_log_to_file(&log, "/dev/full", &err) != DCPG_OK) skip();
    dcpg_info(&log, "one");
    dcpg_info(&log, "two");
    assert_int_equal(dcpg_log_close(&log, &err), DCPG_E_IO);
    assert_string_equal(err.text, "/dev/full: cannot write the log: No space left on device");
    rewind(screen);
    assert_string_equal(written(screen),
                        "warning: /dev/full: the log cannot be written: No space left on device\n");
    fclose(screen);
}

static void durations(void **state) {
    (void)state;
    char t[32];
    assert_string_equal(dcpg_duration(0, t), "0 s");
    assert_string_equal(dcpg_duration(12.4, t), "12 s");
    assert_string_equal(dcpg_duration(59.6, t), "1:00");
    assert_string_equal(dcpg_duration(185, t), "3:05");
    assert_string_equal(dcpg_duration(7384, t), "2:03:04");
    assert_string_equal(dcpg_duration(-1, t), "?");
    double before = dcpg_now();
    assert_true(dcpg_now() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(only_one_rank_speaks),
        cmocka_unit_test(progress_without_terminal),
        cmocka_unit_test(progress_on_terminal),
        cmocka_unit_test(file_is_appended),
        cmocka_unit_test(file_is_full),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
