# shellcheck shell=bash
# What job scripts share: building and finding dcpg, its surroundings on one machine, and jobs under SLURM and PBS.
# Source it: source path/to/jobs/lib.sh

dcpg_home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

heading() { printf '\n== %s\n' "$*"; }

# Shows a command and runs it.
run() {
    printf '$ %s\n' "$*"
    "$@"
}

# Ends the script with a message.
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Cores this process may use, at most what a container's quota allows.
cores() {
    local n quota period
    n=$(nproc)
    if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [[ $quota != max ]]; then
        quota=$(((quota + period - 1) / period))
        if ((quota < n)); then n=$quota; fi
    fi
    echo "$n"
}

# Open MPI refuses root, who is the usual user of a container, unless told twice.
allow_root() {
    if [[ $(id -u) == 0 ]]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
}

# mpi_environment RANKS: what Open MPI needs to start RANKS ranks on this one machine, and OMP_NUM_THREADS so that threads fill its cores.
mpi_environment() {
    local ranks=$1 cores
    cores=$(cores)
    allow_root
    # Open MPI counts cores without hyperthreads, and would bind each rank to one.
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
    if ((ranks > cores)); then export OMPI_MCA_mpi_yield_when_idle=1; fi
    # Containers may forbid one process to read another's memory.
    if [[ -e /.dockerenv || -e /run/.containerenv ]]; then export OMPI_MCA_btl_vader_single_copy_mechanism=none; fi
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > ranks ? cores / ranks : 1))}
}

# build_preset NAME [cmake options...]: configures and builds into build/NAME. Shows warnings and errors only.
build_preset() {
    local preset=$1 log status=0
    shift
    log=$(mktemp)
    (cd "$dcpg_home" && cmake --preset "$preset" "$@" && cmake --build --preset "$preset" --parallel "$(cores)") >"$log" 2>&1 || status=1
    grep -E -A 6 'warning: |error: |CMake Error|undefined reference|No space' "$log" | head -n 80 || true
    if [[ $status == 0 ]]; then echo "build/$preset: built"; else tail -n 5 "$log"; fi
    rm -f "$log"
    return $status
}

# The program: $DCPG_PROGRAM, else the release build of this tree, else what PATH knows.
find_dcpg() {
    local candidate
    for candidate in "${DCPG_PROGRAM:-}" "$dcpg_home/build/release/bin/dcpg" "$(command -v dcpg || true)"; do
        if [[ -x $candidate ]]; then
            echo "$candidate"
            return
        fi
    done
    die "no program dcpg: build it (cmake --preset release && cmake --build --preset release), or set DCPG_PROGRAM"
}

# ---- Jobs of SLURM and PBS ----
# They read the settings that every script in jobs/slurm and jobs/pbs has on top:

declare -a modules srun_options mpirun_options runs
launcher=${launcher:-mpirun} # or srun
threads=${threads:-1}        # per rank
walltime=${walltime:-}       # PBS: H:M:S, where qstat does not tell
reserve=${reserve:-60}       # PBS: seconds of it that training leaves unused

# What every job does first: modules, threads, the program (in $dcpg), and where it runs.
start_job() {
    set -euo pipefail
    # The scheduler's warning must not end this shell before there are ranks to warn.
    trap : USR1
    # Scripts of modules are not written for set -u.
    if [[ ${#modules[@]} != 0 ]]; then
        set +u
        module load "${modules[@]}"
        set -u
    fi
    allow_root
    export OMP_NUM_THREADS=$threads
    if [[ -n ${SLURM_JOB_ID-} ]]; then export_slurm_end; fi
    dcpg=$(find_dcpg)
    local nodes=${SLURM_JOB_NODELIST:-$(hostname)}
    if [[ -n ${PBS_NODEFILE-} ]]; then nodes=$(uniq "$PBS_NODEFILE" | paste -sd ' '); fi
    echo "$(date '+%F %T') job ${SLURM_JOB_ID-${PBS_JOBID-}} on $nodes: $dcpg, $threads threads per rank"
}

# When SLURM ends this job, for the program to save before; newer versions of SLURM say it by themselves.
export_slurm_end() {
    local end
    if [[ -n ${SLURM_JOB_END_TIME-} ]]; then return; fi
    end=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e) || return 0
    end=$(date --date="$end" +%s 2>/dev/null) || return 0 # jobs without a limit have no such date
    export SLURM_JOB_END_TIME=$end
}

# starter_for [RANKS]: leaves in the array `starter` what starts that many ranks, or as many as the job has.
starter_for() {
    local ranks=${1-} name
    case $launcher in
    srun)
        starter=(srun --kill-on-bad-exit=1 --cpus-per-task="$threads" "${srun_options[@]}")
        if [[ -n $ranks ]]; then starter+=(--nodes="$(nodes_of "$ranks")" --ntasks="$ranks"); fi
        ;;
    mpirun)
        starter=(mpirun "${mpirun_options[@]}")
        # Not every Open MPI can ask PBS for the nodes, and its ranks on other nodes get no variable but those named. Where ssh starts
        # them, qsig would kill the ssh that waits for them, and with it the job.
        if [[ -n ${PBS_NODEFILE-} ]]; then
            starter+=(--hostfile "$PBS_NODEFILE")
            if env --ignore-signal=USR1 true 2>/dev/null; then
                starter+=(--mca plm_rsh_agent "env --ignore-signal=USR1 ${OMPI_MCA_plm_rsh_agent:-ssh}")
            fi
        fi
        for name in OMP_NUM_THREADS LD_LIBRARY_PATH SLURM_JOB_END_TIME; do
            if [[ -n ${!name-} ]]; then starter+=(-x "$name"); fi
        done
        if [[ -n $ranks ]]; then starter+=(-n "$ranks"); fi
        ;;
    *) die "launcher=$launcher: srun or mpirun" ;;
    esac
}

# nodes_of RANKS: how many nodes the first RANKS ranks of this job fill.
nodes_of() {
    if [[ -n ${SLURM_JOB_ID-} ]]; then
        local per_node=${SLURM_NTASKS_PER_NODE:-$((SLURM_NTASKS / SLURM_JOB_NUM_NODES))}
        echo $((($1 + per_node - 1) / per_node))
    elif [[ -n ${PBS_NODEFILE-} ]]; then
        head -n "$1" "$PBS_NODEFILE" | sort -u | wc -l
    else
        echo 1
    fi
}

# launch COMMAND [options...]: dcpg COMMAND on all ranks of the job. launch_on RANKS ...: on some of them.
# Meanwhile USR1 (the scheduler's warning) is passed on to them. Returns their exit code.
launch() { launch_on '' "$@"; }
launch_on() {
    local status=0 warned=0 child=''
    starter_for "$1"
    shift
    printf '$ %s\n' "${starter[*]} $dcpg $*"
    trap 'warned=1; if [[ -n $child ]]; then echo "USR1: time to save"; kill -USR1 "$child" 2>/dev/null || true; fi' USR1
    "${starter[@]}" "$dcpg" "$@" &
    child=$!
    # A signal ends wait, not the child.
    while
        warned=0
        status=0
        wait "$child" || status=$?
        [[ $warned == 1 ]]
    do :; done
    trap : USR1
    return $status
}

# choose_run INDEX: splits line INDEX of the setting `runs` into $run_name and the array run_options.
choose_run() {
    local words
    (($1 < ${#runs[@]})) || die "task $1 of the array, but the setting runs has ${#runs[@]} lines, counted from 0"
    read -ra words <<<"${runs[$1]}"
    run_name=${words[0]}
    # shellcheck disable=SC2034 # for the script
    run_options=("${words[@]:1}")
    echo "run $run_name"
}

# train_or_requeue OUT STORE [options...]: trains into OUT, on from its last checkpoint if there is one, and ends the job. Exit code 85
# of the program means: saved before the end, start me again. So does one above 128 (a rank was killed, a node lost) after a checkpoint.
train_or_requeue() {
    local out=$1 code=0 before ended=''
    shift
    # Links of a chain (jobs/pbs/chain.sh) that come after the end have nothing to do.
    if [[ -n ${DCPG_CHAIN-} ]]; then ended=$DCPG_CHAIN${PBS_ARRAY_INDEX:+-$PBS_ARRAY_INDEX}; fi
    if [[ -s $ended ]]; then
        code=$(cat "$ended")
        echo "training ended with code $code: nothing left to do"
        exit "$code"
    fi
    before=$(last_checkpoint "$out")
    launch train "$@" --out_dir "$out" --resume "$out" || code=$?
    if ((code == 85 || code > 128)); then
        # Without this, a job that is too short would go round for ever.
        if [[ $(last_checkpoint "$out") == "$before" ]]; then
            echo "code $code before the first new checkpoint: not started again" >&2
            code=1
        else
            echo "code $code: training can go on from $(last_checkpoint "$out")"
            if [[ -n ${SLURM_JOB_ID-} ]]; then requeue_slurm; fi
            exit 85
        fi
    fi
    if [[ -n $ended ]]; then echo "$code" >"$ended"; fi
    exit "$code"
}

# last_checkpoint OUT: its name, if there is any.
last_checkpoint() {
    local files=("$1"/checkpoints/checkpoint-*.h5)
    echo "${files[-1]}"
}

# Puts this job back into the queue, unless somebody is cancelling it.
requeue_slurm() {
    local state
    state=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)
    if [[ $state == RUNNING ]]; then
        echo "$(date '+%F %T') requeued"
        scontrol requeue "$SLURM_JOB_ID"
    else
        echo "not requeued: the job is $state"
    fi
}

# max_time: option of dcpg train that makes it save before PBS kills the job. PBS warns nobody but by TERM, and mpirun answers that by
# killing the ranks. Asks qstat for the walltime, for it may have been changed by qsub -l; where that fails, the setting holds.
max_time() {
    local limit=''
    if command -v qstat >/dev/null; then
        limit=$(qstat -f "$PBS_JOBID" 2>/dev/null | sed -n 's/^ *Resource_List\.walltime = *//p') || true
    fi
    awk -F: -v used="$SECONDS" -v reserve="$reserve" '{
        for (i = 1; i <= NF; i++) seconds = 60 * seconds + $i
        left = seconds - used - reserve
        printf "%.6f\n", (left > 1 ? left : 1) / 3600
    }' <<<"${limit:-$walltime}"
}
