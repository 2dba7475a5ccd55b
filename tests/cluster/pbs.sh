#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a PBS job here and now, in the surroundings that OpenPBS 23.06 gives to one: a copy of the script,
# started by a login shell in $HOME, with none of the caller's variables but the PBS_* ones and those of -v;
# a node file; qstat; TERM to every process of the session at the walltime and KILL 10 s later. (PBS itself is
# in no package.)
#   pbs.sh [-n] [-i ID] [-a ARRAY_INDEX] [-l select=N:ncpus=C:mpiprocs=P:ompthreads=T]
#          [-l walltime=H:M:S] [-v NAME=VALUE]... [-h HOST] SCRIPT
# -l stands above what the script's own lines say. Hosts are node1, node2, ..., or all of them HOST. -n:
# without qstat. Output goes to stdout, after a line with the session's number (for qsig).
# Ends with the job's exit code, or 15 where the walltime ended it.
set -euo pipefail
die() { echo "pbs.sh: $*" >&2; exit 2; }

id=1.server index='' host='' select='' walltime='' added=() ask=1
while getopts ni:a:l:v:h: option; do
    case $option${OPTARG-} in
    n) ask='' ;;
    i*) id=$OPTARG ;;
    a*) index=$OPTARG ;;
    lselect=*) select=${OPTARG#*=} ;;
    lwalltime=*) walltime=${OPTARG#*=} ;;
    v*) added+=("$OPTARG") ;;
    h*) host=$OPTARG ;;
    *) die "-$option $OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
script=$1
directive() { sed -nE "s/^#PBS +$1//p" "$script" | head -n 1; }
select=${select:-$(directive '-l +select=')}
walltime=${walltime:-$(directive '-l +walltime=')}
[[ $select =~ ^[0-9]+: && $walltime =~ ^[0-9]+:[0-9]+:[0-9]+$ ]] ||
    die "$script: select=$select, walltime=$walltime"
[[ -z $index || -n $(directive '-J') ]] || die "$script is no job array"
part() { tr : '\n' <<<"$select" | sed -n "s/^$1=//p"; }
name=$(directive '-N +')
ncpus=$(part ncpus) procs=$(part mpiprocs) threads=$(part ompthreads)
seconds=$(awk -F: '{ print ($1 * 60 + $2) * 60 + $3 }' <<<"$walltime")

spool=$(mktemp -d /tmp/dcpg-pbs.XXXXXX)
trap 'rm -rf "$spool"' EXIT
mkdir -p "$spool/tmp" "$spool/home"
for ((node = 1; node <= ${select%%:*}; node++)); do
    for ((i = 0; i < ${procs:-1}; i++)); do echo "${host:-node$node}"; done
done >"$spool/nodes"
# A home of its own, whose profile knows where the commands of PBS are.
# This one tells what a job asks about itself.
# shellcheck disable=SC2016 # expanded by the shell that reads it
echo 'PATH=$PATH:$HOME' >"$spool/home/.bash_profile"
cat >"$spool/home/qstat" <<END
#!/bin/sh
[ "\$1" = -f ] && [ "\$2" = "\$PBS_JOBID" ] || exit 1
printf 'Job Id: %s\n    Job_Name = job\n    resources_used.walltime = 00:00:01\n' "\$2"
printf '    Resource_List.walltime = $walltime\n    job_state = R\n'
END
if [[ -n $ask ]]; then chmod +x "$spool/home/qstat"; fi
if [[ -n $index ]]; then
    id="${id%%.*}[$index].server"
    added+=("PBS_ARRAY_INDEX=$index" "PBS_ARRAY_ID=${id%%[*}[].server")
fi
cp "$script" "$spool/$id.SC"

signal_all() { pkill "-$1" --session "$session" || true; }
# Nothing of the job outlives this script.
trap 'signal_all KILL; rm -rf "$spool"' EXIT
trap 'exit 143' TERM INT HUP

workdir=$PWD
export HOME=$spool/home
cd "$HOME"
setsid env -i HOME="$HOME" USER="$(id -un)" LOGNAME="$(id -un)" SHELL=/bin/bash LANG="${LANG:-C}" \
    PATH=/usr/local/bin:/usr/bin:/bin \
    NCPUS="${ncpus:-1}" OMP_NUM_THREADS="${threads:-${ncpus:-1}}" TMPDIR="$spool/tmp" \
    PBS_ENVIRONMENT=PBS_BATCH PBS_JOBID="$id" PBS_JOBNAME="$name" PBS_JOBDIR="$HOME" PBS_JOBCOOKIE=0 \
    PBS_MOMPORT=15003 PBS_NODEFILE="$spool/nodes" PBS_NODENUM=0 PBS_TASKNUM=1 PBS_QUEUE=workq \
    PBS_O_QUEUE=workq PBS_O_HOST="$(hostname)" \
    PBS_O_HOME="$HOME" PBS_O_LOGNAME="$(id -un)" PBS_O_PATH="$PATH" PBS_O_SHELL=/bin/bash PBS_O_SYSTEM=Linux \
    PBS_O_LANG="${LANG:-C}" PBS_O_WORKDIR="$workdir" "${added[@]}" bash -l "$spool/$id.SC" 2>&1 &
session=$!
echo "session $session"

over() { ! kill -0 "$session" 2>/dev/null; }
end=$((SECONDS + seconds)) killed=''
until over || ((SECONDS >= end)); do sleep 0.2; done
if ! over; then
    killed=15
    echo "=>> PBS: job killed: walltime $seconds exceeded limit"
    signal_all TERM
    end=$((SECONDS + 10))
    until over || ((SECONDS >= end)); do sleep 0.2; done
    signal_all KILL
fi
code=0
wait "$session" 2>/dev/null || code=$?
exit "${killed:-$code}"
