# SPDX-License-Identifier: MIT
"""Compares the reference with results of other makers: the folder oracle/keras of the shared data (its README says what they are).

    python3 check_reference.py [folder]        default: $DCPG_SHARED/oracle/keras, ../shared beside the project
Exit code 77 where the folder or PyTorch is absent.
"""
import json
import os
import pathlib
import sys

import numpy as np

try:
    import h5py
    import torch
except ImportError as error:
    print(f'skipped: {error}')
    sys.exit(77)

import draws
import models
import reference

PHILOX = [  # key, counter, result: the known answers that come with Random123
    ([0, 0], [0, 0, 0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 2, [0xFFFFFFFF] * 4, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    ([0xA4093822, 0x299F31D0], [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]),
]
CASES = {
    'CnnL1h128': {'dna': 'CnnL1h128'}, 'CnnL2h128': {'dna': 'CnnL2h128'}, 'CnnRnn01': {'dna': 'CnnRnn01'}, 'ResNet01': {'dna': 'ResNet01'},
    'FcAvg': {'cpg': 'FcAvg'}, 'RnnL1': {'cpg': 'RnnL1'}, 'RnnL2': {'cpg': 'RnnL2'},
    'JointL1h512': {'dna': 'CnnL1h128', 'cpg': 'FcAvg', 'joint': 'JointL1h512'},
    'Outputs': {'dna': 'CnnL1h128'},
}
LIMITS = {'predict': 1e-5, 'loss': 1e-5, 'gradient': 1e-4, 'penalty': 1e-5, 'adam': 1e-6, 'moving': 1e-5}
L1 = L2 = float(np.float32(1e-4))
RATE = 1e-4


def datasets(group):
    """Path -> dataset of everything below a group."""
    found = {}
    group.visititems(lambda path, item: found.update({path: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def our_name(graph, path):
    """LAYER/WEIGHT of the path of a weight in a Keras file."""
    layer = max((layer.name for layer in graph.layers if layer.weights and path.startswith(layer.name + '/')), key=len)
    side = next((side for side in ('forward/', 'backward/') if '/' + side[:-1] + '_' in path), '')
    return f'{layer}/{side}{path.rsplit("/", 1)[1].removesuffix(":0")}'


def distance(ours, theirs):
    """Largest difference, relative to the largest magnitude."""
    theirs = np.asarray(theirs, np.float64)
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30)


def sampled(values, item):
    stride = item.attrs['stride']
    return values.reshape(-1)[::stride] if stride > 1 else values.reshape(-1)


class Worst:
    """The largest difference of each kind, and where it is."""

    def __init__(self):
        self.found = {}

    def add(self, kind, where, difference):
        self.found[kind] = max(self.found.get(kind, (0, '-')), (float(difference), where))

    def report(self, title):
        print(f'{title:12s}', *(f'{kind} {difference:.1e}' for kind, (difference, _) in self.found.items()), sep='  ')
        faults = [f'  {kind}: {difference:.2e} at {where}' for kind, (difference, where) in self.found.items() if not difference <= LIMITS[kind]]
        print(*faults, sep='\n', end='\n' if faults else '')
        return not faults


def load(folder, name):
    """The graph, its weights and the open file of results."""
    config = json.loads((folder / f'{name}.json').read_text())['config']
    results = h5py.File(folder / f'{name}.h5')
    outputs = [output[0] for output in config['output_layers']]
    sizes = {layer['name']: layer['config']['batch_input_shape'][1:] for layer in config['layers'] if layer['class_name'] == 'InputLayer'}
    cells, cpg_wlen = sizes.get('cpg/state', (0, 0))
    graph = models.build(outputs, dna_wlen=sizes.get('dna', (0,))[0], cells=cells, cpg_wlen=cpg_wlen, **CASES[name])
    with h5py.File(folder / f'{name}.weights.h5') as file:
        weights = {our_name(graph, path): item[()] for path, item in datasets(file).items()}
    named = {layer['name'] for layer in config['layers']}
    assert {layer.name for layer in graph.layers} == named, sorted({layer.name for layer in graph.layers} ^ named)
    return graph, weights, results


def batch_of(results):
    inputs = {path: item[()] for path, item in datasets(results['inputs']).items()}
    if 'dna' in inputs:
        inputs['dna'] = reference.one_hot(inputs['dna'])
    labels, weights = ({path: item[()].astype(np.float32) for path, item in datasets(results[group]).items()} for group in ('labels', 'sample_weights'))
    return reference.Batch(inputs, labels, weights, dict.fromkeys(labels, 1.0))


def compare_predictions(worst, path, ours, results):
    for name, value in ours.items():
        worst.add('predict', f'{path}/{name}', distance(value.reshape(-1), results[f'{path}/{name}'][()].reshape(-1)))


def compare_gradients(worst, graph, grads, results):
    scale = {}    # of a layer: the gradient of a bias in front of batch norm is nothing but noise
    for path, item in datasets(results['grads']).items():
        layer = our_name(graph, path).rsplit('/', 1)[0]
        scale[layer] = max(scale.get(layer, 0), item.attrs['absmax'])
    for path, item in datasets(results['grads']).items():
        name = our_name(graph, path)
        limit = item.attrs['absmax']
        if limit < 1e-6 * scale[name.rsplit('/', 1)[0]]:
            limit = scale[name.rsplit('/', 1)[0]]
        ours = grads[name].numpy()
        worst.add('gradient', name, np.abs(sampled(ours, item) - item[()].reshape(-1)).max() / limit)
        worst.add('gradient', name + ' (norm)', abs(np.linalg.norm(ours.reshape(-1)) - item.attrs['l2norm']) / limit / ours.size ** 0.5)


def compare_adam(worst, graph, values, smallest, state, results):
    ours = {our_name(graph, path): path for path in datasets(results['adam/weights'])}
    for name, path in ours.items():
        item = results['adam/weights'][path]
        difference = np.abs(sampled(values[name], item) - item[()].reshape(-1))
        if name in state:
            worst.add('moving', name, difference.max() / np.abs(item[()]).max())
            continue
        floor = max(1e-5, 1e-3 * results['grads'][path].attrs['absmax'])
        kept = (results['adam/min_abs_grad'][path][()].reshape(-1) > floor) & (sampled(smallest[name], item) > floor)
        worst.add('adam', name, difference[kept].max(initial=0))


def check(folder, name):
    graph, weights, results = load(folder, name)
    batch, worst = batch_of(results), Worst()
    model = reference.Reference(graph, weights, L1, L2)
    assert set(weights) == {f'{layer.name}/{weight}' for layer in graph.layers for weight in layer.weights}
    compare_predictions(worst, 'predict', model.predict(batch.inputs), results)
    compare_predictions(worst, 'train/predict', model.predict(batch.inputs, training=True), results)
    each, grads, _ = model.gradients(batch)
    for output, loss in each.items():
        worst.add('loss', output, distance(loss, results[f'train/loss/{output}'][()]))
    compare_gradients(worst, graph, grads, results)
    worst.add('penalty', 'before', distance(model.penalty().item(), results['adam/loss_reg'][0]))
    smallest = model.adam(batch, 3, RATE)
    worst.add('penalty', 'after', distance(model.penalty().item(), results['adam/loss_reg'][3]))
    compare_adam(worst, graph, model.values(), smallest, model.state, results)
    compare_predictions(worst, 'adam/predict', model.predict(batch.inputs), results)
    return worst.report(name)


def default_folder():
    here = pathlib.Path(__file__).resolve()
    return pathlib.Path(os.environ.get('DCPG_SHARED', here.parents[2].parent / 'shared')) / 'oracle' / 'keras'


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder()
    torch.set_num_threads(1)
    for key, counter, expected in PHILOX:
        assert draws.philox(key, counter).tolist() == expected
    if not folder.is_dir():
        print(f'skipped: {folder} is absent')
        return 77
    return 0 if all([check(folder, name) for name in CASES]) else 1


if __name__ == '__main__':
    sys.exit(main())
