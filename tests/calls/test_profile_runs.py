# SPDX-License-Identifier: MIT
"""Many files in one run: wells without calls are left out, files of one cell are merged, files that cannot tell
their base follow the others, odd compression and files of other kinds are reported. The same on 1, 2 and 3 ranks."""
import gzip
import re
import os
import random
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib")]
from program import h5py, np, refusal, run  # noqa: E402  (first: it moves to a folder of its own)

faults = []
rng = random.Random(5)


def check(fine, what):
    if not fine:
        faults.append(what)


def content(path):
    found = {}
    with h5py.File(path, "r") as store:
        store.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def same(a, b, what):
    x, y = content(a), content(b)
    check(set(x) == set(y), f"{what}: other data sets")
    for name in set(x) & set(y):
        alike = x[name].dtype == y[name].dtype and np.array_equal(x[name], y[name], equal_nan=x[name].dtype.kind == "f")
        check(alike, f"{what}: {name} differs")


def write(path, text, packed=None):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with (gzip.open(path, "wt") if path.endswith(".gz") else open(path, "w")) as file:
        file.write(text)
    return path


def values_of(store, cell):
    """{(chromosome, position): value} of a cell in a store."""
    run(1, "show", store, "--outputs", f"cpg/{cell}", "--out_tsv", "show.tsv")
    with open("show.tsv") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    os.remove("show.tsv")
    return {(row[0], int(row[1])): float(row[2]) for row in rows if row[2] not in ("", "nan", "-1")}


# A genome with a CG every 20 bases from 21 (1-based), and CGCGCG at 201.
letters = (["A"] + ["T"] * 19) * 60
for at in range(20, 1200, 20):
    letters[at:at + 2] = "CG"
letters[200:206] = "CGCGCG"
write("genome.fa", ">chr1\n" + "".join(letters) + "\n>chr2\n" + "".join(letters[:800]) + "\n")
sites = [("chr1", at + 1) for at in range(20, 1200, 20)] + [("chr2", at + 1) for at in range(20, 800, 20)]


def some(n=60):
    return sorted(rng.sample([s for s in sites if s[1] != 201], n))


def tsv(calls):
    return "".join(f"{c}\t{p}\t{rng.randint(0, 1)}\n" for c, p in calls)


# ---- empty wells
full = [write(f"plate/c{i:02}.tsv", tsv(some())) for i in range(0, 40, 3)]
full.append(write("plate/f00.tsv", "".join(f"{c}\t{p}\t{rng.random():.3f}\n" for c, p in some())))  # of fractions
empty = [write("plate/c01.tsv", ""), write("plate/c02.tsv", "chromo\tpos\tvalue\n"), write("plate/c04.tsv", "#only\n\n"), write("plate/c05.tsv.gz", ""),
         write("plate/c07.bedGraph", "track type=bedGraph\n")] + [write(f"plate/d{i:02}.tsv", "") for i in range(8)]
run(1, "data", "--cpg_profiles", *full, "--dna_files", "genome.fa", "--out_file", "full.h5")
for ranks in (1, 2, 3):
    printed = run(ranks, "data", "--cpg_profiles", *full, *empty, "--dna_files", "genome.fa", "--out_file", "some.h5")
    same("full.h5", "some.h5", f"empty wells on {ranks} ranks")
    line = [text for text in printed.splitlines() if "left out" in text]
    check(len(line) == 1 and "13 profiles hold no methylation values" in line[0] and "c01.tsv" in line[0] and "and 3 more" in line[0], f"empty wells on {ranks} ranks: {line}")
    wrong = refusal("no profile holds methylation values.*c01.tsv.*c07", ranks, "data", "--cpg_profiles", *empty[:5], "--dna_files", "genome.fa", "--out_file", "none.h5", absent=("none.h5",))
    check(not wrong, f"only empty wells on {ranks} ranks: {wrong}")
printed = run(2, "data", "--cpg_profiles", full[0], write("one.tsv", "chr2\t21\t1\n"), "--chromos", "1", "--dna_files", "genome.fa", "--out_file", "chosen.h5")
check("no call is left of 1 profile on the chosen chromosomes: one.tsv" in printed, f"nothing on the chosen chromosomes: {printed}")
check([name.decode() for name in content("chosen.h5")["cells/name"]] == ["c00", "one"] if "cells/name" in content("chosen.h5") else True, "cell without calls")

# ---- files of one cell
cov = {}
for run_name in ("run1", "run2", "run3"):
    lines = []
    for c, p in some(40):
        m, u = rng.randint(0, 3), rng.randint(0, 3)
        if m + u:
            lines.append(f"{c}\t{p}\t{p}\t{100 * m / (m + u):.6f}\t{m}\t{u}\n")
    cov[run_name] = lines
    write(f"{run_name}/a.cov.gz", "".join(lines))
write("other.cov", "".join(cov["run2"]))
write("all/a.cov", "".join(sum(cov.values(), [])))
write("lists/cells.txt", "# a list\r\na\t../run1/a.cov.gz\r\nb b\t../other.cov  \r\n\r\na\t../run2/a.cov.gz\t\r\na\t ../run3/a.cov.gz\r\n")
write("lists/whole.txt", "a\t../all/a.cov\nb b\t../other.cov\n")
run(1, "data", "--cpg_profiles", "lists/whole.txt", "--dna_files", "genome.fa", "--out_file", "whole.h5")
for ranks in (1, 2, 3):
    if ranks == 2:
        continue
    run(ranks, "data", "--cpg_profiles", "lists/cells.txt", "--dna_files", "genome.fa", "--out_file", "merged.h5")
    same("whole.h5", "merged.h5", f"merged on {ranks} ranks")
write("v1.tsv", "chr1\t21\t1\nchr1\t41\t1\n")
write("v2.tsv", "chr1\t61\t0\nchr2\t41\t1\n")
write("v3.tsv", "chr1\t41\t0\n")
write("v12.txt", "v\tv1.tsv\nv\tv2.tsv\n")
run(1, "data", "--cpg_profiles", "v12.txt", "--dna_files", "genome.fa", "--out_file", "v.h5")
check(values_of("v.h5", "v") == {("1", 21): 1, ("1", 41): 1, ("1", 61): 0, ("2", 41): 1}, f"values of two files: {values_of('v.h5', 'v')}")
for text, pattern in (
    ("v\tv1.tsv\nv\tv3.tsv\n", "v1.tsv and v3.tsv: .*both hold a value"),
    ("v\tv1.tsv\nv\tother.cov\n", "v.* and .*: are of one cell, but one holds numbers of reads"),
    ("v\tv1.tsv\nw\tv1.tsv\n", "v1.tsv: is given twice"),
    ("v\tv1.tsv\nv\t./v1.tsv\n", "are one file, given twice"),
    ("v1.tsv\nv2.tsv\n", "names files.*a name, a tab and a path"),
    ("v v1.tsv\nw v2.tsv\n", "a name, a tab and a path"),
):
    wrong = refusal(pattern, 1, "data", "--cpg_profiles", write("bad.txt", text), "--dna_files", "genome.fa", "--out_file", "bad.h5", absent=("bad.h5",))
    check(not wrong, f"list {text!r}: {wrong}")
write("E4.5_A01.tsv.gz", tsv(some()))
write("E4.5_A02.bedGraph.gz", "")
wrong = refusal("E4.5_A01<tab>E4.5_A01.tsv.gz.* and .E4.5_A02<tab>E4.5_A02.bedGraph.gz", 1, "data", "--cpg_profiles", "E4.5_A01.tsv.gz", "E4.5_A02.bedGraph.gz", "--dna_files", "genome.fa", "--out_file", "bad.h5")
check(not wrong, f"names with dots: {wrong}")

# ---- the base that positions count from
def bedgraph(calls, base):
    return "".join(f"{c}\t{p - 1 + base}\t{p + base}\t{rng.random():.2f}\n" for c, p in calls)


for base in (0, 1):
    tell = [write(f"base{base}/b{i}.bedGraph", bedgraph(some(), base)) for i in range(3)]
    tie = write(f"base{base}/t.bedGraph", bedgraph([("chr1", 203 + base)], base))  # base 1: on the G
    for ranks in (1, 3 - base):
        printed = run(ranks, "data", "--cpg_profiles", *tell, tie, "--dna_files", "genome.fa", "--out_file", "tie.h5")
        check(list(values_of("tie.h5", "t")) == [("1", 203)], f"base {base} on {ranks} ranks: {values_of('tie.h5', 't')}")
        check(f"read as {base}-based like the other 3 bedgraph files" in printed and "t.bedGraph: too few calls" in printed, f"base {base} on {ranks} ranks: {printed}")
    run(1, "data", "--cpg_profiles", *tell, tie, "--dna_files", "genome.fa", "--bedgraph_base", base, "--out_file", "tie.h5")
    check(list(values_of("tie.h5", "t")) == [("1", 203)], f"base {base} by option")
    run(1, "data", "--cpg_profiles", tie, "--dna_files", "genome.fa", "--bedgraph_base", base, "--out_file", "tie.h5")
    check(list(values_of("tie.h5", "t")) == [("1", 203)], f"base {base} by option alone")
    for ranks in (1 + base,):
        wrong = refusal("t.bedGraph: .*whether it counts from 0 or from 1.*--bedgraph_base", ranks, "data", "--cpg_profiles", tie, full[0], "--dna_files", "genome.fa", "--out_file", "bad.h5", absent=("bad.h5",))
        check(not wrong, f"tie alone on {ranks} ranks: {wrong}")
tie = write("tie.tsv", "chr1\t204\t1\n")  # a format with a base of its own
printed = run(1, "data", "--cpg_profiles", tie, "--dna_files", "genome.fa", "--out_file", "tie.h5")
check(list(values_of("tie.h5", "tie")) == [("1", 203)] and "read as 1-based, as the format has it" in printed, f"tie of a TSV: {printed}")
printed = run(1, "data", "--cpg_profiles", full[0], "--dna_files", "genome.fa", "--out_file", "tie.h5")
check("to tell" not in printed, f"a full TSV tells: {printed}")

# ---- compression, and other kinds
packed = gzip.compress(tsv(some()).encode())
for name, data in (("zeros", packed + bytes(1000)), ("garbage", packed + b"index"), ("two", packed + gzip.compress(b""))):
    with open(f"{name}.tsv.gz", "wb") as file:
        file.write(data)
    printed = run(1, "data", "--cpg_profiles", f"{name}.tsv.gz", full[0], "--dna_files", "genome.fa", "--out_file", "odd.h5")
    wanted = {"zeros": "zeros.tsv.gz: zero bytes after the end", "garbage": "garbage.tsv.gz: bytes after the end", "two": ""}[name]
    check(wanted in printed and (wanted or "after the end" not in printed), f"{name}: {printed}")
with open("trailing.fa.gz", "wb") as file, open("genome.fa", "rb") as genome:
    file.write(gzip.compress(genome.read()) + b"index")
for ranks in (1, 2):
    printed = run(ranks, "data", "--cpg_profiles", full[0], "--dna_files", "trailing.fa.gz", "--out_file", "odd.h5")
    check("trailing.fa.gz: bytes after the end" in printed, f"FASTA with more after its end: {printed}")
for name, data, pattern in (("x.tsv.zst", b"\x28\xb5\x2f\xfd\0\0", "zstd -d"), ("x.vcf", b"##fileformat=VCFv4.2\n", "biscuit vcf2bed"), ("x.fa", b">chr1\nACGT\n", "--dna_files")):
    with open(name, "wb") as file:
        file.write(data)
    wrong = refusal(pattern, 1, "data", "--cpg_profiles", full[0], name, "--dna_files", "genome.fa", "--out_file", "bad.h5", absent=("bad.h5",))
    check(not wrong, f"{name}: {wrong}")

# ---- genomes that do not fit
masked = "".join(letters[:600]) + "N" * 600
write("masked.fa", ">chr1\n" + masked + "\n>chr2\n" + "".join(letters[:800]) + "\n")
for ranks in (1, 2):
    wrong = refusal("% on N: its repeats are masked.*lower case", ranks, "data", "--cpg_profiles", full[0], "--dna_files", "masked.fa", "--out_file", "bad.h5")
    check(not wrong, f"masked genome on {ranks} ranks: {wrong}")
printed = run(2, "data", "--cpg_profiles", *full, "--dna_files", "masked.fa", "--min_cg", 10, "--out_file", "masked.h5")
missing = sum(int(line.split()[1]) > 600 and line.startswith("chr1") for name in full for line in open(name))
check(f"{missing} of them (" in printed and "stand on N" in printed, f"masked genome, {missing} calls: {printed}")
printed = run(1, "data", "--cpg_profiles", write("miss.tsv", "chr1\t21\t1\nchr1\t33\t0\n"), "--dna_files", "genome.fa", "--min_cg", 10, "--out_file", "masked.h5")
check("stand on N" not in printed, f"a call on no CG: {printed}")
write("accession.fa", ">NC_000001.11 x\n" + "".join(letters) + "\n>NC_000002.12\n" + "".join(letters) + "\n")
wrong = refusal("no chromosome of it .* is in the genome, which has NC_000001.11, NC_000002.12", 2, "data", "--cpg_profiles", full[0], "--dna_files", "accession.fa", "--out_file", "bad.h5")
check(not wrong, f"names by accession: {wrong}")

# ---- without a genome C and G of a CpG are two sites
both = write("both.cov", "".join(f"1\t{p}\t{p}\t100\t1\t0\n1\t{p + 1}\t{p + 1}\t100\t1\t0\n" for p in (32, 41, 46)) + "1\t60\t60\t0\t0\t1\n")
printed = run(2, "data", "--cpg_profiles", both, "--out_file", "both.h5")
check("3 of 7 positions stand next to another one" in printed, f"both strands: {printed}")
printed = run(1, "data", "--cpg_profiles", full[0], "--out_file", "both.h5")
check("next to another one" not in printed, f"one strand: {printed}")

# ---- bulk profiles without a value at any site
write("far.tsv", "chr1\t1181\t0.5\n")
write("near.tsv", "chr1\t21\t0.5\n")
for ranks in (1, 2):
    printed = run(ranks, "data", "--cpg_profiles", write("cell.tsv", "chr1\t21\t1\n"), "--bulk_profiles", "far.tsv", "near.tsv", "--dna_files", "genome.fa", "--out_file", "bulk.h5")
    check("far: the bulk profile has no value" in printed and "near" not in printed.split("far: the")[1].split("\n")[0], f"bulk on {ranks} ranks: {printed}")

# ---- --verbose reports how bulk profiles were read, as for cells
write("counts.tsv", "chrom\tstart\tmeth\ttotal\n" + "".join(f"chr1\t{p}\t1\t4\n" for p in (21, 41)))
for ranks in (1, 2, 3):
    words = ["data", "--cpg_profiles", "cell.tsv", "--bulk_profiles", "far.tsv", "near.tsv", "counts.tsv", "--dna_files", "genome.fa", "--out_file", "bulk.h5"]
    printed = run(ranks, *words, "--verbose")
    for name, what in (("near.tsv", "columns .*mean 0.5000 of 1 CpGs"), ("counts.tsv", "columns .*meth.*mean 0.2500 of"), ("far.tsv", "columns"), ("cell.tsv", "columns")):
        lines = re.findall(f"^.*data: {name}: .*$", printed, re.M)
        check(len(lines) == 2 and re.search(what, lines[1]), f"--verbose on {ranks} ranks, {name}: {lines}")
    printed = run(ranks, *words)
    check("data: near.tsv: " not in printed, f"without --verbose: {printed}")

# ---- a bomb of valid lines
with gzip.open("bomb.tsv.gz", "wb", 1) as file:
    for k in range(400):
        file.write(b"chr1\t21\t1\n" * 20000)
wrong = refusal("bomb.tsv.gz: reading on after line .* of memory, more than --max_memory 120", 1, "data", "--cpg_profiles", "bomb.tsv.gz", "--dna_files", "genome.fa", "--max_memory", "120M", "--out_file", "bad.h5")
check(not wrong, f"bomb: {wrong}")
wrong = refusal("--max_memory", 1, "data", "--cpg_profiles", full[0], "--max_memory", "much", "--out_file", "bad.h5")
check(not wrong, f"size: {wrong}")

sys.exit("\n".join(["FAILED:"] + faults) if faults else 0)
