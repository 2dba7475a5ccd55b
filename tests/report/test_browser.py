#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens a page of dcpg report in Chromium without a window: no message on the console, no request, in light and dark, on wide and narrow
screens, on paper and without scripts; contrast of all text; sorting, filtering and reading values as the tables and the evaluation have
them. $DCPG_SHOTS names a folder for pictures of the sections, to be looked at."""
import csv
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # noqa: E402

DCPG = os.environ["DCPG_PROGRAM"]

# Texts with too little contrast: [text, ratio]. Colours of text and of the first ground below it that is not transparent.
CONTRAST = r"""
const parse = c => c.match(/[\d.]+/g).map(Number);
const linear = x => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
const light = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
const ground = e => {
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c;
    if (c[3] > 0) throw 'a ground that shines through: ' + e.outerHTML.slice(0, 80);
  }
  return parse(getComputedStyle(document.documentElement).getPropertyValue('color-scheme') === 'dark' ? '0,0,0' : '255,255,255');
};
const bad = [], seen = {n: 0};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let t; t = walker.nextNode();) {
  const e = t.parentElement, style = getComputedStyle(e);
  if (!t.data.trim() || ['SCRIPT', 'STYLE', 'OPTION', 'title', 'desc'].includes(e.tagName) || !e.getClientRects().length) continue;
  const a = light(parse(e instanceof SVGElement ? style.fill : style.color)), b = light(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(style.fontSize);
  seen.n++;
  if (ratio < (size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5)) bad.push([t.data, ratio]);
}
if (seen.n < 200) throw 'only ' + seen.n + ' texts';
return bad;
"""

NAMELESS = r"""
return [...document.querySelectorAll('a, button, input, select, summary, [tabindex]')].filter(e => {
  const by = e.getAttribute('aria-labelledby');
  const name = e.getAttribute('aria-label') || (by && document.getElementById(by).textContent) ||
    (e.labels && [...e.labels].map(l => l.textContent).join('')) || e.textContent;
  return !name.trim();
}).map(e => e.outerHTML.slice(0, 100));
"""


def fail(*words):
    sys.exit("FAILED: " + " ".join(str(w) for w in words))


def dcpg(*words):
    done = subprocess.run([DCPG] + list(words), capture_output=True, text=True)
    if done.returncode:
        fail(words, done.stderr)


def make_page():
    dcpg("simulate", "--out_dir", "sim", "--nb_chromo", "2", "--chromo_len", "60000", "--nb_cell", "12", "--seed", "9")
    dcpg("data", "--cpg_profiles", *sorted("sim/cpg/" + f for f in os.listdir("sim/cpg")), "--dna_files", "sim/dna", "--out_file", "s.h5")
    dcpg("train", "s.h5", "--train_chromos", "1", "--val_chromos", "2", "--cpg_model", "fc[4]_gap", "--cpg_wlen", "4", "--nb_epoch", "3",
         "--out_dir", "model")
    dcpg("eval", "s.h5", "--model_files", "model", "--out_data", "e.h5")
    dcpg("report", "model", "e.h5", "--out", "page.html")
    dcpg("perf", "e.h5", "--out_dir", "perf")


def opens_quietly(b, what):
    messages = [entry for entry in b.log("browser")]
    if messages:
        fail(what, "messages on the console:", messages)
    asked = [r for r in b.requests() if not r.startswith(("data:", "chrome://", "about:"))]
    if asked != ["file://" + os.path.realpath("page.html")]:
        fail(what, "requests:", asked)


def check_looks(b):
    for scheme in "light", "dark":
        for width in 1280, 400:
            b.scheme(scheme)
            b.size(width, 900)
            b.requests(), b.log("browser")
            b.open("page.html")
            b.run("document.querySelectorAll('details').forEach(d => d.open = true)")
            opens_quietly(b, (scheme, width))
            bad = b.run(CONTRAST)
            if bad:
                fail(scheme, width, "too little contrast:", bad[:5])
            wide = b.run("return document.documentElement.scrollWidth")
            if wide > width:
                fail("the page is", wide, "wide on a screen of", width)
            take_shots(b, "%s-%d" % (scheme, width))
    b.scheme("light", "print")
    if b.run("return [...document.querySelectorAll('nav, .tools, .skip')].some(e => e.getClientRects().length)"):
        fail("what only a screen can use is printed")
    if not b.devtools("Page.printToPDF", printBackground=False)["data"]:
        fail("no paper")
    b.scheme("light")


def take_shots(b, name):
    folder = os.environ.get("DCPG_SHOTS")
    boxes = b.run("return [...document.querySelectorAll('section')].map(s => { const r = s.getBoundingClientRect();"
                  "return [s.id, {x: 0, y: r.y + scrollY, width: innerWidth, height: r.height}]; })") if folder else []
    for part, box in boxes:
        for k in range(0, int(box["height"]), 1400):
            clip = dict(box, y=box["y"] + k, height=min(1400, box["height"] - k))
            b.shoot(os.path.join(folder, "%s-%s-%d.png" % (name, part, k // 1400)), clip)


def check_keyboard(b):
    b.open("page.html")
    nameless = b.run(NAMELESS)
    if nameless:
        fail("no name:", nameless)
    b.press("Tab")
    skip = b.run("const e = document.activeElement, r = e.getBoundingClientRect(); return [e.className, r.left, getComputedStyle(e).outlineStyle]")
    if skip[0] != "skip" or skip[1] < 0 or skip[2] == "none":
        fail("the first stop of the keyboard:", skip)
    hidden = b.run("return [...document.querySelectorAll('.scroll, .band')].filter(e => e.tabIndex !== 0).length")
    if hidden:
        fail(hidden, "areas that only a pointer scrolls")


def check_tables(b):
    with open("perf/metrics.tsv", newline="") as file:
        auc = {r["output"]: r["value"] for r in csv.DictReader(file, delimiter="\t") if (r["anno"], r["metric"]) == ("global", "auc")}
    del auc["mean"], auc["pooled"]
    wanted = sorted(auc, key=lambda output: float(auc[output]))
    rows = "return [...document.querySelectorAll('table.filtered tbody tr')].filter(r => !r.hidden).map(r => r.cells[0].textContent)"
    click = "[...document.querySelectorAll('table.filtered thead button')].find(b => b.textContent === 'AUC').click();"
    for order in wanted, wanted[::-1]:
        if b.run(click + rows) != order:
            fail("sorted by AUC:", b.run(rows), order)
    sort = b.run("return [...document.querySelectorAll('table.filtered th[aria-sort]')].map(h => [h.textContent, h.ariaSort])")
    if sort != [["AUC", "descending"]]:
        fail("how the table is sorted:", sort)
    some = b.run("const i = document.querySelector('input[type=search]'); i.value = arguments[0]; i.dispatchEvent(new Event('input'));" + rows,
                 wanted[0][4:].upper())
    if wanted[0] not in some or any(wanted[0][4:] not in name for name in some):
        fail("filtered:", some)
    digits = b.run("document.querySelector('.tools input[type=checkbox]').click();"
                   "const d = [...document.querySelectorAll('table.filtered tr:not([hidden]) data')][2];"
                   "return getComputedStyle(d, '::before').content")
    if digits.strip('"') != auc[some[0]]:
        fail("all digits:", digits, auc[some[0]])


def check_window(b):
    with h5py.File("e.h5") as file:
        chromo, pos = file["chromo"][:], file["pos"][:]
        cells = sorted(file["preds/cpg"])
        label, prediction = ([file[g + "/cpg/" + c][:] for c in cells] for g in ("outputs", "preds"))
    first = np.flatnonzero(chromo == chromo[0])
    for site, cell in (3, 0), (20, 7), (101, 11):
        at = first[site]
        wanted = "%s, %s:%s: %s, predicted %.2f" % (cells[cell], chromo[0].decode(), "{:,}".format(pos[at]),
                                                    ["not observed", "unmethylated", "methylated"][int(label[cell][at]) + 1],
                                                    round(float(prediction[cell][at]) * 100) / 100)
        place = b.run("const i = document.querySelectorAll('.heat')[arguments[0] % 2], n = i.naturalWidth, m = i.naturalHeight;"
                      "i.parentElement.scrollIntoView({block: 'center', behavior: 'instant'}); const r = i.getBoundingClientRect();"
                      "return [r.left + (arguments[0] + 0.5) * r.width / n, r.top + (arguments[1] + 0.5) * r.height / m]", site, cell)
        b.move(*place)
        found = b.run("return document.querySelector('.reading').textContent")
        if found != wanted:
            fail("under the pointer:", found, "not", wanted)
    widths = b.run("const w = () => document.querySelector('.heat').getBoundingClientRect().width, before = w();"
                   "document.querySelector('[aria-label=\"Wider columns\"]').click(); return [before, w()]")
    if abs(widths[1] / widths[0] - 2) > 0.01:
        fail("wider columns:", widths)
    chosen = b.run("const [c, p] = [document.querySelector('.tools select'), document.querySelector('.tools input[type=number]')];"
                   "c.selectedIndex = 5; p.value = arguments[0]; p.dispatchEvent(new Event('change'));"
                   "return document.querySelector('.reading').textContent", int(pos[first[50]]))
    if not chosen.startswith("%s, %s:%s: " % (cells[5], chromo[0].decode(), "{:,}".format(pos[first[50]]))):
        fail("chosen:", chosen)
    together = b.run("return new Promise(done => { const [a, c] = document.querySelectorAll('.band'); a.scrollLeft = 77;"
                     "setTimeout(() => done([a.scrollLeft, c.scrollLeft]), 300); })")
    if together != [77, 77]:
        fail("bands do not scroll together:", together)


def main():
    lacks = browser.missing()
    if lacks:
        print("skipped: %s is not installed (bash third_party/install.sh --browser)" % lacks)
        sys.exit(77)
    make_page()
    b = browser.Browser(os.getcwd())
    try:
        check_looks(b)
        b.size(1280, 900)
        check_keyboard(b)
        check_tables(b)
        check_window(b)
        if b.log("browser"):
            fail("messages on the console after use")
    finally:
        b.close()
    print("ok")


if __name__ == "__main__":
    shots = os.environ.get("DCPG_SHOTS")
    if shots:
        os.environ["DCPG_SHOTS"] = os.path.abspath(shots)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        main()
