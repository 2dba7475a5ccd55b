# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Functions for the tests of the program, which source this file; sets dcpg,
# work (a folder that is removed at the end) and shared.
set -euo pipefail

# $dcpg, $work and $shared are for the scripts that source this.
# shellcheck disable=SC2034
dcpg=${DCPG_PROGRAM:?set DCPG_PROGRAM to the program}
# shellcheck disable=SC2034
shared=${DCPG_SHARED:-}
work=$(mktemp -d)
# An mpirun that ends may remove the temporary folder that another is about to use,
# and tests run side by side.
export OMPI_MCA_orte_tmpdir_base=$work
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# quietly COMMAND...: shows the output of the command only where it fails.
quietly() {
    "$@" >"$work/last.log" 2>&1 || {
        local code=$?
        tail -n 30 "$work/last.log" >&2
        fail "exit code $code: $*"
    }
}

# on RANKS COMMAND...
on() {
    local ranks=$1
    shift
    quietly "${MPIRUN:-mpirun}" -n "$ranks" "$@"
}

# ranks_of JOB: process ids of the ranks that a launcher started, lowest first. Open MPI's are its children,
# more than 32 of them those of its threads, MPICH's the children of a proxy.
ranks_of() {
    local pid
    for pid in $(cat "/proc/$1/task/"*/children 2>/dev/null | tr ' ' '\n' | sort -n); do
        if [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == */dcpg ]]; then
            echo "$pid"
        else
            ranks_of "$pid"
        fi
    done
}

# refused WORDS COMMAND...: the command must end with exit code 2 within a minute,
# one line on stderr that holds WORDS, on 3 ranks.
refused() {
    local words=$1 code=0 lines
    shift
    # Otherwise mpirun often waits a second or two for ranks that are ending anyway.
    OMPI_MCA_odls_base_sigkill_timeout=0 timeout 60 "${MPIRUN:-mpirun}" \
        -n 3 "$@" >"$work/out.log" 2>"$work/err.log" || code=$?
    lines=$(grep -cE '^dcpg[ :]' "$work/err.log" || true)
    [[ $code == 2 ]] || fail "exit code $code, not 2: $* ($(head -n 5 "$work/err.log"))"
    [[ $lines == 1 ]] || fail "$lines error lines, not 1: $*: $(cat "$work/err.log")"
    grep -qiE -- "$words" "$work/err.log" ||
        fail "no '$words' in the error of $*: $(grep '^dcpg ' "$work/err.log")"
}

# same A B: both files hold the same bytes.
same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}
