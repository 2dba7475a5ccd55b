# SPDX-License-Identifier: MIT
"""What bench/scaling/study.sh asks for beside running the program: lines of raw.jsonl, the machine, tables, figures and the summary.

    report.py report OUT                          points.tsv, *.svg and summary.md of OUT/raw.jsonl
    report.py point OUT RUN LAUNCH RANKS THREADS BATCH LEAVES STORE LOG REASON     a line of raw.jsonl
    report.py reason LOG CODE                     why a run failed, in a line
    report.py mend OUT AGAIN                      takes away the half line of an interrupted study; AGAIN yes: failed runs, too
    report.py cache cold|warm FILE...             empties or fills this host's page cache with the files
    report.py host                                this host, as JSON
    report.py environment OUT LOG LAUNCHES STEPS WARMUP       the hosts in LOG and the variables STUDY_*, into OUT/environment.json

No packages are needed.
"""
import ctypes
import datetime
import glob
import hashlib
import json
import mmap
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import summary  # noqa: E402


def read(path, size=1 << 20):
    try:
        with open(path, errors="replace") as file:
            return file.read(size).strip()
    except OSError:
        return ""


# ---- runs

def reason(log, code):
    """The program's own line of error, else the last line."""
    lines = [line.strip() for line in read(log, 1 << 26).splitlines() if line.strip()]
    lines_of_dcpg = [line for line in lines if line.startswith(("dcpg:", "dcpg train:", "dcpg data:"))]
    print((lines_of_dcpg or lines or ["no output"])[-1][:300] + f" (exit code {code})")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def io_of(kind, state, out, log, store, profile):
    """{what: [seconds, bytes]} of a run of the kind io."""
    scratch = os.path.join(out, "scratch")
    checkpoint = sum(os.path.getsize(path) for path in glob.glob(os.path.join(scratch, "model/checkpoints/*.h5")))
    if kind == "data":
        found = re.search(r"^data: .*, ([0-9.]+) s$", read(log, 1 << 26), re.M)
        return {f"store writing, inputs {state}": [float(found[1]), os.path.getsize(os.path.join(scratch, "store.h5"))]}
    if kind == "load":
        return {f"load, {state}": [profile["seconds"]["loading"]["most"], os.path.getsize(os.path.join(out, "input", store))],
                "checkpoint writing": [profile["seconds"]["checkpoint"]["most"], checkpoint]}
    if kind == "resume":
        return {f"checkpoint reading, {state}": [profile["seconds"]["restoring"]["most"], checkpoint]}
    return {}


def point(out, run, launch, ranks, threads, batch, leaves, store, log, why):
    line = {"run": run, "launch": int(launch), "ranks": int(ranks), "threads": int(threads), "batch": int(batch), "virtual_ranks": int(leaves), "store": store,
            "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "load": os.getloadavg()[0], "failed": why or None}
    times, weights = os.path.join(out, "scratch/times.json"), os.path.join(out, "scratch/model/model_weights_train.h5")
    kind, state = run.split("-")[:2]
    try:
        if not why:
            profile = json.loads(read(times, 1 << 28)) if kind != "data" else None
            if kind in ("train", "cells"):
                line["sha256"] = digest(weights)
            line["io"] = io_of(kind, state, out, log, store, profile)
            line["binding"] = re.findall(r"^rank \d+.*$", read(log), re.M)
            line["profile"] = profile
    except (OSError, ValueError, TypeError, KeyError) as error:
        line["failed"] = f"the run left no times: {error}"
    # The beginning is what study.sh looks for.
    print(json.dumps(line, separators=(",", ":")))


def mend(out, again):
    path = os.path.join(out, "raw.jsonl")
    kept = []
    with open(path) as file:
        for line in file:
            try:
                failed = json.loads(line)["failed"] is not None
            except ValueError:
                continue
            if line.endswith("\n") and not (failed and again == "yes"):
                kept.append(line)
    with open(path + ".new", "w") as file:
        file.writelines(kept)
    os.replace(path + ".new", path)


# ---- the page cache

def resident(file, size):
    """Share of a file's pages in memory."""
    pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
    vector = (ctypes.c_ubyte * pages)()
    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as memory:
        start = ctypes.c_char.from_buffer(memory)
        failed = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(size), vector)
        del start
    if failed:
        sys.exit(f"what of {file.name} is in memory is not known: {os.strerror(ctypes.get_errno())}")
    return sum(page & 1 for page in vector) / pages


def cache(state, *paths):
    files = []
    for path in paths:
        files += [path] if os.path.isfile(path) else [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    warm = total = 0
    for path in files:
        with open(path, "rb") as file:
            size = os.path.getsize(path)
            if state == "warm":
                while file.read(1 << 24):
                    pass
            elif size:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                warm += resident(file, size) * size
            total += size
    if warm > 0.02 * total:
        sys.exit(f"the cache cannot be emptied: {100 * warm / total:.0f} % of the input stays in memory (a file system in memory?)")


# ---- the machine

def networks():
    """{device: Gbit/s} of network cards that are up."""
    found = {}
    for path in glob.glob("/sys/class/infiniband/*/ports/*/rate"):
        if read(os.path.join(os.path.dirname(path), "state")).endswith("ACTIVE"):
            found[path.split("/")[4]] = float(read(path).split()[0])
    for path in glob.glob("/sys/class/net/*/speed"):
        speed = read(path)
        if speed.isdigit() and not path.startswith("/sys/class/net/lo") and read(os.path.join(os.path.dirname(path), "operstate")) == "up":
            found[path.split("/")[4]] = int(speed) / 1000
    return found


def host():
    cpu = read("/proc/cpuinfo", 1 << 22)
    model = re.search(r"^(?:model name|Processor)\s*: (.*)$", cpu, re.M)
    memory = re.search(r"MemTotal: *(\d+)", read("/proc/meminfo"))
    governors = {read(path) for path in glob.glob("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")}
    system = re.search(r'^PRETTY_NAME="?([^"\n]*)', read("/etc/os-release"), re.M)
    print("\n" + json.dumps({
        "host": os.uname().nodename, "processor": model[1] if model else os.uname().machine, "cores": os.cpu_count(), "memory_GB": round(int(memory[1]) / 2**20) if memory else None,
        "governor": " ".join(sorted(governors)) or "unknown", "kernel": os.uname().release, "system": system[1] if system else "", "network": networks(),
        "threads_per_core": max(1, len(re.findall(r"[,-]", read("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"))) + 1)}), flush=True)


def environment(out, log, launches, steps, warmup):
    hosts = {}
    for line in read(log, 1 << 28).splitlines():
        if line.startswith('{"host"'):
            one = json.loads(line)
            hosts[one["host"]] = one
    variables = {key: value for key, value in os.environ.items() if re.match(r"(OMPI_MCA|UCX|OMP|BLIS|HDF5|DCPG_GEMM|PSM|FI|I_MPI|MPICH)_?", key)}
    env = {name: os.environ.get("STUDY_" + name.upper(), "") for name in ("version", "commit", "mpi", "launcher", "network", "options")}
    env.update(date=datetime.date.today().isoformat(), hosts=list(hosts.values()), variables=variables, launches=int(launches), steps=int(steps), warmup=int(warmup))
    env["input"] = [line.split() for line in read(os.path.join(out, "input.sha256")).splitlines()]
    speeds = [max(h["network"].values()) for h in hosts.values() if h["network"]]
    env["network"] = float(env["network"] or (min(speeds) if speeds else 0))
    with open(os.path.join(out, "environment.json"), "w") as file:
        json.dump(env, file, indent=1)


if __name__ == "__main__":
    commands = {"point": point, "reason": reason, "mend": mend, "cache": cache, "host": host, "environment": environment, "report": summary.report}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
