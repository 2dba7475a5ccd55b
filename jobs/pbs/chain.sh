#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Submits a training job several times, each link to start when the one before is over,
# for trainings longer than a queue allows:
#   bash jobs/pbs/chain.sh LINKS jobs/pbs/train.pbs [options of qsub, but -v and -W]
# A link goes on from the last checkpoint. Once training has ended, well or not,
# the links that are left end at once.
set -euo pipefail
# shellcheck source=../lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

(($# >= 2)) && [[ $1 =~ ^[1-9][0-9]*$ && -r $2 ]] ||
    die 'usage: bash jobs/pbs/chain.sh LINKS SCRIPT [options of qsub]'
links=$1 script=$2
shift 2

for word; do
    [[ $word != -[vW]* ]] ||
        die "$word: chain.sh itself needs -v and -W; a line '#PBS -W ...' in $script does for the rest"
done

# The links know each other by this name: the one that ends the training leaves it in
# the training's folder (lib.sh, chain_ended).
chain=$(date +%Y%m%d-%H%M%S)-$$-$RANDOM
after=()
for ((link = 1; link <= links; link++)); do
    id=$(qsub "$@" -v "DCPG_CHAIN=$chain" "${after[@]}" "$script") ||
        die "qsub refused link $link of $links; those before it are submitted"
    id=${id##*$'\n'} # some sites' qsub has more to say
    after=(-W "depend=afterany:$id")
    echo "link $link: $id"
done
