#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The scripts of jobs/pbs in the surroundings of PBS jobs (pbs.sh): data, train as a chain that meets its
# walltime and a warning, array, eval, scaling. On two hosts with networks of their own where that can be had,
# which the ranks reach as if by ssh; else on this one.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need setsid pkill

# The variables that the tests' own mpirun needs; a user's profile would set them.
surroundings=(-v "DCPG_PROGRAM=$DCPG_PROGRAM")
for name in $(compgen -e | grep -E '^OMPI_'); do surroundings+=(-v "$name=${!name}"); done
if [[ $(id -u) == 0 ]] && ip netns list >/dev/null 2>&1; then
    hosts_up 2
    surroundings+=(-v "OMPI_MCA_plm_rsh_agent=$agent" -v "NETNS=$NETNS")
    job() {
        on_host node1 "$here/pbs.sh" "${surroundings[@]}" -l "select=2:ncpus=2:mpiprocs=2:ompthreads=1" "$@"
    }
else
    echo 'not root: all ranks on this host'
    job() {
        "$here/pbs.sh" -h "$(hostname)" "${surroundings[@]}" -l "select=2:ncpus=2:mpiprocs=2:ompthreads=1" \
            "$@"
    }
fi
simulate
plain='mpirun_options=(--bind-to none)'
train_options="options=($(quoted "${training[@]}"))"

echo '== data'
job_script pbs/data.pbs data.pbs "$plain" 'profiles=(sim/cpg/*.tsv.gz)' 'genome=(sim/dna)'
quietly job data.pbs
quietly "$dcpg" train store.h5 "${training[@]}" --out_dir straight

echo '== variables reach the ranks of every host'
cat >"$work/tell" <<'END'
#!/bin/bash
echo "$(hostname) $HDF5_USE_FILE_LOCKING $OMP_PLACES $BLIS_ARCH_TYPE $DCPG_GEMM" \
    "$OMP_NUM_THREADS $OMPI_MCA_mpi_show_handle_leaks"
END
chmod +x "$work/tell"
job_script pbs/data.pbs tell.pbs "$plain"
quietly job -v "DCPG_PROGRAM=$work/tell" -v HDF5_USE_FILE_LOCKING=FALSE -v 'OMP_PLACES={0,1}' \
    -v BLIS_ARCH_TYPE=3 -v DCPG_GEMM=blis \
    -v OMPI_MCA_mpi_show_handle_leaks=0 tell.pbs
[[ $(grep -cE '^[^ ]+ FALSE \{0,1\} 3 blis 1 0$' "$work/last.log") == 4 ]] ||
    fail "variables are lost: $(cat "$work/last.log")"
if [[ -n ${NETNS-} ]]; then grep -q '^node2 ' "$work/last.log" || fail 'no rank on node2'; fi

# A qsub that only writes down what chain.sh asks for: number, dependency, variable, script.
mkdir bin
cat >bin/qsub <<'END'
#!/bin/sh
after=none
while getopts v:W:l: option; do
    case $option in
    v) variable=$OPTARG ;;
    W) after=$OPTARG ;;
    l) [ "$OPTARG" = select=2 ] || exit 2 ;;
    esac
done
shift $((OPTIND - 1))
number=$(($(wc -l <queue) + 1))
printf '%s\t%s\t%s\t%s\n' "$number.server" "$after" "$variable" "$1" >>queue
echo "$number.server"
END
chmod +x bin/qsub
echo '== a chain'
: >queue
job_script pbs/train.pbs train.pbs "$plain" 'out=chained' reserve=15 walltime=00:09:00 "$train_options"
PATH=$PWD/bin:$PATH quietly bash "$jobs/pbs/chain.sh" 4 train.pbs -l select=2
[[ $(cut -f 2 queue | paste -sd ' ') == \
    'none depend=afterany:1.server depend=afterany:2.server depend=afterany:3.server' ]] ||
    fail "not a chain: $(cat queue)"

# link N [options of pbs.sh...]: runs the link; its output goes to linkN, its exit code to $code.
link() {
    local id variable script n=$1
    shift
    IFS=$'\t' read -r id _ variable script < <(sed -n "${n}p" queue)
    code=0
    job -i "$id" -v "$variable" "$@" "$script" >"link$n" 2>&1 || code=$?
    ! grep -q 'PBS: job killed' "link$n" || { cat "link$n"; fail "link $n was killed"; }
}
diagnose() { tail -n 20 link?; }

# Hardly any time is left after the reserve: saved and over before PBS would send TERM.
link 1 -l walltime=00:00:20
[[ $code == 85 ]] || fail "link 1 ended with $code, not 85"
compgen -G 'chained/checkpoints/*.h5' >/dev/null || fail 'link 1 left no checkpoint'

# Somebody's qsig, to every process of the job. (Sent here, for PBS does not before the walltime.)
link 2 -l walltime=00:02:00 &
running=$!
wait_until 60 'an epoch of link 2' grep -qs validation: link2
pkill -USR1 --session "$(sed -n 's/^session //p' link2)"
wait $running || fail 'link 2'
grep -q 'code 85: training can go on' link2 || fail 'link 2 did not end with code 85'

link 3 -n # without a qstat to ask, by the setting
[[ $code == 0 ]] || fail "link 3 ended with $code, not 0"
same_training straight chained
for n in 2 3; do grep -q '^continuing from' link$n || fail "link $n began anew"; done
touch -d '1 hour ago' chained/model.h5
link 4
[[ $code == 0 ]] && grep -q 'nothing left to do' link4 ||
    fail "link 4 ended with $code, and has not seen that all is done"
[[ -z $(find chained -name model.h5 -mmin -30) ]] || fail 'link 4 trained once more'

echo '== array, eval, scaling'
job_script pbs/array.pbs array.pbs "$plain" out=array walltime=00:05:00 \
    "options=($(quoted "${training[@]}" --nb_epoch 2))" \
    "runs=('slow --learning_rate 0.001' 'few --output_names cpg/cl0.* --replicate_names cl0.*')"
quietly "$dcpg" train store.h5 "${training[@]}" --nb_epoch 2 --learning_rate 0.001 --out_dir slow
for task in 0 1; do quietly job -a $task -l select=1:ncpus=2:mpiprocs=2:ompthreads=1 array.pbs; done
same_training slow array/slow
[[ $(head -n 1 array/few/lc_val.tsv | grep -o 'cl[01]_cell[0-9]*_loss' | sort -u | wc -l) == 3 ]] ||
    fail 'the array does not choose cells'

job_script pbs/eval.pbs eval.pbs "$plain" model=straight "out='predicted here'"
quietly job eval.pbs
quietly "$dcpg" eval store.h5 --model_files straight --out_data eval.h5 --out_report report.tsv
same report.tsv 'predicted here/report.tsv'
[[ $(find 'predicted here/imputed' -type f | wc -l) == 5 ]] || fail 'not one imputed profile per cell'

job_script pbs/scaling.pbs scaling.pbs "$plain" "${study[@]}"
quietly job scaling.pbs
check_study scaling "1 $(sort -u <<<"node1"$'\n'"${NETNS:+node2}" | grep -c .) 1 1"
