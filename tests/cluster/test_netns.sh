#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ranks on hosts with networks of their own: gradients cross TCP links, slow ones,
# and the weights are those of one process, bit for bit.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root 'network namespaces'
need ip tc unshare
hosts_up 3
for host in node1 node2 node3; do echo "link of $host: $("$here/netns.sh" slow "$host")"; done

simulate
make_store
short=("${training[@]}" --nb_epoch 3)
quietly "$dcpg" train store.h5 "${short[@]}" --out_dir straight

# train HOSTS RANKS OUT [options...]
train() {
    local hosts=$1 ranks=$2 out=$3
    shift 3
    quietly on_host node1 mpirun --mca plm_rsh_agent "$agent" -x OMP_NUM_THREADS --host "$hosts" \
        -n "$ranks" "$dcpg" train store.h5 "${short[@]}" "$@" --out_dir "$out"
}

# Every host but the first sends its share of the gradients in every step:
# at least as many bytes as there are parameters.
parameters=$(sed -nE 's/.* ([0-9]+) parameters$/\1/p' "$work/last.log")
sites=$(sed -nE 's/^training on ([0-9]+) sites.*/\1/p' "$work/last.log")
steps=$((3 * (sites / 60)))
for case in 'node1:1,node2:1 2' 'node1:2,node2:2 4' 'node1:1,node2:1,node3:1 3'; do
    read -r hosts ranks <<<"$case"
    before=$("$here/netns.sh" sent node2)
    train "$hosts" "$ranks" "on $ranks"
    nb=$(tr ',' '\n' <<<"$hosts" | wc -l)
    grep -q "^$nb hosts alike, node1 to node$nb: " "$work/last.log" || fail "not on $nb hosts: $hosts"
    sent=$(($("$here/netns.sh" sent node2) - before))
    echo "$hosts: node2 sent $sent bytes"
    ((sent > steps * parameters)) ||
        fail "gradients did not cross the link: $sent bytes in $steps steps of $parameters parameters"
    same_training straight "on $ranks"
done

# A host that falls silent: the others name its rank and end. mpirun needs the host once more,
# to end what runs there.
on_host node1 timeout 60 mpirun --mca plm_rsh_agent "$agent" -x OMP_NUM_THREADS --host node1:1,node2:1 \
    -n 2 "$dcpg" train store.h5 "${training[@]}" --nb_epoch 100000 --stall_timeout 3 \
    --out_dir silent >silent.log 2>&1 &
running=$!
wait_until 30 'an epoch' epochs silent 1
"$here/netns.sh" link node2 down
wait_until 30 'the silent rank is named' grep -q 'rank 1 on host node2 has stalled' silent.log
"$here/netns.sh" link node2 up
code=0
wait $running || code=$?
[[ $code != 0 && $code != 124 ]] || fail "exit code $code of a job that lost a host"
