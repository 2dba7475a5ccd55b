/* SPDX-License-Identifier: MIT */
/* Recognises models of other kinds by first bytes, files in a folder, and file name extensions. */
#include "keras/keras3.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEAD = 4096 };

static const char save_again[] =
    "save it with Keras as model.to_json() and model.save_weights('model.weights.h5'), "
    "or as model.save('model.h5'), and give these";
static const char no_keras[] = "only Keras models are read: model.json with weights, or model.h5";

/* Reads the first bytes of a file; returns their number, 0 if it cannot be read. */
static size_t read_head(const char *path, char head[HEAD]) {
    FILE *file = dcpg_file_open(path);
    if (!file) return 0;
    size_t n = fread(head, 1, HEAD, file);
    fclose(file);
    return n;
}

static bool starts(const char *head, size_t n, const char *with, size_t length) {
    return n >= length && memcmp(head, with, length) == 0;
}

bool dcpg_keras_is_hdf5(const char *path) {
    char head[HEAD];
    return starts(head, read_head(path, head), "\x89HDF\r\n\x1a\n", 8);
}

/* Whether `text` is among the bytes. */
static bool holds(const char *head, size_t n, const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= n; i++)
        if (memcmp(head + i, text, length) == 0) return true;
    return false;
}

static bool ends(const char *path, const char *tail) {
    size_t n = strlen(path), length = strlen(tail);
    return n >= length && strcasecmp(path + n - length, tail) == 0;
}

static dcpg_status fail_kind(const char *path, const char *what, const char *remedy, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s: %s: %s", path, what, remedy);
}

static dcpg_status refuse_zip(const char *path, const char *head, size_t n, dcpg_err *err) {
    if (holds(head, n, "data.pkl") || ends(path, ".pt") || ends(path, ".pth") || ends(path, ".ckpt"))
        return fail_kind(path, "a PyTorch model", no_keras, err);
    if (!ends(path, ".keras") && !holds(head, n, "config.json"))
        return fail_kind(path, "a zip archive, not a Keras model", no_keras, err);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: an archive of Keras 3: unpack it (unzip %s -d DIR) and give DIR/config.json "
                     "DIR/model.weights.h5",
                     path, path);
}

static dcpg_status refuse_folder(const char *path, dcpg_err *err) {
    static const char *const files[] = {"saved_model.pb", "saved_model.pbtxt", "keras_metadata.pb"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *file = dcpg_format("%s/%s", path, files[i]);
        bool there = file && dcpg_file_exists(file);
        dcpg_free(file);
        if (there) return fail_kind(path, "a SavedModel of TensorFlow", save_again, err);
    }
    return DCPG_OK;
}

dcpg_status dcpg_keras_refuse_foreign(const char *path, dcpg_err *err) {
    static const struct {
        const char *tail, *what, *remedy;
    } known[] = {{".pt", "a PyTorch model", no_keras},
                 {".pth", "a PyTorch model", no_keras},
                 {".ckpt", "a checkpoint of PyTorch or TensorFlow", save_again},
                 {".index", "a checkpoint of TensorFlow", save_again},
                 {".data-00000-of-00001", "a checkpoint of TensorFlow", save_again},
                 {".onnx", "an ONNX model", no_keras},
                 {".pb", "a graph of TensorFlow (SavedModel)", save_again},
                 {".tflite", "a TensorFlow Lite model", save_again},
                 {".safetensors", "weights in safetensors", no_keras},
                 {".npz", "NumPy arrays", save_again},
                 {".pkl", "a Python pickle", save_again},
                 {".yaml", "a model in YAML", save_again},
                 {".yml", "a model in YAML", save_again}};
    char head[HEAD];
    if (dcpg_is_dir(path)) return refuse_folder(path, err);
    size_t n = read_head(path, head);
    if (starts(head, n, "\x89HDF\r\n\x1a\n", 8)) return DCPG_OK;
    if (starts(head, n, "PK\3\4", 4)) return refuse_zip(path, head, n, err);
    if (n > 8 && memcmp(head + 4, "TFL3", 4) == 0)
        return fail_kind(path, "a TensorFlow Lite model", save_again, err);
    if (n > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
        return fail_kind(path, "a Python pickle (PyTorch writes such)", no_keras, err);
    if (starts(head, n, "\x1f\x8b", 2)) return fail_kind(path, "packed with gzip", "unpack it (gunzip)", err);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ends(path, known[i].tail)) return fail_kind(path, known[i].what, known[i].remedy, err);
    return DCPG_OK;
}
