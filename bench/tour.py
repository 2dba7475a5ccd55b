#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains, evaluates and reports as the tour in README.md, and takes its pictures out of the page:   tour.py DATA OUT [--pictures DIR]

DATA is a folder with cpg/, dna/ and anno/, as of `dcpg simulate --nb_chromo 3 --chromo_len 2000000 --nb_cell 20`; what is in OUT already is
not made again. Takes two minutes on 2 cores. $DCPG_PROGRAM is the program, by default that of build/release."""
import argparse
import glob
import html.parser
import json
import os
import re
import subprocess

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SITES, CELL_HEIGHT, SITE_WIDTH = 240, 9, 3
LEFT, RIGHT, ABOVE, LINE = 76, 12, 30, 14


def make(data, out):
    program = os.environ.get("DCPG_PROGRAM", os.path.join(TOP, "build/release/bin/dcpg"))

    def dcpg(name, *words):
        if not os.path.exists(os.path.join(out, name)):
            subprocess.run([program] + [str(w) for w in words], cwd=out, check=True)

    files = {part: sorted(glob.glob(os.path.join(os.path.abspath(data), part, "*.gz"))) for part in ("cpg", "anno")}
    dcpg("store.h5", "data", "--cpg_profiles", *files["cpg"], "--dna_files", os.path.join(os.path.abspath(data), "dna"), "--out_file", "store.h5")
    dcpg("model/model.h5", "train", "store.h5", "--train_chromos", 1, 2, "--val_chromos", 3, "--cpg_model", "RnnL1", "--nb_epoch", 5,
         "--learning_rate", 0.001, "--out_dir", "model")
    dcpg("eval.h5", "eval", "store.h5", "--chromos", 3, "--model_files", "model", "--out_data", "eval.h5")
    dcpg("report.html", "report", "model", "eval.h5", "--anno_files", *files["anno"], "--window_sites", SITES, "--out", "report.html")


class Page(html.parser.HTMLParser):
    """Images, names and positions of the window."""

    def __init__(self, text):
        super().__init__()
        self.images, self.names, self.positions, self.inside = [], [], None, ""
        self.feed(text)

    def handle_starttag(self, name, attrs):
        attrs = dict(attrs)
        if name == "img":
            self.images.append(attrs["src"])
        self.inside = "names" if name == "li" and not self.images else attrs.get("class", "") if name == "script" else ""

    def handle_data(self, data):
        if self.inside == "names" and data.strip() and re.fullmatch(r"[\w.+-]+", data):
            self.names.append(data)
        if self.inside == "positions":
            self.positions = json.loads(data)
        self.inside = ""


def svg(width, height, title, about, style, body):
    return ('<svg class="dr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
            'aria-labelledby="t d">\n<title id="t">%s</title>\n<desc id="d">%s</desc>\n<style>\n%s.pixels{image-rendering:pixelated}'
            '.ground{fill:var(--grid)}</style>\n<rect class="paper" width="%d" height="%d"/>\n%s</svg>\n'
            % (width, height, width, height, title, about, style, width, height, body))


def band(page, k, what, top):
    """Observed or predicted states: cells below each other, positions above."""
    cells, width = len(page.names), SITES * SITE_WIDTH
    lines = ['<text class="dt" x="%d" y="%d">%s</text>' % (LEFT, top + 12, what)]
    at, positions = 0, []
    for step in page.positions:
        at += step
        positions.append(at)
    for i in range(0, SITES, 60):
        lines.append('<text x="%d" y="%d">%s</text>' % (LEFT + i * SITE_WIDTH, top + ABOVE - 3, "{:,}".format(positions[i])))
    top += ABOVE
    for c, name in enumerate(page.names):
        lines.append('<text x="%d" y="%d" text-anchor="end" style="font-size:9px">%s</text>'
                     % (LEFT - 5, top + (c + 1) * CELL_HEIGHT - 1.5, name))
    box = 'x="%d" y="%d" width="%d" height="%d"' % (LEFT, top, width, cells * CELL_HEIGHT)
    lines.append('<rect class="ground" %s/>\n<image class="pixels" preserveAspectRatio="none" %s href="%s"/>' % (box, box, page.images[k]))
    return "\n".join(lines) + "\n", top + cells * CELL_HEIGHT + LINE


def window(page, style):
    upper, below = band(page, 0, "observed", 4)
    lower, end = band(page, 1, "predicted", below)
    legend = "".join('<rect x="%d" y="8" width="12" height="10" style="fill:%s"/><text x="%d" y="17">%s</text>' % (x, fill, x + 17, text)
                     for x, fill, text in ((LEFT + 330, "#2166ac", "unmethylated"), (LEFT + 440, "#b2182b", "methylated"),
                                           (LEFT + 540, "var(--grid)", "not observed")))
    return svg(LEFT + SITES * SITE_WIDTH + RIGHT, end, "Observed and predicted methylation",
               "%d cells below each other, %d neighbouring sites beside each other: few states were observed, all are predicted."
               % (len(page.names), SITES), style, upper + lower + legend + "\n")


def figure(text, name, style):
    """A figure of the page as a file of its own."""
    part = re.search(r'<svg class="dr" viewBox="0 0 (\d+) (\d+)"[^>]*aria-labelledby="%s-t[^>]*>(.*?)</svg>' % name, text, re.S)
    width, height, body = part.groups()
    title, about = (re.search(r"<%s[^>]*>(.*?)</%s>\n" % (tag, tag), body, re.S).group(1) for tag in ("title", "desc"))
    return svg(int(width), int(height), title, about, style, body[body.index("</desc>\n") + 8:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--pictures", default=os.path.join(TOP, "bench/results"))
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    make(args.data, args.out)
    with open(os.path.join(args.out, "report.html"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(args.out, "model/lc.svg"), encoding="utf-8") as file:
        style = re.search(r"<style>\n(.*?)</style>", file.read(), re.S).group(1)
    for name, picture in ("tour-window", window(Page(text), style)), ("tour-contexts", figure(text, "eval-1-by-context", style)):
        with open(os.path.join(args.pictures, name + ".svg"), "w", encoding="utf-8") as file:
            file.write(picture)


if __name__ == "__main__":
    main()
