# SPDX-License-Identifier: MIT
"""`dcpg eval` killed, stopped and resumed on other numbers of ranks ends with the same bytes; it goes on only with the same settings; damaged records are computed again; progress is shown on a terminal."""
import glob
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import DCPG, refusal, run  # noqa: E402

run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 2, "--chromo_len", 400000, "--nb_cell", 3, "--no_cell_truth")
run(1, "data", "--cpg_profiles", *sorted(glob.glob("sim/cpg/*.tsv.gz")), "--dna_files", "sim/dna", "--out_file", "s.h5")
for name, seed in (("model", 1), ("other", 2)):
    run(1, "train", "s.h5", "--cpg_model", "fc[4]_gap", "--cpg_wlen", 4, "--nb_train_sample", 512, "--nb_epoch", 1, "--seed", seed, "--out_dir", name)
words = ["eval", "s.h5", "--model_files", "model", "--hide", 2]
out = ["--out_data", "e.h5", "--out_report", "e.tsv"]
run(3, *words, "--out_data", "whole.h5", "--out_report", "whole.tsv")
assert not glob.glob("*.partial")


def same():
    for kind in ("h5", "tsv"):
        assert open(f"e.{kind}", "rb").read() == open(f"whole.{kind}", "rb").read(), kind
        os.remove(f"e.{kind}")
    assert not glob.glob("*.partial") and not glob.glob(".*dcpg-*"), os.listdir(".")


def parts():
    return {name: os.path.getsize(name) for name in glob.glob("e.h5.partial/part-*")}


def ranks_of(job):
    with open(f"/proc/{job.pid}/task/{job.pid}/children") as children:
        return [int(pid) for pid in children.read().split()]


def interrupt(ranks, number, more=(), which=slice(None)):
    """Ends an evaluation, one site at a time, soon after something is kept. Returns its exit code and messages."""
    before = sum(parts().values())
    launcher = [] if ranks == 1 else [os.environ.get("MPIRUN", "mpirun"), "-n", str(ranks)]
    job = subprocess.Popen([*launcher, DCPG, *map(str, [*words, *out, "--batch_size", 1, *more])], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while sum(parts().values()) <= before:
        assert job.poll() is None, job.communicate()[1]
        time.sleep(.001)
    for pid in [job.pid] if ranks == 1 else ranks_of(job)[which]:
        os.kill(pid, number)
    printed = job.communicate(timeout=60)[1]
    assert not os.path.exists("e.h5") and not os.path.exists("e.tsv"), "it was not interrupted"
    return job.returncode, printed


# ---- killed again and again, on other ranks ----
interrupt(3, signal.SIGKILL)
kept = parts()
interrupt(1, signal.SIGKILL, ["--resume"])
assert all(parts()[name] == size for name, size in kept.items()) and len(parts()) > len(kept)
code, printed = interrupt(1, signal.SIGTERM, ["--resume"])
assert code == 85 and "e.h5.partial: run the same command with --resume to go on" in printed, (code, printed)
code, printed = interrupt(3, signal.SIGUSR2, ["--resume"], slice(1, 2))
assert code == 85 and "e.h5.partial" in printed, (code, printed)
printed = run(2, *words, *out, "--resume")
assert re.search(r"^resumed: [1-9]\d* sites \(\d+ %\) are done$", printed, re.M), printed
same()
assert "nothing is done yet" in run(1, *words, *out, "--resume")
same()

# ---- only with the same settings ----
interrupt(1, signal.SIGUSR1)
shutil.copytree("e.h5.partial", "kept")
shutil.copy("s.h5", "t.h5")
run(1, "data", "--cpg_profiles", *sorted(glob.glob("sim/cpg/*.tsv.gz"))[:3], "--dna_files", "sim/dna", "--chromos", 1, "--out_file", "less.h5")
resume = [*out, "--resume"]
bad = [refusal("e.h5.partial: holds what is done.*--resume goes on with it, --force starts again", 1, *words, *out),
       refusal(r"\(hide: 2 seed 0 then, 3 seed 0 now\)", 1, *words, *resume, "--hide", 3),
       refusal(r"\(hide: 2 seed 0 then, 2 seed 5 now\)", 1, *words, *resume, "--hide_seed", 5),
       refusal(r"other settings \(chromosomes: 2 \(1, 2\).* now\)", 1, *words, *resume, "--chromos", 2),
       refusal(r"other settings \(sites: ", 1, *words, *resume, "--nb_sample", 700),
       refusal(r"other settings \(outputs: ", 1, *words, *resume, "--output_names", "cpg/.*1$"),
       refusal(r"other settings \(model: ", 1, *words, *resume, "--model_files", "other"),
       refusal(r"other settings \(data: ", 1, "eval", "less.h5", *words[2:], *resume),
       refusal("--resume needs the output", 1, *words, "--resume")]
if any(bad):
    sys.exit(f"FAILED: {bad}")
shutil.move("t.h5", "s.h5")  # the same content
run(3, *words, *resume, "--batch_size", 7)
same()

# ---- records that were cut off or damaged ----
for damage in ("cut", "flip"):
    shutil.copytree("kept", "e.h5.partial")
    name, size = max(parts().items(), key=lambda item: item[1])
    with open(name, "r+b") as file:
        if damage == "cut":
            file.truncate(size - 1)
        else:
            file.seek(size // 2)
            byte = file.read(1)
            file.seek(size // 2)
            file.write(bytes([byte[0] ^ 16]))
    run(1, *words, *resume)
    same()

# ---- starting again; a folder of somebody else ----
shutil.copytree("kept", "e.h5.partial")
assert "resumed" not in run(1, *words, *out, "--force")
same()
os.makedirs("e.h5.partial")
open("e.h5.partial/notes", "w").close()
bad = [refusal("e.h5.partial: was not written by dcpg eval", 1, *words, *out, *more) for more in ([], ["--resume"], ["--force"])]
if any(bad):
    sys.exit(f"FAILED: {bad}")
assert os.path.exists("e.h5.partial/notes")
shutil.rmtree("e.h5.partial")

# ---- progress on a terminal ----
ours, theirs = pty.openpty()
job = subprocess.Popen([DCPG, *map(str, [*words, *out, "--batch_size", 1])], stderr=theirs, stdout=subprocess.DEVNULL)
os.close(theirs)
shown = b""
try:
    while some := os.read(ours, 65536):
        shown += some
except OSError:
    pass
assert job.wait() == 0
assert re.search(rb"eval: \d+ %  \d+ samples/s.*left", shown), shown[-500:]
same()
print("ok")
