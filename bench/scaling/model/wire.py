# SPDX-License-Identifier: MIT
"""A wire between two network namespaces that delays packets and limits their rate, for kernels without netem: a device in each, whose packets pass through this program.

    wire.py NAMESPACE NAMESPACE MBIT MS       addresses 10.78.0.1 and 10.78.0.2; prints "up", and runs until it is ended. Needs root.
"""
import collections
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI, PR_SET_TIMERSLACK = 0x40000000, 0x400454CA, 1, 0x1000, 29
MTU = 16000
libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "cannot enter a namespace")


def end(namespace, address):
    """The device of one namespace, open for packets."""
    with open(f"/run/netns/{namespace}") as file:
        enter(file)
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"wire0", IFF_TUN | IFF_NO_PI))
    for words in (["address", "add", f"{address}/24", "dev", "wire0"], ["link", "set", "wire0", "up", "mtu", str(MTU)]):
        subprocess.run(["ip", *words], check=True)
    return device


def relay(ends, seconds_per_byte, delay):
    """Packets take their turn, then the delay. TCP's windows limit how many wait."""
    waiting, free = [collections.deque(), collections.deque()], [0.0, 0.0]
    while True:
        due = min((queue[0][0] for queue in waiting if queue), default=None)
        ready = select.select(ends, [], [], due and max(0.0, due - time.monotonic()))[0]
        now = time.monotonic()
        for side in 0, 1:
            if ends[side] in ready:
                packet = os.read(ends[side], 1 << 16)
                free[side] = max(now, free[side]) + len(packet) * seconds_per_byte
                waiting[side].append((free[side] + delay, packet))
            while waiting[side] and waiting[side][0][0] <= now:
                os.write(ends[1 - side], waiting[side].popleft()[1])


def main(first, second, mbit, ms):
    libc.prctl(PR_SET_TIMERSLACK, 1)
    os.nice(-20)
    with open("/proc/self/ns/net") as home:
        ends = [end(first, "10.78.0.1"), end(second, "10.78.0.2")]
        enter(home)
    print("up", flush=True)
    relay(ends, 8 / (float(mbit) * 1e6), float(ms) * 1e-3)


main(*sys.argv[1:])
