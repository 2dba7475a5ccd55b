#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sums on simulated clusters have every bit of the sum on one rank, and wrong bits are seen.
#   test_simulated.sh RANKS... [--wrong]
# One and eight ranks a host. Skips without SimGrid.
set -uo pipefail
smpi=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../bench/scaling/smpi" && pwd)
failed=0
renamed=$(mktemp --suffix .xml) # hosts of other names
trap 'rm -f "$renamed"' EXIT
sed 's/prefix="host" suffix=""/prefix="node-" suffix=".site"/' "$smpi/flat.xml" >"$renamed"

# line RANKS WANTED OPTIONS...: the result ends as wanted.
line() {
    local ranks=$1 wanted=$2 line status=0
    shift 2
    line=$(bash "$smpi/run.sh" --ranks "$ranks" --floats 20000 --sums 3 "$@" 2>&1) || status=$?
    if [[ $status == 77 ]]; then
        echo "$line"
        exit 77
    fi
    echo "$line   ($*)"
    [[ $wanted == OK || $status == 1 ]] && [[ $wanted != OK || $status == 0 ]] &&
        grep -qE "^ranks $ranks floats 20000 ms [0-9.]+ sums 3 ms [0-9.]+ bits $wanted\$" <<<"$line" && return
    echo "expected: bits $wanted"
    failed=1
}

for ranks in "$@"; do
    if [[ $ranks == --wrong ]]; then
        line 13 WRONG --break_rank 12
        line 13 WRONG --break_rank 0 --sharded
        line 13 WRONG --no_reproducible --leaves 29
        continue
    fi
    # Runs of leaves that do not fill whole subtrees of the tree, twice, so that buffers are used again.
    line "$ranks" OK --leaves $((ranks + 5)) --rounds 2
    line "$ranks" OK --leaves $((ranks + 5)) --ranks_per_host 8
    ((ranks < 16)) || continue
    line "$ranks" OK --platform "$smpi/fattree.xml" --mapping cyclic --ranks_per_host 2 --sharded
    line "$ranks" OK --ranks_per_host 3 --bf16
    line "$ranks" OK --platform "$renamed"
done
exit $failed
