#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Hosts with networks of their own on this one machine: a network namespace each, joined by links of a bridge
# that has a namespace to itself, so that the machine's network is left alone and two tests never meet.
# What ranks on different hosts say to each other crosses
# TCP links. Needs root and iproute2.
#   netns.sh up HOSTS      makes node1, node2, ...; NETNS names them apart from those of other tests,
#                          and is set for all that follows
#   netns.sh slow HOST     limits the rate of its link and adds latency, as far as the kernel can;
#                          prints what it does
#   netns.sh link HOST up|down
#   netns.sh sent HOST     bytes that HOST has sent
#   netns.sh on HOST COMMAND...
#   netns.sh rsh [options] HOST COMMAND...   the same as ssh would: in $HOME,
#                          without the caller's variables (agent of mpirun)
#   netns.sh down          removes the hosts, and ends what still runs on them
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
: "${NETNS:?a short name}"
hosts_file=/run/$NETNS-hosts
verb=$1
shift

case $verb in
up)
    echo '127.0.0.1 localhost' >"$hosts_file"
    for ((i = 1; i <= $1; i++)); do echo "10.77.0.$i node$i" >>"$hosts_file"; done
    ip netns add "$NETNS-bridge"
    ip -n "$NETNS-bridge" link add br0 type bridge
    ip -n "$NETNS-bridge" link set br0 up
    for ((i = 1; i <= $1; i++)); do
        ns=$NETNS-node$i
        ip netns add "$ns"
        ip -n "$NETNS-bridge" link add "port$i" type veth peer name eth0 netns "$ns"
        ip -n "$NETNS-bridge" link set "port$i" master br0 up
        ip -n "$ns" link set lo up
        ip -n "$ns" addr add "10.77.0.$i/24" dev eth0
        ip -n "$ns" link set eth0 up
    done
    ;;
slow)
    for shape in 'netem delay 1ms rate 1gbit' 'tbf rate 1gbit burst 256kb latency 50ms'; do
        # shellcheck disable=SC2086 # words
        if tc -n "$NETNS-$1" qdisc add dev eth0 root $shape 2>/dev/null; then
            echo "$shape"
            exit
        fi
    done
    echo 'nothing: this kernel has neither netem nor tbf'
    ;;
link) ip -n "$NETNS-bridge" link set "port${1#node}" "$2" ;;
sent) ip netns exec "$NETNS-$1" cat /sys/class/net/eth0/statistics/tx_bytes ;;
on)
    # ip netns exec gives its command mounts of its own, so the hosts file is seen by it alone.
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec ip netns exec "$NETNS-$1" unshare --uts sh \
        -c 'mount --bind "$0" /etc/hosts && hostname "$1" && shift && exec "$@"' "$hosts_file" "$@"
    ;;
rsh)
    while [[ $1 == -* ]]; do shift; done
    host=$1
    shift
    cd "${HOME:-/}"
    exec env -i HOME="${HOME:-/}" PATH="$PATH" NETNS="$NETNS" "$0" on "$host" sh -c "$*"
    ;;
down)
    for ns in $(ip netns list | cut -d ' ' -f 1 | grep -E "^$NETNS-(bridge|node[0-9]+)$"); do
        ip netns pids "$ns" | xargs -r kill -KILL 2>/dev/null || true
        ip netns del "$ns"
    done
    rm -f "$hosts_file"
    ;;
*) exit 2 ;;
esac
