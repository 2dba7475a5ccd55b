# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What job scripts share: building and finding dcpg, its surroundings on one machine,
# and jobs under SLURM and PBS.
# Source it: source path/to/jobs/lib.sh

# Jobs begin as login shells, and the user's startup files may have changed what the lines below mean.
# (Variables can do it to scripts that are no login shells: SHELLOPTS, BASHOPTS, functions.)
\unset -f cd pwd echo printf read source test type trap wait kill set shopt grep sed awk head tail sort uniq \
    paste date cat rm mkdir mktemp basename dirname env timeout sleep id uname nproc
\unalias -a
set +o posix +o noclobber +o noglob
shopt -u nullglob failglob dotglob nocaseglob nocasematch extdebug xpg_echo expand_aliases
trap - ERR DEBUG RETURN
IFS=$' \t\n'
unset CDPATH GLOBIGNORE GREP_OPTIONS POSIXLY_CORRECT
# Numbers have a point, dates and the order of names are the same everywhere.
export LC_ALL=C

dcpg_home=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

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

# mpi_environment RANKS: what Open MPI needs to start RANKS ranks on this one machine,
# and OMP_NUM_THREADS so that threads fill its cores.
mpi_environment() {
    local ranks=$1 cores
    cores=$(cores)
    allow_root
    # Open MPI counts cores without hyperthreads, and would bind each rank to one.
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
    if ((ranks > cores)); then export OMPI_MCA_mpi_yield_when_idle=1; fi
    # Containers may forbid one process to read another's memory.
    if [[ -e /.dockerenv || -e /run/.containerenv ]]; then
        export OMPI_MCA_btl_vader_single_copy_mechanism=none
    fi
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > ranks ? cores / ranks : 1))}
}

# build_preset NAME [cmake options...]: configures and builds into build/NAME. Shows warnings and errors only.
build_preset() {
    local preset=$1 log status=0
    shift
    log=$(mktemp)
    (cd "$dcpg_home" && cmake --preset "$preset" "$@" &&
        cmake --build --preset "$preset" --parallel "$(cores)") >"$log" 2>&1 || status=1
    grep -E -A 6 'warning: |error: |CMake Error|undefined reference|No space' "$log" | head -n 80 || true
    if [[ $status == 0 ]]; then echo "build/$preset: built"; else tail -n 5 "$log"; fi
    rm -f "$log"
    return $status
}

# The program: $DCPG_PROGRAM, else the release build of this tree, else what PATH knows.
find_dcpg() {
    local candidate
    is_program() { [[ -f $1 && -x $1 ]]; }
    if [[ -n ${DCPG_PROGRAM-} ]]; then
        is_program "$DCPG_PROGRAM" || die "DCPG_PROGRAM=$DCPG_PROGRAM: no such program"
        echo "$DCPG_PROGRAM"
        return
    fi
    for candidate in "$dcpg_home/build/release/bin/dcpg" "$(type -P dcpg || true)"; do
        if is_program "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    die "no program dcpg: build it (cmake --preset release && cmake --build --preset release)," \
        "or set DCPG_PROGRAM"
}

# ---- Jobs of SLURM and PBS ----
# They read the settings that every script in jobs/slurm and jobs/pbs has on top:

declare -a modules srun_options mpirun_options runs
launcher=${launcher:-mpirun} # or srun
threads=${threads:-1}        # per rank
walltime=${walltime:-}       # PBS: as after -l walltime=, where qstat does not tell
reserve=${reserve:-60}       # PBS: seconds of it that training leaves unused

# What every job does first: modules, threads, the program (in $dcpg), and where it runs.
start_job() {
    set -euo pipefail
    # The scheduler's warning must not end this shell before there are ranks to warn.
    trap : USR1 USR2
    # Scripts of modules are not written for set -u.
    if [[ ${#modules[@]} != 0 ]]; then
        set +u
        module load "${modules[@]}"
        set -u
    fi
    allow_root
    [[ $threads =~ ^[1-9][0-9]*$ ]] || die "threads=$threads: a number of threads per rank"
    export OMP_NUM_THREADS=$threads
    use_writable_tmpdir
    # Set by sbatch --export=NONE, it would keep this job's variables from its ranks.
    unset SLURM_EXPORT_ENV
    if [[ -n ${SLURM_JOB_ID-} ]]; then export_slurm_end; fi
    dcpg=$(find_dcpg)
    local nodes=${SLURM_JOB_NODELIST:-$(uname -n)}
    if [[ -n ${PBS_NODEFILE-} ]]; then nodes=$(uniq "$PBS_NODEFILE" | paste -sd ' '); fi
    echo "$(date '+%F %T') job ${SLURM_JOB_ID-${PBS_JOBID-}} in $PWD on $nodes:" \
        "$dcpg, $threads threads per rank"
}

# MPI libraries keep files in TMPDIR while they run,
# and fail in ways of their own where it is missing or full.
use_writable_tmpdir() {
    local probe
    if [[ -z ${TMPDIR-} ]]; then return; fi
    if probe=$(mktemp "$TMPDIR/dcpg.XXXXXX" 2>/dev/null) &&
        head -c 65536 /dev/zero 2>/dev/null >"$probe"; then
        rm -f "$probe"
        return
    fi
    rm -f "$probe"
    echo "TMPDIR=$TMPDIR is missing, full or not writable: /tmp is used" >&2
    export TMPDIR=/tmp
}

# slurm_job FORMAT: what squeue says of this job alone. (Of an array's last task it would list all tasks,
# which share its number.)
slurm_job() {
    local line
    line=$(
        # squeue obeys the user's filters and forms of dates.
        for name in "${!SQUEUE_@}"; do unset "$name"; done
        SLURM_TIME_FORMAT=standard squeue --noheader --jobs="$SLURM_JOB_ID" --format="%A $1" 2>/dev/null |
            grep "^$SLURM_JOB_ID "
    ) || return 1
    echo "${line#* }"
}

# When SLURM ends this job, for the program to save before. squeue is asked first: older versions of SLURM do
# not set the variable, which then is that of the job or shell that submitted this one.
export_slurm_end() {
    local end
    if ! { end=$(slurm_job %e) && end=$(date --date="$end" +%s 2>/dev/null); }; then
        end=${SLURM_JOB_END_TIME-}
    fi
    # Jobs without a limit have no such date.
    if [[ $end =~ ^[1-9][0-9]{0,11}$ ]] && ((end > $(date +%s))); then
        export SLURM_JOB_END_TIME=$end
    else
        unset SLURM_JOB_END_TIME
    fi
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
        # Not every Open MPI can ask PBS for the nodes, and its ranks on other nodes get no variable but those
        # named. Where ssh starts them, qsig would kill the ssh that waits for them, and with it the job.
        if [[ -n ${PBS_NODEFILE-} ]]; then
            starter+=(--hostfile "$PBS_NODEFILE")
            if env --ignore-signal=USR1 true 2>/dev/null; then
                starter+=(--mca plm_rsh_agent "env --ignore-signal=USR1,USR2 ${OMPI_MCA_plm_rsh_agent:-ssh}")
            fi
        fi
        for name in $(variables_of_ranks); do starter+=(-x "$name"); done
        if [[ -n $ranks ]]; then starter+=(-n "$ranks"); fi
        ;;
    *) die "launcher=$launcher: srun or mpirun" ;;
    esac
}

# Names of the variables that ranks on other nodes need. Open MPI passes on its own (OMPI_*) by itself.
variables_of_ranks() {
    local name
    for name in LD_LIBRARY_PATH SLURM_JOB_END_TIME "${!DCPG_@}" "${!HDF5_@}" "${!BLIS_@}" "${!OMP_@}" \
        "${!GOMP_@}" "${!KMP_@}" "${!UCX_@}"; do
        # Only what is exported: settings of the script may have such names, too.
        if [[ $(declare -p "$name" 2>/dev/null) =~ ^declare\ -[a-zA-Z]*x ]]; then echo "$name"; fi
    done
}

# nodes_of RANKS: how many nodes the first RANKS ranks of this job fill.
nodes_of() {
    if [[ -n ${SLURM_JOB_ID-} ]]; then
        local nodes=${SLURM_JOB_NUM_NODES:-1}
        local per_node=${SLURM_NTASKS_PER_NODE:-$((${SLURM_NTASKS:-$nodes} / nodes))}
        echo $((($1 + per_node - 1) / per_node))
    elif [[ -n ${PBS_NODEFILE-} ]]; then
        head -n "$1" "$PBS_NODEFILE" | sort -u | wc -l
    else
        echo 1
    fi
}

# list_profiles LIST: where the array `profiles` has more than 1,000 names, writes them to LIST, which takes
# their place: mpirun hands all arguments on in one variable, which Linux limits to 128 KiB.
list_profiles() {
    local file name
    if ((${#profiles[@]} <= 1000)); then return; fi
    for file in "${profiles[@]}"; do
        name=${file##*/}
        [[ $file == /* ]] || file=$PWD/$file
        printf '%s\t%s\n' "${name%%.*}" "$file"
    done >"$1"
    profiles=("$1")
}

# launch COMMAND [options...]: dcpg COMMAND on all ranks of the job. launch_on RANKS ...: on some of them.
# Meanwhile USR1 and USR2 (the scheduler's warning) are passed on to them. Returns their exit code.
launch() { launch_on '' "$@"; }
launch_on() {
    local status=0 warned=0 child='' signal
    starter_for "$1"
    shift
    printf '$ %s\n' "${starter[*]} $dcpg $*"
    for signal in USR1 USR2; do
        # shellcheck disable=SC2064 # the signal's name now
        trap "warned=1; warn_ranks $signal" $signal
    done
    "${starter[@]}" "$dcpg" "$@" &
    child=$!
    # A signal ends wait, not the child.
    while
        warned=0
        status=0
        wait "$child" || status=$?
        [[ $warned == 1 ]]
    do :; done
    trap : USR1 USR2
    return $status
}

# warn_ranks SIGNAL: for the traps of launch_on, whose child it uses.
warn_ranks() {
    if [[ -z $child ]]; then return; fi
    echo "$1: time to save"
    kill "-$1" "$child" 2>/dev/null || true
}

# split_words TEXT: into the array `words`, at blanks that stand in no quotes, '...' or "..."; a backslash
# before a blank or a quote takes away its meaning. Nothing else has one:
# names of files and variables are not looked for, and regular expressions stay what they are.
split_words() {
    local text=$1 word='' in_word='' quote='' i c next
    words=()
    for ((i = 0; i < ${#text}; i++)); do
        c=${text:i:1} next=${text:i+1:1}
        if [[ $c == \\ && $quote != \' && ($next == \" || (-z $quote && $next == [[:blank:]\'])) ]]; then
            word+=$next in_word=yes
            i=$((i + 1))
        elif [[ -n $quote ]]; then
            if [[ $c == "$quote" ]]; then quote=''; else word+=$c; fi
        elif [[ $c == [\"\'] ]]; then
            quote=$c in_word=yes
        elif [[ $c == [[:space:]] ]]; then
            if [[ -n $in_word ]]; then words+=("$word"); fi
            word='' in_word=''
        else
            word+=$c in_word=yes
        fi
    done
    [[ -z $quote ]] || die "a quote ($quote) has no end in the line of the setting runs: $text"
    if [[ -n $in_word ]]; then words+=("$word"); fi
}

# choose_run INDEX: splits line INDEX of the setting `runs` into $run_name and the array run_options.
choose_run() {
    [[ $1 =~ ^[0-9]+$ ]] && (($1 < ${#runs[@]})) ||
        die "task $1 of the array, but the setting runs has ${#runs[@]} lines, counted from 0"
    local words
    split_words "${runs[$1]}"
    [[ ${#words[@]} != 0 && -n ${words[0]} ]] ||
        die "line $1 of the setting runs is empty: it begins with the name of a folder"
    run_name=${words[0]}
    # shellcheck disable=SC2034 # for the script
    run_options=("${words[@]:1}")
    echo "run $run_name"
}

# train_or_requeue OUT STORE [options...]: trains into OUT, on from its last checkpoint if there is one, and
# ends the job. Exit code 85 of the program means: saved before the end, start me again.
# So does one above 128 (a rank was killed, a node lost) after a checkpoint.
train_or_requeue() {
    local out=$1 code before after time_options
    shift
    # Links of a chain (jobs/pbs/chain.sh) that come after the end have nothing to do.
    if code=$(chain_ended "$out"); then
        echo "training ended with code $code: nothing left to do"
        exit "$code"
    fi
    code=0
    # Scripts copied from older versions end with --max_time "$(max_time)", which may now be no number.
    if (($# > 1)) && [[ ${*: -2:1} == --max_time && -z ${*: -1} ]]; then
        limit_time
        set -- "${@:1:$#-2}" "${time_options[@]}"
    fi
    before=$(last_checkpoint "$out")
    launch train "$@" --out_dir "$out" --resume "$out" || code=$?
    if ((code == 85 || code > 128)); then
        after=$(last_checkpoint "$out")
        # Without this, a job that is too short would go round for ever.
        if [[ $after == "$before" ]]; then
            echo "code $code before the first new checkpoint: not started again" >&2
            code=1
        else
            echo "code $code: training can go on from $after"
            if [[ -n ${SLURM_JOB_ID-} ]]; then
                requeue_slurm
            elif [[ -n ${PBS_JOBID-} && -z ${DCPG_CHAIN-} ]]; then
                echo 'submit the same script again to go on'
            fi
            exit 85
        fi
    fi
    if [[ -n ${DCPG_CHAIN-} ]]; then
        mkdir -p "$out"
        echo "$DCPG_CHAIN $code" >>"$out/chains.ended"
    fi
    exit "$code"
}

# chain_ended OUT: the exit code with which this job's chain ended training into OUT;
# fails where it has not ended, or there is no chain.
# The marks are kept in OUT, a line for each chain: scripts of other folders,
# other tasks of an array and later chains have their own.
chain_ended() {
    local chain code found=1
    if [[ -z ${DCPG_CHAIN-} || ! -e $1/chains.ended ]]; then return 1; fi
    while read -r chain code; do
        if [[ $chain == "$DCPG_CHAIN" ]]; then found=0 && echo "$code"; fi
    done <"$1/chains.ended"
    return $found
}

# last_checkpoint OUT: its name, if there is any.
last_checkpoint() {
    local file last=''
    for file in "${1%/}"/checkpoints/checkpoint-*.h5; do
        if [[ -e $file ]]; then last=$file; fi
    done
    echo "$last"
}

# Puts this job back into the queue, unless somebody is cancelling it. Where it cannot be put there,
# says how to go on.
requeue_slurm() {
    local job state='' answer attempt
    for attempt in 1 2 3; do # the controller may be busy, or another one taking over
        if read -r job state < <(slurm_job '%i %T'); then break; fi
        sleep "$attempt"
    done
    answer="the job is ${state:-unknown to squeue}"
    if [[ $state == RUNNING ]]; then
        for attempt in 1 2 3; do
            if answer=$(scontrol requeue "$job" 2>&1); then
                echo "$(date '+%F %T') requeued"
                return
            fi
            # Never for jobs of sbatch --no-requeue, or where JobRequeue=0.
            if [[ $attempt == 3 || $answer == *disabled* ]]; then break; fi
            sleep 2
        done
    fi
    echo "not requeued ($answer); to go on, submit the same script again:" \
        "sbatch${SLURM_ARRAY_TASK_ID:+ --array=$SLURM_ARRAY_TASK_ID} $(slurm_script)"
}

# The script of this job as sbatch was given it; it runs as a copy.
slurm_script() {
    local script
    script=$(scontrol show job "$SLURM_JOB_ID" 2>/dev/null | sed -n 's/^ *Command=//p' | head -n 1) || true
    echo "${script:-SCRIPT}"
}

# ---- Time limits of PBS, which warns nobody but by TERM, and mpirun answers that by killing the ranks. ----

# limit_time: leaves in the array time_options the option --max_time,
# with which the program saves before PBS ends the job.
limit_time() {
    local hours
    hours=$(max_time) || exit
    time_options=()
    if [[ -n $hours ]]; then time_options=(--max_time "$hours"); fi
}

# max_time: the hours that are left for training, nothing where the job has no limit. qstat is asked, for the
# walltime may have been changed by qsub -l; where that fails, the setting holds.
max_time() {
    local limit='' whole keep left status=0
    if type -P qstat >/dev/null; then
        limit=$(timeout 30 qstat -f "${PBS_JOBID-}" 2>/dev/null |
            sed -n 's/^ *Resource_List\.walltime = *//p') || true
    fi
    limit=${limit:-$walltime}
    [[ $limit == *[![:space:]]* ]] ||
        die 'how long the job may run is not known: set walltime= to what is asked for with -l walltime,' \
            'or to unlimited'
    whole=$(seconds_of "$limit") || status=$?
    if [[ $status != 0 ]]; then
        echo "walltime=$limit is no time (H:M:S, D:H:M:S, seconds): no limit is taken from it" >&2
    fi
    if [[ -z $whole || $whole == 0 ]]; then return; fi
    keep=$(seconds_of "$reserve") && [[ -n $keep ]] ||
        die "reserve=$reserve: seconds of the walltime to leave unused"
    if ((keep >= whole)); then
        keep=$((whole / 2))
        echo "reserve=$reserve is not less than the walltime of $whole s: $keep s are left unused" >&2
    fi
    left=$((whole - SECONDS - keep))
    if ((left < 1)); then left=1; fi
    printf '%d.%06d\n' $((left / 3600)) $((left % 3600 * 1000000 / 3600))
}

# seconds_of TIME: what PBS (seconds, M:S, H:M:S, D:H:M:S) and SLURM (D-H, D-H:M, D-H:M:S) call a time limit,
# in seconds; nothing for their words for no limit. Fails where it is neither.
seconds_of() {
    local time=${1//[[:space:]]/} days=0 seconds=0 part parts units
    case ${time,,} in unlimited | infinite | infinity | not_set | none | n/a | -1) return ;; esac
    [[ $1 =~ ^[[:space:]]*[0-9:.-]+[[:space:]]*$ ]] || return 1
    if [[ $time =~ ^([0-9]{1,8})-([0-9]{1,8}(:[0-9]{1,8}){0,2})$ ]]; then
        days=${BASH_REMATCH[1]} time=${BASH_REMATCH[2]} units=(3600 60 1)
    elif [[ $time =~ ^([0-9]{1,10}(:[0-9]{1,8}){0,3})(\.[0-9]*)?$ ]]; then
        time=${BASH_REMATCH[1]}
        parts=${time//[!:]/}
        units=(86400 3600 60 1)
        units=("${units[@]:3-${#parts}}")
    else
        return 1
    fi
    IFS=: read -ra parts < <(echo "$time")
    for part in "${!parts[@]}"; do seconds=$((seconds + units[part] * 10#${parts[part]})); done
    seconds=$((seconds + 86400 * 10#$days))
    # No queue is that long (a hundred years).
    if ((seconds < 3153600000)); then echo "$seconds"; fi
}
