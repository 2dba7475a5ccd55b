/* SPDX-License-Identifier: MIT */
/* Hosts, cores and threads: a line per rank, and a warning if threads outnumber cores. Launchers, and waits
 * for busy ranks. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "cmocka_all.h"
#include <dcpg/par.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static dcpg_par par;
static char text[65536];

/* The log on rank 0 of a report of ranks with `nb_thread` threads; empty on the other ranks. */
static const char *report_at(int nb_thread, dcpg_level level) {
    FILE *file = tmpfile();
    dcpg_log log = {.screen = file, .level = level, .speaks = par.rank == 0};
    dcpg_par_report_all(&par, nb_thread, &log);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static const char *report(int nb_thread) { return report_at(nb_thread, DCPG_INFO); }

static int count(const char *in, const char *what) {
    int n = 0;
    for (const char *p = strstr(in, what); p; p = strstr(p + 1, what)) n++;
    return n;
}

/* This test's ranks share one host. */
static void a_line_per_host(void **state) {
    (void)state;
    const char *printed = report(3);
    char host[256] = "", line[512];
    gethostname(host, sizeof host - 1);
    snprintf(line, sizeof line, "host %.63s: %d rank%s, ", host, par.size, par.size > 1 ? "s" : "");
    if (par.rank > 0) return;
    assert_int_equal(count(printed, line), 1);
    assert_int_equal(count(printed, "rank 0: "), 0);
    assert_int_equal(count(printed, par.size > 1 ? "3 threads a rank\n" : "3 threads\n"), 1);
}

static void a_line_per_rank(void **state) {
    (void)state;
    const char *printed = report_at(3, DCPG_DEBUG);
    if (par.rank > 0) {
        assert_string_equal(printed, "");
        return;
    }
    char host[256] = "", line[512];
    gethostname(host, sizeof host - 1);
    for (int r = 0; r < par.size; r++) {
        snprintf(line, sizeof line, "rank %d: host %.63s, ", r, host);
        assert_non_null(strstr(printed, line));
    }
    assert_int_equal(count(printed, "3 threads\n"), par.size == 1 ? 2 : par.size); /* one for the host */
}

static void warns_of_crowds(void **state) {
    (void)state;
    const char *printed = report(100000);
    if (par.rank > 0) return;
    assert_int_equal(count(printed, "warning:"), 1); /* once per host */
    assert_non_null(strstr(printed, "OMP_NUM_THREADS"));
}

static void host_as_a_whole(void **state) {
    (void)state;
    int cores = dcpg_cores_allowed();
    const char *printed = report(cores); /* fits each rank, but not all of them together */
    if (par.rank == 0) assert_int_equal(count(printed, "warning: host"), par.size > 1);
    printed = report(1);
    if (par.rank == 0 && par.size <= cores) assert_int_equal(count(printed, "warning:"), 0);
}

static void counts_cores(void **state) {
    (void)state;
    assert_in_range(dcpg_cores_allowed(), 1, sysconf(_SC_NPROCESSORS_CONF));
}

static void all_started_alike(void **state) {
    (void)state;
    dcpg_err err = {0};
    const char *last = par.rank == par.size - 1 && par.size > 1 ? "9.9.9" : "0.1.0";
    assert_int_equal(dcpg_same_all(&par, "version", "0.1.0", &err), DCPG_OK);
    dcpg_status status = dcpg_same_all(&par, "version", last, &err);
    assert_int_equal(status, par.size > 1 ? DCPG_E_USAGE : DCPG_OK);
    if (par.size > 1) assert_non_null(strstr(err.text, "another version than rank 0: 9.9.9"));
}

/* Clears the variables of the launcher that started this test. */
static void forget_launcher(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE",
                                        "OMPI_COMM_WORLD_LOCAL_SIZE",
                                        "OMPI_COMM_WORLD_RANK",
                                        "PMI_SIZE",
                                        "PMI_RANK",
                                        "PMIX_RANK",
                                        "MPI_LOCALNRANKS",
                                        "SLURM_NTASKS",
                                        "SLURM_STEP_NUM_TASKS",
                                        "PRTE_LAUNCHED"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

static void set_number(const char *name, int n) {
    char digits[16];
    snprintf(digits, sizeof digits, "%d", n);
    setenv(name, digits, 1);
}

/* If mpirun started this test, one rank is meant to be one. Without mpirun, several tasks of a scheduler are
 * a mistake. */
static void alone_by_mistake(void **state) {
    (void)state;
    dcpg_err err = {0};
    setenv("SLURM_NTASKS", "4", 1);
    assert_int_equal(dcpg_par_check_alone(&par, &err), DCPG_OK);
    forget_launcher();
    assert_int_equal(dcpg_par_check_alone(&par, &err), DCPG_OK);
    setenv("SLURM_NTASKS", "4", 1);
    assert_int_equal(dcpg_par_check_launcher(&par, &err), DCPG_OK); /* perhaps a batch script */
    assert_int_equal(dcpg_par_check_alone(&par, &err), par.size == 1 ? DCPG_E_USAGE : DCPG_OK);
    if (par.size == 1) assert_non_null(strstr(err.text, "srun --mpi=pmix"));
    setenv("SLURM_NTASKS", "1", 1);
    assert_int_equal(dcpg_par_check_alone(&par, NULL), DCPG_OK);
    setenv("SLURM_STEP_NUM_TASKS", "3", 1);
    assert_int_equal(dcpg_par_check_alone(&par, NULL), par.size == 1 ? DCPG_E_USAGE : DCPG_OK);
    forget_launcher();
}

/* Launchers of other MPIs start ranks that do not know of each other. */
static void another_mpirun(void **state) {
    (void)state;
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE",
                                        "JSM_NAMESPACE_SIZE"};
    dcpg_err err = {0};
    forget_launcher();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int n = 1; n <= 5; n++) {
            set_number(sizes[i], n);
            err = (dcpg_err){0};
            assert_int_equal(dcpg_par_check_launcher(&par, &err), n == par.size ? DCPG_OK : DCPG_E_USAGE);
            assert_int_equal(dcpg_par_launched(), n > 1);
        }
        assert_non_null(strstr(err.text, "mpirun started 5 ranks"));
        assert_non_null(strstr(err.text, sizes[i]));
        assert_non_null(strstr(err.text, par.size == 1 ? "this process is alone" : " here: mpirun is of"));
        set_number(sizes[i], 0); /* no number of ranks */
        assert_int_equal(dcpg_par_check_launcher(&par, NULL), DCPG_OK);
        unsetenv(sizes[i]);
    }
    set_number("MPI_LOCALNRANKS", par.size);
    assert_int_equal(dcpg_par_check_launcher(&par, NULL), DCPG_OK);
    set_number("MPI_LOCALNRANKS", par.size + 1);
    assert_int_equal(dcpg_par_check_launcher(&par, NULL), DCPG_E_USAGE);
    unsetenv("MPI_LOCALNRANKS");
    set_number("PMIX_RANK", par.size - 1);
    assert_int_equal(dcpg_par_check_launcher(&par, NULL), DCPG_OK);
    err = (dcpg_err){0};
    set_number("PMIX_RANK", par.size);
    assert_int_equal(dcpg_par_check_launcher(&par, &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "PMIX_RANK"));
    forget_launcher();
}

/* Threads of a rank: the user's number, otherwise the rank's part of its host's cores. */
static void shares_of_cores(void **state) {
    (void)state;
    int cores =
        dcpg_cores_allowed(); /* ranks of this test are not bound, or are bound to equal numbers of cores */
    setenv("OMP_NUM_THREADS", "3", 1);
    omp_set_num_threads(3);
    assert_int_equal(dcpg_par_threads_all(&par), 3);
    setenv("OMP_NUM_THREADS", "3,2", 1);
    assert_int_equal(dcpg_par_threads_all(&par), 3);
    const char *printed = report(1);
    if (par.rank == 0) assert_null(strstr(printed, "share"));
    static const char *const none[] = {"", "0", "-2", "many", "3x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        setenv("OMP_NUM_THREADS", none[i], 1);
        int threads = dcpg_par_threads_all(&par);
        assert_in_range(threads, 1, cores);
        if (dcpg_sum_i64_all(&par, cores) > sysconf(_SC_NPROCESSORS_ONLN))
            assert_int_equal(threads, cores / par.size > 1 ? cores / par.size : 1);
    }
    unsetenv("OMP_NUM_THREADS");
    printed = report(dcpg_par_threads_all(&par));
    if (par.rank == 0) assert_int_equal(count(printed, " ranks share "), par.size > 1);
    if (par.rank == 0) assert_int_equal(count(printed, "warning:"), par.size > cores);
}

/* Binds each rank to a core of its own, as far as there are enough. */
static void bound_ranks(void **state) {
    (void)state;
    cpu_set_t before, mine;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    int wanted = par.rank % CPU_COUNT(&before), cpu = -1;
    for (int seen = -1; seen < wanted;) seen += CPU_ISSET((size_t)++cpu, &before) != 0;
    CPU_ZERO(&mine);
    CPU_SET((size_t)cpu, &mine);
    assert_int_equal(sched_setaffinity(0, sizeof mine, &mine), 0);
    unsetenv("OMP_NUM_THREADS");
    assert_int_equal(dcpg_par_threads_all(&par), 1);
    if (par.rank == 0) assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    int threads = dcpg_par_threads_all(&par); /* rank 0 may use all cores, of which other ranks use some */
    int others = par.size - 1 < CPU_COUNT(&before) ? par.size - 1 : CPU_COUNT(&before) - 1;
    if (par.size == 2) assert_int_equal(threads, par.rank == 0 ? (CPU_COUNT(&before) * 2 - others) / 2 : 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

/* Watching changes nothing as long as all ranks arrive. */
static void watched_exchanges(void **state) {
    (void)state;
    assert_int_equal(dcpg_par_watch_all(&par, 30, NULL), DCPG_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(dcpg_sum_i64_all(&par, par.rank + i), par.size * i + par.size * (par.size - 1) / 2);
    assert_int_equal(dcpg_par_watch_all(&par, 20, NULL), DCPG_OK);
    dcpg_barrier_all(&par);
}

/* A rank that works longer than the others may have to wait does not count as stalled: it reports that it is
 * busy. */
static void busy_rank(void **state) {
    (void)state;
    assert_int_equal(dcpg_par_watch_all(&par, 0.4, NULL), DCPG_OK);
    for (double end = dcpg_now() + 2; par.rank == par.size - 1 && dcpg_now() < end;) {
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        dcpg_par_busy(&par);
    }
    dcpg_barrier_all(&par);
    assert_int_equal(dcpg_par_watch_all(&par, 0, NULL), DCPG_OK);
    dcpg_par_busy(&par);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_per_host),   cmocka_unit_test(a_line_per_rank),
        cmocka_unit_test(warns_of_crowds),   cmocka_unit_test(host_as_a_whole),
        cmocka_unit_test(counts_cores),      cmocka_unit_test(all_started_alike),
        cmocka_unit_test(alone_by_mistake),  cmocka_unit_test(another_mpirun),
        cmocka_unit_test(shares_of_cores),   cmocka_unit_test(bound_ranks),
        cmocka_unit_test(watched_exchanges), cmocka_unit_test(busy_rank),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
