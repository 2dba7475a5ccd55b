# SPDX-License-Identifier: MIT
"""Tests locks: two commands that write to one place, lost locks, and locks of processes that are gone."""
import glob
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import DCPG, refusal, run, start  # noqa: E402

bad = []


def expect(fine, what):
    if not fine:
        bad.append(what)


def launch(ranks, *words):
    launcher = [] if ranks == 1 else [os.environ.get("MPIRUN", "mpirun"), "-n", str(ranks)]
    return subprocess.Popen(launcher + [DCPG] + [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for(what, job=None, seconds=60):
    end = time.time() + seconds
    while not what() and time.time() < end and (job is None or job.poll() is None):
        time.sleep(.001)
    return what()


def is_stopped(pid):
    """All its threads: SIGSTOP lets a system call, such as a write to a disk, come to its end."""
    for thread in glob.glob(f"/proc/{pid}/task/*/stat"):
        with open(thread) as file:
            if file.read().rsplit(")", 1)[1].split()[0] != "T":
                return False
    return True


def state(folder):
    """Names, sizes and times of all files but the lock."""
    paths = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
    return sorted((path, os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in paths if "dcpg-lock" not in path)


run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 2, "--chromo_len", 60000, "--nb_cell", 4, "--coverage_min", .4)
data = ["data", "--cpg_profiles", *sorted(glob.glob("sim/cpg/*.tsv.gz")), "--dna_files", "sim/dna", "--out_file"]
run(1, *data, "s.h5")
short = ["train", "s.h5", "--cpg_model", "FcAvg", "--cpg_wlen", 4, "--nb_epoch", 1, "--batch_size", 256]
long = ["train", "s.h5", "--cpg_model", "RnnL1", "--cpg_wlen", 20, "--nb_epoch", 100000, "--batch_size", 64, "--early_stopping", 0]
run(1, *short, "--out_dir", "model")

# Two trainings: the second one touches nothing, whatever its options and number of ranks.
first = launch(2, *long, "--out_dir", "two", "--checkpoint_minutes", 0)
expect(wait_for(lambda: os.path.exists("two/model.json"), first), "the first training does not begin")
time.sleep(.2)
os.kill(first.pid, signal.SIGSTOP)
ranks = [int(pid) for pid in open(f"/proc/{first.pid}/task/{first.pid}/children").read().split()]
for pid in ranks:
    os.kill(pid, signal.SIGSTOP) # nothing changes meanwhile, although its ranks are alive
expect(wait_for(lambda: all(is_stopped(pid) for pid in ranks)), "the ranks do not stop")
before = state("two")
busy = r"two is being written by process \d+ on host \S+ since \d{4}-\d\d-\d\d .*choose another --out_dir"
for n, words in ((1, [*short, "--out_dir", "two"]), (3, [*short, "--out_dir", "two/"]), (1, ["train", "--resume", "two"]), (1, [*short, "--out_dir", "two", "--force"])):
    wrong = refusal(busy.replace("two", "two/?", 1), n, *words)
    expect(not wrong, f"a second training on {n} ranks: {wrong}")
after = state("two")
expect(after == before, f"the second training changed the first one's folder: {sorted(set(before) ^ set(after))}")
for pid in [*ranks, first.pid]:
    os.kill(pid, signal.SIGCONT)
for pid in ranks:
    os.kill(pid, signal.SIGUSR1)
printed = first.communicate(timeout=60)[1]
expect(first.returncode == 85, f"the first training ends with {first.returncode}: {printed[-500:]}")
expect(not os.path.exists("two/.dcpg-lock"), "a lock is left")

# The owner was killed: its lock is taken over with a line in the log, also by --resume.
first = launch(1, *long, "--out_dir", "killed", "--checkpoint_steps", 1)
wait_for(lambda: glob.glob("killed/checkpoints/checkpoint-*.h5"), first)
first.kill()
first.communicate()
expect(os.path.exists("killed/.dcpg-lock"), "no lock is there after SIGKILL")
done = start(2, ["train", "--resume", "killed", "--max_time", 1e-6])
expect(done.returncode == 85 and f"process {first.pid} on host" in done.stderr and "is gone: its lock is taken over" in done.stderr, f"--resume after SIGKILL: {done.returncode}, {done.stderr[-500:]}")
expect(not [path for path in glob.glob("killed/**/.*", recursive=True) if "dcpg" in path], "something is left after SIGKILL")

# A training that lost its lock (it was stopped, and another run took the lock over) writes no more.
first = launch(2, *long, "--out_dir", "lost")
wait_for(lambda: os.path.exists("lost/model.json"), first)
os.rename("lost/.dcpg-lock", "lost/away")
with open("lost/.dcpg-lock", "w") as lock:
    lock.write("dcpg-lock 1\nhost elsewhere.00000000\npid 5\nstart 1\nsince 1\n")
printed = first.communicate(timeout=60)[1]
expect(first.returncode == 2 and "taken over by another process" in printed, f"a lost lock: {first.returncode}, {printed[-500:]}")
expect(os.path.exists("lost/.dcpg-lock"), "the lock of somebody else was removed")
expect(not os.path.exists("lost/model.h5"), "a training that lost its lock wrote a model")

# A rank that waits for a lock of another host is not taken for stalled.
with open(".w.h5.dcpg-lock", "w") as lock:
    lock.write("dcpg-lock 1\nhost elsewhere.00000000\npid 5\nstart 1\nsince 1\n")
first = launch(3, *data, "w.h5", "--stall_timeout", 3)
time.sleep(9)
os.remove(".w.h5.dcpg-lock")
printed = first.communicate(timeout=60)[1]
expect(first.returncode == 0, f"waiting for a lock with --stall_timeout 3 ends with {first.returncode}: {printed[-500:]}")

# One file for two commands.
run(1, "convert", "s.h5", "--out_dir", "files", "--dna_wlen", 11, "--cpg_wlen", 4)
pairs = (
    ("x.h5", "--out_file", [*data, "x.h5"], (data + ["x.h5"], ["convert", *glob.glob("files/*.h5"), "--out_file", "x.h5"])),
    ("x", "--out_dir", ["convert", "s.h5", "--out_dir", "x", "--dna_wlen", 11], (["convert", "s.h5", "--out_dir", "x", "--cpg_wlen", 2],)),
    ("e.h5", "--out_data", ["eval", "s.h5", "--model_files", "model", "--out_data", "e.h5"], (["eval", "s.h5", "--model_files", "model", "--out_data", "e.h5"],)),
)
for name, option, words, others in pairs:
    lock = f"{name}/.dcpg-lock" if option == "--out_dir" else f".{name}.dcpg-lock"
    held = False
    for _ in range(20): # it may have finished before it can be stopped
        first = launch(1, *words)
        wait_for(lambda: os.path.exists(lock), first)
        first.send_signal(signal.SIGSTOP)
        held = os.path.exists(lock)
        if held:
            break
        first.send_signal(signal.SIGCONT)
        first.communicate()
    expect(held, f"{name}: no lock is seen")
    for i, other in enumerate(others if held else ()):
        wrong = refusal(rf"{name} is being written by process {first.pid} on host .*choose another {option}", 1 + 2 * (i > 0), *other)
        wrong = "" if wrong.startswith("left behind") else wrong # what the first one is writing
        expect(not wrong, f"a second {other[0]} onto {name}: {wrong}")
    first.send_signal(signal.SIGCONT)
    printed = first.communicate(timeout=60)[1]
    expect(first.returncode == 0, f"the first {words[0]} onto {name} ends with {first.returncode}: {printed[-300:]}")
    expect(not os.path.exists(lock), f"{lock} is left")

# A refused command leaves no folder that it made for its lock.
done = start(1, ["train", "none.h5", "--cpg_model", "FcAvg", "--out_dir", "new/deep"])
expect(done.returncode == 2 and not os.path.exists("new"), "a refused training left its folder")
for line in bad:
    print(f"FAILED: {line}")
sys.exit(1 if bad else 0)
