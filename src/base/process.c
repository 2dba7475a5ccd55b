/* SPDX-License-Identifier: MIT */
/* Identity of a process and its host, for the names of temporary files and for locks. */
#include <ctype.h>
#include <dcpg/rng.h>
#include <dcpg/temporary.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* Appends the beginning of a file of the kernel, or nothing if there is no such file. */
static void append_file(char *text, size_t capacity, const char *path) {
    size_t n = strlen(text);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text + n, capacity - n - 1);
    text[n + (size_t)(got > 0 ? got : 0)] = '\0';
    if (fd >= 0) close(fd);
}

/* Two containers may have the same host name, and a host keeps its name when it boots: a hash of the boot id
 * and the process namespace distinguishes them. */
void dcpg_host_id(char id[DCPG_HOST_ID]) {
    char host[41] = "", what[256] = "";
    if (gethostname(host, sizeof host - 1) != 0) strcpy(host, "unknown");
    append_file(what, sizeof what, "/proc/sys/kernel/random/boot_id");
    size_t n = strlen(what);
    ssize_t got = readlink("/proc/self/ns/pid", what + n, sizeof what - n - 1);
    what[n + (size_t)(got > 0 ? got : 0)] = '\0';
    for (char *c = host; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '.' && *c != '-') *c = '_';
    snprintf(id, DCPG_HOST_ID, "%s.%08" PRIx32, host, (uint32_t)dcpg_hash(what));
}

int64_t dcpg_process_start(int64_t pid) {
    char path[64], text[1024] = "";
    if (pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH)) return 0;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    append_file(text, sizeof text, path);
    /* The second field, a name in brackets, may contain anything; the start time is the 20th field after
     * it. */
    char *at = strrchr(text, ')');
    if (at && at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X'))
        return 0; /* dead, but not yet waited for by its parent */
    for (int field = 0; at && field < 20; field++) at = strchr(at + 1, ' ');
    int64_t start = at ? strtoll(at, NULL, 10) : 0;
    return start > 0 ? start : -1;
}

uint64_t dcpg_random_number(void) {
    uint64_t number = 0;
    struct timespec now;
    if (getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number) return number;
    clock_gettime(CLOCK_REALTIME, &now); /* good enough: files are created with O_EXCL anyway */
    return (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid() << 16;
}
