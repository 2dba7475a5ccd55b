#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The table of sums on simulated clusters, 2 to 4,096 ranks.
#   bash bench/scaling/smpi/table.sh [--out FILE.tsv] [--ranks 'P ...'] [run.sh's options]
# Appends a row as soon as it is there and goes on after an interruption: what the file has is not simulated
# again. Rows of runs that failed stay, with what was wrong; delete a row to have it simulated again. A run
# takes at most $DCPG_SIMULATION_SECONDS (3600). From 4,096 ranks memory is folded: bits of gradients are not
# checked.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../jobs/lib.sh
source "$here/../../../jobs/lib.sh"

out=$dcpg_home/bench/results/smpi.tsv ranks='2 4 8 16 32 64 128 256 512 1024 2048 4096' more=()
limit=${DCPG_SIMULATION_SECONDS:-3600} # of one run
while [[ $# != 0 ]]; do
    case $1 in
    -h | --help) sed -n '4,/^set/s/^# //p' "$0"; exit 0 ;;
    --out) out=${2:?--out FILE.tsv}; shift 2 ;;
    --ranks) ranks=${2:?--ranks \'P ...\'}; shift 2 ;;
    *) more+=("$1"); shift ;;
    esac
done
bash "$here/run.sh" --build_only || exit $?

columns=(platform ranks_per_host ranks options floats gradients_ms sums sums_ms bits seconds date)
mkdir -p "$(dirname "$out")"
[[ -s $out ]] || (IFS=$'\t'; echo "${columns[*]}") >"$out"

# row PLATFORM RANKS_PER_HOST RANKS: simulates, and appends the row.
row() {
    local platform=$1 per_host=$2 p=$3 options=("${more[@]}") key line status=0 began=$SECONDS fields
    ((p < 4096)) || options+=(--fold)
    key=$(printf '%s\t%s\t%s\t%s' "$platform" "$per_host" "$p" "${options[*]}")
    ! cut -f 1-4 "$out" | grep -qxF -- "$key" || return 0
    line=$(timeout "$limit" bash "$here/run.sh" --platform "$here/$platform.xml" \
        --ranks_per_host "$per_host" --ranks "$p" "${options[@]}" 2>&1) || status=$?
    ((status <= 128)) || exit "$status" # a signal: the next call does it again
    if [[ $line =~ ^ranks\ [0-9]+\ floats\ (.*)\ ms\ (.*)\ sums\ (.*)\ ms\ (.*)\ bits\ ([^$'\n']*) ]]; then
        fields=("${BASH_REMATCH[@]:1}")
    elif [[ $status == 124 ]]; then
        fields=('' '' '' '' "not done in $limit s")
    else
        fields=('' '' '' '' "failed: $(tail -n 1 <<<"$line" | tr '\t' ' ')")
    fi
    (IFS=$'\t'; echo "$key"$'\t'"${fields[*]}"$'\t'$((SECONDS - began))$'\t'"$(date +%F)") >>"$out"
    tail -n 1 "$out"
}

for p in $ranks; do
    for platform in flat fattree; do
        for per_host in 1 8; do
            ((p <= per_host && per_host > 1)) || row "$platform" "$per_host" "$p"
        done
    done
done
