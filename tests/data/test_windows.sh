#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Samples that a source returns for stores made from real files, on 1 and 3 ranks, are compared with NumPy on
# the files themselves; stores made by 1 to 4 ranks with one another; the h5py example is run.
#   test_windows.sh DUMP_SOURCE
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dump=$1 python=${PYTHON3:-}
[[ -n $python ]] && "$python" -c 'import h5py, numpy' 2>/dev/null || skip 'python3 has no h5py or numpy'
cd "$work"

# compare STORE DNA_WLEN CPG_WLEN STEP PROFILES... [--dna FASTA...]
compare() {
    local store=$1 wlen=$2 cpg=$3 step=$4
    shift 4
    for n in 1 3; do
        on $n "$dump" "$store" dump.h5 "$wlen" "$cpg" "$step"
        "$python" "$here/../oracle/windows.py" dump.h5 "$@" || fail "windows of $store on $n ranks"
    done
}

# same_stores A B: every dataset and attribute but the command line
same_stores() {
    "$python" - "$1" "$2" <<'P' || fail "$1 and $2 differ"
import sys, h5py, numpy as np
a, b = (h5py.File(p, "r") for p in sys.argv[1:])
def content(f):
    all = {}
    f.visititems(lambda name, x: all.update({name: x}) if isinstance(x, h5py.Dataset) else None)
    return all
x, y = content(a), content(b)
assert x.keys() == y.keys() and len(x) >= 13, (x.keys(), y.keys())
for name in x:
    p, q = x[name], y[name]
    assert (p.dtype, p.shape, p.chunks, p.compression) == (q.dtype, q.shape, q.chunks, q.compression), name
    assert p[()].tobytes() == q[()].tobytes(), name
attributes = [{k: v for k, v in f.attrs.items() if k != "command"} for f in (a, b)]
assert attributes[0] == attributes[1], attributes
assert attributes[0]["format"] in (b"dcpg-store", "dcpg-store"), attributes
P
}

quietly "$dcpg" simulate --out_dir sim --nb_chromo 3 --chromo_len 40000 --nb_cell 7 --seed 2
profiles=(sim/cpg/*.tsv.gz) fasta=(sim/dna/*.fa.gz)
for n in 1 2 3 4; do
    on "$n" "$dcpg" data --cpg_profiles "${profiles[@]}" --dna_files sim/dna --out_file "sim$n.h5" --cpg_cov 1
    same_stores sim1.h5 "sim$n.h5"
done
compare sim1.h5 1001 50 1 "${profiles[@]}" --dna "${fasta[@]}"

# Lengths and checksums of the genome.
"$python" - sim1.h5 "${fasta[@]}" <<'P' || fail 'lengths or checksums are not those of the FASTA files'
import sys, gzip, hashlib, h5py
store = h5py.File(sys.argv[1], "r")
for path in sys.argv[2:]:
    head, _, body = gzip.open(path, "rt").read().partition("\n")
    c = store["genome/chromo"][()].tolist().index(head[1:].split()[0].upper().replace("CHR", "").encode())
    bases = body.replace("\n", "").upper()
    assert store["genome/length"][c] == len(bases)
    assert store["genome/md5"][c].decode() == hashlib.md5(bases.encode()).hexdigest()
P

# The example: the window's middle is the C of a CG, and the neighbours are lines of the profile.
read -r chromo pos < <(zcat "${profiles[0]}" | awk 'NR == 40 { print $1, $2 }')
chromo=${chromo#chr} cell=$(basename "${profiles[0]}") cell=${cell%%.*}
"$python" "$here/read_window.py" sim1.h5 "$chromo" "$pos" "$cell" 21 >window.txt ||
    fail 'the example does not run'
[[ $(head -n 1 window.txt | cut -c 11-12) == CG ]] || fail "no CG in the middle of $(head -n 1 window.txt)"
{ zcat "${profiles[0]}" | sed -n '37,39p'; zcat "${profiles[0]}" | sed -n '41,43p'; } |
    awk '{ print $2 ":" int($3) }' | sort >wanted.txt
sed -n '2,3p' window.txt | tr ' ' '\n' | sort >got.txt
diff wanted.txt got.txt || fail 'the example reads other neighbours than the profile holds'

data=$shared/data
[[ -d $data/sim20 ]] || { echo "no data in '$shared' (set DCPG_SHARED): simulated data only"; exit 0; }
for n in 1 2 3 4; do
    on "$n" "$dcpg" data --cpg_profiles "$data"/sim20/cpg/*.tsv.gz --dna_files "$data/sim20/dna" \
        --out_file "sim20_$n.h5"
    same_stores sim20_1.h5 "sim20_$n.h5"
done
[[ $(stat -c %s sim20_1.h5) -lt 6000000 ]] || fail 'the store of sim20 is 6 MB or more'
compare sim20_1.h5 1001 50 25 "$data"/sim20/cpg/*.tsv.gz --dna "$data"/sim20/dna/*.fa.gz
on 2 "$dcpg" data --cpg_profiles "$data"/hs1/cpg/*.tsv.gz --dna_files "$data/hs1/dna" --out_file hs1.h5
compare hs1.h5 501 20 21 "$data"/hs1/cpg/*.tsv.gz --dna "$data"/hs1/dna/*.fa.gz
on 3 "$dcpg" data --cpg_profiles "$data"/bs/BS2*.gz --bedgraph_base 1 --out_file bs.h5
compare bs.h5 0 50 3 "$data"/bs/BS2*.gz
on 2 "$dcpg" data --cpg_profiles "$data"/hs19/cpg/GSM15891*.gz "$data"/hs19/cpg/GSM1589359*.gz \
    --out_file hs19.h5
compare hs19.h5 0 50 31 "$data"/hs19/cpg/GSM15891*.gz "$data"/hs19/cpg/GSM1589359*.gz
echo ok
