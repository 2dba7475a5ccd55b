#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests a run of which random ranks are killed at random times, in training and while checkpoints are written; each time
it is resumed on another number of ranks. At the end all files are those of an undisturbed run."""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time

KILLS = 30
dcpg = os.environ['DCPG_PROGRAM']
mpirun = os.environ.get('MPIRUN', 'mpirun')
os.environ['OMPI_MCA_odls_base_sigkill_timeout'] = '0'  # mpirun ends the other ranks at once
seed = int(os.environ.get('DCPG_TEST_SEED', time.time_ns() % 1000000))
rng = random.Random(seed)
print('DCPG_TEST_SEED=%d' % seed)


def fail(text):
    sys.exit('FAILED: ' + text)


def quietly(words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        fail('exit code %d: %s\n%s' % (done.returncode, ' '.join(words), done.stdout[-3000:]))
    return done.stdout


def newest():
    return max(glob.glob('killed/checkpoints/checkpoint-*.h5'), default='')


def ranks_of(pid):
    """Process ids of the ranks that a launcher started. Open MPI's are its children, MPICH's those of a proxy."""
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
            children = [int(p) for p in f.read().split()]
        if not children and os.readlink('/proc/%d/exe' % pid).endswith('/dcpg'):
            return [pid]
    except OSError:
        return []
    return [rank for child in children for rank in ranks_of(child)]


def wait_until(condition, seconds):
    end = time.time() + seconds
    while not condition() and time.time() < end:
        time.sleep(0.003)


def kill_once(words, log):
    """Starts the run, kills one of its ranks, waits for its end. False where it ended before the kill."""
    ranks, before = rng.randint(2, 4), newest()
    run = subprocess.Popen([mpirun, '-n', str(ranks)] + words, stdout=log, stderr=log)
    # Most runs make progress; some are killed while they start.
    if rng.random() < 0.85:
        wait_until(lambda: newest() != before or run.poll() is not None, 60)
        time.sleep(rng.uniform(0, 0.05))
    else:
        wait_until(lambda: run.poll() is not None, rng.uniform(0, 0.5))
    wait_until(lambda: run.poll() is not None or ranks_of(run.pid), 60)
    pids = ranks_of(run.pid) if run.poll() is None else []
    if not pids:
        return run.wait() != 0
    try:
        os.kill(rng.choice(pids), 9)
    except ProcessLookupError:
        return run.wait() != 0
    killed = time.time()
    code = run.wait()
    if code == 0:
        return False  # it was ending
    if time.time() - killed > 20:
        fail('a killed rank ended the job only after %.0f s' % (time.time() - killed))
    return True


def check_journal():
    """Every log step and epoch once, with the same numbers; time and speed may differ."""
    lines = {}
    for name in 'whole', 'killed':
        with open(name + '/metrics.jsonl') as f:
            lines[name] = [json.loads(l) for l in f]
        for l in lines[name]:
            del l['time'], l['samples_per_second']
    if lines['whole'] != lines['killed']:
        fail('metrics.jsonl: %d lines, not the %d of the whole run' % (len(lines['killed']), len(lines['whole'])))


work = tempfile.TemporaryDirectory()
os.chdir(work.name)
quietly([dcpg, 'simulate', '--out_dir', 'sim', '--nb_chromo', '2', '--chromo_len', '30000', '--nb_cell', '3', '--seed', '3'])
quietly([dcpg, 'data', '--cpg_profiles'] + sorted(glob.glob('sim/cpg/*.tsv.gz')) + ['--dna_files', 'sim/dna', '--out_file', 's.h5'])
train = [dcpg, 'train', 's.h5', '--train_chromos', '1', '--val_chromos', '2', '--cpg_model', 'fc[16]_bgru[8]_do', '--cpg_wlen', '8', '--dropout', '0.1',
         '--nb_train_sample', '150', '--nb_val_sample', '60', '--batch_size', '10', '--learning_rate', '0.003', '--early_stopping', '0', '--nb_epoch', '60', '--seed', '5']
quietly([mpirun, '-n', '2'] + train + ['--out_dir', 'whole'])

started, kills, writes = time.time(), 0, 0
with open('log', 'w') as log:
    for attempt in range(3 * KILLS):
        if kills == KILLS:
            break
        kills += kill_once(train + ['--resume', 'killed', '--checkpoint_steps', '1'], log)
        writes += len(glob.glob('killed/checkpoints/.checkpoint-*.dcpg-tmp-*')) > 0
if kills < KILLS:
    fail('the run ended after %d kills' % kills)
at = newest()
quietly([mpirun, '-n', '3', dcpg, 'train', '--resume', 'killed'])
print('%d kills, %d of them while a checkpoint was written, up to %s, in %.0f s' % (kills, writes, os.path.basename(at), time.time() - started))
for name in 'model.json', 'model.h5', 'model_weights_train.h5', 'model_weights_val.h5', 'lc_train.tsv', 'lc_val.tsv', 'lc.svg':
    with open('whole/' + name, 'rb') as a, open('killed/' + name, 'rb') as b:
        if a.read() != b.read():
            fail(name + ' is another than that of the whole run')
check_journal()
left = glob.glob('killed/**/.*tmp*', recursive=True) + glob.glob('killed/**/*.tmp', recursive=True)
if left:
    fail('temporary files are left: %s' % left)
print('ok')
