# SPDX-License-Identifier: MIT
"""Tests bench/scaling/model: closed formulas of simple cases, and times that bench/scaling/smpi simulated with the real code."""
import math
import os
import subprocess
import sys
import tempfile

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "scaling", "model")
sys.path.insert(0, FOLDER)
import check  # noqa: E402
import model  # noqa: E402
import predict  # noqa: E402

faults = []
FREE = {"ranks_per_host": 1, "threads": 1, "thread_efficiency": 1, "jitter": 0, "rank_GBs": None, "host_GBs": None, "overhead_us": 0, "poll_us": 0, "flag_us": 0}
ENDLESS = {"gbit": None, "efficiency": 1, "latency_us": 0, "memory_latency_us": 0, "memory_GBs": None}
SLOW = {**ENDLESS, "gbit": 8, "latency_us": 10}  # 1 GB/s


def equal(what, got, wanted, part=1e-6):
    if not math.isclose(got, wanted, rel_tol=part):
        faults.append(f"{what}: {got}, not {wanted}")


def operation(offset, count, forward, backward, summed=0):
    return {"gradients": [offset, count], "mean": forward + backward, "backward": backward, "summed": summed}


def profile(operations, **seconds):
    compute = sum(op["mean"] for op in operations)
    every = {"compute": compute, "data": 0, "scores": 0, "sums": 0, "optimiser": 0, "agreeing": 0, **seconds}
    every["steps"] = every["processor"] = sum(every.values())
    return {"ranks": 1, "threads": 1, "virtual_ranks": 1, "batch": 64, "steps": 1, "trained": sum(op["gradients"][1] for op in operations), "operations": operations,
            "seconds": {key: {"mean": value} for key, value in every.items()}}


two = profile([operation(0, 160000, 0.01, 0.02), operation(160000, 160000, 0.01, 0.02)], data=0.001, scores=0.002, optimiser=0.004)
equal("one rank", model.train_step(two, 1, 64, FREE, SLOW).now, 0.067)
for ranks in 2, 64, 4096:
    equal(f"{ranks} ranks and no cost", model.train_step(two, ranks, 64, FREE, ENDLESS).now, 0.063 / ranks + 0.004)
equal("twice the batch, four threads", model.train_step(two, 2, 128, {**FREE, "threads": 4, "thread_efficiency": 0.5}, ENDLESS).now, 0.067 / 2)
equal("the slowest of 1,024", model.slowest(1024, 0.02), 1.0644, 1e-3)
equal("busy machine", model.undisturbed({"threads": 1, "seconds": {"processor": {"mean": 1}, "steps": {"mean": 4}}}), 0.25)

# One block of n floats between two hosts: halves there, halves back; n floats among P: log2 P stages each way.
n = 1 << 18
equal("two ranks, one block", model.exchange(n, 0, 2, FREE, SLOW)[0], 2 * (10e-6 + 4 * n / 2 / 1e9))
equal("64 ranks, one block", model.exchange(n, 0, 64, FREE, SLOW)[0], 2 * (6 * 10e-6 + 4 * n * (63 / 64) / 1e9))
equal("small sums", model.exchange(n, 5, 64, FREE, SLOW)[1], 5 * 6 * (10e-6 + 4096 / 1e9))
equal("half of a block comes late", model.exchange(2 * n, 0, 2, FREE, SLOW, [(n, n, 0.0), (0, n, 1.0)])[0], 1 + 2 * (10e-6 + 4 * n / 1e9))
for in_order, end in (False, 2 * 8e-9), (True, 4 * n / 2 / 1e9 + 8e-9):
    step = model.Step(n, 2, FREE, {**SLOW, "in_order": in_order})
    step.sums.hand_over(0, n)
    step.poll()
    step.small_sum(8, "sums")
    equal(f"a small sum beside a block, in order: {in_order}", step.now, 10e-6 + end)
host = {**FREE, "ranks_per_host": 4, "rank_GBs": 10}
equal("one host", model.exchange(n, 0, 4, host, SLOW)[0], (4 * n / 4 * 5 + 4 * n / 4 * 3 * 2) / 1e10)
equal("its card is shared", model.exchange(n, 0, 8, {**host, "rank_GBs": None}, SLOW)[0], 2 * (10e-6 + 4 * n / 2 / 1e9))
hidden = model.train_step(two, 2, 64, FREE, {**SLOW, "latency_us": 0})
equal("one block: nothing is ready before the end, and cutting data hides a part", hidden.spent["gradients' sums"], 4 * 320000 / 1e9 - 0.0005)
big = profile([operation(0, model.BLOCK, 0.01, 0.02), operation(model.BLOCK, model.BLOCK, 0.01, 0.02)])
equal("two blocks: the first halves of the first are hidden", model.train_step(big, 2, 128, {**FREE, "poll_us": 0}, {**SLOW, "latency_us": 0}).spent["gradients' sums"], 4 * model.BLOCK / 1e9 + 2 * model.BLOCK / 1e9, 0.01)

# Blocks: whatever the order in which ranges come, they tile the gradients.
for total, cut in ((3 * model.BLOCK + 16, 160), (1000, 16), (model.BLOCK, model.BLOCK), (5517088, 100000)):
    sums = model.Sums(total, 2, 1, FREE, model.Network(ENDLESS, 1))
    for start in reversed(range(0, total, cut)):
        sums.hand_over(start, min(cut, total - start))
    sums.flush()
    if sum(sums.queue) != total or len(sums.queue) != -(-total // model.BLOCK) or max(sums.queue) > model.BLOCK:
        faults.append(f"blocks of {total}: {sums.queue}")

sharded = model.train_step(big, 4, 64, {**FREE, "shard_optimizer": True}, SLOW)
plain = model.train_step(big, 4, 64, FREE, SLOW)
equal("sharding moves the same bytes", sharded.sums.traffic[1], plain.sums.traffic[1])

# bench/scaling/smpi/run.sh, 2026-11-29: ranks, ranks a host, floats, ms, small sums, ms. The model is to be within 20 %.
parameters = predict.read(os.path.join(FOLDER, "parameters.json"))
for ranks, per_host, floats, ms, sums, small in ((4, 1, 1048576, 0.628, 60, 0.302), (16, 1, 1048576, 0.855, 60, 1.005), (64, 1, 1048576, 0.952, 60, 1.507),
                                                 (256, 1, 1048576, 0.984, 60, 2.010), (256, 8, 1048576, 0.842, 60, 2.253), (16, 1, 4194304, 2.770, 10, 0.167),
                                                 (64, 8, 1048576, 0.750, 60, 1.394), (16, 8, 1048576, 0.402, 60, 0.535)):
    got = model.exchange(floats, sums, ranks, {**parameters["hosts"]["smpi"], "ranks_per_host": per_host}, parameters["networks"]["smpi"])
    equal(f"{ranks} ranks, {per_host} a host", 1e3 * got[0], ms, 0.05)
    equal(f"{ranks} ranks, {per_host} a host, small sums", 1e3 * got[1], small, 0.05)

# check.py finds the parameters from which measurements come, and the errors of rows of a table.
wire = {**SLOW, "in_order": True}
for hosts, host, network in (2, FREE, wire), (1, {**FREE, "ranks_per_host": 2, "rank_GBs": 10}, SLOW):
    measured = {"ranks": 2, "hosts": hosts, "start_us": 0, "poll_us": 0, "multiply_us": [1, 2], "sums_bytes_us": [[8 << 2 * i, 10 + 8e-3 * 4 ** i] for i in range(9)],
                "gradients_floats_us": [[count, 1e6 * model.exchange(count, 0, 2, host, network)[0]] for count in (16, 1 << 22)]}
    found, link = check.surroundings(measured, 0.1)
    equal("speed of a core", found["core_speed"], 0.5)
    equal(f"rate, {hosts} hosts", link["gbit"] if hosts == 2 else found["rank_GBs"], 8 if hosts == 2 else 10, 0.01)
with tempfile.TemporaryDirectory() as folder:
    table, out = os.path.join(folder, "smpi.tsv"), os.path.join(folder, "check")
    with open(table, "w") as file:
        print(*"platform ranks_per_host ranks options floats gradients_ms sums sums_ms".split(), sep="\t", file=file)
        print("flat", 1, 64, "", 1048576, 0.952, 60, 3.014, sep="\t", file=file)
        print("fattree", 1, 64, "", 1048576, 0.952, 60, 3.014, sep="\t", file=file)
    check.main(table, out)
    with open(out + ".tsv") as file:
        errors = [float(row.split("\t")[4]) for row in file.read().splitlines()[1:]]
    if len(errors) != 2 or abs(errors[0]) > 1 or abs(errors[1] + 50) > 1:
        faults.append(f"errors of a table: {errors}")

refused = subprocess.run([sys.executable, os.path.join(FOLDER, "predict.py"), "--profile", os.path.join(FOLDER, "parameters.json")], capture_output=True, text=True)
if refused.returncode != 1 or "not a profile of steps on one rank" not in refused.stderr:
    faults.append(f"another file as a profile: {refused}")
if faults:
    sys.exit("FAILED: " + "\n".join(faults))
print("ok")
