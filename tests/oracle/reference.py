# SPDX-License-Identifier: MIT
"""Runs a graph: predictions, losses, gradients, steps of Adam.  Everything in double precision, from float32 weights and inputs."""
import dataclasses

import numpy as np
import torch

import layers
import losses

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7


@dataclasses.dataclass
class Batch:
    """inputs: name -> array, dna as one-hot; labels and sample weights: output -> [sample]; output weights: output -> number."""
    inputs: dict
    labels: dict
    sample_weights: dict
    output_weights: dict


def one_hot(codes):
    """[...][4] of codes A0 T1 G2 C3; N4 is all zeros."""
    return (np.asarray(codes)[..., None] == np.arange(4)).astype(np.float32)


def tensor(value):
    return torch.tensor(np.asarray(value), dtype=torch.float64)


class Reference:
    """A graph with weights: `weights` maps LAYER/WEIGHT to tensors."""

    def __init__(self, graph, weights, l1, l2):
        self.graph, self.l1, self.l2 = graph, l1, l2
        self.weights = {name: tensor(value) for name, value in weights.items()}
        self.penalised = [f'{layer.name}/{name}' for layer in graph.layers for name in layer.penalised]
        self.state = [f'{layer.name}/{name}' for layer in graph.layers for name in layer.state]
        self.trained = [name for name in self.weights if name not in self.state]
        for name in self.trained:
            self.weights[name].requires_grad_()

    def forward(self, inputs, training):
        """Predictions {output: [sample][unit]}, and the moving statistics as they become {name: tensor}."""
        values, moved = {}, {}
        for layer in self.graph.layers:
            if layer.kind == 'input':
                values[layer.name] = tensor(inputs[layer.name])
                continue
            w = {name: self.weights[f'{layer.name}/{name}'] for name in layer.weights}
            y, update = apply(layer, [values[source.name] for source in layer.sources], w, training)
            values[layer.name] = y
            moved.update({f'{layer.name}/{name}': value for name, value in update.items()})
        return {head.name: values[head.name] for head in self.graph.outputs}, moved

    def predict(self, inputs, training=False):
        with torch.no_grad():
            return {name: value.numpy() for name, value in self.forward(inputs, training)[0].items()}

    def losses(self, predictions, batch):
        """Mean over the samples of weight * loss {output: number}."""
        return {name: (tensor(batch.sample_weights[name]) * losses.loss_of(name)(p, tensor(batch.labels[name]))).mean()
                for name, p in predictions.items()}

    def penalty(self):
        return sum((self.l1 * self.weights[name].abs().sum() + self.l2 * (self.weights[name] ** 2).sum() for name in self.penalised), tensor(0))

    def gradients(self, batch, with_penalty=False):
        """Losses, gradients {name: tensor} of their weighted sum, and the moving statistics as they become; training mode."""
        predictions, moved = self.forward(batch.inputs, training=True)
        each = self.losses(predictions, batch)
        total = sum(batch.output_weights[name] * loss for name, loss in each.items())
        if with_penalty:
            total = total + self.penalty()
        grads = torch.autograd.grad(total, [self.weights[name] for name in self.trained])
        return {name: loss.item() for name, loss in each.items()}, dict(zip(self.trained, grads)), moved

    def adam(self, batch, steps, rate):
        """Steps of Adam, in Keras's form, on one batch.  Returns the smallest |gradient with penalty| over the steps {name: array}."""
        m = {name: torch.zeros_like(self.weights[name]) for name in self.trained}
        v = {name: torch.zeros_like(self.weights[name]) for name in self.trained}
        smallest = {name: torch.full_like(self.weights[name], np.inf).detach() for name in self.weights}
        for step in range(1, steps + 1):
            _, grads, moved = self.gradients(batch, with_penalty=True)
            step_rate = rate * (1 - BETA2 ** step) ** 0.5 / (1 - BETA1 ** step)
            with torch.no_grad():
                for name, g in grads.items():
                    m[name] = BETA1 * m[name] + (1 - BETA1) * g
                    v[name] = BETA2 * v[name] + (1 - BETA2) * g ** 2
                    self.weights[name] -= step_rate * m[name] / (v[name].sqrt() + EPSILON)
                    smallest[name] = torch.minimum(smallest[name], g.abs())
            self.weights.update(moved)
        return {name: value.numpy() for name, value in smallest.items()}

    def values(self):
        return {name: value.detach().numpy().copy() for name, value in self.weights.items()}


def apply(layer, sources, w, training):
    """Output of a layer, and its moving statistics as they become."""
    x, options = sources[0], layer.options
    if layer.kind == 'batch_norm':
        return layers.batch_norm(x, w, training)
    if layer.kind == 'conv':
        y = layers.conv(x, w, **options)
    elif layer.kind == 'dense':
        y = layers.ACTIVATIONS[options['activation']](layers.dense(x, w))
    elif layer.kind == 'activation':
        y = layers.ACTIVATIONS[options['activation']](x)
    elif layer.kind == 'max_pool':
        y = layers.max_pool(x, options['size'])
    elif layer.kind == 'gru':
        y = layers.bidirectional_gru(x, w, options['sequences'], layers.ACTIVATIONS[options['recurrent']], options['reset_after'])
    else:
        y = SHAPING[layer.kind](sources)
    return y, {}


SHAPING = {
    'flatten': lambda sources: sources[0].flatten(1),
    'mean': lambda sources: sources[0].mean(1),
    'concat': lambda sources: torch.cat(sources, -1),
    'sum': sum,
    'dropout': lambda sources: sources[0],
}
