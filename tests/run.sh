#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs, builds and runs every test: the release build, then the one with sanitizers.   bash tests/run.sh
# Data sets and reference results are looked for in $DCPG_SHARED, by default ../shared; tests that need them skip where they are absent.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=../jobs/lib.sh
source jobs/lib.sh

failed=()
step() {
    heading "$1"
    shift
    "$@"
    local status=$?
    [[ $status == 0 ]] || failed+=("$*")
    return $status
}

step 'Install' bash third_party/install.sh --tests
for preset in release asan; do
    step "Build: $preset" build_preset "$preset" -DDCPG_TESTS=ON -DDCPG_BENCH=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON &&
        step "Test: $preset" ctest --preset "$preset" --output-on-failure
done

heading "Result after $SECONDS s"
if [[ ${#failed[@]} != 0 ]]; then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
echo 'all tests passed'
