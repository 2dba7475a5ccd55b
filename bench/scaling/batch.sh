#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sites until a validation AUC is reached, for batches of 128 to 32,768 with the settings that jobs/README.md
# recommends.
#   bash bench/scaling/batch.sh [--quick] [--work DIR] [--results DIR] [options of batch.py run]
# Among the latter: --models, --batches, --seeds, --minutes. It counts sites, not seconds, so nothing
# depends on the machine or its load. Points that are in the results are not run again, and an interrupted
# study goes on where it was. --quick: a tiny set and two batches. $DCPG_PROGRAM names another program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${PYTHON3:-/usr/bin/python3}
program=$(realpath "${DCPG_PROGRAM:-build/release/bin/dcpg}")
work=build/bench/batch results=bench/results length=9000000 quick=()
while (($#)); do
    case $1 in
    --quick)
        length=150000
        quick=(--models FcAvg --batches 128 512 --seeds 1 2 --auc 0.6 --most 20000 --first 2048 --scored 1000)
        ;;
    --work) work=$2 && shift ;;
    --results) results=$2 && shift ;;
    *) break ;;
    esac
    shift
done
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
mkdir -p "$work" "$results"
points=$results/batch.jsonl store=$work/batch-$length.h5
if [[ ! -f $store ]]; then
    rm -rf "$work/sim"
    "$program" simulate --out_dir "$work/sim" --nb_chromo 5 --chromo_len "$length" --nb_cell 10 \
        --no_cell_truth --seed 16
    "$program" data --cpg_profiles "$work"/sim/cpg/*.tsv.gz --dna_files "$work/sim/dna" --out_file "$store"
fi
"$python" bench/scaling/batch.py run --program "$program" --store "$store" --work "$work" --points "$points" \
    "${quick[@]}" "$@"
"$python" bench/scaling/batch.py table --points "$points" --table "$results/batch.tsv" \
    --plot "$results/batch.svg"
cat "$results/batch.tsv"
