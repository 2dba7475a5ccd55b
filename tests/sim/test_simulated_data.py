# SPDX-License-Identifier: MIT
"""The files of dcpg simulate must be true: everything in them is computed again by other means. Uses Python's standard library only."""
import bisect
import glob
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

program = os.environ.get("DCPG_PROGRAM")
if not program or not os.path.exists(program):
    print("skipped: DCPG_PROGRAM names no program")
    sys.exit(77)

LENGTH, CELLS, CLUSTERS = 700000, 6, 3


def simulate(out_dir, *more):
    options = ["--nb_chromo", "2", "--chromo_len", str(LENGTH), str(LENGTH // 2), "--nb_cell", str(CELLS), "--nb-cluster", str(CLUSTERS)]
    subprocess.run([program, "simulate", "--out_dir", out_dir, *options, *more], check=True, stderr=subprocess.DEVNULL)


def rows(path):
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def table(path):
    header, *body = rows(path)
    return header, body


def read_fasta(path):
    with gzip.open(path, "rt") as file:
        header = file.readline()
        return header[1:].split()[0], "".join(line.strip() for line in file)


def auc(scored):
    """Area under the ROC curve of (score, outcome) pairs, from ranks; ties have their mean rank."""
    scored = sorted(scored)
    rank_sum = n1 = i = 0
    while i < len(scored):
        j = i
        while j < len(scored) and scored[j][0] == scored[i][0]:
            j += 1
        ones = sum(outcome for _, outcome in scored[i:j])
        rank_sum += ones * (i + 1 + j) / 2
        n1 += ones
        i = j
    n0 = len(scored) - n1
    return (rank_sum - n1 * (n1 + 1) / 2) / (n1 * n0)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def check(condition, what):
    if not condition:
        raise SystemExit("FAILED: %s" % (what,))


def near(a, b, tolerance, what):
    check(abs(a - b) <= tolerance, "%s: %s and %s" % (what, a, b))


def files_of(folder):
    return {os.path.relpath(path, folder): open(path, "rb").read() for path in glob.glob(folder + "/**", recursive=True) if os.path.isfile(path)}


IUPAC = {"R": "[AG]", "Y": "[CT]", "S": "[GC]", "W": "[AT]", "K": "[GT]", "M": "[AC]"}


def matches(word, sequence):
    pattern = "".join(IUPAC.get(letter, letter) for letter in word)
    return [m.start() + 1 for m in re.finditer("(?=%s)" % pattern, sequence)]


def check_genome(out_dir, report):
    """Checks sites, densities, motifs and counts, using the FASTA alone. Returns the sites and the names of the motifs."""
    genome = dict(read_fasta(path) for path in sorted(glob.glob(out_dir + "/dna/Simus.SIM1.dna.chromosome.*.fa.gz")))
    check({c: len(s) for c, s in genome.items()} == {"1": LENGTH, "2": LENGTH // 2}, "lengths")
    letters = "".join(genome.values())
    g = report["genome"]
    known = len(letters) - letters.count("N")
    cpg = letters.count("CG")
    check(g["bases"] == len(letters) and g["N"] == letters.count("N"), "bases")
    check(g["cpg"] == cpg, "number of CpGs")
    near(g["gc"], (letters.count("G") + letters.count("C")) / known, 1e-4, "GC")
    observed_expected = cpg * known / letters.count("C") / letters.count("G")
    near(g["cpg_obs_exp"], observed_expected, 1e-4, "observed/expected CpG")
    check(.18 < observed_expected < .36, "CpG depletion: %s" % observed_expected)
    check(letters.count("N") > 20000 and letters[0] == "N", "runs of N")

    header, sites = table(out_dir + "/truth/sites.tsv.gz")
    names = header[4][len("motif_bits("):-1].split(",")
    check(header[5:] == ["p_dna_cl%d" % k for k in range(CLUSTERS)], "header of sites")
    motif_rows = [line.split("\t") for line in open(out_dir + "/truth/motifs.tsv").read().splitlines()]
    check([m[0] for m in motif_rows[1:]] == names and len(names) == 3 + CLUSTERS, "names of motifs")
    known_matches = rows(out_dir + "/truth/motif_sites.tsv.gz")
    at = {}
    for chromo, sequence in genome.items():
        positions = [m.start() + 1 for m in re.finditer("CG", sequence)]
        here = [s for s in sites if s[0] == chromo]
        check([int(s[1]) for s in here] == positions, "sites of chromosome " + chromo)
        bits = {p: ["0"] * len(names) for p in positions}
        expected = []
        for i, (name, word, reverse, reach) in enumerate(m[:4] for m in motif_rows[1:]):
            for strand, w in (("+", word), ("-", reverse)):
                for start in matches(w, sequence):
                    expected.append((start, strand, name))
                    centre = start + len(word) // 2
                    for p in positions[bisect.bisect_left(positions, centre - int(reach)):bisect.bisect_right(positions, centre + int(reach))]:
                        bits[p][i] = "1"
        check(sorted(expected) == sorted((int(m[1]), m[2], m[3]) for m in known_matches if m[0] == chromo), "motifs of chromosome " + chromo)
        for s in here:
            p = int(s[1])
            check(int(s[2]) == bisect.bisect_right(positions, p + 250) - bisect.bisect_left(positions, p - 250), "CpGs around %d" % p)
            check(s[4] == "".join(bits[p]), "motifs in range of %d" % p)
            at[chromo, p] = s
    for i, m in enumerate(motif_rows[1:]):
        ours = [k for k in known_matches if k[3] == m[0]]
        check(int(m[5]) == len(ours) and int(m[4]) == sum(k[4] == "1" for k in ours), "instances of " + m[0])
        check(int(m[6]) == sum(s[4][i] == "1" for s in sites), "sites near " + m[0])
        if m[0].startswith("off"):
            check(int(m[4]) > 150 * len(letters) / 1e6, "several hundred of %s per Mb" % m[0])
    check_annotations(out_dir, report, at)
    return at, names


def check_annotations(out_dir, report, at):
    islands = rows(out_dir + "/anno/islands.bed.gz")
    check(len(islands) == report["islands"] > 5, "number of islands")
    inside = set()
    for chromo, start, end in islands:
        inside.update((chromo, p) for c, p in at if c == chromo and int(start) < p <= int(end))
    check(inside == {key for key, s in at.items() if s[3] == "1"}, "sites in islands")
    repeats = rows(out_dir + "/anno/repeats.bed.gz")
    check({r[3] for r in repeats} == {"SINE1", "SINE2", "LINE1", "LTR1", "STR"}, "families of repeats")
    check(all(int(r[1]) < int(r[2]) for r in repeats), "repeats")


def check_model(at, names):
    """From DNA alone: islands are unmethylated, and each motif switches the clusters that its name says."""
    def p(key, cluster):
        return float(at[key][5 + cluster])
    plain = [key for key, s in at.items() if "1" not in s[4]]
    open_sites = [key for key in plain if int(at[key][2]) <= 8]
    for k in range(CLUSTERS):
        check(mean(p(key, k) for key in open_sites) > .85, "methylation far from everything")
        check(mean(p(key, k) for key in plain if at[key][3] == "1") < .25, "methylation in islands")
        for i, name in enumerate(names):
            bits = "".join("1" if j == i else "0" for j in range(len(names)))
            near_it = [key for key, s in at.items() if s[4] == bits and (name == "on1" or int(s[2]) <= 8)]
            acts = not name.startswith("off_cl") or name == "off_cl%d" % k
            level = mean(p(key, k) for key in near_it)
            if name == "on1":
                check(level > .6, "on1 switches on: %s" % level)
            else:
                check((level < .5) == acts and (acts or level > .8), "%s in cluster %d: %s" % (name, k, level))


def check_cells(out_dir, report, at):
    """Compares calls with the truth, and the optimum with the tables of probabilities."""
    header, probs = table(out_dir + "/truth/probs.tsv.gz")
    cells = header[2:]
    check(cells == report["cells"] == ["cl%d_cell%02d" % (i % CLUSTERS, i + 1) for i in range(CELLS)], "names of cells")
    header, states = table(out_dir + "/truth/states.tsv.gz")
    check(header[2:] == cells, "header of states")
    check([(r[0], int(r[1])) for r in probs] == list(at) == [(r[0], int(r[1])) for r in states], "sites of the tables")
    p_of = {(r[0], int(r[1])): r[2:] for r in probs}
    state_of = {(r[0], int(r[1])): r[2:] for r in states}
    summary = [line.split("\t") for line in open(out_dir + "/truth/cells.tsv").read().splitlines()[1:]]
    scored = {"bayes_oracle": [], "bayes_dna_only": []}
    per_cell = {"bayes_oracle": [], "bayes_dna_only": []}
    coverages, flips, jumps = [], [], []
    for i, cell in enumerate(cells):
        calls = [((c, int(pos)), value) for c, pos, value in rows("%s/cpg/%s.tsv.gz" % (out_dir, cell))]
        check({value for _, value in calls} == {"0.0", "1.0"}, "values of " + cell)
        keys = [key for key, _ in calls]
        check(keys == sorted(set(keys)) and all(key in at for key in keys), "calls of %s lie on CpGs, in order" % cell)
        outcome = [value == "1.0" for _, value in calls]
        flips += [(state_of[key][i] == "1") != o for key, o in zip(keys, outcome)]
        coverages.append(len(calls) / len(at))
        check(summary[i][:3] == [cell, str(i % CLUSTERS), str(len(calls))], "truth/cells.tsv")
        near(float(summary[i][3]), coverages[-1], 1e-4, "coverage of " + cell)
        near(float(summary[i][4]), mean(outcome), 1e-4, "mean state of " + cell)
        # Calls come in clumps: the site after a call is seen far more often than other sites.
        order = {key: n for n, key in enumerate(at)}
        numbers = {order[key] for key in keys}
        jumps.append(mean((n + 1) in numbers for n in numbers) - coverages[-1])
        for name, scores in (("bayes_oracle", [float(p_of[key][i]) for key in keys]), ("bayes_dna_only", [float(at[key][5 + i % CLUSTERS]) for key in keys])):
            pairs = list(zip(scores, outcome))
            scored[name] += pairs
            per_cell[name].append(auc(pairs))
    check(all(.04 < c < .42 for c in coverages) and max(coverages) > 1.5 * min(coverages), "coverages %s" % coverages)
    check(all(j > .25 for j in jumps), "clumps: %s" % jumps)
    # The states of two cells minus their probabilities must be uncorrelated.
    left = [[(int(state_of[key][i]) - (float(p_of[key][i]) - .02) / .96) for key in at] for i in (0, CLUSTERS)]
    variances = [mean(x * x for x in cell) for cell in left]
    near(mean(x * y for x, y in zip(*left)) / (variances[0] * variances[1]) ** .5, 0, .05, "correlation of cells")
    near(mean(flips), report["noise"], .004, "share of wrong calls")
    near(mean(float(x) for r in probs for x in r[2:]), .02 + .96 * mean(int(x) for r in states for x in r[2:]), .005, "states follow probabilities")
    o = report["observed"]
    check(o["cells"] == CELLS and o["clusters"] == CLUSTERS and o["calls"] == len(scored["bayes_oracle"]), "observed")
    for got, want in zip(o["coverage_min_mean_max"], (min(coverages), mean(coverages), max(coverages))):
        near(got, want, 1e-4, "coverage")
    for name in scored:
        best = report["optimum"][name]
        check(best["n"] == len(scored[name]), "n of " + name)
        # The tables have three decimals.
        near(best["auc"], auc(scored[name]), .001, "AUC of " + name)
        near(best["auc_per_cell_mean"], mean(per_cell[name]), .001, "mean AUC of " + name)
        near(best["accuracy"], mean((s >= .5) == o for s, o in scored[name]), .003, "accuracy of " + name)
        near(best["accuracy_expected"], mean(max(s, 1 - s) for s, _ in scored[name]), .001, "expected accuracy of " + name)
    check(.91 < report["optimum"]["bayes_oracle"]["auc"] < .96, "oracle")
    check(.79 < report["optimum"]["bayes_dna_only"]["auc"] < .87, "from DNA alone")


def check_many_cells(work):
    """More sites x cells than are held in memory at once; the first cells are the same as in a run with few cells."""
    few, many = (os.path.join(work, name) for name in ("few", "many"))
    for out_dir, cells in ((few, 3), (many, 2500)):
        simulate(out_dir, "--nb_chromo", "1", "--chromo_len", "300000", "--nb_cell", str(cells))
    for name in ("probs", "states"):
        a, b = (rows("%s/truth/%s.tsv.gz" % (out_dir, name)) for out_dir in (few, many))
        check(len(a) == len(b) > 4200000 / 2500 + 1, "several blocks of sites")
        check(all(len(y) == 2502 and x == y[:5] for x, y in zip(a, b)), "few and many cells agree in " + name)
    check(len(os.listdir(many + "/cpg")) == 2500, "number of cells")


def main():
    work = tempfile.mkdtemp()
    try:
        first, again, other = (os.path.join(work, name) for name in ("a folder", "again", "other"))
        simulate(first)
        simulate(again)
        simulate(other, "--seed", "2", "--noise=0", "--no_cell_truth")
        check(files_of(first) == files_of(again), "the same seed gives the same bytes")
        check(files_of(first) != files_of(other), "another seed gives other bytes")
        check(sorted(os.listdir(work)) == ["a folder", "again", "other"], "nothing but the results is left")
        report = json.load(open(first + "/report.json"))
        check(report["mode"] == "synthetic" and report["seed"] == 1, "report")
        at, names = check_genome(first, report)
        check_model(at, names)
        check_cells(first, report, at)
        check_many_cells(work)
        refused = subprocess.run([program, "simulate", "--out_dir", first], stderr=subprocess.PIPE, text=True)
        check(refused.returncode == 2 and "not empty" in refused.stderr, "a folder in use is refused")
        check(subprocess.run([program, "simulate", "--help"], stdout=subprocess.PIPE).returncode == 0, "--help")
    finally:
        shutil.rmtree(work)


main()
