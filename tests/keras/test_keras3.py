# SPDX-License-Identifier: MIT
"""Models as Keras 3 saves them: the layers and weights of a model trained here, in Keras 3's JSON, its NAME.weights.h5 and its old-style model.h5, give the same predictions. Files of other
kinds are refused, and their kind is named."""
import json
import os
import re
import shutil
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import bug, refusal, run, start  # noqa: E402  (first: it moves to a folder of its own)
import h5py  # noqa: E402
import numpy as np  # noqa: E402

MODELS = {"m": ("--dna_model", "conv[4@5]_mp[4]_conv[3@3]_bn_relu_fc[6]_do[0.2]", "--cpg_model", "fc[5]_bgru[3,seq]_bgru[4]", "--joint_model", "JointL1h512"),
          "n": ("--cpg_model", "fc[4]_fc[3]_gru[4]_fc[2]")}


def make_store():
    rng = np.random.default_rng(3)
    rows = 60
    with h5py.File("c1_000000-000060.h5", "w") as f:
        f["chromo"] = np.array(["1"] * rows, dtype=h5py.string_dtype())
        f["pos"] = 20 * np.arange(1, rows + 1)
        f["inputs/dna"] = rng.integers(0, 4, (rows, 41), "i1")
        for cell in ("a", "b"):
            f[f"inputs/cpg/{cell}/state"] = rng.integers(0, 2, (rows, 6), "i1")
            f[f"inputs/cpg/{cell}/dist"] = rng.integers(1, 900, (rows, 6)).astype("f4")
            f[f"outputs/cpg/{cell}"] = rng.integers(0, 2, rows, "i1")
    return "c1_000000-000060.h5"


# ---- Keras 2's JSON as Keras 3 writes it ----

def tensor(reference):
    return {"class_name": "__keras_tensor__", "config": {"shape": [None, 1], "dtype": "float32", "keras_history": reference[:3]}}


def to_keras3(layer):
    layer = dict(layer, module="keras.layers", registered_name=None, config=dict(layer["config"]))
    config = layer["config"]
    if layer["class_name"] in ("Model", "Functional"):
        layer["class_name"] = "Functional"
        config["layers"] = [to_keras3(inner) for inner in config["layers"]]
    if "layer" in config:
        config["layer"] = to_keras3(config["layer"])
    if "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    if "axis" in config and layer["class_name"] == "BatchNormalization":
        config["axis"] = [config["axis"]]
    calls = layer.get("inbound_nodes") or []
    tensors = [[tensor(reference) for reference in call] for call in calls]
    layer["inbound_nodes"] = [{"args": [t[0] if len(t) == 1 else t], "kwargs": {"mask": None}} for t in tensors]
    return layer


# ---- Keras 2's weights in the layout of Keras 3 ----

def snake(name):
    return re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


def put(group, arrays, name):
    group = group.create_group("vars")
    if name:
        group.attrs["name"] = name
    for k, array in enumerate(arrays):
        group[str(k)] = array


def save_layer(layer, group, arrays):
    kind, name = layer["class_name"], layer["config"]["name"]
    if kind == "Bidirectional":
        half = len(arrays) // 2
        for part, some in (("forward_layer", arrays[:half]), ("backward_layer", arrays[half:])):
            put(group.create_group(part + "/cell"), some, None)
            put(group[part], [], None)
    elif kind == "GRU":
        put(group.create_group("cell"), arrays, None)
    elif kind == "TimeDistributed":
        save_layer(layer["config"]["layer"], group.create_group("layer"), arrays)
    elif kind == "Functional":
        save_layers(layer, group.create_group("layers"), lambda inner: arrays if inner["class_name"] == "Dense" else [])
    else:
        put(group, arrays, name)
        if kind == "Dropout":
            group["seed_generator/vars/0"] = np.zeros(2, "u4")


def save_layers(model, group, arrays_of):
    seen = {}
    for layer in model["config"]["layers"]:
        name = snake(layer["class_name"])
        seen[name] = seen.get(name, -1) + 1
        save_layer(layer, group.create_group(f"{name}_{seen[name]}" if seen[name] else name), arrays_of(layer))


def make_keras3(folder):
    model = json.load(open(f"{folder}/model.json"))
    new = to_keras3(model)
    json.dump(new, open(f"{folder}/keras3.json", "w"))
    with h5py.File(f"{folder}/model.h5") as old:
        weights = old["model_weights"]

        def arrays_of(layer):
            names = weights[layer["config"]["name"]].attrs["weight_names"]
            return [weights[layer["config"]["name"]][name][()] for name in names]

        for path, root in ((f"{folder}/new.weights.h5", "layers"), (f"{folder}/early.weights.h5", "_layer_checkpoint_dependencies")):
            with h5py.File(path, "w") as f:
                save_layers(new, f.create_group(root), arrays_of)
                f["optimizer/vars/0"] = np.int64(7)
    shutil.copy(f"{folder}/model.h5", f"{folder}/old_style.keras3")
    with h5py.File(f"{folder}/old_style.keras3", "r+") as f:
        f.attrs["model_config"] = json.dumps(new)
        f.attrs["keras_version"] = "3.3.3"


def predictions(data, *files):
    run(1, "eval", data, "--model_files", *files, "--out_data", "e.h5")
    with h5py.File("e.h5") as f:
        return {cell: f[f"preds/cpg/{cell}"][()] for cell in ("a", "b")}


def check(wrong, what):
    if wrong:
        sys.exit(f"FAILED: {what}: {wrong}")


data = make_store()
for folder, words in MODELS.items():
    run(1, "train", data, *words, "--nb_epoch", "2", "--batch_size", "16", "--learning_rate", "0.003", "--out_dir", folder)
    make_keras3(folder)
    wanted = predictions(data, f"{folder}/model.h5")
    assert np.ptp(wanted["a"]) > 1e-6
    ways = [(f"{folder}/keras3.json", f"{folder}/new.weights.h5"), (f"{folder}/keras3.json", f"{folder}/early.weights.h5"), (f"{folder}/old_style.keras3",),
            (f"{folder}/keras3.json", f"{folder}/model_weights_val.h5")]
    for files in ways:
        got = predictions(data, *files)
        for cell in wanted:
            check("" if np.array_equal(wanted[cell], got[cell]) else "other predictions", " ".join(files))

# JSON inside a JSON string, once and twice; layers without weights
text = open("m/keras3.json").read()
for wraps in (1, 2):
    text = json.dumps(text)
    open("m/wrapped.json", "w").write(text)
    check("" if "cpg/a" in run(1, "models", "m/wrapped.json") and "no weights" in run(1, "models", "m/wrapped.json") else "no layers", "a wrapped model.json")
check(refusal("no weights saved|name its weights", 1, "eval", data, "--model_files", "m/keras3.json", "--out_data", "e.h5"), "eval without weights")

# weights that do not fit
model = json.load(open("m/keras3.json"))


def spoilt(name, change):
    shutil.copy("m/new.weights.h5", name)
    with h5py.File(name, "r+") as f:
        change(f["layers"])
    return name


def rename(layers):
    layers["conv1d_1/vars"].attrs["name"] = "another"


def narrow(layers):
    del layers["conv1d/vars/0"]
    layers["conv1d/vars/0"] = np.zeros((5, 4, 3), "f4")


def drop(layers):
    del layers["batch_normalization/vars/3"]


def more(layers):
    layers["conv1d_2/vars/0"] = np.zeros(3, "f4")


for change, pattern in ((rename, "of layer another, where the model has"), (narrow, "has the shape .5, 4, 3., the model needs .5, 4, 4."), (drop, "is missing"), (more, "arrays below layers")):
    check(refusal(pattern, 1, "models", "m/keras3.json", spoilt(change.__name__ + ".weights.h5", change)), change.__name__)

# layers that do not run here


def changed(name, change):
    other = json.loads(json.dumps(model))
    change({layer["config"]["name"]: layer for layer in other["config"]["layers"]})
    json.dump(other, open(name, "w"))
    return name


def groups(layers):
    layers["dna/conv1d_1"]["config"]["groups"] = 2


def twice(layers):
    layers["dna/conv1d_2"]["inbound_nodes"] *= 2


def keyword(layers):
    call = layers["dna/conv1d_2"]["inbound_nodes"][0]
    call["kwargs"] = {"initial_state": call["args"][0]}


def unknown(layers):
    layers["dna/conv1d_2"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "nobody"


def deep(layers):
    call = layers["dna/conv1d_2"]["inbound_nodes"][0]
    for _ in range(40):
        call["args"] = [call["args"]]


def long_name(layers):
    layers["dna/conv1d_1"]["name"] = layers["dna/conv1d_1"]["config"]["name"] = "x" * 100000


for change, pattern in ((groups, "in groups does not run"), (twice, "more than once"), (keyword, "called with initial_state"), (unknown, "layer nobody, to which it refers"),
                        (deep, "too deeply"), (long_name, "more than 512 letters")):
    check(refusal(pattern, 1, "models", changed("changed.json", change)), change.__name__)


def by_keyword():
    """Passes the positional argument as inputs=... instead."""
    def change(layers):
        call = layers["dna/conv1d_2"]["inbound_nodes"][0]
        call["kwargs"], call["args"] = {"inputs": call["args"][0]}, []
    return run(1, "models", changed("changed.json", change))


assert "dna/conv1d_2" in by_keyword()

# other kinds
with zipfile.ZipFile("m.keras", "w") as z:
    z.writestr("metadata.json", "{}")
    z.writestr("config.json", "{}")
with zipfile.ZipFile("net.pt", "w") as z:
    z.writestr("archive/data.pkl", b"\x80\x02}.")
os.makedirs("saved")
for name, content in {"saved/saved_model.pb": b"\x08\x01", "net.pth": b"\x80\x02\x8a\x0al", "net.onnx": b"\x08\x07", "net.tflite": b"\x1c\0\0\0TFL3\0\0\0\0", "frozen.pb": b"\x0a\x0a",
                      "net.ckpt": b"abc", "model.yaml": b"a: b", "net.safetensors": b"\x10\0\0\0\0\0\0\0{}"}.items():
    open(name, "wb").write(content)
for name, pattern in {"m.keras": "unzip m.keras -d DIR", "net.pt": "PyTorch", "net.pth": "PyTorch", "saved": "SavedModel", "net.onnx": "ONNX", "net.tflite": "TensorFlow Lite",
                      "frozen.pb": "SavedModel", "net.ckpt": "checkpoint", "model.yaml": "YAML", "net.safetensors": "safetensors"}.items():
    check(refusal(pattern, 1, "models", name), name)
check(refusal("PyTorch", 2, "eval", data, "--model_files", "net.pt", "--out_data", "e.h5"), "eval of net.pt on two ranks")
check(bug(start(1, ["models", "m/keras3.json", "m/new.weights.h5"])), "models of JSON and weights")
