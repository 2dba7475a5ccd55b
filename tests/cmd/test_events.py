#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests metrics.jsonl and TensorBoard's events, whose framing and protocol buffers are read by hand: the same numbers in
both, from a run that was stopped after every step and from one that was not."""
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile

dcpg = os.environ['DCPG_PROGRAM']


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    with open(path, 'rb') as f:
        data = f.read()
    at = 0
    while at < len(data):
        length, check = struct.unpack_from('<QI', data, at)
        assert check == masked(data[at:at + 8]), 'checksum of a length at byte %d' % at
        body = data[at + 12:at + 12 + length]
        assert len(body) == length and struct.unpack_from('<I', data, at + 12 + length)[0] == masked(body), 'record at byte %d' % at
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """(number, value) of a message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from('<d', data, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from('<f', data, at)[0], at + 4
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise AssertionError('wire type %d' % kind)
        yield key >> 3, value


def events(folder):
    """[(step, {tag: value})]; event.proto: wall_time 1, step 2, file_version 3, summary 5; summary.proto: value 1 of tag 1, simple_value 2."""
    files = glob.glob(folder + '/*tfevents*')
    assert len(files) == 1, files
    out = []
    for i, record in enumerate(records(files[0])):
        event = dict(fields(record))
        if i == 0:
            assert event == {3: b'brain.Event:2'}, event
            continue
        assert 1.5e9 < event[1] < 1e10
        values = [dict(fields(v)) for n, v in fields(event[5]) if n == 1]
        out.append((event.get(2, 0), {v[1].decode(): v[2] for v in values}))
    return out


def metrics(folder):
    with open(folder + '/metrics.jsonl') as f:
        return [json.loads(line) for line in f]


def flat(prefix, scores):
    out = {'%s/%s' % (prefix, k): v for k, v in scores.items() if k != 'outputs'}
    for name, of in scores['outputs'].items():
        out.update({'%s/%s/%s' % (prefix, name, k): v for k, v in of.items()})
    return {k: v for k, v in out.items() if v is not None}


def run(*words):
    done = subprocess.run([dcpg, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode in (0, 85), done.stdout
    return done


work = tempfile.TemporaryDirectory()
os.chdir(work.name)
run('simulate', '--out_dir', 'sim', '--nb_chromo', '2', '--chromo_len', '30000', '--nb_cell', '3', '--seed', '3')
run('data', '--cpg_profiles', *sorted(glob.glob('sim/cpg/*.tsv.gz')), '--out_file', 's.h5')
train = ['train', 's.h5', '--train_chromos', '1', '--val_chromos', '2', '--cpg_model', 'fc[8]_gap', '--cpg_wlen', '8', '--nb_train_sample', '130', '--batch_size', '32', '--nb_epoch', '2']
run(*train, '--out_dir', 'whole')
jobs = 0
while run(*train, '--resume', 'cut', '--max_time', '1e-6').returncode == 85:
    jobs += 1
assert jobs >= 8, jobs

lines = metrics('whole')
assert [(l['kind'], l['epoch'], l['step']) for l in lines] == [
    ('step', 1, 1), ('step', 1, 2), ('step', 1, 3), ('step', 1, 4), ('epoch', 1, 4), ('step', 2, 5), ('step', 2, 6), ('step', 2, 7), ('step', 2, 8), ('epoch', 2, 8)], lines
cut = metrics('cut')
for l in lines + cut:
    assert l.pop('time') > 1.5e9
    l.pop('samples_per_second')
assert lines == cut
with open('whole/lc_val.tsv') as f:
    loss = [float(row.split('\t')[0]) for row in f.readlines()[1:]]
assert all(abs(l['val']['loss'] - x) < 1e-5 * x for l, x in zip([l for l in lines if l['kind'] == 'epoch'], loss))

if not glob.glob('whole/*tfevents*'):
    print('built without protobuf-c: no events to read')
    sys.exit(77)
whole = events('whole')
assert whole == events('cut')
assert len(whole) == len(lines)
for (step, scalars), line in zip(whole, lines):
    expected = flat('train', line['train']) if line['kind'] == 'step' else {**flat('epoch/train', line['train']), **flat('epoch/val', line['val'])}
    assert step == line['step'] and scalars.keys() == expected.keys(), (step, sorted(scalars), sorted(expected))
    assert all(abs(scalars[k] - v) <= 1e-6 * abs(v) for k, v in expected.items())
print('ok')
