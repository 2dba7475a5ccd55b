#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From nothing to an imputed methylome in a few minutes.   bash jobs/quickstart.sh [RESULTS_FOLDER]
# Installs and builds dcpg, simulates a small genome with cells, and runs data, train (on 2 MPI ranks),
# eval and export on it.
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
-h | --help) echo 'usage: bash jobs/quickstart.sh [RESULTS_FOLDER]   (default: ./quickstart)'; exit 0 ;;
-*) die "unknown option $1; see --help" ;;
esac
out=${1:-quickstart}
ranks=2
# An earlier run's results are replaced; a folder of somebody else is not touched.
if [[ -e $out/sim/report.json ]]; then
    rm -rf "${out:?}"/{sim,store.h5,model,eval.h5,eval.h5.partial,eval.tsv,export}
fi
mkdir -p "$out"
[[ -z $(ls -A "$out") ]] || die "$out is not empty: remove it, or name another folder"

heading 'Install and build'
bash "$dcpg_home/third_party/install.sh"
build_preset release -DDCPG_TESTS=OFF -DDCPG_BENCH=OFF
PATH=$(dirname -- "$(find_dcpg)"):$PATH
mpi_environment $ranks

heading 'Simulate: 3 chromosomes, 12 cells'
run dcpg simulate --out_dir "$out/sim" --nb_chromo 3 --chromo_len 2000000 --nb_cell 12 --seed 1

heading 'Data: profiles and genome into one store'
run dcpg data --cpg_profiles "$out"/sim/cpg/*.tsv.gz --dna_files "$out/sim/dna" --out_file "$out/store.h5"

heading "Train a CpG model on chromosomes 1 and 2, on $ranks ranks"
run mpirun -n $ranks dcpg train "$out/store.h5" --train_chromos 1 2 --cpg_model RnnL1 --nb_epoch 3 \
    --learning_rate 0.001 --out_dir "$out/model"

heading 'Evaluate on chromosome 3, export what is known and imputed, report'
run dcpg eval "$out/store.h5" --chromos 3 --model_files "$out/model" --out_data "$out/eval.h5" \
    --out_report "$out/eval.tsv"
run dcpg export "$out/eval.h5" --out_dir "$out/export" --out_format bedGraph
run dcpg report "$out/model" "$out/eval.h5" --anno_files "$out"/sim/anno/*.bed.gz --out "$out/report.html"

# Means over cells: of the report of eval, and of what the simulation says is possible.
reached=$(awk -F '\t' '$1 == "auc" && $2 == "mean" { printf "%.3f", $3 }' "$out/eval.tsv")
ceiling() {
    printf '%.3f' "$(tr -d ' \n' <"$out/sim/report.json" |
        sed -nE "s/.*\"$1\":\{[^}]*\"auc_per_cell_mean\":([0-9.]+).*/\1/p")"
}

heading "Done in $SECONDS s"
cat <<END
AUC reached (mean over cells)        $reached
best possible from everything        $(ceiling bayes_oracle)
best possible from DNA alone         $(ceiling bayes_dna_only)

simulated cells and their truth      $out/sim
store                                $out/store.h5
model, learning curves               $out/model
report per cell, predictions         $out/eval.tsv, $out/eval.h5
imputed profiles                     $out/export
page with figures                    $out/report.html
END
