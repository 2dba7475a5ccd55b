# SPDX-License-Identifier: MIT
"""Numbers that a name and an index determine, so that weights and inputs take no space in the fixtures.

value(name, draw, index) comes from word index % 4 of Philox4x32-10 (Salmon et al., SC 2011) with
    key     = the lower and the upper 32 bits of the FNV-1a hash (64 bits) of the name
    counter = index / 4, 0, draw, 0
and uniform = (word + 0.5) / 2^32 lies in (0, 1).  `draw` tells apart several sets of numbers of one name.
"""
import math

import numpy as np

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
MULTIPLIER = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = 0x9E3779B9, 0xBB67AE85


def fnv1a(text):
    """64-bit FNV-1a hash of a string's bytes."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def philox(key, counter):
    """Philox4x32-10: key of two words, counter of four (arrays of one shape); returns the four words, stacked last."""
    c = [np.asarray(word, np.uint64) for word in counter]
    k = list(key)
    for _ in range(10):
        a, b = c[0] * MULTIPLIER[0], c[2] * MULTIPLIER[1]
        c = [(b >> SHIFT) ^ c[1] ^ np.uint64(k[0]), b & MASK, (a >> SHIFT) ^ c[3] ^ np.uint64(k[1]), a & MASK]
        k = [(word + weyl) % 2**32 for word, weyl in zip(k, WEYL)]
    return np.stack(c, -1)


def uniform(name, draw, shape):
    """Numbers in (0, 1) of `name`, float64; the index runs over `shape` in row-major order."""
    size = math.prod(shape)
    block = np.arange((size + 3) // 4, dtype=np.uint64)
    zero = np.zeros_like(block)
    key = fnv1a(name)
    word = philox((key % 2**32, key >> 32), (block, zero, zero + np.uint64(draw), zero))
    return (word.reshape(-1)[:size].astype(np.float64) + 0.5).reshape(shape) / 2**32


def weight(name, draw, shape):
    """A weight called LAYER/WEIGHT: centre + scale * (2 * uniform - 1), rounded to float32.

    kernel, recurrent_kernel   centre 0, scale sqrt(6 / (fan in + fan out)); the fans are the last two extents times all others
    gamma, moving_variance     centre 1, scale 0.5
    bias, beta, moving_mean    centre 0, scale 0.1
    """
    centre, scale = 0.0, 0.1
    kind = name.rsplit('/', 1)[-1]
    if kind in ('kernel', 'recurrent_kernel'):
        scale = math.sqrt(6 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    elif kind in ('gamma', 'moving_variance'):
        centre, scale = 1.0, 0.5
    return (centre + scale * (2 * uniform(name, draw, shape) - 1)).astype(np.float32)


def dna(draw, samples, wlen):
    """Codes A0 T1 G2 C3 N4 of windows [samples][wlen] from `dna`: floor(4.2 * uniform), so about 5 % are N."""
    return np.floor(4.2 * uniform('dna', draw, (samples, wlen))).astype(np.uint8)


def cpg(draw, samples, cells, wlen):
    """Neighbours [samples][cells][2 * wlen], float32: states floor(3 * uniform) / 2 from `cpg/state`, then distances uniform from `cpg/dist`."""
    shape = samples, cells, wlen
    state = np.floor(3 * uniform('cpg/state', draw, shape)) / 2
    return np.concatenate([state, uniform('cpg/dist', draw, shape)], -1).astype(np.float32)
