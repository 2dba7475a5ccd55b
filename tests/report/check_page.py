#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks a page of dcpg report without a browser: check_page.py PAGE TITLE INPUT ..., inputs in the order of the page, a run as
DIR, an evaluation as FILE:FOLDER with the folder that dcpg perf wrote."""
import base64
import csv
import html.parser
import json
import re
import struct
import sys
import zlib

import h5py
import numpy as np

VOID = {"meta", "img", "input", "br", "hr", "link", "path", "rect", "circle"}
SVG_SHAPES = {"path", "rect", "circle"}


def fail(*words):
    sys.exit("FAILED: " + " ".join(str(w) for w in words))


class Node:
    def __init__(self, name, attrs, parent):
        self.name, self.attrs, self.parent, self.children = name, dict(attrs), parent, []

    def walk(self):
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.walk()

    def all(self, *names):
        return [node for node in self.walk() if node.name in names]

    def text(self):
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def has(self, name):
        return name in self.attrs.get("class", "").split()


class Tree(html.parser.HTMLParser):
    """Elements must be closed in order: nothing is left to the browser's repair."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Node("", {}, None)
        self.feed(text)
        self.close()
        if self.at is not self.root:
            fail("not closed:", self.at.name)

    def handle_starttag(self, name, attrs):
        if len(dict(attrs)) != len(attrs):
            fail("an attribute twice:", name, attrs)
        node = Node(name, attrs, self.at)
        self.at.children.append(node)
        closed = self.get_starttag_text().endswith("/>")
        if name not in VOID or (name in SVG_SHAPES and not closed):
            self.at = node

    def handle_startendtag(self, name, attrs):
        if name not in SVG_SHAPES:
            fail("closed at once:", name)
        self.handle_starttag(name, attrs)

    def handle_endtag(self, name):
        if name in VOID and name not in SVG_SHAPES:
            return
        if name != self.at.name:
            fail("</%s> within <%s>" % (name, self.at.name))
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


def only(nodes, what):
    if len(nodes) != 1:
        fail(len(nodes), "of", what)
    return nodes[0]


def check_structure(text, root, title):
    if not text.startswith("<!DOCTYPE html>\n<!-- dcpg report -->\n"):
        fail("the first lines")
    page = only(root.all("html"), "html")
    if page.attrs["lang"] != "en" or only(root.all("h1"), "h1").text() != title:
        fail("language or title")
    if only([n for n in root.all("title") if n.parent.name == "head"], "title").text() != title:
        fail("title")
    main = only(root.all("main"), "main")
    for name in "header", "nav", "footer":
        only(root.all(name), name)
    first = [n for n in only(root.all("body"), "body").children if isinstance(n, Node)][0]
    if first.attrs.get("href") != "#" + main.attrs["id"]:
        fail("no link to skip to the content")
    level = 0
    for heading in root.all("h1", "h2", "h3", "h4", "h5", "h6"):
        now = int(heading.name[1])
        if now > level + 1 or not heading.text().strip():
            fail("heading", heading.text(), "of level", now, "after", level)
        level = now


def check_names(root):
    ids = [node.attrs["id"] for node in root.walk() if "id" in node.attrs]
    if len(ids) != len(set(ids)):
        fail("ids twice:", [i for i in set(ids) if ids.count(i) > 1])
    for node in root.walk():
        for one in node.attrs.get("aria-labelledby", "").split():
            if one not in ids:
                fail("no label", one)
        if node.attrs.get("role") == "region" and not {"aria-labelledby", "aria-label"} & set(node.attrs):
            fail("a region without a name")
        if node.name in ("section", "nav") and not {"aria-labelledby", "aria-label"} & set(node.attrs):
            fail("a landmark without a name")
        if node.name == "img" and not node.attrs.get("alt"):
            fail("an image without a text")
        if any(name.startswith("on") for name in node.attrs):
            fail("a handler in the markup:", node.attrs)
    for svg in root.all("svg"):
        parts = [n.name for n in svg.children if isinstance(n, Node)][:2]
        if svg.attrs.get("role") != "img" or parts != ["title", "desc"]:
            fail("a picture without title and description")
    for table in root.all("table"):
        if [n.name for n in table.children if isinstance(n, Node)][:1] != ["caption"]:
            fail("a table without a caption")
        if any(th.attrs.get("scope") not in ("col", "row") for th in table.all("th")):
            fail("a heading without a scope")


def check_addresses(text, root):
    for node in root.walk():
        for name in "src", "href", "action", "poster", "srcset", "data", "xlink:href":
            at = node.attrs.get(name)
            if at is not None and not at.startswith(("#", "data:image/png;base64,")):
                fail("an address outside:", at)
    if re.search(r"url\(|@import|://|import\(|fetch\(|XMLHttpRequest|WebSocket|\beval\(", text):
        fail("an address, or a request:", re.search(r".{30}(url\(|@import|://|import\(|fetch\(|eval\().{30}", text))
    scripts = [s for s in root.all("script") if s.attrs.get("type") != "application/json"]
    script = only(scripts, "scripts").text()
    policy = only([m for m in root.all("meta") if "http-equiv" in m.attrs], "policy").attrs["content"]
    import hashlib
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    if "default-src 'none'" not in policy or "'sha256-%s'" % digest not in policy:
        fail("the policy does not name the script:", policy)


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def rounds(shown, value):
    """Whether the text is the number, rounded."""
    x = float(value)
    if re.fullmatch(r"-?\d+", value):
        return shown == "{:,}".format(int(value))
    if abs(x) >= 100:
        return abs(float(shown.replace(",", "")) - x) <= 0.0501
    return abs(float(shown) - x) <= (0.0501 * abs(x) if "e" in shown else 0.5001e-4)


def cell(node, wanted, where):
    data = node.all("data")
    if wanted in ("", None):
        if data or not node.all("span"):
            fail(where, "is undefined, not", node.text())
    elif len(data) != 1 or data[0].attrs["value"] != wanted or not rounds(data[0].text(), wanted):
        fail(where, "is", wanted, "not", [(d.attrs, d.text()) for d in data])


def table(root, name):
    node = only([t for t in root.all("table") if t.all("caption")[0].attrs["id"] == name], name)
    body = only(node.all("tbody"), "tbody")
    return [[c for c in row.children if isinstance(c, Node)] for row in body.all("tr")]


ORDER = ["n", "auc", "auprc", "acc", "f1", "mcc", "tpr", "tnr", "log_loss", "brier"]


def check_scores(root, number, folder, sites):
    rows = [r for r in read(folder + "/metrics.tsv") if r["metric"] not in ("hide", "untrained")]
    of = {(r["anno"], r["output"], r["metric"]): r["value"] for r in rows}
    prefix = "eval-%d-" % number
    for row, which in zip(table(root, prefix + "totals"), ("mean", "pooled")):
        for node, metric in zip(row[1:], ORDER):
            cell(node, of["global", which, metric], (which, metric))
    contexts = table(root, prefix + "contexts")
    wanted = list(dict.fromkeys(r["anno"] for r in rows))
    outputs = table(root, prefix + "outputs")
    named = [row[0].text() for row in outputs]
    if {"hide", "seed", "parts"} & {word.text() for word in root.all("th", "abbr")}:
        fail("how the evaluation was made is shown as scores")
    every = len(named) == len({r["output"] for r in rows} - {"mean", "pooled"})
    if every and [row[0].text() for row in contexts] != wanted:
        fail("contexts", [row[0].text() for row in contexts], wanted)
    for row in contexts if every else []:
        for node, metric in zip(row[1:], ORDER):
            cell(node, of[row[0].text(), "pooled", metric], (row[0].text(), metric))
        cell(row[-1], of[row[0].text(), "mean", "auc"], (row[0].text(), "mean auc"))
    if not named or not set(named) <= {r["output"] for r in rows}:
        fail("outputs", named)
    for row in outputs:
        share = int(of["global", row[0].text(), "n"]) / sites
        if abs(float(row[1].all("data")[0].attrs["value"]) - share) > 1e-8:
            fail("observed share of", row[0].text())
        for node, metric in zip(row[2:], ORDER):
            cell(node, of["global", row[0].text(), metric], (row[0].text(), metric))
    return named


def check_comparison(root, folders):
    for row, folder in zip(table(root, "overview-evals"), folders):
        of = {(r["output"], r["metric"]): r["value"] for r in read(folder + "/metrics.tsv") if r["anno"] == "global"}
        for node, wanted in zip(row[1:], [of["pooled", metric] for metric in ORDER] + [of["mean", "auc"]]):
            cell(node, wanted, folder)


def check_epochs(root, number, folder):
    curves = []
    for name in "lc_train.tsv", "lc_val.tsv":
        try:
            curves.append(read("%s/%s" % (folder, name)))
        except FileNotFoundError:
            curves.append([])
    rows = table(root, "epochs-%d" % number)
    if len(rows) != len(curves[0]):
        fail("epochs of", folder)
    for e, row in enumerate(rows):
        for k, curve in enumerate(curves):
            cell(row[1 + 2 * k], curve[e]["loss"] if curve else "", (folder, e, "loss"))
            cell(row[2 + 2 * k], curve[e]["acc"] if curve else "", (folder, e, "acc"))


def pixels(image):
    """The palette's numbers, from a PNG without filters."""
    data = base64.b64decode(image.attrs["src"].split(",", 1)[1], validate=True)
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        fail("no PNG")
    at, chunks = 8, {}
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        content = data[at + 8:at + 8 + n]
        if struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0] != zlib.crc32(kind + content):
            fail("checksum of", kind)
        chunks[kind] = content
        at += 12 + n
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    if (depth, kind) != (8, 3) or rows[:, 0].any() or chunks[b"tRNS"] != b"\0":
        fail("another PNG than was wanted")
    return rows[:, 1:]


def check_window(section, path, named):
    heatmap = only([n for n in section.walk() if n.has("heatmap")], "heatmap")
    observed, predicted = [pixels(image) for image in heatmap.all("img")]
    names = [[item.text() for item in ol.all("li")] for ol in heatmap.all("ol")]
    summary = only([p for p in section.all("p") if "rounded to states match" in p.text()], "summary of the window").text()
    calls = right = 0
    steps = json.loads(only(heatmap.all("script"), "positions").text())
    positions = np.cumsum(steps)
    if names[0] != names[1] or ["cpg/" + name for name in names[0]] != [n for n in named if n.startswith("cpg/")]:
        fail("cells of the window:", names[0], named)
    with h5py.File(path) as file:
        chromo = np.array([c.decode() for c in file["chromo"][:]])
        mine = np.flatnonzero(chromo == re.sub("^chr", "", heatmap.attrs["data-chromo"]))
        at = mine[np.searchsorted(file["pos"][:][mine], positions)]
        if not (file["pos"][:][at] == positions).all() or (np.diff(at) != 1).any():
            fail("sites of the window")
        for k, name in enumerate(names[0]):
            label, p = file["outputs/cpg/" + name][:][at], file["preds/cpg/" + name][:][at]
            calls += (label >= 0).sum()
            right += ((label > 0.5) == (p > 0.5))[label >= 0].sum()
            if not (observed[k] == np.where(label < 0, 0, 1 + 100 * label)).all():
                fail("observed states of", name)
            if abs(predicted[k] - 1.0 - 100 * p).max() > 0.5001:
                fail("predictions of", name)
    if "match %.1f %%." % (100 * right / max(calls, 1)) not in summary:
        fail("not", right, "of", calls, "calls:", summary)
    return observed.size


def main(page, title, *inputs):
    with open(page, encoding="utf-8") as file:
        text = file.read()
    root = Tree(text).root
    check_structure(text, root, title)
    check_names(root)
    check_addresses(text, root)
    runs = [i for i in inputs if ":" not in i]
    for number, folder in enumerate(runs, 1):
        check_epochs(root, number, folder)
    squares, evals = 0, [i for i in inputs if ":" in i]
    if len(evals) > 1:
        check_comparison(root, [i.split(":")[1] for i in evals])
    for number, pair in enumerate(evals, 1):
        path, folder = pair.split(":")
        with h5py.File(path) as file:
            sites, parts, untrained = len(file["pos"]), file.attrs.get("hide"), file.attrs.get("untrained", [])
        named = check_scores(root, number, folder, sites)
        section = only([s for s in root.all("section") if s.attrs["id"] == "eval-%d" % number], "section")
        if ("--hide %s)" % parts in section.text()) != (parts is not None):
            fail("what was hidden in", path)
        for name in untrained:
            only([p for p in section.all("p") if p.text().endswith("mean nothing: %s." % name.decode())], "paragraph on untrained")
        squares += check_window(section, path, named)
    print("%d tables, %d pictures, %d numbers and %d squares are right" %
          (len(root.all("table")), len(root.all("svg")), len(root.all("data")), squares))


if __name__ == "__main__":
    main(*sys.argv[1:])
