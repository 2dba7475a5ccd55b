#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests wrong input on 3 ranks: one clear line, exit code 2, nothing half-written, no hang.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"

mkdir dna cpg
{ echo '>1'; printf 'ACGTACGTAACGTTTACGAA%.0s' {1..50}; echo; } >dna/1.fa
printf '1\t2\t1\n1\t6\t0\n1\t11\t1\n1\t22\t1\n' >cpg/a.tsv
printf '1\t6\t1\n1\t11\t0\n1\t17\t1\n' >cpg/b.tsv
quietly "$dcpg" data --cpg_profiles cpg/a.tsv cpg/b.tsv --dna_files dna --out_file good.h5

# profile TEXT: makes a profile with this content, bad.tsv
data_refused() {
    local words=$1
    shift
    refused "$words" "$dcpg" data --out_file bad.h5 "$@"
    [[ ! -e bad.h5 && -z $(find . -name '*tmp*') ]] || fail "something half-written is left: $(ls -A)"
}
bad_profile() {
    printf '%b' "$2" >bad.tsv
    data_refused "bad.tsv.*$1" --cpg_profiles cpg/a.tsv bad.tsv --dna_files dna
}
bad_profile 'line 2' '1\t2\t1\n1\tsix\t0\n'
bad_profile 'line 2' '1\t2\t1\n1\t6\t1.5\n'
bad_profile 'line 1' '1\t2\t-0.5\n'
bad_profile 'line 1' '1\t2\tnil\n'
bad_profile 'line 3: position 6' '1\t6\t1\n1\t2\t1\n1\t6\t0\n'
bad_profile 'line 1' '1\t2\n'
bad_profile 'line 1' '1\t99999999999\t1\n'
# A profile without calls is left out or kept, and named either way.
no_call() {
    printf '%b' "$2" >bad.tsv
    "$dcpg" data --out_file bad.h5 --cpg_profiles cpg/a.tsv bad.tsv --dna_files dna >out.log 2>err.log ||
        fail "$(cat err.log)"
    grep -qE "^warning: .*bad.tsv" err.log || fail "bad.tsv is not named: $(cat err.log)"
    [[ $("$dcpg" stats bad.h5 2>/dev/null | grep -c 'cpg/') == "$1" ]] || fail "not $1 cells: $(cat err.log)"
    rm bad.h5
}
no_call 2 '1\t2\tnan\n'
no_call 1 ''

printf '2\t6\t1\n' >bad.tsv
data_refused 'bad.tsv|chromosome' --cpg_profiles cpg/a.tsv bad.tsv --dna_files dna
printf '1\t1001\t1\n' >bad.tsv
data_refused 'bad.tsv.*0.0 % of its 1 calls' --cpg_profiles cpg/a.tsv bad.tsv --dna_files dna
data_refused 'missing.tsv' --cpg_profiles cpg/a.tsv missing.tsv --dna_files dna
printf 'x\ta.tsv\ny\tmissing.tsv\n' >cpg/list.txt
data_refused 'cpg/missing.tsv' --cpg_profiles cpg/list.txt --dna_files dna
data_refused 'list.txt.*read' --cpg_profiles cpg/list.txt --out_file cpg/list.txt
data_refused 'a.tsv.*not replaced' --cpg_profiles cpg/list.txt --out_file cpg/a.tsv
data_refused 'a.tsv.*read' --cpg_profiles cpg/list.txt --out_file cpg/a.tsv --force
data_refused 'profile_format.*cpg_report' --cpg_profiles cpg/a.tsv --profile_format cpgreport
data_refused 'call.*strict' --cpg_profiles cpg/a.tsv --call most
data_refused 'ties.*methylated' --cpg_profiles cpg/a.tsv --ties keep
data_refused 'ties.*round' --cpg_profiles cpg/a.tsv --ties methylated --call strict
data_refused 'min_reads' --cpg_profiles cpg/a.tsv --min_reads 2
data_refused 'min_cg' --cpg_profiles cpg/a.tsv --min_cg 101
mkdir other && cp cpg/a.tsv other/a.tsv
data_refused 'a\.tsv|cell.*a' --cpg_profiles cpg/a.tsv other/a.tsv --dna_files dna
printf '1\t6\t1\n' | gzip -c >whole.tsv.gz
head -c 20 whole.tsv.gz >cut.tsv.gz
data_refused 'cut.tsv.gz' --cpg_profiles cut.tsv.gz --dna_files dna
mkdir cutdna && gzip -c dna/1.fa | head -c -6 >cutdna/1.fa.gz
data_refused '1.fa.gz' --cpg_profiles cpg/a.tsv --dna_files cutdna
refused 'nowhere' "$dcpg" data --cpg_profiles cpg/a.tsv --dna_files dna --out_file nowhere/s.h5
refused 'cpg_profile' "$dcpg" data --cpg_profile cpg/a.tsv --out_file x.h5

train() { # WORDS STORE OPTIONS...
    local words=$1
    shift
    refused "$words" "$dcpg" train "$@" --out_dir model --nb_epoch 1
    [[ -z $(find . -name '*tmp*') ]] || fail 'temporary files are left'
}
head -c 3000 good.h5 >cut.h5
echo 'not a store' >text.h5
train 'cut.h5' cut.h5 --cpg_model FcAvg --cpg_wlen 2
train 'text.h5' text.h5 --cpg_model FcAvg
train 'absent.h5' absent.h5 --cpg_model FcAvg
train 'RnnL1.*RnnL2|known' good.h5 --cpg_model NoSuchModel
train 'CnnL2h128' good.h5 --dna_model NoSuchModel
train 'column' good.h5 --dna_model 'conv[8@3]_mp['
train 'chromosome' good.h5 --cpg_model FcAvg --train_chromos 7
train 'odd' good.h5 --dna_model CnnL1h128 --dna_wlen 100
train 'ranks' good.h5 --cpg_model FcAvg --nb_train_sample 2 --cpg_wlen 2
train 'virtual_ranks' good.h5 --cpg_model FcAvg --cpg_wlen 2 --virtual_ranks 2
train 'learning_rate' good.h5 --cpg_model FcAvg --learning_rat 1
train 'no_such|wlen|window' good.h5 --dna_model CnnL3h128 --dna_wlen 11
"$dcpg" data --cpg_profiles cpg/a.tsv cpg/b.tsv --out_file nodna.h5 >/dev/null 2>&1
train 'DNA' nodna.h5 --dna_model CnnL1h128 --dna_wlen 101
touch file
refused 'file' "$dcpg" train good.h5 --cpg_model FcAvg --cpg_wlen 2 --out_dir file/model --nb_epoch 1
refused 'no command' "$dcpg" tarin good.h5

# An output must not replace an input.
quietly "$dcpg" train good.h5 --cpg_model FcAvg --cpg_wlen 2 --nb_epoch 1 --out_dir trained
cp good.h5 kept.h5
refused 'good.h5.*read' "$dcpg" eval good.h5 --model_files trained --out_data ./good.h5
refused 'good.h5.*read' "$dcpg" eval good.h5 --model_files trained --out_report good.h5
refused 'a.tsv.*read' "$dcpg" data --cpg_profiles cpg/a.tsv --dna_files dna --out_file cpg/../cpg/a.tsv
same good.h5 kept.h5
# A report that cannot be written is refused before hours of evaluation.
refused 'nowhere' "$dcpg" eval good.h5 --model_files trained --out_data e.h5 --out_report nowhere/r.tsv
refused 'dna' "$dcpg" eval good.h5 --model_files trained --out_data e.h5 --out_report dna
[[ ! -e e.h5 ]] || fail 'evaluated for a report that cannot be written'

# A disk that fills up at different moments: only root can make a small one.
quietly "$dcpg" eval good.h5 --model_files trained --out_data e.h5
for size in 8 16 40 64 100; do
    [[ $(id -u) == 0 ]] && mkdir -p small && mount -t tmpfs -o size=${size}k none small 2>/dev/null || break
    trap 'umount "$work/small"; rm -rf "$work"' EXIT
    refused space "$dcpg" train good.h5 --cpg_model FcAvg --cpg_wlen 2 --out_dir small/model --nb_epoch 1
    rm -rf small/*
    [[ $size -gt 16 ]] || refused space "$dcpg" export e.h5 --out_dir small/out --out_format hdf
    [[ -z $(find small -name '*tmp*') ]] || fail "a full disk keeps half a file: $(find small)"
    umount small
    trap 'rm -rf "$work"' EXIT
done
echo ok
