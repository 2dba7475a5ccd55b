# SPDX-License-Identifier: MIT
"""What layers compute, in PyTorch: Keras 2.2's definitions.  x is [sample][time][channel] or [sample][channel]; weights are laid out as in Keras files."""
import torch
import torch.nn.functional as F

BN_EPSILON, BN_MOMENTUM = 1e-3, 0.99


class Edges:
    """How close values come to where a gradient jumps, relative to a layer's values: there rounding decides between two correct results."""
    nearest = float('inf')

    @classmethod
    def add(cls, distance, x):
        cls.nearest = min(cls.nearest, (distance.min() / x.square().mean().sqrt()).item())


def relu(x):
    Edges.add(x.detach().abs(), x.detach())
    return torch.relu(x)


def hard_sigmoid(x):
    y = 0.2 * x + 0.5
    Edges.add(torch.minimum(y.abs(), (y - 1).abs()).detach(), y.detach())
    return torch.clamp(y, 0, 1)


ACTIVATIONS = {
    'linear': lambda x: x,
    'relu': relu,
    'sigmoid': torch.sigmoid,
    'hard_sigmoid': hard_sigmoid,
    'softmax': lambda x: torch.softmax(x, -1),
    'scaled_sigmoid': lambda x: 0.251 * torch.sigmoid(x),
}


def same_padding(length, k, stride, dilation):
    """Zeros that TensorFlow puts left and right of a sequence for padding 'same'."""
    out = -(-length // stride)
    total = max((out - 1) * stride + (k - 1) * dilation + 1 - length, 0)
    return total // 2, total - total // 2


def conv(x, w, stride=1, dilation=1, same=False):
    """kernel [k][in][out]"""
    x = x.transpose(1, 2)
    if same:
        x = F.pad(x, same_padding(x.shape[-1], w['kernel'].shape[0], stride, dilation))
    return F.conv1d(x, w['kernel'].permute(2, 1, 0), w['bias'], stride, 0, dilation).transpose(1, 2)


def dense(x, w):
    """On the last axis; kernel [in][out]"""
    return x @ w['kernel'] + w['bias']


def max_pool(x, size):
    """Windows side by side; a rest shorter than a window is dropped."""
    n, t, c = x.shape
    x = x[:, :t // size * size].reshape(n, t // size, size, c)
    gap = -torch.diff(x.detach().topk(2, 2).values, dim=2)
    Edges.add(torch.where(gap > 1e-12, gap, 1), x.detach())    # equal values, as of equal DNA: either will do
    return x.max(2).values


def batch_norm(x, w, batch):
    """batch: normalise by the batch (biased variance) and also return what the moving statistics become, else by those."""
    if not batch:
        mean, var, moved = w['moving_mean'], w['moving_variance'], {}
    else:
        axes = tuple(range(x.dim() - 1))
        count = x[..., 0].numel()
        mean, var = x.mean(axes), x.var(axes, unbiased=False)
        moved = {'moving_mean': moving(w['moving_mean'], mean), 'moving_variance': moving(w['moving_variance'], var * count / (count - (1 + BN_EPSILON)))}
    return (x - mean) / torch.sqrt(var + BN_EPSILON) * w['gamma'] + w['beta'], moved


def moving(average, value):
    return (BN_MOMENTUM * average + (1 - BN_MOMENTUM) * value).detach()


def gru(x, w, recurrent, reset_after):
    """One direction, all states [sample][time][unit].  kernel [in][3u], recurrent_kernel [u][3u], bias [3u] or, reset after, [2][3u]; gates z, r, h."""
    units = w['recurrent_kernel'].shape[0]
    bias, inner_bias = (w['bias'][0], w['bias'][1]) if reset_after else (w['bias'], 0)
    inputs = x @ w['kernel'] + bias
    h = x.new_zeros(len(x), units)
    states = []
    for t in range(x.shape[1]):
        xz, xr, xh = inputs[:, t].split(units, 1)
        if reset_after:
            hz, hr, hh = (h @ w['recurrent_kernel'] + inner_bias).split(units, 1)
            z, r = recurrent(xz + hz), recurrent(xr + hr)
            candidate = torch.tanh(xh + r * hh)
        else:
            uz, ur, uh = w['recurrent_kernel'].split(units, 1)
            z, r = recurrent(xz + h @ uz), recurrent(xr + h @ ur)
            candidate = torch.tanh(xh + (r * h) @ uh)
        h = z * h + (1 - z) * candidate
        states.append(h)
    return torch.stack(states, 1)


def bidirectional_gru(x, w, sequences, recurrent, reset_after):
    """Forward and backward states, concatenated: all in the input's order, or the last one of each direction."""
    one, other = ({name[len(side):]: value for name, value in w.items() if name.startswith(side)} for side in ('forward/', 'backward/'))
    ahead = gru(x, one, recurrent, reset_after)
    back = gru(x.flip(1), other, recurrent, reset_after)
    if sequences:
        return torch.cat([ahead, back.flip(1)], -1)
    return torch.cat([ahead[:, -1], back[:, -1]], -1)
