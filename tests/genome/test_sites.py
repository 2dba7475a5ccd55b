# SPDX-License-Identifier: MIT
"""Which sites a store has: --sites all on any number of ranks, and lists compared with the genome; and which chromosome a name means."""
import os
import random
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib")]
from program import h5py, np, refusal, run  # noqa: E402  (first: it moves to a folder of its own)

rng = random.Random(5)
faults = []


def expect(what, found, wanted):
    if found != wanted:
        faults.append(f"{what}: {str(found)[:300]}, not {str(wanted)[:300]}")


def expect_refused(what, pattern, *words, ranks=1):
    fault = refusal(pattern, ranks, "data", *words, "--out_file", "refused.h5", absent=("refused.h5",))
    if fault:
        faults.append(f"{what}: {fault}")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def bases(length):
    """Random, with some runs of CG."""
    text = "".join(rng.choice("ACGTTACA") for _ in range(length))
    return text[:200] + "CGCGCGCG" + text[200:]


def cgs(text):
    return [match.start() + 1 for match in re.finditer("CG", text)]


def fasta(sequences):
    return "".join(f">{name}\n" + "\n".join(text[i:i + 60] for i in range(0, len(text), 60)) + "\n" for name, text in sequences.items())


def content(path):
    """{dataset or attribute: bytes}, except for the command."""
    found = {}
    with h5py.File(path, "r") as store:
        store.visititems(lambda name, item: found.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None)
        found.update({f"@{key}": str(value) for key, value in store.attrs.items() if key != "command"})
    return found


def sites(path):
    """{chromosome: positions of its sites}"""
    with h5py.File(path, "r") as store:
        chromos, offset, pos = [name.decode() for name in store["genome/chromo"][()]], store["positions/offset"][()], store["positions/pos"][()]
        index = store["sites/index"][()] if "sites/index" in store else np.arange(len(pos))
        return {chromo: pos[index[(index >= offset[i]) & (index < offset[i + 1])]].tolist() for i, chromo in enumerate(chromos)}


def calls(name, positions, share=0.6):
    return "".join(f"{name}\t{pos}\t{rng.randrange(2)}\n" for pos in positions if rng.random() < share)


genome = {"chr1": bases(3000), "chr2": bases(1500), "chr10": bases(700), "chrUn": "ACGTACG", "bare": "ATTAAT"}
write("genome.fa", fasta(genome))
for k in range(4):
    write(f"c{k}.tsv", "".join(calls(name, cgs(genome[name]), 0.3) for name in ("chr1", "chr2")))
cells = ["c0.tsv", "c1.tsv", "c2.tsv"]
base = ["--cpg_profiles", *cells, "--dna_files", "genome.fa"]
every = {"1": cgs(genome["chr1"]), "10": cgs(genome["chr10"]), "2": cgs(genome["chr2"]), "UN": cgs(genome["chrUn"])}

# ---- all CGs: the same store on any number of ranks, and whether made at once or by appending; imputing them
printed = run(1, "data", *base, "--out_file", "observed.h5")
seen = sum(len(pos) for pos in sites("observed.h5").values())
total = sum(map(len, every.values()))
expect("what the log says of CGs that no cell saw", f"{total - seen} of {total} CGs of the genome were seen in no cell: --sites all" in printed, True)
for ranks in (1, 2, 3):
    run(ranks, "data", *base, "--sites", "all", "--out_file", f"all{ranks}.h5")
    expect(f"--sites all on {ranks} ranks", sites(f"all{ranks}.h5"), every)
    expect(f"the store on {ranks} ranks", content(f"all{ranks}.h5") == content("all1.h5"), True)
run(1, "data", *base, "--sites", "all", "--chromos", "2", "UN", "--out_file", "two.h5")
expect("--sites all on two chromosomes", sites("two.h5"), {"2": every["2"], "UN": every["UN"]})
run(2, "data", "--cpg_profiles", *cells, "c3.tsv", "--dna_files", "genome.fa", "--sites", "all", "--out_file", "four.h5")
run(2, "data", "--cpg_profiles", "c3.tsv", "--out_file", "all1.h5", "--append")
expect("a store that was appended to", [key for key, value in content("four.h5").items() if content("all1.h5").get(key) != value], [])
run(1, "train", "all2.h5", "--cpg_model", "FcAvg", "--cpg_wlen", "4", "--nb_epoch", "1", "--batch_size", "64", "--out_dir", "model")
run(1, "eval", "all2.h5", "--model_files", "model", "--out_data", "eval.h5")
run(1, "export", "eval.h5", "--out_dir", "imputed", "--out_format", "hdf")
with h5py.File("imputed/c0.h5", "r") as file:
    expect("imputed sites", len(file["pos"]), total)

# ---- lists of sites
some = sorted(rng.sample(every["1"][4:], 30)) + [every["1"][-1]]


def listed(*words, text, name="sites.txt", ranks=1):
    write(name, text)
    printed = run(ranks, "data", *base, *words, name, "--out_file", "listed.h5")
    return sites("listed.h5").get("1"), printed


some = sorted(set(some))
for what, text in {
    "1-based positions": "".join(f"1\t{pos}\n" for pos in some),
    "BED of two bases": "track name=x\n" + "".join(f"chr1\t{pos - 1}\t{pos + 1}\n" for pos in some),
    "BED of one base, names of columns": "chrom\tstart\tend\tname\n" + "".join(f"chr1\t{pos - 1}\t{pos}\tx\n" for pos in some),
    "BED of the G": "".join(f"chr1\t{pos}\t{pos + 1}\n" for pos in some),
    "positions from 0": "".join(f"1\t{pos - 1}\n" for pos in some),
    "positions of both strands": "".join(f"1 {pos}\n1 {pos + 1}\n" for pos in some),
}.items():
    for option in ("--pos_file", "--sites"):
        expect(f"{option}, {what}", listed(option, text=text, ranks=1 if option == "--sites" else 3)[0], some)
misses = [pos for pos in range(1000, 1100) if genome["chr1"][pos - 2:pos + 2].count("CG") == 0][:2]
found, printed = listed("--sites", text="".join(f"1\t{pos}\n" for pos in some + misses))
expect("sites that miss", (found, f"2 of {len(some) + 2} sites are no CG" in printed), (some, True))
write("wrong.txt", "".join(f"1\t{pos + 7}\n" for pos in every["1"]))
expect_refused("another build", r"wrong.txt: \d.* % of its \d+ sites are CGs of the genome \(moved by -1: ", *base, "--sites", "wrong.txt")
write("unclear.txt", "".join(f"1\t{pos}\n" for pos in (204, 206)))  # the G of one CG, and just before the C of the next
expect("the genome has CGCGCG there", {201, 203, 205, 207} <= set(every["1"]), True)
expect_refused("two readings", r"unclear.txt: its sites are CGs of the genome as a list.*and moved by [+-]1", *base, "--sites", "unclear.txt")
expect_refused("both options", "--sites and --pos_file", *base, "--sites", "all", "--pos_file", "sites.txt")
expect_refused("all without a genome", "--sites all: give the genome", "--cpg_profiles", *cells, "--sites", "all")
expect_refused("all with --cpg_cov", "leave --cpg_cov out", *base, "--sites", "all", "--cpg_cov", "2")
write("tied.cov", "chr1\t{0}\t{0}\t50\t1\t1\n".format(every["1"][0]))
expect_refused("no call", "no call is left of any profile", "--cpg_profiles", "tied.cov", "--dna_files", "genome.fa", "--sites", "all", ranks=2)
expect("one cell", "1 cell, " in run(1, "data", "--cpg_profiles", "c0.tsv", "--dna_files", "genome.fa", "--out_file", "one.h5"), True)

# ---- which chromosome a name means
mito = {"chr1": genome["chr1"], "chrM": bases(400), "chrMT": bases(410)}
write("hg19.fa", fasta(mito))
write("m.tsv", calls("chr1", every["1"]) + calls("chrM", cgs(mito["chrM"]), 1))
write("mt.tsv", calls("1", every["1"]) + calls("MT", cgs(mito["chrMT"]), 1))
run(2, "data", "--cpg_profiles", "m.tsv", "mt.tsv", "--dna_files", "hg19.fa", "--out_file", "hg19.h5")
expect("chrM and chrMT", {name: pos for name, pos in sites("hg19.h5").items() if name != "1"}, {"M": cgs(mito["chrM"]), "MT": cgs(mito["chrMT"])})
run(1, "data", "--cpg_profiles", "m.tsv", "--dna_files", "hg19.fa", "--chromos", "chrM", "--out_file", "m.h5")
expect("--chromos chrM", sites("m.h5"), {"M": cgs(mito["chrM"])})
with open("m.tsv") as m, open("mt.tsv") as mt:
    common = {"m.tsv": m.read().count("chr1\t"), "mt.tsv": sum(line.startswith("1\t") for line in mt)}
# A store with one of the two does not take calls on the other.
for name, own, other, called in (("chrM", "m.tsv", "mt.tsv", "MT"), ("chrMT", "mt.tsv", "m.tsv", "chrM")):
    lost = cgs(mito["chrM" if name == "chrMT" else "chrMT"])
    write("again.tsv", calls("chr1", every["1"]) + calls(name, cgs(mito[name]), 1))
    for words in ([], ["--dna_files", "hg19.fa"]):
        run(1, "data", "--cpg_profiles", own, "--dna_files", "hg19.fa", "--out_file", "alone.h5")
        printed = run(3, "data", "--append", "--cpg_profiles", other, "again.tsv", *words, "--out_file", "alone.h5")
        wanted = {name[3:]: cgs(mito[name]), **({"M" if called == "chrM" else "MT": lost} if words else {})}
        expect(f"appended to a store of {name} {words}", {key: pos for key, pos in sites("alone.h5").items() if key != "1"}, wanted)
        with h5py.File("alone.h5", "r") as store:
            number = dict(zip(store["cells/name"][()].tolist(), store["cells/nb_call"][()].tolist()))
        expect(f"calls of {other} {words}", number[other[:-4].encode()], common[other] + (len(lost) if words else 0))
        expect(f"{called} is reported as dropped {words}", f"{len(lost)} calls lie on contigs that the genome lacks ({called}, say)" in printed, not words)
    run(1, "data", "--cpg_profiles", own, "--dna_files", "hg19.fa", "--chromos", name, "--out_file", "chosen.h5")
    for ranks, cell in ((1, other), (3, "again.tsv")):
        printed = run(ranks, "data", "--append", "--cpg_profiles", cell, "--out_file", "chosen.h5")
        expect(f"{cell} with --chromos {name}", (f"on the chosen chromosomes: {cell}" in printed, "(0.0 to 100.0)" in printed), (cell == other, True))
    expect(f"appended with --chromos {name}", sites("chosen.h5"), {name[3:]: cgs(mito[name])})
write("only.fa", fasta({"1": genome["chr1"], "MT": mito["chrM"]}))
run(1, "data", "--cpg_profiles", "m.tsv", "--dna_files", "only.fa", "--out_file", "mt.h5")
expect("chrM where the genome has MT alone", sites("mt.h5").get("MT"), cgs(mito["chrM"]))
write("both.fa", fasta({"chr1": genome["chr1"], "1": genome["chr2"]}))
write("first.tsv", calls("chr1", every["1"], 1))
write("second.tsv", calls("1", every["2"], 1))
run(1, "data", "--cpg_profiles", "first.tsv", "second.tsv", "--dna_files", "both.fa", "--out_file", "both.h5")
expect("chr1 and 1 in one file", sites("both.h5"), {"chr1": every["1"], "1": every["2"]})
write("case.tsv", calls("CHR1", every["1"], 1))
expect_refused("CHR1 where there are chr1 and 1", r"case.tsv: line 1: chromosome CHR1 may be any of .* of the genome", "--cpg_profiles", "case.tsv", "--dna_files", "both.fa")
write("again.fa", fasta({"1": genome["chr1"]}))
printed = run(3, "data", *base, "again.fa", "--out_file", "again.h5")
expect("a chromosome of the same bases in two files", ("taken once" in printed, sites("again.h5")), (True, sites("observed.h5")))
write("spare.fa", fasta({"chrM": mito["chrM"], "chr2": genome["chr2"]}))
run(2, "data", "--cpg_profiles", "m.tsv", "--dna_files", "hg19.fa", "spare.fa", "--chromos", "chr1", "--out_file", "spare.h5")
expect("a chromosome that nobody wants in two files", list(sites("spare.h5")), ["1"])
write("other.fa", fasta({"1": genome["chr2"]}))
expect_refused("other bases in two files", "genome.fa and other.fa: both hold chromosome 1", *base, "other.fa", ranks=3)
expect_refused("a name that the genome lacks", r"--chromos chr3: the genome has no such chromosome: it has .*chr10", *base, "--chromos", "chr3", ranks=2)
mixed = write("mixed.tsv", calls("chrM", cgs(mito["chrM"]), 1) + calls("chrMT", cgs(mito["chrMT"]), 1))
expect_refused("chrM and chrMT without a genome", "mixed.tsv: holds both chrM and chrMT", "--cpg_profiles", mixed)

# Two files without a genome: one chromosome, by the rule, and a warning; no warning if --chromos leaves it out.
one = "chrM (m.tsv) and chrMT (mt.tsv) are taken for one chromosome, MT"
for ranks in (1, 2, 3):
    printed = run(ranks, "data", "--cpg_profiles", "m.tsv", "mt.tsv", "--out_file", "two.h5")
    expect("chrM and MT in two files without a genome", (one in printed, sites("two.h5")["MT"]), (True, sorted({*cgs(mito["chrM"]), *cgs(mito["chrMT"])})))
    printed = run(ranks, "data", "--cpg_profiles", "m.tsv", "mt.tsv", "--chromos", "1", "--out_file", "two.h5")
    expect("chrM and MT, chromosome 1 alone", ("one chromosome" in printed, list(sites("two.h5"))), (False, ["1"]))
    printed = run(ranks, "data", "--cpg_profiles", "m.tsv", "--bulk_profiles", "mt.tsv", "--out_file", "two.h5")
    expect("chrM in a bulk profile's name", "chrM (of files before) and chrMT (mt.tsv) are taken for one" in printed, True)
write("sites_m.txt", "".join(f"chrM\t{p}\n" for p in cgs(mito["chrM"])))
write("sites_both.txt", "chrM\t5\nchrMT\t7\n")
write("m.bed", "chrM\t0\t1000\n")
write("both.bed", "chrM\t0\t1000\nMT\t0\t1000\n")
printed = run(2, "data", "--cpg_profiles", "mt.tsv", "--pos_file", "sites_m.txt", "--out_file", "two.h5")
expect("sites of chrM, profiles of MT", "chrM (sites_m.txt) and chrMT (mt.tsv) are taken for one" in printed, True)
printed = run(2, "data", "--cpg_profiles", "mt.tsv", "--anno_files", "m.bed", "--out_file", "two.h5")
expect("an annotation of chrM, profiles of MT", "chrM (m.bed) and chrMT (of files before) are taken for one" in printed, True)
expect_refused("sites of chrM and chrMT", "sites_both.txt: holds both chrM and chrMT", "--cpg_profiles", "mt.tsv", "--pos_file", "sites_both.txt", ranks=3)
expect_refused("an annotation of chrM and chrMT", "both.bed: holds both chrM and chrMT", "--cpg_profiles", "mt.tsv", "--anno_files", "both.bed", ranks=3)
for words in (["m.tsv"], ["mt.tsv"]):
    expect("one name alone", "one chromosome" in run(2, "data", "--cpg_profiles", *words, "c0.tsv", "--out_file", "two.h5"), False)
run(1, "data", "--cpg_profiles", "m.tsv", "mt.tsv", "--dna_files", "hg19.fa", "--out_dir", "both_files", "--dna_wlen", "11", "--cpg_wlen", "2")
both = sorted(os.path.join("both_files", name) for name in os.listdir("both_files"))
wrong = refusal("both_files/.*hold both chrM and chrMT", 2, "convert", *both, "--out_file", "back.h5")
expect("DeepCpG files of chrM and chrMT", wrong, "")
run(2, "convert", *[name for name in both if "cMT_" not in name], "--out_file", "back.h5")
# Two FASTA files: both are in the genome, so they are two, and that is reported.
write("fasta_m.fa", fasta({"1": genome["chr1"], "chrM": mito["chrM"]}))
write("fasta_mt.fa", fasta({"MT": mito["chrMT"]}))
write("fasta_mt_same.fa", fasta({"MT": mito["chrM"]}))
for ranks in (1, 3):
    printed = run(ranks, "data", "--cpg_profiles", "m.tsv", "mt.tsv", "--dna_files", "fasta_m.fa", "fasta_mt.fa", "--out_file", "two.h5")
    expect("chrM and MT of two FASTA files", {name: pos for name, pos in sites("two.h5").items() if name != "1"}, {"M": cgs(mito["chrM"]), "MT": cgs(mito["chrMT"])})
    expect("... are reported", bool(re.search("(chrM of fasta_m.fa and MT of fasta_mt.fa|MT of fasta_mt.fa and chrM of fasta_m.fa) have other bases: they are taken for two", printed)), True)
    printed = run(ranks, "data", "--cpg_profiles", "m.tsv", "--dna_files", "fasta_m.fa", "fasta_mt_same.fa", "--out_file", "two.h5")
    expect("chrM and MT of the same bases", ("taken once" in printed, "two chromosomes" in printed), (True, False))

# ---- the same rule for annotations, and for --chromos of other commands
write("anno.bed", "chrom\tstart\tend\n" + "track name=x\nbrowser position 1\n" + "chrMT\t0\t100000\n1\t1\t5\n" + "".join(f"contig_{i}\t1\t2\n" for i in range(3000)))
run(2, "data", "--cpg_profiles", "m.tsv", "mt.tsv", "--dna_files", "hg19.fa", "--anno_files", "anno.bed", "--out_file", "anno.h5")
with h5py.File("anno.h5", "r") as store:
    offset = store["positions/offset"][()]
    inside = np.unpackbits(store["annos/inside"][()].view(np.uint8), bitorder="little")[:offset[-1]]
    names = [name.decode() for name in store["genome/chromo"][()]]
    expect("sites inside an annotation", {name: int(inside[offset[i]:offset[i + 1]].sum()) for i, name in enumerate(names) if name != "1"}, {"M": 0, "MT": len(cgs(mito["chrMT"]))})
write("bad.bed", "chrom\tstart\tend\n1\tx\t5\n")
expect_refused("a bad line of BED", "bad.bed: line 2: no interval", *base, "--anno_files", "bad.bed")
run(1, "train", "hg19.h5", "--cpg_model", "FcAvg", "--cpg_wlen", "4", "--nb_epoch", "1", "--train_chromos", "chrMT", "chr1", "--batch_size", "64", "--out_dir", "mito")
run(1, "eval", "hg19.h5", "--model_files", "mito", "--chromos", "chrM", "--out_data", "m_eval.h5")
with h5py.File("m_eval.h5", "r") as file:
    expect("eval --chromos chrM", (set(file["chromo"][()].tolist()), len(file["pos"])), ({b"M"}, len(cgs(mito["chrM"]))))
run(1, "eval", "hg19.h5", "--model_files", "mito", "--out_data", "all_eval.h5")
run(2, "export", "all_eval.h5", "--chromos", "chrMT", "--out_dir", "mt", "--out_format", "hdf")
with h5py.File("mt/m.h5", "r") as file:
    expect("export --chromos chrMT", len(file["pos"]), len(cgs(mito["chrMT"])))

print("\n".join(faults) or "all as wanted")
sys.exit(1 if faults else 0)
