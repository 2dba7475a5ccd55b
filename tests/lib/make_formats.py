#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes one truth, a small genome and the reads of one cell on both strands of its CpGs, in every format that pipelines produce.

    make_formats.py OUT_DIR [SEED]        writes OUT_DIR/dna, OUT_DIR/cpg (one file per variant) and prints the variants
"""
import gzip
import os
import random
import struct
import sys
import zlib

try:
    import pyBigWig
except ImportError:
    pyBigWig = None

CONTEXTS = {"CG": ("CGA", "CGC", "CGG", "CGT"), "CHG": ("CAG", "CCG", "CTG"), "CHH": ("CAA", "CCT", "CTC", "CTA")}


class Truth:
    """sequence: {chromosome: bases}; reads: {chromosome: {position of the C, from 1: [methylated +, unmethylated +, methylated -, unmethylated -]}}."""

    def __init__(self, seed=1, lengths=(("1", 6000), ("2", 900), ("10", 2500), ("X", 4000))):
        self.rng = random.Random(seed)
        self.sequence = {name: self.draw_sequence(length) for name, length in lengths}
        self.sequence["3"] = "A" * 40 + "CG" + "T" * 40  # one site
        self.sequence["GL000219.1"] = self.draw_sequence(500)  # has no reads
        self.reads = {name: self.draw_reads(bases) for name, bases in self.sequence.items() if not name.startswith("GL")}

    def draw_sequence(self, length):
        """Many CpGs, one at each end, runs of N, lower case in stretches."""
        rng, parts, total = self.rng, ["CG"], 2
        while total < length - 2:
            part = rng.choice((lambda: "".join(rng.choices("ACGT", k=rng.randint(5, 60))), lambda: "CG" * rng.randint(1, 4), lambda: "N" * rng.randint(1, 90)))()
            parts.append(part.lower() if rng.random() < 0.3 else part)
            total += len(part)
        return "".join(parts)[:length - 2] + "CG"

    def draw_reads(self, bases):
        rng, bases, result = self.rng, bases.upper(), {}
        at = [i + 1 for i in range(len(bases) - 1) if bases[i:i + 2] == "CG"]
        for pos in at:
            if rng.random() < 0.7 or len(at) == 1 or pos in (at[0], at[-1]):
                level = rng.choice((0, 0, 0.2, 0.5, 0.8, 1, 1))
                depth = rng.choice(((1, 0), (0, 1), (1, 1), (2, 2), (5, 3), (0, 4)))
                result[pos] = [n for d in depth for m in [sum(rng.random() < level for _ in range(d))] for n in (m, d - m)]
        return result

    def merged(self):
        """[(chromosome, position of the C, methylated, reads)], in the genome's order."""
        return [(c, p, r[0] + r[2], sum(r)) for c, sites in self.reads.items() for p, r in sorted(sites.items())]

    def stranded(self):
        """[(chromosome, position of the base that was read, strand, methylated, unmethylated)], where there are reads."""
        lines = [(c, p + (s == "-"), s, *r[k:k + 2]) for c, sites in self.reads.items() for p, r in sorted(sites.items()) for k, s in ((0, "+"), (2, "-"))]
        return [line for line in lines if line[3] + line[4] > 0]

    def others(self, number):
        """Reads of cytosines outside CGs: [(chromosome, position, strand, methylated, unmethylated, context)]."""
        result = []
        for name, bases in self.sequence.items():
            at = [i + 1 for i in range(1, len(bases) - 1) if bases[i].upper() == "C" and bases[i + 1].upper() in "ACT"]
            result += [(name, p, "+", self.rng.randint(0, 3), self.rng.randint(1, 9), self.rng.choice(("CHG", "CHH"))) for p in self.rng.sample(at, min(number, len(at)))]
        return result

    def zeros(self):
        """Sides of CpGs without reads, as reports list them: [(chromosome, position, strand)]."""
        seen = {line[:2] for line in self.stranded()}
        return [(name, i + 1 + k, "+-"[k]) for name, bases in self.sequence.items() for i in range(len(bases) - 1) if bases[i:i + 2].upper() == "CG"
                for k in (0, 1) if (name, i + 1 + k) not in seen]


# ---- formats: each function returns lines; `name` decides what chromosomes are called ----

def number(x):
    return f"{x:.10g}"


def tsv(truth, name, header=""):
    return [header] * bool(header) + [f"{name(c)}\t{p}\t{m / t:.9g}" for c, p, m, t in truth.merged()]


def bedgraph(truth, name, base=0, scale=1, track="track type=bedGraph"):
    """With base 1 as DeepCpG's own scripts write it; with base 0 as UCSC's, and with a scale of 100 as Bismark's."""
    return [track] * bool(track) + [f"{name(c)}\t{p - 1 + base}\t{p + base}\t{number(scale * m / t)}" for c, p, m, t in truth.merged()]


def percent_either(truth, name):
    """bismark2bedGraph gives the base that was read, so the G if reads came from the other strand only; here every site occurs once."""
    return ["track type=bedGraph"] + [f"{name(c)}\t{p - 1 + (p % 2)}\t{p + (p % 2)}\t{number(100 * m / t)}" for c, p, m, t in truth.merged()]


def cov(truth, name, base=1):
    """Bismark's coverage; with base 0 as by --zero_based."""
    return [f"{name(c)}\t{p - 1 + base}\t{p}\t{number(100 * m / (m + u))}\t{m}\t{u}" for c, p, s, m, u in truth.stranded()]


def cov_merged(truth, name):
    """coverage2cytosine --merge_CpG."""
    return [f"{name(c)}\t{p}\t{p + 1}\t{100 * m / t:.6f}\t{m}\t{t - m}" for c, p, m, t in truth.merged()]


def cov_twice(truth, name):
    """Two sequencing runs of one cell, one after the other."""
    lines = []
    for k in (0, 1):
        for c, p, s, m, u in truth.stranded():
            m, u = (m // 2, u // 2) if k == 0 else (m - m // 2, u - u // 2)
            lines += [f"{name(c)}\t{p}\t{p}\t{number(100 * m / (m + u))}\t{m}\t{u}"] if m + u else []
    return lines


def report(truth, name, others=0, zeros=True):
    """Bismark's CpG_report; CX_report with other contexts."""
    rows = [(c, p, s, m, u, "CG") for c, p, s, m, u in truth.stranded()] + [(*z, 0, 0, "CG") for z in truth.zeros() if zeros] + truth.others(others)
    return [f"{name(c)}\t{p}\t{s}\t{m}\t{u}\t{k}\t{CONTEXTS[k][p % 3]}" for c, p, s, m, u, k in sorted(rows)]


def allc(truth, name, header="", others=20):
    rows = [(c, p, s, m, u, "CG") for c, p, s, m, u in truth.stranded()] + truth.others(others)
    return [header] * bool(header) + [f"{name(c)}\t{p}\t{s}\t{CONTEXTS[k][p % 3]}\t{m}\t{m + u}\t1" for c, p, s, m, u, k in sorted(rows)]


def modkit(truth, name, code="m", mixed=False, other=False, header=False, combined=False):
    """modkit's pileup: 18 columns; early versions separate the columns after the tenth with blanks. Lines of 5hmC may stand between those of 5mC."""
    lines = []
    if header:
        lines.append("\t".join(("#chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd", "color", "valid_coverage", "percent_modified",
                                "count_modified", "count_canonical", "count_other_mod", "count_delete", "count_fail", "count_diff", "count_nocall")))
    rows = [(c, p, ".", m, t - m) for c, p, m, t in truth.merged()] if combined else truth.stranded()
    for c, p, s, m, u in rows:
        for mod, n in ((code, m),) + (((code.replace("m", "h", 1), 0),) if other else ()):
            start = [name(c), p - 1, p, mod, m + u, s, p - 1, p, "255,0,0"]
            rest = [m + u, f"{100 * n / (m + u):.2f}", n, m + u - n if not other else u, (m if n == 0 else 0) if other else 0, 0, 1, 0, 2]
            lines.append("\t".join(map(str, start)) + "\t" + (" " if mixed else "\t").join(map(str, rest)))
    return lines


def encode(truth, name):
    """ENCODE's bedMethyl: 11 columns, whole percents."""
    return [f"{name(c)}\t{p - 1}\t{p}\tcell\t{min(m + u, 1000)}\t{s}\t{p - 1}\t{p}\t0,255,0\t{m + u}\t{round(100 * m / (m + u))}" for c, p, s, m, u in truth.stranded()]


def biscuit(truth, name, merged=False):
    """biscuit vcf2bed, without and with mergecg."""
    if not merged:
        return [f"{name(c)}\t{p - 1}\t{p}\t{m / (m + u):.3f}\t{m + u}" for c, p, s, m, u in truth.stranded()]
    lines = []
    for c, sites in truth.reads.items():
        for p, (mc, uc, mg, ug) in sorted(sites.items()):
            sides = [f"{base}:{m / (m + u):.3f}:{m + u}" for base, m, u in (("C", mc, uc), ("G", mg, ug)) if m + u]
            total = mc + uc + mg + ug
            lines.append(f"{name(c)}\t{p - 1}\t{p + 1}\t{(mc + mg) / total:.3f}\t{total}\t{','.join(sides)}")
    return lines


def spec(truth, name, columns, sep="\t", header=False):
    """A table for a column spec: columns are a format string over c, p, m, u, t."""
    rows = [sep.join(column.strip("{}") for column in columns)] * header
    return rows + [sep.join(columns).format(c=name(c), p=p, m=m, u=u, t=m + u) for c, p, s, m, u in truth.stranded()]


# ---- from lines to the bytes of a file ----

def bare(chromo):
    return chromo


def chr_(chromo):
    return "chr" + chromo


def mixed(chromo):
    return {"1": "chr1", "X": "ChrX"}.get(chromo, chromo)


def bgzip(data, block=4000):
    """Blocked gzip, as htslib writes it: members with their size in an extra field, and an empty one at the end."""
    out = b""
    for start in list(range(0, len(data), block)) + [len(data)]:
        part = data[start:start + block]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(part) + packer.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", 6) + b"BC" + struct.pack("<HH", 2, len(body) + 25)
        out += head + body + struct.pack("<II", zlib.crc32(part), len(part))
    return out


def text(lines, crlf=False, bom=False, unsorted=0, open_end=False, extra=()):
    """Bytes of a file; `unsorted` k > 0 shuffles all but the first k - 1 lines; `extra` lines are scattered among them."""
    if unsorted:
        rest = list(lines[unsorted - 1:])
        random.Random(5).shuffle(rest)
        lines = list(lines[:unsorted - 1]) + rest
    for k, line in enumerate(extra):
        lines = list(lines)
        lines.insert(len(lines) * (k + 1) // (len(extra) + 1), line)
    data = "\n".join(lines) + ("" if open_end else "\n")
    return (b"\xef\xbb\xbf" if bom else b"") + data.replace("\n", "\r\n" if crlf else "\n").encode()


def gz(data):
    """Two members, as in concatenated files."""
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


def write_bigwig(path, truth, name, scale):
    file = pyBigWig.open(path, "w")
    rows = sorted(((name(c), p - 1, scale * m / t) for c, p, m, t in truth.merged()))
    file.addHeader(sorted((name(c), len(bases)) for c, bases in truth.sequence.items()))
    file.addEntries([r[0] for r in rows], [r[1] for r in rows], ends=[r[1] + 1 for r in rows], values=[float(r[2]) for r in rows])
    file.close()


ALLC_HEADER = "chr\tpos\tstrand\tmc_class\tmc_count\ttotal\tmethylated"
TSV_HEADER = "chromo\tpos\tvalue"

# variant: (format as --profile_format names it, extension, function from the truth to the file's bytes). Formats in VALUES have no counts.
VALUES = "tsv", "bedgraph", "percent", "bigwig"
VARIANTS = {
    "tsv_plain": ("tsv", "tsv", lambda t: text(tsv(t, bare))),
    "tsv_gz": ("tsv", "tsv.gz", lambda t: gz(text(tsv(t, chr_)))),
    "tsv_bgzip": ("tsv", "tsv.gz", lambda t: bgzip(text(tsv(t, mixed)))),
    "tsv_windows": ("tsv", "tsv", lambda t: text(tsv(t, bare, TSV_HEADER), crlf=True, bom=True)),
    "tsv_unsorted": ("tsv", "txt", lambda t: text(tsv(t, bare), unsorted=1, open_end=True, extra=("# a comment", ""))),
    "tsv_blanks": ("tsv", "txt", lambda t: text([line.replace("\t", "  ") for line in tsv(t, chr_)])),
    "bedgraph_one": ("bedgraph", "bedGraph.gz", lambda t: gz(text(bedgraph(t, bare, base=1)))),
    "bedgraph_zero": ("bedgraph", "bedGraph", lambda t: text(bedgraph(t, chr_, track='track type=bedGraph name="a cell" description="b"'), extra=("#x", "browser hide all"))),
    "bedgraph_windows": ("bedgraph", "bg", lambda t: text(bedgraph(t, mixed), crlf=True, bom=True)),
    "percent_zero": ("percent", "bedGraph.gz", lambda t: gz(text(bedgraph(t, bare, scale=100)))),
    "percent_either": ("percent", "bedGraph", lambda t: text(percent_either(t, chr_))),
    "cov_plain": ("cov", "cov", lambda t: text(cov(t, bare))),
    "cov_bgzip": ("cov", "bismark.cov.gz", lambda t: bgzip(text(cov(t, chr_)))),
    "cov_zero": ("cov", "zero.cov", lambda t: text(cov(t, bare, base=0))),
    "cov_merged": ("cov", "merged_CpG_evidence.cov", lambda t: text(cov_merged(t, bare))),
    "cov_twice": ("cov", "cov.gz", lambda t: gz(text(cov_twice(t, bare), unsorted=1))),
    "cov_windows": ("cov", "cov", lambda t: text(cov(t, bare), crlf=True, bom=True, open_end=True)),
    "report_cpg": ("cpg_report", "CpG_report.txt.gz", lambda t: gz(text(report(t, bare)))),
    "report_cx": ("cpg_report", "CX_report.txt", lambda t: text(report(t, chr_, others=20))),
    "report_windows": ("cpg_report", "CpG_report.txt", lambda t: text(report(t, mixed, zeros=False), crlf=True, unsorted=1)),
    "allc_bare": ("allc", "tsv.gz", lambda t: bgzip(text(allc(t, chr_)))),
    "allc_header": ("allc", "tsv", lambda t: text(allc(t, bare, header=ALLC_HEADER))),
    "allc_cg": ("allc", "tsv.gz", lambda t: gz(text(allc(t, chr_, others=0), crlf=True))),
    "modkit_tabs": ("bedmethyl", "bed", lambda t: text(modkit(t, chr_))),
    "modkit_mixed": ("bedmethyl", "bed.gz", lambda t: bgzip(text(modkit(t, bare, mixed=True)))),
    "modkit_header": ("bedmethyl", "bed", lambda t: text(modkit(t, chr_, header=True))),
    "modkit_hydroxy": ("bedmethyl", "bed", lambda t: text(modkit(t, chr_, other=True))),
    "modkit_motif": ("bedmethyl", "bed", lambda t: text(modkit(t, chr_, code="m,CG,0", combined=True))),
    "bed_encode": ("bedmethyl", "bed.gz", lambda t: gz(text(encode(t, chr_)))),
    "biscuit_sides": ("biscuit", "bed.gz", lambda t: bgzip(text(biscuit(t, chr_)))),
    "biscuit_merged": ("biscuit", "bed", lambda t: text(biscuit(t, bare, merged=True))),
    "spec_unmeth": (r"1:2:3:4u:\t:1", "tsv", lambda t: text(spec(t, chr_, ("{c}", "{p}", "{m}", "{u}"), header=True))),
    "spec_cov": ("1:2:3:4c:tab:0", "tsv.gz", lambda t: gz(text(spec(t, bare, ("{c}", "{p}", "{m}", "{t}"))))),
    "spec_csv": ("3:1:5:4c:,:1", "csv", lambda t: text(spec(t, bare, ("{p}", "x", "{c}", "{t}", "{m}"), sep=",", header=True), crlf=True)),
}
if pyBigWig:
    VARIANTS["bigwig_share"] = ("bigwig", "bw", lambda path, t: write_bigwig(path, t, chr_, 1))
    VARIANTS["bigwig_percent"] = ("bigwig", "bigWig", lambda path, t: write_bigwig(path, t, bare, 100))


def write_variant(folder, variant, truth):
    """Writes the file of a variant; returns its path."""
    form, extension, make = VARIANTS[variant]
    path = os.path.join(folder, f"{variant}.{extension}")
    if form == "bigwig":
        make(path, truth)
    else:
        with open(path, "wb") as file:
            file.write(make(truth))
    return path


def write_genome(folder, truth):
    """Writes FASTA files that differ in names, line lengths and compression; returns their paths."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for k, (name, bases) in enumerate(truth.sequence.items()):
        width = (60, 70, 1000000)[k % 3]
        head = (">{} dna:chromosome chromosome:test", ">chr{}", ">{}")[k % 3].format(name)
        data = "\n".join([head] + [bases[i:i + width] for i in range(0, len(bases), width)]) + "\n"
        paths.append(os.path.join(folder, f"part{k}.fa" + (".gz" if k % 2 else "")))
        with open(paths[-1], "wb") as file:
            file.write(gzip.compress(data.encode()) if k % 2 else data.encode())
    return paths


def main():
    out = sys.argv[1]
    truth = Truth(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    write_genome(os.path.join(out, "dna"), truth)
    os.makedirs(os.path.join(out, "cpg"), exist_ok=True)
    for variant, (form, *_) in VARIANTS.items():
        print(form, write_variant(os.path.join(out, "cpg"), variant, truth), sep="\t")


if __name__ == "__main__":
    sys.exit(main())
