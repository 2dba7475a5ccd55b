#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The table of sums on simulated clusters, 2 to 4,096 ranks.
#   bash bench/scaling/smpi/table.sh [--out FILE.tsv] [--ranks 'P ...'] [--platforms 'flat fattree']
#       [--fold_from P] [run.sh's options]
# Appends a row as soon as it is there and goes on after an interruption: what the file has is not simulated
# again. Rows of runs that failed stay, with what was wrong; delete a row to have it simulated again. A run
# takes at most $DCPG_SIMULATION_SECONDS (600) of processor time. From --fold_from (2048) ranks memory is
# folded: bits of gradients are not checked.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../jobs/lib.sh
source "$here/../../../jobs/lib.sh"

out=$dcpg_home/bench/results/smpi.tsv fold_from=2048 more=() platforms='flat fattree'
ranks='2 4 8 16 32 64 128 256 512 1024 2048 4096'
limit=${DCPG_SIMULATION_SECONDS:-600}
while [[ $# != 0 ]]; do
    case $1 in
    -h | --help) sed -n '4,/^set/s/^# //p' "$0"; exit 0 ;;
    --out) out=${2:?--out FILE.tsv}; shift 2 ;;
    --ranks) ranks=${2:?--ranks \'P ...\'}; shift 2 ;;
    --platforms) platforms=${2:?--platforms \'NAME ...\'}; shift 2 ;;
    --fold_from) fold_from=${2:?--fold_from P}; shift 2 ;;
    *) more+=("$1"); shift ;;
    esac
done
bash "$here/run.sh" --build_only || exit $?

columns=(platform ranks_per_host ranks options floats gradients_ms sums sums_ms bits processor_s MB date)
mkdir -p "$(dirname "$out")"
[[ -s $out ]] || (IFS=$'\t'; echo "${columns[*]}") >"$out"

# Runs the words; then prints "used SECONDS MB": processor time and the largest process.
# shellcheck disable=SC2016 # Python
measured=(python3 -c 'import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("used %.0f %.0f" % (used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
sys.exit(status)')

# row PLATFORM RANKS_PER_HOST RANKS: simulates, and appends the row.
row() {
    local platform=$1 per_host=$2 p=$3 options=("${more[@]}") key text status=0 seconds fields
    ((p < fold_from)) || options+=(--fold)
    key=$(printf '%s\t%s\t%s\t%s' "$platform" "$per_host" "$p" "${options[*]##*/}")
    ! cut -f 1-4 "$out" | grep -qxF -- "$key" || return 0
    text=$(ulimit -t "$limit" && "${measured[@]}" bash "$here/run.sh" --platform "$here/$platform.xml" \
        --ranks_per_host "$per_host" --ranks "$p" "${options[@]}" 2>&1) || status=$?
    [[ $text =~ used\ ([0-9]+)\ ([0-9]+)$ ]] || exit 1 # a signal: the next call does it again
    text=${text%?used*} seconds=${BASH_REMATCH[1]}
    fields=('' '' '' '' "failed: $(tail -n 1 <<<"$text" | tr '\t' ' ')" "$seconds" "${BASH_REMATCH[2]}")
    if [[ $text =~ ^ranks\ [0-9]+\ floats\ (.*)\ ms\ (.*)\ sums\ (.*)\ ms\ (.*)\ bits\ ([^$'\n']*) ]]; then
        fields=("${BASH_REMATCH[@]:1}" "${fields[@]:5}")
    elif ((seconds >= limit)); then
        fields[4]="not done in $limit s"
    fi
    (IFS=$'\t'; echo "$key"$'\t'"${fields[*]}"$'\t'"$(date +%F)") >>"$out"
    tail -n 1 "$out"
}

for p in $ranks; do
    for platform in $platforms; do
        for per_host in 1 8; do
            ((p <= per_host && per_host > 1)) || row "$platform" "$per_host" "$p"
        done
    done
done
