/* SPDX-License-Identifier: MIT */
/* Signals, in child processes, as they end programs. */
#include <cmocka_all.h>
#include <dcpg/cleanup.h>
#include <dcpg/file.h>
#include <dcpg/signal.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/dcpg_test_signal_XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1; /* fails if anything was left */
}

static void nap(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

static void put(const char *path) {
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
}

static int status_of(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The test itself may run under nohup, or in the background of a script. */
static void take_defaults(void) {
    signal(SIGHUP, SIG_DFL), signal(SIGINT, SIG_DFL), signal(SIGQUIT, SIG_DFL), signal(SIGPIPE, SIG_DFL);
}

/* A child that notes a file and a folder, then sends itself the signal. */
static int noted_then(int number) {
    pid_t child = fork();
    if (child == 0) {
        take_defaults();
        dcpg_signals_end();
        put("file"), put("kept");
        mkdir("inner", 0700), put("inner/file");
        dcpg_cleanup_add("inner", -1, NULL);
        dcpg_cleanup_add("file", -1, NULL);
        dcpg_cleanup_add("inner/file", -1, NULL);
        dcpg_cleanup_add("kept", -1, NULL);
        dcpg_cleanup_forget("kept");
        raise(number);
        _exit(7);
    }
    return status_of(child);
}

static void test_end(void **state) {
    (void)state;
    static const int numbers[] = {SIGTERM, SIGINT,  SIGHUP,  SIGPIPE, SIGUSR1,
                                  SIGUSR2, SIGXCPU, SIGQUIT, SIGXFSZ};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int status = noted_then(numbers[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), numbers[i]);
        assert_false(dcpg_file_exists("file"));
        assert_false(dcpg_file_exists("inner"));
        assert_true(dcpg_file_exists("kept"));
        unlink("kept");
        unlink("core");
    }
}

/* A dying child of the program does not remove the program's files. */
static void test_other_process(void **state) {
    (void)state;
    put("mine");
    assert_int_equal(dcpg_cleanup_add("mine", -1, NULL), DCPG_OK);
    pid_t child = fork();
    if (child == 0) {
        dcpg_signals_end();
        raise(SIGTERM);
        _exit(7);
    }
    assert_int_equal(WTERMSIG(status_of(child)), SIGTERM);
    assert_true(dcpg_file_exists("mine"));
    dcpg_cleanup_run();
    assert_false(dcpg_file_exists("mine"));
    dcpg_cleanup_forget("mine");
}

/* Removed only while the path still names the open file. */
static void test_lock(void **state) {
    (void)state;
    int fd = open("lock", O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(dcpg_cleanup_add("lock", fd, NULL), DCPG_OK);
    assert_int_equal(rename("lock", "away"), 0);
    put("lock");
    dcpg_cleanup_run();
    assert_true(dcpg_file_exists("lock"));
    assert_int_equal(rename("away", "lock"), 0);
    struct stat before, after;
    struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(futimens(fd, long_ago), 0);
    fstat(fd, &before);
    dcpg_cleanup_beat();
    fstat(fd, &after);
    assert_true(after.st_mtime > before.st_mtime);
    dcpg_cleanup_run();
    assert_false(dcpg_file_exists("lock"));
    dcpg_cleanup_forget("lock");
    close(fd);
}

/* The output of a child that catches signals: "s" if it saw the signal and lived on. Sends `first`, waits,
 * sends `second`. */
static int caught_then(int first, int second, long wait) {
    pid_t child = fork();
    if (child == 0) {
        take_defaults();
        dcpg_signals_end();
        dcpg_signals_catch();
        put("file");
        dcpg_cleanup_add("file", -1, NULL);
        raise(first);
        if (dcpg_signal_seen() != first) _exit(1);
        nap(wait);
        if (second) raise(second);
        _exit(7);
    }
    return status_of(child);
}

static void test_catch(void **state) {
    (void)state;
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2, SIGXCPU};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(caught_then(numbers[i], 0, 0), 7 << 8);
    /* A launcher may send a signal twice, a scheduler USR1 before TERM, the kernel XCPU every second. */
    assert_int_equal(caught_then(SIGTERM, SIGTERM, 0), 7 << 8);
    assert_int_equal(caught_then(SIGUSR1, SIGTERM, 300), 7 << 8);
    assert_int_equal(caught_then(SIGXCPU, SIGXCPU, 300), 7 << 8);
    assert_true(dcpg_file_exists("file"));
    static const int ends[][2] = {{SIGTERM, SIGTERM}, {SIGINT, SIGINT}, {SIGINT, SIGTERM}, {SIGHUP, SIGHUP}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        int status = caught_then(ends[i][0], ends[i][1], 300);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), ends[i][1]);
        assert_false(dcpg_file_exists("file"));
    }
    assert_string_equal(dcpg_signal_name(SIGXCPU), "SIGXCPU");
    assert_string_equal(dcpg_signal_name(SIGSEGV), "a signal");
}

/* The fate of a child started with an ignored signal, for both kinds of handlers. */
static int ignored_then(int number, int catches) {
    pid_t child = fork();
    if (child == 0) {
        take_defaults();
        signal(number, SIG_IGN);
        dcpg_signals_end();
        if (catches) dcpg_signals_catch();
        raise(number);
        nap(300);
        raise(number);
        _exit(dcpg_signal_seen() ? 1 : 7);
    }
    return status_of(child);
}

/* nohup, and `&` in scripts. */
static void test_ignored(void **state) {
    (void)state;
    static const int stay[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        for (int catches = 0; catches < 2; catches++)
            assert_int_equal(ignored_then(stay[i], catches), 7 << 8);
    /* Schedulers ask for an end with these, whatever the script ignores for itself. */
    assert_int_equal(ignored_then(SIGUSR1, 1), 1 << 8);
    int status = ignored_then(SIGTERM, 1);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_end), cmocka_unit_test(test_other_process),
                                       cmocka_unit_test(test_lock), cmocka_unit_test(test_catch),
                                       cmocka_unit_test(test_ignored)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
