#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A disk too small for the store gives an error, an interrupted run ends, and neither leaves anything behind.
# Only root can make a small disk.
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
cd "$work"
quietly "$dcpg" simulate --out_dir sim --nb_chromo 2 --chromo_len 300000 --nb_cell 6 --seed 2
quietly "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file s.h5
size=$(stat -c %s s.h5)

[[ $(id -u) == 0 ]] && mkdir small && mount -t tmpfs -o size=64k none small 2>/dev/null ||
    skip 'no small disk can be made here'
trap 'cd /; umount "$work/small"; rm -rf "$work"' EXIT
for kb in 4 64 $((size / 2048)) $((size / 1024 - 8)); do
    mount -o "remount,size=${kb}k" small
    refused 's.h5.*(space|full)' "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna \
        --out_file small/s.h5
    [[ -z $(ls -A small) ]] || fail "with $kb KB something is left: $(ls -A small)"
done
mount -o "remount,size=$((2 * size / 1024 + 64))k" small
on 3 "$dcpg" data --cpg_profiles sim/cpg/*.tsv.gz --dna_files sim/dna --out_file small/s.h5
echo ok
