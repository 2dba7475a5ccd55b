#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# dcpg perf against scikit-learn (check_perf.py), on 1 and 3 ranks with the same bytes; rows in disorder,
# files of others, wrong words, damaged annotations.
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$work"
quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 60000 --nb_cell 4 --seed 9
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file s.h5
quietly "$dcpg" train s.h5 --train_chromos 1 --cpg_model 'fc[4]_gap' --cpg_wlen 4 --nb_epoch 1 --out_dir model
quietly "$dcpg" eval s.h5 --model_files model --out_data e.h5 --out_report r.tsv

all=(--curves roc pr --anno_files sim/anno/*.bed.gz --anno_curves pr --anno_min_sites 1)
quietly "$dcpg" perf e.h5 "${all[@]}" --out_dir one
"$PYTHON3" "$here/check_perf.py" e.h5 one sim/anno/*.bed.gz || fail 'not what scikit-learn says'
on 3 "$dcpg" perf e.h5 "${all[@]}" --out_dir three
diff -r one three || fail '1 and 3 ranks differ'
awk -F '\t' '$1 == "global" { print $2 "\t" $3 "\t" $4 }' one/metrics.tsv >global.tsv
tail -n +2 r.tsv | diff - global.tsv || fail 'the global rows are not those of eval'

# Few sites of an annotation, no contexts, some outputs.
quietly "$dcpg" perf e.h5 --out_dir few --anno_files sim/anno/*.bed.gz --anno_min_sites 100000 \
    --contexts none --output_names 'cell0?1$'
grep -q 'left out' last.log || fail "an annotation with few sites: $(cat last.log)"
[[ $(cut -f 1 few/metrics.tsv | sort -u | paste -sd ' ') == 'anno global' ]] ||
    fail 'contexts that nobody wants'
[[ ! -e few/curves.tsv ]] || fail 'curves that nobody wants'

# Rows in disorder, as other programs may write them.
"$PYTHON3" - <<'END'
import h5py, numpy as np
with h5py.File("e.h5") as a, h5py.File("mixed.h5", "w") as b:
    order = np.random.RandomState(1).permutation(len(a["pos"]))
    names = ["chromo", "pos"] + [f"{g}/cpg/{c}" for g in ("outputs", "preds") for c in a["preds/cpg"]]
    for name in names:
        b[name] = a[name][:][order]
END
quietly "$dcpg" perf mixed.h5 --out_dir mixed --anno_files sim/anno/*.bed.gz --anno_min_sites 1
grep -q 'not in order: no scores by density and distance' last.log || fail "disorder: $(cat last.log)"
grep -vE '^(density|distance)_' one/metrics.tsv | diff - mixed/metrics.tsv || fail 'disorder changes scores'

mkdir -p others
echo 'my own' >others/curves.tsv
refused 'others/curves.tsv: is there' "$dcpg" perf e.h5 --out_dir others
[[ $(cat others/curves.tsv) == 'my own' ]] || fail 'a file of others was replaced'
quietly "$dcpg" perf e.h5 --out_dir others --curves roc --force
quietly "$dcpg" perf e.h5 --out_dir others
grep -q 'others/curves.tsv is of an earlier run' last.log || fail "old curves: $(cat last.log)"
cp e.h5 others/metrics.tsv
zcat sim/anno/islands.bed.gz >few/curves.tsv
refused 'written over others/metrics.tsv, which is read' "$dcpg" perf others/metrics.tsv \
    --out_dir others --force
refused 'written over few/curves.tsv, which is read' "$dcpg" perf e.h5 --anno_files few/curves.tsv \
    --out_dir few --curves roc --force
cmp e.h5 others/metrics.tsv || fail 'the evaluation was replaced'
"$PYTHON3" - <<'P'
import h5py
with h5py.File("e.h5") as file, h5py.File("named.h5", "w") as named:
    for name in ("chromo", "pos"):
        file.copy(name, named)
    for group in ("outputs", "preds"):
        for name, cell in zip(("mean", "cpg/a"), file[group]["cpg"].values()):
            named[f"{group}/{name}"] = cell[()]
P
refused 'an output is called mean' "$dcpg" perf named.h5 --out_dir named
quietly "$dcpg" perf named.h5 --out_dir named --output_names cpg/a
refused 'roc or pr' "$dcpg" perf e.h5 --curves det
refused 'coverage, density, distance or none' "$dcpg" perf e.h5 --contexts cpg
refused '--anno_files' "$dcpg" perf e.h5 --anno_curves roc
printf '1\t10\tx\n' >bad.bed
refused 'bad.bed: line 1' "$dcpg" perf e.h5 --anno_files bad.bed --out_dir bad
refused 'two contexts are called' "$dcpg" perf e.h5 --anno_files sim/anno/islands.bed.gz \
    sim/anno/islands.bed.gz --out_dir bad
head -c 3000 e.h5 >cut.h5
refused 'cut.h5' "$dcpg" perf cut.h5 --out_dir bad
refused 'no file of dcpg eval' "$dcpg" perf s.h5 --out_dir bad
[[ -z $(find . -name '*tmp*') ]] || fail "temporary files are left: $(find . -name '*tmp*')"
echo ok
