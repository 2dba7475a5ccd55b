# SPDX-License-Identifier: MIT
"""Losses of the outputs, as Keras 2.2 computes them on TensorFlow."""
import numpy as np
import torch

MISSING_WEIGHT = 1e-7
LOWEST, HIGHEST = float(np.float32(1e-7)), float(np.float32(1) - np.float32(1e-7))    # where probabilities are clipped, in float32


def binary(p, y):
    p = torch.clamp(p[:, 0], LOWEST, HIGHEST)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


def squared(p, y):
    return (p[:, 0] - y) ** 2


def categorical(p, y):
    """y: class, or -1 for none."""
    p = torch.clamp(p / p.sum(1, keepdim=True), LOWEST, HIGHEST)
    return -(torch.log(p) * (y[:, None] == torch.arange(p.shape[1]))).sum(1)


def loss_of(output):
    """The loss that belongs to the name of an output."""
    parts = output.split('/')
    if parts[0] == 'cpg':
        return binary
    if parts[0] == 'bulk' or parts[-1] in ('mean', 'var', 'entropy'):
        return squared
    return categorical if parts[-1] == 'cat_var' else binary


def nb_class(output):
    """Number of classes with weights of their own; 0: every observed label weighs 1."""
    parts = output.split('/')
    if parts[0] == 'cpg' or parts[-1] in ('mode', 'diff', 'cat2_var'):
        return 2
    return 3 if parts[-1] == 'cat_var' else 0


def sample_weights(output, y, class_weight):
    """Weights of the samples with labels y (-1: missing)."""
    weight = np.ones_like(y)
    for label in range(nb_class(output)):
        weight[y == label] = class_weight[label]
    weight[y == -1] = MISSING_WEIGHT
    return weight
