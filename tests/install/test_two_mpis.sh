#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# HDF5 of another MPI than dcpg's is reported when dcpg is configured, and at its start.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
    echo "FAIL: $*"
    exit 1
}

# At the start: a library that has MPI's own names comes in by another way.
if ! grep -qa __asan_init "$DCPG_PROGRAM"; then
    echo 'int PMPI_Init(void); int PMPI_Init(void) { return 1; }' >"$tmp/other.c"
    cc -shared -fPIC -o "$tmp/libmpi_other.so" "$tmp/other.c"
    code=0
    LD_PRELOAD=$tmp/libmpi_other.so "$DCPG_PROGRAM" models >"$tmp/log" 2>&1 || code=$?
    [[ $code == 2 ]] || fail "exit code $code with two MPIs: $(cat "$tmp/log")"
    [[ $(wc -l <"$tmp/log") == 1 ]] &&
        grep -q 'two MPIs in this program, .*libmpi.* and .*HDF5 is of another MPI' "$tmp/log" ||
        fail "$(cat "$tmp/log")"
    # A tool that stands in front of MPI is none.
    echo 'int MPI_Barrier(void); int MPI_Barrier(void) { return 1; }' >"$tmp/tool.c"
    cc -shared -fPIC -o "$tmp/libtool.so" "$tmp/tool.c"
    LD_PRELOAD=$tmp/libtool.so "$DCPG_PROGRAM" models >"$tmp/log" 2>&1 || fail "$(cat "$tmp/log")"
fi

# Two MPIs of one system, as Debian has them.
for tool in mpicc h5pcc; do
    for mpi in openmpi mpich; do
        command -v $tool.$mpi >/dev/null || {
            echo "skipped: $tool.$mpi is not installed"
            [[ -s $tmp/log ]] && exit 0
            exit 77
        }
    done
done
# configures MPI HDF5
configures() {
    rm -rf "$tmp/build"
    cmake -S "$DCPG_SOURCE" -B "$tmp/build" -DDCPG_TESTS=OFF -DDCPG_BENCH=OFF "-DMPI_C_COMPILER=mpicc.$1" \
        ${2:+"-DHDF5_C_COMPILER_EXECUTABLE=h5pcc.$2"} >"$tmp/log" 2>&1
}
for pair in 'openmpi mpich' 'mpich openmpi'; do
    # shellcheck disable=SC2086 # two words
    if configures $pair; then fail "configured with MPI and HDF5 of $pair"; fi
    printed=$(tr -s ' \n' ' ' <"$tmp/log")
    [[ $printed == *'HDF5 was built with another MPI than'*'-DHDF5_C_COMPILER_EXECUTABLE='* ]] ||
        fail "$printed"
done
configures mpich '' || fail "MPICH's compiler alone: $(cat "$tmp/log")"
grep -q '^HDF5_C_COMPILER_EXECUTABLE:.*h5pcc.mpich$' "$tmp/build/CMakeCache.txt" ||
    fail 'not the HDF5 of MPICH'
grep -q '^MPIEXEC_EXECUTABLE:.*mpiexec.mpich$' "$tmp/build/CMakeCache.txt" || fail 'not the mpiexec of MPICH'
echo 'test_two_mpis passed'
