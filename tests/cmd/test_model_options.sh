#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests trained models that are joined, trained further and partly frozen; weights are compared with h5py.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
python=${PYTHON3:-}
[[ -n $python ]] && "$python" -c 'import h5py, numpy' 2>/dev/null || skip 'python3 without h5py and numpy'

# weights WHAT OLD NEW LAYERS: of the layers of NEW whose names match (at their start) the expression LAYERS,
# there must be some, and all must be the same in OLD (WHAT: same), or every one of them different (WHAT:
# differ).
cat >weights.py <<'P'
import re, sys
import h5py

def read(path):
    """{layer: {last part of the weight's name: bytes}}"""
    with h5py.File(path, 'r') as f:
        g = f['model_weights'] if 'model_weights' in f else f
        text = lambda s: s.decode() if isinstance(s, bytes) else s
        return {text(l): {text(w): g[text(l)][text(w)][()].tobytes()
                          for w in g[text(l)].attrs['weight_names']}
                for l in g.attrs['layer_names']}

what, old, new, layers = sys.argv[1:]
a, b = read(old), read(new)
chosen = [l for l in b if b[l] and re.match(layers, l)]
assert chosen, 'no layer matches %s among %s' % (layers, list(b))
for l in chosen:
    if what == 'same':
        assert l in a, 'no layer %s in %s' % (l, old)
        # A weight keeps its name within its layer.
        assert a[l] == b[l], 'layer %s differs' % l
    else:
        # The bias of the convolution, which batch norm follows, has no gradient.
        moving = [w for w in b[l] if not (l.startswith('dna/conv') and 'bias' in w)]
        assert l not in a or all(a[l][w] != b[l][w] for w in moving), 'layer %s is as it was' % l
P
weights() { "$python" weights.py "$@" || fail "weights $*"; }

# layers DIR: names of the model's layers, trained ones with a *
layers() {
    "$python" -c "
import json, sys
m = json.load(open(sys.argv[1] + '/model.json'))['config']
print(m['name'], *[l['name'] + '*' * l['config'].get('trainable', False) for l in m['layers']])" "$1"
}

quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 40000 --nb_cell 5 --seed 3
profiles=(sim/cpg/*.tsv.gz)
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" --dna_files sim/dna --out_file five.h5
quietly "$dcpg" data --cpg_profiles "${profiles[@]:2}" --dna_files sim/dna --out_file three.h5
cells=()
for p in "${profiles[@]}"; do cells+=("$(basename "$p" .tsv.gz)"); done

options=(--train_chromos 1 2 --val_chromos 3 --nb_epoch 1 --nb_train_sample 200 --batch_size 50
    --learning_rate 0.01)
train() { # RANKS STORE OUT_DIR OPTIONS...
    local ranks=$1 store=$2 out=$3
    shift 3
    on "$ranks" "$dcpg" train "$store" "${options[@]}" --out_dir "$out" "$@"
}
file=model_weights_train.h5 # of the last epoch

# ---- two parts, trained alone ----
train 1 five.h5 dna --dna_model 'conv[8@11]_bn_relu_mp[4]_fc[16]_do' --dna_wlen 101 --l2_decay 0.5
train 1 five.h5 cpg --cpg_model 'fc[8]_bgru[4]_do' --cpg_wlen 8
# A directory stands for its best weights.
parts=(--dna_model dna --cpg_model cpg --joint_model 'fc[16]_do')

# ---- joined, only the heads trained ----
train 1 five.h5 joint "${parts[@]}" --fine_tune
grep -qE '^parameters: 85 trained, [0-9]+ frozen, 16 moving statistics$' last.log ||
    fail "the log does not say what is trained: $(cat last.log)"
weights same dna/model.h5 joint/$file 'dna/'
weights same cpg/model.h5 joint/$file 'cpg/(time|bidir)'
wanted=(joint_dna_cpg dna dna/conv1d_1 dna/batch_normalization_1 dna/activation_1 dna/max_pooling1d_1
    cpg/state cpg/dist dna/flatten_1 cpg/concatenate_1 dna/dense_1 cpg/time_distributed_1 dna/activation_2
    cpg/bidirectional_1 dna/dropout_1 cpg/dropout_1 concatenate_1 joint/dense_1 joint/activation_1
    joint/dropout_1)
[[ $(layers joint) == "${wanted[*]}$(printf ' cpg/%s*' "${cells[@]}")" ]] ||
    fail "layers of the joint model: $(layers joint)"
"$python" - <<'P' ||
import json
c = {l['name']: l['config'] for l in json.load(open('joint/model.json'))['config']['layers']}
assert abs(c['dna/dense_1']['kernel_regularizer']['config']['l2'] - 0.5) < 1e-6, c['dna/dense_1']
assert abs(c['joint/dense_1']['kernel_regularizer']['config']['l2'] - 1e-4) < 1e-8
P
    fail 'a loaded part does not keep its penalty, or a new layer does not take that of the options'
train 3 five.h5 joint3 "${parts[@]}" --fine_tune
same joint/model.h5 joint3/model.h5
# The same model by its other names.
train 1 five.h5 named --dna_model dna/model.h5 --cpg_model cpg/model.json cpg/model_weights_val.h5 \
    --joint_model 'fc[16]_do' --fine_tune
same joint/$file named/$file
quietly "$dcpg" eval five.h5 --chromos 3 --model_files joint --out_report report.tsv

# ---- other choices of what is trained ----
train 1 five.h5 j --train_models joint "${parts[@]}"
weights same joint/$file j/$file 'dna/|cpg/(time|bidir)'
weights differ joint/$file j/$file 'joint/|cpg/cl'
train 3 five.h5 d --train_models dna "${parts[@]}" --freeze_filter
weights same joint/$file d/$file 'dna/conv|cpg/(time|bidir)|joint/'
weights differ joint/$file d/$file 'dna/(batch|dense)|cpg/cl'
train 1 five.h5 r "${parts[@]}" --not_trainable '.*' --trainable 'cpg/bi' 'joint/dense_1$'
weights same joint/$file r/$file 'dna/|cpg/time'
weights differ joint/$file r/$file 'cpg/(bidir|cl)|joint/'

# ---- trained further ----
# With a learning rate of 0 only statistics change; layers frozen in the file stay frozen.
train 1 five.h5 still --model_files joint --learning_rate 0
weights same joint/model_weights_val.h5 still/$file ''
[[ $(layers still) == "$(layers joint)" ]] || fail 'a continued model has other layers'
grep -q "frozen by the model's file" last.log || fail 'the log does not say why layers are frozen'
train 1 five.h5 all --model_files joint --trainable '.*'
weights differ joint/model_weights_val.h5 all/$file ''
# Other outputs get new heads; with the same seed the head of a cell starts with the same weights.
for n in 1 3; do
    train $n five.h5 "two$n" --model_files joint --fine_tune --output_names "${cells[0]}\$" "${cells[3]}\$" \
        --seed 1
done
same two1/model.h5 two3/model.h5
weights same joint/model_weights_val.h5 two1/$file 'dna/|cpg/(time|bidir)|joint/'
weights differ joint/model_weights_val.h5 two1/$file 'cpg/cl'
[[ $(layers two1) == *"joint/dropout_1 cpg/${cells[0]}* cpg/${cells[3]}*" ]] ||
    fail "new heads: $(layers two1)"
grep -q 'new heads' last.log || fail 'the log does not tell of new heads'

# ---- another number of cells: on purpose ----
refused "three.h5: has no cells ${cells[0]}, ${cells[1]}, which the model cpg reads" "$dcpg" train three.h5 \
    "${options[@]}" --out_dir none "${parts[@]}" --fine_tune
for n in 1 3; do train $n three.h5 "few$n" "${parts[@]}" --fine_tune --any_cells; done
same few1/model.h5 few3/model.h5
weights same joint/$file few1/$file 'dna/|cpg/(time|bidir)|joint/'
quietly "$dcpg" eval three.h5 --model_files few1 --out_report report.tsv
train 1 three.h5 fewer --model_files joint --fine_tune --any_cells
weights same joint/model_weights_val.h5 fewer/$file 'dna/|cpg/(time|bidir)|joint/'
train 1 five.h5 one --cpg_model cpg --nb_replicate 1 --nb_output 1 --fine_tune
weights same cpg/model.h5 one/$file 'cpg/(time|bidir)'

# ---- filters from a file ----
"$python" - <<'P'
import h5py, numpy as np
w = np.random.RandomState(1).randn(13, 1, 4, 6).astype('f4')
with h5py.File('filters.h5', 'w') as f:
    f['motifs/weights'] = w
    f['motifs/bias'] = np.arange(6, dtype='f4')
P
dna=(--dna_model 'conv[8@11]_mp[4]_fc[16]_do' --dna_wlen 101)
train 3 five.h5 plain "${dna[@]}" --freeze_filter
train 3 five.h5 filters "${dna[@]}" --filter_weights filters.h5 motifs --freeze_filter
"$python" - <<'P' || fail 'filters of a file are not the first ones of the model'
import h5py, numpy as np
read = lambda d, w: h5py.File(d + '/model.h5', 'r')['model_weights/dna/conv1d_1/conv1d_1'][w + ':0'][()]
f = h5py.File('filters.h5', 'r')['motifs']
k = read('filters', 'kernel')
assert (k[:, :, :6] == f['weights'][1:12, 0]).all()
assert (k[:, :, 6:] == read('plain', 'kernel')[:, :, 6:]).all()
assert (read('filters', 'bias') == np.r_[f['bias'][()], 0, 0]).all()
P

# ---- files of Keras 1, whose convolution kernels are reversed ----
old=$shared/oracle/keras1
if [[ -d $old ]]; then
    on 3 "$dcpg" train "$old/cnn/data.h5" --dna_model "$old/cnn/model.json" "$old/cnn/weights.h5" \
        --cpg_model "$old/rnn/model.json" "$old/rnn/weights.h5" --nb_epoch 1 --batch_size 8 \
        --fine_tune --out_dir keras1
    "$python" - "$old" <<'P' || fail 'parts of Keras 1 files lose their weights'
import sys, h5py
old = h5py.File(sys.argv[1] + '/cnn/weights.h5', 'r')['dna/convolution1d_1']
new = h5py.File('keras1/model.h5', 'r')['model_weights/dna/convolution1d_1/convolution1d_1']
w = [n.decode() if isinstance(n, bytes) else n for n in old.attrs['weight_names']]
assert (old[w[0]][()][::-1, 0] == new['kernel:0'][()]).all() and (old[w[1]][()] == new['bias:0'][()]).all()
P
fi

# ---- a directory is used again, chromosomes as people write them ----
train 1 five.h5 again --cpg_model 'fc[8]_gap' --cpg_wlen 8
train 3 five.h5 used --dna_model 'conv[8@11]_mp[4]_fc[4]' --dna_wlen 101
quietly "$dcpg" train five.h5 --train_chromos chr1 CHR2 --val_chromos Chr3 "${options[@]:4}" --out_dir used \
    --cpg_model 'fc[8]_gap' --cpg_wlen 8
grep -q 'used: the files of an earlier run are replaced' last.log ||
    fail 'the log does not say that files are replaced'
for f in model.json model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv lc.svg; do
    same "again/$f" "used/$f"
done
quietly "$dcpg" train five.h5 --train_chromos 1 --out_dir used --nb_epoch 1 --nb_train_sample 100 \
    --cpg_model 'fc[8]_gap' --cpg_wlen 8
[[ ! -e used/lc_val.tsv ]] || fail 'a learning curve of an earlier run is left'

# ---- refusals ----
wrong() { # WORDS OPTIONS...
    local words=$1
    shift
    refused "$words" "$dcpg" train five.h5 --out_dir wrong --nb_epoch 1 "$@"
    [[ ! -e wrong ]] || fail "something is left behind by $*: $(ls -A wrong)"
}
wrong 'dna_model.*layer dna/dense_1: its weights are for a DNA window of 101 bp' --dna_model dna \
    --dna_wlen 201
wrong 'cpg_model.*8 neighbours' --cpg_model cpg --cpg_wlen 10
wrong 'dna/dense_1: more than [0-9]* weights' --dna_model CnnL2h128 --dna_wlen 999999
wrong 'no sites on chromosome chr7: it has chromosomes 1, 2, 3' --cpg_model RnnL1 --train_chromos chr7
wrong 'also reads neighbouring CpGs' --dna_model joint
wrong 'also reads DNA' --cpg_model joint
wrong 'reads no neighbouring CpGs' --cpg_model dna
wrong 'reads no DNA' --dna_model cpg
wrong 'models/none: no such' --cpg_model models/none
wrong 'not known' --cpg_model none
wrong 'one word too many' --cpg_model RnnL1 five.h5
wrong 'no model here' --dna_model sim
wrong 'leave out' --dna_model dna --model_files joint
wrong "'conv' matches no layer" --model_files dna --trainable conv
wrong "'\(' is not a regular" --model_files dna --not_trainable '('
wrong 'no joint part' --model_files dna --train_models joint
wrong 'not dna, cpg or joint' --model_files dna --train_models heads
wrong 'no convolution' --model_files cpg --freeze_filter
wrong 'no convolution' --model_files cpg --filter_weights filters.h5 motifs
wrong "no array 'weights'" --model_files dna --filter_weights filters.h5
wrong 'absent.h5' --model_files dna --filter_weights absent.h5
wrong 'matches none of the 5 outputs' --model_files dna --output_names nothing
head -c 2000 dna/model.h5 >cut.h5
wrong 'cut.h5' --dna_model cut.h5
echo ok
