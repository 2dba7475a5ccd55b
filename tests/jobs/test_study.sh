#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench/scaling/study.sh from end to end on this machine, with too few steps to measure anything: points that
# fail stay with their reason, an interrupted study goes on, another one is not mixed with it, and what was
# measured is counted right.
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"
need python3

# Fails in one point, weak scaling on one rank, as long as the file is there.
cat >"$work/moody" <<END
#!/bin/bash
if [[ -e '$work/unlucky' && " \$* " == *' --virtual_ranks 1 '* ]]; then
    echo 'dcpg: out of luck' >&2
    exit 3
fi
exec '$dcpg' "\$@"
END
chmod +x "$work/moody"
touch "$work/unlucky"
export DCPG_PROGRAM=$work/moody
study() { quietly bash "$home/bench/scaling/study.sh" --quick --launches 1 --out 'my study' "$@"; }
# row KIND RANKS COLUMN: of points.tsv.
row() {
    awk -F '\t' -v kind="$1" -v ranks="$2" -v name="$3" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        $1 == kind && $3 == ranks { print $at[name]; exit }' 'my study/points.tsv'
}
runs() { grep -c 'launch 1 of 1' "$work/last.log" || true; }

study
[[ $(runs) == 12 && $(wc -l <'my study/raw.jsonl') == 12 ]] || fail "$(runs) runs, not 12"
[[ $(row weak 1 failed) == 'dcpg: out of luck (exit code'* && -z $(row weak 1 ms) ]] ||
    fail "the failed point: $(cat 'my study/points.tsv')"
grep -q 'FAILED: dcpg: out of luck' 'my study/summary.md' || fail 'the summary hides a failed point'
grep -q 'Not to be believed' 'my study/summary.md' || fail 'the summary does not say that this is no study'
[[ $(grep -c '2 of 2 points have the bits of 1 rank' 'my study/summary.md') == 2 ]] ||
    fail "bits: $(cat 'my study/summary.md')"
for figure in strong split layouts cells io; do
    "${PYTHON3:-python3}" -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' \
        "my study/$figure.svg" ||
        fail "$figure.svg"
done

# Times and rates of the table are those of the raw lines.
"${PYTHON3:-python3}" - <<'END' || fail 'the table is not what was measured'
import csv, json, statistics, sys
runs = {}
for line in open("my study/raw.jsonl"):
    run = json.loads(line)
    runs[run["run"]] = run
for row in csv.DictReader(open("my study/points.tsv"), delimiter="\t"):
    if row["ms"] and row["kind"] != "cells":
        run = runs[f"train-{row['ranks']}x{row['threads']}-{row['batch']}-{row['virtual_ranks']}"]
        ms = 1000 * statistics.median(run["profile"]["step_seconds"])
        rate = 1000 * int(row["batch"]) / ms
        close = abs(float(row["ms"]) / ms - 1) < 1e-3 and abs(float(row["sites_per_s"]) / rate - 1) < 2e-3
        if not close or row["sha256"] != run["sha256"]:
            sys.exit(f"{row}, not {ms} ms")
        names = ("compute", "sums", "agreeing", "data", "optimiser", "scores", "rest")
        parts = sum(float(row[part + "_ms"]) for part in names)
        whole = 1000 * run["profile"]["seconds"]["steps"]["mean"] / run["profile"]["steps"]
        if abs(parts / whole - 1) > 0.01:
            sys.exit(f"the parts make {parts} ms, steps take {whole} ms")
END

# Killed while it wrote a line: that run and no other is done again.
cp 'my study/raw.jsonl' whole
head -n 11 whole >'my study/raw.jsonl'
tail -n 1 whole | head -c 100 >>'my study/raw.jsonl'
study
[[ $(runs) == 1 ]] || fail "$(runs) runs after an interruption, not 1"
[[ $(cut -d , -f 1,2 'my study/raw.jsonl') == "$(cut -d , -f 1,2 whole)" ]] ||
    fail "runs: $(cut -d , -f 1,2 'my study/raw.jsonl')"

! bash "$home/bench/scaling/study.sh" --quick --launches 1 --out 'my study' --steps 5 >"$work/refused" 2>&1 ||
    fail 'two studies in one folder'
grep -q 'holds a study with other settings' "$work/refused" ||
    fail "no word of other settings: $(cat "$work/refused")"

rm "$work/unlucky"
study --again
[[ $(runs) == 1 && -n $(row weak 1 ms) ]] ||
    fail "$(runs) runs after a failure, not 1: $(cat 'my study/points.tsv')"
grep -q 'none failed' 'my study/summary.md' || fail "$(cat 'my study/summary.md')"
echo ok
