#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whether predictions of model.py hold: beside simulated clusters, and beside real training steps here.
#   bash bench/scaling/model/check.sh [--launches N] [--out NAME] [--keep DIR] [--realtime] [simulated] [real]
# Writes NAME.tsv and NAME.json (bench/results/model-check); --keep: what was measured goes to DIR.
# --realtime: for machines that are not quiet; other programs get 5 % of the cores while steps run (chrt), and
# ranks that share a core take turns of kernel.sched_rr_timeslice_ms, of which 5 is a good number.
#   simulated  adds rows to bench/results/smpi.tsv where they are missing (half an hour of processor time at
#              most); needs SimGrid
#   real       6 minutes: CnnL2h128, RnnL1 and ResNet01 on one rank, on 2 and 4 ranks of this host, and on 2
#              hosts, network namespaces whose links limit the rate, or delay as well (needs root). Launches
#              take turns. What sums cost is measured by bench_exchange in the same surroundings; nothing is
#              fitted to the steps.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../../jobs/lib.sh
source "$here/../../../jobs/lib.sh"

launches=3 out=$dcpg_home/bench/results/model-check keep='' first=() wire_first=() parts=()
while [[ $# != 0 ]]; do
    case $1 in
    -h | --help) sed -n '3,/^set/s/^# \?//p' "$0"; exit 0 ;;
    --launches) launches=${2:?--launches N}; shift 2 ;;
    --out) out=${2:?--out NAME}; shift 2 ;;
    --keep) keep=${2:?--keep DIR}; shift 2 ;;
    --realtime) first=(chrt --rr 1) wire_first=(chrt --rr 2); shift ;;
    simulated | real) parts+=("$1"); shift ;;
    *) die "$1: no such option; --help lists them" ;;
    esac
done
[[ ${#parts[@]} != 0 ]] || parts=(simulated real)
table=$dcpg_home/bench/results/smpi.tsv

scratch=$(mktemp -d)
wire='' spinners=() all_cores=$(cores) netns=$scratch/netns.sh measured=$scratch/measured
export NETNS=check$$
at_the_end() {
    kill $wire "${spinners[@]}" 2>/dev/null || true
    if [[ -e /run/netns/$NETNS-bridge ]]; then "$netns" down; fi
    rm -rf "$scratch"
}
trap at_the_end EXIT
trap 'exit 130' INT TERM HUP

# ---- surroundings

# Two hosts with a link of 1 Gbit/s, and a second one with 500 Mbit/s and a delay of 1 ms.
make_hosts() {
    cp "$dcpg_home/tests/cluster/netns.sh" "$netns" # a path without blanks, for mpirun
    "$netns" up 2
    for host in node1 node2; do echo "link of $host: $("$netns" slow "$host")"; done
    "${wire_first[@]}" python3 "$here/wire.py" "$NETNS-node1" "$NETNS-node2" 500 1 >"$scratch/wire" &
    wire=$!
    until grep -q up "$scratch/wire"; do
        kill -0 "$wire" || die 'no wire between the hosts'
        sleep 0.1
    done
}

# through SUBNET WORDS...: a rank on either host, whose messages take that network.
through() {
    "${first[@]}" "$netns" on node1 mpirun --mca plm_rsh_agent "$netns rsh" --mca pml ob1 --mca btl self,tcp \
        --mca btl_tcp_if_include "$1" -x OMP_NUM_THREADS --host node1:1,node2:1 -n 2 "${@:2}"
}

# alone WORDS...: starts it. With --realtime, other programs must not use the other cores: these spin.
alone() {
    local status=0
    for ((i = 1; i < all_cores && ${#first[@]}; i++)); do
        "${first[@]}" bash -c 'while :; do :; done' &
        spinners+=($!)
    done
    "${first[@]}" "$@" || status=$?
    kill "${spinners[@]}" 2>/dev/null || true
    spinners=()
    return $status
}

places=(one two four rate delay)
# at PLACE WORDS...: starts a program there.
at() {
    local place=$1
    shift
    case $place in
    one) alone mpirun -n 1 "$@" ;;
    two) "${first[@]}" mpirun -n 2 "$@" ;;
    four) "${first[@]}" mpirun -n 4 --bind-to core:overload-allowed --mca mpi_yield_when_idle 1 "$@" ;;
    rate) through 10.77.0.0/24 "$@" ;;
    delay) through 10.78.0.0/24 "$@" ;;
    esac
}

# ---- measuring

models=(CnnL2h128 RnnL1 ResNet01)
declare -A options=([CnnL2h128]='--dna_model CnnL2h128 --batch_size 128'
    [RnnL1]='--cpg_model RnnL1 --batch_size 128' [ResNet01]='--dna_model ResNet01 --batch_size 32')

# step_times MODEL PLACE LAUNCH: trains some steps there.
step_times() {
    local words log=$scratch/train.log
    read -ra words <<<"${options[$1]}"
    words+=(--nb_epoch 1000 --early_stopping 0 --checkpoint_minutes 0 --keep_checkpoints 1 --max_steps 23
        --timing_warmup_steps 3 --profile "$measured/$1.$2.$3.json" --out_dir "$scratch/model")
    rm -rf "$scratch/model"
    at "$2" "$dcpg" train "$scratch/store.h5" "${words[@]}" >"$log" 2>&1 ||
        { tail "$log"; die "$1 does not train on $2"; }
}

make_input() {
    "$dcpg" simulate --out_dir "$scratch/sim" --nb_chromo 3 --chromo_len 200000 --nb_cell 20 --no_cell_truth \
        --seed 1 &&
        "$dcpg" data --cpg_profiles "$scratch"/sim/cpg/*.tsv.gz --dna_files "$scratch/sim/dna" \
            --out_file "$scratch/store.h5"
}

measure() {
    local place launch model
    build_preset release -DDCPG_BENCH=ON
    dcpg=$dcpg_home/build/release/bin/dcpg
    mkdir "$measured"
    mpi_environment 2
    export OMP_NUM_THREADS=1
    make_input >"$scratch/input.log" 2>&1 || { tail "$scratch/input.log"; die 'no input'; }
    make_hosts
    heading "What sums cost: $(lscpu | sed -n 's/^Model name: *//p')"
    for place in "${places[@]:1}"; do
        at "$place" "$dcpg_home/build/release/bin/bench_exchange" | tee "$measured/$place.exchange.json"
    done
    heading "Steps, $launches launches that take turns"
    for ((launch = 1; launch <= launches; launch++)); do
        for model in "${models[@]}"; do
            for place in "${places[@]}"; do step_times "$model" "$place" "$launch"; done
            echo "$SECONDS s: launch $launch, $model"
        done
    done
    if [[ $keep ]]; then cp -r "$measured" "$keep"; fi
}

words=()
for part in "${parts[@]}"; do
    case $part in
    simulated) bash "$here/../smpi/table.sh" --ranks '16 64 256 1024' ;;
    real) measure; words=("$measured") ;;
    esac
done
python3 "$here/check.py" "$table" "$out" "${words[@]}"
column -t -s $'\t' "$out.tsv"
