# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A private SLURM on this one machine: munged, slurmctld and a slurmd per node, each node with a host name of
# its own so that MPI sees several hosts. Sourced. Needs root. No system service,
# file or port is shared with another SLURM.
#   slurm_start NODES CPUS    exports SLURM_CONF and what MPI needs here;
#                             CPUS is what each node claims to have
#   slurm_stop                ends all of it and removes its files; may be called at any time

slurm_dir=''
PATH=$PATH:/usr/sbin:/sbin

# free_ports N: the first of N neighbouring TCP ports that nobody listens on.
free_ports() {
    local first port
    while :; do
        first=$((20000 + RANDOM % 12000))
        for ((port = first; port < first + $1; port++)); do
            if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
        done
        echo "$first"
        return
    done
}

# write_slurm_conf NODES CPUS
write_slurm_conf() {
    local nodes=$1 cpus=$2 port i
    port=$(free_ports $((nodes + 1)))
    cat <<END
ClusterName=test
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
# A requeued job waits for cred_expire seconds; the default is 120.
AuthInfo=socket=$slurm_dir/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$slurm_dir/ctld
SlurmctldPidFile=$slurm_dir/slurmctld.pid
SlurmctldLogFile=$slurm_dir/slurmctld.log
SlurmdSpoolDir=$slurm_dir/%n
# Where mpi/pmix makes its folders: nodes must not share them.
TmpFS=$slurm_dir/%n/tmp
SlurmdPidFile=$slurm_dir/slurmd-%n.pid
SlurmdLogFile=$slurm_dir/slurmd-%n.log
# No cgroups and no binding, for containers; the nodes share this machine's cores anyway.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=0
SchedulerParameters=bf_interval=1,sched_min_interval=0,sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
KillWait=2
MessageTimeout=10
InactiveLimit=0
MinJobAge=3600
SlurmdParameters=config_overrides
PartitionName=test Nodes=ALL Default=YES MaxTime=01:00:00 State=UP
END
    for ((i = 1; i <= nodes; i++)); do
        echo "NodeName=node$i NodeHostname=node$i NodeAddr=127.0.0.1" \
            "Port=$((port + i)) CPUs=$cpus State=UNKNOWN"
    done
}

slurm_start() {
    local nodes=$1 i
    # Sockets below it: a short path without blanks, whatever TMPDIR is. munged wants it open to all.
    slurm_dir=$(mktemp -d /tmp/dcpg-slurm.XXXXXX)
    chmod 755 "$slurm_dir"
    mkdir -p "$slurm_dir"/{munge,ctld}
    for ((i = 1; i <= nodes; i++)); do mkdir -p "$slurm_dir/node$i/tmp"; done
    write_slurm_conf "$@" >"$slurm_dir/slurm.conf"
    # Named, not detected: slurmd then starts where no cgroups are mounted.
    echo 'CgroupPlugin=cgroup/v1' >"$slurm_dir/cgroup.conf"
    export SLURM_CONF=$slurm_dir/slurm.conf
    # Host names of the nodes are known to nobody: only addresses of this machine are used.
    export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
    # The nodes are one machine with one /dev/shm, in which Open MPI now and then does not find the file of a
    # neighbour and crashes: through TCP, as between real nodes, all the way.
    export OMPI_MCA_btl=self,tcp

    (umask 077 && head -c 128 /dev/urandom >"$slurm_dir/munge/key")
    munged --key-file="$slurm_dir/munge/key" --socket="$slurm_dir/munge/socket" \
        --pid-file="$slurm_dir/munge.pid" \
        --log-file="$slurm_dir/munge/log" --seed-file="$slurm_dir/munge/seed"
    slurmctld -i
    for ((i = 1; i <= nodes; i++)); do slurm_node "node$i"; done
    for ((i = 0; i < 150; i++)); do
        if [[ $(sinfo -h -N -o %T 2>/dev/null | grep -c -x idle) == "$nodes" ]]; then return; fi
        sleep 0.2
    done
    tail -n 5 "$slurm_dir"/*.log >&2
    return 1
}

# slurm_node NAME: starts a node, again where it was stopped.
slurm_node() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --uts sh -c 'hostname "$0" && exec slurmd -N "$0"' "$1"
}

slurm_stop() {
    [[ -n $slurm_dir ]] || return 0
    local conf=$slurm_dir/slurm.conf file pids
    SLURM_CONF=$conf timeout 5 scancel --user=root 2>/dev/null
    unset SLURM_CONF # of what is started from here on, or it would find itself below
    for file in "$slurm_dir"/slurmd-*.pid "$slurm_dir/slurmctld.pid" "$slurm_dir/munge.pid"; do
        if [[ -s $file ]]; then end_process "$(cat "$file")"; fi
    done
    # Job steps whose slurmd is gone: they carry our configuration file's name.
    pids=$(grep -lszx "SLURM_CONF=$conf" /proc/[0-9]*/environ | cut -d / -f 3)
    # shellcheck disable=SC2086 # words
    [[ -z $pids ]] || kill -KILL $pids 2>/dev/null
    rm -rf "$slurm_dir"
    slurm_dir=''
}

# end_process PID: TERM, and KILL where that is not heeded for 5 s.
end_process() {
    local i
    kill "$1" 2>/dev/null || return 0
    for ((i = 0; i < 50; i++)); do
        # One that nobody has waited for does not count.
        grep -qs '^State:[[:space:]]*[^XZ]' "/proc/$1/status" || return 0
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
}
