#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A scaling study that can be repeated and believed.   bash bench/scaling/study.sh [options]; see --help
# Job scripts (jobs/slurm/scaling.sbatch, jobs/pbs/scaling.pbs) set the variables below, source this file and
# call scaling_study. Every run of the program leaves one line in OUT/raw.jsonl; what is there already is not
# run again, so that a study that was interrupted goes on. bench/scaling/report.py makes tables, figures and
# the summary of it.

# shellcheck source=../../jobs/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../../jobs/lib.sh"
study_home=$dcpg_home/bench/scaling

# ---- settings, and what they are where a job script does not set them
study_settings=(out kinds store options ranks layouts batch cells cells_options cells_work io_cells genome
    warmup steps launches limit network again)
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then unset threads "${study_settings[@]}"; fi
threads=${threads:-1}
out=${out:-scaling}
[[ -v kinds ]] || kinds=(strong weak layouts cells io)
store=${store:-} # for strong, weak, layouts; empty: simulated cells
[[ -v options ]] || options=(--dna_model CnnL2h128 --cpg_model RnnL1)
[[ -v ranks ]] || ranks=(1)             # strong and weak
[[ -v layouts ]] || layouts=()          # RANKSxTHREADS; empty: those that fill one host
# Sites of a step: strong and layouts; weak: with the most ranks, fewer in proportion with fewer.
batch=${batch:-128}
[[ -v cells ]] || cells=(20 200 2000 5000)
[[ -v cells_options ]] || cells_options=(--cpg_model RnnL1)
cells_work=${cells_work:-25600}         # sites x cells of a step in `cells`, which has at most `batch` sites
io_cells=${io_cells:-200}
genome=${genome:-3000000}               # bases of the simulated genome, for 20 cells; shorter with more
warmup=${warmup:-5} steps=${steps:-50} launches=${launches:-5}
limit=${limit:-1800}                    # seconds after which a run counts as failed
network=${network:-}                    # Gbit/s of a host, for the upper bound; empty: what the system says
again=${again:-}                        # yes: run failed ones again
# ----

study_usage() {
    cat <<'END'
usage: bash bench/scaling/study.sh [options]

Measures how training scales on this machine, or in this job: strong and weak scaling, ranks x threads,
numbers of cells, I/O.
Run again with the same options it goes on where it was interrupted.

  --out DIR            folder of the study [scaling]
  --kinds "K ..."      of strong weak layouts cells io [all]
  --store FILE         store for strong, weak and layouts [simulated cells]
  --options "O ..."    model and other options of dcpg train [--dna_model CnnL2h128 --cpg_model RnnL1]
  --ranks "N ..."      ranks of strong and weak scaling [1 2 4 ... cores]
  --threads N          threads of a rank in all but layouts [1]
  --layouts "RxT ..."  ranks x threads [those that fill this machine]
  --batch N            sites of a step, over all ranks; weak: with the most ranks [128]
  --cells "N ..."      numbers of cells [20 200 2000 5000]
  --cells_work N       sites x cells of a step of these [25600]
  --launches N, --steps N, --warmup N   [5, 50 timed, 5 thrown away]
  --limit S            seconds after which a run counts as failed [1800]
  --network G          Gbit/s of a host, for the upper bound [what the system says]
  --again              run again what failed
  --small              a study of less than 15 minutes on 2 cores, by all rules: 1 and 2 ranks,
                       1x1 1x2 2x1 2x2, all cells
  --quick              a test of the study itself, in seconds: too few steps and launches to be believed
END
}

study_options() {
    local cores n
    cores=$(cores)
    ranks=() layouts=()
    for ((n = 1; n <= cores; n *= 2)); do ranks+=("$n"); done
    while (($#)); do
        case $1 in
        -h | --help) study_usage && exit 0 ;;
        --again) again=yes ;;
        --small)
            ranks=(1 2) layouts=(1x1 1x2 2x1 2x2) cells_work=5120 genome=2000000
            options=(--dna_model CnnL2h128 --dna_wlen 501 --cpg_model RnnL1)
            ;;
        --quick)
            ranks=(1 2) layouts=(1x1 2x1) cells=(3 6) io_cells=3 cells_work=48 batch=16 genome=60000
            warmup=1 steps=4 launches=2 limit=120
            options=(--dna_model 'conv[8@11]_mp[4]_fc[8]' --dna_wlen 51 --cpg_model FcAvg)
            cells_options=(--cpg_model FcAvg)
            ;;
        --*)
            (($# > 1)) || die "$1 wants a value; see --help"
            case $1 in
            --out) out=$2 ;;
            --store) store=$2 ;;
            --threads) threads=$2 ;;
            --batch) batch=$2 ;;
            --cells_work) cells_work=$2 ;;
            --launches) launches=$2 ;;
            --steps) steps=$2 ;;
            --warmup) warmup=$2 ;;
            --limit) limit=$2 ;;
            --network) network=$2 ;;
            --kinds) read -ra kinds <<<"$2" ;;
            --ranks) read -ra ranks <<<"$2" ;;
            --layouts) read -ra layouts <<<"$2" ;;
            --cells) read -ra cells <<<"$2" ;;
            --options) split_words "$2" && options=("${words[@]}") ;;
            *) die "unknown option $1; see --help" ;;
            esac
            shift
            ;;
        *) die "'$1' belongs to no option; see --help" ;;
        esac
        shift
    done
}

study_check() {
    local value
    local numbers=("$batch" "$cells_work" "$launches" "$steps" "$limit" "$genome" "$io_cells")
    python=$(type -P python3) || die 'python3 is needed (no packages): load a module that has it'
    for value in "${numbers[@]}" "${ranks[@]}" "${cells[@]}"; do
        [[ $value =~ ^[1-9][0-9]*$ ]] ||
            die "'$value' is no number above 0, among ranks, cells, batch, cells_work, launches, steps, limit"
    done
    [[ $warmup =~ ^[0-9]+$ ]] || die "warmup=$warmup: a number of steps"
    for value in "${kinds[@]}"; do
        [[ $value =~ ^(strong|weak|layouts|cells|io)$ ]] ||
            die "kind $value: strong, weak, layouts, cells or io"
    done
    most=$(printf '%s\n' "${ranks[@]}" | sort -n | tail -n 1)
    fill_layouts
    for value in "${layouts[@]}"; do
        [[ $value =~ ^[1-9][0-9]*x[1-9][0-9]*$ ]] || die "layout $value: RANKSxTHREADS, such as 2x16"
    done
    # Leaves of the summation tree: the same for all runs whose weights are compared.
    leaves=$(printf '%s\n' 8 "$most" "${layouts[@]%x*}" | sort -n | tail -n 1)
    ((batch >= leaves)) ||
        die "batch=$batch is less than the $leaves virtual ranks: it must have a site for each"
}

# Cores of a host in this job, by what was asked for, or of this machine.
host_cores() {
    if [[ -n ${SLURM_JOB_ID-} ]]; then
        echo $((${SLURM_NTASKS_PER_NODE:-1} * ${SLURM_CPUS_PER_TASK:-1}))
    else
        cores
    fi
}

# Ranks x threads that fill one host, from one thread a rank to one rank; and one rank with one thread.
fill_layouts() {
    local n all
    ((${#layouts[@]} == 0)) || return 0
    all=$(host_cores)
    layouts=(1x1)
    for ((n = 1; n <= all; n *= 2)); do
        if ((all % n == 0 && all > 1)); then layouts+=("$((all / n))x$n"); fi
    done
}

# ---- input

# simulated CELLS: makes $out/input/CELLS.h5 where it is not there.
simulated() {
    local n=$1 length folder=$out/input start profiles
    [[ ! -e $folder/$n.h5 ]] || return 0
    length=$((genome * 20 / (n > 20 ? n : 20) / 3))
    # Some thousand sites for any number of cells.
    if ((length < 70000)); then length=$((genome < 210000 ? genome / 3 : 70000)); fi
    rm -rf "${folder:?}/$n"
    start=(start_ranks "$most" "$threads" "$folder/$n.log" "$dcpg")
    "$dcpg" simulate --out_dir "$folder/$n" --nb_chromo 3 --chromo_len "$length" --nb_cell "$n" \
        --no_cell_truth --seed 1 >"$folder/$n.log" 2>&1 &&
        profiles=("$folder/$n"/cpg/*.tsv.gz) &&
        list_profiles "$folder/$n/profiles.tsv" &&
        "${start[@]}" data --cpg_profiles "${profiles[@]}" \
            --dna_files "$folder/$n/dna" --out_file "$folder/$n.new" ||
        { tail -n 5 "$folder/$n.log" >&2; die "no input of $n cells, see $folder/$n.log"; }
    mv "$folder/$n.new" "$folder/$n.h5"
}

make_input() {
    local n
    mkdir -p "$out"/{input,logs,scratch}
    heading "Input"
    if [[ -z $store ]]; then
        simulated 20
        store=$out/input/20.h5
    fi
    [[ -e $store ]] || die "store=$store: no such file"
    for n in "${cells[@]}"; do if planned cells; then simulated "$n"; fi; done
    if planned io; then simulated "$io_cells"; fi
    (cd "$out/input" && sha256sum -- *.h5 2>/dev/null) >"$out/input.sha256" || true
    if [[ $store != "$out"/input/* ]]; then
        echo "$(sha256sum <"$store" | cut -d ' ' -f 1)  $(basename "$store")" >>"$out/input.sha256"
    fi
    cat "$out/input.sha256"
}

# ---- plan: what is run, and which points of which kind it is for

planned() { [[ " ${kinds[*]} " == *" $1 "* ]]; }

# add KIND RUN RANKS THREADS BATCH LEAVES STORE: a point. Points with the same settings share their runs.
add() { printf '%s\t' "$1" "$2" "$3" "$4" "$5" "$6" && echo "$7"; }

list_points() {
    local n t sites
    local tree=$leaves t_one=$threads
    if planned strong; then
        for n in "${ranks[@]}"; do
            add strong "train-${n}x$t_one-$batch-$tree" "$n" "$t_one" "$batch" "$tree" "$store"
        done
    fi
    if planned weak; then
        for n in "${ranks[@]}"; do
            sites=$((batch * n / most > n ? batch * n / most : n))
            add weak "train-${n}x$threads-$sites-$n" "$n" "$threads" "$sites" "$n" "$store"
        done
    fi
    if planned layouts; then
        for t in "${layouts[@]}"; do
            add layouts "train-$t-$batch-$tree" "${t%x*}" "${t#*x}" "$batch" "$tree" "$store"
        done
    fi
    if planned cells; then
        for n in "${cells[@]}"; do
            sites=$((cells_work / n < batch ? cells_work / n : batch))
            sites=$((sites > most ? sites / most * most : most))
            add cells "cells-$n-${most}x$t_one-$sites" "$most" "$t_one" "$sites" "$most" "$out/input/$n.h5"
        done
    fi
    if planned io; then
        for n in data load resume; do
            for t in cold warm; do
                add io "$n-$t-${most}x$t_one" "$most" "$t_one" "$batch" "$tree" "$out/input/$io_cells.h5"
            done
        done
    fi
}

# Runs of one study must not differ in anything but what the plan says.
same_settings() {
    local new=$out/settings.new
    {
        echo "program $(sha256sum <"$dcpg" | cut -d ' ' -f 1)"
        printf 'options'; printf ' %q' "${options[@]}"; echo
        printf 'cells options'; printf ' %q' "${cells_options[@]}"; echo
        echo "steps $warmup $steps"
        sed 's/^/input /' "$out/input.sha256"
    } >"$new"
    if [[ -e $out/settings && -s $out/raw.jsonl ]] && ! diff "$out/settings" "$new" >&2; then
        rm "$new"
        die "$out holds a study with other settings (< there, > now): choose another folder, or remove it"
    fi
    mv "$new" "$out/settings"
}

# ---- running

# start_ranks RANKS THREADS LOG PROGRAM WORDS...: its output goes to LOG. A run that takes too long is ended.
start_ranks() {
    local n=$1 threads=$2 log=$3 starter
    local mpirun_options=("${mpirun_template[@]//@threads@/$2}")
    shift 3
    export OMP_NUM_THREADS=$threads
    if [[ -n ${SLURM_JOB_ID-} ]]; then
        export SLURM_NTASKS_PER_NODE=$((first_host_cores > threads ? first_host_cores / threads : 1))
    fi
    starter_for "$n"
    timeout --kill-after=20 "$limit" "${starter[@]}" "$@" >"$log" 2>&1
}

# helper LOG WORDS...: report.py on every host of the job.
helper() {
    local log=$1
    shift
    if [[ -n ${SLURM_JOB_ID-}${PBS_NODEFILE-} ]]; then
        start_ranks "$most" "$threads" "$log" "$python" "$study_home/report.py" "$@"
    else
        "$python" "$study_home/report.py" "$@" >"$log" 2>&1
    fi
}

# caches STATE FILE...: empties or fills the page cache of every host with the files.
caches() {
    local state=$1
    shift
    helper "$out/scratch/caches.log" cache "$state" "$@" || {
        reason=$(tail -n 1 "$out/scratch/caches.log")
        return 1
    }
}

# perform RUN RANKS THREADS BATCH LEAVES STORE LOG: runs it once and returns its exit code. Times are in
# $out/scratch/times.json.
perform() {
    local name=$1 n=$2 t=$3 sites=$4 tree=$5 from=$6 log=$7 kind=${1%%-*} state profiles
    local model=$out/scratch/model times=$out/scratch/times.json
    local always=(--nb_epoch 1000 --early_stopping 0 --checkpoint_minutes 0 --keep_checkpoints 1
        --out_dir "$model" --batch_size "$sites" --virtual_ranks "$tree")
    local start=(start_ranks "$n" "$t" "$log" "$dcpg")
    local timed=(--profile "$times" --max_steps $((warmup + steps)) --timing_warmup_steps "$warmup")
    state=$(cut -d - -f 2 <<<"$name")
    rm -rf "$model" "$times" "$out/scratch/store.h5"
    case $kind in
    train) "${start[@]}" train "$from" "${options[@]}" "${always[@]}" "${timed[@]}" ;;
    cells) "${start[@]}" train "$from" "${cells_options[@]}" "${always[@]}" "${timed[@]}" ;;
    data)
        caches "$state" "${from%.h5}"/cpg "${from%.h5}"/dna || return 1
        profiles=("${from%.h5}"/cpg/*.tsv.gz)
        list_profiles "${from%.h5}/profiles.tsv"
        "${start[@]}" data --cpg_profiles "${profiles[@]}" --dna_files "${from%.h5}/dna" \
            --out_file "$out/scratch/store.h5"
        ;;
    load)
        caches "$state" "$from" || return 1
        "${start[@]}" train "$from" "${options[@]}" "${always[@]}" --max_steps 1 --profile "$times"
        ;;
    resume)
        "${start[@]}" train "$from" "${options[@]}" "${always[@]}" --max_steps 1 || return
        caches "$state" "$model/checkpoints" || return 1
        "${start[@]}" train --resume "$model" --max_steps 1 --profile "$times"
        ;;
    esac
}

# Whether there is time for another run, as long as the longest one.
time_is_left() {
    [[ -z ${SLURM_JOB_END_TIME-} ]] || ((SLURM_JOB_END_TIME - $(date +%s) > longest + 30))
}

# go_on_later WHY: ends the study for now.
go_on_later() {
    echo "$1: the study goes on where it is now when it is started again with the same settings"
    if [[ -n ${SLURM_JOB_ID-} && -z $interrupted ]]; then requeue_slurm; fi
    exit 85
}

# once RUN LAUNCH RANKS THREADS BATCH LEAVES STORE
once() {
    local name=$1 launch=$2 code=0 log=$out/logs/$1.$2.log started=$SECONDS reason=''
    ! grep -qF "{\"run\":\"$name\",\"launch\":$launch," "$out/raw.jsonl" || return 0
    time_is_left || go_on_later 'the job is nearly over'
    : >"$log"
    perform "$name" "${@:3}" "$log" || code=$?
    if [[ -n $interrupted || $code == 85 ]]; then go_on_later 'interrupted'; fi
    if ((code == 124 || code == 137)); then reason="not done within $limit s"; fi
    if ((code)) && [[ -z $reason ]]; then
        reason=$("$python" "$study_home/report.py" reason "$log" "$code")
    fi
    "$python" "$study_home/report.py" point "$out" "$name" "$launch" "${@:3:4}" "$(basename "$7")" "$log" \
        "$reason" >>"$out/raw.jsonl" ||
        die 'no line for the run, see above'
    if ((SECONDS - started > longest)); then longest=$((SECONDS - started)); fi
    printf '%4d s  launch %d of %d  %-28s %s\n' "$SECONDS" "$launch" "$launches" "$name" \
        "${reason:+FAILED: $reason}"
}

# Launches of all runs take turns, beginning with another one every time.
run_all() {
    local launch i n line
    mapfile -t lines < <(awk -F '\t' '!seen[$2]++' "$out/plan.tsv" | cut -f 2-)
    n=${#lines[@]}
    for ((launch = 1; launch <= launches; launch++)); do
        for ((i = 0; i < n; i++)); do
            line=${lines[(i + (launch - 1) * (n / launches + 1)) % n]}
            IFS=$'\t' read -r name n_ranks n_threads sites tree from <<<"$line"
            once "$name" "$launch" "$n_ranks" "$n_threads" "$sites" "$tree" "$from" </dev/null
        done
    done
}

# What the machine is, into $out/environment.json.
describe() {
    local log=$out/scratch/hosts.log
    helper "$log" host || true
    local commit mpi
    commit=$(git -C "$dcpg_home" describe --always --abbrev=12 --dirty --exclude='*' 2>/dev/null) ||
        commit=unknown
    mpi=$({ mpirun --version || srun --version; } 2>/dev/null | head -n 1) || true
    STUDY_LAUNCHER="$launcher ${mpirun_template[*]} ${srun_options[*]}" STUDY_NETWORK=$network \
        STUDY_OPTIONS=${options[*]} STUDY_VERSION=$("$dcpg" --version) STUDY_MPI=$mpi STUDY_COMMIT=$commit \
        "$python" "$study_home/report.py" environment "$out" "$log" "$launches" "$steps" "$warmup"
}

# The study, with the settings above, `dcpg` and `threads` of jobs/lib.sh.
scaling_study() {
    local mpirun_template=(${mpirun_options[@]+"${mpirun_options[@]}"})
    local first_host_cores interrupted='' longest=0
    study_check
    first_host_cores=$(host_cores)
    trap 'interrupted=yes' INT TERM
    make_input
    same_settings
    list_points >"$out/plan.tsv"
    touch "$out/raw.jsonl"
    "$python" "$study_home/report.py" mend "$out" "$again"
    describe
    heading "Runs: $(cut -f 2 "$out/plan.tsv" | sort -u | wc -l), $launches times each;" \
        "$warmup steps thrown away, $steps timed"
    run_all
    rm -rf "${out:?}/scratch"
    heading "$out/summary.md"
    "$python" "$study_home/report.py" report "$out"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
    study_options "$@"
    allow_root
    dcpg=$(find_dcpg)
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
    scaling_study
fi
