#!/usr/bin/env bash
# DeepCpG data files out of a store and back: names, types and arrays against an independent writer; the same from any number of ranks; wrong input.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) python=${PYTHON3:-}
[[ -n $python ]] && "$python" -c 'import h5py, numpy' 2>/dev/null || skip 'python3 has no h5py or numpy'
cd "$work"

# One profile holds fractions; sites at the chromosomes' ends look beyond them.
quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 30000 --nb_cell 4 --seed 5
zcat "$(find sim/cpg -name '*.gz' | sort | tail -n 1)" | awk -v OFS='\t' '{ print $1, $2, NR % 7 ? (NR % 11) / 10 : $3 }' >sim/cpg/Fractions.tsv
profiles=(sim/cpg/*.tsv*)
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" --dna_files sim/dna --out_file store.h5
quietly "$python" "$here/deepcpg_files.py" expected 601 12 70 "${profiles[@]}" --dna sim/dna/*.gz
[[ $(find expected -name 'c1_*.h5' | wc -l) -gt 2 ]] || fail 'one file per chromosome shows little'

for n in 1 2 3; do
    on $n "$dcpg" convert store.h5 --out_dir "out$n" --dna_wlen 601 --cpg_wlen 12 --chunk_size 70
    quietly "$python" "$here/convert_check.py" written expected "out$n"
    for f in out1/*; do same "$f" "out$n/${f##*/}"; done
done
on 2 "$dcpg" convert store.h5 --out_dir seed --dna_wlen 601 --cpg_wlen 12 --chunk_size 70 --seed 3
quietly "$python" "$here/convert_check.py" written expected seed
cmp -s out1/c1_000000-000070.h5 seed/c1_000000-000070.h5 && fail '--seed changes nothing'

# From files to files: shorter windows, other chunks, some cells.
on 3 "$dcpg" convert out1/*.h5 --out_dir again --chunk_size 70
quietly "$python" "$here/convert_check.py" same out1 again
options=(--dna_wlen 41 --cpg_wlen 6 --chunk_size 1000 --replicate_names Frac cell01 --output_names Frac --chromos 1 3)
on 2 "$dcpg" convert out1/*.h5 --out_dir narrow "${options[@]}"
on 1 "$dcpg" convert store.h5 --out_dir narrow1 "${options[@]}"
quietly "$python" "$here/convert_check.py" same narrow narrow1
on 1 "$dcpg" convert store.h5 --out_dir no_dna --no_dna --cpg_wlen 0
"$python" -c "import h5py, glob; f = [h5py.File(p, 'r') for p in glob.glob('no_dna/*.h5')]; assert len(f) == 3 and all(len(x['inputs']) == 0 for x in f)" || fail '--no_dna --cpg_wlen 0 leaves inputs'

refused 'out1/c1_000000-000070.h5.*written over' "$dcpg" convert out1/*.h5 --out_dir out1 --chunk_size 70
refused 'odd' "$dcpg" convert store.h5 --out_dir bad --dna_wlen 40
refused 'even' "$dcpg" convert store.h5 --out_dir bad --cpg_wlen 5
refused '14 are wanted' "$dcpg" convert out1/*.h5 --out_dir bad --cpg_wlen 14
refused 'no sites on chromosome 9' "$dcpg" convert store.h5 --out_dir bad --chromos 9
refused 'out_dir' "$dcpg" convert store.h5
refused 'store.h5: cannot be made' "$dcpg" convert store.h5 --out_dir store.h5/x

# A full disk: nothing is left, not even the files that were whole already. Only root can make a small disk.
if [[ $(id -u) == 0 ]] && mkdir small && mount -t tmpfs -o size=600k none small 2>/dev/null; then
    trap 'cd /; umount "$work/small"; rm -rf "$work"' EXIT
    refused 'small/.*(space|full)' "$dcpg" convert store.h5 --out_dir small --chunk_size 70
    [[ -z $(ls -A small) ]] || fail "a full disk leaves $(ls -A small)"
fi
echo ok
