/* SPDX-License-Identifier: MIT */
/* Locks: of this process, of other processes alive or gone, of other hosts. */
#include <cmocka_all.h>
#include <dcpg/file.h>
#include <dcpg/lock.h>
#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/temporary.h>
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
static const dcpg_lock_options quick = {.option = "--out_dir", .beat = 1, .limit = 3};

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/dcpg_test_lock_XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    dcpg_signals_beat(0);
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1; /* fails if anything was left */
}

static void nap(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

static dcpg_lock *take(const char *path, bool is_folder) {
    dcpg_lock *lock;
    dcpg_err err = {0};
    if (dcpg_lock_take(path, is_folder, &quick, NULL, &lock, &err) != DCPG_OK) fail_msg("%s", err.text);
    return lock;
}

static void assert_refused(const char *path, bool is_folder, long pid) {
    dcpg_lock *lock;
    dcpg_err err = {0};
    char words[96];
    assert_int_equal(dcpg_lock_take(path, is_folder, &quick, NULL, &lock, &err), DCPG_E_IO);
    snprintf(words, sizeof words, "%s is being written by process %ld on host ", path, pid);
    if (!strstr(err.text, words)) fail_msg("no '%s' in %s", words, err.text);
    assert_non_null(strstr(err.text, " since 20"));
    assert_non_null(strstr(err.text, "choose another --out_dir"));
    assert_null(lock);
}

static void test_one_at_a_time(void **state) {
    (void)state;
    dcpg_lock *lock = take("a/b/model", true);
    assert_true(dcpg_file_exists("a/b/model/.dcpg-lock"));
    assert_refused("a/b/model", true, (long)getpid());
    dcpg_lock *other = take("a/b/file.h5", false);
    assert_refused("a/b/file.h5", false, (long)getpid());
    dcpg_lock_release(other);
    assert_int_equal(dcpg_lock_check(lock, NULL), DCPG_OK);
    dcpg_lock_release(lock);
    assert_false(dcpg_file_exists("a")); /* was created for the lock, and is empty */
    dcpg_lock_release(NULL);
}

/* A folder with something in it stays, and so do folders that existed before. */
static void test_folders_stay(void **state) {
    (void)state;
    assert_int_equal(mkdir("there", 0777), 0);
    dcpg_lock_release(take("there", true));
    assert_true(dcpg_is_dir("there"));
    dcpg_lock *lock = take("there/made/deep", true);
    assert_int_equal(dcpg_file_write("there/made/x", "x", 1, NULL), DCPG_OK);
    dcpg_lock_release(lock);
    assert_true(dcpg_file_exists("there/made/x"));
    assert_false(dcpg_file_exists("there/made/deep"));
    unlink("there/made/x"), rmdir("there/made"), rmdir("there");
}

/* A child that takes the lock, reports this, and waits until it is ended. */
static pid_t holder(const char *path) {
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dcpg_lock *lock;
        dcpg_signals_end();
        if (dcpg_lock_take(path, false, &quick, NULL, &lock, NULL) == DCPG_OK && write(ends[1], "x", 1) == 1)
            nap(60000);
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

static void test_other_process(void **state) {
    (void)state;
    pid_t child = holder("f.h5");
    assert_refused("f.h5", false, (long)child);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    assert_false(dcpg_file_exists(".f.h5.dcpg-lock")); /* removed by the signal handler */
    child = holder("f.h5");
    kill(child, SIGKILL);
    nap(50); /* dead but not yet waited for, which counts as gone */
    FILE *printed = tmpfile();
    dcpg_log log = {.screen = printed, .level = DCPG_INFO, .speaks = true};
    dcpg_lock *lock;
    assert_int_equal(dcpg_lock_take("f.h5", false, &quick, &log, &lock, NULL), DCPG_OK);
    waitpid(child, NULL, 0);
    char line[256] = "", words[64];
    rewind(printed);
    assert_non_null(fgets(line, sizeof line, printed));
    fclose(printed);
    snprintf(words, sizeof words, "f.h5: process %ld on host", (long)child);
    assert_non_null(strstr(line, words));
    assert_non_null(strstr(line, "is gone: its lock is taken over"));
    dcpg_lock_release(lock);
}

/* The number of a process that is gone now belongs to another process. */
static void test_number_given_again(void **state) {
    (void)state;
    char host[DCPG_HOST_ID], text[256];
    dcpg_host_id(host);
    int n = snprintf(text, sizeof text, "dcpg-lock 1\nhost %s\npid %ld\nstart 7\nsince 1000\n", host,
                     (long)getppid());
    assert_int_equal(dcpg_file_write(".f.h5.dcpg-lock", text, (size_t)n, NULL), DCPG_OK);
    dcpg_lock_release(take("f.h5", false));
}

static void write_foreign(void) {
    static const char text[] = "dcpg-lock 1\nhost far-away.0badcafe\npid 77\nstart 7\nsince 1760000000\n";
    assert_int_equal(dcpg_file_write(".f.h5.dcpg-lock", text, sizeof text - 1, NULL), DCPG_OK);
}

static void test_other_host(void **state) {
    (void)state;
    /* Heartbeat renewed: alive. */
    write_foreign();
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 100; i++) {
            utimensat(AT_FDCWD, ".f.h5.dcpg-lock", NULL, 0);
            nap(300);
        }
        _exit(0);
    }
    assert_refused("f.h5", false, 77);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    /* Heartbeat not renewed: taken over after the limit. */
    double before = dcpg_now();
    dcpg_lock *lock = take("f.h5", false);
    assert_true(dcpg_now() - before > 2);
    dcpg_lock_release(lock);
    /* Heartbeat long past: taken over at once, whatever the file contains. */
    write_foreign();
    assert_int_equal(dcpg_file_write(".f.h5.dcpg-lock", "", 0, NULL), DCPG_OK);
    struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    utimensat(AT_FDCWD, ".f.h5.dcpg-lock", long_ago, 0);
    before = dcpg_now();
    lock = take("f.h5", false);
    assert_true(dcpg_now() - before < 1);
    dcpg_lock_release(lock);
}

static int naps;

static void count_nap(const void *context) { naps += context == &naps; }

/* A lock of a user who lets nobody read it is not taken over before its heartbeat has stopped. (A link cannot
 * be read even by root.) */
static void test_unreadable(void **state) {
    (void)state;
    dcpg_lock_options options = quick;
    options.waiting = count_nap;
    options.context = &naps;
    assert_int_equal(symlink("nowhere", ".f.h5.dcpg-lock"), 0);
    double before = dcpg_now();
    dcpg_lock *lock;
    assert_int_equal(dcpg_lock_take("f.h5", false, &options, NULL, &lock, NULL), DCPG_OK);
    assert_true(dcpg_now() - before > 2);
    assert_true(naps >= 3);
    dcpg_lock_release(lock);
}

/* The heartbeat continues whatever the process does, and a process that lost its lock learns of it. */
static void test_beat_and_loss(void **state) {
    (void)state;
    struct stat before, after;
    struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    dcpg_lock *lock = take("f.h5", false);
    utimensat(AT_FDCWD, ".f.h5.dcpg-lock", long_ago, 0);
    assert_int_equal(stat(".f.h5.dcpg-lock", &before), 0);
    nap(1300);
    assert_int_equal(stat(".f.h5.dcpg-lock", &after), 0);
    assert_true(after.st_mtime > before.st_mtime);
    write_foreign();
    dcpg_err err = {0};
    assert_int_equal(dcpg_lock_check(lock, &err), DCPG_E_IO);
    assert_non_null(strstr(err.text, "taken over"));
    dcpg_lock_release(lock);
    assert_true(dcpg_file_exists(".f.h5.dcpg-lock")); /* belongs to another process now */
    unlink(".f.h5.dcpg-lock");
}

/* Several processes find a stale lock at once: exactly one gets it. */
static void test_crowd(void **state) {
    (void)state;
    enum { NB = 8 };
    pid_t child[NB];
    int nb = 0;
    write_foreign();
    struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    utimensat(AT_FDCWD, ".f.h5.dcpg-lock", long_ago, 0);
    for (int i = 0; i < NB; i++)
        if ((child[i] = fork()) == 0) {
            dcpg_lock *lock;
            bool mine = dcpg_lock_take("f.h5", false, &quick, NULL, &lock, NULL) == DCPG_OK;
            nap(1500);
            if (mine && dcpg_lock_check(lock, NULL) != DCPG_OK) _exit(3);
            dcpg_lock_release(mine ? lock : NULL);
            _exit(mine ? 1 : 0);
        }
    for (int i = 0; i < NB; i++) {
        int status;
        waitpid(child[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        nb += WEXITSTATUS(status);
    }
    assert_int_equal(nb, 1);
    assert_false(dcpg_file_exists(".f.h5.dcpg-lock"));
}

static void test_not_writable(void **state) {
    (void)state;
    dcpg_lock *lock;
    dcpg_err err = {0};
    assert_int_equal(dcpg_lock_take("none/f.h5", false, &quick, NULL, &lock, &err), DCPG_E_IO);
    assert_int_equal(dcpg_file_write("plain", "x", 1, NULL), DCPG_OK);
    err = (dcpg_err){0};
    assert_int_equal(dcpg_lock_take("plain/model", true, &quick, NULL, &lock, &err), DCPG_E_IO);
    unlink("plain");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time), cmocka_unit_test(test_folders_stay),
        cmocka_unit_test(test_other_process), cmocka_unit_test(test_number_given_again),
        cmocka_unit_test(test_other_host),    cmocka_unit_test(test_beat_and_loss),
        cmocka_unit_test(test_crowd),         cmocka_unit_test(test_not_writable),
        cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
