#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sums over the ranks of a simulated cluster: the code of src/par as it is, over SimGrid's SMPI.
#   bash bench/scaling/smpi/run.sh --help
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../jobs/lib.sh
source "$here/../../../jobs/lib.sh"

usage() {
    cat <<'END'
usage: bash bench/scaling/smpi/run.sh [options]
Sums gradients and small arrays over the ranks of a simulated cluster, and compares every bit with the sum on
one rank. Prints
    ranks P floats N ms X sums K ms Y bits OK
X and Y are simulated milliseconds until the slowest rank has all sums; arithmetic and memory take no time.
Exits with 1 after `bits WRONG`. Needs smpicc and smpirun (Debian and Ubuntu: libsimgrid-dev); without them it
says so and exits with 77.

  --ranks P             (64)
  --ranks_per_host R    (1)
  --mapping M           block: hosts have consecutive ranks (default); cyclic: ranks are dealt out to hosts
  --platform FILE.xml   hosts, by <cluster> or <host>, and their network (flat.xml of this folder;
                        fattree.xml: a tree that halves bandwidth)
  --floats N            gradients (1048576)
  --profile FILE        lines 'offset count ready-ms', which tile the gradients: when the backward pass has
                        which; ranks compute until then. Default: all are there at once
  --sums K              sums of 512 doubles, as batch norm makes them (60)
  --leaves V            virtual ranks (as many as ranks)
  --blocks N            blocks that gradients are cut into (as training does)
  --rounds N            sum so often; times are those of the last round (1)
  --sharded, --bf16, --no_reproducible
                        as dcpg train --shard_optimizer, --grad_comm bf16, --no_reproducible (bits are WRONG
                        where V is larger than P)
  --fold                all ranks share the memory of long arrays, so that thousands of ranks fit; only bits
                        of small sums can be checked
  --break_rank R        change one bit on rank R after the sum: the line must say WRONG
  --build_only          compile, and say nothing
  --source DIR          sources to compile instead of this clone's
END
}

ranks=64 per_host=1 mapping=block platform=$here/flat.xml build_only='' source=$dcpg_home options=()
while [[ $# != 0 ]]; do
    name=${1%%=*} value=${2-}
    case $name in
    -h | --help) usage; exit 0 ;;
    --build_only) build_only=yes; shift; continue ;;
    --sharded | --bf16 | --no_reproducible | --fold) options+=("$1"); shift; continue ;;
    esac
    case $name in
    --ranks | --ranks_per_host | --mapping | --platform | --source) ;;
    --floats | --profile | --sums | --leaves | --blocks | --rounds | --break_rank) ;;
    *) die "$1: no such option; --help lists them" ;;
    esac
    if [[ $1 == *=* ]]; then
        value=${1#*=}
    else
        [[ $# != 1 ]] || die "$1: its value is missing"
        shift
    fi
    shift
    case $name in
    --ranks) ranks=$value ;;
    --ranks_per_host) per_host=$value ;;
    --mapping) mapping=$value ;;
    --platform) platform=$value ;;
    --source) source=$value ;;
    --profile) options+=("$name" "$(realpath -- "$value")") ;;
    *) options+=("$name" "$value") ;;
    esac
done
[[ $ranks =~ ^[1-9][0-9]{0,5}$ ]] || die "--ranks $ranks: a number from 1"
[[ $per_host =~ ^[1-9][0-9]{0,5}$ ]] || die "--ranks_per_host $per_host: a number from 1"
[[ $mapping == block || $mapping == cyclic ]] || die "--mapping $mapping: block or cyclic"
[[ -r $platform ]] || die "--platform $platform: cannot be read"
if ! command -v smpicc >/dev/null || ! command -v smpirun >/dev/null; then
    echo 'skipped: no smpicc and smpirun here; Debian and Ubuntu have them in libsimgrid-dev'
    exit 77
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Compiles into build/smpi unless a program is there that is newer than its sources.
program=$source/build/smpi/simulated_sums
build() {
    local folder=${program%/*} common newer=''
    if [[ -x $program ]]; then
        newer=$(find "$here" "$source"/{include,src/{par,base}} -name '*.[ch]' -newer "$program" -print -quit)
        [[ $newer ]] || return 0
    fi
    common=(-O2 -std=gnu11 -fopenmp -ffp-contract=off -w -DSMPI_NO_OVERRIDE_MALLOC)
    common+=(-I "$source/include" -I "$source/src" -I "$dcpg_home")
    mkdir -p "$folder"
    smpicc "${common[@]}" -DDCPG_SIMULATED_INSIDE -c "$here/simulated.c" -o "$scratch/simulated.o" &&
        smpicc "${common[@]}" -include "$here/simulated.h" "$here/simulated_sums.c" \
            "$source"/src/{par,base}/*.c "$scratch/simulated.o" -ldl -lm -o "$scratch/program" &&
        mv "$scratch/program" "$program"
}
build || die 'the simulation does not compile, see above'
[[ -z $build_only ]] || exit 0

# The names of the hosts of a platform, in the order of the file.
names() {
    python3 - "$1" <<'END'
import sys
import xml.etree.ElementTree as tree
for at in tree.parse(sys.argv[1]).iter():
    if at.tag == "host":
        print(at.get("id"))
    for span in at.get("radical", "").split(",") if at.tag == "cluster" else []:
        first, _, last = span.partition("-")
        for i in range(int(first), int(last or first) + 1):
            print(at.get("prefix", "") + str(i) + at.get("suffix", ""))
END
}
hosts=$(((ranks + per_host - 1) / per_host))
names "$platform" >"$scratch/names" 2>"$scratch/err" ||
    die "$platform: not a platform of SimGrid: $(tail -n 1 "$scratch/err")"
mapfile -t name <"$scratch/names"
((hosts <= ${#name[@]})) ||
    die "$ranks ranks need $hosts hosts, but $platform has ${#name[@]}: --ranks_per_host"
for ((rank = 0; rank < ranks; rank++)); do
    if [[ $mapping == block ]]; then echo "${name[rank / per_host]}"; else echo "${name[rank % hosts]}"; fi
done >"$scratch/hosts"

# Time passes in MPI alone, and there as simulated.h says; ranks that send do not slow down what they receive.
settings=(smpi/simulate-computation:no smpi/test:0 smpi/iprobe:0 network/crosstraffic:0
    smpi/shared-malloc:local smpi/coll-selector:mpich smpi/tmpdir:"$scratch" contexts/stack-size:1024)
platform=$(realpath -- "$platform")
status=0
start=(smpirun -np "$ranks" -platform "$platform" -hostfile hosts "${settings[@]/#/--cfg=}"
    --log=root.thresh:error --log=smpi_mpi.thresh:critical)
(cd "$scratch" && "${start[@]}" "$program" "${options[@]}") >"$scratch/out" 2>"$scratch/err" || status=$?
grep '^ranks' "$scratch/out" || true
if [[ $status != 0 ]]; then
    grep -hv -e '^ranks' -e '--cfg=smpi' -e '^Execution failed' "$scratch/out" "$scratch/err" >&2 || true
    exit 1
fi
