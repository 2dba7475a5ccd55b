#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests that a run resumes with the data that it was started with: data made anew with other values under the
# same names and counts are refused, naming the difference; moved data are found where the user says.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
python=${PYTHON3:-}
[[ -n $python ]] && "$python" -c 'import h5py, numpy' 2>/dev/null || skip 'python3 without h5py and numpy'
quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 20000 --nb_cell 3 --seed 3
mkdir cells turned
n=0
for name in a b frac; do
    n=$((n + 1))
    gzip -dc sim/cpg/*cell0$n.tsv.gz >cells/$name.tsv
done
"$python" - <<'P'
# One cell has values between 0 and 1; in each cell, the values of one chromosome are rotated by one site,
# so that positions and numbers of labels stay.
rows = [l.split() for l in open("cells/frac.tsv")]
for i, r in enumerate(rows):
    if i % 7 == 0: r[2] = "0.25"
open("cells/frac.tsv", "w").write("".join("\t".join(r) + "\n" for r in rows))
for name in "a", "b", "frac":
    rows = [l.split() for l in open(f"cells/{name}.tsv")]
    for chromo in "1", "2":
        at = [i for i, r in enumerate(rows) if r[0] == chromo]
        values = [rows[i][2] for i in at]
        for i, v in zip(at, values[1:] + values[:1]): rows[i][2] = v
    open(f"turned/{name}.tsv", "w").write("".join("\t".join(r) + "\n" for r in rows))
P
data() { # OUT OPTIONS...
    quietly "$dcpg" data --out_file "$1" "${@:2}"
}
digest() {
    "$python" -c 'import sys, h5py; print(h5py.File(sys.argv[1], "r").attrs["digest"].decode())' "$1"
}
differs() { # A B: prints the parts in which two digests differ
    "$python" - "$(digest "$1")" "$(digest "$2")" <<'P'
import sys
a, b = (dict(w.split(":") for w in t.split()) for t in sys.argv[1:])
assert list(a) == "chromosomes bases positions sites cells calls bulk".split(), a
print(*[k for k in a if a[k] != b[k]])
P
}
dna=(--dna_files sim/dna)
data s.h5 --cpg_profiles cells/*.tsv "${dna[@]}"

# ---- the digest: the same on any number of ranks, appended or not,
# computed again where a store has none ----
for n in 2 3; do
    on $n "$dcpg" data --cpg_profiles cells/*.tsv "${dna[@]}" --out_file on.h5
    [[ $(digest s.h5) == "$(digest on.h5)" ]] ||
        fail "another digest on $n ranks: $(digest s.h5), $(digest on.h5)"
done
data more.h5 --cpg_profiles cells/a.tsv "${dna[@]}"
data more.h5 --append --cpg_profiles cells/b.tsv cells/frac.tsv "${dna[@]}"
[[ $(digest s.h5) == "$(digest more.h5)" ]] || fail "another digest after --append: $(differs s.h5 more.h5)"
what() { # PARTS OPTIONS...
    rm -f other.h5
    data other.h5 "${@:2}"
    [[ $(differs s.h5 other.h5) == "$1" ]] || fail "not '$1' differ, but '$(differs s.h5 other.h5)': ${*:2}"
}
what '' --cpg_profiles cells/*.tsv "${dna[@]}"
what calls --cpg_profiles turned/*.tsv "${dna[@]}"
what calls --cpg_profiles cells/[ab].tsv turned/frac.tsv "${dna[@]}"
what calls --cpg_profiles cells/a.tsv turned/b.tsv cells/frac.tsv "${dna[@]}"
what sites --cpg_profiles cells/*.tsv "${dna[@]}" --cpg_cov 2
what bulk --cpg_profiles cells/*.tsv "${dna[@]}" --bulk_profiles cells/a.tsv
what 'positions sites cells calls' --cpg_profiles cells/[ab].tsv "${dna[@]}"
mkdir dna
for f in sim/dna/*; do
    gzip -dcf "$f" | awk '/^>/ { print; next } { sub(/^....TTTT/, "ACGTAACC");
        print }' >"dna/$(basename "${f%.gz}")"
done
what bases --cpg_profiles cells/*.tsv --dna_files dna --min_cg 0

# ---- runs ----
small=(--cpg_model 'fc[4]_gap' --cpg_wlen 4 --nb_epoch 2 --batch_size 32 --nb_train_sample 128
    --nb_val_sample 64)
stopped() { # COMMAND...
    local code=0
    "$dcpg" train "$@" "${small[@]}" --max_time 1e-6 >last.log 2>&1 || code=$?
    [[ $code == 85 ]] || fail "exit code $code: $(cat last.log)"
}
files=(model.json model.h5 model_weights_train.h5 model_weights_val.h5 lc_train.tsv lc_val.tsv)
chromos=(--train_chromos 1 --val_chromos 2)
quietly "$dcpg" train s.h5 "${chromos[@]}" "${small[@]}" --out_dir whole
stopped s.h5 "${chromos[@]}" --out_dir run
cp -r run run2
cp s.h5 kept.h5
data other.h5 --cpg_profiles turned/*.tsv "${dna[@]}"
mv other.h5 s.h5
for n in 1 2; do
    code=0
    "${MPIRUN:-mpirun}" -n $n "$dcpg" train --resume run >out.log 2>err.log || code=$?
    message='the training data are not those that the run was started with: other calls; name the files'
    message+='.*--resume DIR STORE'
    [[ $code == 2 ]] && grep -q "$message" err.log || fail "exit code $code: $(cat err.log)"
done
rm s.h5
refused 's.h5 of this run is not there: give its new path: dcpg train --resume run STORE' "$dcpg" train \
    --resume run
mv kept.h5 moved.h5
on 2 "$dcpg" train --resume run moved.h5 --max_time 0
for f in "${files[@]}"; do same "whole/$f" "run/$f"; done
# A store without a digest, as older versions made: it is read to compute one; the same run.
"$python" -c 'import h5py; f = h5py.File("moved.h5", "r+"); del f.attrs["digest"]'
on 3 "$dcpg" train --resume run2 moved.h5 --max_time 0
grep -q 'moved.h5 was made by an older dcpg' last.log ||
    fail "the log does not say that the store is read: $(cat last.log)"
for f in "${files[@]}"; do same "whole/$f" "run2/$f"; done
data s.h5 --cpg_profiles cells/*.tsv "${dna[@]}"

# ---- validation data of their own; bulk profiles only where they are outputs ----
data val.h5 --cpg_profiles cells/*.tsv "${dna[@]}" --chromos 2
stopped s.h5 --train_chromos 1 --val_files val.h5 --out_dir run3
data new.h5 --cpg_profiles turned/*.tsv "${dna[@]}" --chromos 2
mv val.h5 right.h5
refused 'val.h5 of this run is not there.*--resume run3 --val_files FILE' "$dcpg" train --resume run3
mv new.h5 val.h5
refused 'the validation data are not those.*other calls.*--val_files' "$dcpg" train --resume run3
quietly "$dcpg" train --resume run3 --val_files right.h5 --max_time 0
stopped s.h5 "${chromos[@]}" --out_dir run4
data s.h5 --append --bulk_profiles cells/a.tsv
quietly "$dcpg" train --resume run4 --max_time 0

# ---- DeepCpG data files: the digest covers the datasets that are read ----
quietly "$dcpg" convert moved.h5 --out_dir files --dna_wlen 5 --cpg_wlen 4
joint=(--dna_model 'conv[4@3]_fc[4]' --joint_model 'fc[4]')
stopped files/c1_*.h5 --val_files files/c2_*.h5 "${joint[@]}" --out_dir run5
cp -r run5 run6
change() { # DATASET EXPRESSION
    "$python" - "$@" <<'P'
import glob, sys, h5py
f = h5py.File(glob.glob("files/c1_*.h5")[0], "r+")
x = f[sys.argv[1]][()]
exec(sys.argv[2])
f[sys.argv[1]][...] = x
P
}
# two labels are exchanged
labels='i = (x[:100] >= 0).nonzero()[0]; x[i[0]], x[i[1:][x[i[1:]] != x[i[0]]][0]] = 1 - x[i[0]], x[i[0]]'
cp -r files kept
again() { # WORDS
    refused "the training data are not those.*other $1; name" "$dcpg" train --resume run5
    cp kept/* files/
}
change outputs/cpg/a "$labels"
again labels
change inputs/cpg/b/dist 'x[7, 1] += 1'
again neighbours
change inputs/cpg/b/state 'x[7, 1] = 1 - abs(x[7, 1])'
again neighbours
change inputs/dna 'x[9, 2] = (x[9, 2] + 1) % 4'
again DNA
on 3 "$dcpg" train --resume run5 --max_time 0
mv files elsewhere
refused 'c1_.*of this run is not there.*--resume run6 STORE' "$dcpg" train --resume run6
on 2 "$dcpg" train --resume run6 elsewhere/c1_*.h5 --val_files elsewhere/c2_*.h5 --max_time 0
for f in "${files[@]}"; do same "run5/$f" "run6/$f"; done
echo ok
