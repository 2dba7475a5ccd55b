# SPDX-License-Identifier: MIT
"""Wrong input in every format: one line that names file and line, exit code 2, no files left; input that is odd but right is read. Then files with random changes: no crash, no hang.

    test_bad_formats.py [TEXT]        only the cases whose names contain TEXT
"""
import concurrent.futures
import gzip
import os
import random
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import bug, refusal, start, work  # noqa: E402  (first: it moves to a folder of its own)
import make_formats as mf  # noqa: E402

TRUTH = mf.Truth(lengths=(("1", 3000), ("X", 900)))
GENOME = ("--dna_files", os.path.join(work, "dna"))
LINES = {
    "tsv": mf.tsv(TRUTH, mf.bare), "bedgraph": mf.bedgraph(TRUTH, mf.bare), "percent": mf.bedgraph(TRUTH, mf.bare, scale=100), "cov": mf.cov(TRUTH, mf.bare),
    "cpg_report": mf.report(TRUTH, mf.bare), "allc": mf.allc(TRUTH, mf.bare), "bedmethyl": mf.modkit(TRUTH, mf.bare), "encode": mf.encode(TRUTH, mf.bare),
    "biscuit": mf.biscuit(TRUTH, mf.bare), "1:2:3:4u:tab:0": mf.spec(TRUTH, mf.bare, ("{c}", "{p}", "{m}", "{u}")),
}
FORCED = {"encode": "bedmethyl"}
# Columns, from 0, of the position, the counts, fractions and percentages, and the strand.
POSITION = {form: 1 for form in LINES}
COUNTS = {"cov": (4, 5), "cpg_report": (4, 3), "allc": (4, 5), "bedmethyl": (9, 11), "encode": (9,), "biscuit": (4,), "1:2:3:4u:tab:0": (2, 3)}
SHARES = {"tsv": (2,), "bedgraph": (3,), "percent": (3,), "biscuit": (3,), "encode": (10,)}
STRANDS = {"cpg_report": 2, "allc": 2, "bedmethyl": 5, "encode": 5}
BEDS = "bedgraph", "percent", "bedmethyl", "encode", "biscuit"  # with a start and an end


def where(form):
    """The line to spoil, from 1: that of a CG with reads."""
    return next(k + 1 for k, line in enumerate(LINES[form]) if k > 5 and all(line.split("\t")[c] != "0" for c in COUNTS.get(form, ())[-1:]) and "CH" not in line and
                not re.search("\tC(A|T|C)", line))


def spoilt(form, column, value):
    """The lines with one field of one line changed."""
    lines = list(LINES[form])
    field = lines[where(form) - 1].split("\t")
    field[column] = value
    lines[where(form) - 1] = "\t".join(field)
    return lines


def some(form, first, others, number=2):
    """Values to try with a format: all of `first`, and some of `others`, so that each of these is tried with some format."""
    at = list(LINES).index(form)
    return first + tuple(others[(at * number + k) % len(others)] for k in range(number))


def field_cases():
    """(name, format, lines) that must be refused at where(form)."""
    for form in LINES:
        for value in some(form, ("-7", "9" * 40), ("12x", "1\0002", "99999999999", "1e5", "", "5" * 3000000)):
            yield f"{form}: position {value[:12]!r}", form, spoilt(form, POSITION[form], value)
        for column in COUNTS.get(form, ()):
            for value in some(form, ("-1",), ("3.5", "9" * 25, "x", ""), 1):
                yield f"{form}: count {value[:9]!r} in column {column + 1}", form, spoilt(form, column, value)
        for column in SHARES.get(form, ()):
            unknown = ("inf", "1e400", "x") if form in ("tsv", "bedgraph", "percent") else ("nan", "inf", "1e400", "x")  # in these, nan is "not observed"
            for value in some(form, ("-0.5", "101"), unknown):
                yield f"{form}: share {value!r}", form, spoilt(form, column, value)
        if form in STRANDS:
            yield f"{form}: strand", form, spoilt(form, STRANDS[form], "?")
        lines = list(LINES[form])
        lines[where(form) - 1] = "\t".join(lines[where(form) - 1].split("\t")[:2])
        yield f"{form}: two columns", form, lines
        yield f"{form}: no chromosome", form, spoilt(form, 0, "")
    yield "allc: more methylated than read", "allc", spoilt("allc", 4, "70")
    yield "bedmethyl: more methylated than read", "bedmethyl", spoilt("bedmethyl", 11, "99")
    yield "bedgraph: a long interval", "bedgraph", spoilt("bedgraph", 2, "2900")


def options(form, force):
    return ("--profile_format", FORCED.get(form, form)) if force or ":" in form else ()


def write(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return name


def data(folder, pattern, *words, ranks=1):
    """Runs dcpg data in a folder, which must refuse; '' or the fault."""
    return refusal(pattern, ranks, "data", *words, "--out_file", "out.h5", folder=folder, absent=("out.h5",))


def refused_line(folder, form, lines, force, ranks=1):
    name = write(folder, "bad.txt", mf.text(lines))
    return data(folder, rf"bad\.txt.*line {where(form)}\b", "--cpg_profiles", name, *GENOME, *options(form, force), ranks=ranks)


def tolerated(folder, data_bytes, form, force=True):
    """The file may be read or refused, but without a crash; '' or the fault."""
    name = write(folder, "odd.txt", data_bytes)
    done = start(1, ["data", "--cpg_profiles", name, *GENOME, *options(form, force), "--out_file", "out.h5"], 120, folder)
    if bug(done) or done.returncode == 1:
        return bug(done) or f"exit code 1: {done.stderr[-500:]}"
    return "a store is left" if done.returncode == 2 and os.path.exists(os.path.join(folder, "out.h5")) else ""


def million(folder, form):
    """A wrong number of columns in line 1,000,000."""
    line = LINES[form][-1].split("\t")
    head = [line_ for line_ in LINES[form] if line_.startswith("track")]
    rows = 999999 - len(head)
    body = []
    for k in range(1, rows + 1):
        line[1] = str(k)
        if form in BEDS or form == "cov":
            line[2] = str(k + (form != "cov"))
        body.append("\t".join(line))
    write(folder, "long.txt", ("\n".join(head + body) + f"\n{line[0]}\t5\n").encode())
    return data(folder, r"long\.txt.*line 1,?000,?000\b", "--cpg_profiles", "long.txt", *options(form, True))


def whole_file_cases():
    """(name, job): a job takes a folder and gives '' or a fault."""
    for form, lines in LINES.items():
        good = mf.text(lines)
        force = options(form, True)
        for what, packed in (("gzip", gzip.compress(good)), ("bgzip", mf.bgzip(good, 300))):
            yield f"{form}: {what} cut", lambda f, p=packed, o=force: data(f, r"cut\.txt\.gz", "--cpg_profiles", write(f, "cut.txt.gz", p[:len(p) * 2 // 3]), *GENOME, *o)
            damaged = bytearray(packed)
            damaged[len(packed) // 2] ^= 0x55
            yield f"{form}: {what} damaged", lambda f, p=bytes(damaged), o=form: tolerated(f, p, o)
        for what, empty in (("empty", b""), ("comments only", b"# one\n\n# two\n")):
            yield f"{form}: {what}", lambda f, e=empty, o=force: data(f, r"none\.txt", "--cpg_profiles", write(f, "none.txt", e), *GENOME, *o)
        yield f"{form}: a million lines", lambda f, o=form: million(f, o)
        wide = list(lines)
        wide[where(form) - 1] += "\t1" * 10000
        yield f"{form}: 10,000 columns", lambda f, w=wide, o=form: tolerated(f, mf.text(w), o)
        yield f"{form}: cut in a line", lambda f, g=good, o=form: tolerated(f, g[:-5], o)
        many = [line if line.startswith("track") else re.sub(r"\t(\d+)", lambda m: f"\t{int(m[1]) + 7}", line, 2 if form in BEDS or form == "cov" else 1) for line in lines]
        yield f"{form}: stands on no CG", lambda f, m=many, o=force: data(f, r"bad\.txt.*(CG|%)", "--cpg_profiles", write(f, "bad.txt", mf.text(m)), *GENOME, *o)
    for form in ("tsv", "bedgraph", "percent"):
        twice = list(LINES[form]) + [LINES[form][4]]
        yield f"{form}: twice", lambda f, t=twice, o=form: data(f, r"bad\.txt.*\b" + re.escape(t[4].split("\t")[1]), "--cpg_profiles", write(f, "bad.txt", mf.text(t)), *GENOME, *options(o, True))
    for what, content in (("binary", bytes(range(256)) * 40), ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(3000)), ("program", b"\x7fELF" + bytes(range(255)) * 9), ("letter", b"Dear Sir\n")):
        yield f"no profile: {what}", lambda f, c=content: data(f, r"junk\.txt", "--cpg_profiles", write(f, "junk.txt", c), *GENOME)
    yield "bigWig: not one", lambda f: data(f, r"junk\.bw", "--cpg_profiles", write(f, "junk.bw", b"text\n" * 99), *GENOME, "--profile_format", "bigwig")
    yield "bigWig: header only", lambda f: data(f, r"junk\.bw", "--cpg_profiles", write(f, "junk.bw", b"\x26\xfc\x8f\x88\x04\0" + bytes(58)), *GENOME)
    if mf.pyBigWig:
        yield "bigWig: cut", cut_bigwig


def cut_bigwig(folder):
    path = os.path.join(folder, "whole.bw")
    mf.write_bigwig(path, TRUTH, mf.bare, 1)
    with open(path, "rb") as file:
        whole = file.read()
    for part in (10, 64, 200, len(whole) // 2, len(whole) - 60):
        fault = data(folder, r"cut\.bw", "--cpg_profiles", write(folder, "cut.bw", whole[:part]), *GENOME)
        if fault:
            return f"{part} of {len(whole)} bytes: {fault}"
    return ""


def option_cases():
    """(name, pattern, files {name: content}, words)."""
    good = {"a.tsv": mf.text(LINES["tsv"])}
    a = ("--cpg_profiles", "a.tsv", *GENOME)
    for spec in ("1:2:3", "0:2:3:4u:tab:0", "1:2:3:4x:tab:0", "1:2:3:4:tab:0", "1:2:3:4u:tab", "1:2:3:4u::0", "1:2:3:4u:tab:7", "1:2:3:99999999999u:tab:0", "a:b:c:du:tab:0", "nonsense", ":::::"):
        yield f"spec {spec}", "profile_format", good, (*a, "--profile_format", spec)
    yield "spec beyond the line", r"a\.tsv.*line 1\b", good, (*a, "--profile_format", "1:2:3:9u:tab:0")
    yield "manifest: a path that is none", r"list\.txt.*line 2|nowhere\.tsv", {**good, "list.txt": b"one\ta.tsv\ntwo\tnowhere.tsv\n"}, ("--cpg_profiles", "list.txt", *GENOME)
    yield "manifest: one name twice", r"one", {**good, "b.tsv": good["a.tsv"], "list.txt": b"one\ta.tsv\none\tb.tsv\n"}, ("--cpg_profiles", "list.txt", *GENOME)
    yield "manifest: no name", r"list\.txt.*line 1\b", {**good, "list.txt": b"\ta.tsv\n"}, ("--cpg_profiles", "list.txt", *GENOME)
    yield "a folder as a profile", "folder", {"folder/x.tsv": b"1\t1\t1\n"}, ("--cpg_profiles", "folder", *GENOME)
    yield "call", "call", good, (*a, "--call", "loudly")
    yield "min_reads", "min_reads", good, (*a, "--min_reads", "-1")
    yield "min_cg", "min_cg", good, (*a, "--min_cg", "101")
    yield "statistic", "cpg_stats|median", good, (*a, "--cpg_stats", "median")
    yield "window statistic", "win_stats|median", good, (*a, "--win_stats", "median")
    yield "window length", "win_stats_wlen", good, (*a, "--win_stats", "mean", "--win_stats_wlen", "0")
    yield "nb_sample", "nb_sample", good, (*a, "--nb_sample", "-3")
    yield "no cell", "min_reads|call|none|no ", {"a.cov": mf.text(LINES["cov"])}, ("--cpg_profiles", "a.cov", *GENOME, "--min_reads", "1000000")
    for name, line in (("number", "1\tx\t9"), ("columns", "1\t5"), ("negative", "1\t-5\t9"), ("overflow", "1\t5\t99999999999999999999"), ("backwards", "1\t90\t20")):
        files = {**good, "bad.bed": f"# islands\n1\t5\t90\n{line}\n".encode()}
        yield f"annotation: {name}", r"bad\.bed.*line 3\b", files, (*a, "--anno_files", "bad.bed")
    yield "annotation: none", r"gone\.bed", good, (*a, "--anno_files", "gone.bed")
    yield "annotation: one name twice", r"\bb\b|b\.bed|b\.x\.bed", {**good, "b.bed": b"1\t1\t2\n", "b.x.bed": b"1\t1\t2\n"}, (*a, "--anno_files", "b.bed", "b.x.bed")
    for name, line in (("number", "1\tx"), ("columns", "1"), ("overflow", "1\t99999999999")):
        yield f"sites: {name}", r"bad\.pos.*line 2\b", {**good, "bad.pos": f"1\t1\n{line}\n".encode()}, (*a, "--pos_file", "bad.pos")
    yield "bulk: one name twice", r"\bb\b|b\.tsv|b\.x\.tsv", {**good, "b.tsv": good["a.tsv"], "b.x.tsv": good["a.tsv"]}, (*a, "--bulk_profiles", "b.tsv", "b.x.tsv")
    yield "bulk: a bad line", r"b\.tsv.*line 2\b", {**good, "b.tsv": b"1\t1\t0.5\n1\t7\tx\n"}, (*a, "--bulk_profiles", "b.tsv")


def option_job(pattern, files, words):
    def job(folder):
        for name, content in files.items():
            os.makedirs(os.path.dirname(os.path.join(folder, name)) or folder, exist_ok=True)
            write(os.path.dirname(os.path.join(folder, name)), os.path.basename(name), content)
        return data(folder, pattern, *words)
    return job


def mutated(folder, form, seed):
    """A file with some bytes changed, doubled or left out."""
    rng, good = random.Random(seed), bytearray(mf.text(LINES[form][:60]))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(good))
        good[at:at + rng.randint(0, 3)] = rng.choice((bytes([rng.randrange(256)]), b"\t", b"\n", b"\0", b"-", b"9" * 30, bytes(good[at:at + 9]) * 2, b"", b"\xff\xfe", b"\r"))
    return tolerated(folder, bytes(good), form, force=seed % 2)


def jobs():
    for k, (name, form, lines) in enumerate(field_cases()):
        ranks = 3 if k % 40 == 0 else 1
        yield name, lambda f, x=form, y=lines, z=k % 2, r=ranks: refused_line(f, x, y, z, ranks=r)
    yield from whole_file_cases()
    for name, pattern, files, words in option_cases():
        yield name, option_job(pattern, files, words)
    for form in LINES:
        for seed in range(2):
            yield f"{form}: changed bytes, seed {seed}", lambda f, x=form, s=seed: mutated(f, x, s)


def attempt(number, name, job):
    folder = os.path.join(work, f"job{number}")
    os.makedirs(folder, exist_ok=True)
    fault = job(folder)
    shutil.rmtree(folder, True)
    return f"{name}: {fault}" if fault else ""


def main():
    mf.write_genome("dna", TRUTH)
    chosen = [(n, *job) for n, job in enumerate(jobs()) if len(sys.argv) < 2 or sys.argv[1] in job[0]]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        faults = [fault for fault in pool.map(lambda job: attempt(*job), chosen) if fault]
    print("\n".join(f"FAILED: {fault}" for fault in faults) or f"{len(chosen)} cases: answered")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
