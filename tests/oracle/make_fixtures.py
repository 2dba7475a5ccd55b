# SPDX-License-Identifier: MIT
"""Writes fixtures/NAME.h5: what the reference computes for every model of the zoo (contents: README.md).

    python3 make_fixtures.py [NAME ...]        default: all
"""
import dataclasses
import pathlib
import sys

import h5py
import numpy as np
import torch

import draws
import layers
import losses
import models
import reference

SAMPLES, CELLS, CPG_WLEN, STEPS, RATE = 7, 3, 10, 3, 1e-4
WHOLE, SAMPLE = 2048, 384     # tensors of more than WHOLE values are sampled: at least SAMPLE of them
MARGIN = 3e-6                 # least distance from the edge of a ReLU, a maximum or a hard sigmoid


@dataclasses.dataclass
class Case:
    """A model and what it is to learn; `unseen` outputs have no label at all."""
    name: str
    dna: str = ''
    dna_wlen: int = 0
    cpg: str = ''
    joint: str = ''
    outputs: tuple = ('cpg/cell0', 'cpg/cell2')
    unseen: tuple = ()
    output_weights: tuple = ()
    l1: float = 1e-4
    l2: float = 1e-4
    recurrent_activation: str = 'hard_sigmoid'
    reset_after: bool = False

    def build(self):
        return models.build(self.outputs, self.dna, self.dna_wlen, self.cpg, CELLS, CPG_WLEN, self.joint,
                            recurrent_activation=self.recurrent_activation, reset_after=self.reset_after)


EVERY_KIND = ('cpg/cell0', 'cpg/cell1', 'bulk/serum', 'cpg_stats/mean', 'cpg_stats/mode', 'cpg_stats/var', 'cpg_stats/cat_var', 'cpg_stats/cat2_var',
              'cpg_stats/entropy', 'cpg_stats/diff', 'win_stats/1001/mean', 'win_stats/1001/var')
CASES = [
    Case('CnnL1h128', 'CnnL1h128', 101),
    Case('CnnL1h256', 'CnnL1h256', 121),
    Case('CnnL2h128', 'CnnL2h128', 101),
    Case('CnnL2h256', 'CnnL2h256', 151),
    Case('CnnL3h128', 'CnnL3h128', 101),
    Case('CnnL3h256', 'CnnL3h256', 141),
    Case('CnnRnn01', 'CnnRnn01', 131),
    Case('ResNet01', 'ResNet01', 101),
    Case('ResNet02', 'ResNet02', 111),
    Case('ResConv01', 'ResConv01', 101),
    Case('ResAtrous01', 'ResAtrous01', 121),
    Case('ShortResConv01', 'ResConv01', 15),    # steps 5, 2, 1: batch norm over as many values as there are samples
    Case('FcAvg', cpg='FcAvg'),
    Case('RnnL1', cpg='RnnL1'),
    Case('RnnL2', cpg='RnnL2'),
    Case('JointL0', 'CnnL1h128', 101, 'FcAvg', 'JointL0'),
    Case('JointL1h512', 'CnnL2h128', 101, 'RnnL1', 'JointL1h512'),
    Case('JointL2h512', 'CnnL1h128', 101, 'FcAvg', 'JointL2h512'),
    Case('JointL3h512', 'CnnRnn01', 101, 'RnnL2', 'JointL3h512', l1=2e-4, l2=3e-4),
    Case('Outputs', 'CnnL1h128', 51, outputs=EVERY_KIND, unseen=('cpg/cell1',), output_weights=(1, 1, 0.5, 2, 1, 3, 0.25, 1, 1.5, 1, 1, 0.75), l1=3e-4, l2=2e-4),
    Case('GruSigmoid', cpg='RnnL1', recurrent_activation='sigmoid'),
    Case('GruResetAfter', cpg='RnnL2', reset_after=True),
    Case('GruSigmoidResetAfter', 'CnnRnn01', 131, recurrent_activation='sigmoid', reset_after=True),
]


# --- inputs, labels, weights

def labels(case, draw):
    """[sample][output], -1: missing.  Classes 0, 1 (, 2), of all outputs without class weights numbers of 0..1, in the range of their kind."""
    columns = []
    for output in case.outputs:
        u = draws.uniform(f'label/{output}', draw, (SAMPLES,))
        classes = losses.nb_class(output)
        if output in case.unseen:
            y = np.full(SAMPLES, -1.0)
        elif classes:
            y = np.floor((classes + 1) * u) - 1
        else:
            y = np.where(u < 0.25, -1, (u - 0.25) / 0.75 * (0.25 if output.endswith('/var') else 1))
        columns.append(y)
    return np.stack(columns, 1).astype(np.float32)


def class_weights(case, draw):
    """[output][3]; 1 where the output has no classes."""
    table = np.ones((len(case.outputs), 3), np.float32)
    for row, output in zip(table, case.outputs):
        classes = losses.nb_class(output)
        row[:classes] = 0.1 + 0.8 * draws.uniform(f'class_weight/{output}', draw, (classes,))
    return table


def batch_of(case, draw):
    inputs = {}
    if case.dna:
        inputs['dna'] = reference.one_hot(draws.dna(draw, SAMPLES, case.dna_wlen))
    if case.cpg:
        both = draws.cpg(draw, SAMPLES, CELLS, CPG_WLEN)
        inputs['cpg/state'], inputs['cpg/dist'] = both[..., :CPG_WLEN], both[..., CPG_WLEN:]
    y, weight = labels(case, draw), class_weights(case, draw)
    return reference.Batch(inputs, {output: y[:, i] for i, output in enumerate(case.outputs)},
                           {output: losses.sample_weights(output, y[:, i], weight[i]) for i, output in enumerate(case.outputs)},
                           dict(zip(case.outputs, case.output_weights or [1.0] * len(case.outputs))))


def weights_of(graph, draw):
    return {f'{layer.name}/{name}': draws.weight(f'{layer.name}/{name}', draw, shape) for layer in graph.layers for name, shape in layer.weights.items()}


# --- results

@dataclasses.dataclass
class Result:
    """Predictions [sample][unit over all outputs]; tensors by LAYER/WEIGHT."""
    predict: np.ndarray
    train_predict: np.ndarray
    loss: list
    penalty: float
    grads: dict
    moves: list    # of the moving statistics by the first training pass
    adam_values: dict
    adam_smallest: dict
    adam_predict: np.ndarray


def run(case, draw):
    """The result of a draw; None where rounding could decide something: a ReLU, a maximum or a gate too close to its edge, in the course of the steps."""
    graph, batch = case.build(), batch_of(case, draw)
    model = reference.Reference(graph, weights_of(graph, draw), float(np.float32(case.l1)), float(np.float32(case.l2)))

    def predict(training=False):
        return np.concatenate(list(model.predict(batch.inputs, training).values()), 1)

    before, penalty = predict(), model.penalty().item()
    layers.Edges.nearest = np.inf
    training = predict(True)
    if layers.Edges.nearest < MARGIN:
        return None
    each, grads, moved = model.gradients(batch)
    moves = [(value - model.weights[name]).numpy() for name, value in moved.items()]
    grads = {name: grads[name].numpy() if name in grads else np.zeros(value.shape) for name, value in model.weights.items()}
    smallest = model.adam(batch, STEPS, RATE)
    if layers.Edges.nearest < MARGIN or not all(np.any(grads[name]) for name in model.trained):
        return None
    return Result(before, training, list(each.values()), penalty, grads, moves, model.values(), smallest, predict())


def scales(grads):
    """What a gradient's error is relative to {name: number}: its largest magnitude.  Where it is 0 but for rounding - a bias in front of batch norm - its layer's."""
    largest = {name: np.abs(value).max() for name, value in grads.items()}
    of_layer = {}
    for name, value in largest.items():
        layer = name.rsplit('/', 1)[0]
        of_layer[layer] = max(of_layer.get(layer, 0), value)
    return {name: value if value > 1e-9 * of_layer[name.rsplit('/', 1)[0]] else of_layer[name.rsplit('/', 1)[0]] for name, value in largest.items()}


def find(case):
    """The first draw that will do, and its result."""
    for draw in range(1000):
        result = run(case, draw)
        if result:
            return draw, result
    raise SystemExit(f'{case.name}: no draw will do')


# --- files

def stride_of(size):
    """1, or a number without the factors 2 and 3 of the usual extents, so that the samples do not fall into a few columns."""
    stride = 1 if size <= WHOLE else size // SAMPLE
    while stride > 1 and (stride % 2 == 0 or stride % 3 == 0):
        stride -= 1
    return stride


def sampled(tensors, names):
    return np.concatenate([tensors[name].reshape(-1)[::stride_of(tensors[name].size)] for name in names]).astype(np.float32)


def write(path, case, draw, result):
    names = list(result.grads)
    sizes = [result.grads[name].size for name in names]
    scale = scales(result.grads)
    weights = case.output_weights or [1] * len(case.outputs)
    texts = {key: getattr(case, key) for key in ('dna', 'cpg', 'joint', 'recurrent_activation')}
    numbers = {'dna_wlen': case.dna_wlen, 'cpg_wlen': CPG_WLEN if case.cpg else 0, 'nb_cell': CELLS if case.cpg else 0, 'samples': SAMPLES, 'draw': draw,
               'steps': STEPS, 'reset_after': int(case.reset_after)}
    arrays = {
        'outputs/name': np.array(case.outputs, 'S'), 'outputs/weight': np.array(weights, 'f4'), 'outputs/class_weight': class_weights(case, draw),
        'outputs/label': labels(case, draw), 'outputs/loss': np.array(result.loss),
        'predict/before': result.predict.astype('f4'), 'predict/training': result.train_predict.astype('f4'), 'predict/after': result.adam_predict.astype('f4'),
        'weights/name': np.array(names, 'S'), 'weights/size': np.array(sizes), 'weights/stride': np.array([stride_of(size) for size in sizes]),
        'gradients/value': sampled(result.grads, names), 'gradients/scale': np.array([scale[name] for name in names]),
        'gradients/sum': np.array([result.grads[name].sum() for name in names]),
        'gradients/l2norm': np.array([np.linalg.norm(result.grads[name].reshape(-1)) for name in names]),
        'gradients/absmax': np.array([np.abs(result.grads[name]).max() for name in names]),
        'moving/first': np.concatenate(result.moves or [np.zeros(0)]).astype('f4'),
        'adam/options': np.array([RATE, case.l1, case.l2]), 'adam/penalty': np.array([result.penalty]),
        'adam/value': sampled(result.adam_values, names), 'adam/min_abs_grad': sampled(result.adam_smallest, names),
    }
    with h5py.File(path, 'w') as file:
        for key, value in texts.items():
            file.attrs[key] = np.bytes_(value or '-')
        for key, value in numbers.items():
            file.attrs[key] = np.int64(value)
        for key, value in arrays.items():
            packed = {'compression': 'gzip', 'shuffle': True} if value.size > 1000 else {}
            file.create_dataset(key, data=value, **packed)


def main():
    torch.set_num_threads(1)
    folder = pathlib.Path(__file__).resolve().parent / 'fixtures'
    folder.mkdir(exist_ok=True)
    for case in CASES:
        if len(sys.argv) == 1 or case.name in sys.argv[1:]:
            draw, result = find(case)
            write(folder / f'{case.name}.h5', case, draw, result)
            print(f'{case.name:20s} draw {draw}', flush=True)


if __name__ == '__main__':
    main()
