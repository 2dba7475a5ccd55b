#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests dcpg models: the zoo with the reference's parameter counts, the layers of any model,
# and clear refusals.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$work"

"$dcpg" models >list
counts='CnnL1h128 4052736 CnnL1h256 8099712 CnnL2h128 4102144 CnnL2h256 8099968 CnnL3h128 4430336
    CnnL3h256 8362624 CnnRnn01 1023360
    ResNet01 1752192 ResNet02 1995456 ResConv01 2820352 ResAtrous01 1994944
    FcAvg 51712 RnnL1 813824 RnnL2 1109504
    JointL0 0 JointL1h512 328192 JointL2h512 590848 JointL3h512 853504'
diff <(awk 'NR > 1 && NF > 2 && $3 ~ /^[0-9]+$/ { print $1, $3 }' list) <(xargs -n 2 <<<"$counts") ||
    fail 'names and parameter counts'
# Every specification builds the same model as its name.
while read -r name part _ spec; do
    case $part in
    DNA) pair=("$name" "$spec") ;;
    CpG) pair=("--cpg_model=$name" "--cpg_model=$spec") ;;
    joint) pair=("--joint_model=$name" "--joint_model=${spec/(concatenates only)/}") ;;
    esac
    others=()
    [[ $part == joint ]] && others=(CnnL1h128 FcAvg)
    for i in 0 1; do "$dcpg" models "${others[@]}" "${pair[i]}" --dna_wlen 201 --cells 3 >"same$i"; done
    same same0 same1
done < <(sed -n '2,/^$/{/./p}' list)

"$dcpg" models resnet01 rnnl1 jointl1h512 --dna_wlen 101 --cpg_wlen 10 --cells 4 --nb_output 3 >one
grep -qE '^dna/bn1 +batch norm +91 x 128 +512 ' one ||
    fail "no batch norm of 91 x 128 with 4 x 128 parameters: $(cat one)"
grep -qE '^cpg/bidirectional_1 +two-way gru 256 +512 +787968 ' one || fail 'the GRU'
grep -qE '^cpg/cell3 +fc 1 sigmoid +1 +513 ' one || fail 'the third head'
awk '$1 == "parameters:" { ok = $2 == substr($3, 2) + $5 && $5 > 0 }
    NR > 1 && $1 ~ /^(dna|cpg|joint)/ { for (i = NF; i > 0; i--) if ($i ~ /^[0-9]+$/) { sum += $i; break } }
    $1 == "parameters:" && $2 != sum { ok = 0 } END { exit !ok }' one || fail 'the sums of parameters'
grep -qE '^multiply-adds per site: [1-9]' one &&
    grep -qE '^activation memory per site in training: [1-9][0-9]* bytes' one || fail 'work and memory'

refused 'too short.*shortest that works is 51' "$dcpg" models CnnL3h128 --dna_wlen 49
refused 'column 13: expected a layer.*for example' "$dcpg" models 'conv[64@15]_bad'
refused 'column 14: expected a pool size, for example mp\[4\]' "$dcpg" models 'conv[8@3]_mp['
on 1 "$dcpg" models CnnL3h128 --dna_wlen 51
refused "'Foo' is no model" "$dcpg" models Foo
refused 'both CpG models' "$dcpg" models RnnL1 FcAvg
refused 'joins a DNA and a CpG model' "$dcpg" models JointL1h512
refused 'no model here' "$dcpg" models .
if [[ -d $shared/oracle/keras1 ]]; then
    on 3 "$dcpg" models "$shared/oracle/keras1/cnn/model.json" "$shared/oracle/keras1/cnn/weights.h5"
    grep -qE '^dna/convolution1d_1 +conv 128@11' last.log || fail "layers of a file: $(cat last.log)"
fi
echo ok
