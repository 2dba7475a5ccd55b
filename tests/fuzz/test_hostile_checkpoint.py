# SPDX-License-Identifier: MIT
"""Checkpoints made to harm: numbers beyond any run, missing and repeated lists, paths that another user chose. One line each, exit code 2; the sound one goes on."""
import os
import shutil
import struct

from hostile import bug, deepcpg, h5py, np, run, run_trials, start, timed_refusal

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def seal(path):
    """Appends what dcpg_h5_commit_sealed does."""
    content = open(path, "rb").read()
    end = b"dcpgseal" + struct.pack("<Q", len(content))
    open(path, "wb").write(content + end + struct.pack("<I", crc32c(content + end)))


data = deepcpg("c1_000000-000040.h5")
other = deepcpg("c2_000000-000020.h5", 20, chromo=np.array([b"2"] * 20))
run(1, "train", data, "--val_files", other, "--cpg_model", "fc[3]_gap", "--nb_epoch", 1, "--batch_size", 16, "--log_file", "first.log", "--stop_file", "stop", "--out_dir", "m")
name = os.listdir("m/checkpoints")[0]
trials = []


def change(folder, make, mode=0o644):
    """A copy of the run with another checkpoint."""
    shutil.copytree("m", folder)
    path = f"{folder}/checkpoints/{name}"
    content = open(path, "rb").read()
    open(path, "wb").write(content[:-20])
    with h5py.File(path, "r+") as f:
        make(f)
    seal(path)
    os.chmod(path, mode)
    return folder


def refused(pattern, folder, *more):
    trials.append((folder, lambda: timed_refusal(pattern, 1, "train", "--resume", folder, "--nb_epoch", 2, *more)))


def attribute(key, value):
    return lambda f: f.attrs.__setitem__(key, np.int64(value))


beyond = {"blocks": (0, -1, 2**40), "virtual_ranks": (0, -8, 2**31), "epoch": (-1, 5), "step": (-1, 7, 2**62), "nb_epoch": (-1, 2**31), "batch": (0, -2**63, 2**40), "adam_steps": (-1, 2**62),
          "samples": (-1,), "waited": (-1, 2**31), "metrics_bytes": (-1, 2**62), "events_bytes": (-2**63,)}
for key, values in beyond.items():
    for k, value in enumerate(values):
        refused("impossible", change(f"{key}_{k}", attribute(key, value)))


def strings(path, values):
    def make(f):
        del f[path]
        if values is not None:
            f[path] = np.array(values, "S300")
    return make


lists = {"no_outputs": strings("config/outputs", None), "no_cells": strings("config/cells", None), "two_outputs": strings("config/outputs", ["cpg/a"] * 2),
         "other_output": strings("config/outputs", ["cpg/b"]), "two_cells": strings("config/cells", ["a", "a"])}
for folder, make in lists.items():
    refused("its model has|not those of its model|twice", change(folder, make))
refused("holds no config/model|holds no dataset", change("no_model", strings("config/model", None)))
refused("not JSON", change("bad_model", strings("config/model", ["{"])))
refused("are no numbers", change("nan", lambda f: f["state/scalars"].__setitem__(Ellipsis, np.nan)))


def words(make):
    def put(f):
        old = [word.decode() for word in f["config/words"][()]]
        del f["config/words"]
        f["config/words"] = np.array(make(old), "S300")
    return put


def before_files(*new):
    def make(old):
        at = old.index("--")
        return old[:at] + list(new) + old[at:]
    return words(make)


refused("impossible", change("help", before_files("--help")))
refused("no option|unknown", change("unknown", before_files("--no_such_option=1")))
shutil.copytree("m", "writable")
os.chmod(f"writable/checkpoints/{name}", 0o666)
refused("another user could have written it.*name the (store|--val_files)", "writable")
refused("name the store or data files", change("writable_store", lambda f: None, 0o664), "--val_files", other)
if os.getuid() == 0:
    change("foreign", lambda f: None)
    os.chown(f"foreign/checkpoints/{name}", 12345, 12345)
    refused("another user could have written it", "foreign")


def goes_on(folder, *more):
    done = start(1, ["train", "--resume", folder, "--nb_epoch", 2, *more])
    if bug(done) or done.returncode:
        return f"exit code {done.returncode}: {done.stderr[-400:]}"
    return "" if "epoch 2/2" in done.stderr + done.stdout else "no second epoch"


def sound():
    shutil.copytree("m", "sound")
    return goes_on("sound")


def named_again():
    shutil.copytree("m", "again")
    os.chmod(f"again/checkpoints/{name}", 0o666)
    return goes_on("again", data, "--val_files", other)


def paths_are_not_obeyed():
    """Nothing is appended to a file that the checkpoint names, and a file that is there does not stop the run."""
    open("bystander", "w").write("mine\n")
    change("paths", before_files("--log_file=bystander", "--log-file=bystander", "--stop_file=bystander", "--out_dir=elsewhere", "--resume=elsewhere"))
    wrong = goes_on("paths")
    if not wrong and (open("bystander").read() != "mine\n" or os.path.exists("elsewhere")):
        wrong = "a path of the checkpoint was written to"
    return wrong


def mode():
    """A checkpoint is its owner's alone to write, whatever the umask."""
    before = os.umask(0)
    try:
        run(1, "train", data, "--cpg_model", "fc[3]_gap", "--nb_epoch", 1, "--out_dir", "open")
    finally:
        os.umask(before)
    modes = [os.stat(f"open/checkpoints/{n}").st_mode & 0o777 for n in os.listdir("open/checkpoints")]
    return "" if modes and all(not m & 0o022 for m in modes) else f"modes {modes}"


trials += [("sound", sound), ("named again", named_again), ("paths", paths_are_not_obeyed), ("mode", mode)]
run_trials(trials)
