# shellcheck shell=bash
# shellcheck disable=SC2154,SC2119,SC2120 # variables of test_cases.sh; functions that need no arguments
# Processes and signals, Keras and DeepCpG files, training, evaluation and export.

store() { # [FILE...]: s.h5 of the three cells, made once, or of these files
    if [[ $# != 0 ]]; then
        quietly "$dcpg" data --cpg_profiles "$@" --dna_files "$G" --out_file s.h5
        return
    fi
    [[ -e $in/s.h5 ]] || quietly "$dcpg" data --cpg_profiles "${cells[@]}" --dna_files "$G" --out_file "$in/s.h5"
    cp "$in/s.h5" .
}
model() { # trained on it, once
    [[ -e $in/model/model.json ]] || quietly "$dcpg" train "$in/s.h5" --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir "$in/model"
    cp -r "$in/model" .
}
# in the background only: the program itself is $!
training() { exec "$dcpg" train s.h5 --cpg_model RnnL1 --cpg_wlen 10 --batch_size 2 --nb_epoch 500 --early_stopping 0 --checkpoint_minutes 0 --out_dir "$@"; }
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
        [[ $code == 0 ]] || fail "$around $1: exit code $code: $(tail -n 1 said)"
        says_not 'SLURM|this process is alone|first does the work'
    done
}
case_M1_help() { alone --help && alone --version; }
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
case_M2_pmi() { store && foreign PMI_SIZE=4 PMI_RANK=0 -- train s.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir model; }

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
sys.exit(p.wait() % 256)' "$dcpg" train s.h5 --cpg_model RnnL1 --cpg_wlen 10 --batch_size 2 --nb_epoch 500 --early_stopping 0 --checkpoint_minutes 0 --out_dir model || code=$?
    [[ ${code-0} == 85 ]] || fail "INT: exit code ${code-0}, not 85: $(tail -n 1 log)"
}

# --- M6: two into one place

# --- K1, K2, K4
case_K2_kinds() {
    printf 'PK\x03\x04\x14\0\0\0' >model.keras
    try "$dcpg" models model.keras
    refused_with 'keras'
    printf 'PK\x03\x04\x14\0\0\0' >model.pt
    try "$dcpg" models model.pt
    refused_with 'torch|\.pt'
}
deepcpg_files() { quietly "$dcpg" data --cpg_profiles "${cells[@]}" --dna_files "$G" --out_dir files --dna_wlen 41 --cpg_wlen 4 && "$dcpg" stats files/*.h5 >before 2>/dev/null; }
case_K4_text() {
    needs_python
    deepcpg_files
    python -c 'import glob, h5py
for f in glob.glob("files/*.h5"):
    with h5py.File(f, "r+") as h:
        c = [x.decode() for x in h["chromo"][:]]
        del h["chromo"]
        h.create_dataset("chromo", data=c, dtype=h5py.string_dtype())'
    "$dcpg" stats files/*.h5 >after 2>said || { code=2 && refused_with 'chromo' && return; }
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

# --- training
case_T1_apart() { store && try "$dcpg" train s.h5 --train_chromos 1 --val_chromos 2 "${small[@]}" --out_dir model && ends 0 && says_not 'both'; }
other_cells() { # NAMES for a, b, c
    local n i=0
    mkdir other
    for n; do cp "${cells[i++]}" other/"$n".tsv; done
    quietly "$dcpg" data --cpg_profiles other/*.tsv --dna_files "$G" --out_file o.h5
    try "$dcpg" eval o.h5 --model_files model --out_data e.h5
    [[ $code == 0 ]] || { refused_with '\ba\b|3 cells' && return; }
    says 'warning.*trained|trained on'
}
case_T2_fewer() { store && model && other_cells a b; }
case_T2_same() { store && model && try "$dcpg" eval s.h5 --model_files model --out_data e.h5 && ends 0 && says_not warning; }
