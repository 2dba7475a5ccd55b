#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests how dcpg is started: commands that need one process never ask for ranks, ranks of another MPI are
# refused, thousands of words on the command line, and the number of threads where the user sets none.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
quietly "$dcpg" simulate --nb_cell 3 --nb_chromo 2 --chromo_len 50000 --out_dir sim
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file store.h5
train=(train store.h5 --train_chromos 1 --cpg_model FcAvg --nb_epoch 1 --batch_size 64 --out_dir)

# silent WORDS...: dcpg WORDS ends with 0 and prints nothing on stderr but its closing line.
silent() {
    "$dcpg" "$@" >out.txt 2>err.txt || fail "exit code $?: dcpg $* ($(cat err.txt))"
    [[ -s out.txt ]] && ! grep -qv "^dcpg [0-9].* wall " err.txt || fail "dcpg $*: $(cat err.txt)"
}

# One process inside a job of several tasks, and under unknown launchers.
for variable in SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=8 OMPI_COMM_WORLD_SIZE=4 PMI_SIZE=4 PMIX_RANK=3 \
    MV2_COMM_WORLD_SIZE=2; do
    export "${variable?}"
    silent --help
    silent train --help
    silent stats store.h5
    if [[ $variable == SLURM_NTASKS* ]]; then
        silent help
        silent --version
        silent version
        for command in simulate data convert show stats eval export models; do silent $command --help; done
        silent models
        silent show store.h5 --outputs
    fi
    name=${variable%=*}
    "$dcpg" "${train[@]}" model >out.txt 2>&1 && fail "$variable: a lone process trains"
    grep -q "($name)" out.txt || fail "$variable: $(cat out.txt)"
    [[ ! -e model ]] || fail "$variable: files written"
    unset "$name"
done

# export writes files: ranks that do not know of each other may not run it, one process of a batch script may.
quietly "$dcpg" "${train[@]}" model
quietly "$dcpg" eval store.h5 --model_files model --out_data eval.h5
SLURM_NTASKS=8 quietly "$dcpg" export eval.h5 --out_dir exported
OMPI_COMM_WORLD_SIZE=4 "$dcpg" export eval.h5 --out_dir twice >out.txt 2>&1 &&
    fail 'export of several lone processes'
grep -q 'another MPI' out.txt || fail "$(cat out.txt)"
[[ ! -e twice ]] || fail 'files of a refused export'
code=0
PMI_SIZE=4 PMI_RANK=1 "$dcpg" eval store.h5 --model_files model --out_data lone.h5 >out.txt 2>&1 || code=$?
[[ $code == 2 ]] || fail "exit code $code of a lone process of hydra"
grep -q 'mpirun started 4 ranks (PMI_SIZE), but this process is alone' out.txt || fail "$(cat out.txt)"

# Under an mpirun of the right MPI, help is printed once.
"${MPIRUN:-mpirun}" -n 3 "$dcpg" train --help >out.txt 2>&1 || fail "$(cat out.txt)"
[[ $(grep -c '^usage' out.txt) == 1 ]] || fail 'help is not printed once'

# Thousands of words, each looked at: alone, and on ranks. (mpirun of Open MPI takes 128 KB of words itself,
# so that the shell that spells them out runs on the ranks.)
cat >many.sh <<'T'
paths=()
folder=folder_with_a_long_name_as_pipelines_make_them/of_a_project/and_a_run_of_it
for i in {1..5000}; do paths+=("$folder/sample_$i/cell_number_$i.tsv"); done
exec "$1" data --cpg_profiles "${paths[@]}" --dna_files sim/dna --out_file many.h5
T
refused 'folder_with' bash many.sh "$dcpg"
env -u OMPI_MCA_ess_singleton_isolated bash many.sh "$dcpg" >out.txt 2>&1 && fail 'files that are not there'
grep -q '^dcpg data: .*folder_with' out.txt || fail "$(head -n 3 out.txt)"

# Threads: the rank's part of the cores unless the user chooses. Ranks are not bound in these tests.
cores=$("$dcpg" "${train[@]}" alone 2>&1 | sed -nE 's/^host .*: 1 rank, ([0-9]+) cores? .*/\1/p')
for ranks in 1 2 3; do
    share=$((cores / ranks > 0 ? cores / ranks : 1))
    env -u OMP_NUM_THREADS "${MPIRUN:-mpirun}" -n $ranks "$dcpg" "${train[@]}" "shared$ranks" >out.txt 2>&1 ||
        fail "$(cat out.txt)"
    grep -qE "^host .*: $ranks ranks?, .* $share threads?( a rank)?\$" out.txt ||
        fail "$ranks ranks on $cores cores: $(grep '^host' out.txt)"
    if ((ranks > 1)); then
        grep -qE "$ranks ranks share $cores cores?: $share threads? each" out.txt ||
            fail "$ranks ranks: $(cat out.txt)"
    fi
    if ((ranks <= cores)); then
        ! grep -q warning: out.txt ||
            fail "$ranks ranks of $share threads on $cores cores: $(grep warning: out.txt)"
    fi
done
OMP_NUM_THREADS=$((cores + 1)) OMP_WAIT_POLICY=passive "${MPIRUN:-mpirun}" \
    -n 2 "$dcpg" "${train[@]}" asked >out.txt 2>&1 || fail "$(cat out.txt)"
grep -q "^host .*: 2 ranks, .* $((cores + 1)) threads a rank\$" out.txt ||
    fail "the user's number of threads is not taken: $(grep ^host out.txt)"
grep -qE 'warning: .* times slower.*OMP_NUM_THREADS=' out.txt ||
    fail "no word of what threads cost: $(cat out.txt)"
if ((cores > 1)); then # of 2 ranks that may use all cores, not of one
    grep -qE "warning: host .*OMP_NUM_THREADS=$((cores / 2)) " out.txt ||
        fail "another number than a share: $(grep warning out.txt)"
fi
same shared1/model.h5 shared2/model.h5
same shared1/model.h5 shared3/model.h5
same shared1/model.h5 asked/model.h5
echo 'test_start passed'
