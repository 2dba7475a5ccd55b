# SPDX-License-Identifier: MIT
"""The zoo as graphs of layers, named and numbered as Keras 2.2 and DeepCpG 1.0.7 name them."""
import collections
import dataclasses


@dataclasses.dataclass
class Layer:
    """A layer and its output's extent: [length][channels], or [channels] where length is 0."""
    name: str
    kind: str
    sources: list
    length: int
    channels: int
    options: dict
    weights: dict = dataclasses.field(default_factory=dict)    # name -> shape
    penalised: tuple = ()                                      # names of the weights that l1 and l2 apply to
    state: tuple = ()                                          # names of those that are not trained


class Graph:
    """Layers in topological order.  Unnamed layers are numbered per class over the whole model; `scope` goes in front of the name."""

    def __init__(self, recurrent_activation='hard_sigmoid', reset_after=False):
        self.layers, self.outputs = [], []
        self.scope = ''
        self.counts = collections.Counter()
        self.gru_options = {'recurrent': recurrent_activation, 'reset_after': reset_after}

    def count(self, kind):
        self.counts[kind] += 1
        return f'{kind}_{self.counts[kind]}'

    def add(self, kind, sources, length, channels, name, weights=None, penalised=(), state=(), **options):
        layer = Layer(self.scope + name, kind, sources, length, channels, options, weights or {}, penalised, state)
        self.layers.append(layer)
        return layer

    def input(self, name, length, channels):
        layer = self.add('input', [], length, channels, name)
        layer.name = name
        return layer

    def conv(self, x, filters, k, stride=1, dilation=1, same=False, name=None):
        length = -(-x.length // stride) if same else (x.length - (k - 1) * dilation - 1) // stride + 1
        return self.add('conv', [x], length, filters, name or self.count('conv1d'), {'kernel': (k, x.channels, filters), 'bias': (filters,)}, ('kernel',),
                        stride=stride, dilation=dilation, same=same)

    def dense(self, x, units, name=None, penalised=('kernel',), activation='linear'):
        return self.add('dense', [x], x.length, units, name or self.count('dense'), {'kernel': (x.channels, units), 'bias': (units,)}, penalised,
                        activation=activation)

    def shared_dense(self, x, units):
        """The same dense layer and ReLU at every step: a model within a TimeDistributed layer, whose inner names are counted too."""
        self.count('dense'), self.count('activation')
        return self.dense(x, units, self.count('time_distributed'), activation='relu')

    def activation(self, x, kind, name=None):
        return self.add('activation', [x], x.length, x.channels, name or self.count('activation'), activation=kind)

    def pool(self, x, size, name=None):
        return self.add('max_pool', [x], x.length // size, x.channels, name or self.count('max_pooling1d'), size=size)

    def batch_norm(self, x, name=None):
        state = 'moving_mean', 'moving_variance'
        weights = {weight: (x.channels,) for weight in ('gamma', 'beta') + state}
        return self.add('batch_norm', [x], x.length, x.channels, name or self.count('batch_normalization'), weights, state=state)

    def flatten(self, x):
        return self.add('flatten', [x], 0, x.length * x.channels, self.count('flatten'))

    def mean(self, x):
        return self.add('mean', [x], 0, x.channels, self.count('global_average_pooling1d'))

    def gru(self, x, units, sequences=False):
        """Bidirectional."""
        bias = (2, 3 * units) if self.gru_options['reset_after'] else (3 * units,)
        weights = {'kernel': (x.channels, 3 * units), 'recurrent_kernel': (units, 3 * units), 'bias': bias}
        weights = {f'{side}/{name}': shape for side in ('forward', 'backward') for name, shape in weights.items()}
        self.count('gru')
        return self.add('gru', [x], x.length if sequences else 0, 2 * units, self.count('bidirectional'), weights, ('forward/kernel', 'backward/kernel'),
                        sequences=sequences, **self.gru_options)

    def concat(self, *sources):
        return self.add('concat', list(sources), sources[0].length, sum(x.channels for x in sources), self.count('concatenate'))

    def sum(self, *sources, name):
        return self.add('sum', list(sources), sources[0].length, sources[0].channels, name)

    def dropout(self, x):
        """Here of rate 0: the identity."""
        return self.add('dropout', [x], x.length, x.channels, self.count('dropout'))

    def hidden(self, x, units):
        return self.activation(self.dense(x, units), 'relu')


# --- DNA

def cnn(layers, hidden):
    """Convolutions (filters, length, pooling), each with ReLU, then a fully connected layer."""
    def build(g, x):
        x = conv_stack(g, x, layers)
        return g.dropout(g.hidden(g.flatten(x), hidden))
    return build


def conv_stack(g, x, layers):
    for filters, k, size in layers:
        x = g.pool(g.activation(g.conv(x, filters, k), 'relu'), size)
    return x


def cnn_rnn(g, x):
    return g.dropout(g.gru(conv_stack(g, x, [(128, 11, 4), (256, 7, 4)]), 256))


def residual(unit, stages, norm=True, dilate=False):
    """First convolution, stages (units, width) of residual units, mean.  The first unit of every stage has stride 2."""
    def build(g, x):
        x = g.conv(x, 128, 11, name='conv1')
        if norm:
            x = g.batch_norm(x, 'bn1')
        x = g.pool(g.activation(x, 'relu', 'act1'), 2, 'pool1')
        for stage, (units, width) in enumerate(stages, 1):
            for block in range(1, units + 1):
                x = unit(g, x, width, 2 if block == 1 else 1, 2 ** (block - 1) if dilate else 1, f'{stage:02d}-{block:02d}/')
        return g.dropout(g.mean(x))
    return build


def before_conv(g, x, name, number):
    return g.activation(g.batch_norm(x, f'{name}res_bn{number}'), 'relu', f'{name}res_act{number}')


def shortcut(g, x, width, stride, name, **conv):
    if stride == 1 and x.channels == width:
        return x
    return g.conv(x, width, stride=stride, name=name + 'id_conv1', **conv)


def bottleneck(g, x, width, stride, dilation, name):
    y = g.conv(before_conv(g, x, name, 1), width // 4, 1, stride, name=name + 'res_conv1')
    y = g.conv(before_conv(g, y, name, 2), width // 4, 3, dilation=dilation, same=True, name=name + 'res_conv2')
    y = g.conv(before_conv(g, y, name, 3), width, 1, name=name + 'res_conv3')
    return g.sum(shortcut(g, x, width, stride, name, k=1), y, name=name + 'merge')


def two_convs(g, x, width, stride, dilation, name):
    y = g.conv(before_conv(g, x, name, 1), width, 3, stride, dilation, same=True, name=name + 'res_conv1')
    y = g.conv(before_conv(g, y, name, 2), width, 3, same=True, name=name + 'res_conv2')
    return g.sum(shortcut(g, x, width, stride, name, k=3, same=True), y, name=name + 'merge')


L1, L2, L3 = [(128, 11, 4)], [(128, 11, 4), (256, 3, 2)], [(128, 11, 4), (256, 3, 2), (512, 3, 2)]
DEEP = [(3, 128), (3, 256), (3, 512), (1, 1024)]
DNA = {
    'CnnL1h128': cnn(L1, 128), 'CnnL1h256': cnn(L1, 256),
    'CnnL2h128': cnn(L2, 128), 'CnnL2h256': cnn(L2, 256),
    'CnnL3h128': cnn(L3, 128), 'CnnL3h256': cnn(L3, 256),
    'CnnRnn01': cnn_rnn,
    'ResNet01': residual(bottleneck, [(2, 128), (2, 256), (2, 512), (1, 1024)]),
    'ResNet02': residual(bottleneck, DEEP),
    'ResConv01': residual(two_convs, [(2, 128), (1, 256), (1, 256), (1, 512)]),
    'ResAtrous01': residual(bottleneck, DEEP, norm=False, dilate=True),
}


# --- CpG neighbours: time steps are cells

def fc_avg(g, x):
    return g.dropout(g.mean(g.shared_dense(x, 512)))


def rnn_l1(g, x):
    return g.dropout(g.gru(g.shared_dense(x, 256), 256))


def rnn_l2(g, x):
    return g.dropout(g.gru(g.gru(g.shared_dense(x, 256), 128, sequences=True), 256))


CPG = {'FcAvg': fc_avg, 'RnnL1': rnn_l1, 'RnnL2': rnn_l2}
JOINT = {'JointL0': 0, 'JointL1h512': 1, 'JointL2h512': 2, 'JointL3h512': 3}    # hidden layers of 512 units


# --- whole models

def dna_part(g, name, wlen):
    g.scope = 'dna/'
    return DNA[name](g, g.input('dna', wlen, 4))


def cpg_part(g, name, cells, wlen):
    g.scope = 'cpg/'
    inputs = [g.input(f'cpg/{half}', cells, wlen) for half in ('state', 'dist')]
    return CPG[name](g, g.concat(*inputs))


def joint_part(g, name, stems):
    g.scope = ''
    x = g.concat(*stems)
    g.scope = 'joint/'
    for _ in range(JOINT[name]):
        x = g.dropout(g.hidden(x, 512))
    return x


def heads(g, stem, outputs):
    """One head per output, by the last part of its name; its layer has the output's name."""
    g.scope = ''
    for name in outputs:
        kind = name.split('/')[-1]
        if kind == 'var':
            head = g.activation(g.dense(stem, 1, penalised=()), 'scaled_sigmoid', name)
        elif kind == 'cat_var':
            head = g.dense(stem, 3, name, (), 'softmax')
        else:
            head = g.dense(stem, 1, name, (), 'relu' if kind == 'entropy' else 'sigmoid')
        g.outputs.append(head)


def build(outputs, dna=None, dna_wlen=0, cpg=None, cells=0, cpg_wlen=0, joint=None, **gru):
    """The graph of a DNA model, a CpG model, or both joined, with a head for each of `outputs`."""
    g = Graph(**gru)
    stems = []
    if dna:
        stems.append(dna_part(g, dna, dna_wlen))
    if cpg:
        stems.append(cpg_part(g, cpg, cells, cpg_wlen))
    heads(g, stems[0] if len(stems) == 1 else joint_part(g, joint, stems), outputs)
    return g
