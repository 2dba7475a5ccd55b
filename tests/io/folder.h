/* SPDX-License-Identifier: MIT */
/* A scratch folder for a test's files. */
#ifndef TESTS_IO_FOLDER_H
#define TESTS_IO_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];

static void make_folder(void) {
    const char *top = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/dcpg_h5_XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(folder)) abort();
}

/* The path of `name` in the folder; the last four stay valid. */
static const char *in_folder(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Number of files, including hidden ones. */
static inline int nb_file(const char *path) {
    int n = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static void remove_folder(void) {
    DIR *dir = opendir(folder);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        (void)unlink(in_folder(entry->d_name));
    closedir(dir);
    rmdir(folder);
}

#endif
