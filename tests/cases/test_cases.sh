#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Files and habits from the field, through the command line: each case makes a small input of a kind that
# people have brought, and holds what the program makes of it against values that are computed here,
# or against words that its message must have.
#   test_cases.sh [PATTERN...]    runs the cases whose names fit one of the patterns, by default all
# A case is a function case_NAME of a file beside this one, or of the files that $DCPG_MORE_CASES names.
# It runs in a folder of its own.
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
in=$work/in
mkdir "$in"

# chr1 of 1220 bp and chr2 of 820 bp, with a CG at 21, 41, 61 ... and nowhere else.
make_genome() {
    awk 'BEGIN {
        for (c = 1; c <= 2; c++) {
            print ">chr" c
            line = ""
            for (p = 1; p <= (c == 1 ? 1220 : 820); p++) {
                line = line (p > 20 && p % 20 == 1 && p < 1200 ? "C" : p > 20 && p % 20 == 2 &&
                    p < 1200 ? "G" : (p * 7 + int(p / 3)) % 5 < 2 ? "A" : "T")
                if (length(line) == 60) { print line; line = "" }
            }
            if (line != "") print line
        } }'
}
make_genome >"$in/genome.fa"

# Of a cell: chromosome, position of the C, methylated reads, reads. Some sites are not covered,
# some are ties.
make_sites() {
    awk -v cell="$1" 'BEGIN {
        OFS = "\t"
        for (c = 1; c <= 2; c++)
            for (p = 21; p < (c == 1 ? 1200 : 800); p += 20) {
                r = (int(p / 20) * 37 + c * 29 + cell * 11) % 101
                if (r % 7 == 2) continue
                n = 1 + r % 5
                m = r % 3 == 0 ? 0 : r % 3 == 1 ? n : int(r / 4) % (n + 1)
                print c, p, m, n
            } }'
}
make_sites 1 >"$in/sites"
# Its states: what most reads say, ties are not observed. And the methylated share of the reads.
awk '2 * $3 != $4 { print $1, $2, (2 * $3 > $4) }' "$in/sites" >"$in/states"
awk '{ print $1, $2, $3 / $4 }' "$in/sites" >"$in/shares"
[[ $(awk '2 * $3 == $4' "$in/sites" | wc -l) -gt 3 &&
    $(awk '$3 > 0 && $3 < $4' "$in/sites" | wc -l) -gt 8 ]] || fail 'the inputs lack ties or mixed sites'
# Three good cells a, b, c as DeepCpG has them, the states of which are in a.states ...
mkdir "$in/cells"
for cell in 1 2 3; do
    name=$(tr 123 abc <<<$cell)
    make_sites $cell | awk '2 * $3 != $4 { print $1, $2, (2 * $3 > $4) }' >"$in/$name.states"
    awk -v OFS='\t' '{ print "chr" $1, $2, $3 }' "$in/$name.states" >"$in/cells/$name.tsv"
done
# shellcheck disable=SC2034 # for the cases
cells=("$in"/cells/{a,b,c}.tsv)
G=$in/genome.fa

# try COMMAND...: its exit code is left in $code, its output in the file printed.
try() {
    code=0
    timeout 60 "$@" >printed 2>&1 || code=$?
}
data() { # OUT FILE... [options]
    local out=$1
    shift
    try "$dcpg" data --cpg_profiles "$@" --dna_files "$G" --out_file "$out"
}
# ends CODE: of what was tried last, which is not to be more than one message and never a crash.
ends() { [[ $code == "$1" ]] || fail "exit code $code, not $1: $(tail -n 3 printed)"; }
# says WORDS, never_says WORDS: a regular expression, in whatever case.
says() {
    grep -qiE -- "$1" printed || fail "not reported '$1', but: $(grep -vE '^dcpg [0-9]' printed | tail -n 3)"
}
never_says() { ! grep -qiE -- "$1" printed || fail "reported '$1': $(grep -iE -- "$1" printed | head -n 1)"; }
# refused WORDS: wrong input, named in one line.
refused_with() {
    ends 2
    [[ $(grep -c '^dcpg ' printed) == 1 ]] || fail "not one line: $(cat printed)"
    grep '^dcpg ' printed | grep -qiE -- "$1" || fail "refused, but not with '$1': $(grep '^dcpg ' printed)"
}
# holds STORE OUTPUT TABLE: the output is observed where the table (chromosome, position, value) says,
# with these values.
holds() {
    "$dcpg" show "$1" --outputs "$2" --out_tsv shown.tsv >shown.log 2>&1 ||
        fail "$1 cannot be shown: $(tail -n 1 shown.log)"
    awk -v table="$3" '
        BEGIN { while ((getline line <table) > 0) { split(line, f, " "); want[f[1] " " f[2]] = f[3];
            missing++ } }
        FNR > 1 && $3 >= 0 {
            key = $1 " " $2
            if (!(key in want)) { if (!more++) first = key " is " $3 ", not unobserved"; next }
            missing--
            if (($3 - want[key]) ^ 2 > 4e-6 && !other++) first = key " is " $3 ", not " want[key]
        }
        END {
            if (missing || more || other)
                print missing + 0 " missing, " more + 0 " too many, values differ: " first
            exit missing || more || other
        }
    ' shown.tsv >differs || fail "$2: $(cat differs)"
}
# reads TABLE FILE [options]: a profile of one cell gives these values. reads_or TABLE WORDS FILE:
# or is refused with these words.
reads() {
    local table=$1 name
    shift
    data s.h5 "$@"
    ends 0
    name=$(basename "$1")
    holds s.h5 "cpg/${name%%.*}" "$table"
}
reads_or() {
    local table=$1 words=$2
    shift 2
    data s.h5 "$@"
    if [[ $code == 2 ]]; then refused_with "$words"; else reads "$table" "$@"; fi
}
# from AWK_PROGRAM: a profile of the sites $1 chromosome, $2 position, $3 methylated, $4 reads.
from() { awk -v OFS='\t' "$@" "$in/sites"; }
# shellcheck disable=SC2034
small=(--cpg_model FcAvg --cpg_wlen 2 --nb_epoch 1 --batch_size 16)

for file in "$here"/*.sh ${DCPG_MORE_CASES-}; do
    # shellcheck source=/dev/null
    [[ $(basename "$file") == test_cases.sh ]] || source "$file"
done
if [[ $# == 0 ]]; then set -- '*'; fi
failed=() nb=0
for name in $(compgen -A function case_); do
    name=${name#case_}
    for pattern; do
        # shellcheck disable=SC2053 # a pattern
        [[ $name == $pattern ]] || continue
        mkdir -p "$work/run/$name"
        nb=$((nb + 1)) before=$SECONDS
        if ! (cd "$work/run/$name" && "case_$name") >"$work/run/$name.log" 2>&1; then
            failed+=("$name")
            echo "$name: $(tail -n 1 "$work/run/$name.log")"
        fi
        ((SECONDS - before < 20)) || echo "$name: took $((SECONDS - before)) s"
        break
    done
done
echo "$nb cases, ${#failed[@]} failed, $SECONDS s${failed[*]:+: ${failed[*]}}"
[[ ${#failed[@]} == 0 && $nb != 0 ]]
