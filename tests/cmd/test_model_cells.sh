#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests that a model knows its cells: it takes them by name where the data have all of them, refuses other
# data, and takes other cells only on request, with a warning; for stores and DeepCpG data files.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
python=${PYTHON3:-}
[[ -n $python ]] && "$python" -c 'import h5py' 2>/dev/null || skip 'python3 without h5py'
quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 20000 --nb_cell 5 --seed 3
mkdir cells
n=0
for name in a b c d e; do
    n=$((n + 1))
    cp sim/cpg/*cell0$n.tsv.gz cells/$name.tsv.gz
done
make() { quietly "$dcpg" data --cpg_profiles "${@:2}" --dna_files sim/dna --out_file "$1"; }
cd cells
for link in x:a y:b z:c; do cp "${link#*:}.tsv.gz" "${link%:*}.tsv.gz"; done
cd ..
make abc.h5 cells/[abc].tsv.gz
make all.h5 cells/[a-e].tsv.gz
make renamed.h5 cells/[xbc].tsv.gz # sorted: b, c, x
make others.h5 cells/[xyz].tsv.gz
make two.h5 cells/[ab].tsv.gz
quietly "$dcpg" convert all.h5 --out_dir files --dna_wlen 3 --cpg_wlen 4
quietly "$dcpg" convert renamed.h5 --out_dir renamed_files --dna_wlen 3 --cpg_wlen 4
small=(--cpg_model 'fc[4]_gap' --cpg_wlen 4 --nb_epoch 1 --batch_size 32)
quietly "$dcpg" train abc.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir model
[[ $("$python" -c '
import json, h5py
data = json.load(open("model/model_data.json"))
assert data == {"cells": ["a", "b", "c"], "outputs": ["cpg/a", "cpg/b", "cpg/c"],
                "dna_wlen": 0, "cpg_wlen": 4}, data
for name in "model", "model_weights_train", "model_weights_val":
    f = h5py.File(f"model/{name}.h5", "r")
    text = lambda key: [n.decode() for n in f.attrs[key]]
    assert text("dcpg_cells") == data["cells"] and text("dcpg_outputs") == data["outputs"]
print("ok")') == ok ]] || fail 'the model does not say its cells'

# evaluate NAME DATA OPTIONS...: writes e_NAME.h5, NAME.tsv and last.log
evaluate() {
    quietly "$dcpg" eval "${@:2}" --model_files "${model:-model}" --out_data "e_$1.h5" --out_report "$1.tsv"
}
says() { grep -qE -- "$1" last.log || fail "the log does not say '$1': $(cat last.log)"; }
silent() {
    ! grep -qE 'warning|those of the model|taken for|in the order' last.log ||
        fail "something is reported: $(cat last.log)"
}
# predictions NAME OUTPUT NAME OUTPUT: both hold the same numbers, observed and predicted
predictions() {
    "$python" - "$@" <<'P' || fail "predictions $*"
import sys, h5py
import numpy as np
x, a, y, b = sys.argv[1:]
f, g = h5py.File(f"e_{x}.h5", "r"), h5py.File(f"e_{y}.h5", "r")
for group in "outputs/cpg/", "preds/cpg/":
    assert np.array_equal(f[group + a][()], g[group + b][()]), (group, sys.argv)
P
}
refused_to() { # WORDS DATA OPTIONS...
    local code=0
    "$dcpg" eval "${@:2}" --model_files "${model:-model}" --out_data none.h5 >out.log 2>err.log || code=$?
    [[ $code == 2 && $(grep -cE '^dcpg ' err.log) == 1 ]] && grep -qE -- "$1" err.log ||
        fail "exit code $code, no '$1': $(cat err.log)"
}

evaluate abc abc.h5
silent
# ---- more cells, or the same cells in another form: the model's are taken, by name ----
evaluate all all.h5
says "^3 of the store's 5 cells, those of the model, are used: a, b, c$"
silent_outputs=$(cut -f 2 all.tsv | sort -u | tr '\n' ' ')
[[ $silent_outputs == 'cpg/a cpg/b cpg/c mean output pooled ' ]] || fail "outputs: $silent_outputs"
# The sites are those of five cells: at common sites the cells have the same neighbours and labels.
evaluate files files/*.h5
says "^3 of the data set's 5 cells, those of the model, are used: a, b, c$"
for c in a b c; do predictions all $c files $c; done
on 3 "$dcpg" eval all.h5 --model_files model --out_data e_three.h5 --out_report three.tsv
same all.tsv three.tsv
# A file of weights knows the cells without its folder.
cp model/model.h5 alone.h5
model=alone.h5 evaluate alone all.h5
says 'those of the model'

# ---- other cells are refused, unless the user asks for them ----
options='--replicate_names.*--any_cells'
refused_to "renamed.h5: has no cell a, which the model model reads \(it has b, c, x\).*$options" renamed.h5
refused_to 'has no cell a.*in the order of the data set' renamed_files/*.h5
refused_to 'has no cells a, b, c.*it has x, y, z' others.h5
refused_to 'has no cell c' two.h5
refused 'has no cell a, which' "$dcpg" eval renamed.h5 --model_files model --out_data none.h5
evaluate renamed renamed.h5 --replicate_names x b c
says '^warning: the cells x, b, c are taken for a, b, c, which the model was trained on, in this order$'
predictions abc a renamed x
predictions abc b renamed b
predictions abc c renamed c
evaluate renamed_files renamed_files/*.h5 --replicate_names x b c
predictions renamed x renamed_files x
evaluate others others.h5 --any_cells
says '^warning: the cells x, y, z are taken for a, b, c, .* in this order$'
predictions abc a others x
predictions abc c others z
on 3 "$dcpg" eval others.h5 --any_cells --model_files model --out_data e_three.h5 --out_report three.tsv
same others.tsv three.tsv
evaluate order renamed.h5 --any_cells
says '^warning: the cells b, c, x are taken for a, b, c,'
evaluate names abc.h5 --replicate_names c a b # by name: in the model's order
silent
for c in a b c; do predictions abc $c names $c; done
evaluate swapped abc.h5 --replicate_names c a b --any_cells
says '^warning: the cells c, a, b are taken for a, b, c,'
refused_to 'reads the neighbours of 3 cells, but 2 are chosen of 2' two.h5 --any_cells
refused_to 'reads the neighbours of 3 cells, but 5 are chosen of 5' all.h5 --any_cells
refused_to 'reads the neighbours of 3 cells, but 1 is chosen of 5' all.h5 --replicate_names a
evaluate first all.h5 --nb_replicate 3
silent

# ---- outputs by name ----
evaluate one abc.h5 --output_names cpg/b
says '^1 of 3 outputs: cpg/b$'
[[ $(cut -f 2 one.tsv | sort -u | tr '\n' ' ') == 'cpg/b mean output pooled ' ]] ||
    fail "outputs: $(cat one.tsv)"
predictions one b abc b
quietly "$dcpg" train all.h5 --train_chromos 1 "${small[@]}" --replicate_names a b \
    --output_names cpg/c cpg/d --out_dir part
model=part evaluate part abc.h5
says '^warning: the data have no labels of 1 of the model.s 2 outputs, which is predicted, not scored: cpg/d$'
says "^2 of the store's 3 cells, those of the model, are used: a, b$"

# ---- training a trained model further ----
options=(--train_chromos 1 --nb_epoch 1 --batch_size 32)
quietly "$dcpg" train all.h5 "${options[@]}" --cpg_model model --out_dir further
says "^3 of the store's 5 cells, those of the model, are used: a, b, c$"
grep -q '"cpg/e"' further/model_data.json || fail 'outputs of the second training are not reported'
refused 'others.h5: has no cells a, b, c, which the model model reads' "$dcpg" train others.h5 \
    "${options[@]}" --cpg_model model --out_dir none
refused 'has no cells a, b, c' "$dcpg" train others.h5 "${options[@]}" --model_files model --out_dir none
quietly "$dcpg" train two.h5 "${options[@]}" --cpg_model model --any_cells --out_dir two
says 'the cells a, b are taken for a, b, c'
quietly "$dcpg" train others.h5 "${options[@]}" --model_files model --replicate_names x y z --out_dir three
says 'the cells x, y, z are taken for a, b, c'
"$python" -c 'import json; assert json.load(open("three/model_data.json"))["cells"] == ["x", "y", "z"]' ||
    fail 'the new model has other cells'
# A run that is stopped and resumed writes the same files.
code=0
"$dcpg" train abc.h5 "${options[@]}" "${small[@]}" --nb_epoch 2 --resume cut --max_time 1e-6 >last.log 2>&1 ||
    code=$?
[[ $code == 85 ]] || fail "exit code $code: $(cat last.log)"
on 2 "$dcpg" train --resume cut --max_time 0
quietly "$dcpg" train abc.h5 "${options[@]}" "${small[@]}" --nb_epoch 2 --out_dir whole
for f in model.h5 model_data.json model_weights_val.h5; do same "whole/$f" "cut/$f"; done

# ---- models that do not know their cells ----
cp -r model unknown
rm unknown/model_data.json
"$python" - <<'P'
import glob, h5py
for path in glob.glob("unknown/*.h5"):
    f = h5py.File(path, "r+")
    del f.attrs["dcpg_cells"], f.attrs["dcpg_outputs"]
P
model=unknown evaluate unknown abc.h5
says 'warning: unknown does not say which cells it was trained on: those of the store are taken'
says 'those of the store are taken in their order.*: a, b, c'
predictions unknown a abc a
model=unknown refused_to '3 cells, but 5 are chosen of 5' all.h5
model=unknown evaluate unknown all.h5 --nb_replicate 3
# model_data.json alone names the cells, and must not contradict the weights.
cp model/model_data.json unknown/
model=unknown evaluate unknown all.h5
says 'those of the model'
sed -i 's/"a"/"q"/' unknown/model_data.json
model=unknown refused_to 'has no cell q' abc.h5
cp unknown/model_data.json model/
refused_to 'model/model_data.json and model/model_weights_val.h5 name different cells' abc.h5
for text in '' '{' '{"cells": 3}' '{"cells": ["a", 3]}' '[]' '{"cells": ["a"]}'; do
    echo "$text" >unknown/model_data.json
    model=unknown refused_to \
        'model_data.json: .*(not JSON|not a list of names)|names 1 cells, but the model reads 3' abc.h5
done
echo ok
