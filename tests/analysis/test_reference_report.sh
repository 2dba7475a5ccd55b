#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A model that the reference program trained, evaluated on the same sites: its report, on 1,
# 2 and 3 ranks with the same bits.
source "$(dirname "${BASH_SOURCE[0]}")/../cmd/lib.sh"
[[ -e $shared/oracle/deepcpg_run/report.tsv && -d $shared/data/sim20 ]] ||
    skip 'the shared folder is not there'
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$work"

quietly "$dcpg" data --cpg_profiles "$shared"/data/sim20/cpg/*.tsv.gz --dna_files "$shared/data/sim20/dna" \
    --out_file s.h5
for n in 1 2 3; do
    on $n "$dcpg" eval s.h5 --chromos 3 --model_files "$shared/oracle/deepcpg_run" --out_data "e$n.h5" \
        --out_report "r$n.tsv"
    grep -qE '^eval: [0-9.]+ samples/s$' last.log || fail "no speed at the end on $n ranks"
    same r1.tsv "r$n.tsv"
    on $n "$dcpg" export "e$n.h5" --out_dir "x$n" --output_names cell0
    diff -r x1 "x$n" || fail "exports of 1 and $n ranks differ"
done
# The rows of the reference, without ours.
grep -vP '^(auprc|brier|log_loss)\t|\t(mean|pooled)\t' r1.tsv >reference_rows.tsv
paste "$shared/oracle/deepcpg_run/report.tsv" reference_rows.tsv | awk -F '\t' '
    NR > 1 { d = $3 - $6; if ($1 != $4 || $2 != $5 || d > 1e-5 || d < -1e-5) { print "differs: " $0; bad = 1 }
        }
    END { exit bad || NR != 141 }' || fail 'the report is not that of the reference'

# All rows, from the data file.
"$PYTHON3" "$here/check_report.py" e1.h5 r1.tsv || fail 'the report is not that of scikit-learn'

refused 'model\.json' "$dcpg" eval s.h5 --model_files "$work"
refused 'model_files' "$dcpg" eval s.h5
refused 'neighbours of 20 cells, but 7 are chosen of 20' "$dcpg" eval s.h5 \
    --model_files "$shared/oracle/deepcpg_run" --replicate_names 'cell0[1-7]$'
refused 'chromosome' "$dcpg" eval s.h5 --model_files "$shared/oracle/deepcpg_run" --chromos 7
refused 'nowhere' "$dcpg" eval s.h5 --model_files "$shared/oracle/deepcpg_run" --chromos 3 --nb_sample 100 \
    --out_data nowhere/e.h5
"$dcpg" data --cpg_profiles "$shared"/data/sim20/cpg/*cell0[135].tsv.gz --out_file nodna.h5 >/dev/null 2>&1
refused 'DNA' "$dcpg" eval nodna.h5 --model_files "$shared/oracle/deepcpg/cnnl2h128/model.json" \
    "$shared/oracle/deepcpg/cnnl2h128/weights0.h5"
head -c 3000 e1.h5 >cut.h5
refused 'cut.h5' "$dcpg" export cut.h5 --out_dir y
refused 'bed' "$dcpg" export e1.h5 --out_format bed
touch file
refused 'file' "$dcpg" export e1.h5 --out_dir file/x
[[ -z $(find . -name '*tmp*') ]] || fail "temporary files are left: $(find . -name '*tmp*')"
echo ok
