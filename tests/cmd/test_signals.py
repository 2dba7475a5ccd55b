# SPDX-License-Identifier: MIT
"""Tests signals: whatever ends a command, and whenever, nothing half-written is left; a second signal always ends it; files that SIGKILL left are removed at the next start."""
import glob
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import DCPG, run  # noqa: E402

bad = []
run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 2, "--chromo_len", 1000000, "--nb_cell", 24, "--coverage_min", .4, "--no_cell_truth")
profiles = sorted(glob.glob("sim/cpg/*.tsv.gz"))
data = ["data", "--cpg_profiles", *profiles, "--dna_files", "sim/dna", "--out_file"]
run(1, *data, "s.h5")
run(1, "train", "s.h5", "--cpg_model", "FcAvg", "--cpg_wlen", 4, "--nb_epoch", 1, "--nb_train_sample", 512, "--out_dir", "model")
run(1, "eval", "s.h5", "--model_files", "model", "--out_data", "e.h5")
os.makedirs("out")
commands = {
    "data": [*data, "out/x.h5"],
    "data --out_dir": [*data[:-1], "--out_dir", "out/x", "--dna_wlen", 101, "--cpg_wlen", 10, "--chunk_size", 1000],
    "convert": ["convert", "s.h5", "--out_dir", "out/x", "--dna_wlen", 101, "--cpg_wlen", 10, "--chunk_size", 1000],
    "eval": ["eval", "s.h5", "--model_files", "model", "--out_data", "out/x.h5", "--batch_size", 16],
    "export": ["export", "e.h5", "--out_dir", "out/x"],
    "simulate": ["simulate", "--out_dir", "out/x", "--nb_cell", 40, "--chromo_len", 1000000],
}


def launch(ranks, words, ignored=()):
    """Starts dcpg with some signals ignored, and no others: the test itself may run in the background of a script."""
    def dispose():
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    launcher = [] if ranks == 1 else [os.environ.get("MPIRUN", "mpirun"), "-n", str(ranks)]
    return subprocess.Popen(launcher + [DCPG] + [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=dispose)


def files():
    """All files in `out`, hidden ones too."""
    return [os.path.join(folder, name) for folder, _, names in os.walk("out") for name in names]


def temporary():
    """What a command makes first; an evaluation keeps what is done."""
    return incomplete() + glob.glob("out/x.h5.partial/part-*")


def incomplete():
    return [name for folder, folders, names in os.walk("out") for name in folders + names if "dcpg-tmp" in name and "dcpg-lock" not in name]


def ranks_of(job):
    """Process numbers of the ranks that mpirun started."""
    try:
        with open(f"/proc/{job.pid}/task/{job.pid}/children") as children:
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return []


def wait_for(what, job, seconds=60):
    end = time.time() + seconds
    while not what() and job.poll() is None and time.time() < end:
        time.sleep(.0005)
    return what()


def clear():
    subprocess.run(["rm", "-rf", "out"], check=True)
    os.makedirs("out")


def finish(job, name, codes):
    try:
        printed = job.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        job.kill()
        job.communicate()
        bad.append(f"{name}: does not end")
        return
    if "eval" in name:
        codes = (*codes, 85)
    if job.returncode not in (0, *codes):
        bad.append(f"{name}: exit code {job.returncode}, not one of {codes}: {printed[-300:]}")
    # Complete files of an export may stay: they are valid. So may what is done of an evaluation.
    left = [path for path in files() if "dcpg-" in path or not ("export" in name or ("eval" in name and "x.h5.partial" in path))]
    if job.returncode != 0 and left:
        bad.append(f"{name}: left {left}")


caught = 0
# One rank: the shell sees the signal.
for name, words in commands.items():
    every = ["TERM", "INT", "HUP", "PIPE", "USR1", "USR2", "XCPU"] if name == "data" else ["TERM", "INT" if name != "export" else "PIPE"]
    for which in every:
        clear()
        number = getattr(signal, "SIG" + which)
        job = launch(1, words)
        if wait_for(temporary, job):
            job.send_signal(number)
        finish(job, f"{name} SIG{which}", (-number, 128 + number))
        caught += job.returncode != 0
if caught < 8:
    bad.append(f"only {caught} commands were still at work when the signal came: the test shows nothing")
# What nohup, or the shell of a script for its background jobs, ignores stays ignored: Ctrl-C is meant for other programs.
for name, words in (("data", commands["data"]), ("eval", commands["eval"])):
    clear()
    job = launch(1, words, ignored=(signal.SIGINT, signal.SIGHUP))
    came = wait_for(temporary, job)
    for _ in range(2):
        job.send_signal(signal.SIGINT)
        job.send_signal(signal.SIGHUP)
        time.sleep(.25)
    printed = job.communicate(timeout=60)[1]
    if not came or job.returncode != 0 or not os.path.exists("out/x.h5"):
        bad.append(f"{name} with INT and HUP ignored: exit code {job.returncode}, {printed[-300:]}")
# Several ranks: mpirun ends all.
for ranks, names in ((2, ("data", "eval")), (3, ("convert", "eval", "export"))):
    for name in names:
        clear()
        job = launch(ranks, commands[name])
        wait_for(lambda: len(ranks_of(job)) == ranks and temporary(), job)
        pids = ranks_of(job)
        if len(pids) == ranks and job.poll() is None:
            try:
                os.kill(pids[ranks - 1], signal.SIGTERM)
            except OSError:
                pass
        finish(job, f"{name} on {ranks} ranks", (143, 15, 1))

# Files that SIGKILL left are removed at the next start, and a lock of a process that is gone is taken over with a line in the log.
for name in ("data", "convert", "eval", "export", "simulate"):
    clear()
    job = launch(1, commands[name])
    wait_for(temporary, job)
    job.kill()
    job.communicate()
    killed = job.returncode != 0
    if killed and not temporary():
        bad.append(f"{name}: SIGKILL left nothing that could be swept")
    printed = run(1, *commands[name], *(["--resume"] if name == "eval" else []))
    if temporary() or any("dcpg-" in os.path.basename(path) for path in files()):
        bad.append(f"{name}: not swept: {files()}")
    if killed and name != "simulate" and f"process {job.pid} on host" not in printed:
        bad.append(f"{name}: no line about the lock that was taken over: {printed[-600:]}")

# A second signal ends a command that waits for a file to be read; one that stops it once more is not waited for.
os.mkfifo("genome.fa")
clear()
job = launch(1, ["simulate", "--out_dir", "out/x", "--dna_files", "genome.fa"])
time.sleep(.5)
job.send_signal(signal.SIGTERM)
time.sleep(.5)
job.send_signal(signal.SIGTERM)
job.communicate(timeout=60)
if job.returncode != -signal.SIGTERM:
    bad.append(f"simulate that reads a pipe, SIGTERM twice: exit code {job.returncode}")
run(1, "simulate", "--out_dir", "out/x", "--chromo_len", 20000, "--nb_cell", 2) # removes old temporary files
if temporary():
    bad.append(f"simulate: not swept: {temporary()}")
# Training: saved by the first (sent twice at once, as timeout does), ended at once by a later one.
long = ["train", "s.h5", "--cpg_model", "RnnL1", "--cpg_wlen", 20, "--nb_epoch", 1000, "--out_dir", "out/x", "--batch_size", 64]
for which, twice in (("INT", False), ("HUP", False), ("TERM", True)):
    clear()
    number = getattr(signal, "SIG" + which)
    job = launch(1, long)
    wait_for(lambda: os.path.exists("out/x/model.json"), job)
    time.sleep(.3)
    job.send_signal(number)
    if twice:
        job.send_signal(number)
    printed = job.communicate(timeout=60)[1]
    if job.returncode != 85 or not glob.glob("out/x/checkpoints/checkpoint-*.h5") or f"SIG{which}" not in printed:
        bad.append(f"train SIG{which}: exit code {job.returncode}, not 85: {printed[-300:]}")
    if [path for path in files() if "dcpg-" in path]:
        bad.append(f"train SIG{which}: left {files()}")
clear()
huge = ["train", "s.h5", "--cpg_model", "RnnL1", "--cpg_wlen", 200, "--nb_epoch", 1, "--out_dir", "out/x", "--batch_size", 16384]
job = launch(1, huge) # a step of it takes many seconds
wait_for(lambda: os.path.exists("out/x/model.json"), job)
time.sleep(.3)
started = time.time()
job.send_signal(signal.SIGINT)
time.sleep(.5)
job.send_signal(signal.SIGINT)
job.communicate(timeout=60)
if job.returncode != -signal.SIGINT or time.time() - started > 5:
    bad.append(f"train, SIGINT twice: exit code {job.returncode} after {time.time() - started:.1f} s")
if [path for path in files() if "dcpg-" in path]:
    bad.append(f"train, SIGINT twice: left {files()}")

# A file that may not grow.
for name in ("data", "export", "simulate"):
    clear()
    limited = ["bash", "-c", 'ulimit -c 0; ulimit -f 20; exec "$@"', "-", DCPG, *map(str, commands[name])]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=120)
    refused = done.returncode == 2 and "File too large" in done.stderr
    if not (refused or done.returncode == -signal.SIGXFSZ) or files():
        bad.append(f"{name} with a limit on files: exit code {done.returncode}, {done.stderr[-300:]}, left {files()}")

# Output whose reader has closed the pipe.
done = subprocess.run(["bash", "-c", '"$0" show s.h5 --outputs | head -n 1; exit ${PIPESTATUS[0]}', DCPG], capture_output=True, text=True, timeout=120)
if done.returncode not in (0, 141):
    bad.append(f"show | head: exit code {done.returncode}: {done.stderr[-300:]}")
for line in bad:
    print(f"FAILED: {line}")
print(f"{caught} commands were caught at work")
sys.exit(1 if bad else 0)
