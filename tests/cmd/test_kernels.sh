#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests that all ranks compute with the same kernels, where their settings or processors differ;
# and that a resumed run keeps its kernels.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
quietly "$dcpg" simulate --nb_cell 3 --nb_chromo 2 --chromo_len 50000 --out_dir sim
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file store.h5
train=(train store.h5 --train_chromos 1 --dna_model CnnL1h128 --dna_wlen 51 --cpg_model FcAvg
    --nb_train_sample 96 --nb_epoch 1 --batch_size 32)

# train_as OUT_DIR VARIABLE=VALUE: trains with the variable set on rank 1 of 3 only; the log is in out.txt.
train_as() {
    "${MPIRUN:-mpirun}" -n 1 "$dcpg" "${train[@]}" --out_dir "$1" : -n 1 env "$2" "$dcpg" "${train[@]}" \
        --out_dir "$1" : -n 1 "$dcpg" "${train[@]}" --out_dir "$1" >out.txt 2>&1 || fail "$2: $(cat out.txt)"
}

quietly "$dcpg" "${train[@]}" --out_dir alone
best=$("$dcpg" "${train[@]}" --out_dir alone 2>&1 | sed -n 's/^matrix products: //p')
train_as none UNUSED=1
grep -qF "matrix products: $best on all ranks" out.txt || fail "$(grep matrix out.txt)"
! grep -q 'matrix products:.*rank' out.txt || grep -q 'on all ranks$' out.txt || fail "$(grep matrix out.txt)"
same alone/model.h5 none/model.h5

# One rank is limited to other kernels: the others follow it,
# and the result is that of a run where all ranks are.
levels=(DCPG_GEMM=blis)
[[ $best == *avx512* ]] && levels+=(DCPG_ISA=avx2 DCPG_ISA=baseline)
for what in "${levels[@]}"; do
    train_as one "$what"
    limit="is limited to ${what#*=} by ${what%=*}"
    grep -q "matrix products: blis .* on all ranks (rank 1 on host .* $limit)" out.txt ||
        fail "$what: $(grep matrix out.txt)"
    env "$what" "$dcpg" "${train[@]}" --out_dir all >/dev/null 2>&1 || fail "$what alone"
    same one/model.h5 all/model.h5
    rm -rf one all
done

# Two ranks with contradicting settings.
code=0
"${MPIRUN:-mpirun}" -n 1 env DCPG_GEMM=ref "$dcpg" "${train[@]}" --out_dir two : \
    -n 1 env DCPG_GEMM=blis "$dcpg" "${train[@]}" --out_dir two >out.txt 2>&1 || code=$?
[[ $code == 2 ]] || fail "exit code $code of ranks that contradict each other"
[[ $(grep -c '^dcpg' out.txt) == 1 ]] || fail "$(cat out.txt)"
grep -q 'rank 0 on host .* is to use ref (DCPG_GEMM), which rank 1 on host .* does not' out.txt ||
    fail "$(cat out.txt)"
[[ ! -e two ]] || fail 'files of a refused run'
DCPG_GEMM=mkl "$dcpg" "${train[@]}" --out_dir two >out.txt 2>&1 && fail 'an unknown backend'
grep -q "'mkl' is unknown" out.txt || fail "$(cat out.txt)"

# A resumed run uses the kernels of its first part where they are available.
DCPG_GEMM=blis quietly "$dcpg" "${train[@]}" --nb_epoch 3 --out_dir whole
DCPG_GEMM=blis quietly "$dcpg" "${train[@]}" --out_dir parts
"$dcpg" train --resume parts --nb_epoch 3 >out.txt 2>&1 || fail "$(cat out.txt)"
grep -q '^matrix products: blis' out.txt || fail "resumed with other kernels: $(grep matrix out.txt)"
! grep -q 'other kernels' out.txt || fail "$(cat out.txt)"
same whole/model.h5 parts/model.h5
DCPG_GEMM=ref "$dcpg" train --resume parts --nb_epoch 4 >out.txt 2>&1 || fail "$(cat out.txt)"
grep -q 'warning: the run was computed with other kernels (.*gemm=blis.*) .*gemm=ref' out.txt ||
    fail "no warning: $(cat out.txt)"
echo 'test_kernels passed'
