# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154 # programs of awk; variables of test_cases.sh
# Methylation profiles. Columns are those that the tools' documentation names.

# --- P01: pipes
# zeros first
percent() { from '2 * $3 != $4 { print "chr" $1, $2 - 1, $2, 100 * $3 / $4 }' | sort -t $'\t' -k1,1 -k4,4n; }
case_P01_file() { percent >x.bedGraph && reads "$in/states" x.bedGraph; }
case_P01_pipe_in_list() {
    printf 'x\t/dev/stdin\n' >list.tsv
    code=0
    percent | timeout 60 "$dcpg" data --cpg_profiles list.tsv --dna_files "$G" \
        --out_file s.h5 >printed 2>&1 || code=$?
    if [[ $code == 0 ]]; then holds s.h5 cpg/x "$in/states"; else refused_with 'pipe'; fi
}
case_P01_substitution() {
    data s.h5 <(percent)
    if [[ $code == 0 ]]; then
        holds s.h5 "$("$dcpg" stats s.h5 2>/dev/null | grep -o 'cpg/[^ ]*')" "$in/states"
    else
        refused_with pipe
    fi
}
case_P01_fifo() {
    mkfifo x.tsv
    awk -v OFS='\t' '{ print $1, $2, $3 }' "$in/states" >x.tsv &
    data s.h5 x.tsv
    if [[ $code == 0 ]]; then holds s.h5 cpg/x "$in/states"; else refused_with 'pipe|fifo'; fi
    kill $! 2>/dev/null || true
}
case_P01_pipe_on_two_ranks() {
    try "${MPIRUN:-mpirun}" -n 2 "$dcpg" data --cpg_profiles <(percent) "${cells[0]}" --dna_files "$G" \
        --out_file s.h5
    [[ $code != 0 ]] || return 0
    refused_with pipe
}

# A cell that has the name of a pipe: one warning, which tells how to name it. A list names it itself.
case_P01_name_of_pipe() {
    data s.h5 <(percent) "${cells[0]}"
    ends 0
    says 'warning: the cell is called [0-9]+ after the pipe /dev/fd/[0-9]+.*NAME<TAB>PATH'
    says 'NAME<TAB>PATH, as NAME<TAB>/dev/stdin'
    [[ $(grep -c 'after the pipe' printed) == 1 ]] || fail 'reported more than once'
    data s.h5 <(percent) <(percent)
    says 'warning: the cells are called [0-9]+, [0-9]+ after the pipes /dev/fd/[0-9]+, /dev/fd/[0-9]+: '
    mkfifo y.tsv
    percent >y.tsv &
    data s.h5 y.tsv
    says 'warning: the cell is called y after the pipe y.tsv.*NAME<TAB>y.tsv'
    percent >x.bedGraph
    try "$dcpg" data --cpg_profiles /dev/stdin --dna_files "$G" --out_file s.h5 <x.bedGraph
    says 'warning: the cell is called stdin after the pipe /dev/stdin'
    printf 'x\t/dev/stdin\n' >list.tsv
    try "$dcpg" data --cpg_profiles list.tsv --dna_files "$G" --out_file s.h5 < <(percent)
    ends 0
    never_says 'after the pipe'
    holds s.h5 cpg/x "$in/states"
    data s.h5 "${cells[@]}"
    never_says 'after the pipe'
}

# --- P02: percent and counts
counts() { from '{ print "chr" $1, $2 - 1, $2 + 1, int(100 * $3 / $4 + 0.5), $3, $4 - $3 }'; }
track='track type="bedGraph" description="x merged CpG methylation levels"'
case_P02_merged() { { echo "$track" && counts; } >x_CpG.bedGraph && reads "$in/states" x_CpG.bedGraph; }
case_P02_hundred_first() {
    { echo "$track" && counts | sort -t $'\t' -k4,4nr; } >x_CpG.bedGraph && reads "$in/states" x_CpG.bedGraph
}
case_P02_min_reads() {
    awk '$4 >= 2 && 2 * $3 != $4 { print $1, $2, (2 * $3 > $4) }' "$in/sites" >deep
    { echo "$track" && counts; } >x_CpG.bedGraph && reads deep x_CpG.bedGraph --min_reads 2
}
# Each strand on its own, without --mergeContext: reads of both strands are added.
case_P02_strands() {
    from '{ m = int($3 / 2); n = int($4 / 2)
        if (n - m >= 0 && n > 0) print "chr" $1, $2 - 1, $2, int(100 * m / n + 0.5), m, n - m; else m = n = 0
        print "chr" $1, $2, $2 + 1, int(100 * ($3 - m) / ($4 - n) + 0.5), $3 - m, $4 - n - ($3 - m) }' |
            awk '$5 >= 0 && $6 >= 0' >x.bedGraph
    awk '{ p = $2 % 20 == 0 ? $2 + 1 : $2; k = substr($1, 4) " " p; m[k] += $5; u[k] += $6 }
        END { for (k in m) if (m[k] != u[k]) print k, (m[k] > u[k]) }' x.bedGraph >expect
    reads expect x.bedGraph
}
# Without a genome these may be 0-based intervals as well, unless calls stand on both C and G.
case_P02_no_genome() {
    from '{ printf "chr%s\t%d\t%d\t%.6f\t%d\t%d\n", $1, $2, $2 + 1, 100 * $3 / $4, $3, $4 - $3 }' >x.cov
    try "$dcpg" data --cpg_profiles x.cov --out_file s.h5
    says 'warning: x.cov: .*merge_CpG.*--dna_files'
    data s.h5 x.cov
    never_says merge_CpG
    from '{ for (g = 0; g < 2; g++) printf "chr%s\t%d\t%d\t%.6f\t%d\t%d\n", $1, $2 - 1 + g, $2 + g,
        100 * $3 / $4, $3, $4 - $3 }' >x.cov
    try "$dcpg" data --cpg_profiles x.cov --out_file s.h5
    never_says merge_CpG
}
# Bismark's coverage2cytosine --merge_CpG: 1-based, both bases of the CpG.
case_P02_merged_cov() {
    from '{ printf "chr%s\t%d\t%d\t%.6f\t%d\t%d\n", $1, $2, $2 + 1, 100 * $3 / $4, $3, $4 - $3 }' >x.cov &&
        reads "$in/states" x.cov
}
# MethylDackel --fraction --mergeContext: intervals of 2 bp with fractions.
case_P02_fraction_merged() {
    { echo "$track" && from \
        '2 * $3 != $4 { printf "chr%s\t%d\t%d\t%.6f\n", $1, $2 - 1, $2 + 1, $3 / $4 }'; } >x.bedGraph &&
        reads "$in/states" x.bedGraph
}
# MethylDackel --counts: coverage alone, no methylation.
case_P02_counts_alone() {
    { echo 'track type="bedGraph" description="x CpG coverage"' &&
        from '{ print "chr" $1, $2 - 1, $2, $4 }'; } >x_CpG.bedGraph
    data s.h5 x_CpG.bedGraph
    ends 2
}
# MethylDackel --methylKit.
case_P02_methylkit() {
    { printf 'chrBase\tchr\tbase\tstrand\tcoverage\tfreqC\tfreqT\n' &&
        from '{ printf "chr%s.%d\tchr%s\t%d\tF\t%d\t%.2f\t%.2f\n", $1, $2, $1, $2, $4, 100 * $3 / $4,
            100 - 100 * $3 / $4 }'; } >x.methylKit
    reads_or "$in/states" 'profile_format|methylkit' x.methylKit
}

# --- P04: methylated and total
case_P04_counts() {
    from '{ print "chr" $1, $2, $3, $4 }' >x.txt && reads_or "$in/states" 'total|1:2:3:4c' x.txt
}
case_P04_counts_at_most_two() {
    awk -v OFS='\t' '$4 <= 2 { print "chr" $1, $2, $3, $4 }' "$in/sites" >x.txt
    awk '$4 <= 2 && 2 * $3 != $4 { print $1, $2, (2 * $3 > $4) }' "$in/sites" >expect
    reads_or expect 'total|1:2:3:4c' x.txt
}
case_P04_named() {
    from '{ print "chr" $1, $2, $3, $4 }' >x.txt && reads "$in/states" x.txt --profile_format 1:2:3:4c:tab:0
}
case_P04_dss() {
    { printf 'chr\tpos\tN\tX\n' && from '{ print "chr" $1, $2, $4, $3 }'; } >x.txt && reads "$in/states" x.txt
}
case_P04_meth_total() {
    { printf 'chr\tpos\tmeth\ttotal\n' && from '{ print "chr" $1, $2, $3, $4 }'; } >x.txt &&
        reads "$in/states" x.txt
}
case_P04_m_cov() {
    { printf 'chr\tpos\tM\tCov\n' && from '{ print "chr" $1, $2, $3, $4 }'; } >x.txt &&
        reads_or "$in/states" 'profile_format' x.txt
}
# What a user writes of columns: blanks and capitals do not matter; one column holds one thing;
# fractions called percentages are reported.
case_P04_user_columns() {
    from '{ print "chr" $1, $2, $3, $4 }' >x.txt
    reads "$in/states" x.txt --profile_format 'Chrom=1, pos=2, Meth=3, total=4'
    data s.h5 x.txt --profile_format chrom=1,pos=2,meth=3,total=3
    refused_with 'column 3 cannot hold two things'
    from '{ printf "chr%s\t%d\t%.3f\n", $1, $2, $3 / $4 }' >x.txt
    data s.h5 x.txt --profile_format chrom=1,pos=2,percent=3
    ends 0
    says 'warning: x.txt: none of its percentages is above 1'
    from '{ printf "chr%s\t%d\t%.3f\n", $1, $2, 100 * $3 / $4 }' >x.txt
    data s.h5 x.txt --profile_format chrom=1,pos=2,percent=3
    never_says 'warning'
}
# wgbstools beta2bed: chromosome, start, end, methylated reads, reads.
case_P04_beta2bed() {
    from '{ print "chr" $1, $2 - 1, $2 + 1, $3, $4 }' >x.bed && reads_or "$in/states" 'profile_format' x.bed
}
# CGmapTools and BS-Seeker2: chromosome, nucleotide, position, context, dinucleotide, level, methylated, all.
case_P04_cgmap() {
    from '{ printf "chr%s\tC\t%d\tCG\tCG\t%.2f\t%d\t%d\n", $1, $2, $3 / $4, $3, $4 }' >x.CGmap &&
        reads_or "$in/states" 'profile_format|no known' x.CGmap
}
# BSMAP's methratio.py.
case_P04_methratio() {
    { printf '%s\t' chr pos strand context ratio eff_CT_count C_count CT_count \
        rev_G_count rev_GA_count CI_lower &&
        printf 'CI_upper\n' &&
        from '{ printf "chr%s\t%d\t+\tAACGT\t%.3f\t%.2f\t%d\t%d\t1\t1\t0.1\t0.9\n", $1, $2, $3 / $4, $4, $3,
            $4 }'; } >x.txt
    reads_or "$in/states" 'profile_format' x.txt
}

# dnmtools: the level and all reads after a context;
# not distinguishable from methylated of all reads where each level is 0 or 1.
case_P04_dnmtools() {
    from '{ printf "chr%s\t%d\t+\tCpG\t%.6g\t%d\n", $1, $2 - 1, $3 / $4, $4 }' >x.counts &&
        reads "$in/states" x.counts
}
case_P04_dnmtools_other() {
    from '{ printf "chr%s\t%d\t+\tCpG\t%.6g\t%d\nchr%s\t%d\t+\tCHH\t0.5\t2\nchr%s\t%d\t-\tCpGx\t0.25\t40\n",
        $1, $2 - 1, $3 / $4, $4, $1, $2 + 3, $1, $2 }' >x.counts && reads "$in/states" x.counts
}
case_P04_context_states() {
    from '$3 == 0 || $3 == $4 { printf "chr%s\t%d\t+\tCpG\t%d\t%d\n", $1, $2 - 1, $3 / $4, $4 }' >x.counts
    data s.h5 x.counts
    refused_with '--profile_format chrom=1,start=2,strand=3,context=4,.*fraction=5.* or --profile_format'
}
case_P04_context_reads() {
    from '{ print "chr" $1, $2, "+", "CpG", $3, $4 }' >x.tsv && reads "$in/states" x.tsv
}
# EPP: BED with a ratio in quotes. Read once it is cut in two, as the message says.
case_P04_epp() {
    from '{ printf "chr%s\t%d\t%d\t%s\t%d\t+\n", $1, $2 - 1, $2 + 1, "\x27" $3 "/" $4 "\x27",
        1000 * $3 / $4 }' >x.bed
    data s.h5 x.bed
    refused_with 'ratios .*--profile_format chrom=1,start=2,end=3,meth=4,total=5'
    tr -d \' <x.bed | tr / '\t' >y.bed
    reads "$in/states" y.bed --profile_format chrom=1,start=2,end=3,meth=4,total=5
}

# --- P06: scNMT
scnmt() {
    printf 'chr\tpos\tmet_reads\tnonmet_reads\trate\n' &&
        from '{ print $1, $2, $3, $4 - $3, int(100 * $3 / $4) }'
}
case_P06_reads() { scnmt | gzip >x.tsv.gz && reads "$in/states" x.tsv.gz; }
case_P06_one_read() {
    awk -v OFS='\t' 'BEGIN { print "chr", "pos", "met_reads", "nonmet_reads", "rate" }
        $4 == 1 { print $1, $2, $3, $4 - $3, 100 * $3 / $4 }' "$in/sites" | gzip >x.tsv.gz
    awk '$4 == 1 { print $1, $2, $3 }' "$in/sites" >expect
    reads expect x.tsv.gz
}
case_P06_rate() {
    awk -v OFS='\t' 'BEGIN { print "chr", "pos", "rate" } { print $1, $2, 100 * $3 }' "$in/states" |
        gzip >x.tsv.gz
    reads_or "$in/states" 'percent|rate' x.tsv.gz
}
case_P06_rate_fraction() {
    awk -v OFS='\t' 'BEGIN { print "chr", "pos", "rate" } { print $1, $2, $3 }' "$in/states" >x.tsv
    reads "$in/states" x.tsv
}
case_P06_order() {
    { printf 'rate\tnonmet_reads\tmet_reads\tpos\tchr\n' &&
        from '{ print 100 * $3 / $4, $4 - $3, $3, $2, $1 }'; } >x.tsv
    reads_or "$in/states" 'profile_format|column' x.tsv
}

# --- P08: reports without contexts
report() {
    from '{ m = int($3 / 2); n = int($4 / 2); if (m > n) m = n; print "chr" $1, $2, "+", m, n - m;
        print "chr" $1, $2 + 1, "-", $3 - m, $4 - n - ($3 - m) }' | awk '$5 >= 0'
}
both_strands() {
    awk '{ p = $3 == "-" ? $2 - 1 : $2; k = substr($1, 4) " " p; m[k] += $4; u[k] += $5 }
        END { for (k in m) if (m[k] != u[k]) print k, (m[k] > u[k]) }'
}
case_P08_report() {
    report >x.cpg.txt && both_strands <x.cpg.txt >expect && reads_or expect '1:2:4:5u' x.cpg.txt
}
case_P08_named() {
    report >x.cpg.txt && both_strands <x.cpg.txt >expect &&
        reads expect x.cpg.txt --profile_format 1:2:4:5u:tab:0
}

# --- P11: nanopolish
nanopolish() {
    printf '%s\t' chromosome start end num_motifs_in_group called_sites called_sites_methylated \
        methylated_frequency
    printf 'group_sequence\n'
    from '{ printf "chr%s\t%d\t%d\t1\t%d\t%d\t%.3f\tsplit-group\n", $1, $2 - 1, $2 - 1, $4, $3, $3 / $4 }'
}
case_P11_cell() { nanopolish >x.tsv && reads "$in/states" x.tsv; }
case_P11_bulk() {
    nanopolish >x.tsv
    data s.h5 "${cells[@]}" --bulk_profiles x.tsv
    ends 0
    cat "$in"/[abc].states | cut -d ' ' -f 1,2 | sort -u >sites
    awk 'NR == FNR { s[$1 " " $2]; next } ($1 " " $2) in s' sites "$in/shares" >expect
    holds s.h5 bulk/x expect
}
# megalodon, f5c and others: the same with another name of the third column.
case_P11_cpgs() {
    nanopolish | sed '1s/num_motifs_in_group/num_cpgs_in_group/' >x.tsv && reads "$in/states" x.tsv
}
# pb-CpG-tools: score in percent, haplotype, coverage, estimated counts, discretised score.
case_P11_pb() {
    from '2 * $3 != $4 { printf "chr%s\t%d\t%d\t%.1f\tTotal\t%d\t%d\t%d\t%.1f\n", $1, $2 - 1, $2,
        100 * $3 / $4, $4, $3, $4 - $3, 100 * $3 / $4 }' >x.bed
    reads_or "$in/states" 'profile_format|pb-cpg' x.bed
}
