#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs, builds and runs every test: the release build, then the one with sanitizers.   bash tests/run.sh
# Every test in both builds, long ones too (an hour):   bash tests/run.sh --all
# With Debian's MPICH instead, in build/mpich, the tests in which ranks speak to each other:
#   bash tests/run.sh --mpich
# Data sets and reference results are looked for in $DCPG_SHARED, by default ../shared;
# tests that need them skip where they are absent.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=../jobs/lib.sh
source jobs/lib.sh

case ${1-} in
'' | --all | --mpich) ;;
*) die 'usage: bash tests/run.sh [--all | --mpich]' ;;
esac

failed=()
step() {
    heading "$1"
    shift
    "$@"
    local status=$?
    [[ $status == 0 ]] || failed+=("$*")
    return $status
}

# Ends the script.
result() {
    heading "Result after $SECONDS s"
    if [[ ${#failed[@]} != 0 ]]; then
        printf 'failed: %s\n' "${failed[@]}"
        exit 1
    fi
    echo "$1"
    exit 0
}

# build_mpich TARGETS...: build/mpich, and the program of the default MPI, to compare with.
# shellcheck disable=SC2317 # step calls it
build_mpich() {
    local mpich=(cmake -S . -B build/mpich -DMPI_C_COMPILER=mpicc.mpich -DCMAKE_BUILD_TYPE=Release)
    "${mpich[@]}" -DDCPG_TESTS=ON -DDCPG_BENCH=OFF >build/mpich.log 2>&1 &&
        cmake --build build/mpich --parallel "$(cores)" --target dcpg yield "$@" >>build/mpich.log 2>&1 &&
        cmake --preset release >>build/mpich.log 2>&1 &&
        cmake --build --preset release --parallel "$(cores)" --target dcpg >>build/mpich.log 2>&1 && return
    tail -n 20 build/mpich.log
    return 1
}

# MPICH waits without a pause: with more ranks than cores every message
# would cost a time slice without `yield`.
# shellcheck disable=SC2317 # step calls it
test_mpich() {
    LD_PRELOAD=$PWD/$(find build/mpich/tests/mpich -name 'libyield.so') ctest --test-dir build/mpich \
        --output-on-failure -R "$1"
}

if [[ ${1-} == --mpich ]]; then
    step 'Install' bash third_party/install.sh --mpich || failed=()
    for tool in mpicc mpiexec h5pcc; do
        command -v $tool.mpich >/dev/null && continue
        echo "skipped: no $tool.mpich here"
        exit 77
    done
    units=(test_par test_ranks test_shared test_sums test_store test_source)
    scripts='^test_(main_job|surviving|kill_loop|mpis_agree)$'
    mkdir -p build
    step 'Build: mpich' build_mpich "${units[@]}" &&
        step 'Test: mpich' test_mpich "^($(IFS='|' && echo "${units[*]}"))(_np[23])?\$|$scripts"
    result 'all tests of MPICH passed'
fi

step 'Install' bash third_party/install.sh --tests
[[ ${1-} != --all ]] || bash third_party/install.sh --browser || echo 'no browser: test_browser is skipped'
for preset in release asan; do
    tests=(ctest --preset "$preset" --output-on-failure)
    [[ ${1-} != --all ]] || tests=(ctest --test-dir "build/$preset" --output-on-failure -j 2)
    bench=ON
    [[ $preset == release ]] || bench=OFF
    step "Build: $preset" build_preset "$preset" -DDCPG_TESTS=ON -DDCPG_BENCH=$bench \
        -DCMAKE_COMPILE_WARNING_AS_ERROR=ON &&
        step "Test: $preset" "${tests[@]}"
done

result 'all tests passed'
