#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests 16, 17, 33 and 64 ranks, far more than there are cores: the model of one rank, on one host and as if
# on several, a killed rank, resuming, adding cells, a rank that stalls.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive

quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 60000 --nb_cell 4 --seed 3
cells=(sim/cpg/*.tsv.gz)
quietly "$dcpg" data --cpg_profiles "${cells[@]:0:3}" --dna_files sim/dna --out_file three.h5
quietly "$dcpg" data --cpg_profiles "${cells[@]}" --dna_files sim/dna --out_file s.h5
common=(s.h5 --train_chromos 1 --val_chromos 2 --dna_model 'conv[16@5]_bn_relu_mp[2]_flatten_fc[16]'
    --dna_wlen 21 --batch_size 128 --nb_train_sample 512 --nb_val_sample 256 --virtual_ranks 66)
training=("${common[@]}" --nb_epoch 2)
endless=("${common[@]}" --nb_epoch 2000 --early_stopping 0 --checkpoint_steps 2)

# start DIR RANKS OPTIONS...: trains in the background until it is killed; sets job, and ranks (their process
# ids) once there is a checkpoint.
start() {
    local dir=$1 nb=$2
    shift 2
    "${MPIRUN:-mpirun}" -n "$nb" "$dcpg" train "${endless[@]}" --out_dir "$dir" "$@" >"$dir.log" 2>&1 &
    job=$!
    for ((i = 0; i < 600; i++)); do
        compgen -G "$dir/checkpoints/*.h5" >/dev/null && break
        sleep 0.1
    done
    compgen -G "$dir/checkpoints/*.h5" >/dev/null || fail "no checkpoint: $(tail -n 5 "$dir.log")"
    mapfile -t ranks < <(ranks_of $job)
    ((${#ranks[@]} == nb)) || fail "${#ranks[@]} ranks run, not $nb"
}

# ---- the same model ----
quietly "$dcpg" train "${training[@]}" --out_dir one
for ranks in 16 17 33 64; do
    on $ranks "$dcpg" train "${training[@]}" --out_dir "ranks$ranks" --stall_timeout 120
    same one/model.h5 "ranks$ranks/model.h5"
    echo "$ranks ranks: the bits of one"
done
DCPG_RANKS_PER_HOST=5 on 17 "$dcpg" train "${training[@]}" --out_dir hosts --profile hosts.json
same one/model.h5 hosts/model.h5
grep -q '"hosts":4,' hosts.json || fail "not on 4 hosts: $(head -c 300 hosts.json)"
DCPG_RANKS_PER_HOST=1 on 16 "$dcpg" train "${training[@]}" --out_dir sharded --shard_optimizer
same one/model.h5 sharded/model.h5

# ---- one of 16 ranks is killed: the job ends, and goes on to the same model ----
start killed 16
start=$SECONDS
kill -KILL "${ranks[9]}"
! wait $job || fail 'a job with a killed rank ends well'
((SECONDS - start < 30)) || fail "the job ended $((SECONDS - start)) s after a rank was killed"
grep -qE 'rank 9|rank:? *9|process rank 9' killed.log || fail "nobody names rank 9: $(tail -n 8 killed.log)"
on 16 "$dcpg" train --resume killed --max_steps 40
on 2 "$dcpg" train "${endless[@]}" --max_steps 40 --out_dir whole
same whole/model.h5 killed/model.h5

# ---- cells are added on 16 ranks ----
on 16 "$dcpg" data --append --out_file three.h5 --cpg_profiles "${cells[3]}"
quietly "$dcpg" stats three.h5 --out_tsv appended.tsv
quietly "$dcpg" stats s.h5 --out_tsv whole.tsv
same appended.tsv whole.tsv
echo 'killed, resumed, appended on 16 ranks'

# ---- one of 64 ranks is stopped: after the timeout, and as long again for the others to answer, it is named,
# once, and the job ends ----
export OMPI_MCA_odls_base_sigkill_timeout=1
for which in 0 41; do
    rm -rf stalled
    start stalled 64 --stall_timeout 10
    number=$(tr '\0' '\n' <"/proc/${ranks[$which]}/environ" |
        sed -nE 's/^(OMPI_COMM_WORLD_RANK|PMI_RANK)=//p')
    kill -STOP "${ranks[$which]}"
    start=$SECONDS
    ! wait $job || fail 'a job with a stalled rank ends well'
    ((SECONDS - start < 60)) || fail "the job ended $((SECONDS - start)) s after a rank was stopped"
    named=$(grep -o 'rank [0-9]* on host [^ ]* has stalled' stalled.log) || fail "$(tail -n 8 stalled.log)"
    [[ $named == "rank $number on "* && $(wc -l <<<"$named") == 1 ]] || fail "not rank $number: $named"
    echo "rank $number of 64 stopped: named after $((SECONDS - start)) s"
done
