#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the options for large batches: every step of real runs against LAMB, warm-up, scaling and clipping as written in
NumPy from their formulas; the same bits on any ranks and threads, with and without --shard_optimizer, and after stops;
what is refused."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import h5py, np, refusal, run, start  # noqa: E402

FILES = ("model.h5", "model_weights_train.h5", "model_weights_val.h5", "lc_train.tsv", "lc_val.tsv")
os.environ["OMPI_MCA_odls_base_sigkill_timeout"] = "0"  # mpirun ends the other ranks at once
BETA1, BETA2 = float(np.float32(0.9)), float(np.float32(0.999))


def fail(text):
    sys.exit("FAILED: " + text)


def same(a, b):
    for name in FILES:
        if open(f"{a}/{name}", "rb").read() != open(f"{b}/{name}", "rb").read():
            fail(f"{a}/{name} and {b}/{name} differ")


run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 2, "--chromo_len", 40000, "--nb_cell", 3, "--seed", 3)
profiles = [f"sim/cpg/{name}" for name in sorted(os.listdir("sim/cpg"))]
run(1, "data", "--cpg_profiles", *profiles, "--dna_files", "sim/dna", "--out_file", "s.h5")
COMMON = ["s.h5", "--train_chromos", 1, "--val_chromos", 2, "--batch_size", 32, "--nb_train_sample", 160, "--nb_val_sample", 60, "--nb_epoch", 2,
          "--early_stopping", 0, "--virtual_ranks", 4]
STEPS = 5  # an epoch
# A convolution, batch normalisation, dense layers and heads; and a GRU.
CNN = ["--dna_model", "conv[8@11]_bn_relu_mp[4]_fc[8]_do", "--dna_wlen", 101]
RNN = ["--cpg_model", "fc[8]_bgru[8]_do", "--cpg_wlen", 8]
LAMB = ["--optimizer", "lamb", "--learning_rate", 0.02, "--lr_scaling", "sqrt", "--lr_base_batch", 8, "--warmup_epochs", 1.3, "--clip_norm", 0.7]


# ---- the twin ----

def arrays(model, group):
    """(name, shape) of the weights of model.h5 in the order of a checkpoint: layer by layer; without moving statistics for moments."""
    with h5py.File(f"{model}/model.h5", "r") as f:
        f = f["model_weights"] if "model_weights" in f else f
        for layer in f.attrs["layer_names"]:
            for name in f[layer].attrs["weight_names"]:
                if group == "weights" or b"moving_" not in name:
                    yield name.decode(), f[layer][name].shape


def state(model, step):
    """Weights, m and v after `step` steps, as {name: array in double precision}."""
    epoch, rest = divmod(step, STEPS)
    with h5py.File(f"{model}/checkpoints/checkpoint-{epoch:04d}-{rest:08d}.h5", "r") as f:
        found = []
        for path in ("weights/now", "adam/m", "adam/v"):
            plain, at, values = f[path][()].astype(float), 0, {}
            for name, shape in arrays(model, path.split("/")[0]):
                count = int(np.prod(shape))
                values[name] = plain[at:at + count].reshape(shape)
                at += count
            if at != len(plain):
                fail(f"{path} of {model} has {len(plain)} values, its arrays {at}")
            found.append(values)
    return found


def expect(weights, m, v, t, rate, lamb, decay):
    """The weights after step t (from 1) from those before it and the moments after it."""
    out = {}
    for name, w in weights.items():
        if name not in m:
            continue
        if not lamb:
            out[name] = w - rate * np.sqrt(1 - BETA2**t) / (1 - BETA1**t) * m[name] / (np.sqrt(v[name]) + 1e-7)
            continue
        matrix = w.ndim >= 2
        u = m[name] / (1 - BETA1**t) / (np.sqrt(v[name] / (1 - BETA2**t)) + 1e-6) + (decay * w if matrix else 0)
        norms = np.linalg.norm(w.ravel()), np.linalg.norm(u.ravel())
        out[name] = w - rate * (norms[0] / norms[1] if matrix and min(norms) > 0 else 1) * u
    return out


def check_run(model, lamb, rate, decay=0.0, clip=None):
    """Every step of a run with a checkpoint after each. rate(step, epoch): the learning rate."""
    zero = {name: 0 for name, _ in arrays(model, "moments")}
    m, v, clipped = zero, zero, 0
    for t in range(2, 2 * STEPS + 1):
        before, m_before, v_before = state(model, t - 1)
        after, m, v = state(model, t)
        want = expect(before, m, v, t, rate(t - 1, (t - 1) // STEPS), lamb, decay)
        if "moving" in " ".join(want):
            fail("moving statistics have moments")
        for name, w in want.items():
            error, moved = np.abs(after[name] - w).max(), np.abs(w - before[name]).max()
            if error > 1e-6 * np.abs(w).max() + 1e-4 * moved:
                fail(f"{model}, step {t}, {name}: off by {error}, moved by {moved}")
            g = (m[name] - BETA1 * m_before[name]) / (1 - BETA1)
            square = (v[name] - BETA2 * v_before[name]) / (1 - BETA2)
            if np.abs(g * g - square).max() > 1e-2 * square.max() + 1e-9:
                fail(f"{model}, step {t}, {name}: m and v are not of one gradient")
        norm = np.sqrt(sum((((m[n] - BETA1 * m_before[n]) / (1 - BETA1))**2).sum() for n in m))
        clipped += clip is not None and abs(norm - clip) < 1e-3 * clip
        print(f"{model}, step {t}: gradient of norm {norm:.4f}")
        if clip is not None and norm > clip * 1.001:
            fail(f"{model}, step {t}: a gradient of norm {norm} passes --clip_norm {clip}")
    if clip is not None and clipped == 0:
        fail(f"{model}: no gradient was clipped")


EVERY = ["--checkpoint_steps", 1, "--keep_checkpoints", 100]
for name, words, clip in (("cnn", CNN, 0.7), ("rnn", RNN, 0.08)):
    printed = run(2, "train", *COMMON, *words, *LAMB, "--clip_norm", clip, "--weight_decay", 0.03, *EVERY, "--out_dir", f"twin_{name}")
    check_run(f"twin_{name}", True, lambda step, epoch: 0.02 * 2 * 0.975**epoch * min(1, (step + 1) / 7), 0.03, clip)
    for line in ("learning rate 0.02 x 2 = 0.04 (square root, batch 32 against 8), warm-up of 7 steps", f"optimiser: LAMB, weight decay 0.03, gradients clipped to a norm of {clip}"):
        if line not in printed:
            fail(f"not reported: {line}")
run(1, "train", *COMMON, *CNN, "--lr_scaling", "linear", "--lr_base_batch", 16, "--warmup_steps", 3, "--learning_rate", 0.001, *EVERY, "--out_dir", "twin_adam")
check_run("twin_adam", False, lambda step, epoch: 0.002 * 0.975**epoch * min(1, (step + 1) / 3))
if "warm-up takes 100 steps, the whole run 10:" not in run(1, "train", *COMMON, *RNN, "--warmup_steps", 100, "--out_dir", "short"):
    fail("no warning of a warm-up that is longer than the run")

# ---- ranks, threads and slices ----

KINDS = {"lamb": [*CNN, *LAMB], "clip": [*RNN, "--clip_norm", 0.08, "--learning_rate", 0.003]}
for kind, words in KINDS.items():
    run(1, "train", *COMMON, *words, "--out_dir", f"one_{kind}")
    for ranks, threads, sharded in ((1, 2, 0), (2, 2, 0), (2, 1, 1), (3, 1, 1)):
        os.environ["OMP_NUM_THREADS"] = str(threads)
        run(ranks, "train", *COMMON, *words, *["--shard_optimizer"] * sharded, "--force", "--out_dir", "other")
        same(f"one_{kind}", "other")
    os.environ["OMP_NUM_THREADS"] = "1"
    # Stopped after each of the first steps, on other ranks, with and without slices.
    for step in range(3):
        done = start(1 + step, ["train", *COMMON, *words, "--resume", f"cut_{kind}", "--max_time", 1e-6, f"--shard_optimizer={['false', 'true'][step % 2]}"])
        if done.returncode != 85:
            fail(f"exit code {done.returncode}, not 85: {done.stderr[-1000:]}")
    run(2, "train", "--resume", f"cut_{kind}", "--max_time", 0)
    same(f"one_{kind}", f"cut_{kind}")

# Gradients that travel in bfloat16, and sums in any order.
for ranks, words in ((2, []), (3, ["--shard_optimizer"])):
    run(ranks, "train", *COMMON, *CNN, *LAMB, "--grad_comm", "bf16", *words, "--out_dir", f"half_{ranks}")
same("half_2", "half_3")
run(2, "train", *COMMON, *CNN, *LAMB, "--no_reproducible", "--shard_optimizer", "--out_dir", "any_order")
# Fine-tuning: frozen arrays stay as they are.
run(2, "train", *COMMON, *LAMB, "--model_files", "one_lamb", "--fine_tune", "--out_dir", "fine")
with h5py.File("one_lamb/model.h5", "r") as a, h5py.File("fine/model.h5", "r") as b:
    moved = []
    a["model_weights"].visititems(lambda name, x: moved.append(name) if isinstance(x, h5py.Dataset) and "moving_" not in name and (x[()] != b["model_weights"][name][()]).any() else None)
if not moved or any("cpg/" not in name for name in moved):
    fail(f"--fine_tune moves {moved}")

# ---- refused ----

for pattern, words in (("optimizer sgd: adam or lamb", ["--optimizer", "sgd"]), ("lr_scaling log: none, linear or sqrt", ["--lr_scaling", "log"]),
                       ("weight_decay is for --optimizer lamb", ["--weight_decay", 0.1]), ("choose one of them", ["--warmup_steps", 3, "--warmup_epochs", 1]),
                       ("lr_base_batch", ["--lr_base_batch", 0]), ("clip_norm", ["--clip_norm", -1])):
    wrong = refusal(pattern, 1, "train", *COMMON, *RNN, *words, "--out_dir", "none", absent=("none",))
    if wrong:
        fail(f"{words}: {wrong}")
for words in (["--optimizer", "adam"], ["--lr_scaling", "linear"], ["--lr_base_batch", 16], ["--warmup_epochs", 1], ["--warmup_steps", 2], ["--clip_norm", 1], ["--weight_decay", 0.1]):
    wrong = refusal(words[0] + " decides the result", 1, "train", "--resume", "one_lamb", *words)
    if wrong:
        fail(f"--resume with {words}: {wrong}")
done = start(2, ["train", *COMMON, *RNN, "--optimizer", "lamb", "--learning_rate", 1e9, "--clip_norm", 1, "--shard_optimizer", "--out_dir", "diverged"])
if done.returncode == 0 or "a finite number" not in done.stderr or "--warmup_steps" not in done.stderr:
    fail(f"a run that diverges: {done.returncode}, {done.stderr[-500:]}")
print("ok")
