# SPDX-License-Identifier: MIT
"""The same truth in every format gives the same store: positions, observed calls and states of each variant of make_formats.py are those that NumPy computes from the reads."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import np, read_store, run  # noqa: E402  (first: it moves to a folder of its own)
import make_formats  # noqa: E402

FAULTS = []


def fault(text):
    FAULTS.append(text)
    print("FAILED:", text)


def called(truth, mode, min_reads):
    """{chromosome: (positions, values)} for a file with counts."""
    rows = [(c, p, m, t) for c, p, m, t in truth.merged() if t >= min_reads]
    if mode == "ties":
        rows = [(c, p, int(2 * m >= t), 1) for c, p, m, t in rows]
    elif mode == "round":
        rows = [(c, p, int(2 * m > t), 1) for c, p, m, t in rows if 2 * m != t]
    elif mode == "strict":
        rows = [(c, p, int(m == t), 1) for c, p, m, t in rows if m in (0, t)]
    result = {}
    for c, p, m, t in rows:
        result.setdefault(c, []).append((p, m / t))
    return {c: (np.array([p for p, _ in v]), np.array([x for _, x in v], np.float32)) for c, v in result.items()}


def compare(what, got, wanted, exact):
    if set(got) != set(wanted):
        return fault(f"{what}: chromosomes {sorted(got)}, not {sorted(wanted)}")
    for chromo, (pos, value) in wanted.items():
        if not np.array_equal(got[chromo][0], pos):
            odd = sorted(set(got[chromo][0].tolist()) ^ set(pos.tolist()))
            return fault(f"{what}: positions on {chromo} differ, {len(odd)} of them: {odd[:5]}")
        same = np.array_equal(got[chromo][1], value) if exact else np.allclose(got[chromo][1], value, rtol=0, atol=1e-6)
        if not same:
            k = np.flatnonzero(got[chromo][1] != value)
            return fault(f"{what}: {len(k)} values on {chromo} differ, at {pos[k[0]]} {got[chromo][1][k[0]]}, not {value[k[0]]}")


def check_store(truth, path, mode, min_reads=1, what=""):
    """Compares every cell of a store, which is a variant of the truth, with the truth."""
    cells, positions = read_store(path)
    wanted = {}
    for cell, calls in cells.items():
        form = make_formats.VARIANTS[cell][0]
        values = form in make_formats.VALUES
        kept = values and mode == "auto" or form == "tsv" and mode == "round"  # values stay as their author wrote them
        wanted = called(truth, "fraction" if kept else "round" if mode == "auto" else mode, min_reads)
        compare(f"{what}{cell} --call {mode} --min_reads {min_reads}", calls, wanted, exact=not values or form == "tsv")
    union = {c: sorted(set().union(*[calls.get(c, [[]])[0] for calls in cells.values()])) for c in set().union(*cells.values())}
    if {c: p.tolist() for c, p in positions.items()} != union:
        fault(f"{what}{path}: positions are not those observed in any cell")


def main():
    truth = make_formats.Truth()
    make_formats.write_genome("dna", truth)
    os.mkdir("cpg")
    paths = {variant: make_formats.write_variant("cpg", variant, truth) for variant in make_formats.VARIANTS}
    forms = {variant: form for variant, (form, *_) in make_formats.VARIANTS.items()}
    recognised = [paths[v] for v, form in forms.items() if ":" not in form]
    counts = [paths[v] for v, form in forms.items() if ":" not in form and form not in make_formats.VALUES]
    if not any(form == "bigwig" for form in forms.values()):
        print("python3-pybigwig is not installed: no bigWig files")

    for ranks, mode in ((1, "auto"), (2, "round"), (3, "strict"), (1, "fraction")):
        run(ranks, "data", "--cpg_profiles", *recognised, "--dna_files", "dna", "--call", mode, "--out_file", "s.h5")
        check_store(truth, "s.h5", mode)
    run(2, "data", "--cpg_profiles", *counts, "--dna_files", "dna", "--ties", "methylated", "--out_file", "s.h5")
    check_store(truth, "s.h5", "ties")
    run(1, "data", "--cpg_profiles", *counts, "--dna_files", "dna", "--min_reads", 3, "--out_file", "s.h5")
    check_store(truth, "s.h5", "auto", 3)

    for form in dict.fromkeys(forms.values()):  # with the format given; one of them as a manifest in place of files
        chosen = [paths[v] for v in forms if forms[v] == form]
        if form == "cov":
            with open("cpg/manifest.txt", "w") as manifest:
                manifest.writelines(f"{v}\t{os.path.basename(paths[v])}\n" for v in forms if forms[v] == form)
            chosen = ["cpg/manifest.txt"]
        run(1, "data", "--cpg_profiles", *chosen, "--dna_files", "dna", "--profile_format", form, "--out_file", "s.h5")
        check_store(truth, "s.h5", "auto", what=f"as {form}: ")

    if FAULTS:
        sys.exit(f"{len(FAULTS)} faults")
    print(f"{len(paths)} variants: one store")


main()
