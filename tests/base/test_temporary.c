/* SPDX-License-Identifier: MIT */
/* Temporary files: names that cannot be guessed, links that are not followed, permissions, leftovers. */
#include <cmocka_all.h>
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
    strcpy(folder, "/tmp/dcpg_test_temporary_XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static int count_entries(void) {
    DIR *entries = opendir(".");
    int nb = 0;
    for (struct dirent *e; (e = readdir(entries));) nb += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(entries);
    return nb;
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_holds(const char *path, const char *text) {
    char *held;
    dcpg_err err = {0};
    if (dcpg_file_read(path, 1000, &held, &err) != DCPG_OK) fail_msg("%s", err.text);
    assert_string_equal(held, text);
    dcpg_free(held);
}

static mode_t mode_of(const char *path) {
    struct stat s;
    assert_int_equal(lstat(path, &s), 0);
    return s.st_mode & 0777;
}

static void test_kept(void **state) {
    (void)state;
    char *temporary;
    int fd;
    dcpg_err err = {0};
    assert_int_equal(dcpg_temporary_create("a.tsv", &temporary, &fd, &err), DCPG_OK);
    assert_true(strncmp(temporary, ".a.tsv.dcpg-tmp-", 16) == 0);
    assert_int_equal(write(fd, "new", 3), 3);
    assert_false(dcpg_file_exists("a.tsv"));
    close(fd);
    assert_int_equal(dcpg_temporary_keep(temporary, "a.tsv", &err), DCPG_OK);
    assert_holds("a.tsv", "new");
    assert_int_equal(count_entries(), 1);
    assert_int_equal(dcpg_temporary_create("a.tsv", &temporary, &fd, &err), DCPG_OK);
    close(fd);
    dcpg_temporary_remove(temporary);
    assert_holds("a.tsv", "new");
    assert_int_equal(count_entries(), 1);
    unlink("a.tsv");
}

/* Names never repeat, and anything planted at earlier names is left untouched. */
static void test_planted(void **state) {
    (void)state;
    char *first, *second, old[64];
    int fd;
    dcpg_err err = {0};
    put("victim", "mine");
    snprintf(old, sizeof old, "r.tsv.%ld.tmp", (long)getpid());
    assert_int_equal(symlink("victim", old), 0);
    assert_int_equal(dcpg_file_write("r.tsv", "new", 3, &err), DCPG_OK);
    assert_holds("victim", "mine");
    assert_holds("r.tsv", "new");
    assert_int_equal(dcpg_temporary_create("r.tsv", &first, &fd, &err), DCPG_OK);
    close(fd);
    assert_int_equal(dcpg_temporary_create("r.tsv", &second, &fd, &err), DCPG_OK);
    close(fd);
    assert_string_not_equal(first, second);
    dcpg_temporary_remove(first);
    dcpg_temporary_remove(second);
    assert_null(dcpg_file_create_new(old));
    assert_null(dcpg_file_create_new("victim"));
    FILE *file = NULL;
    assert_int_equal(dcpg_file_continue(old, 0, &file, &err), DCPG_E_IO);
    assert_non_null(strstr(err.text, "is a link"));
    assert_holds("victim", "mine");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    err = (dcpg_err){0};
    assert_int_equal(dcpg_file_continue("pipe", 0, &file, &err), DCPG_E_IO);
    /* A link at the file's own place is replaced, not followed. */
    assert_int_equal(symlink("victim", "link.tsv"), 0);
    err = (dcpg_err){0};
    assert_int_equal(dcpg_file_write("link.tsv", "new", 3, &err), DCPG_OK);
    assert_holds("victim", "mine");
    assert_holds("link.tsv", "new");
    unlink("pipe"), unlink(old), unlink("victim"), unlink("r.tsv"), unlink("link.tsv");
}

static void test_permissions(void **state) {
    (void)state;
    dcpg_err err = {0};
    mode_t before = umask(027);
    assert_int_equal(dcpg_file_write("new", "x", 1, &err), DCPG_OK);
    assert_int_equal(mode_of("new"), 0640);
    chmod("new", 0604);
    assert_int_equal(dcpg_file_write("new", "y", 1, &err), DCPG_OK);
    assert_int_equal(mode_of("new"), 0604);
    /* HDF5 and fsync open the file again by its name: the owner, who may replace it, must be able to. */
    chmod("new", 0444);
    assert_int_equal(dcpg_file_write("new", "z", 1, &err), DCPG_OK);
    assert_int_equal(mode_of("new"), 0644);
    umask(before);
    unlink("new");
}

/* The number of a process that is gone. */
static long dead_process(void) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    return (long)child;
}

static void leave(const char *name, const char *host, long pid, int days_old, char path[200]) {
    snprintf(path, 200, ".%s.dcpg-tmp-%s-%ld-%016" PRIx64, name, host, pid, dcpg_random_number());
    put(path, "left");
    struct timespec at[2] = {{.tv_sec = time(NULL) - 86400L * days_old - 60, .tv_nsec = 0}};
    at[1] = at[0];
    assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
}

static void test_swept(void **state) {
    (void)state;
    char host[DCPG_HOST_ID], gone[200], alive[200], of_other[200], old[200], not_ours[200], link[200];
    dcpg_host_id(host);
    long dead = dead_process();
    leave("s.h5", host, dead, 0, gone);
    leave("s.h5", host, (long)getppid(), 3, alive);
    leave("s.h5", "other-host.1234abcd", dead, 0, of_other);
    leave("s.h5", "other-host.1234abcd", dead, 2, old);
    leave("t.h5", host, dead, 0, not_ours);
    put("victim", "mine");
    snprintf(link, sizeof link, ".s.h5.dcpg-tmp-%s-%ld-0123456789abcdef", host, dead);
    assert_int_equal(symlink("victim", link), 0);
    put(".s.h5.dcpg-tmp-notes", "mine"); /* not a temporary name of dcpg */
    assert_int_equal(dcpg_temporary_sweep(".", "s.h5"), 2);
    assert_false(dcpg_file_exists(gone));
    assert_true(dcpg_file_exists(alive));
    assert_true(dcpg_file_exists(of_other));
    assert_false(dcpg_file_exists(old));
    assert_true(dcpg_file_exists(not_ours));
    assert_holds("victim", "mine");
    assert_holds(".s.h5.dcpg-tmp-notes", "mine");
    assert_int_equal(dcpg_temporary_sweep(".", NULL), 1);
    assert_false(dcpg_file_exists(not_ours));
    unlink(alive), unlink(of_other), unlink("victim"), unlink(link), unlink(".s.h5.dcpg-tmp-notes");
    assert_int_equal(count_entries(), 0);
}

static void test_folder(void **state) {
    (void)state;
    char host[DCPG_HOST_ID], left[200], inner[220], *temporary;
    dcpg_err err = {0};
    dcpg_host_id(host);
    snprintf(left, sizeof left, ".sim.dcpg-tmp-%s-%ld-0123456789abcdef", host, dead_process());
    assert_int_equal(mkdir(left, 0777), 0);
    snprintf(inner, sizeof inner, "%s/dna", left);
    assert_int_equal(mkdir(inner, 0777), 0);
    snprintf(inner, sizeof inner, "%s/dna/1.fa", left);
    put(inner, "A");
    dcpg_temporary_sweep_path("sim");
    assert_int_equal(count_entries(), 0);
    assert_int_equal(dcpg_temporary_folder("sim", &temporary, &err), DCPG_OK);
    assert_int_equal(count_entries(), 1);
    snprintf(inner, sizeof inner, "%s/x", temporary);
    put(inner, "A");
    dcpg_temporary_remove(temporary);
    assert_int_equal(count_entries(), 0);
}

/* Even the longest names that the system allows have temporary names. */
static void test_long_name(void **state) {
    (void)state;
    char name[256];
    dcpg_err err = {0};
    memset(name, 'n', 255);
    name[255] = '\0';
    if (dcpg_file_write(name, "x", 1, &err) != DCPG_OK) fail_msg("%s", err.text);
    assert_holds(name, "x");
    unlink(name);
    assert_int_equal(count_entries(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),  cmocka_unit_test(test_planted), cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_swept), cmocka_unit_test(test_folder),  cmocka_unit_test(test_long_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
