# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154 # programs of awk; variables of test_cases.sh
# Numbers as R and spreadsheets write them, missing values, other compressions, archives,
# empty and damaged files, names, genomes.

tsv() { awk -v OFS='\t' '{ print "chr" $1, $2, $3 }' "$in/states"; }

# --- P13: positions and values as other programs write them
case_P13_exponent() { # 1000 and 400 are what they say
    awk -v OFS='\t' '{ $2 = $2 - 1; print "chr" $1, $2 == 1000 ? "1e+03" : $2 == 400 ? "4e+02" : $2, $2 + 1,
        $3 }' "$in/states" >x.bedGraph
    grep -q e+0 x.bedGraph || fail 'no exponent in the input'
    reads "$in/states" x.bedGraph
}
case_P13_point_zero() {
    tsv | awk -v OFS='\t' '{ $2 = $2 ".0"; print }' >x.tsv &&
        reads_or "$in/states" 'position .*(pandas|whole)' x.tsv
}
case_P13_quotes() {
    tsv | sed -E 's/[^\t]+/"&"/1; s/\t([0-9]+)\t/\t"\1"\t/' >x.tsv && reads_or "$in/states" 'quote' x.tsv
}
case_P13_thousands() {
    tsv | sed -E 's/\t1([0-9]{3})\t/\t1,\1\t/' >x.tsv &&
        reads_or "$in/states" 'thousand|separator|comma' x.tsv
}
case_P13_decimal_comma() {
    tsv | sed -E 's/\t1$/\t1,0/; s/\t0$/\t0,0/' >x.tsv && reads_or "$in/states" 'comma' x.tsv
}
case_P13_rounded() {
    tsv | sed -E '3s/\t[0-9]+\t/\t2.02e+08\t/' >x.tsv
    data s.h5 x.tsv
    refused_with '2\.02e\+08'
}
case_P13_crlf() { tsv | sed 's/$/\r/' >x.tsv && reads "$in/states" x.tsv; }

# --- not observed
for_missing() { # WORD
    tsv | awk -v OFS='\t' -v word="$1" 'NR % 4 == 0 { $3 = word } { print }' >x.tsv
    awk 'NR % 4 != 0' "$in/states" >expect
    reads_or expect "$2" x.tsv
}
case_missing_NA() { for_missing NA 'NA|not observed' && says '[0-9]+'; }
case_missing_nan() { for_missing nan 'nan|not observed'; }
case_missing_minus_one() { for_missing -1 '-1|not observed'; }
case_missing_empty() { for_missing '' 'empty|not observed|column'; }

# --- P17: other kinds of files
kind() { # NAME WORDS
    data s.h5 "$1"
    refused_with "$2"
}
case_P17_bzip2() { printf 'BZh91AY&SY\x11\x22' >x.tsv.bz2 && kind x.tsv.bz2 'bzip2|bzcat'; }
case_P17_xz() { printf '\xfd7zXZ\0\0\x04' >x.tsv.xz && kind x.tsv.xz '\bxz'; }
case_P17_zstd() { printf '\x28\xb5\x2f\xfd\x04\x58' >x.tsv.zst && kind x.tsv.zst 'zstd'; }
case_P17_zip() { printf 'PK\x03\x04\x14\0\0\0' >x.tsv.zip && kind x.tsv.zip 'zip'; }
case_P17_tar() { tsv >y.tsv && tar -cf x.tar y.tsv && kind x.tar 'tar'; }
case_P17_targz() { tsv >y.tsv && tar -czf x.tar.gz y.tsv && kind x.tar.gz 'tar'; }
case_P17_bigbed() { printf '\xeb\xf2\x89\x87\x04\0\0\0' >x.bb && kind x.bb 'bigbed'; }
case_P17_vcf() { printf '##fileformat=VCFv4.1\n#CHROM\tPOS\tID\n' >x.vcf && kind x.vcf 'vcf'; }
case_P17_vcf_gz() {
    printf '##fileformat=VCFv4.1\n#CHROM\tPOS\tID\n' | gzip >x.vcf.gz && kind x.vcf.gz 'vcf'
}
case_P17_bam() { printf 'BAM\x01\0\0\0\0' | gzip >x.bam && kind x.bam 'bam'; }
case_P17_wiggle() {
    printf 'track type=wiggle_0\nvariableStep chrom=chr1\n21 1.0\n' >x.wig && kind x.wig 'wig'
}
case_P17_bismark_reads() {
    printf 'Bismark methylation extractor version v0.24.0\nr1\t+\tchr1\t21\tZ\n' >CpG_OT_x.txt &&
        kind CpG_OT_x.txt 'bismark2bedGraph'
}
# What stands in the place of a number sends people to the columns.
case_P17_other_columns() {
    from '{ print "chr" $1, $2 - 1, $2 - 1, "CpG:" $4, $3 / $4, "+" }' >x.txt # BRAT
    data s.h5 x.txt
    refused_with '--profile_format'
    { printf 'chr\tpos0\tmeth\ttotal\n' && from '{ print "chr" $1, $2 - 1, $3, $4 }'; } >x.tsv
    data s.h5 x.tsv
    refused_with 'pos0.*--profile_format'
    awk '{ printf "\x27chr%s\x27\t\x27%d\x27\t%d\n", $1, $2, $3 }' "$in/states" >x.tsv
    data s.h5 x.tsv
    refused_with 'single quotes'
}
case_P17_npz() { printf 'PK\x03\x04\x14\0\0\0\0\0\0\0a.npy' >x.npz && kind x.npz 'npz|zip|numpy'; }
case_P17_hdf5() { printf '\x89HDF\r\n\x1a\n' >x.h5ad && kind x.h5ad 'hdf5|h5ad'; }
case_P17_wrong_ending() { printf '\x28\xb5\x2f\xfd\x04\x58' >x.tsv.gz && kind x.tsv.gz 'zstd'; }

# --- P18: a file that cannot tell follows the others
fractions() { awk -v OFS='\t' '{ print "chr" $1, $2 - 1, $2, $3 }' "$1"; }
case_P18_one_call() {
    # CGCGCG at 201 in a genome of its own
    awk '/^>/ { c++; n = 0; print; next } { if (c == 1 && ++n == 4) { line = $0;
        print substr(line, 1, 20) "CGCGCG" substr(line, 27) } else print }' "$G" >g.fa
    for f in a b c; do fractions "$in/$f.states" >$f.bedGraph; done
    printf 'chr1\t202\t203\t1\n' >t.bedGraph
    try "$dcpg" data --cpg_profiles {a,b,c,t}.bedGraph --dna_files g.fa --out_file s.h5
    ends 0
    echo '1 203 1' >expect
    holds s.h5 cpg/t expect
}

# --- P20: empty wells
case_P20_empty() {
    : | gzip >e1.tsv.gz
    : >e2.tsv
    echo 'track type=bedGraph' | gzip >e3.bedGraph.gz
    printf 'chr\tpos\tmet_reads\tnonmet_reads\trate\n' >e4.tsv
    printf '\n\n' >e5.cov
    data s.h5 "${cells[@]}" e1.tsv.gz e2.tsv e3.bedGraph.gz e4.tsv e5.cov
    for e in e1 e2 e3 e4 e5; do says "\\b$e\\b"; done
    if [[ $code != 0 ]]; then
        data s.h5 "${cells[@]}" e1.tsv.gz e2.tsv e3.bedGraph.gz e4.tsv e5.cov --allow_empty
    fi
    ends 0
    for cell in a b c; do holds s.h5 cpg/$cell "$in/$cell.states"; done
}
case_P20_all_empty() {
    : >e1.tsv
    data s.h5 e1.tsv
    refused_with e1
}

# --- P21: names
case_P21_dots() {
    cp "${cells[0]}" E4.5_A01.tsv
    cp "${cells[1]}" E4.5_A02.tsv
    data s.h5 E4.5_A01.tsv E4.5_A02.tsv
    if [[ $code == 0 ]]; then holds s.h5 cpg/E4.5_A01 "$in/a.states"; else refused_with 'list'; fi
}
# Two runs of one cell in a list: counts are added.
case_P21_two_runs() {
    from '{ m = int($3 / 2); n = int($4 / 2); if (m > n) m = n;
        if (n) printf "chr%s\t%d\t%d\t%.4f\t%d\t%d\n", $1, $2, $2, 100 * m / n, m, n - m }' >run1.cov
    from '{ m = int($3 / 2); n = int($4 / 2); if (m > n) m = n; m = $3 - m; n = $4 - n;
        if (n && m <= n) printf "chr%s\t%d\t%d\t%.4f\t%d\t%d\n", $1, $2, $2, 100 * m / n, m, n - m }' \
            >run2.cov
    cat run1.cov run2.cov |
        awk '{ k = substr($1, 4) " " $2; m[k] += $5; u[k] += $6 }
            END { for (k in m) if (m[k] != u[k]) print k, (m[k] > u[k]) }' >expect
    printf 'a\trun1.cov\na\trun2.cov\n' >list.tsv
    data s.h5 list.tsv
    if [[ $code == 0 ]]; then holds s.h5 cpg/a expect; else refused_with 'merge'; fi
}

# --- P24: what gzip -dc reads
case_P24_two_members() {
    { tsv | head -n 30 | gzip && tsv | tail -n +31 | gzip; } >x.tsv.gz && reads "$in/states" x.tsv.gz
}
case_P24_zeros() { { tsv | gzip && head -c 1000 /dev/zero; } >x.tsv.gz && reads "$in/states" x.tsv.gz; }
case_P24_garbage() {
    { tsv | gzip && echo 'not gzip at all'; } >x.tsv.gz && reads "$in/states" x.tsv.gz && says 'x.tsv.gz'
}
case_P24_cut() {
    tsv | gzip >y.gz
    head -c $(($(stat -c %s y.gz) / 2)) y.gz >x.tsv.gz
    data s.h5 x.tsv.gz
    ends 2
    says 'x\.tsv\.gz'
}
bgzip_blocks() { # of stdin, without the end marker
    "${PYTHON3:-python3}" -c 'import struct, sys, zlib
data = sys.stdin.buffer.read()
for i in range(0, len(data), 400):
    c = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = c.compress(data[i:i + 400]) + c.flush()
    sys.stdout.buffer.write(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" +
        struct.pack("<H", len(body) + 25) + body
                            + struct.pack("<II", zlib.crc32(data[i:i + 400]), len(data[i:i + 400])))'
}
case_P24_no_end() { tsv | bgzip_blocks >x.tsv.gz && reads "$in/states" x.tsv.gz; }
case_P24_bgzip_and_gzip() {
    { tsv | head -n 30 | bgzip_blocks && tsv | tail -n +31 | gzip; } >x.tsv.gz && reads "$in/states" x.tsv.gz
}
case_P24_gzip_and_bgzip() {
    { tsv | head -n 30 | gzip && tsv | tail -n +31 | bgzip_blocks; } >x.tsv.gz && reads "$in/states" x.tsv.gz
}

# --- genomes
genome() { # FILE [options]: a store of the three cells
    local file=$1
    shift
    try "$dcpg" data --cpg_profiles "${cells[@]}" --dna_files "$file" --out_file s.h5 "$@"
}
all_there() {
    ends 0
    for cell in a b c; do holds s.h5 cpg/$cell "$in/$cell.states"; done
}
case_F1_two_mitochondria() {
    { cat "$G" && printf '>chrM\nACGTT\n>chrMT\nTACGT\n'; } >g.fa && genome g.fa && all_there
}
case_F1_M_and_MT() { { cat "$G" && printf '>M\nACGTT\n>MT\nTACGT\n'; } >g.fa && genome g.fa && all_there; }
case_F1_exact_names() {
    { cat "$G" && printf '>chrM\nAACGTTTT\n>chrMT\nTTTTTACG\n'; } >g.fa
    { tsv && printf 'chrM\t3\t1\n'; } >x.tsv
    { cat "$in/states" && echo 'M 3 1'; } >expect
    try "$dcpg" data --cpg_profiles x.tsv --dna_files g.fa --out_file s.h5
    ends 0
    "$dcpg" show s.h5 --outputs cpg/x --out_tsv t.tsv >/dev/null 2>&1 || fail 'show'
    [[ $(awk '$1 ~ /M/ && $2 == 3 && $3 == 1' t.tsv | wc -l) == 1 ]] ||
        fail "the call on chrM is lost: $(grep M t.tsv)"
}
case_F1_accessions() {
    sed 's/^>chr1/>NC_000001.11 Homo sapiens/; s/^>chr2/>NC_000002.12 Homo sapiens/' "$G" >g.fa
    genome g.fa
    ends 2
    says 'NC_00000[12]\.1[12]'
}
case_F2_garbage_behind_gzip() {
    { gzip -c "$G" && printf 'RAZF index'; } >g.fa.gz && genome g.fa.gz && all_there
}
case_F2_two_members() {
    { head -n 10 "$G" | gzip && tail -n +11 "$G" | gzip; } >g.fa.gz && genome g.fa.gz && all_there
}
case_F5_joined() {
    awk '/^>chr2/ { printf ">chr2\n"; next } { printf "%s%s", $0, (NR == 22 ? "" : "\n") }' "$G" >g.fa
    grep -q '[ACGT]>chr2' g.fa || fail 'the input is not joined'
    genome g.fa
    if [[ $code == 0 ]]; then all_there; else refused_with '>chr2|line end'; fi
}
case_F5_cr_only() {
    tr '\n' '\r' <"$G" >g.fa
    genome g.fa
    if [[ $code == 0 ]]; then all_there; else refused_with 'CR|carriage|line end'; fi
}
case_F5_crlf() { sed 's/$/\r/' "$G" >g.fa && genome g.fa && all_there; }
case_F5_lower_case() { sed '/^>/!y/ACGT/acgt/' "$G" >g.fa && genome g.fa && all_there; }
case_F_masked() {
    sed '/^>/!s/[CG]/N/g' "$G" >g.fa
    genome g.fa
    ends 2
    says '\bN\b|mask'
}
case_F7_folder() {
    mkdir g
    printf '\x43\x27\x41\x1a\0\0\0\0' >g/genome.2bit
    genome g
    refused_with '2bit'
}
case_F7_bz2_in_folder() {
    mkdir g
    printf 'BZh91AY&SY' >g/chr1.fa.bz2
    genome g
    refused_with 'bz2|bzip2'
}
case_F7_upper_case() {
    mkdir g
    awk '/^>chr2/ { exit } { print }' "$G" >g/CHR1.FA
    awk '/^>chr2/ { on = 1 } on' "$G" | gzip >g/chr2.FA.GZ
    genome g
    if [[ $code == 0 && $(grep -c 'chr2\.FA\.GZ' printed) == 0 ]]; then
        all_there
    else
        says 'chr2\.FA\.GZ|CHR1\.FA'
    fi
}
case_F7_twice() {
    mkdir g
    awk '/^>chr2/ { exit } { print }' "$G" >g/chr1.fa
    cp "$G" g/entire.fa
    genome g
    if [[ $code == 0 ]]; then all_there; else refused_with 'chr1\.fa.*entire\.fa'; fi
}

# --- sites and labels
case_real_pos_file_0_based() {
    cut -d ' ' -f 1,2 "$in/a.states" | awk -v OFS='\t' '{ print "chr" $1, $2 - 1, $2 }' >sites.bed
    data s.h5 "${cells[@]}" --pos_file sites.bed
    ends 0
    holds s.h5 cpg/a "$in/a.states"
}
case_real_all_sites() {
    data s.h5 "${cells[@]}" --sites all
    ends 0
    says '\b99 sites|98 sites|97 sites'
}
case_real_no_labels() {
    printf 'chr1\t21\n' >sites.tsv
    printf 'chr1\t61\t1\nchr1\t81\t0\n' >x.tsv
    data s.h5 x.tsv --pos_file sites.tsv
    [[ $code != 0 ]] || { try "$dcpg" train s.h5 "${small[@]}" --out_dir model && ends 2; }
}
case_real_one_cell() { data s.h5 "${cells[0]}" && ends 0 && says '\b1 cell\b' && never_says '1 cells'; }
