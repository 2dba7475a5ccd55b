#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests that a run that is stopped after some steps and resumed on other numbers of ranks ends
# with the files of an uninterrupted run, bit for bit.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
files=(model.json model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv lc.svg)

quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 40000 --nb_cell 4 --seed 3
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file s.h5
common=(s.h5 --train_chromos 1 2 --val_chromos 3 --nb_epoch 2 --nb_train_sample 160 --nb_val_sample 60
    --batch_size 32 --learning_rate 0.003 --l2_decay 0.00017 --dropout 0.1 --seed 7)

# stopped_with CODE RANKS COMMAND...
stopped_with() {
    local code=0 expected=$1 ranks=$2
    shift 2
    "${MPIRUN:-mpirun}" -n "$ranks" "$@" >last.log 2>&1 || code=$?
    [[ $code == "$expected" ]] || { tail -n 20 last.log >&2; fail "exit code $code, not $expected: $*"; }
}
# Where a job is cut off: one step per job, as --max_time asks when no time is left,
# on different numbers of ranks; then the rest in one go.
resumes_as_if_nothing_was() { # NAME OPTIONS...
    local name=$1 step
    shift
    on 2 "$dcpg" train "${common[@]}" "$@" --out_dir "$name"
    step=$((1 + RANDOM % 4))
    echo "$name: cut off after each of the first $step steps"
    for ((i = 0; i < step; i++)); do
        stopped_with 85 $((1 + i % 3)) "$dcpg" train "${common[@]}" "$@" --resume "${name}_cut" \
            --max_time 1e-6
        grep -q "after step $((i + 1))" last.log || fail "not stopped after step $((i + 1)): $(cat last.log)"
    done
    OMP_NUM_THREADS=2 on 3 "$dcpg" train --resume "${name}_cut" --max_time 0
    for f in "${files[@]}"; do same "$name/$f" "${name}_cut/$f"; done
}
resumes_as_if_nothing_was cnn --dna_model 'conv[8@11]_mp[4]_fc[8]_do' --dna_wlen 101
resumes_as_if_nothing_was resnet --dna_model 'conv[8@11]_bn_relu_mp[2]_resb[1x16|1x32]_gap_do' --dna_wlen 101
resumes_as_if_nothing_was rnn --cpg_model 'fc[8]_bgru[8]_do' --cpg_wlen 8 --no_class_weights

# ---- a finished run is continued with more epochs, from another folder ----
quietly "$dcpg" train "${common[@]}" --nb_epoch 3 --cpg_model 'fc[8]_bgru[8]_do' --cpg_wlen 8 \
    --no_class_weights --out_dir three
mkdir elsewhere
(cd elsewhere && work=$work on 3 "$dcpg" train --resume ../rnn --nb_epoch 3)
for f in "${files[@]}"; do same "three/$f" "rnn/$f"; done
# A frozen layer stays frozen.
on 1 "$dcpg" train "${common[@]}" --model_files three --fine_tune --out_dir fine
stopped_with 85 2 "$dcpg" train "${common[@]}" --model_files three --fine_tune --resume fine_cut \
    --max_time 1e-6
rm -rf three
on 3 "$dcpg" train --resume fine_cut --max_time 0
for f in "${files[@]}"; do same "fine/$f" "fine_cut/$f"; done

# ---- ranks on hosts of their own, with little memory for messages, which may change; then as before ----
quietly "$dcpg" train "${common[@]}" --cpg_model 'fc[8]_bgru[8]_do' --cpg_wlen 8 --out_dir ample
export DCPG_RANKS_PER_HOST=1
stopped_with 85 3 "$dcpg" train "${common[@]}" --cpg_model 'fc[8]_bgru[8]_do' --cpg_wlen 8 --comm_memory 1K \
    --resume little --max_time 1e-6
on 2 "$dcpg" train --resume little --max_time 0 --comm_memory 10K
unset DCPG_RANKS_PER_HOST
for f in "${files[@]}"; do same "ample/$f" "little/$f"; done
refused 'comm_memory 0.*not a size' "$dcpg" train "${common[@]}" --cpg_model FcAvg --out_dir none \
    --comm_memory 0

# ---- refused: options that would change the result of the run ----
wrong() { refused "$1" "$dcpg" train --resume rnn "${@:2}"; }
wrong '--learning_rate.*0\.003' --learning_rate 0.01
wrong 'seed' --seed 8
wrong 'batch_size' --batch_size 16
wrong 'cpg_model' --cpg_model FcAvg
wrong 'train_chromos' --train_chromos 1
wrong 'no_shuffle' --no_shuffle
wrong 'virtual_ranks' --virtual_ranks 4
wrong 'nb_epoch.*epochs that are done' --nb_epoch 1
quietly "$dcpg" simulate --out_dir sim2 --nb_chromo 3 --chromo_len 40000 --nb_cell 4 --seed 4
quietly "$dcpg" data --cpg_profiles sim2/cpg/*.tsv.gz --dna_files sim2/dna --out_file other.h5
wrong 'training data are not|no cell' other.h5
refused 'no checkpoint' "$dcpg" train --resume nowhere
refused 'ranks' "$dcpg" train --resume fine_cut --virtual_ranks 2

# ---- a new run in the same folder does not resume by mistake ----
on 2 "$dcpg" train "${common[@]}" --nb_epoch 1 --cpg_model 'fc[8]_gap' --cpg_wlen 8 --out_dir rnn
grep -q 'set aside' last.log || fail 'checkpoints of an earlier run are not set aside'
on 2 "$dcpg" train --resume rnn
grep -q 'checkpoint-0001-00000000' last.log || fail 'the run before was resumed'

# ---- damaged checkpoints: the one before is used; where all are damaged, an error ----
python=${PYTHON3:-}
[[ -n $python ]] || { echo ok; exit 0; }
quietly "$dcpg" train "${common[@]}" --cpg_model 'fc[8]_gap' --cpg_wlen 8 --out_dir whole
for damage in flip flip flip cut empty foreign; do
    rm -rf hurt
    quietly "$dcpg" train "${common[@]}" --cpg_model 'fc[8]_gap' --cpg_wlen 8 --out_dir hurt \
        --checkpoint_steps 2
    "$python" - "$damage" <<'P'
import glob, random, sys
path = max(glob.glob('hurt/checkpoints/checkpoint-*.h5'))
b = bytearray(open(path, 'rb').read())
if sys.argv[1] == 'flip': b[random.randrange(len(b))] ^= 1 << random.randrange(8)
if sys.argv[1] == 'cut': b = b[:random.randrange(1, len(b))]
if sys.argv[1] == 'empty': b = b''
if sys.argv[1] == 'foreign': b = open('s.h5', 'rb').read()
open(path, 'wb').write(b)
P
    on 2 "$dcpg" train --resume hurt
    grep -qE 'warning:.*checkpoint-0002-00000000.h5: .*the one before is used' last.log ||
        fail "damage ($damage) is not reported: $(cat last.log)"
    for f in "${files[@]}"; do same "whole/$f" "hurt/$f"; done
done
for f in hurt/checkpoints/*.h5; do echo damaged >"$f"; done
refused 'all 2 checkpoints are damaged' "$dcpg" train --resume hurt
! grep -q 'is used' err.log || fail "none is used, but: $(cat err.log)"
# The only checkpoint is damaged: there is none before it. Two of three are damaged: the first is used.
(cd hurt/checkpoints && rm "$(find . -name 'checkpoint-*.h5' | sort | head -n 1)")
refused 'hurt/checkpoints/checkpoint-[0-9-]*\.h5: .*; there is no checkpoint before it: train again' \
    "$dcpg" train --resume hurt
! grep -q 'is used' err.log || fail "none is used, but: $(cat err.log)"
rm hurt/checkpoints/*.h5
cp "$(find whole/checkpoints -name 'checkpoint-*.h5' | sort | tail -n 1)" \
    hurt/checkpoints/checkpoint-0002-00000000.h5
for n in 1 2; do echo damaged >hurt/checkpoints/checkpoint-0003-0000000$n.h5; done
on 1 "$dcpg" train --resume hurt
[[ $(grep -c 'the one before is used' last.log) == 1 ]] &&
    grep -q 'checkpoint-0003-00000001.h5: .*; the one before is used' last.log ||
    fail "two are damaged: $(cat last.log)"

# ---- people read checkpoints with h5py ----
if "$python" -c 'import h5py' 2>/dev/null; then
    "$python" - <<'P' || fail 'h5py does not read a checkpoint'
import glob, h5py
f = h5py.File(max(glob.glob('whole/checkpoints/checkpoint-*.h5')), 'r')
assert f.attrs['epoch'] == 2 and f.attrs['step'] == 0
assert f['weights/now'].shape == f['weights/best'].shape and f['adam/m'].shape == f['adam/v'].shape
P
fi
echo ok
