# SPDX-License-Identifier: MIT
"""Small figures as SVG, without packages: lines with intervals on linear or logarithmic axes, and stacked or single bars."""
import math
from xml.sax.saxutils import escape

COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 420, 76, 170, 40, 56


def tidy(x):
    return f"{x:.3g}" if x < 1000 else f"{x:,.0f}"


class Figure:
    def __init__(self, title, x, y):
        self.parts = []
        self.legend = []
        self.text(LEFT, 22, title, size=15)
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x, anchor="middle")
        self.parts.append(f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2})">{escape(y)}</text>')

    def text(self, x, y, text, anchor="start", size=12):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(str(text))}</text>')

    def line(self, x1, y1, x2, y2, colour="#444", width=1, dash=""):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"' + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")

    def box(self, x, y, w, h, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{max(h, 0):.1f}" fill="{colour}"/>')

    def key(self, name, colour, dash=""):
        y = TOP + 14 + 20 * len(self.legend)
        self.legend.append(name)
        self.line(WIDTH - RIGHT + 12, y - 4, WIDTH - RIGHT + 34, y - 4, colour, 3, dash)
        self.text(WIDTH - RIGHT + 40, y, name, size=11)

    def frame(self):
        self.line(LEFT, TOP, LEFT, HEIGHT - BOTTOM)
        self.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM)

    def write(self, path):
        with open(path, "w") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">\n'
                       f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def ticks(low, high, log):
    if log:
        found = [m * 10.0 ** e for e in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1) for m in (1, 2, 5)]
        return [x for x in found if low / 1.001 <= x <= high * 1.001]
    step = 10 ** math.floor(math.log10(high / 4))
    step *= next(m for m in (1, 2, 5, 10) if high / (step * m) <= 6)
    return [step * i for i in range(int(high / step) + 1)]


def lines(path, title, x, y, series, log=True):
    """series: [(name, dashed, [(x, y, low, high)])]; low and high None: no interval. Ticks of x are the values of x."""
    points = [p for _, _, some in series for p in some]
    xs = sorted({p[0] for p in points})
    values = [v for p in points for v in p[1:] if v]
    low, high = min(values), max(values)
    low, high = (low / 1.3, high * 1.3) if log else (0, high * 1.08)
    first, last = xs[0], max(xs[-1], xs[0] * 1.001)

    def at_x(v):
        return LEFT + 20 + (WIDTH - RIGHT - LEFT - 40) * (math.log(v / first) / math.log(last / first))

    def at_y(v):
        part = math.log(v / low) / math.log(high / low) if log else (v - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part

    figure = Figure(title, x, y)
    for tick in ticks(low, high, log):
        figure.line(LEFT, at_y(tick), WIDTH - RIGHT, at_y(tick), "#ddd")
        figure.text(LEFT - 6, at_y(tick) + 4, tidy(tick), "end", 11)
    figure.frame()
    for tick in xs:
        figure.text(at_x(tick), HEIGHT - BOTTOM + 18, tidy(tick), "middle", 11)
    for i, (name, dashed, some) in enumerate(series):
        colour, dash = COLOURS[i % len(COLOURS)], "5 4" if dashed else ""
        figure.key(name, colour, dash)
        for a, b in zip(some, some[1:]):
            figure.line(at_x(a[0]), at_y(a[1]), at_x(b[0]), at_y(b[1]), colour, 2, dash)
        for p in some:
            if not dashed:
                figure.parts.append(f'<circle cx="{at_x(p[0]):.1f}" cy="{at_y(p[1]):.1f}" r="3.5" fill="{colour}"/>')
            if p[2]:
                figure.line(at_x(p[0]), at_y(p[2]), at_x(p[0]), at_y(p[3]), colour, 1.5)
                for end in p[2], p[3]:
                    figure.line(at_x(p[0]) - 4, at_y(end), at_x(p[0]) + 4, at_y(end), colour, 1.5)
    figure.write(path)


def bars(path, title, x, y, names, stacks, intervals=None):
    """stacks: [(name, [value of each bar])], from bottom to top; intervals: [(low, high)] of the bars' tops."""
    totals = [sum(values[i] for _, values in stacks) for i in range(len(names))]
    high = 1.08 * max(totals + [end[1] for end in intervals or [] if end[1]])
    figure = Figure(title, x, y)

    def at_y(v):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * v / high

    for tick in ticks(0, high, False):
        figure.line(LEFT, at_y(tick), WIDTH - RIGHT, at_y(tick), "#ddd")
        figure.text(LEFT - 6, at_y(tick) + 4, tidy(tick), "end", 11)
    figure.frame()
    slot = (WIDTH - RIGHT - LEFT) / len(names)
    for i, name in enumerate(names):
        left, base = LEFT + slot * (i + 0.2), 0
        for k, (_, values) in enumerate(stacks):
            figure.box(left, at_y(base + values[i]), slot * 0.6, at_y(base) - at_y(base + values[i]), COLOURS[k % len(COLOURS)])
            base += values[i]
        if intervals and intervals[i][0]:
            middle = left + slot * 0.3
            figure.line(middle, at_y(intervals[i][0]), middle, at_y(intervals[i][1]), "#000", 1.5)
        for k, part in enumerate(name.split("\n")):
            figure.text(left + slot * 0.3, HEIGHT - BOTTOM + 14 + 12 * k, part, "middle", 10)
    for k, (name, _) in reversed(list(enumerate(stacks))):
        if len(stacks) > 1:
            figure.key(name, COLOURS[k % len(COLOURS)])
    figure.write(path)
