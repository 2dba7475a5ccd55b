# shellcheck shell=bash
# What job scripts share: environment for MPI, thread counts, building and finding dcpg. Source it: source path/to/jobs/lib.sh

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

# mpi_environment RANKS: what Open MPI needs to start RANKS ranks on this one machine, and OMP_NUM_THREADS so that threads fill its cores.
mpi_environment() {
    local ranks=$1 cores
    cores=$(cores)
    if [[ $(id -u) == 0 ]]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
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
