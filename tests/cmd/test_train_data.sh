#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests what training and evaluation report about their data: chromosomes both trained and validated on,
# outputs without labels or with labels of one class, no label at all.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 20000 --nb_cell 3 --seed 3
mv sim/cpg cells
profiles=(cells/*.tsv.gz)
# a cell with calls on chromosome 2 only, one whose calls are all 1, as many of them as there are in a cell
gzip -dc "${profiles[0]}" | awk '$1 == 2' >cells/late.tsv
gzip -dc "${profiles[1]}" | awk '{ print $1 "\t" $2 "\t1" }' >cells/one.tsv
gzip -dc "${profiles[2]}" | awk '$1 == 2' >cells/three.tsv
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" --dna_files sim/dna --out_file s.h5
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" cells/late.tsv cells/one.tsv cells/three.tsv \
    --dna_files sim/dna --out_file few.h5
quietly "$dcpg" convert s.h5 --out_dir files --dna_wlen 3 --cpg_wlen 4
small=(--cpg_model 'fc[4]_gap' --cpg_wlen 4 --nb_epoch 1 --batch_size 32)

# train WORDS OPTIONS...: the log holds WORDS, or, where they begin with !, does not.
train() {
    local words=$1
    shift
    quietly "$dcpg" train "$@" "${small[@]}" --out_dir model
    if [[ $words == !* ]]; then
        ! grep -qE -- "${words#!}" last.log || fail "the log says '${words#!}': $* ($(cat last.log))"
    else
        grep -qE -- "$words" last.log || fail "the log does not say '$words': $* ($(cat last.log))"
    fi
}

# ---- the same chromosome trained and validated on ----
both='is both trained and validated on' all='chromosomes 1, 2, 3 are both trained and validated on'
train "warning: chromosome 2 $both" s.h5 --train_chromos 1 2 --val_chromos chr2 3
train "!$both" s.h5 --train_chromos 1 2 --val_chromos 3
train '^--train_chromos is not given: .*: 1, 3$' s.h5 --val_chromos chr2
grep -q "$both" last.log && fail 'a warning where the others are trained on'
on 3 "$dcpg" train s.h5 --val_chromos chr2 "${small[@]}" --out_dir three
same model/model.h5 three/model.h5
train "!$both|is not given" s.h5 --train_chromos 1 3 --val_chromos 2
same model/model.h5 three/model.h5
train "warning: $all" s.h5 --val_files s.h5
ln -s s.h5 link.h5
cp s.h5 copy.h5
train "warning: chromosome 1 $both" s.h5 --train_chromos 1 --val_files link.h5 --val_chromos 1
train '^--train_chromos is not given: .*: 1, 2$' s.h5 --val_files copy.h5 --val_chromos 3
train "!$both|is not given" s.h5 --train_chromos 1 --val_files few.h5 --val_chromos 1
train "warning: chromosome 1 $both" files/c1_*.h5 files/c2_*.h5 --val_files files/c1_*.h5
train "!$both" files/c1_*.h5 --val_files files/c2_*.h5
train '^--train_chromos is not given: .*: 1$' files/c[12]_*.h5 --val_chromos 2
refused 'names all chromosomes of s.h5.*none is left' "$dcpg" train s.h5 --val_chromos 1 2 3 "${small[@]}" \
    --out_dir none

# ---- published splits ----
quietly "$dcpg" simulate --out_dir six --nb_chromo 14 --chromo_len 20000 --nb_cell 2 --seed 4
quietly "$dcpg" data --cpg_profiles six/cpg/*.tsv.gz --dna_files six/dna --out_file six.h5
odd='1, 3, 5, 7, 9, 11' even='2, 4, 6, 8, 10, 12'
train "^split deepcpg: trained on $odd; validated on 13, 14; kept for tests: $even\$" six.h5 --split deepcpg
on 2 "$dcpg" train six.h5 --train_chromos 1 3 5 7 9 11 --val_chromos 13 14 "${small[@]}" --out_dir three
same model/model.h5 three/model.h5
quietly "$dcpg" eval six.h5 --model_files model --split deepcpg --out_data e.h5 --out_report split.tsv
quietly "$dcpg" eval six.h5 --model_files model --chromos 2 4 6 8 10 12 --out_data e.h5 --out_report same.tsv
same split.tsv same.tsv
quietly "$dcpg" data --cpg_profiles six/cpg/*.tsv.gz --dna_files six/dna --chromos 2 4 --out_file two.h5
quietly "$dcpg" eval two.h5 --model_files model --split deepcpg --out_report two.tsv
refused 'two.h5 has no chromosome to test on \(10\)' "$dcpg" eval two.h5 --model_files model \
    --split cpgtransformer --out_report none
quietly "$dcpg" data --cpg_profiles six/cpg/*.tsv.gz --dna_files six/dna --chromos 1 13 --out_file trained.h5
train '^split deepcpg: trained on 1; validated on 13; kept for tests: none$' trained.h5 --split deepcpg
train '^split cpgtransformer: trained on [^;]*; validated on 5; kept for tests: 10$' six.h5 \
    --split cpgtransformer
refused 's.h5 has no chromosome to validate on \(13 14' "$dcpg" train s.h5 --split deepcpg "${small[@]}" \
    --out_dir none
refused 'deepcpg or cpgtransformer' "$dcpg" train s.h5 --split even "${small[@]}" --out_dir none
refused 'leave --train_chromos' "$dcpg" train s.h5 --split deepcpg --val_chromos 2 "${small[@]}" \
    --out_dir none
refused 'both choose' "$dcpg" eval six.h5 --model_files model --split deepcpg --chromos 2 --out_report none

# ---- outputs without labels, and with labels of one class only ----
train 'warning: cpg/late, cpg/three: no label on the training chromosomes: their heads are not trained' \
    few.h5 --train_chromos 1 --val_chromos 2
grep -q 'warning: cpg/one: labels of one class only on the training chromosomes' last.log ||
    fail "one class is not reported: $(cat last.log)"
on 3 "$dcpg" train few.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir three
grep -q 'warning: cpg/late, cpg/three: no label' last.log || fail 'not reported on 3 ranks'
same model/model.h5 three/model.h5
train 'warning: cpg/late: no label on the training chromosomes: its head is not trained' few.h5 \
    --train_chromos 1 --output_names cpg/late cpg/one
train 'warning: cpg/late: no label on the validation chromosomes: it is not validated' few.h5 \
    --train_chromos 2 --val_chromos 1 --output_names cpg/late cpg/one
refused 'no label on the training chromosomes .*output cpg/late' "$dcpg" train few.h5 --train_chromos 1 \
    --output_names cpg/late "${small[@]}" --out_dir none
train 'warning: cpg/late, cpg/three: no label on the validation chromosomes: they are not validated' few.h5 \
    --train_chromos 2 --val_chromos 1 --output_names cpg/late cpg/three
grep -q 'warning: without any label the validation loss means nothing' last.log ||
    fail "a validation of nothing is not reported: $(cat last.log)"
! grep -qw nan last.log || fail "nan: $(cat last.log)"

# ---- untrained heads are known to the model, in evaluations, and until they see labels ----
# untrained WANTED MODEL: what its files name
untrained() {
    local python=${PYTHON3:-}
    [[ -n $python ]] && "$python" -c 'import h5py' 2>/dev/null || return 0
    [[ $("$python" -c 'import json, sys, h5py
data = json.load(open(f"{sys.argv[1]}/model_data.json")).get("untrained", [])
for name in "model", "model_weights_train":
    attrs = h5py.File(f"{sys.argv[1]}/{name}.h5", "r").attrs
    assert [n.decode() for n in attrs.get("dcpg_untrained", [])] == data, (name, data)
print(*data)' "$2") == "$1" ]] || fail "$2 does not say that '$1' is untrained"
}
train '' few.h5 --train_chromos 1 --val_chromos 2
untrained 'cpg/late cpg/three' model
on 3 "$dcpg" eval few.h5 --model_files model --out_report marked.tsv --out_data marked.h5
grep -q 'warning: no label of cpg/late, cpg/three was seen in training: predictions of them mean' last.log ||
    fail "untrained outputs are not reported: $(cat last.log)"
[[ $(grep -n untrained marked.tsv | cut -f 2,3 | tr '\n\t' '  ') == 'cpg/late 1 cpg/three 1 ' ]] ||
    fail "untrained outputs are not marked: $(cat marked.tsv)"
quietly "$dcpg" perf marked.h5 --out_dir perf
grep -qP '^global\tuntrained\tcpg/late\t1$' perf/metrics.tsv || fail 'perf does not mark untrained outputs'
quietly "$dcpg" eval few.h5 --model_files model --out_report marked.tsv --output_names cpg/one
! grep -q untrained marked.tsv last.log || fail 'a trained output is marked'
code=0
"$dcpg" train few.h5 --train_chromos 1 "${small[@]}" --nb_epoch 2 --resume cut --max_time 1e-6 \
    >last.log 2>&1 || code=$?
[[ $code == 85 ]] || fail "exit code $code: $(cat last.log)"
quietly "$dcpg" train --resume cut --max_time 0
untrained 'cpg/late cpg/three' cut
quietly "$dcpg" train few.h5 --train_chromos 1 --model_files model --nb_epoch 1 --out_dir again
untrained 'cpg/late cpg/three' again
quietly "$dcpg" train few.h5 --train_chromos 2 --model_files again --nb_epoch 1 --out_dir more
untrained '' more
quietly "$dcpg" train few.h5 --train_chromos 1 --model_files more --nb_epoch 1 --out_dir less
untrained '' less

# ---- evaluation ----
train '' few.h5 --train_chromos 2
evaluate() { quietly "$dcpg" eval few.h5 --model_files model --out_report report.tsv "$@"; }
evaluate --chromos 1
grep -q 'warning: no label at these sites, left out of the means: cpg/late, cpg/three' last.log ||
    fail "outputs without labels are not reported: $(cat last.log)"
grep -q '^auc, tnr: not defined where all labels are the same, left out of the means: cpg/one' last.log ||
    fail "labels of one class are not reported: $(cat last.log)"
grep -qE '^auc .* 3 of 6 \(not defined for the others\)' last.log ||
    fail "the mean is not that of three: $(cat last.log)"
grep -qP '^auc\tcpg/one\t$' report.tsv || fail 'an AUC of one class is a number'
train '' few.h5 --train_chromos 2 --output_names cpg/late --replicate_names cell0
refused 'no output of the model has a label at the [0-9]* sites.*--out_data' "$dcpg" eval few.h5 \
    --model_files model --chromos 1 --replicate_names cell0 --out_report none.tsv
[[ ! -e none.tsv ]] || fail 'a report of nothing is written'
refused 'no labels of any output of the model \(cpg/late\).*--out_data' "$dcpg" eval s.h5 \
    --model_files model --chromos 1 --replicate_names cell0
evaluate --chromos 1 --replicate_names cell0 --out_data e.h5
grep -qE '^auc +- +-  0 of 1 \(not defined\)' last.log || fail "no label: $(cat last.log)"
! grep -qw nan last.log || fail "nan: $(cat last.log)"
echo ok
