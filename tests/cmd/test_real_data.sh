#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the whole way on real data: single cells without DNA (CpG model),
# human DNA with a bulk profile (DNA model), and the simulated set with its known best result.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[[ -d $shared/data/bs ]] || skip "no data in '$shared' (set DCPG_SHARED)"
cd "$work"

# auc REPORT: prints the mean AUC over outputs
auc() { awk -F '\t' '$1 == "auc" && $2 ~ /^cpg\// { sum += $3; n++ } END { printf "%.4f", sum / n }' "$1"; }
at_least() { awk -v a="$2" -v b="$3" 'BEGIN { exit !(a >= b) }' || fail "$1: $2 is below $3"; }

on 2 "$dcpg" data --cpg_profiles "$shared"/data/bs/BS2*.gz --bedgraph_base 1 --out_file bs.h5
on 2 "$dcpg" train bs.h5 --train_chromos 18 --val_chromos 19 --cpg_model RnnL1 --cpg_wlen 20 --nb_epoch 3 \
    --learning_rate 0.001 --out_dir bs
on 2 "$dcpg" eval bs.h5 --chromos 19 --model_files bs --out_data bs.eval.h5 --out_report bs.tsv
on 2 "$dcpg" export bs.eval.h5 --out_dir bs.export --out_format bedGraph
at_least 'AUC of real cells from their neighbours' "$(auc bs.tsv)" 0.70

on 3 "$dcpg" data --cpg_profiles "$shared"/data/hs1/cpg/bulk_ENCSR156JXJ.tsv.gz \
    --dna_files "$shared/data/hs1/dna" --out_file hs1.h5
on 2 "$dcpg" train hs1.h5 --dna_model CnnL1h128 --dna_wlen 101 --nb_train_sample 20000 --nb_epoch 1 \
    --learning_rate 0.001 --out_dir hs1
on 2 "$dcpg" eval hs1.h5 --nb_sample 20000 --model_files hs1 --out_report hs1.tsv
at_least 'AUC of a bulk profile from DNA' "$(auc hs1.tsv)" 0.65
echo ok
