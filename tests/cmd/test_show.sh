#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests dcpg show and dcpg stats: the text that pandas prints for the same data (made with pandas 1.5.3 and
# kept here), tables, the same from stores and files, on any number of ranks.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
python=${PYTHON3:-}
[[ -n $python ]] && "$python" -c 'import h5py, numpy' 2>/dev/null || skip 'python3 has no h5py or numpy'
cd "$work"

"$python" - <<'P'
import h5py
import numpy as np

def make(path, chromo, pos, cells, outputs):
    with h5py.File(path, "w") as f:
        f["chromo"], f["pos"] = np.full(len(pos), chromo.encode(), "S2"), np.array(pos, np.int32)
        f["inputs/dna"] = np.tile(np.arange(len(pos))[:, None] % 4, (1, 5)).astype(np.int8)
        for cell, (state, dist) in cells.items():
            f[f"inputs/cpg/{cell}/state"], f[f"inputs/cpg/{cell}/dist"] = state, dist
        for name, values in outputs.items():
            f["outputs/" + name] = values

I, F = np.int8, np.float32
make("c1.h5", "1", [10, 200, 3000],
     {"a": (I([[-1, 1]] * 3), F([[-1, 5]] * 3)), "frac": (F([[-1, 0.25]] * 3), F([[16, 1e6]] * 3))},
     {"cpg/a": I([-1, 0, 1]), "cpg_stats/var": F([-1, 0.125, 0.0625]), "cpg_stats/mode": I([-1, 1, 0]),
      "bulk/tiny": F([1e-8, 0.5, -1]), "win_stats/1001/mean": F([1 / 3, 0.75, 0.1])})
make("cX.h5", "X", [7, 12345],
     {"a": (I([[0, 1]] * 2), F([[1, 2]] * 2)), "frac": (F([[0.5, 0.25]] * 2), F([[16, 17]] * 2))},
     {"cpg/a": I([-1, -1]), "cpg_stats/var": F([-1, 0.25]), "cpg_stats/mode": I([-1, 1]),
      "bulk/tiny": F([0, 1]), "win_stats/1001/mean": F([1, 0])})
P

# prints WORDS...: the command prints the text on stdin, on 1 and 2 ranks;
# blanks at the ends of lines are ignored
prints() {
    sed 's/ *$//' >expected.txt
    for n in 1 2; do
        "${MPIRUN:-mpirun}" -n $n "$dcpg" "$@" >all.txt 2>err.log || fail "exit code $?: $* ($(cat err.log))"
        sed 's/ *$//' all.txt >found.txt
        diff expected.txt found.txt || fail "not what pandas prints, $n ranks: $*"
    done
}
prints show c1.h5 cX.h5 --outputs --dna_wlen 3 --cpg --cpg_wlen 2 --cpg_dist <<'T'
     loc              outputs                                                        dna       a/state    a/dist      frac/state       frac/dist
  chromo    pos     bulk/tiny cpg/a cpg_stats/mode cpg_stats/var win_stats/1001/mean  -1  0 +1      -1 +1     -1   +1         -1    +1        -1         +1
0      1     10  1.000000e-08    -1             -1       -1.0000            0.333333   0  0  0      -1  1   -1.0  5.0       -1.0  0.25      16.0  1000000.0
1      1    200  5.000000e-01     0              1        0.1250            0.750000   1  1  1      -1  1   -1.0  5.0       -1.0  0.25      16.0  1000000.0
2      1   3000 -1.000000e+00     1              0        0.0625            0.100000   2  2  2      -1  1   -1.0  5.0       -1.0  0.25      16.0  1000000.0
0      X      7  0.000000e+00    -1             -1       -1.0000            1.000000   0  0  0       0  1    1.0  2.0        0.5  0.25      16.0       17.0
1      X  12345  1.000000e+00    -1              1        0.2500            0.000000   1  1  1       0  1    1.0  2.0        0.5  0.25      16.0       17.0
T
prints show c1.h5 cX.h5 --outputs cpg_stats/var --start 200 --end 3000 <<'T'
     loc             outputs
  chromo   pos cpg_stats/var
1      1   200        0.1250
2      1  3000        0.0625
T
prints show c1.h5 cX.h5 --chromo chrX --cpg frac --cpg_wlen 2 <<'T'
     loc        frac/state
  chromo    pos         -1    +1
0      X      7        0.5  0.25
1      X  12345        0.5  0.25
T
prints stats c1.h5 cX.h5 <<'T'
                output  nb_tot  nb_obs  frac_obs      mean       var
0            bulk/tiny       5       4       0.8  0.375000  0.171875
1                cpg/a       5       2       0.4  0.500000  0.250000
2       cpg_stats/mode       5       3       0.6  0.666667  0.222222
3        cpg_stats/var       5       3       0.6  0.145833  0.006076
4  win_stats/1001/mean       5       5       1.0  0.436667  0.146044
T
prints stats c1.h5 cX.h5 --output_names 'cpg_stats' --nb_sample 3 <<'T'
           output  nb_tot  nb_obs  frac_obs     mean       var
0  cpg_stats/mode       3       2  0.666667  0.50000  0.250000
1   cpg_stats/var       3       2  0.666667  0.09375  0.000977
T

quietly "$dcpg" show c1.h5 cX.h5 --outputs bulk/tiny win_stats/1001/mean cpg/a --cpg frac --cpg_wlen 2 \
    --cpg_dist --out_tsv show.tsv
diff - show.tsv <<'T' || fail 'the table is not the expected one'
chromo	pos	outputs/bulk/tiny	outputs/win_stats/1001/mean	outputs/cpg/a	frac/state/-1	frac/state/+1	frac/dist/-1	frac/dist/+1
1	10	1e-08	0.33333334	-1	-1.0	0.25	16.0	1000000.0
1	200	0.5	0.75	0	-1.0	0.25	16.0	1000000.0
1	3000	-1.0	0.1	1	-1.0	0.25	16.0	1000000.0
X	7	0.0	1.0	-1	0.5	0.25	16.0	17.0
X	12345	1.0	0.0	-1	0.5	0.25	16.0	17.0
T

# A store gives the same text as the files written from it, with many more sites than a block.
quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 1400000 --nb_cell 3 --seed 6
quietly "$dcpg" data --cpg_profiles sim/cpg/* --dna_files sim/dna --out_file store.h5
quietly "$dcpg" convert store.h5 --out_dir files --dna_wlen 3 --cpg_wlen 4 --chunk_size 100000
show=(--outputs --cpg --cpg_wlen 4 --cpg_dist)
quietly "$dcpg" show store.h5 "${show[@]}" --out_tsv store.tsv
on 2 "$dcpg" show files/*.h5 "${show[@]}" --out_tsv files.tsv
same store.tsv files.tsv
quietly "$dcpg" stats store.h5 --out_tsv store.stats
for n in 2 3; do
    on $n "$dcpg" stats files/*.h5 --out_tsv files.stats
    same store.stats files.stats
done
"$python" - <<'P' || fail 'the tables of a store are wrong'
import csv, glob, h5py
import numpy as np

files = [h5py.File(p, "r") for p in sorted(glob.glob("files/*.h5"))]
column = lambda name: np.concatenate([f[name][()] for f in files])
with open("store.tsv") as f:
    rows = list(csv.DictReader(f, delimiter="\t"))
assert len(rows) == len(column("pos")) > 17000, len(rows)
assert [int(r["pos"]) for r in rows] == list(column("pos"))
assert [r["chromo"] for r in rows] == [c.decode() for c in column("chromo")]
cells = list(files[0]["inputs/cpg"])
for cell in cells:
    assert [int(r[f"outputs/cpg/{cell}"]) for r in rows] == list(column(f"outputs/cpg/{cell}"))
    for kind in ("state", "dist"):
        for k, offset in enumerate(("-2", "-1", "+1", "+2")):
            assert [float(r[f"{cell}/{kind}/{offset}"]) for r in rows] == \
                list(column(f"inputs/cpg/{cell}/{kind}")[:, k])
with open("store.stats") as f:
    for r in csv.DictReader(f, delimiter="\t"):
        x = column("outputs/" + r["output"])
        seen = x[x != -1].astype(float)
        assert (int(r["nb_tot"]), int(r["nb_obs"])) == (len(x), len(seen))
        assert float(r["frac_obs"]) == len(seen) / len(x)
        assert np.allclose([float(r["mean"]), float(r["var"])], [seen.mean(), seen.var()], rtol=1e-14)
P

refused 'odd' "$dcpg" show store.h5 --dna_wlen 4
refused 'even' "$dcpg" show store.h5 --cpg --cpg_wlen 3
refused "'cpg/none' matches none of the 3 outputs" "$dcpg" show store.h5 --outputs cpg/none
refused "'none' matches none of the 3 cells" "$dcpg" show store.h5 --cpg none
refused '2 neighbours.*10 are wanted' "$dcpg" show c1.h5 --cpg
refused 'chromosome 7' "$dcpg" show store.h5 --chromo 7
refused "give a store.*'store.h5' was taken for a word of --outputs" "$dcpg" show --outputs store.h5
refused 'written over' "$dcpg" show c1.h5 --out_tsv c1.h5
refused 'written over' "$dcpg" stats c1.h5 --out_tsv c1.h5
refused 'matches none' "$dcpg" stats c1.h5 --output_names none
echo ok

# The closing line shows the first words of a long list and the last, and so the options after it;
# without a genome nothing is logged about CGs.
for i in 1 2 3 4 5 6; do printf '1\t%d\t1\n' $((10 * i)) >"list$i.tsv"; done
"$dcpg" data --cpg_profiles list[1-6].tsv --out_file closing.h5 --verbose 2>closing.log
shown='--cpg_profiles list1.tsv list2.tsv list3.tsv ... (2 more) list6.tsv --out_file closing.h5'
grep -qF -- "$shown --verbose  wall" closing.log ||
    fail "the closing line does not name the output: $(cat closing.log)"
! grep -q 'on CG' closing.log || fail "CG reported without a genome: $(cat closing.log)"
