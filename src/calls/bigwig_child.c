/* SPDX-License-Identifier: MIT */
/* Reads a bigWig in a child process. The child calls neither MPI nor anything of dcpg that could hold a lock
 * of another thread at the time of fork(): only libBigWig, zlib, malloc and its own files, which the C
 * library keeps usable. */
#include "calls/bigwig_child.h"

#ifdef DCPG_HAVE_BIGWIG

#include <bigWig.h>
#include <dcpg/memory.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct dcpg_bigwig {
    pid_t child;
    int fd;
};

/* ---- the child ---- */

static void put(int fd, const dcpg_bigwig_part *part) {
    const char *at = (const char *)part;
    size_t left = offsetof(dcpg_bigwig_part, v) + (size_t)part->n * sizeof part->v[0];
    while (left > 0) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(1);
        at += n;
        left -= (size_t)n;
    }
}

static void put_intervals(int fd, dcpg_bigwig_part *part, const bwOverlappingIntervals_t *found) {
    for (uint32_t i = 0; i < found->l; i++) {
        part->v[part->n++] = (dcpg_bigwig_interval){found->start[i], found->end[i], found->value[i]};
        if (part->n < DCPG_BIGWIG_PART) continue;
        put(fd, part);
        part->n = 0;
    }
}

static void put_chromo(int fd, dcpg_bigwig_part *part, bigWigFile_t *file, int64_t chromo) {
    enum { BLOCKS = 64 };
    char *name = file->cl->chrom[chromo];
    bwOverlapIterator_t *at = bwOverlappingIntervalsIterator(file, name, 0, file->cl->len[chromo], BLOCKS);
    if (!at || strlen(name) >= sizeof part->chromo) _exit(1);
    memset(part->chromo, 0, sizeof part->chromo);
    memcpy(part->chromo, name, strlen(name));
    part->n = 0;
    while (at && at->data) {
        put_intervals(fd, part, at->intervals);
        at = bwIteratorNext(at);
    }
    if (!at) _exit(1);
    if (part->n > 0) put(fd, part);
    bwIteratorDestroy(at);
}

/* Bytes of private writable memory in use, which RLIMIT_DATA counts; 0: unknown. */
static rlim_t data_used(void) {
    unsigned long pages[6] = {0};
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    int n = fscanf(file, "%lu %lu %lu %lu %lu %lu", &pages[0], &pages[1], &pages[2], &pages[3], &pages[4],
                   &pages[5]);
    fclose(file);
    return n == 6 ? (rlim_t)pages[5] * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
}

static void lower(int resource, rlim_t most) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < most) most = limit.rlim_max;
    limit.rlim_cur = most;
    setrlimit(resource, &limit);
}

/* Limits the child to 3 s of processor time plus 1 s per MB of the file, and to 256 MB of memory plus four
 * times the file. Nothing is printed, and no core dumped. */
static void limit_child(int64_t bytes) {
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP,  SIGPIPE, SIGUSR1, SIGUSR2, SIGXCPU,
                                  SIGSEGV, SIGBUS, SIGABRT, SIGFPE,  SIGILL,  SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
    rlim_t used = data_used();
    lower(RLIMIT_CPU, 3 + (rlim_t)bytes / 1000000);
    lower(RLIMIT_CORE, 0);
    if (used > 0) lower(RLIMIT_DATA, used + ((rlim_t)256 << 20) + 4 * (rlim_t)bytes);
    int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3 && nowhere >= 0; fd++) dup2(nowhere, fd);
}

static _Noreturn void run_child(const char *path, int64_t bytes, int fd, dcpg_bigwig_part *part) {
    limit_child(bytes);
    bigWigFile_t *file = bwOpen(path, NULL, "r");
    if (!file || !file->cl) _exit(1);
    for (int64_t c = 0; c < file->cl->nKeys; c++) put_chromo(fd, part, file, c);
    part->n = 0;
    part->is_last = 1;
    put(fd, part);
    _exit(0);
}

/* ---- the parent ---- */

dcpg_status dcpg_bigwig_open(const char *path, int64_t bytes, dcpg_bigwig **file, dcpg_err *err) {
    int ends[2] = {-1, -1};
    dcpg_bigwig *f = dcpg_alloc(1, sizeof *f);
    dcpg_bigwig_part *part = dcpg_alloc(1, sizeof *part); /* here, since the child should allocate little */
    dcpg_status status = f && part ? DCPG_OK : dcpg_fail_nomem(err, path, sizeof *part);
    if (status == DCPG_OK && pipe(ends) != 0)
        status = dcpg_fail(err, DCPG_E_IO, "%s: no pipe to read a bigWig through: %s", path, strerror(errno));
    if (status == DCPG_OK) {
        for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        f->fd = ends[0];
        f->child = fork();
        if (f->child == 0) run_child(path, bytes, ends[1], part);
        if (f->child < 0)
            status = dcpg_fail(err, DCPG_E_IO, "%s: no process to read a bigWig: %s", path, strerror(errno));
        close(ends[1]);
        if (status != DCPG_OK) close(ends[0]);
    }
    dcpg_free(part);
    if (status != DCPG_OK) dcpg_free(f);
    *file = status == DCPG_OK ? f : NULL;
    return status;
}

static bool get(int fd, void *to, size_t bytes) {
    char *at = to;
    while (bytes > 0) {
        ssize_t n = read(fd, at, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

bool dcpg_bigwig_next(dcpg_bigwig *file, dcpg_bigwig_part *part) {
    if (!get(file->fd, part, offsetof(dcpg_bigwig_part, v))) return false;
    if (part->n < 0 || part->n > DCPG_BIGWIG_PART || !memchr(part->chromo, '\0', sizeof part->chromo))
        return false;
    for (const char *c = part->chromo; *c; c++)
        if ((unsigned char)*c < ' ') return false; /* not a name, nor fit for a message */
    if (!part->is_last && (part->n == 0 || !*part->chromo)) return false;
    return get(file->fd, part->v, (size_t)part->n * sizeof part->v[0]);
}

void dcpg_bigwig_close(dcpg_bigwig *file) {
    if (!file) return;
    close(file->fd);
    kill(file->child, SIGKILL);
    while (waitpid(file->child, NULL, 0) < 0 && errno == EINTR) continue;
    dcpg_free(file);
}

#else

typedef int dcpg_no_bigwig; /* a C file must declare something */

#endif
