#!/usr/bin/env bash
# Submits a training job several times, each link to start when the one before is over, for trainings longer than a queue allows:
#   bash jobs/pbs/chain.sh LINKS jobs/pbs/train.pbs [options of qsub, but -v and -W]
# A link goes on from the last checkpoint. Once training has ended, well or not, the links that are left end at once.
set -euo pipefail
# shellcheck source=../lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

(($# >= 2)) && [[ $1 =~ ^[1-9][0-9]*$ && -r $2 ]] || die 'usage: bash jobs/pbs/chain.sh LINKS SCRIPT [options of qsub]'
links=$1 script=$2
shift 2

# The job that ends the training leaves its exit code here (train_or_requeue in jobs/lib.sh).
ended=$PWD/$(basename "$script").ended
[[ $ended != *[,\'\"\\]* ]] || die "$ended: qsub cannot pass on a path with commas, quotes or backslashes"
rm -f "$ended" "$ended"-*

after=()
for ((link = 1; link <= links; link++)); do
    id=$(qsub "$@" -v "DCPG_CHAIN=$ended" "${after[@]}" "$script")
    after=(-W "depend=afterany:$id")
    echo "link $link: $id"
done
