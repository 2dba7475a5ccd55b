# SPDX-License-Identifier: MIT
"""A model.json of dcpg as a PyTorch module: the same layers with the same shapes, as PyTorch runs them best."""
import torch
from torch import nn

ACTIVATIONS = {"linear": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Conv(nn.Module):
    """Keras' Conv1D; samples are [n][channels][time] here."""

    def __init__(self, config, channels):
        super().__init__()
        kernel, stride, dilation = config["kernel_size"][0], config["strides"][0], config["dilation_rate"][0]
        self.reach = dilation * (kernel - 1) + 1 if config["padding"] == "same" else 0
        self.stride = stride
        self.conv = nn.Conv1d(channels, config["filters"], kernel, stride=stride, dilation=dilation, bias=config["use_bias"])

    def forward(self, x):
        if self.reach:  # as TensorFlow pads
            steps = x.shape[2]
            need = max((-(-steps // self.stride) - 1) * self.stride + self.reach - steps, 0)
            x = nn.functional.pad(x, (need // 2, need - need // 2))
        return self.conv(x)


class Gru(nn.Module):
    """Bidirectional GRU over time, both directions side by side."""

    def __init__(self, config, channels):
        super().__init__()
        layer = config["layer"]["config"]
        self.gru = nn.GRU(channels, layer["units"], batch_first=True, bidirectional=True)
        self.sequences = layer["return_sequences"]

    def forward(self, x):
        y, last = self.gru(x.transpose(1, 2).contiguous())
        return y.transpose(1, 2) if self.sequences else torch.cat((last[0], last[1]), 1)


class TimeDense(nn.Module):
    """The dense layers of a TimeDistributed model, on every cell."""

    def __init__(self, config, channels):
        super().__init__()
        steps = []
        for layer in config["layer"]["config"]["layers"]:
            if layer["class_name"] == "Dense":
                steps.append(nn.Linear(channels, layer["config"]["units"]))
                channels = layer["config"]["units"]
            if layer["class_name"] in ("Dense", "Activation"):
                steps.append(ACTIVATIONS[layer["config"]["activation"]]())
        self.steps = nn.Sequential(*steps)

    def forward(self, x):
        return self.steps(x.transpose(1, 2)).transpose(1, 2)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *x):
        return self.function(*x)


def make_layer(kind, config, shape):
    """The module for a layer whose (first) input has this shape, [channels][time] or [channels]."""
    channels = shape[1]
    if kind == "Conv1D":
        return nn.Sequential(Conv(config, channels), ACTIVATIONS[config["activation"]]())
    if kind == "Dense":
        return nn.Sequential(nn.Linear(channels, config["units"]), ACTIVATIONS[config["activation"]]())
    if kind == "BatchNormalization":
        return nn.BatchNorm1d(channels, config["epsilon"], 1 - config["momentum"])
    if kind == "Activation":
        return ACTIVATIONS[config["activation"]]()
    if kind == "MaxPooling1D":
        return nn.MaxPool1d(config["pool_size"][0], config["strides"][0], ceil_mode=config["padding"] == "same")
    makers = {
        "Bidirectional": lambda: Gru(config, channels),
        "TimeDistributed": lambda: TimeDense(config, channels),
        "Flatten": nn.Flatten,
        "Dropout": lambda: nn.Dropout(config["rate"]),
        "GlobalAveragePooling1D": lambda: Function(lambda x: x.mean(2)),
        "Concatenate": lambda: Function(lambda *x: torch.cat(x, 1)),
        "Add": lambda: Function(lambda *x: sum(x[1:], x[0])),
    }
    return makers[kind]()


class Model(nn.Module):
    """Inputs by name, each [n][channels][time]; the logits of all outputs [n][outputs]: heads are one layer, as anybody would write them."""

    def __init__(self, config):
        super().__init__()
        config = config["config"]
        heads = [name for name, *_ in config["output_layers"]]
        self.inputs, self.order, shapes = {}, [], {}
        self.layers = nn.ModuleList()
        for layer in config["layers"]:
            name, kind, about = layer["name"], layer["class_name"], layer["config"]
            if kind == "InputLayer":
                _, time, channels = about["batch_input_shape"]
                self.inputs[name], shapes[name] = (channels, time), (1, channels, time)
                continue
            sources = [source[0] for source in layer["inbound_nodes"][0]]
            if name in heads:
                self.top = sources[0]
                continue
            module = make_layer(kind, about, shapes[sources[0]])
            with torch.no_grad():
                shapes[name] = tuple(module.eval()(*(torch.zeros(shapes[source]) for source in sources)).shape)
            self.order.append((name, sources))
            self.layers.append(module)
        self.head = nn.Linear(shapes[self.top][1], len(heads))

    def forward(self, inputs):
        values = dict(inputs)
        for (name, sources), layer in zip(self.order, self.layers):
            values[name] = layer(*(values[source] for source in sources))
        return self.head(values[self.top])
