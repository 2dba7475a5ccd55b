#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# MPICH and Open MPI train the same bytes: a model of DNA and CpG sites, 5 steps, on 1 and on 3 ranks.
# $DCPG_OTHER is the program of Open MPI.
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
other=${DCPG_OTHER:-$DCPG_SOURCE/build/release/bin/dcpg}
[[ -x $other ]] || skip "no $other, the program of Open MPI"
[[ $(ldd "$other") == *libmpi.so* ]] || skip "$other is not of Open MPI"
command -v mpirun.openmpi >/dev/null || skip 'no mpirun.openmpi'
cd "$work"

quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 40000 --nb_cell 3 --seed 3
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file s.h5
train=(train s.h5 --train_chromos 1 --val_chromos 2 --dna_model CnnL1h128 --dna_wlen 501 --cpg_model RnnL1
    --cpg_wlen 20 --joint_model JointL2h512
    --nb_train_sample 160 --nb_val_sample 60 --batch_size 32 --nb_epoch 1 --learning_rate 0.001 --seed 7)
for ranks in 1 3; do
    on $ranks "$dcpg" "${train[@]}" --out_dir "mpich$ranks"
    MPIRUN=mpirun.openmpi on $ranks env -u LD_PRELOAD "$other" "${train[@]}" --out_dir "openmpi$ranks"
    for f in model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv; do
        same mpich1/$f "mpich$ranks/$f"
        same mpich1/$f "openmpi$ranks/$f"
    done
done
sha256sum mpich?/model.h5 openmpi?/model.h5
