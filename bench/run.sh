#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# All tables: kernels, models, formats, data, and the same models in PyTorch.   bash bench/run.sh [--short]
# Takes about 12 minutes on 2 cores, with --short about 4. PyTorch is Debian's python3-torch,
# installed where that is possible.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=../jobs/lib.sh
source jobs/lib.sh
seconds=2 rounds=3 cells=(20 200 2000) positions=200000
[[ ${1:-} == --short ]] && seconds=0.5 rounds=1 cells=(20 200) positions=100000
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
bin=build/release/bin
python=/usr/bin/python3

heading 'Build'
build_preset release -DDCPG_BENCH=ON
heading "Machine: $(date +%F), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo |
    head -n 1), $OMP_NUM_THREADS threads"
heading 'Kernels'
"$bin/bench_kernels"
heading "Models: a step of 128 samples, 8 virtual ranks, and without a tree"
"$bin/bench_models" --seconds "$seconds"
"$bin/bench_models" --seconds "$seconds" --leaves 1 CnnL2h128 ResNet01 RnnL1
heading 'Models on one thread'
OMP_NUM_THREADS=1 "$bin/bench_models" --seconds "$seconds" CnnL2h128 ResNet01 RnnL1
heading 'Many cells at initial weights, where gradients fade to subnormal numbers'
"$bin/bench_models" --seconds "$seconds" --cells 200 --batch 32 RnnL1 CnnL2h128+RnnL1+JointL2h512
"$bin/bench_models" --seconds "$seconds" --cells 2000 --batch 8 RnnL1
heading 'Ranks: two of one thread, through shared memory and through TCP'
OMP_NUM_THREADS=1 mpirun --oversubscribe -n 2 "$bin/bench_ranks" --seconds "$((4 * rounds))"
OMP_NUM_THREADS=1 mpirun --oversubscribe --mca btl self,tcp -n 2 "$bin/bench_ranks" \
    --seconds "$((4 * rounds))" CnnL2h128
heading 'Formats'
"$bin/bench_profiles"
heading 'Data: windows and neighbours'
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
for n in "${cells[@]}"; do
    "$bin/bench_data" --cells "$n" --positions "$positions" --store "$store/$n.h5"
done
heading 'Genomes of many sequences: four times as many names should take four times as long'
DCPG_PROGRAM=$(realpath "$bin/dcpg") "$python" bench/many_names.py
heading 'The same models in PyTorch, one after the other'
if ! "$python" -c 'import torch' 2>/dev/null; then
    apt-get install -y --no-install-recommends python3-torch >/dev/null 2>&1 || true
fi
if "$python" -c 'import torch' 2>/dev/null; then
    "$python" bench/peers/compare.py "$bin/bench_models" --rounds "$rounds" --seconds "$seconds" \
        --threads "$OMP_NUM_THREADS"
else
    echo 'python3-torch is not installed, and cannot be: no comparison'
fi
echo "done in $SECONDS s"
