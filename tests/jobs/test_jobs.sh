#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The job scripts and jobs/lib.sh without a scheduler: programs that only write down how they were called take
# the places of mpirun, srun, squeue, scontrol, qstat, qsub and dcpg.
# What real ones do with it is tested in tests/cluster.
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"

bin=$work/bin clean=$work/clean hostile=$work/hostile
mkdir "$bin" "$clean" "$hostile"
export WROTE=$work/wrote
fake() { # NAME, its lines on stdin
    { printf '#!/bin/sh\n' && cat; } >"$bin/$1"
    chmod +x "$bin/$1"
}
# Ends with $CODE, and with a checkpoint before where $CHECKPOINT names one.
for name in mpirun srun; do
    fake $name <<'END'
{ echo "${0##*/}"; printf '%s\n' "$@"; } >"$WROTE"
if [ -n "$CHECKPOINT" ]; then mkdir -p "${CHECKPOINT%/*}" && : >"$CHECKPOINT"; fi
env >"$WROTE.env"
exit "${CODE:-0}"
END
done
fake dcpg </dev/null
fake sleep </dev/null # no need to wait before scontrol is asked again

# The startup files of users: one that does nothing but find the programs above,
# one that changes all that a script may rely on.
echo "PATH=$bin:\$PATH" >"$clean/.bash_profile"
comma=C
if localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" 2>/dev/null; then
    comma=de_DE.UTF-8
    [[ $(LOCPATH=$work LC_ALL=$comma awk 'BEGIN { printf "%.1f", 1.5 }') == 1[,.]5 ]] ||
        fail 'the locale cannot be used'
else
    echo 'no locale with decimal commas: not tested'
fi
cat "$clean/.bash_profile" - >"$hostile/.bash_profile" <<END
export LC_ALL=$comma LC_NUMERIC=$comma
export CDPATH=/:/usr GREP_OPTIONS=--color=always GLOBIGNORE='*.h5:*.gz'
export SQUEUE_STATES=PENDING SLURM_TIME_FORMAT=relative
shopt -s nullglob failglob dotglob nocaseglob nocasematch xpg_echo expand_aliases
set -o noclobber -o posix
alias grep='grep -n' sed='sed -n' head='head -c 1' date='date -R'
alias printf='printf x' wait=false mkdir='mkdir -v'
cd() { builtin cd "\$@" && pwd; }
paste() { command paste -d , "\$@"; }
dirname() { command dirname -z "\$@"; }
trap 'echo an error' ERR
IFS=:,-_
END

# job HOME SCRIPT [NAME=VALUE...]: the script as a scheduler starts it; leaves its exit code in $code, its
# output in $work/job.log, what it started, without the name of the node file, in $WROTE.
job() {
    local home=$1 script=$2
    shift 2
    code=0
    rm -f "$WROTE" "$WROTE.env"
    env -i HOME="$home" PATH=/usr/bin:/bin LOCPATH="$work" WROTE="$WROTE" DCPG_PROGRAM="$bin/dcpg" "$@" \
        bash -l "$script" >"$work/job.log" 2>&1 || code=$?
}
pbs=(PBS_JOBID=7.server "PBS_O_WORKDIR=$PWD" "PBS_NODEFILE=$work/nodes" PBS_ARRAY_INDEX=1 OMP_NUM_THREADS=3)
slurm=(SLURM_JOB_ID=7 SLURM_JOB_NODELIST=n1 SLURM_JOB_NUM_NODES=2 SLURM_NTASKS=4 SLURM_ARRAY_TASK_ID=1
    SLURM_CPUS_PER_TASK=3)
printf 'n1\nn1\nn2\nn2\n' >"$work/nodes"
# says WORDS: in the job's output.
says() { grep -qE -- "$1" "$work/job.log" || fail "no '$1' in the job's output: $(cat "$work/job.log")"; }
never_says() {
    ! grep -qE -- "$1" "$work/job.log" || fail "'$1' in the job's output: $(cat "$work/job.log")"
}
ends_with() { [[ $code == "$1" ]] || fail "exit code $code, not $1: $(cat "$work/job.log")"; }
# started WORD...: these words stand in this order in what was started.
started() {
    local all
    all=$(paste -sd ' ' "$WROTE") || fail "nothing was started: $(cat "$work/job.log")"
    [[ " $all " == *" $* "* ]] || fail "no '$*' in what was started: $all"
}

# in_lib COMMANDS: what they print after jobs/lib.sh, and what they say on stderr in $work/printed.
in_lib() { (cd "$work" && env -u DCPG_CHAIN bash -c "source '$jobs/lib.sh'"$'\n'"$1" 2>"$work/printed"); }
# SECONDS stands still once it was unset: slow machines make no difference.
hours() { in_lib "unset SECONDS; SECONDS=0 reserve=${2-0} walltime='$1'; max_time"; }

echo '== many profiles'
# shellcheck disable=SC2016 # for the inner shell
in_lib 'profiles=(a/c{0001..1000}.tsv.gz); list_profiles list; echo "${#profiles[@]}"
    [[ ! -e list ]] || echo "a list"
    profiles+=(/b/last.cell.gz); list_profiles list; echo "${profiles[*]}"
    sed -n "1p; \$p" list; wc -l <list' \
    >"$work/profiles"
printf '%s\n' 1000 list "c0001	$(realpath "$work")/a/c0001.tsv.gz" $'last\t/b/last.cell.gz' 1001 |
    diff - "$work/profiles" || fail "profiles and their list"

echo '== walltimes'
# shellcheck disable=SC2016 # for the inner shell
in_lib 'while IFS="|" read -r text wanted; do
    found=$(seconds_of "$text" || echo no)
    [[ $found == "$wanted" ]] || echo "walltime \"$text\" is \"$found\" s, not \"$wanted\""
done' >"$work/differs" <<'END'
12:00:00|43200
86400|86400
 86400 |86400
2:00:00:00|172800
02:00:00:00|172800
00:30|30
90:00|5400
08:09|489
09:08:08|32888
720:00:00|2592000
100:00:00.5|360000
1-00|86400
2-00:00:00|172800
1-12|129600
1-12:30|131400
1-12:30:15|131415
unlimited|
UNLIMITED|
INFINITE|
NOT_SET|
None|
N/A|
-1|
00:00:00|0
99999999:00:00:00|
12 h|no
12h|no
two days|no
1:2:3:4:5|no
1-2:3:4:5|no
12::00|no
:30|no
12,5|no
-5|no
1e5|no
99999999999999999999|no
END
[[ ! -s $work/differs ]] || fail "$(cat "$work/differs")"
[[ $(hours 12:00:00 60) =~ ^11\.983(333|0..)$ ]] || fail "12:00:00 is $(hours 12:00:00 60) h"
[[ $(hours 86400) =~ ^(24\.000000|23\.999...)$ && $(hours 2:00:00:00) =~ ^(48\.000000|47\.999...)$ ]] ||
    fail "$(hours 86400) h, $(hours 2:00:00:00) h"
for text in unlimited INFINITE 0 '12 h' whenever; do
    [[ -z $(hours "$text") ]] || fail "--max_time $(hours "$text") of $text"
done
grep -q 'walltime=whenever is no time' "$work/printed" || fail "whenever: $(cat "$work/printed")"
hours unlimited && [[ ! -s $work/printed ]] || fail "unlimited: $(cat "$work/printed")"
for text in '' ' '; do
    ! hours "$text" >"$work/out" || fail 'an empty walltime is taken'
    grep -q 'set walltime=' "$work/printed" && [[ ! -s $work/out ]] ||
        fail "empty: $(cat "$work/printed" "$work/out")"
done
# A reserve of more than there is: not a training of one second.
[[ $(hours 00:30 60) =~ ^0\.004...$ ]] && grep -q 'reserve=60 .*15 s' "$work/printed" ||
    fail "30 s, 60 of them reserved: $(hours 00:30 60)"
! hours 12:00:00 soon >/dev/null || fail 'reserve=soon is taken'

echo '== walltimes of qstat'
fake qstat <<'END'
[ "$1" = -f ] && [ "$2" = "$PBS_JOBID" ] || exit 1
printf 'Job Id: %s\n    Resource_List.ncpus = 4\n%s    job_state = R\n' "$2" "$LIMIT"
END
while IFS='|' read -r limit setting wanted; do
    found=$(PATH=$bin:$PATH PBS_JOBID=7.server LIMIT=${limit:+"    Resource_List.walltime = $limit"$'\n'} \
        hours "$setting")
    [[ $found =~ ^($wanted)$ ]] || fail "qstat '$limit', setting '$setting': '$found'"
done <<'END'
06:00:00|12:00:00|6\.000000|5\.999...
21600|12:00:00|6\.000000|5\.999...
|12:00:00|12\.000000|11\.999...
UNLIMITED|12:00:00|
END
! PATH=$bin:$PATH PBS_JOBID=8.server LIMIT='' hours '' || fail 'no walltime from anywhere, and taken'
rm "$bin/qstat"

echo '== every script, whatever the startup files do'
mkdir cells
touch 'cells/a b.tsv.gz' cells/c.tsv.gz 'cells/.hidden.tsv.gz'
fake squeue <<'END'
[ -z "$SQUEUE_STATES$SQUEUE_FORMAT" ] || exit 1
case "$*" in
*%e*)
    end=$(LC_ALL=C date --date='2 hours' +%Y-%m-%dT%H:%M:%S)
    printf '8 %s\n7 %s\n' "${end%%T*}T00:00:00" "$end" ;;
esac
END
for script in slurm/{data,train,array,eval}.sbatch pbs/{data,train,array,eval}.pbs; do
    copy=${script#*/}
    case $script in
    slurm/*) around=("${slurm[@]}") settings=(launcher=mpirun) ;;
    pbs/*) around=("${pbs[@]}") settings=() ;;
    esac
    job_script "$script" "$copy" "${settings[@]}" "store='my store.h5'"
    for user in clean hostile; do
        job "${!user}" "$copy" "${around[@]}"
        ends_with 0
        sed -E 's/^[0-9]+\.[0-9]{6}$/HOURS/' "$WROTE" >"$work/$user.words"
        grep -c '^SLURM_JOB_END_TIME=' "$WROTE.env" >"$work/$user.end" || true
    done
    diff "$work/clean.words" "$work/hostile.words" ||
        fail "$script starts something else with these startup files"
    [[ $(cat "$work/hostile.end") == $([[ $script == slurm/* ]] && echo 1 || echo 0) ]] ||
        fail "$script: the end of the job is not known"
done
job "$hostile" data.pbs "${pbs[@]}"
started --cpg_profiles cells/a b.tsv.gz cells/c.tsv.gz --dna_files genome --out_file my store.h5 --cpg_cov 1
job "$hostile" array.pbs "${pbs[@]}"
started --learning_rate 0.001 --max_time
started --out_dir models/fast --resume models/fast
rm -r cells
job "$hostile" data.pbs "${pbs[@]}"
started --cpg_profiles 'cells/*.tsv.gz' --dna_files

echo '== settings'
job_script pbs/train.pbs train.pbs walltime=
job "$clean" train.pbs "${pbs[@]}"
ends_with 1
says 'set walltime='
[[ ! -e $WROTE ]] || fail 'started without a walltime'
job_script pbs/train.pbs train.pbs walltime=unlimited out=model/
job "$clean" train.pbs "${pbs[@]}"
started --out_dir model/ --resume model/
! grep -qe --max_time "$WROTE" || fail 'unlimited, but with --max_time'
# Copies made of older versions of the scripts.
# shellcheck disable=SC2016 # for the script
sed -e '/^limit_time/d' -e 's/"${time_options\[@\]}"/--max_time "$(max_time)"/' train.pbs >old.pbs
job "$clean" old.pbs "${pbs[@]}"
! grep -qe --max_time "$WROTE" || fail 'an old script, unlimited: --max_time'
sed -i 's/^walltime=.*/walltime=12:00:00/' old.pbs
job "$clean" old.pbs "${pbs[@]}"
started --max_time
sed -i 's/^walltime=.*/walltime=/' old.pbs
job "$clean" old.pbs "${pbs[@]}"
ends_with 1
[[ ! -e $WROTE ]] || fail 'an old script without a walltime was started'
job "$clean" train.pbs "${pbs[@]}" DCPG_PROGRAM="$work/no program"
says "DCPG_PROGRAM=$work/no program: no such program"
sed 's/^home=.*/home=nowhere/' train.pbs >lost.pbs
job "$clean" lost.pbs "${pbs[@]}"
ends_with 1
never_says 'command not found'
job "$clean" array.pbs "${pbs[@]}" PBS_ARRAY_INDEX=4
says 'task 4 of the array, but .* 4 lines'
# What is in quotes is one word, and nothing is expanded.
line() { # TEXT: the words of it, each between brackets
    local code=0
    # shellcheck disable=SC2016 # for the inner shell
    RUN=$1 in_lib 'set -euo pipefail; runs=("$RUN"); choose_run 0 >run
        printf "[%s]" "$run_name" ${run_options[@]+"${run_options[@]}"}' || code=$?
    return $code
}
while IFS='|' read -r text wanted; do
    found=$(line "$text") || found=no
    [[ $found == "$wanted" ]] || fail "the line of runs <$text> is $found, not $wanted"
done <<'END'
a --x 1|[a][--x][1]
  a   --x  1 |[a][--x][1]
a --out 'my dir' b|[a][--out][my dir][b]
a --out "my dir"|[a][--out][my dir]
"my dir" --x "it's" '"'|[my dir][--x][it's]["]
a --dir=my' 'dir|[a][--dir=my dir]
a --dir my\ dir|[a][--dir][my dir]
a --names cpg/Ser_.* 'cpg/(a b)$' ^\d+\. $HOME|[a][--names][cpg/Ser_.*][cpg/(a b)$][^\d+\.][$HOME]
a * ? [ab] ~ $(id) `id` {1,2} !x \n|[a][*][?][[ab]][~][$(id)][`id`][{1,2}][!x][\n]
a '' ""|[a][][]
a "a \"b\" \n" '\'|[a][a "b" \n][\]
a|[a]
a 'open|no
a "open'|no
|no
''|no
END
line "a 'open" 2>"$work/printed" >/dev/null || true
grep -q "a quote (') has no end in the line of the setting runs: a 'open" "$work/printed" ||
    fail "$(cat "$work/printed")"
job_script pbs/array.pbs quoted.pbs
sed -i "s|^    'fast .*|    'fast --log_file \"my log\" --model_files \"my model\"'|" quoted.pbs
for user in clean hostile; do
    job "${!user}" quoted.pbs "${pbs[@]}"
    ends_with 0
    grep -qx 'my log' "$WROTE" && grep -qx 'my model' "$WROTE" ||
        fail "words in quotes were split: $(cat "$WROTE")"
done
job "$clean" train.pbs "${pbs[@]}" TMPDIR="$work/none"
ends_with 0
says 'TMPDIR=.* /tmp is used'
grep -qx TMPDIR=/tmp "$WROTE.env" || fail 'TMPDIR was kept'
job "$clean" train.pbs "${pbs[@]}" TMPDIR="$work"
never_says TMPDIR
compgen -G "$work/dcpg.*" >/dev/null && fail 'files are left in TMPDIR'

echo '== variables'
job "$clean" train.pbs "${pbs[@]}" HDF5_USE_FILE_LOCKING=FALSE DCPG_GEMM=blis OMP_PLACES='{0,1}:2' \
    BLIS_ARCH_TYPE=3 LD_LIBRARY_PATH=/opt/x UCX_TLS=tcp
for name in HDF5_USE_FILE_LOCKING DCPG_GEMM DCPG_PROGRAM OMP_PLACES OMP_NUM_THREADS BLIS_ARCH_TYPE \
    LD_LIBRARY_PATH UCX_TLS; do
    started -x $name
done
# Variables of the script itself cannot be passed on.
sed 's/^store=/HDF5_DRIVER=sec2\nstore=/' train.pbs >own.pbs
job "$clean" own.pbs "${pbs[@]}"
! grep -qx HDF5_DRIVER "$WROTE" || fail 'a variable that is not exported is named to mpirun'
job_script slurm/train.sbatch train.sbatch
job "$clean" train.sbatch "${slurm[@]}" SLURM_EXPORT_ENV=NONE OMP_PLACES=cores
started srun --kill-on-bad-exit=1 --cpus-per-task=3
! grep -q ^SLURM_EXPORT_ENV "$WROTE.env" || fail 'SLURM_EXPORT_ENV=NONE would keep variables from the ranks'

echo '== the end of a SLURM job'
now=$(date +%s)
# end SQUEUE_SAYS VARIABLE WANTED
end() {
    fake squeue <<<"[ -n '$1' ] || exit 1; printf '6 2001-01-01T00:00:00\n7 $1\n'"
    job "$clean" train.sbatch "${slurm[@]}" ${2:+SLURM_JOB_END_TIME="$2"}
    ends_with 0
    found=$(sed -n 's/^SLURM_JOB_END_TIME=//p' "$WROTE.env")
    [[ $found == "$3" ]] || fail "squeue says '$1', the variable is '$2': the end is '$found', not '$3'"
}
local_time() { date --date="@$1" +%Y-%m-%dT%H:%M:%S; }
end "$(local_time $((now + 7200)))" '' $((now + 7200))
end "$(local_time $((now + 7200)))" $((now - 60)) $((now + 7200)) # that of the job that submitted this one
end "$(local_time $((now + 7200)))" $((now + 90000)) $((now + 7200))
end '' $((now + 3600)) $((now + 3600))
end '' $((now - 60)) ''
end N/A '' ''
end N/A $((now - 60)) ''
end Unknown soon ''
end '' '' ''

echo '== back into the queue'
# Three tasks of an array, the last of which has the array's number.
fake squeue <<'END'
[ -e "$WROTE.noqueue" ] || printf '5 7_0 RUNNING\n6 7_1 PENDING\n7 7_2 %s\n' "${STATE:-RUNNING}"
END
fake scontrol <<'END'
case $1 in
requeue) echo "$2" >>"$WROTE.requeued"; [ -z "$REFUSAL" ] || { echo "$REFUSAL for job $2" >&2; exit 1; } ;;
show) printf 'JobId=7 JobName=x\n   Command=/data/my train.sbatch\n' ;;
esac
END
stopped=(CODE=85 "CHECKPOINT=model/checkpoints/checkpoint-0001-00000001.h5")
# requeued JOBS [NAME=VALUE...]
requeued() {
    local wanted=$1
    shift
    rm -rf model "$WROTE.requeued"
    job "$clean" train.sbatch "${slurm[@]}" "${stopped[@]}" "$@"
    ends_with 85
    says 'code 85: training can go on from model/checkpoints/checkpoint-0001-00000001.h5'
    [[ $(sort -u "$WROTE.requeued" 2>/dev/null) == "$wanted" ]] ||
        fail "requeued '$(cat "$WROTE.requeued")', not '$wanted'"
}
requeued 7_2
says ' requeued$'
for refusal in 'Requested operation is presently disabled' 'Job/step already completing or completed'; do
    requeued 7_2 "REFUSAL=$refusal"
    says "not requeued \\($refusal.*submit the same script again: sbatch --array=1 /data/my train.sbatch"
done
requeued '' STATE=COMPLETING
says 'not requeued \(the job is COMPLETING\)'
touch "$WROTE.noqueue"
requeued ''
says 'not requeued \(the job is unknown to squeue\)'
rm "$WROTE.noqueue"
# Without a checkpoint, or with none but that of the last time, it would go round for ever.
job "$clean" train.sbatch "${slurm[@]}" CODE=85
ends_with 1
says 'before the first new checkpoint'
rm -rf model
job "$clean" train.sbatch "${slurm[@]}" CODE=85
ends_with 1
job "$clean" train.sbatch "${slurm[@]}" CODE=2
ends_with 2
never_says requeued
job_script pbs/train.pbs train.pbs
job "$clean" train.pbs "${pbs[@]}" "${stopped[@]}"
ends_with 85
says 'submit the same script again'
rm -rf model

echo '== warnings that the scheduler may send'
fake mpirun <<'END'
for signal in USR1 USR2; do trap "echo got $signal; kill \$!; exit 0" $signal; done
: >"$WROTE"
/bin/sleep 20 &
wait
END
for signal in USR1 USR2; do
    rm -f "$WROTE"
    env -i HOME="$clean" PATH=/usr/bin:/bin WROTE="$WROTE" DCPG_PROGRAM="$bin/dcpg" "${pbs[@]}" \
        bash -l train.pbs >"$work/job.log" 2>&1 &
    wait_until 10 'ranks' test -e "$WROTE"
    kill -$signal $!
    wait $! || fail "the job does not outlive $signal: $(cat "$work/job.log")"
    says "got $signal"
done

echo '== chains'
cp "$bin/srun" "$bin/mpirun"
fake qsub <<'END'
echo "$@" >>"$WROTE.queue"
number=$(wc -l <"$WROTE.queue")
[ "$number" != "$REFUSED" ] || { echo 'qsub: would exceed the limit' >&2; exit 1; }
echo 'Welcome to the cluster'
echo "$number.server"
END
# Variables as a shell of the user may have exported them.
chain() {
    env PATH="$bin:$PATH" SHELLOPTS=noclobber:posix BASHOPTS=failglob:nullglob CDPATH=/ \
        bash "$jobs/pbs/chain.sh" "$@" >"$work/chain.log" 2>&1
}
mark() { sed -nE "$1s/.*DCPG_CHAIN=([^ ]*).*/\1/p" "$WROTE.queue"; }
chain 2 train.pbs -q long || fail "chain.sh: $(cat "$work/chain.log")"
[[ $(cat "$work/chain.log") == $'link 1: 1.server\nlink 2: 2.server' ]] ||
    fail "chain.sh: $(cat "$work/chain.log")"
# PBS has its own copy of the first
sed 's/^out=.*/out=model_b/' train.pbs >train.new && mv train.new train.pbs
chain 2 train.pbs
[[ $(sed -nE 's/.*depend=([^ ]*).*/\1/p' "$WROTE.queue" | paste -sd ' ') == \
    'afterany:1.server afterany:3.server' ]] || fail "$(cat "$WROTE.queue")"
[[ -n $(mark 1) && $(mark 1) == "$(mark 2)" && $(mark 3) == "$(mark 4)" && $(mark 1) != "$(mark 3)" ]] ||
    fail "$(cat "$WROTE.queue")"
# link LINE OUT [NAME=VALUE...]
link() {
    local line=$1
    job_script pbs/train.pbs link.pbs "out=$2"
    shift 2
    job "$clean" link.pbs "${pbs[@]}" "DCPG_CHAIN=$(mark "$line")" "$@"
}
ended() {
    ends_with "$1" && says "training ended with code $1: nothing left to do" && [[ ! -e $WROTE ]] ||
        fail "link trains on"
}
link 1 model
ends_with 0
never_says 'nothing left'
link 2 model
ended 0
link 3 model_b CODE=3
ends_with 3
link 4 model_b/
ended 3
# A new chain for the same folder; the first one has ended all the same.
chain 2 train.pbs
link 5 model
ends_with 0
never_says 'nothing left'
[[ -e $WROTE ]] || fail 'the second chain of a folder does not train'
for line in 2 6; do
    link $line model
    ended 0
done
# A link that is stopped leaves the rest to the next.
link 5 model_c CODE=85 CHECKPOINT=model_c/checkpoints/checkpoint-0001-00000001.h5
link 6 model_c
never_says 'nothing left'
[[ -e $WROTE ]] || fail 'the chain ends with a link that was stopped'
export REFUSED=8
! chain 3 train.pbs || fail 'a chain that was cut'
grep -q 'qsub refused link 2 of 3' "$work/chain.log" || fail "$(cat "$work/chain.log")"
! chain 2 train.pbs -v X=1 && grep -q 'needs -v and -W' "$work/chain.log" || fail "$(cat "$work/chain.log")"
