#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests names on the command line: a word that is exactly a name means that name only, other words are regular
# expressions; the choice is logged; a store that a list option has taken is reported.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"
quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 20000 --nb_cell 4 --seed 3
n=0
for name in cell_1 cell_10 cell_11 E4+A1; do
    n=$((n + 1))
    cp "sim/cpg/"*"cell0$n.tsv.gz" "$name.tsv.gz"
done
quietly "$dcpg" data --cpg_profiles ./*.tsv.gz --dna_files sim/dna --out_file s.h5
quietly "$dcpg" convert s.h5 --out_dir files --dna_wlen 3 --cpg_wlen 4

# lists WORDS COMMAND...: the log holds WORDS
lists() {
    local words=$1
    shift
    quietly "$dcpg" "$@"
    grep -qF -- "$words" last.log || fail "the log does not say '$words': $* ($(cat last.log))"
}
one='1 of 4 outputs: cpg/cell_1' three='3 of 4 outputs: cpg/cell_1, cpg/cell_10, cpg/cell_11' \
    plus='1 of 4 outputs: cpg/E4+A1'
small=(--cpg_model 'fc[4]_gap' --cpg_wlen 4 --nb_epoch 1 --nb_train_sample 64 --batch_size 32 --out_dir model)
for data in s.h5 files/c1_0*.h5; do
    lists "$one" train "$data" "${small[@]}" --output_names cpg/cell_1
    lists "$three" train "$data" "${small[@]}" --output_names cpg/cell_1 cell_1
    lists "$plus" train "$data" "${small[@]}" --output_names cpg/E4+A1
    lists '1 of 4 cells: E4+A1' train "$data" "${small[@]}" --replicate_names E4+A1
    lists '2 of 4 cells: E4+A1, cell_1' train "$data" "${small[@]}" --replicate_names cell_1 E4+A1
    lists "$one" stats "$data" --output_names cpg/cell_1
    # the list, the table, the closing line
    [[ $(grep -c 'cpg/' last.log) == 3 ]] || fail "not one output: $(cat last.log)"
    lists "$one" show "$data" --outputs cpg/cell_1
    lists "$three" show "$data" --outputs cell_1
    lists '1 of 4 cells: cell_1' show "$data" --cpg cell_1 --cpg_wlen 4
    lists '3 of 4 cells: E4+A1, cell_11, cell_1' show "$data" --cpg E4+A1 cell_11 cell_1 --cpg_wlen 4
done
lists "$one" convert s.h5 --out_dir f --output_names cpg/cell_1
lists '1 of 4 cells: cell_1' convert s.h5 --out_dir f --replicate_names cell_1
quietly "$dcpg" train s.h5 "${small[@]}"
quietly "$dcpg" eval s.h5 --model_files model --out_data e.h5
lists '1 output of ' export e.h5 --out_dir exported --output_names cpg/cell_1
[[ $(ls exported) == cell_1.bedGraph.gz ]] || fail "exported: $(ls exported)"
quietly "$dcpg" export e.h5 --out_dir exported2 --output_names cpg/E4+A1 --out_format hdf
[[ $(ls exported2) == E4+A1.h5 ]] || fail "exported: $(ls exported2)"
refused "'E4[+]A1' matches none of the 4 outputs" "$dcpg" stats s.h5 --output_names E4+A1

# ---- a store that a list option has taken ----
taken() {
    local code=0 message="give a store.*'s.h5' was taken for a word of --$1,.*before the options, or after --"
    "$dcpg" "${@:2}" >out.log 2>err.log || code=$?
    [[ $code == 2 ]] && grep -q "$message" err.log ||
        fail "exit code $code: ${*:2}: $(cat err.log)"
}
taken train_chromos train --train_chromos 1 2 s.h5 --cpg_model FcAvg
taken dna_model train --dna_model CnnL2h128 s.h5
taken cpg_model train --out_dir m --cpg_model FcAvg s.h5
taken model_files eval --model_files model s.h5
taken chromos eval --chromos 1 s.h5 --model_files model
taken output_names stats --output_names cpg/cell_1 s.h5
taken cpg show --cpg s.h5
taken chromos convert --out_dir f --chromos 1 s.h5
quietly "$dcpg" train --train_chromos 1 "${small[@]}" -- s.h5
for words in 'train s.h5 --train_chromos 1 --help' 'train --help' 'train --train_chromos 1 -h' \
    'eval --model_files --help' 'show s.h5 --outputs --help'; do
    # shellcheck disable=SC2086
    "$dcpg" $words >help.txt 2>err.txt || fail "exit code $?: $words"
    grep -q '^usage: dcpg' help.txt || fail "no help: $words"
done

# ---- names of chromosomes: any that data accepts, later commands accept; a '/' (contigs of long reads)
# only matters in names of files ----
long=$(printf 'x%.0s' {1..250})
for name in m54/1/ccs_2 ../../up a%2Fb "$long"; do
    printf '%s\t%d\t1\n' "$name" 10 "$name" 20 "$name" 30 >one.tsv
    printf '%s\t%d\t0\n' "$name" 10 "$name" 30 "$name" 50 >two.tsv
    { printf '>%s\n' "$name" && printf 'AAAAAAAAACG%.0s' {1..9}; } >odd.fa
    rm -rf odd files_odd files_direct exported
    for n in 1 3; do
        on $n "$dcpg" data --cpg_profiles one.tsv two.tsv --out_file odd.h5
        on $n "$dcpg" data --cpg_profiles one.tsv two.tsv --out_dir files_direct --dna_wlen 0 --cpg_wlen 2
        on $n "$dcpg" convert odd.h5 --out_dir files_odd --dna_wlen 0 --cpg_wlen 2
        diff -rq files_direct files_odd >/dev/null || [[ $(ls files_direct) == "$(ls files_odd)" ]] ||
            fail "$name: other files"
        [[ $(find files_odd files_direct -type f | wc -l) == 2 && ! -e ../up_000000-000004.h5 ]] ||
            fail "$name: files: $(find files_odd files_direct)"
    done
    quietly "$dcpg" convert files_odd/*.h5 --out_file again.h5
    quietly "$dcpg" train odd.h5 --cpg_model FcAvg --cpg_wlen 2 --nb_epoch 1 --out_dir odd
    for data in odd.h5 again.h5 files_odd/*.h5; do
        quietly "$dcpg" eval "$data" --model_files odd --out_data e.h5
        for format in bedGraph hdf; do
            quietly "$dcpg" export e.h5 --out_dir exported --out_format $format
        done
        [[ $(gzip -dc exported/one.bedGraph.gz | grep -v ^track | cut -f 1 | sort -u) =~ ^(chr)?$name$ ||
            $name == *[a-z]* ]] || fail "$name: export has another name"
    done
    quietly "$dcpg" show odd.h5 --chromo "$name"
done
# Two names that only escaping distinguishes.
printf '%s\t10\t1\n' a/b A%2FB a_b >one.tsv
quietly "$dcpg" data --cpg_profiles one.tsv --out_dir apart --dna_wlen 0 --cpg_wlen 2
[[ $(cd apart && echo *) == 'cA%252FB_000000-000001.h5 cA%2FB_000000-000001.h5 cA_B_000000-000001.h5' ]] ||
    fail "files: $(ls apart)"
# A name that export cannot write is refused when it is read.
rule="chromosome's name has no blanks"
printf 'chr1\177\t10\t1\n' >bad.tsv
refused "bad.tsv: line 1: .*$rule" "$dcpg" data --cpg_profiles bad.tsv --out_file bad.h5
printf '1\t10\t1\n%s\t10\t1\n' "$long$long" >bad.tsv
refused "bad.tsv: line 2: .*$rule" "$dcpg" data --cpg_profiles bad.tsv --out_file bad.h5
printf '1\t10\t1\n' >fine.tsv
printf '1\t10\n%s\t10\n' "$long$long" >sites.txt
refused "sites.txt: .*$rule" "$dcpg" data --cpg_profiles fine.tsv --pos_file sites.txt --out_file bad.h5
[[ ! -e bad.h5 ]] || fail 'a store of bad names'
# With a genome, its names count: calls on other chromosomes are dropped.
printf '>1\nAAAAAAAAACGAAAACGA\n' >fine.fa
printf '1\t10\t1\n1\t16\t0\n%s\t10\t1\n' "$long$long" >bad.tsv
quietly "$dcpg" data --cpg_profiles bad.tsv --dna_files fine.fa --out_file fine.h5
echo ok
