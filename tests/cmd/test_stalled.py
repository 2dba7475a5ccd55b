# SPDX-License-Identifier: MIT
"""Tests that commands other than train (test_surviving) also name a rank that has stalled, and that the job ends and leaves no files."""
import glob
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import DCPG, run  # noqa: E402

os.environ["OMPI_MCA_odls_base_sigkill_timeout"] = "1"
bad = []
run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 1, "--chromo_len", 10000000, "--nb_cell", 3, "--coverage_min", .3)
for name, path in zip("abc", sorted(glob.glob("sim/cpg/*.tsv.gz"))):
    os.rename(path, f"{name}.tsv.gz")
cells = ["a.tsv.gz", "b.tsv.gz", "c.tsv.gz"]
run(1, "data", "--cpg_profiles", *cells, "--dna_files", "sim/dna", "--out_file", "s.h5")
run(1, "train", "s.h5", "--cpg_model", "RnnL1", "--cpg_wlen", 100, "--nb_epoch", 1, "--nb_train_sample", 128, "--out_dir", "model")
evaluate = ["eval", "s.h5", "--model_files", "model", "--batch_size", 1, "--out_data", "out/x.h5"]


def launch(words):
    subprocess.run(["rm", "-rf", "out"], check=True) # an aborted run leaves its temporary file to the next one
    os.makedirs("out")
    return subprocess.Popen([os.environ.get("MPIRUN", "mpirun"), "-n", "3", DCPG, *map(str, words), "--stall_timeout", "3"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def rank_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        found = re.search(rb"(?:OMPI_COMM_WORLD_RANK|PMI_RANK)=(\d+)", file.read())
    return int(found[1])


def stop(job, rank):
    """Stops the rank once the command is at work; false where it was too late."""
    for _ in range(60000):
        if job.poll() is not None:
            return False
        try:
            with open(f"/proc/{job.pid}/task/{job.pid}/children") as file:
                pids = [int(pid) for pid in file.read().split()]
            if len(pids) == 3 and glob.glob("out/.*dcpg-tmp*"):
                time.sleep(1.2) # HDF5 waits for all ranks while it makes the file, and its waits are not watched
                os.kill(next(pid for pid in pids if rank_of(pid) == rank), signal.SIGSTOP)
                return True
        except (OSError, StopIteration, TypeError):
            pass
        time.sleep(.001)
    return False


def ends(job, name, rank):
    try:
        printed = job.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        with open(f"/proc/{job.pid}/task/{job.pid}/children") as file:
            pids = [int(pid) for pid in file.read().split()]
        for pid in [*pids, job.pid]:
            os.kill(pid, signal.SIGKILL)
        bad.append(f"{name}: does not end: {job.communicate()[1][-500:]}")
        return
    named = re.findall(r"rank (\d+) on host \S+ has stalled", printed)
    if job.returncode == 0 or named != [str(rank)] or os.path.exists("out/x.h5"):
        bad.append(f"{name}: exit code {job.returncode}, rank {named} of {rank} is reported to have stalled: {printed[-600:]}")


# A rank that hangs in a read: the second of three cells is a pipe without a writer.
os.mkfifo("pipe.tsv")
with open("list.txt", "w") as file:
    file.write("a\ta.tsv.gz\nb\tpipe.tsv\nc\tc.tsv.gz\n")
ends(launch(["data", "--cpg_profiles", "list.txt", "--dna_files", "sim/dna", "--out_file", "out/x.h5"]), "data", 1)
# A rank that is stopped.
for rank in (0, 2):
    for _ in range(5): # it may have been too late
        job = launch(evaluate)
        if stop(job, rank):
            ends(job, f"eval, rank {rank}", rank)
            break
        job.communicate()
    else:
        bad.append(f"eval, rank {rank}: could not be stopped")
for line in bad:
    print(f"FAILED: {line}")
sys.exit(1 if bad else 0)
