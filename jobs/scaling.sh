# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A scaling study within one job, with the settings of scaling.sbatch and scaling.pbs.
# Sourced after jobs/lib.sh.
# Strong scaling: the same batches for every number of ranks. Weak scaling: batches that grow with the ranks.
# Speeds are the program's own, of the steps alone: reading the data and writing the model do not count.

# shellcheck disable=SC2154 # the settings: out, store, options, ranks, batch, steps
scaling_study() {
    local table=$out/scaling.tsv most n
    mkdir -p "$out"
    most=$(printf '%s\n' "${ranks[@]}" | sort -n | tail -n 1)
    printf 'study\tnodes\tranks\tthreads\tbatch\tsites_per_s\tefficiency\n' >"$table"
    for n in "${ranks[@]}"; do measure strong "$n" "$batch" "$most"; done
    for n in "${ranks[@]}"; do measure weak "$n" $((batch * n / most)) "$n"; done
    heading "$table"
    cat "$table"
    plot_scaling "$table"
}

# measure STUDY RANKS BATCH VIRTUAL_RANKS: adds a line to the table. Efficiency is speed per rank,
# against the study's first line.
measure() {
    local study=$1 n=$2 sites=$3 virtual=$4 log=$out/$1-$2.log speed
    (launch_on "$n" train "$store" "${options[@]}" --batch_size "$sites" --virtual_ranks "$virtual" \
        --nb_epoch 1 --nb_train_sample $((steps * sites)) --checkpoint_minutes 0 --out_dir "$out/model") \
        >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "training on $n ranks failed, see $log"; }
    rm -rf "${out:?}/model"
    speed=$(sed -nE 's/.*train: ([0-9.]+) samples\/s.*/\1/p' "$log")
    [[ -n $speed ]] || die "$log: no line 'train: N samples/s'"
    awk -F '\t' -v OFS='\t' -v study="$study" -v nodes="$(nodes_of "$n")" -v ranks="$n" \
        -v threads="$threads" -v batch="$sites" -v speed="$speed" '
        $1 == study && !base { base = $6 / $3 }
        END { print study, nodes, ranks, threads, batch, speed, sprintf("%.3f",
            base ? speed / ranks / base : 1) >>FILENAME }' "$table"
    tail -n 1 "$table"
}

# A picture beside the table, where gnuplot is at hand.
plot_scaling() {
    command -v gnuplot >/dev/null || return 0
    local picture=${1%.tsv}.svg
    gnuplot <<END
set terminal svg size 640,480
set output '$picture'
set logscale xy 2
set xlabel 'ranks'
set ylabel 'sites/s'
set key left top
plot for [study in 'strong weak'] '<grep ^' . study . ' "$1"' using 3:6 with linespoints title study
END
    echo "$picture"
}
