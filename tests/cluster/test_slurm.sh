#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The scripts of jobs/slurm under a real SLURM with two nodes: data, train (requeued after a warning, on a
# node less, cancelled), array, eval, scaling. Whatever happens to a training,
# its weights are those of one that nothing happened to.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$here/slurm.sh"
need_root 'nodes with host names of their own'
need munged slurmctld slurmd sbatch srun scontrol unshare

stoppers+=(slurm_stop)
slurm_start 2 4 || fail 'SLURM does not start'
simulate
diagnose() {
    tail -n 30 ./*.out
    scontrol show job
    tail -n 50 "$slurm_dir/slurmctld.log"
}

# Settings of the test: ranks share cores, so they are not bound.
plain='mpirun_options=(--bind-to none)'
train_options="options=($(quoted "${training[@]}"))"

# submit SCRIPT [options of sbatch...]: prints the job's number.
submit() {
    local script=$1
    shift
    sbatch --parsable --nodes=2 --ntasks-per-node=2 --cpus-per-task=1 --time=10 \
        --output="$script.%j.out" "$@" "$script"
}

# is JOB NAME VALUE: of scontrol's description, as a regular expression.
is() { [[ $(scontrol show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1) =~ ^($3)$ ]]; }

# ended JOB STATE: waits for the job's end, which must be this state.
ended() {
    local busy='PENDING|CONFIGURING|RUNNING|COMPLETING|REQUEUED'
    wait_until 90 "job $1 ends" eval "! is $1 JobState '$busy'"
    is "$1" JobState "$2" || fail "job $1 is not $2"
}

heading() { echo "== $SECONDS s: $*"; }

heading 'data'
job_script slurm/data.sbatch data.sbatch 'profiles=(sim/cpg/*.tsv.gz)' 'genome=(sim/dna)'
ended "$(submit data.sbatch)" COMPLETED
quietly "$dcpg" train store.h5 "${training[@]}" --out_dir straight

heading 'training, warned under way, through srun and mpirun'
warned=()
for launcher in srun mpirun; do
    job_script slurm/train.sbatch $launcher.sbatch launcher=$launcher "$plain" "out='by $launcher'" \
        "$train_options"
    job=$(submit $launcher.sbatch)
    wait_until 60 "epochs by $launcher" epochs "by $launcher" 1
    scancel --signal=USR1 --batch "$job"
    wait_until 30 "job $job goes back into the queue" is "$job" Restarts 1
    scontrol hold "$job" # it would take the node that is left below
    warned+=("$job")
done

heading 'a node is lost: on with the other'
job_script slurm/train.sbatch lost.sbatch 'srun_options=(--mpi=pmix --ntasks-per-node=2)' 'out=lost' \
    "$train_options"
sed -i -e '/^#SBATCH --ntasks-per-node/d' -e 's/^#SBATCH --nodes=.*/#SBATCH --nodes=1-2/' lost.sbatch
lost=$(sbatch --parsable --cpus-per-task=1 --exclusive --time=10 --output=lost.%j.out lost.sbatch)
wait_until 60 'epochs of lost' epochs lost 1
is "$lost" NumNodes 2 || fail 'the job did not start on two nodes'
scontrol update NodeName=node2 State=DOWN Reason=test
wait_until 30 'the job is on again' is "$lost" JobState RUNNING
is "$lost" NumNodes 1 && is "$lost" Restarts 1 || fail 'the job is not on one node now'
scontrol update NodeName=node2 State=RESUME
for job in "${warned[@]}"; do scontrol release "$job"; done

heading 'the same weights in the end'
for job in "$lost" "${warned[@]}"; do ended "$job" COMPLETED; done
for out in 'by srun' 'by mpirun' lost; do same_training straight "$out"; done
for out in srun.sbatch mpirun.sbatch lost; do
    grep -q '^continuing from' "$out".*.out || fail "$out began anew"
done
for out in srun.sbatch mpirun.sbatch; do
    grep -q '^code 85:' "$out".*.out || fail "$out did not end with code 85"
done

heading 'cancelled is cancelled'
job_script slurm/train.sbatch cancelled.sbatch "$plain" 'out=cancelled' "$train_options"
cancelled=$(submit cancelled.sbatch)
wait_until 60 'an epoch of cancelled' epochs cancelled 1
scancel "$cancelled"

heading 'one task of an array goes back alone, and jobs that may not go back say so'
# In place of dcpg: waits to be warned, saves, and is done the next time.
cat >"$work/patient" <<'END'
#!/bin/bash
while [[ $1 != --out_dir ]]; do shift; done
checkpoint=$2/checkpoints/checkpoint-0001-00000001.h5
if [[ -e $checkpoint ]]; then exit 0; fi
trap 'touch "$checkpoint"; exit 85' USR1
mkdir -p "$2/checkpoints"
echo waiting
for ((i = 0; i < 600; i++)); do sleep 0.1; done
END
chmod +x "$work/patient"
job_script slurm/array.sbatch patient.sbatch 'out=patient'
patient=$(DCPG_PROGRAM=$work/patient submit patient.sbatch --array=0-1 --nodes=1 --ntasks-per-node=1)
job_script slurm/train.sbatch forbidden.sbatch launcher=mpirun "$plain" 'out=forbidden'
forbidden=$(DCPG_PROGRAM=$work/patient submit forbidden.sbatch --no-requeue --nodes=1 --ntasks-per-node=1)
for out in patient/slow patient/fast forbidden; do
    wait_until 60 "$out starts" test -d "$out/checkpoints"
done
# The last task of an array has the array's number.
for job in "${patient}_1" "$forbidden"; do scancel --signal=USR1 --batch "$job"; done
wait_until 30 'the task goes back' is "${patient}_1" Restarts 1
is "${patient}_0" Restarts 0 || fail 'the other task went back, too'
scancel --signal=USR1 --batch "${patient}_0"

# Open MPI or dcpg says what is wrong; which of them depends on how Open MPI was built.
heading 'ranks that do not know of each other'
job_script slurm/train.sbatch alone.sbatch 'srun_options=(--mpi=none)' "$train_options"
alone=$(submit alone.sbatch)

heading 'array, eval, scaling'
job_script slurm/array.sbatch array.sbatch 'out=array' "options=($(quoted "${training[@]}" --nb_epoch 2))" \
    "runs=('slow --learning_rate 0.001' 'few --output_names cpg/cl0.* --replicate_names cl0.*')"
array=$(submit array.sbatch --array=0-1 --nodes=1)
job_script slurm/eval.sbatch eval.sbatch "$plain" launcher=mpirun model=straight "out='predicted here'"
eval=$(submit eval.sbatch)
job_script slurm/scaling.sbatch scaling.sbatch "$plain" "${study[@]}"
scaling=$(submit scaling.sbatch)

quietly "$dcpg" train store.h5 "${training[@]}" --nb_epoch 2 --learning_rate 0.001 --out_dir slow
for task in 0 1; do ended "${array}_$task" COMPLETED; done
same_training slow array/slow
[[ $(head -n 1 array/few/lc_val.tsv | grep -o 'cl[01]_cell[0-9]*_loss' | sort -u | wc -l) == 3 ]] ||
    fail 'the array does not choose cells'

ended "$eval" COMPLETED
quietly "$dcpg" eval store.h5 --model_files straight --out_data eval.h5 --out_report report.tsv
same report.tsv 'predicted here/report.tsv'
[[ $(find 'predicted here/imputed' -type f | wc -l) == 5 ]] || fail 'not one imputed profile per cell'

ended "$scaling" COMPLETED
check_study scaling '1 2 1 1'

for task in 0 1; do ended "${patient}_$task" COMPLETED; done
ended "$forbidden" FAILED
is "$forbidden" ExitCode 85:0 || fail 'a job that may not go back did not end with 85'
grep -qF "submit the same script again: sbatch $PWD/forbidden.sbatch" forbidden.sbatch.*.out ||
    fail 'not shown how to go on'

ended "$cancelled" CANCELLED
is "$cancelled" Restarts 0 || fail 'a cancelled job came back'
ended "$alone" FAILED
grep -qE -- '--mpi=pmix|PMI support' "alone.sbatch.$alone.out" || fail 'not shown how to start the ranks'
heading 'end'
