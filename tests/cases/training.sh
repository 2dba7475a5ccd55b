# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2119,SC2120 # variables of test_cases.sh; functions that need no arguments
# Processes and signals, Keras and DeepCpG files, training, evaluation and export.

store() { # [FILE...]: s.h5 of the three cells, made once, or of these files
    if [[ $# != 0 ]]; then
        quietly "$dcpg" data --cpg_profiles "$@" --dna_files "$G" --out_file s.h5
        return
    fi
    [[ -e $in/s.h5 ]] ||
        quietly "$dcpg" data --cpg_profiles "${cells[@]}" --dna_files "$G" --out_file "$in/s.h5"
    cp "$in/s.h5" .
}
model() { # trained on it, once
    [[ -e $in/model/model.json ]] ||
        quietly "$dcpg" train "$in/s.h5" --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir "$in/model"
    cp -r "$in/model" .
}
# in the background only: the program itself is $!
training() {
    exec "$dcpg" train s.h5 --cpg_model RnnL1 --cpg_wlen 10 --batch_size 2 --nb_epoch 500 --early_stopping 0 \
        --checkpoint_minutes 0 --out_dir "$@"
}
python() { "${PYTHON3:-python3}" "$@"; }
needs_python() { python -c 'import h5py, numpy' 2>/dev/null || exit 0; }
# until_trained LOG: until a step was made.
until_trained() {
    local i
    for ((i = 0; i < 300; i++)); do
        if grep -q '^epoch 1/' "$1" 2>/dev/null; then return; fi
        sleep 0.1
    done
    fail "no step within 30 s: $(tail -n 1 "$1")"
}

# --- M1, M2: how many processes there are
alone() { # WORDS...: works without a word about ranks in the surroundings of each scheduler
    for around in SLURM_NTASKS=8 PMI_SIZE=8 OMPI_COMM_WORLD_SIZE=8; do
        try env SLURM_JOB_ID=1 $around "$dcpg" "$@"
        [[ $code == 0 ]] || fail "$around $1: exit code $code: $(tail -n 1 printed)"
        never_says 'SLURM|this process is alone|first does the work'
    done
}
case_M1_help() { alone --help && alone --version; }
case_M1_train_help() {
    alone stats --help && try env SLURM_JOB_ID=1 SLURM_NTASKS=8 "$dcpg" train --help && ends 0
}
case_M1_models() { alone models; }
case_M1_show() { store && alone show s.h5 --outputs cpg/a; }
case_M1_stats() { store && alone stats s.h5; }
case_M1_train() {
    store
    try env SLURM_JOB_ID=1 SLURM_NTASKS=8 "$dcpg" train s.h5 --train_chromos 1 "${small[@]}" --out_dir model
    refused_with 'SLURM_NTASKS'
    [[ ! -e model/model.h5 ]] || fail 'trained alone'
}
foreign() { # VARIABLES... -- COMMAND...
    local around=()
    while [[ $1 != -- ]]; do around+=("$1") && shift; done
    try env "${around[@]}" "$dcpg" "${@:2}"
    refused_with "${around[0]%%=*}"
}
case_M2_train() {
    store && foreign OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=1 -- train s.h5 --train_chromos 1 \
        --val_chromos 2 "${small[@]}" --out_dir model && [[ ! -e model ]]
}
case_M2_eval() {
    store && model && foreign OMPI_COMM_WORLD_SIZE=4 SLURM_NTASKS=4 -- \
        eval s.h5 --model_files model --out_data e.h5
}
case_M2_pmi() {
    store && foreign PMI_SIZE=4 PMI_RANK=0 -- train s.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" \
        --out_dir model
}
case_M2_data() {
    foreign OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 -- data --cpg_profiles "${cells[@]}" \
        --dna_files "$G" --out_file s.h5
}

# --- M3: signals
stopped_by() {
    store
    training model >log 2>&1 &
    until_trained log
    kill -"$1" $!
    code=0
    wait $! || code=$?
    [[ $code == 85 ]] || fail "$1: exit code $code, not 85: $(tail -n 1 log)"
    compgen -G 'model/checkpoints/checkpoint-*.h5' >/dev/null || fail "$1: no checkpoint"
}
case_M3_TERM() { stopped_by TERM; }
case_M3_HUP() { stopped_by HUP; }
case_M3_XCPU() { stopped_by XCPU; }
case_M3_USR2() { stopped_by USR2; }
case_M3_INT() { # a shell that runs things in the background has them ignore INT
    store
    # shellcheck disable=SC2016
    python -c 'import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
p = subprocess.Popen(sys.argv[1:], stdout=open("log", "w"), stderr=subprocess.STDOUT)
for i in range(300):
    if "epoch 1/" in open("log").read(): break
    time.sleep(0.1)
p.send_signal(signal.SIGINT)
sys.exit(p.wait() % 256)' "$dcpg" train s.h5 --cpg_model RnnL1 --cpg_wlen 10 --batch_size 2 --nb_epoch 500 \
    --early_stopping 0 --checkpoint_minutes 0 --out_dir model || code=$?
    [[ ${code-0} == 85 ]] || fail "INT: exit code ${code-0}, not 85: $(tail -n 1 log)"
}

# --- M6: two into one place
case_M6_train() {
    store
    training model --seed 1 >log 2>&1 &
    local first=$!
    until_trained log
    try "$dcpg" train s.h5 "${small[@]}" --out_dir model
    kill -TERM $first
    local second=$code
    wait $first || true
    code=$second
    refused_with 'model.*(written|used|lock).*process|process.*host'
}

# --- K1, K2, K4
case_K1_string() {
    needs_python
    store && model
    python -c 'import json; t = open("model/model.json").read(); json.dump(t, open("twice.json", "w"))'
    try "$dcpg" eval s.h5 --model_files twice.json model/model_weights_val.h5 --out_data e.h5
    if [[ $code != 0 ]]; then refused_with 'string.*json|json.*string'; fi
}
# What Keras 3 writes for the same layers: batch_shape, policies in place of types, calls as arguments.
case_K2_batch_shape() {
    needs_python
    store && model
    quietly "$dcpg" eval s.h5 --model_files model --out_data e2.h5 --out_report r2.tsv
    python -c 'import json
def walk(x):
    if isinstance(x, dict):
        if "batch_input_shape" in x: x["batch_shape"] = x.pop("batch_input_shape")
        if x.get("dtype") == "float32" and "class_name" not in x:
            x["dtype"] = {"module": "keras", "class_name": "DTypePolicy",
                          "config": {"name": "float32"}, "registered_name": None}
        for v in x.values(): walk(v)
    elif isinstance(x, list):
        for v in x: walk(v)
m = json.load(open("model/model.json"))
for l in m["config"]["layers"]:
    walk(l["config"])
    l["module"], l["registered_name"] = "keras.layers", None
    nodes = []
    for n in l["inbound_nodes"]:
        a = [{"class_name": "__keras_tensor__",
              "config": {"shape": [None, 1], "dtype": "float32", "keras_history": h[:3]}} for h in n]
        nodes.append({"args": [a] if len(a) > 1 else a, "kwargs": {}})
    l["inbound_nodes"] = nodes
m["class_name"], m["module"], m["registered_name"] = "Functional", "keras.src.models.functional", "Functional"
json.dump(m, open("three.json", "w"))'
    try "$dcpg" eval s.h5 --model_files three.json model/model_weights_val.h5 --out_data e.h5 \
        --out_report r3.tsv
    if [[ $code == 0 ]]; then same r2.tsv r3.tsv; else refused_with 'keras 3'; fi
}
# Nobody writes into these: they are never waited for.
case_K2_pipe() {
    store && model
    mkfifo pipe.json pipe.h5
    try timeout 20 "$dcpg" models pipe.json && refused_with 'pipe.json: is a pipe'
    try timeout 20 "$dcpg" eval s.h5 --model_files pipe.json model/model_weights_val.h5 --out_data e.h5 &&
        refused_with 'pipe.json: is a pipe'
    try timeout 20 "$dcpg" eval s.h5 --model_files pipe.h5 --out_data e.h5 && refused_with 'pipe.h5'
    try timeout 20 "$dcpg" eval s.h5 --model_files model/model.json pipe.h5 --out_data e.h5 &&
        refused_with 'pipe.h5'
    rm model/model_data.json && mkfifo model/model_data.json
    try timeout 20 "$dcpg" eval s.h5 --model_files model --out_data e.h5 &&
        refused_with 'model_data.json: is a pipe'
}
case_K2_kinds() {
    printf 'PK\x03\x04\x14\0\0\0' >model.keras
    try "$dcpg" models model.keras
    refused_with 'keras'
    printf 'PK\x03\x04\x14\0\0\0' >model.pt
    try "$dcpg" models model.pt
    refused_with 'torch|\.pt'
}
deepcpg_files() {
    quietly "$dcpg" data --cpg_profiles "${cells[@]}" --dna_files "$G" --out_dir files --dna_wlen 41 \
        --cpg_wlen 4 && "$dcpg" stats files/*.h5 >before 2>/dev/null
}
case_K4_text() {
    needs_python
    deepcpg_files
    python -c 'import glob, h5py
for f in glob.glob("files/*.h5"):
    with h5py.File(f, "r+") as h:
        c = [x.decode() for x in h["chromo"][:]]
        del h["chromo"]
        h.create_dataset("chromo", data=c, dtype=h5py.string_dtype())'
    "$dcpg" stats files/*.h5 >after 2>printed || { code=2 && refused_with 'chromo' && return; }
    same before after
}
case_K4_wide() {
    needs_python
    deepcpg_files
    python -c 'import glob, h5py, numpy
def wide(h):
    for k in list(h):
        if isinstance(h[k], h5py.Group): wide(h[k])
        elif h[k].dtype.kind in "iuf":
            v = h[k][:]
            del h[k]
            h[k] = v.astype("i8" if v.dtype.kind in "iu" else "f8")
for f in glob.glob("files/*.h5"): wide(h5py.File(f, "r+"))'
    "$dcpg" stats files/*.h5 >after 2>/dev/null || fail 'stats'
    same before after
}
case_K4_fixed_unicode() { # a fixed width of UTF-8
    needs_python
    deepcpg_files
    python -c 'import glob, h5py
for f in glob.glob("files/*.h5"):
    with h5py.File(f, "r+") as h:
        c = h["chromo"][:]
        del h["chromo"]
        h["chromo"] = c.astype(h5py.string_dtype("utf-8", 7))'
    "$dcpg" stats files/*.h5 >after 2>/dev/null || fail 'stats'
    same before after
}

# --- training
case_T1_both() {
    store && try "$dcpg" train s.h5 --train_chromos 1 2 --val_chromos 2 "${small[@]}" --out_dir model &&
        ends 0 && says 'warning.*\b2\b.*valid'
}
case_T1_val_alone() {
    store && try "$dcpg" train s.h5 --val_chromos chr2 "${small[@]}" --out_dir model && ends 0 && {
        ! grep -q 'training on 9[0-9] ' printed || says 'warning.*\b2\b.*valid'
    }
}
case_T1_apart() {
    store && try "$dcpg" train s.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir model &&
        ends 0 && never_says 'both'
}
other_cells() { # NAMES for a, b, c
    local n i=0
    mkdir other
    for n; do cp "${cells[i++]}" other/"$n".tsv; done
    quietly "$dcpg" data --cpg_profiles other/*.tsv --dna_files "$G" --out_file o.h5
    try "$dcpg" eval o.h5 --model_files model --out_data e.h5
    [[ $code == 0 ]] || { refused_with '\ba\b|3 cells' && return; }
    says 'warning.*trained|trained on'
}
case_T2_renamed() { store && model && other_cells x b c; }
case_T2_others() { store && model && other_cells d e f; }
case_T2_fewer() { store && model && other_cells a b; }
case_T2_same() {
    store && model && try "$dcpg" eval s.h5 --model_files model --out_data e.h5 && ends 0 &&
        never_says warning
}
case_T3_export() {
    mkdir cells
    cp "${cells[@]}" cells
    cd cells || return
    for c in a b c; do awk -v OFS='\t' '{ print $1, $2 - 1, $2, $3 }' $c.tsv | gzip >$c.bedGraph.gz; done
    rm ./*.tsv
    sha1sum ./*.gz >../before
    store ./*.bedGraph.gz
    quietly "$dcpg" train s.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir model
    quietly "$dcpg" eval s.h5 --model_files model --out_data e.h5
    try "$dcpg" export e.h5
    sha1sum --quiet -c ../before || fail 'export has written over the profiles'
    try "$dcpg" export e.h5 --out_dir .
    sha1sum --quiet -c ../before || fail 'export --out_dir . has written over the profiles'
    refused_with '\.bedGraph\.gz.*--force'
}
case_T5_no_label() {
    printf 'chr2\t21\t1\nchr2\t41\t0\n' >n.tsv
    store "${cells[@]}" n.tsv
    try "$dcpg" train s.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir model
    ends 0
    says 'warning.*(cpg/)?\bn\b'
}
case_T7_exact() {
    cp "${cells[0]}" cell_1.tsv && cp "${cells[1]}" cell_10.tsv && cp "${cells[2]}" cell_2.tsv
    store cell_*.tsv
    [[ $("$dcpg" stats s.h5 --output_names cpg/cell_1 2>/dev/null | grep -o 'cpg/[^ ]*' | paste -sd ' ') == \
        cpg/cell_1 ]] || fail 'cpg/cell_1 takes others, too'
    [[ $("$dcpg" stats s.h5 --output_names 'cpg/cell_1.*' 2>/dev/null | grep -c 'cpg/') == 2 ]] ||
        fail 'cpg/cell_1.* takes not two'
    try "$dcpg" train s.h5 --train_chromos 1 --output_names cpg/cell_1 "${small[@]}" --out_dir model
    ends 0
    [[ $(head -n 1 model/lc_train.tsv | grep -o 'cell_[0-9]*_loss' | paste -sd ' ') == cell_1_loss ||
        $(grep -c cell_10 model/lc_train.tsv) == 0 ]] || fail 'trained cell_10, too'
}
case_T7_plus() {
    cp "${cells[0]}" 'E4+A1.tsv' && cp "${cells[1]}" 'E4(B).tsv'
    store 'E4+A1.tsv' 'E4(B).tsv'
    for name in 'E4+A1' 'E4(B)'; do
        [[ $("$dcpg" stats s.h5 --output_names "cpg/$name" 2>/dev/null | grep -oF "cpg/$name") == \
            "cpg/$name" ]] || fail "cpg/$name is not found"
    done
}
case_T8_other_values() {
    store
    training model >log 2>&1 &
    until_trained log
    kill -TERM $!
    wait $! || true
    mkdir turned
    for c in a b c; do # each value moves on by a site; the numbers of labels stay
        awk -v OFS='\t' '$1 != b { if (n) print b, p, first; first = $3; b = $1; p = $2; n = 1; next }
            { print b, p, $3; p = $2 } END { print b, p, first }' "$in/cells/$c.tsv" >turned/$c.tsv
    done
    store turned/*.tsv
    try timeout --preserve-status -s TERM 5 "$dcpg" train --resume model
    refused_with 's\.h5|store|data'
    store
    mv s.h5 moved.h5
    try timeout --preserve-status -s TERM 5 "$dcpg" train --resume model
    refused_with 's\.h5.*(name|moved|where)|--resume'
}
