# SPDX-License-Identifier: MIT
"""An event model of a training step on many ranks: when gradients are ready, how their blocks pass through the stages of src/par, and what of it is waited for.

All ranks do the same at the same time, so one is followed: the slowest. Numbers of ranks and of ranks a host are powers of two, and every rank has one node of
the tree; other numbers take a little longer. Seconds, bytes, floats.
"""
import math
import statistics

BLOCK = 1 << 19  # include/dcpg/slices.h
LINE = 16
UNDER_WAY = 8  # blocks; src/par/sums_impl.h
FEW_RANKS, FEW_VALUES = 8, 2048  # exchange short arrays all at once; src/par/small_sums.c
AGREEMENT = 40  # bytes of src/train/epoch.c
ADAM_BYTES = 28  # read and written for each parameter
POLL_EVERY = 1e-4  # seconds; bench/scaling/smpi/simulated_sums.c


def log2(n):
    if n < 1 or n & (n - 1):
        raise ValueError(f"{n} is not a power of two")
    return n.bit_length() - 1


def blocks_of(total):
    """Length of a block of `total` floats (dcpg_slices_even)."""
    nb = -(-total // BLOCK)
    return -(-(-(-total // nb)) // LINE) * LINE if nb else 0


def by_size(table, size):
    """The value that a table [[from bytes, value]...] has for messages of `size`; a number is the same for all sizes."""
    if not isinstance(table, list):
        return table
    return [value for start, value in table if start <= size][-1]


def slowest(ranks, jitter):
    """How much longer than the mean the slowest of P ranks computes, if their times have the relative standard deviation `jitter` (expected largest of P normals, Blom 1958)."""
    if ranks == 1 or not jitter:
        return 1.0
    return 1 + jitter * statistics.NormalDist().inv_cdf((ranks - 0.375) / (ranks + 0.25))


class Network:
    """A rank's part of its host's card. Messages first take their latency, then share the bandwidth equally or pass in order. `host_ranks` ranks send at the same time."""

    def __init__(self, values, host_ranks):
        self.values, self.host_ranks = values, host_ranks
        self.at_once = 1 if values.get("in_order") else None
        self.now, self.flows, self.carried = 0.0, [], 0.0

    def send(self, at, size, local=False):
        """A message of `size` bytes that is handed over at `at`: [begins, seconds of work left, seconds at which it ended or None]."""
        v = self.values
        if local:
            end = at + v["memory_latency_us"] * 1e-6 + (size / (v["memory_GBs"] * 1e9) if v["memory_GBs"] else 0)
            return [end, 0.0, end]
        seconds = size * self.host_ranks / (v["gbit"] / 8 * 1e9 * by_size(v["efficiency"], size)) if v["gbit"] else 0.0
        flow = [at + 1e-6 * by_size(v["latency_us"], size), seconds, None]
        self.carried += seconds
        self.flows.append(flow)
        return flow

    def run(self, until):
        """Lets time pass."""
        while True:
            active = [flow for flow in self.flows if flow[0] <= self.now]
            for flow in active:
                if flow[1] <= 1e-15:
                    flow[2] = self.now
            self.flows = [flow for flow in self.flows if flow[2] is None]
            if self.now >= until:
                break
            active = [flow for flow in active if flow[2] is None][:self.at_once]
            later = [flow[0] for flow in self.flows if flow[0] > self.now]
            step = min([until - self.now] + [at - self.now for at in later] + [flow[1] * len(active) for flow in active])
            self.now += step
            for flow in active:
                flow[1] -= step / len(active)

    def next_end(self):
        """When a message will end if no other is sent."""
        return min((max(flow[0], self.now) + flow[1] for flow in self.flows), default=math.inf)


class Sums:
    """The exchange of gradients of one rank: src/par/sums.c and buckets.c."""

    def __init__(self, total, hosts, host_ranks, host, network):
        self.total, self.block = total, blocks_of(total)
        self.stages, self.host_ranks = log2(hosts), host_ranks
        self.host, self.network = host, network
        self.place = [None] * UNDER_WAY
        self.number, self.queue, self.pending = 0, [], None
        self.traffic = [0, 0.0]  # messages and bytes of this rank through the network
        self.sharded, self.gathers = host.get("shard_optimizer"), False

    # -- which blocks, when

    def enqueue(self, first, end):
        while end > first:
            start = max(first, (end - 1) // self.block * self.block)
            self.queue.append(end - start)
            end = start

    def hand_over(self, offset, count):
        if not count or self.stages == 0 and self.host_ranks == 1:
            return
        p = self.pending
        if p and offset + count != p[0] and offset != p[1]:
            self.enqueue(*p)
            p = None
        start, end = (offset, offset + count) if not p else (min(p[0], offset), max(p[1], offset + count))
        first, last = -(-start // self.block) * self.block, end if end == self.total else end // self.block * self.block
        self.pending = [start, end]
        if first < last:
            keep_end = first == start and last < end
            self.enqueue(first, last if keep_end else end)
            self.pending = [last, end] if keep_end else [start, first]
        if self.pending[0] == self.pending[1]:
            self.pending = None

    def flush(self):
        if self.pending:
            self.enqueue(*self.pending)
        self.pending = None

    # -- a block: [floats, phases still to come, message or time that it waits for]

    def memory(self, size):
        """Seconds in which every rank of a host moves `size` bytes, all at once."""
        each = min(self.host["rank_GBs"] or math.inf, (self.host["host_GBs"] or math.inf) / self.host_ranks)
        return size / (each * 1e9)

    def phases(self):
        host, between = self.host_ranks > 1, range(self.stages)
        back = [("gather", s) for s in reversed(between)]
        if self.gathers:  # of parameters, by messages within a host too
            return back + [("local", s) for s in reversed(range(log2(self.host_ranks)))]
        there = ["merge"] * host + [("reduce", s) for s in between]
        return there + (["left"] * host if self.sharded else back + ["copy", "left"] * host)

    def enter(self, at, bucket):
        """Enters the bucket's next phase; returns when the rank goes on."""
        floats, phases, _ = bucket
        if not phases:
            bucket[2] = None
        elif isinstance(phases[0], str):
            bucket[2] = at + 1e-6 * self.host["flag_us"]
        elif phases[0][0] == "local":
            at += 1e-6 * self.host["overhead_us"]
            bucket[2] = self.network.send(at, 4 * floats / 2 ** (phases[0][1] + 1), local=True)[2]
        else:
            size = 4 * floats / self.host_ranks / 2 ** (phases[0][1] + 1)
            at += 1e-6 * self.host["overhead_us"]
            self.traffic[0] += 1
            self.traffic[1] += size
            bucket[2] = self.network.send(at, size)
        return at

    def leave(self, at, bucket):
        """Does what follows the bucket's phase."""
        floats, phases, _ = bucket
        phase, h = phases.pop(0), self.host_ranks
        if phase == "merge":  # a part of the gradients of every rank is read, and that of one written
            at += self.memory(4 * floats / h * (h + 1))
        elif phase == "copy":
            at += self.memory(4 * floats / h * (h - 1) * 2)
        elif phase != "left" and phase[0] == "reduce":
            at += self.memory(3 * 4 * floats / h / 2 ** (phase[1] + 1))
        return self.enter(at, bucket)

    @staticmethod
    def ended(bucket):
        """When what a bucket waits for has happened; None: not known yet."""
        return bucket[2][2] if isinstance(bucket[2], list) else bucket[2]

    def advance(self, at):
        """dcpg_sums_advance at `at`; returns when the rank goes on."""
        for i, bucket in enumerate(self.place):
            while bucket and bucket[2] is not None and (end := self.ended(bucket)) is not None and end <= at:
                at = self.leave(at, bucket)
                self.network.run(at)
            if bucket and bucket[2] is None:
                self.place[i] = None
        while self.queue and self.place[self.number % UNDER_WAY] is None:
            bucket = [self.queue.pop(0), self.phases(), None]
            at = self.enter(at, bucket)
            self.network.run(at)
            self.place[self.number % UNDER_WAY] = bucket
            self.number += 1
        return at

    def busy(self):
        return bool(self.queue) or any(self.place)

    def next_end(self):
        flags = [bucket[2] for bucket in self.place if bucket and not isinstance(bucket[2], list)]
        return min(flags + [self.network.next_end()])


class Step:
    """One step of a rank: follows it through time."""

    def __init__(self, total, ranks, host, network):
        host_ranks = min(ranks, host["ranks_per_host"])
        log2(host_ranks)
        self.host, self.ranks, self.host_ranks = host, ranks, host_ranks
        self.network = Network(network, host_ranks)
        self.sums = Sums(total, ranks // host_ranks, host_ranks, host, self.network)
        self.now, self.spent = 0.0, {}

    def note(self, what, since):
        self.spent[what] = self.spent.get(what, 0.0) + self.now - since

    def compute(self, seconds, what, polls=0):
        """Computes, and looks at the sums `polls` times, at the end last; what they take counts as "handling"."""
        for _ in range(max(polls, 1)):
            began = self.now
            self.now += seconds / max(polls, 1)
            self.network.run(self.now)
            self.note(what, began)
            if polls:
                self.poll()

    def poll(self):
        began = self.now
        self.now = self.sums.advance(self.now)
        self.network.run(self.now)
        self.note("handling sums", began)

    def wait_until(self, done):
        """Polls without computing until `done` holds."""
        while not done():
            at = self.sums.next_end()
            if at == math.inf:
                raise RuntimeError("waits for nothing")
            self.now = max(self.now + 1e-6 * self.host["poll_us"], at)
            self.network.run(self.now)
            self.now = self.sums.advance(self.now)
            self.network.run(self.now)

    def small_sum(self, size, what):
        """Recursive doubling over all ranks, within the hosts, then between them; or one message to each of few ranks (src/par/small_sums.c)."""
        began = self.now
        if self.ranks <= FEW_RANKS and self.ranks * size <= 8 * FEW_VALUES:
            self.exchange([r < self.host_ranks for r in range(1, self.ranks)], size)
        else:
            for stage in range(log2(self.ranks)):
                self.exchange([stage < log2(self.host_ranks)], size)
        self.note(what, began)

    def exchange(self, local, size):
        """Sends messages, to ranks of this host (True) or others, and waits until they have arrived."""
        flows = []
        for on_host in local:
            self.now += 1e-6 * self.host["overhead_us"]
            self.network.run(self.now)
            flows.append(self.network.send(self.now, size, local=on_host))
        for flow in flows:
            if flow[2] is not None:
                self.now = max(self.now, flow[2])
                self.network.run(self.now)
            self.wait_until(lambda flow=flow: flow[2] is not None and flow[2] <= self.now)

    def wait_for_sums(self):
        """Until all sums have ended; with sharding later called again, to gather parameters."""
        began = self.now
        if self.sums.gathers:
            self.sums.enqueue(0, self.sums.total)
        self.sums.flush()
        self.now = self.sums.advance(self.now)
        self.network.run(self.now)
        self.wait_until(lambda: not self.sums.busy())
        self.note("gradients' sums", began)


def exchange(floats, sums, ranks, host, network, ready=()):
    """Seconds of the sum of `floats` floats that are all there, or of its parts (offset, count, seconds until they are there), and of `sums` small sums of 512 doubles, as
    bench/scaling/smpi/run.sh times them."""
    step = Step(floats, ranks, host, network)
    for offset, count, seconds in ready or [(0, floats, 0.0)]:
        if seconds > step.now:
            step.compute(seconds - step.now, "compute", math.ceil((seconds - step.now) / POLL_EVERY))
        step.sums.hand_over(offset, count)
        step.poll()
    step.wait_for_sums()
    small = Step(floats, ranks, host, network)
    for _ in range(sums):
        small.small_sum(512 * 8, "sums")
    return step.now, small.now


def undisturbed(profile):
    """Of the seconds of a profile, the part in which one thread computed: less than 1 where other programs took the core."""
    seconds = profile["seconds"]
    return min(1.0, seconds["processor"]["mean"] / seconds["steps"]["mean"]) if profile["threads"] == 1 else 1.0


def seconds_per_step(profile, key):
    return undisturbed(profile) * profile["seconds"][key]["mean"] / profile["steps"]


def rest_per_step(profile):
    """What of a step no part accounts for."""
    return max(0.0, seconds_per_step(profile, "steps") - sum(seconds_per_step(profile, key) for key in ("compute", "data", "scores", "sums", "optimiser", "agreeing")))


def speed_of(host, profile):
    """How much faster a rank computes than that of the profile."""
    threads, measured = host["threads"], profile["threads"]
    return threads / measured * (host["thread_efficiency"] if threads > measured else 1) * host.get("core_speed", 1)


def ready_times(profile, sites, host):
    """When a backward pass over `sites` sites of a rank has which gradients: (offset, count, seconds)."""
    part, at, ready = undisturbed(profile) / profile["steps"] * sites / profile["batch"] / speed_of(host, profile), 0.0, []
    for op in reversed(profile["operations"]):
        at += op["backward"] * part
        if op["gradients"][1]:
            ready.append((*op["gradients"], at))
    return ready


def train_step(profile, ranks, batch, host, network):
    """The Step of a training with a global batch, made of a profile of one rank. What takes a time for each sample, and the optimiser, is divided by threads x their efficiency."""
    speed = speed_of(host, profile)
    rows = batch / ranks / profile["batch"] / speed * slowest(ranks, host["jitter"])  # samples of a rank, as a part of the profile's step
    leaves = max(1, profile["virtual_ranks"] // ranks)
    step = Step(profile["trained"], ranks, host, network)
    ops, part = profile["operations"], undisturbed(profile) / profile["steps"] * rows
    for op in ops:
        step.compute((op["mean"] - op["backward"]) * part, "compute")
        if op["summed"]:
            step.small_sum(8 * op["summed"], "batch norm's sums")
    step.compute(seconds_per_step(profile, "scores") * rows, "losses")
    for op in reversed(ops):
        seconds, leaf = op["backward"] * part, leaves if op["gradients"][1] else 0
        if op["summed"]:  # its sums need one pass over its data, and the rest another
            step.compute(seconds / 2, "compute", leaf)
            step.small_sum(8 * op["summed"], "batch norm's sums")
            seconds, leaf = seconds / 2, 0
        step.compute(seconds, "compute", leaf)
        step.sums.hand_over(*op["gradients"])
        step.poll()
    step.compute(seconds_per_step(profile, "data") * rows, "data")
    step.wait_for_sums()
    owned = 1 / ranks if host.get("shard_optimizer") else 1
    step.compute(owned * max(seconds_per_step(profile, "optimiser") / speed, step.sums.memory(ADAM_BYTES * profile["trained"])), "optimiser")
    if host.get("shard_optimizer") and ranks > 1:
        step.sums.gathers = True
        step.wait_for_sums()
    step.small_sum(AGREEMENT, "agreeing")
    step.compute(rest_per_step(profile), "rest")
    return step
