/* SPDX-License-Identifier: MIT */
/* Files that the tests of readers make. Include after cmocka_all.h. */
#ifndef DCPG_TESTS_FOREIGN_H
#define DCPG_TESTS_FOREIGN_H

#include <htslib/bgzf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum how { PLAIN, GZIP, BGZIP };

/* The path of `name` in this test's own folder under the current one; static memory. */
static inline const char *own_path(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "foreign_%ld_%s", (long)getpid(), name);
    return path;
}

/* Writes n bytes; returns the path. */
static inline const char *write_bytes(const char *name, enum how how, const char *bytes, size_t n) {
    static const char *const mode[] = {"wu", "wg", "w"};
    const char *path = own_path(name);
    BGZF *file = bgzf_open(path, mode[how]);
    assert_non_null(file);
    assert_int_equal(bgzf_write(file, bytes, n), (ssize_t)n);
    assert_int_equal(bgzf_close(file), 0);
    return path;
}

static inline const char *write_text(const char *name, const char *text) {
    return write_bytes(name, PLAIN, text, strlen(text));
}

/* Cuts a file to its first `keep` bytes, or for a negative `keep` removes that many bytes at its end. */
static inline void cut_file(const char *path, long keep) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    assert_int_equal(truncate(path, keep < 0 ? size + keep : keep), 0);
}

/* A path in the shared data sets, NULL if they are absent; static memory. */
static inline const char *shared_path(const char *name) {
    static char path[1024];
    const char *folder = getenv("DCPG_SHARED");
    snprintf(path, sizeof path, "%s/data/%s", folder ? folder : "../shared", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

#endif
