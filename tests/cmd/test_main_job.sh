#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the main job from end to end on 1, 2, 3 and 4 ranks: the same store, the same model,
# the same predictions.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"

quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 60000 --nb_cell 5 --seed 3
for n in 1 3; do
    on $n "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file "s$n.h5"
done

options=(--train_chromos 1 2 --val_chromos 3 --dna_model 'conv[16@11]_mp[4]_fc[16]_do' --dna_wlen 101
    --cpg_model 'fc[16]_bgru[8]_do' --cpg_wlen 8 --joint_model 'fc[16]_do'
    --nb_epoch 2 --nb_train_sample 300 --batch_size 60 --learning_rate 0.003 --dropout 0.1)
for n in 1 2 3 4; do
    on $n "$dcpg" train s1.h5 "${options[@]}" --out_dir "m$n"
    grep -qE '^train: [0-9.]+ samples/s$' last.log || fail "no closing line of training on $n ranks"
    for f in model.json model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv \
        lc.svg; do
        [[ -s m$n/$f ]] || fail "m$n/$f is missing"
        same "m1/$f" "m$n/$f"
    done
    [[ $(find "m$n" -name '*tmp*' | wc -l) == 0 ]] || fail "temporary files are left in m$n"
done
[[ $(wc -l <m1/lc_val.tsv) == 3 ]] || fail 'lc_val.tsv does not hold two epochs'
awk -F '\t' 'NR == 2 { first = $1 } NR == 3 { exit !($1 < first) }' m1/lc_train.tsv ||
    fail 'the training loss does not fall'

for n in 1 2 3; do
    store=s1.h5
    [[ $n == 3 ]] && store=s3.h5
    on $n "$dcpg" eval "$store" --chromos 3 --model_files m1 --out_data "e$n.h5" --out_report "r$n.tsv"
    same r1.tsv "r$n.tsv"
    on $n "$dcpg" export "e$n.h5" --out_dir "x$n" --out_format bedGraph
done
[[ $(find x1 -type f | wc -l) == 5 ]] || fail 'not one exported file per cell'
diff -r x1 x2 || fail 'exports of 1 and 2 ranks differ'
diff -r x1 x3 || fail 'exports of 1 and 3 ranks differ'
awk -F '\t' '$1 == "auc" && $2 ~ /^cpg\// { n++ } END { exit n != 5 }' r1.tsv || fail 'not one AUC per cell'

# An export holds every observed call as it is: the sum over the exported values at
# observed sites equals the sum of the profile.
python=${PYTHON3:-}
if [[ -n $python ]] && "$python" -c 'import h5py, numpy' 2>/dev/null; then
    "$python" - <<'P' || fail 'predictions and profiles do not fit together'
import glob, gzip, h5py, numpy as np
f = h5py.File('e1.h5', 'r')
pos = f['pos'][()]
for path in glob.glob('sim/cpg/*.tsv.gz'):
    name = path.split('/')[-1].split('.')[0]
    calls = {int(l.split('\t')[1]): float(l.split('\t')[2]) for l in gzip.open(path, 'rt')
             if l.split('\t')[0] == '3'}
    labels = dict(zip(pos, f['outputs/cpg/' + name][()]))
    assert {p: v for p, v in labels.items() if v >= 0} == calls, name
    p = f['preds/cpg/' + name][()]
    assert np.isfinite(p).all() and p.min() > 0 and p.max() < 1
P
fi
echo ok
