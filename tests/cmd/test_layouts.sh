#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests that any number of ranks and threads gives the same model, bit for bit,
# with and without micro-batches; limits on memory, refused where they are too low.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"

quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 40000 --nb_cell 3 --seed 3
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file s.h5
common=(s.h5 --train_chromos 1 --val_chromos 2 --batch_size 32 --nb_train_sample 320 --nb_val_sample 60
    --nb_epoch 2 --learning_rate 0.003 --early_stopping 0 --virtual_ranks 4)
files=(model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv lc.svg)

# layouts NAME "RANKS THREADS"... -- OPTIONS...: after 20 steps, all layouts give the files of the first.
layouts() {
    local name=$1 layout ranks threads first='' f
    shift
    local -a list=()
    while [[ $1 != -- ]]; do
        list+=("$1")
        shift
    done
    shift
    for layout in "${list[@]}"; do
        read -r ranks threads <<<"$layout"
        rm -rf "$name"
        OMP_NUM_THREADS=$threads on "$ranks" "$dcpg" train "${common[@]}" "$@" --out_dir "$name"
        if [[ $first ]]; then
            for f in "${files[@]}"; do same "first_$name/$f" "$name/$f"; done
        else
            first=$layout
            mv "$name" "first_$name"
        fi
    done
}
every=('1 1' '1 2' '2 1' '2 2' '3 1' '3 2' '4 1' '4 2')
few=('1 2' '2 1' '3 2')
cnn=(--dna_model CnnL2h128 --dna_wlen 101)
rnn=(--cpg_model RnnL1 --cpg_wlen 8)
layouts cnn "${every[@]}" -- "${cnn[@]}"
layouts resnet "${every[@]}" -- --dna_model ResNet01 --dna_wlen 51
layouts rnn "${every[@]}" -- "${rnn[@]}"

# ---- the optimiser's state in shards: the same files as before,
# also when resumed without shards and on other ranks ----
for ranks in 1 2 3; do
    rm -rf sharded
    on "$ranks" "$dcpg" train "${common[@]}" "${cnn[@]}" --shard_optimizer --out_dir sharded
    for f in "${files[@]}"; do same "first_cnn/$f" "sharded/$f"; done
done
rm -rf sharded
on 3 "$dcpg" train "${common[@]}" "${cnn[@]}" --shard_optimizer --nb_epoch 1 --out_dir sharded
on 2 "$dcpg" train --resume sharded --nb_epoch 2 --shard_optimizer=false
for f in "${files[@]}"; do same "first_cnn/$f" "sharded/$f"; done
rm -rf sharded
on 2 "$dcpg" train "${common[@]}" "${cnn[@]}" --nb_epoch 1 --out_dir sharded
on 3 "$dcpg" train --resume sharded --nb_epoch 2 --shard_optimizer
for f in "${files[@]}"; do same "first_cnn/$f" "sharded/$f"; done

# ---- gradients that travel in bfloat16: another model, but one for all layouts ----
layouts bf16_cnn "${few[@]}" '4 1' -- "${cnn[@]}" --grad_comm bf16
layouts bf16_resnet "${few[@]}" -- --dna_model ResNet01 --dna_wlen 51 --grad_comm bf16 --shard_optimizer
layouts bf16_blocks "${few[@]}" -- "${rnn[@]}" --micro_batch 3 --grad_comm bf16
cmp -s first_cnn/model.h5 first_bf16_cnn/model.h5 && fail '--grad_comm bf16 changes nothing'
refused 'grad_comm fp8: fp32 or bf16' "$dcpg" train "${common[@]}" "${cnn[@]}" --grad_comm fp8 --out_dir none
refused 'choose one of them' "$dcpg" train "${common[@]}" "${cnn[@]}" --grad_comm bf16 --no_reproducible \
    --out_dir none

# ---- micro-batches: more leaves of the tree, run one after the other,
# or as many at once as memory allows ----
layouts blocks "${few[@]}" '4 1' -- "${rnn[@]}" --micro_batch 3
grep -q 'steps in 4 passes of at most 2 samples; blocks of 2' last.log ||
    fail "not in passes: $(grep 'steps in' last.log)"
rm -rf ample
on 2 "$dcpg" train "${common[@]}" "${rnn[@]}" --micro_batch 3 --max_memory 8G --out_dir ample
for f in "${files[@]}"; do same "first_blocks/$f" "ample/$f"; done
grep -q 'steps in 1 pass of at most 16 samples; blocks of 2' last.log ||
    fail "with enough memory: $(grep passes last.log)"
layouts cnn_blocks "${few[@]}" -- "${cnn[@]}" --micro_batch 1
# Samples are summed in another order: the numbers differ, but hardly.
python=${PYTHON3:-python3}
"$python" - <<'END' || fail 'blocks change more than the order of sums'
a, b = (float(open(f"first_{n}/lc_train.tsv").read().split("\n")[1].split("\t")[0])
        for n in ("cnn", "cnn_blocks"))
assert abs(a - b) < 1e-4 * a, (a, b)
END
"$python" - <<'END' || fail 'bfloat16 changes more than a rounding can'
a, b = ([float(l.split("\t")[0]) for l in open(f"first_{n}/lc_train.tsv").read().split("\n")[1:3]]
        for n in ("cnn", "bf16_cnn"))
assert all(abs(x - y) < 0.01 * x for x, y in zip(a, b)) and b[1] < b[0], (a, b)
END

# Micro-batches chosen by --max_memory alone are the same on any number of ranks;
# how many of them run at once may differ.
quietly "$dcpg" simulate --out_dir many --nb_chromo 1 --chromo_len 60000 --nb_cell 24 --seed 3
quietly "$dcpg" data --cpg_profiles many/cpg/*.tsv.gz --dna_files many/dna --out_file many.h5
few_cells=("${common[@]}")
common=(many.h5 --batch_size 512 --nb_train_sample 512 --nb_epoch 1 --learning_rate 0.003 --virtual_ranks 4)
files=(model.h5 lc_train.tsv)
layouts limited '1 1' '2 1' '3 1' -- --cpg_model RnnL1 --max_memory 125M
grep -q 'steps in .* blocks of 59$' last.log || fail "blocks by memory: $(grep 'steps in' last.log)"
common=("${few_cells[@]}")
files=(model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv lc.svg)

# ---- micro-batches are kept in the checkpoint, whatever the memory of a later run ----
code=0
on 2 "$dcpg" train "${common[@]}" "${rnn[@]}" --micro_batch 3 --nb_epoch 1 --out_dir cut
on 3 "$dcpg" train --resume cut --nb_epoch 2 --max_memory 8G
for f in "${files[@]}"; do same "first_blocks/$f" "cut/$f"; done
"$dcpg" train --resume cut --nb_epoch 3 --micro_batch 1 >last.log 2>&1 || code=$?
[[ $code == 2 ]] && grep -q -- --micro_batch last.log ||
    fail "another --micro_batch is not refused: $code, $(tail -n 2 last.log)"

# ---- less memory is used, and too low a limit is refused with the memory needed ----
big=(s.h5 --dna_model CnnL2h128 --dna_wlen 1001 --batch_size 512 --nb_train_sample 512 --nb_epoch 1
    --val_files s.h5 --nb_val_sample 64)
peak() { # OPTIONS...: prints peak memory in MB
    rm -rf big
    on 1 "$dcpg" train "${big[@]}" "$@" --out_dir big
    sed -nE 's/.*peak memory ([0-9]+) MB.*/\1/p' last.log
}
all=$(peak) some=$(peak --micro_batch 8) limited=$(peak --max_memory 400M)
((2 * some < all)) || fail "blocks of 8 take $some MB, all samples $all"
((limited < 420)) || fail "$limited MB are used, 400 were allowed"
refused 'max_memory 64.*needs [0-9.]+ .iB.*a block of' "$dcpg" train "${big[@]}" --max_memory 64M \
    --out_dir none
"$dcpg" train "${big[@]}" --max_memory 64M --out_dir none >last.log 2>&1 || true
enough=$(sed -nE 's/.*rank needs ([0-9.]+) MiB.*/\1/p' last.log)
limited=$(peak --max_memory "${enough}M")
((limited < ${enough%.*} * 1049 / 1000 + 2)) ||
    fail "$enough MiB are reported to be enough, $limited MB are used"
refused 'batch normalisation \(layer .*needs [0-9.]+ .iB' "$dcpg" train "${big[@]}" --dna_model ResNet01 \
    --micro_batch 8 --out_dir none
refused 'batch normalisation \(layer .*: [0-9.]+ .iB are needed' "$dcpg" train "${big[@]}" \
    --dna_model ResNet01 --max_memory 300M --out_dir none
refused 'max_memory 8X: not a size' "$dcpg" train "${big[@]}" --max_memory 8X --out_dir none
echo ok
