# SPDX-License-Identifier: MIT
"""`dcpg status`: a run that trains, was killed, was stopped, has finished, has failed; foreign locks; what it does not touch."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import DCPG, refusal, run, start  # noqa: E402  (first: it moves to a folder of its own)

run(1, "simulate", "--out_dir", "sim", "--nb_cell", 2, "--nb_chromo", 2, "--chromo_len", 20000, "--seed", 1)
profiles = sorted(f"sim/cpg/{name}" for name in os.listdir("sim/cpg") if name.endswith(".tsv.gz"))
run(1, "data", "--cpg_profiles", *profiles, "--dna_files", "sim/dna", "--out_file", "store.h5")
TRAIN = ["train", "store.h5", "--dna_model", "conv[2@3]_fc[2]", "--dna_wlen", "11", "--train_chromos", "1", "--val_chromos", "2", "--batch_size", "64", "--early_stopping", "0", "--out_dir"]
faults = []


def status(code, *patterns, folder="run"):
    """Checks exit code and lines; the folder must look afterwards as before."""
    done = start(1, ["status", folder])
    lines = done.stdout.splitlines()
    if done.returncode != code or len(lines) > 11 or not all(any(line.startswith(pattern) for line in lines) for pattern in patterns):
        faults.append(f"exit code {done.returncode} where {code} and {patterns} should be:\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_for(path):
    end = time.time() + 60
    while not os.path.exists(path) and time.time() < end:
        time.sleep(0.01)


def begin(folder, *words):
    return subprocess.Popen([DCPG, *TRAIN, folder, "--nb_epoch", "100000", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def newest(folder):
    return sorted(os.listdir(f"{folder}/checkpoints"))


# ---- running, then killed ----
process = begin("run")
wait_for("run/checkpoints/checkpoint-0003-00000000.h5")
text = status(10, "state       running", f"written by  process {process.pid} on host ", "epoch ", "loss        training ", "speed ", "time left   about", "checkpoint  checkpoints/checkpoint-")
assert " of 100000, step " in text, text
assert process.poll() is None
process.kill()
process.wait()
before = {name: os.stat(f"run/{name}").st_mtime_ns for name in os.listdir("run")}
status(12, "state       dead: it was killed; --resume continues", f"written by  process {process.pid} on host ")
assert before == {name: os.stat(f"run/{name}").st_mtime_ns for name in os.listdir("run")}, "status has changed the folder"

# ---- a lock of another host, with and without a sign of life ----
lock = open("run/.dcpg-lock").read().splitlines()
with open("run/.dcpg-lock", "w") as file:
    file.write("\n".join("host elsewhere.12345678" if line.startswith("host") else line for line in lock) + "\n")
status(10, "state       running", f"written by  process {process.pid} on host elsewhere since")
os.utime("run/.dcpg-lock", (time.time() - 4000,) * 2)
text = status(12, "state       dead")
assert "last sign of life 1:06:4" in text, text

# ---- stopped by a signal, continued to its end ----
process = begin("stopped")
wait_for("stopped/checkpoints/checkpoint-0002-00000000.h5")
process.send_signal(signal.SIGTERM)
assert process.wait() == 85
status(11, "state       stopped, everything is saved: dcpg train --resume stopped continues", folder="stopped")
epochs = int(newest("stopped")[-1].split("-")[1]) + 1
run(1, "train", "--resume", "stopped", "--nb_epoch", epochs)
text = status(0, "state       finished", f"epoch       {epochs} of {epochs}, step ", folder="stopped")
assert "time left" not in text and "written by" not in text, text

# ---- without a model; no run at all ----
os.remove("stopped/model.h5")
status(13, "state       failed: it ended without a model; --resume continues", folder="stopped")
faults.append(refusal("sim: holds no model.json and metrics.jsonl", 1, "status", "sim"))
faults.append(refusal("give one model directory", 1, "status"))
print("\n".join(filter(None, faults)))
sys.exit(any(faults))
