/* Who runs where: a line per rank, and a warning where threads outnumber cores. */
#include "cmocka_all.h"
#include <dcpg/par.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dcpg_par par;
static char text[65536];

/* What rank 0 reads after a report of ranks with `nb_thread` threads; empty on the others. */
static const char *report(int nb_thread) {
    FILE *file = tmpfile();
    dcpg_log log = {.screen = file, .level = DCPG_INFO, .speaks = par.rank == 0};
    dcpg_par_report_all(&par, nb_thread, &log);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int count(const char *in, const char *what) {
    int n = 0;
    for (const char *p = strstr(in, what); p; p = strstr(p + 1, what)) n++;
    return n;
}

static void a_line_per_rank(void **state) {
    (void)state;
    const char *said = report(3);
    if (par.rank > 0) {
        assert_string_equal(said, "");
        return;
    }
    char host[256] = "", line[512];
    gethostname(host, sizeof host - 1);
    for (int r = 0; r < par.size; r++) {
        snprintf(line, sizeof line, "rank %d: host %.63s, ", r, host);
        assert_non_null(strstr(said, line));
    }
    assert_int_equal(count(said, "3 threads\n"), par.size);
}

static void warns_of_crowds(void **state) {
    (void)state;
    const char *said = report(100000);
    if (par.rank > 0) return;
    assert_int_equal(count(said, "warning:"), 1); /* once per host */
    assert_non_null(strstr(said, "OMP_NUM_THREADS"));
}

static void host_as_a_whole(void **state) {
    (void)state;
    int cores = dcpg_cores_allowed();
    const char *said = report(cores); /* fits each rank, not all of them */
    if (par.rank == 0) assert_int_equal(count(said, "warning: host"), par.size > 1);
    said = report(1);
    if (par.rank == 0 && par.size <= cores) assert_int_equal(count(said, "warning:"), 0);
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

/* mpirun has started this test: a world of one is meant to be one. Without it, several tasks of a scheduler
 * are not. */
static void alone_by_mistake(void **state) {
    (void)state;
    dcpg_err err = {0};
    setenv("SLURM_NTASKS", "4", 1);
    assert_int_equal(dcpg_par_check_alone(&par, &err), DCPG_OK);
    unsetenv("OMPI_COMM_WORLD_SIZE");
    assert_int_equal(dcpg_par_check_alone(&par, &err), par.size == 1 ? DCPG_E_USAGE : DCPG_OK);
    if (par.size == 1) assert_non_null(strstr(err.text, "srun --mpi=pmix"));
    setenv("SLURM_NTASKS", "1", 1);
    assert_int_equal(dcpg_par_check_alone(&par, NULL), DCPG_OK);
    setenv("PMI_SIZE", "2", 1);
    assert_int_equal(dcpg_par_check_alone(&par, NULL), par.size == 1 ? DCPG_E_USAGE : DCPG_OK);
    unsetenv("PMI_SIZE");
    unsetenv("SLURM_NTASKS");
}

/* Nothing changes for ranks that come. */
static void watched_exchanges(void **state) {
    (void)state;
    assert_int_equal(dcpg_par_watch_all(&par, 30, NULL), DCPG_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(dcpg_sum_i64_all(&par, par.rank + i), par.size * i + par.size * (par.size - 1) / 2);
    assert_int_equal(dcpg_par_watch_all(&par, 20, NULL), DCPG_OK);
    dcpg_barrier_all(&par);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a rank that fails ends all */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_per_rank),   cmocka_unit_test(warns_of_crowds),
        cmocka_unit_test(host_as_a_whole),   cmocka_unit_test(counts_cores),
        cmocka_unit_test(all_started_alike), cmocka_unit_test(alone_by_mistake),
        cmocka_unit_test(watched_exchanges),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
