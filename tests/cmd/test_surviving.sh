#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests what can go wrong around a training run: signals, disks, NaN, ranks that stall or die.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
export OMPI_MCA_odls_base_sigkill_timeout=1

quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 40000 --nb_cell 3 --seed 3
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file s.h5
common=(s.h5 --cpg_model 'fc[8]_bgru[8]_do' --cpg_wlen 8 --batch_size 16 --learning_rate 0.003
    --early_stopping 0)

# start RANKS COMMAND...: in the background; sets job, and rank[] (process ids of the ranks)
# once training has begun, as DIR/metrics.jsonl shows
start() {
    local dir=$1 ranks=$2
    shift 2
    rm -rf "$dir"
    # the shell ignores it for jobs in the background
    env --default-signal=INT "${MPIRUN:-mpirun}" -n "$ranks" "$@" --out_dir "$dir" >"$dir.log" 2>&1 &
    job=$!
    for ((i = 0; i < 6000; i++)); do
        [[ -s $dir/metrics.jsonl ]] && break
        kill -0 $job 2>/dev/null || fail "did not start: $(cat "$dir.log")"
        sleep 0.01
    done
    mapfile -t rank < <(ranks_of $job)
    [[ ${#rank[@]} == "$ranks" ]] || fail "${#rank[@]} ranks"
}
# ends CODE WORDS LOG: the job ends within 30 s with this exit code, and WORDS in its log
ends() {
    local code=0 started=$SECONDS
    wait "$job" || code=$?
    [[ " $1 " == *" $code "* ]] || fail "exit code $code, not $1: $(tail -n 5 "$3")"
    ((SECONDS - started <= 30)) || fail "only after $((SECONDS - started)) s"
    grep -qE -- "$2" "$3" || fail "no '$2': $(tail -n 12 "$3")"
}

# ---- a signal to one rank: all save and end with code 85 ----
for signal in USR1 USR2 TERM INT HUP XCPU PIPE; do
    start sig 3 "$dcpg" train "${common[@]}" --nb_epoch 100000
    kill -$signal "${rank[1]}"
    ends 85 "SIG$signal.*--resume sig" sig.log
    [[ $(find sig/checkpoints -name '*.h5' | wc -l) -ge 1 ]] || fail 'no checkpoint'
done
code=0
timeout 60 "${MPIRUN:-mpirun}" -n 2 "$dcpg" train --resume sig --max_time 1e-6 >last.log 2>&1 || code=$?
[[ $code == 85 ]] || fail "exit code $code, not 85, where no time is left"
# mpirun passes USR1 on to all
start sig 2 "$dcpg" train "${common[@]}" --nb_epoch 100000
kill -USR1 $job
ends 85 SIGUSR1 sig.log
# The scheduler's time limit; the file of --stop_file.
code=0
SLURM_JOB_END_TIME=$(($(date +%s) + 5)) "$dcpg" train "${common[@]}" --out_dir late >late.log 2>&1 || code=$?
[[ $code == 85 ]] && grep -q 'after step 1 .*SLURM' late.log ||
    fail "not stopped before the end of the SLURM job: $code, $(tail -n 3 late.log)"
# A time limit in the past was left by another job (srun from the shell of one that has ended, say): ignored,
# with one line.
for end in $(($(date +%s) - 60)) 1 0 -1 soon 1e9 99999999999999999999; do
    rm -rf late
    on 2 env SLURM_JOB_END_TIME="$end" "$dcpg" train "${common[@]}" --nb_epoch 1 --out_dir late
    [[ -s late/model.h5 && $(grep -c 'warning: SLURM_JOB_END_TIME is .*ignored' last.log) == 1 ]] ||
        fail "SLURM_JOB_END_TIME=$end: $(cat last.log)"
done
for end in '' 9223372036854775807 4294967294; do
    rm -rf late
    on 2 env SLURM_JOB_END_TIME="$end" "$dcpg" train "${common[@]}" --nb_epoch 1 --out_dir late
    [[ -s late/model.h5 ]] && ! grep -q SLURM_JOB last.log || fail "SLURM_JOB_END_TIME=$end: $(cat last.log)"
done
start file 2 "$dcpg" train "${common[@]}" --nb_epoch 100000 --stop_file stop
touch stop
ends 0 'stop_file exists' file.log
[[ -s file/model.h5 ]] || fail 'no model.h5'
# An interrupted evaluation saves nothing and leaves no files.
# shellcheck disable=SC2016 # for the other shell
"${MPIRUN:-mpirun}" -n 2 bash -c '[[ ${OMPI_COMM_WORLD_RANK-$PMI_RANK} == 1 ]] && trap "" USR1; exec "$@"' \
    - "$dcpg" eval s.h5 --model_files file --batch_size 1 --out_data e.h5 >eval.log 2>&1 &
job=$!
for ((i = 0; i < 3000; i++)); do
    mapfile -t rank < <(ranks_of $job)
    [[ ${#rank[@]} == 2 && -n $(find . -name '.e.h5.dcpg-tmp*') ]] && break
    kill -0 $job 2>/dev/null || break
    sleep 0.002
done
if kill -TERM "${rank[0]-ended}" 2>/dev/null; then
    code=0
    wait $job || code=$?
    [[ " 143 15 0 " == *" $code "* ]] || fail "eval ends with code $code: $(cat eval.log)"
    [[ $code == 0 || ! -e e.h5 ]] || fail 'half an evaluation is left'
    [[ -z $(find . -name '.e.h5.dcpg-tmp*') ]] || fail 'a temporary file of eval is left'
fi

# ---- NaN: step, layer and gradient are named, no weights are written, all ranks end ----
diverges() { # WORDS OPTIONS...
    local code=0 words=$1
    shift
    rm -rf nan
    timeout 60 "${MPIRUN:-mpirun}" -n 3 "$dcpg" train "${common[@]}" --out_dir nan "$@" >nan.log 2>&1 ||
        code=$?
    [[ $code == 1 ]] || fail "exit code $code, not 1: $(tail -n 3 nan.log)"
    [[ $(grep -c '^dcpg train:' nan.log) == 1 ]] || fail "not one line: $(cat nan.log)"
    grep -qE "$words" nan.log || fail "no '$words': $(grep '^dcpg train:' nan.log)"
    [[ -z $(find nan -name '*.h5' -not -path '*/checkpoints/*') ]] ||
        fail 'weights that are not numbers are kept'
}
diverges 'epoch 1, step [12]: .*gradient is .*in layer [a-z].*learning_rate than 1e\+09' \
    --dna_model CnnL3h128 --dna_wlen 51 --learning_rate 1e9
diverges 'epoch 1, step [12]: .*gradient is .*in layer [a-z].*learning_rate than 1e\+09' \
    --dna_model CnnL3h128 --dna_wlen 51 --learning_rate 1e9 --shard_optimizer
diverges 'epoch 1, step 1: .*gradient is (inf|-?nan), in layer cpg/.*learning_rate than 0.003' \
    --output_weights 'cpg/.*=1e300'
start nan 2 "$dcpg" train "${common[@]}" --nb_epoch 100000 --checkpoint_steps 1
kill -USR1 "${rank[0]}"
ends 85 SIGUSR1 nan.log

# ---- a rank that stalls is named, and the job ends ----
for which in 0 2; do
    start stall 3 "$dcpg" train "${common[@]}" --nb_epoch 100000 --stall_timeout 3
    kill -STOP "${rank[$which]}"
    number=$(tr '\0' '\n' <"/proc/${rank[$which]}/environ" | sed -nE 's/^(OMPI_COMM_WORLD_RANK|PMI_RANK)=//p')
    ends '1 137 143 9 15' "rank $number on host .* has stalled" stall.log
    [[ $(grep -c 'has stalled' stall.log) == 1 ]] ||
        fail "not rank $number alone is named: $(grep stalled stall.log)"
done
# ---- a rank that dies ends the job, and it can be resumed ----
start dead 3 "$dcpg" train "${common[@]}" --nb_epoch 100000 --checkpoint_steps 5
for ((i = 0; i < 6000; i++)); do
    [[ -n $(find dead/checkpoints -name 'checkpoint-*.h5' 2>/dev/null) ]] && break
    sleep 0.01
done
kill -KILL "${rank[1]}"
ends '137 1 9' '' dead.log # 9: MPICH's launcher
code=0
"${MPIRUN:-mpirun}" -n 2 "$dcpg" train --resume dead --max_time 1e-6 >last.log 2>&1 || code=$?
[[ $code == 85 ]] || fail "not resumed: $code, $(cat last.log)"

# ---- ranks that were not started as one job ----
code=0
SLURM_NTASKS=4 "$dcpg" train "${common[@]}" --out_dir alone >last.log 2>&1 || code=$?
[[ $code == 2 && ! -e alone ]] && grep -q 'srun --mpi=pmix' last.log ||
    fail "4 tasks of SLURM, each alone: $code, $(cat last.log)"
code=0
"${MPIRUN:-mpirun}" -n 1 "$dcpg" train "${common[@]}" --seed 1 --out_dir other : \
    -n 1 "$dcpg" train "${common[@]}" --seed 2 --out_dir other >last.log 2>&1 || code=$?
[[ $code == 2 ]] && grep -q 'rank 1 on host .* another command line' last.log ||
    fail "two command lines: $code, $(cat last.log)"

# ---- checkpoints that do not fit on the disk, or may not be written: a warning, training goes on,
# the one before stays ----
quietly "$dcpg" train "${common[@]}" --nb_epoch 2 --out_dir whole
if [[ $(id -u) == 0 ]]; then
    mkdir -p small/checkpoints
    mount -t tmpfs -o size=100k none small/checkpoints 2>/dev/null ||
        skip 'the rest: cannot mount a file system here'
    trap 'umount "$work/small/checkpoints"; rm -rf "$work"' EXIT
    "${MPIRUN:-mpirun}" -n 2 "$dcpg" train "${common[@]}" --nb_epoch 1 --resume small >last.log 2>&1 ||
        fail "$(cat last.log)"
    head -c 200k /dev/zero >small/checkpoints/filler 2>/dev/null || true
    on 2 "$dcpg" train --resume small --nb_epoch 2 --checkpoint_steps 3
    grep -qE 'warning: no checkpoint .*space.*training goes on' last.log ||
        fail "a full disk is not reported: $(cat last.log)"
    [[ -s small/checkpoints/checkpoint-0001-00000000.h5 ]] || fail 'the checkpoint before is gone'
    [[ -z $(find small -name '*tmp*') ]] || fail 'a full disk keeps half a checkpoint'
    same whole/model.h5 small/model.h5
    rm small/checkpoints/filler
    mount -o remount,ro small/checkpoints
    on 2 "$dcpg" train --resume small --nb_epoch 2 --checkpoint_steps 3
    grep -qE 'warning: no checkpoint .*Read-only.*training goes on' last.log ||
        fail "a read-only folder is not reported: $(cat last.log)"
    same whole/model.h5 small/model.h5
    umount small/checkpoints
    trap 'rm -rf "$work"' EXIT
fi
echo ok
