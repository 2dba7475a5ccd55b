#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the way from a store to DeepCpG data files and back: names,
# types and arrays against an independent writer, from any number of ranks; wrong input.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) python=${PYTHON3:-}
[[ -n $python ]] && "$python" -c 'import h5py, numpy' 2>/dev/null || skip 'python3 has no h5py or numpy'
cd "$work"

# One profile holds fractions; windows of sites at the ends of chromosomes reach beyond them.
quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 30000 --nb_cell 4 --seed 5
zcat "$(find sim/cpg -name '*.gz' | sort | tail -n 1)" |
    awk -v OFS='\t' '{ print $1, $2, NR % 7 ? (NR % 11) / 10 : $3 }' >sim/cpg/Fractions.tsv
profiles=(sim/cpg/*.tsv*)
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" --dna_files sim/dna --out_file store.h5
quietly "$python" "$here/../oracle/deepcpg_files.py" expected --write --dna_wlen 601 --cpg_wlen 12 \
    --chunk_size 70 --cpg_profiles "${profiles[@]}" --dna_files sim/dna/*.gz
[[ $(find expected -name 'c1_*.h5' | wc -l) -gt 2 ]] || fail 'one file per chromosome shows little'

for n in 1 2 3; do
    on $n "$dcpg" convert store.h5 --out_dir "out$n" --dna_wlen 601 --cpg_wlen 12 --chunk_size 70
    quietly "$python" "$here/convert_check.py" written expected "out$n"
    for f in out1/*; do same "$f" "out$n/${f##*/}"; done
done
on 2 "$dcpg" convert store.h5 --out_dir seed --dna_wlen 601 --cpg_wlen 12 --chunk_size 70 --seed 3
quietly "$python" "$here/convert_check.py" written expected seed
cmp -s out1/c1_000000-000070.h5 seed/c1_000000-000070.h5 && fail '--seed changes nothing'

# dcpg data writes the same files directly; the store is removed unless it is named.
as_above=(--dna_files sim/dna --dna_wlen 601 --cpg_wlen 12 --chunk_size 70)
on 2 "$dcpg" data --cpg_profiles "${profiles[@]}" "${as_above[@]}" --out_dir direct
quietly "$python" "$here/convert_check.py" same out1 direct
[[ -z $(find direct -name '.*' -type f) ]] || fail 'dcpg data leaves its store'
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" "${as_above[@]}" --out_dir direct2 --out_file kept.h5
quietly "$python" "$here/convert_check.py" same out1 direct2
quietly "$dcpg" stats kept.h5
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" --out_dir no_genome
refused 'what to write' "$dcpg" data --cpg_profiles "${profiles[@]}"
refused 'odd' "$dcpg" data --cpg_profiles "${profiles[@]}" --dna_wlen 6 --out_dir bad

# From files to files: shorter windows, other chunks, some cells.
on 3 "$dcpg" convert out1/*.h5 --out_dir again --chunk_size 70
quietly "$python" "$here/convert_check.py" same out1 again
options=(--dna_wlen 41 --cpg_wlen 6 --chunk_size 1000 --replicate_names Frac cell01 --output_names Frac
    --chromos 1 3)
on 2 "$dcpg" convert out1/*.h5 --out_dir narrow "${options[@]}"
on 1 "$dcpg" convert store.h5 --out_dir narrow1 "${options[@]}"
quietly "$python" "$here/convert_check.py" same narrow narrow1
on 1 "$dcpg" convert store.h5 --out_dir no_dna --no_dna --cpg_wlen 0
"$python" -c "import h5py, glob
f = [h5py.File(p, 'r') for p in glob.glob('no_dna/*.h5')]
assert len(f) == 3 and all(len(x['inputs']) == 0 for x in f)" || fail '--no_dna --cpg_wlen 0 leaves inputs'

refused 'out1/c1_000000-000070.h5.*written over' "$dcpg" convert out1/*.h5 --out_dir out1 --chunk_size 70
refused 'odd' "$dcpg" convert store.h5 --out_dir bad --dna_wlen 40
refused 'even' "$dcpg" convert store.h5 --out_dir bad --cpg_wlen 5
refused '14 are wanted' "$dcpg" convert out1/*.h5 --out_dir bad --cpg_wlen 14
refused 'no sites on chromosome 9' "$dcpg" convert store.h5 --out_dir bad --chromos 9
refused 'out_dir' "$dcpg" convert store.h5
refused 'store.h5: cannot be made' "$dcpg" convert store.h5 --out_dir store.h5/x

# And back: the same calls, the same genome where windows cover it, and the same files again.
for n in 1 2 3; do
    on $n "$dcpg" convert out1/*.h5 --out_file "back$n.h5"
    "$python" "$here/convert_check.py" store store.h5 "back$n.h5" ||
        fail "the store made of files on $n ranks differs"
done
on 1 "$dcpg" convert back3.h5 --out_dir back --dna_wlen 601 --cpg_wlen 12 --chunk_size 70
quietly "$python" "$here/convert_check.py" same out1 back
quietly "$dcpg" convert out1/*.h5 --out_file genome.h5 --dna_files sim/dna
"$python" "$here/convert_check.py" genome store.h5 genome.h5 ||
    fail 'the genome given is not the one in the store'

# A tenth of the sites, with windows of random bases that differ:
# positions that are not sites come back as neighbours.
zcat sim/truth/sites.tsv.gz | awk 'NR > 1 && NR % 10 == 0 { print $1 "\t" $2 }' >sites.tsv
quietly "$dcpg" data --cpg_profiles "${profiles[@]}" --dna_files sim/dna --out_file few.h5 \
    --pos_file sites.tsv
quietly "$dcpg" convert few.h5 --out_dir few --dna_wlen 101 --cpg_wlen 40
on 3 "$dcpg" convert few/*.h5 --out_file few_back.h5
"$python" "$here/convert_check.py" fewer few.h5 few_back.h5 ||
    fail 'calls between sites are not those of the profiles'
quietly "$dcpg" convert few_back.h5 --out_dir few2 --dna_wlen 101 --cpg_wlen 40
quietly "$python" "$here/convert_check.py" same few few2

# Labels alone; neighbours alone; DNA that differs between windows; chromosomes chosen.
"$python" - <<'P'
import glob, os, h5py
for kind, gone in (("labels", "inputs/cpg"), ("neighbours", "outputs"), ("random", None)):
    os.mkdir(kind)
    for path in glob.glob("out1/*.h5"):
        with h5py.File(path) as a, h5py.File(kind + "/" + os.path.basename(path), "w") as b:
            for name in a:
                a.copy(name, b)
            if gone:
                del b[gone]
            elif "c1_000000" in path:
                b["inputs/dna"][1, 599] = (a["inputs/dna"][2, 599 - (a["pos"][2] - a["pos"][1])] + 1) % 4
P
for kind in labels neighbours random; do
    quietly "$dcpg" convert "$kind"/*.h5 --out_file "$kind.h5" --chromos 1 3
done
grep -q ' 1 base' "$work/last.log" || fail "differing bases are not reported: $(cat "$work/last.log")"
"$python" "$here/convert_check.py" kinds store.h5 labels.h5 neighbours.h5 random.h5 ||
    fail 'labels or neighbours alone give other calls'

first=out1/c1_000000-000070.h5
cell=$("$python" -c "import h5py; print(list(h5py.File('$first')['inputs/cpg'])[1])")
# broken NAME CODE WORDS: a changed copy of the first file is refused with WORDS
broken() {
    cp "$first" "$1"
    "$python" -c "import h5py, numpy
f, c = h5py.File('$1', 'r+'), 'inputs/cpg/$cell/'
s, d = f[c + 'state'], f[c + 'dist']
row, k = [int(x) for x in numpy.argwhere(s[()] >= 0)[40]]
$2"
    refused "$3" "$dcpg" convert "$1" --out_file bad.h5
    [[ ! -e bad.h5 ]] || fail 'a store is left of wrong files'
}
broken state.h5 's[row, k] = 1 - s[row, k]' "state.h5.*row.*cell $cell is .* but .*contradict"
broken label.h5 "o = f['outputs/cpg/$cell']; i = int(numpy.argwhere(o[()] >= 0)[3, 0]); o[i] = 1 - o[i]" \
    "label.h5.*row.*$cell.*contradict"
broken half.h5 'd[row, k] += 0.5' 'half.h5.*whole numbers'
broken lone.h5 'd[row, k] = -1' 'lone.h5.*whole numbers'
broken far.h5 'd[row, 0] = 1e6; s[row, 0] = 1' 'far.h5.*stay on the chromosome'
broken dna.h5 "f['inputs/dna'][5, 3] = 7" 'dna.h5.*holds 7 in row 5'
broken empty.h5 "del f['inputs/cpg'], f['outputs']" 'empty.h5.*no cells'
refused 'already' "$dcpg" convert store.h5 --out_file bad.h5
refused 'what to write' "$dcpg" convert store.h5 --out_file bad.h5 --out_dir bad
refused 'written over' "$dcpg" convert "$first" --out_file "$first"

# The reference program's own file is converted, too; its neighbours are drawn at random,
# so that they belong to no profile.
reference=$shared/oracle/deepcpg/rnnl1/data.h5
if [[ -f $reference ]]; then
    on 2 "$dcpg" convert "$reference" --out_dir reference
    "$python" "$here/convert_check.py" reference "$reference" reference ||
        fail "the reference's file comes back changed"
    refused 'rnnl1/data.h5: row [0-9]+: ' "$dcpg" convert "$reference" --out_file bad.h5
fi

# A full disk: nothing is left, not even the files that were complete. Only root can make a small disk.
if [[ $(id -u) == 0 ]] && mkdir small && mount -t tmpfs -o size=400k none small 2>/dev/null; then
    trap 'cd /; umount "$work/small"; rm -rf "$work"' EXIT
    refused 'small/.*(space|full)' "$dcpg" convert store.h5 --out_dir small --chunk_size 70
    [[ -z $(ls -A small) ]] || fail "a full disk leaves $(ls -A small)"
    refused '(space|full)' "$dcpg" data --cpg_profiles "${profiles[@]}" "${as_above[@]}" --out_dir small
    [[ -z $(ls -A small) ]] || fail "a full disk leaves $(ls -A small)"
fi
echo ok
