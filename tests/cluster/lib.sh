# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables for the tests
# Shared by the cluster tests: a trap that stops what was started, small data and a model,
# and job scripts with settings of the test.
# Sourced; see ../cmd/lib.sh for the rest.
# shellcheck source=../cmd/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jobs=$here/../../jobs
home=$(cd "$here/../.." && pwd)
export DCPG_PROGRAM=$dcpg

# Programs that the test starts are stopped by the functions named here, whatever way it ends.
stoppers=()
diagnose() { :; }
at_the_end() {
    local code=$? stopper
    set +e
    if [[ $code != 0 && $code != 77 ]]; then diagnose >&2; fi
    for stopper in "${stoppers[@]}"; do "$stopper"; done
    rm -rf "$work"
    exit "$code"
}
trap at_the_end EXIT
trap 'exit 130' INT TERM HUP

# Tests that cannot run here say so.
need_root() { [[ $(id -u) == 0 ]] || skip "needs root, for $1"; }
need() {
    local program
    for program in "$@"; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null ||
            skip "$program is missing: bash third_party/install.sh --tests"
    done
}

# A path with a blank is normal.
mkdir "$work/my run"
cd "$work/my run" || exit 1

# Simulated profiles and genome in sim/.
simulate() { quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 60000 --nb_cell 5 --seed 3; }
make_store() { quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file store.h5; }

# Options of a training that takes some seconds on a small machine, and settings of job scripts for it.
training=(--train_chromos 1 2 --val_chromos 3 --dna_model 'conv[16@11]_mp[4]_fc[16]_do' --dna_wlen 101
    --cpg_model 'fc[32]_bgru[24]_do' --cpg_wlen 10 --joint_model 'fc[16]_do' --batch_size 60
    --learning_rate 0.003 --dropout 0.1 --early_stopping 0 --nb_epoch 30)

# quoted WORDS...: them, as a shell reads them.
quoted() { printf '%q ' "$@"; }

# job_script SCRIPT COPY [name=value...]: a copy of a script of jobs/ with other settings,
# as a user makes one with an editor.
# Values are written as they stand; each setting must be there.
job_script() {
    local script=$jobs/$1 copy=$2 setting
    shift 2
    cp "$script" "$copy"
    for setting in "home=$(quoted "$home")" "$@"; do
        [[ $(grep -c "^${setting%%=*}=" "$copy") == 1 ]] || fail "$script has no setting ${setting%%=*}"
        # A list may go on until the line with its closing bracket.
        SETTING=$setting awk -v name="${setting%%=*}" '
            inside { if (/^\)/) inside = 0; next }
            index($0, name "=") == 1 { print ENVIRON["SETTING"]; if (/=\( *(#.*)?$/) inside = 1; next }
            { print }' "$copy" >"$copy.new"
        mv "$copy.new" "$copy"
    done
}

# wait_until SECONDS WHAT COMMAND...: until the command succeeds.
wait_until() {
    local limit=$1 what=$2 end
    shift 2
    end=$((SECONDS + limit))
    until "$@"; do
        ((SECONDS < end)) || fail "not within $limit s: $what"
        sleep 0.1
    done
}

# epochs DIR N: learning curves of at least N epochs are there.
epochs() { [[ -e $1/lc_train.tsv && $(wc -l <"$1/lc_train.tsv") -gt $2 ]]; }

# same_training A B: weights and learning curves of two model directories have the same bytes.
same_training() {
    local file
    for file in model.json model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv; do
        [[ -s $1/$file ]] || fail "$1/$file is missing"
        same "$1/$file" "$2/$file"
    done
}

# Settings of a study that takes seconds.
study=('kinds=(strong layouts)' 'ranks=(1 4)' 'layouts=(2x1 1x2)' 'cells=(3)' batch=16 launches=1 steps=3
    "options=($(quoted "${training[@]:5:4}")); genome=60000; warmup=1")

# check_study FOLDER NODES: all points of it are complete, on so many nodes, and have the same weights.
check_study() {
    awk -F '\t' -v nodes="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { points++ }
        $at["failed"] != "" || $at["launches"] != 1 || $at["steps"] != 3 { bad = 1 }
        $at["ms"] <= 0 || $at["sites_per_s"] <= 0 { bad = 1 }
        !($at["sha256"] in seen) { seen[$at["sha256"]]; weights++ }
        { got = got (points > 1 ? " " : "") $at["hosts"] }
        END {
            if (got != nodes) print "hosts: " got ", not " nodes
            exit bad || points != 4 || weights != 1 || got != nodes
        }' "$1/points.tsv" ||
        fail "$1/points.tsv is not that of a whole study: $(cat "$1/points.tsv" "$1/raw.jsonl")"
    grep -q '2 of 2 points have the bits of 1 rank' "$1/summary.md" || fail "$(cat "$1/summary.md")"
    for file in strong split layouts; do grep -q '</svg>' "$1/$file.svg" || fail "no figure $file.svg"; done
}

# hosts_up N: node1 ... nodeN with networks of their own, until the test ends; on_host HOST COMMAND... runs
# something there. For mpirun on one of them, $agent is how to reach the others (its path has no blanks,
# which Open MPI could not bear).
hosts_up() {
    export NETNS=dcpg$$
    stoppers+=(hosts_down)
    links=$(mktemp -d /tmp/dcpg-netns.XXXXXX)
    ln -s "$here/netns.sh" "$links/netns.sh"
    agent="$links/netns.sh rsh"
    "$here/netns.sh" up "$1" || fail 'no network namespaces'
}
hosts_down() {
    "$here/netns.sh" down
    rm -rf "$links"
}
on_host() { "$here/netns.sh" on "$@"; }
