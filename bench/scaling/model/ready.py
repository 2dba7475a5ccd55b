# SPDX-License-Identifier: MIT
"""When a backward pass has which gradients, for bench/scaling/smpi/run.sh --profile: lines 'offset count ready-ms', from a profile of one rank (dcpg train --profile FILE).

    ready.py PROFILE.json SITES [HOST]      sites of a rank; HOST of parameters.json, default cluster
"""
import os
import sys

import model
import predict

path, sites, *host = sys.argv[1:]
hosts = predict.read(os.path.join(os.path.dirname(os.path.abspath(__file__)), "parameters.json"))["hosts"]
print(f"# {os.path.basename(path)}, {sites} sites a rank, host {(host or ['cluster'])[0]}: offset count ready-ms")
for offset, count, seconds in model.ready_times(predict.read(path), int(sites), hosts[(host or ["cluster"])[0]]):
    print(offset, count, f"{1e3 * seconds:.4f}")
