# SPDX-License-Identifier: MIT
"""Random data sets in files: profiles, a genome, sites, annotations, a bulk profile, and matching options of `dcpg data`."""
import os
import random

import deepcpg_files

LAST = 2147483646
WINDOWS = (1, 3, 51, 1001, 2001)


def draw_bases(rng, kind):
    """Bases of a chromosome with a CG at either end."""
    length = {"one site": 2, "tiny": 12, "runs": 800}.get(kind, rng.randint(100, 1500))
    parts, total = ["CG"], 2
    while total < length - 2:
        part = rng.choice((lambda: "".join(rng.choices("ACGT", k=rng.randint(1, 30))), lambda: "CG" * rng.randint(1, 5), lambda: "N" * rng.randint(1, 200 if kind == "runs" else 5),
                           lambda: "".join(rng.choices("acgtRY", k=9))))()
        parts.append(part)
        total += len(part)
    return ("".join(parts)[:length - 2] + "CG")[-max(length, 2):]


def draw_positions(rng, kind, last):
    """Positions of possible sites without a genome: anywhere."""
    if kind == "one site":
        return [rng.choice((1, 777, LAST))]
    if kind == "far":
        return sorted({1, LAST, *(rng.randint(1, LAST) for _ in range(40))})
    return sorted({1, last, *(rng.randint(1, 3000) for _ in range(rng.randint(2, 120)))})


class Data:
    """A data set in files of the current folder; `words` are the options that make a store of it, `windows` those that cut DeepCpG files from it. near: no two calls are farther apart than a float32 can count."""

    def __init__(self, seed, near=False):
        self.rng = rng = random.Random(seed)
        kinds = ["one site", "tiny", "runs", "far", "plain", "plain", "dropped", "plain", "runs", "one site", "plain", "far"]
        kinds = [kind for kind in kinds if not (near and kind in ("far", "one site"))]
        self.names = rng.sample(["1", "2", "3", "10", "11", "X", "Y", "MT", "4", "5", "22", "6"], len(kinds))
        self.dna = rng.random() < 0.7
        self.bases = {name: draw_bases(rng, kind) for name, kind in zip(self.names, kinds)} if self.dna else {}
        self.places = {}
        for name, kind in zip(self.names, kinds):
            if kind != "dropped":
                upper = self.bases.get(name, "").upper()
                self.places[name] = [i + 1 for i in range(len(upper) - 1) if upper[i:i + 2] == "CG"] if self.dna else draw_positions(rng, kind, 3001 if near else LAST)
        self.cells = {f"cell_{k}": self.draw_profile() for k in rng.sample(range(20), rng.randint(1, 6))}
        self.words = []
        self.write()

    def draw_profile(self):
        """{chromosome: [(position, value)]}, with at least one call."""
        rng = self.rng
        values = rng.choice(((0, 1), (0, 1), (1,), (0, 0.25, 0.5, 0.75, 1), (0, 1 / 3, 0.48, 0.52, 0.9999, 1)))
        share, profile = rng.choice((0.05, 0.3, 0.8, 1)), {}
        for name, places in self.places.items():
            if rng.random() < 0.8:
                profile[name] = [(p, rng.choice(values)) for p in places if rng.random() < share or p in (places[0], places[-1]) and rng.random() < 0.7]
        profile = {name: calls for name, calls in profile.items() if calls}
        name = rng.choice(list(self.places))
        return profile or {name: [(self.places[name][0], values[0])]}

    def write_profile(self, folder, name, profile):
        os.makedirs(folder, exist_ok=True)
        lines = [f"{self.rng.choice(('', 'chr'))}{c}\t{p}\t{v!r}" for c, calls in profile.items() for p, v in calls]
        if self.rng.random() < 0.5:
            self.rng.shuffle(lines)
        path = os.path.join(folder, name + ".tsv")
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def write(self):
        rng = self.rng
        self.words = ["--cpg_profiles", *[self.write_profile("cpg", name, profile) for name, profile in self.cells.items()]]
        if self.dna:
            with open("genome.fa", "w") as file:
                file.writelines(f">{rng.choice(('', 'chr'))}{name}\n{bases}\n" for name, bases in self.bases.items())
            self.words += ["--dna_files", "genome.fa"]
        if rng.random() < 0.4:
            bulk = {c: [(p, v / 2 if v else 0.7) for p, v in calls] for c, calls in rng.choice(list(self.cells.values())).items()}
            self.words += ["--bulk_profiles", self.write_profile("bulk", "tissue", bulk)]
        if rng.random() < 0.5:
            with open("islands.x.bed", "w") as file:
                for name in self.names:
                    file.writelines(f"chr{name}\t{start}\t{start + rng.choice((0, 1, 30, 400))}\n" for start in rng.choices(range(1500), k=6))
            self.words += ["--anno_files", "islands.x.bed"]
        if rng.random() < 0.3:
            with open("sites.txt", "w") as file:
                for name, places in self.places.items():
                    file.writelines(f"{name}\t{p}\n" for p in rng.sample(places, min(7, len(places))))
            self.words += ["--pos_file", "sites.txt"]
        elif rng.random() < 0.4:
            self.words += ["--cpg_cov", min(2, len(self.cells))]
        if rng.random() < 0.3:  # cells without calls on this one are empty
            self.words += ["--chromos", *rng.sample(list(next(iter(self.cells.values()))), 1)]
        if rng.random() < 0.6:
            self.words += ["--cpg_stats", *rng.sample(deepcpg_files.STATS, 5), "--cpg_stats_cov", rng.randint(1, 3)]
        if rng.random() < 0.6:
            self.words += ["--win_stats", *rng.sample(deepcpg_files.STATS, 5), "--win_stats_wlen", *rng.sample((1, 2, 11, 101, 1001, 100001), 3)]
        self.windows = ["--cpg_wlen", rng.choice((2, 4, 10, 50)), "--chunk_size", rng.choice((1000, 32768, 7))]
        if self.dna:
            self.windows += ["--dna_wlen", rng.choice(WINDOWS)]
