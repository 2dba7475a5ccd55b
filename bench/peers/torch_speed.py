# SPDX-License-Identifier: MIT
"""Speed of a model.json in PyTorch: samples per second of training steps (Adam) and of predictions, medians, and the number of parameters.

    torch_speed.py MODEL.json BATCH THREADS SECONDS
"""
import json
import statistics
import sys
import time

import torch
from keras_torch import Model


def main():
    batch, threads, seconds = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with open(sys.argv[1], encoding="ascii") as file:
        model = Model(json.load(file))
    optimiser = torch.optim.Adam(model.parameters(), 1e-4)
    inputs = {name: torch.rand(batch, channels, steps) for name, (channels, steps) in model.inputs.items()}
    bases = torch.randint(0, 4, (batch, model.inputs["dna"][1])) if "dna" in inputs else None
    outputs = model.head.out_features
    label, weight = torch.randint(0, 2, (batch, outputs)).float(), (torch.rand(batch, outputs) < 0.3).float()

    def step(train):
        if bases is not None:  # as both programs start from bases
            inputs["dna"] = torch.nn.functional.one_hot(bases, 4).float().transpose(1, 2).contiguous()
        logits = model(inputs)
        if not train:
            return torch.sigmoid(logits)
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(logits, label, weight).backward()
        return optimiser.step()

    found = {"parameters": sum(p.numel() for p in model.parameters())}
    for mode in "train", "predict":
        model.train(mode == "train")
        took, started = [], time.perf_counter()
        with torch.set_grad_enabled(mode == "train"):
            step(mode == "train")  # cold
            while len(took) < 3 or time.perf_counter() - started < seconds:
                before = time.perf_counter()
                step(mode == "train")
                took.append(time.perf_counter() - before)
        found[mode] = batch / statistics.median(took)
    print(json.dumps(found))


main()
