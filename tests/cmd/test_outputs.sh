#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests which files are replaced and which are not, and outputs that cannot be written.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"

quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 20000 --nb_cell 2 --coverage_min .5 \
    --coverage_max .6
mv sim/cpg/cl0_cell01.tsv.gz a.tsv.gz
mv sim/cpg/cl1_cell02.tsv.gz b.tsv.gz
make_store=("$dcpg" data --cpg_profiles a.tsv.gz b.tsv.gz --dna_files sim/dna --out_file s.h5)
train=("$dcpg" train s.h5 --cpg_model FcAvg --cpg_wlen 2 --nb_epoch 1 --batch_size 64 --train_chromos 1)
evaluate=("$dcpg" eval s.h5 --model_files model --out_data e.h5 --out_report r.tsv)
for _ in 1 2; do # a command may replace the files that it wrote
    quietly "${make_store[@]}"
    quietly "${train[@]}" --out_dir model
    quietly "${evaluate[@]}"
    quietly "$dcpg" export e.h5 --chromos 1
    quietly "$dcpg" export e.h5 --out_format hdf
    quietly "$dcpg" convert s.h5 --out_dir files --dna_wlen 11 --cpg_wlen 2
    quietly "$dcpg" convert files/*.h5 --out_file again.h5
    quietly "$dcpg" show s.h5 --outputs --out_tsv show.tsv
    quietly "$dcpg" show s.h5 --out_tsv places.tsv
    quietly "$dcpg" show s.h5 --outputs --dna_wlen 1501 --cpg --cpg_dist --chromo 1 --end 3000 \
        --out_tsv all.tsv
    quietly "$dcpg" show s.h5 --cpg --cpg_wlen 2 --out_tsv cells.tsv
    quietly "$dcpg" show s.h5 --start 2000000000 --out_tsv none.tsv
    quietly "$dcpg" stats s.h5 --out_tsv stats.tsv
done
[[ $(head -n 1 places.tsv) == chromo$'\t'pos ]] || fail "another table of places: $(head -n 1 places.tsv)"
[[ -s export/a.bedGraph.gz && -s export/b.h5 && ! -e a.bedGraph.gz ]] ||
    fail "export does not write to export: $(ls . export)"
gzip -t export/a.bedGraph.gz || fail 'the mark of dcpg disturbs gzip'
[[ $(gzip -dc export/a.bedGraph.gz | cut -f 1 | sort -u) == chr1 ]] ||
    fail 'the second export did not replace the first'
[[ -z $(find . -name '*dcpg-*') ]] || fail "left: $(find . -name '*dcpg-*')"

# kept WORDS FILE COMMAND...: the command is refused, on 3 ranks every seventh time, and FILE stays as it is
nb=0
kept() {
    local words=$1 file=$2 before code=0
    shift 2
    before=$(sha1sum "$file")
    if ((nb++ % 7 == 0)); then
        refused "$words" "$@"
    else
        "$@" >out.log 2>err.log || code=$?
        [[ $code == 2 && $(grep -cE '^dcpg[ :]' err.log) == 1 ]] || fail "exit code $code: $*: $(cat err.log)"
        grep -qiE -- "$words" err.log || fail "no '$words' in the error of $*: $(cat err.log)"
    fi
    [[ $(sha1sum "$file") == "$before" ]] || fail "$file is another one after: $*"
    [[ -z $(find . -name '*dcpg-*') ]] || fail "left: $(find . -name '*dcpg-*')"
}

# ---- files of other programs are named and stay; --force replaces them ----
echo 'my notes' >notes
foreign=(s.h5 e.h5 notes a.tsv.gz)
cp model/model.json keras.json
for f in "${foreign[@]}"; do
    cp "$f" other
    # Stores are written by data and convert, predictions by eval.
    [[ $f == s.h5 ]] ||
        kept '^dcpg data: other: .*not written by.*--force' other "${make_store[@]:0:7}" --out_file other
    [[ $f == s.h5 ]] ||
        kept '^dcpg convert: other: .*not written by' other "$dcpg" convert files/*.h5 --out_file other
    [[ $f == e.h5 ]] || kept '^dcpg eval: other: .*not written by' other "$dcpg" eval s.h5 \
        --model_files model --out_data other
    kept '^dcpg eval: other: .*not written by' other "$dcpg" eval s.h5 --model_files model --out_report other
    kept '^dcpg show: other: .*not written by' other "$dcpg" show s.h5 --out_tsv other
    kept '^dcpg stats: other: .*not written by' other "$dcpg" stats s.h5 --out_tsv other
done
cp notes other
quietly "$dcpg" stats s.h5 --out_tsv other --force
same other stats.tsv
# Tables whose column names are those of show and stats but for one; lists of positions in the form of show's,
# but not this list.
for text in 'chromo\tpos\tvalue\n1\t5\t1\n' 'chromo\tpos\tmeth/total\n1\t5\t1\n' 'chromo\tpos\n1\t5\n' \
    'chromo\tpos' 'chromo\tpos\tdna/x\n' 'chromo\tpos\tdna/1\n' \
    'chromo\tpos\tdna/0\toutputs/a\n' 'chromo\tpos\toutputs/a\tmine\n' 'chromo\tpos\toutputs/\n' \
    'chromo\tpos\tstate/-1\n' 'chromo\tpos\toutputs/a' \
    'pos\tchromo\toutputs/a\n' 'output\tnb_tot\tnb_obs\tmine\n'; do
    # shellcheck disable=SC2059 # the format
    printf "$text" >other
    kept 'other: .*not written by' other "$dcpg" show s.h5 --out_tsv other
    kept 'other: .*not written by' other "$dcpg" show s.h5 --outputs --out_tsv other
    kept 'other: .*not written by' other "$dcpg" stats s.h5 --out_tsv other
done
{ cat places.tsv && printf '9\t5\n'; } >other
kept 'other: .*not written by' other "$dcpg" show s.h5 --out_tsv other
head -n 5 places.tsv >other
kept 'other: .*not written by' other "$dcpg" show s.h5 --out_tsv other
quietly "$dcpg" show s.h5 --out_tsv other --force
same other places.tsv
cp stats.tsv other
kept 'other: .*not written by' other "$dcpg" show s.h5 --out_tsv other
cp show.tsv other
kept 'other: .*not written by' other "$dcpg" stats s.h5 --out_tsv other
quietly "$dcpg" show s.h5 --out_tsv other # a table of show replaced by another
same other places.tsv
: >empty # nothing is lost
quietly "$dcpg" stats s.h5 --out_tsv empty
# export beside the profiles (the default folder was '.')
mkdir cells
gzip -c notes >cells/a.bedGraph.gz
kept 'cells/a.bedGraph.gz: .*not written by' cells/a.bedGraph.gz "$dcpg" export e.h5 --out_dir cells
[[ ! -e cells/b.bedGraph.gz ]] || fail 'one of two was written'
mv cells/a.bedGraph.gz cells/b.bedGraph.gz
kept 'cells/b.bedGraph.gz: .*not written by' cells/b.bedGraph.gz "$dcpg" export e.h5 --out_dir cells
quietly "$dcpg" export e.h5 --out_dir cells --chromos 1 --force
same cells/b.bedGraph.gz export/b.bedGraph.gz
cp s.h5 cells/a.h5
kept 'cells/a.h5: .*not written by' cells/a.h5 "$dcpg" export e.h5 --out_dir cells --out_format hdf
# a bgzip file of another program, with its end marker
if command -v bgzip >/dev/null; then
    bgzip -c notes >cells/a.bedGraph.gz
    kept 'cells/a.bedGraph.gz: .*not written by' cells/a.bedGraph.gz "$dcpg" export e.h5 --out_dir cells
fi
# DeepCpG data files
first=$(cd files && printf "%s\n" * | head -n 1)
mkdir data
cp s.h5 "data/$first"
kept "data/$first: .*not written by" "data/$first" "$dcpg" convert s.h5 --out_dir data --dna_wlen 11 \
    --cpg_wlen 2
kept "data/$first: .*not written by" "data/$first" "${make_store[@]:0:7}" --out_dir data --dna_wlen 0 \
    --cpg_wlen 2
quietly "$dcpg" convert s.h5 --out_dir data --dna_wlen 11 --cpg_wlen 2 --force
# a model of DeepCpG or Keras
mkdir theirs
cp keras.json theirs/model.json
kept 'theirs/model.json: .*not written by' theirs/model.json "${train[@]}" --out_dir theirs
rm theirs/model.json
cp notes theirs/lc_train.tsv
kept 'theirs/lc_train.tsv: .*not written by' theirs/lc_train.tsv "${train[@]}" --out_dir theirs
[[ $(ls -A theirs) == lc_train.tsv ]] || fail "something else is in theirs: $(ls -A theirs)"
cp notes theirs/metrics.jsonl
kept 'theirs/metrics.jsonl: .*not written by' theirs/metrics.jsonl "${train[@]}" --out_dir theirs
quietly "${train[@]}" --out_dir theirs --force
same theirs/model.h5 model/model.h5

# ---- an input is never replaced, not even with --force, whatever its name ----
ln s.h5 alias.h5
printf 'a\ta.tsv.gz\n' >list.tsv
kept 'alias.h5: would be written over s.h5' s.h5 "$dcpg" eval s.h5 --model_files model --out_data alias.h5 \
    --force
kept 'a.tsv.gz: would be written over' a.tsv.gz "${make_store[@]:0:7}" --out_file a.tsv.gz --force
kept 'a.tsv.gz: would be written over' a.tsv.gz "$dcpg" data --cpg_profiles list.tsv --dna_files sim/dna \
    --out_file a.tsv.gz --force
fasta=$(find sim/dna -name '*.fa.gz' | head -n 1)
kept "$fasta: would be written over what sim/dna/? holds" "$fasta" "${make_store[@]:0:7}" \
    --out_file "$fasta" --force
kept 'model/model.h5: would be written over what model holds' model/model.h5 "$dcpg" eval s.h5 \
    --model_files model --out_data model/model.h5 --force
kept 'model: would be written over what model holds' model/model.h5 "$dcpg" train s.h5 --model_files model \
    --nb_epoch 1 --out_dir model --force
quietly "$dcpg" eval s.h5 --model_files model --out_data model/e.h5
quietly "$dcpg" eval s.h5 --model_files model --out_data model/e.h5
kept 'out_data and --out_report are one file' notes "$dcpg" eval s.h5 --model_files model --out_data new \
    --out_report new
kept 'log_file s.h5: is read' s.h5 "$dcpg" stats s.h5 --log_file s.h5 --force
kept 'log_file alias.h5: is read' s.h5 "$dcpg" train s.h5 --cpg_model FcAvg --out_dir none --log_file alias.h5
kept 'log_file a.tsv.gz: is there and is no text' a.tsv.gz "$dcpg" stats s.h5 --log_file a.tsv.gz
kept 'log_file and --out_report|out_report are one file' notes "$dcpg" eval s.h5 --model_files model \
    --out_report new --log_file new
[[ ! -e none && ! -e new ]] || fail 'a refused command left something'
# links are replaced, the files they lead to stay
ln -s notes link.tsv
kept 'link.tsv: .*not written by' notes "$dcpg" stats s.h5 --out_tsv link.tsv
quietly "$dcpg" stats s.h5 --out_tsv link.tsv --force
[[ $(cat notes) == 'my notes' && ! -L link.tsv ]] || fail 'a link was followed'
ln -s /dev/null/nowhere dangling.tsv
: >empty
ln -s empty to_empty.tsv
for link in dangling.tsv to_empty.tsv; do
    kept "$link: .*not written by" notes "$dcpg" stats s.h5 --out_tsv $link
    [[ -L $link ]] || fail "$link was replaced"
done
# what stands for an open file is no place for a file
ln -s /proc/self/fd mine
kept 'stands for a device or an open file' notes "$dcpg" stats s.h5 --out_tsv mine/1 --force
# a log does not go into what is read
cp -r model logged
kept 'in a folder that this command reads' logged/lc_train.tsv "$dcpg" eval s.h5 --model_files logged \
    --log_file logged/lc_train.tsv
for _ in 1 2; do quietly "$dcpg" eval s.h5 --model_files logged --log_file logged/eval.log; done
# a replaced file keeps its permissions
chmod 640 r.tsv e.h5
quietly "${evaluate[@]}"
[[ $(stat -c %a r.tsv e.h5 | sort -u) == 640 ]] || fail "permissions changed: $(stat -c '%a %n' r.tsv e.h5)"

# ---- a pipe without a reader or writer, in a place of an output: nothing waits for it ----
pipe() {
    local words=$1 code=0
    shift
    timeout 20 "$@" >last.out 2>last.log || code=$?
    [[ $code == 2 ]] && grep -qE "^dcpg $words" last.log ||
        fail "a pipe: exit code $code: $*: $(cat last.log)"
}
mkdir piped piped_export
mkfifo piped/metrics.jsonl pipe.log
pipe 'train: piped/metrics.jsonl: ' "${train[@]}" --out_dir piped
pipe 'stats: pipe.log: .*nobody reads' "$dcpg" stats s.h5 --log_file pipe.log
mkfifo "piped_export/$(cd export && echo *.gz | cut -d ' ' -f 1)"
pipe 'export: piped_export/' "$dcpg" export e.h5 --out_dir piped_export
cat pipe.log >read.log &
quietly "$dcpg" stats s.h5 --log_file pipe.log
wait $!
grep -q 'dcpg .* stats' read.log || fail "a pipe with a reader: $(cat read.log)"

# ---- an output that cannot be written, or is closed ----
if [[ -c /dev/full ]]; then
    for words in --help --version help 'train --help' 'data --help' 'simulate --help' models 'models FcAvg' \
        'models model' 'stats s.h5' 'show s.h5 --outputs'; do
        for how in full closed; do
            code=0
            # shellcheck disable=SC2086 # words
            if [[ $how == full ]]; then
                "$dcpg" $words >/dev/full 2>last.log || code=$?
            else
                "$dcpg" $words >&- 2>last.log || code=$?
            fi
            [[ $code == 2 ]] && grep -qE '^dcpg.*: the standard output cannot be written' last.log ||
                fail "dcpg $words, stdout $how: exit code $code, $(cat last.log)"
            [[ $(grep -c '^dcpg.*cannot be written' last.log) == 1 ]] ||
                fail "reported twice: $(cat last.log)"
        done
    done
    code=0
    "$dcpg" stats s.h5 --log_file /dev/full >last.out 2>last.log || code=$?
    [[ $code == 2 ]] && grep -q '^dcpg stats: /dev/full: cannot write the log: No space' last.log ||
        fail "a full log: exit code $code, $(cat last.log)"
    code=0
    "${MPIRUN:-mpirun}" -n 3 "${train[@]}" --out_dir logged --log_file /dev/full >last.out 2>last.log ||
        code=$?
    [[ $code == 2 && $(grep -c 'dcpg train: /dev/full: cannot write the log' last.log) == 1 ]] ||
        fail "training with a full log: exit code $code, $(cat last.log)"
    same logged/model.h5 model/model.h5 # it went on all the same
fi
# The number of a closed stream is not reused by a file: printed text does not end up there.
"${make_store[@]:0:7}" --out_file closed.h5 <&- >&- 2>&- || fail 'no store with all streams closed'
quietly "$dcpg" stats closed.h5
"${evaluate[@]}" --out_data closed_e.h5 >&- 2>last.log ||
    fail "eval prints nothing to stdout: $(cat last.log)"
quietly "$dcpg" export closed_e.h5 --out_dir closed
echo ok
