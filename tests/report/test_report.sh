#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# dcpg report: a page of two runs and two evaluations, one with names that look like markup, is checked by
# check_page.py: markup, labels, no address outside, every number as dcpg perf prints it, every square of the
# windows. The same bytes on 1 and 3 ranks; files of others stay.
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$work"
quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 60000 --nb_cell 4 --seed 9
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file s.h5
train=("$dcpg" train s.h5 --cpg_model 'fc[4]_gap' --cpg_wlen 4 --nb_epoch 2)
quietly "${train[@]}" --train_chromos 1 --val_chromos 2 --out_dir model
cp s.h5 $'s\xff.h5' # a name that is no UTF-8
train[2]=$'s\xff.h5'
quietly "${train[@]}" --out_dir '<i>other & "more"'
quietly "$dcpg" eval s.h5 --model_files model --out_data e.h5
"$PYTHON3" - <<'END'
import h5py
import numpy as np
with h5py.File("e.h5") as a, h5py.File("odd.h5", "w") as b:
    odd = ["<script>alert(1)</script>", "a&b \"q\" 'r'", "\u00e9\u00df", "%s%n&lt;"]
    a.copy("chromo", b), a.copy("pos", b)
    for name, cell in zip(odd, a["preds/cpg"]):
        for group in "outputs", "preds":
            b["%s/cpg/%s" % (group, name)] = a["%s/cpg/%s" % (group, cell)][:]
    b.attrs["hide"], b.attrs["hide_seed"] = 5, 7
    b.attrs["untrained"] = np.array([b"cpg/" + odd[1].encode()])
END
inputs=(model/ '<i>other & "more"' e.h5 odd.h5)
options=(--anno_files sim/anno/*.bed.gz --anno_min_sites 1)
quietly "$dcpg" report "${inputs[@]}" "${options[@]}" --title 'A <b>title</b>' --out page.html
[[ $(tail -n 2 last.log | head -n 1) == *'page.html: 2 runs and 2 evaluations'* ]] || fail "$(cat last.log)"
for e in e odd; do
    quietly "$dcpg" perf $e.h5 "${options[@]}" --curves roc pr --nb_curve_point 200 --out_dir perf_$e
done
"$PYTHON3" "$here/check_page.py" page.html 'A <b>title</b>' model '<i>other & "more"' \
    e.h5:perf_e odd.h5:perf_odd
for fact in '>1 rank on 1 host, ' 'id="time-1-t"' 'id="time-2-t"'; do
    grep -q "$fact" page.html || fail "timing.json: no $fact"
done
"$PYTHON3" -c 'import xml.dom.minidom; xml.dom.minidom.parse("model/lc.svg")' || fail 'lc.svg is no XML'
on 3 "$dcpg" report "${inputs[@]}" "${options[@]}" --title 'A <b>title</b>' --out three.html
same page.html three.html
[[ -z $(find . -name '*tmp*') ]] || fail "temporary files are left: $(find . -name '*tmp*')"

few=(--output_names 'cell0?[12]$')
quietly "$dcpg" report e.h5 --region chr2:20000-40000 --window_sites 5 "${few[@]}" --out page.html
quietly "$dcpg" perf e.h5 "${few[@]}" --out_dir perf_e
"$PYTHON3" "$here/check_page.py" page.html 'dcpg report' e.h5:perf_e
rm model/timing.json
quietly "$dcpg" report model --out page.html
if grep -q 'id="time-' page.html; then fail 'timings from nowhere'; fi

# wrong WORDS COMMAND...: as `refused`, on one rank
wrong() {
    local words=$1 code=0
    shift
    "$@" >out.log 2>err.log || code=$?
    [[ $code == 2 ]] || fail "exit code $code, not 2: $*"
    grep -q -- "$words" err.log || fail "no '$words': $(cat err.log)"
}
"$PYTHON3" - <<'END'
import h5py
with h5py.File("e.h5") as a, h5py.File("one.h5", "w") as b:
    mine = a["chromo"][:] == b"1"
    for name in ["chromo", "pos"] + [g + "/cpg/" + c for g in ("outputs", "preds") for c in a["preds/cpg"]]:
        b[name] = a[name][:][mine]
END
quietly "$dcpg" report one.h5 e.h5 --region 2 --out page.html --force
[[ $(grep -c '<p>There are no sites in 2' page.html) == 1 ]] || fail 'a region that one evaluation lacks'

mkdir first other
cp model/metrics.jsonl first
printf 'loss\tmse\n1\t2\n' >other/lc_train.tsv
echo '{}' >other/timing.json
quietly "$dcpg" report other model first --out page.html --force
grep -q 'other/timing.json: is not as dcpg train' last.log || fail "no warning of timings: $(cat last.log)"
grep -q 'first: there is no lc_train.tsv' last.log || fail "no warning of no epoch: $(cat last.log)"
if grep -q 'dcpg perf' page.html; then fail 'dcpg perf in a page of runs'; fi
for metric in acc mse; do
    grep -q "id=\"lc-score-$metric-t\"" page.html || fail "$metric is not drawn"
done

echo 'my own' >mine.html
refused 'mine.html: is there' "$dcpg" report model --out mine.html
[[ $(cat mine.html) == 'my own' ]] || fail 'a file of others was replaced'
quietly "$dcpg" report model --out mine.html --force
wrong 'give model directories' "$dcpg" report --out none.html
wrong 'sim: there is no lc_train.tsv' "$dcpg" report sim --out none.html
refused 's.h5: this is no file of dcpg eval' "$dcpg" report model s.h5 --out none.html
wrong 'region 9:5-1' "$dcpg" report e.h5 --region 9:5-1 --out none.html
for region in 9 2:100 2:1-2 9:1-9223372036854775807; do
    wrong "region $region: there are no sites in it" "$dcpg" report e.h5 --region $region --out none.html
    if grep -q scoring err.log; then fail 'scores before the region is looked for'; fi
done
wrong 'give CHROMO' "$dcpg" report e.h5 --region 2:1-"$(printf '%070d' 9)" --out none.html
wrong 'output_names is of evaluations' "$dcpg" report model "${few[@]}" --out none.html
wrong 'none.h5: there is no such file' "$dcpg" report none.h5 --out none.html
wrong 'e.h5: would be written over' "$dcpg" report e.h5 --out e.h5 --force
rm -r other/* && mkdir other/lc_train.tsv
wrong 'other/lc_train.tsv: cannot be opened' "$dcpg" report other --out none.html
echo 'x' >model/lc_val.tsv
wrong 'lc_val.tsv: line 1' "$dcpg" report model --out none.html
[[ ! -e none.html && -z $(find . -name '*tmp*') ]] || fail "left: $(find . -name '*tmp*' -o -name none.html)"
echo ok
