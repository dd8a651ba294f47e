"""plot.py - bars as SVG, readable in light and dark pages: text and lines take the page's side, bars suit both."""
import math
from html import escape

LEFT, RIGHT, BAR, GAP, GROUP_GAP, TOP, BOTTOM, WIDTH = 150, 90, 14, 4, 18, 44, 30, 760

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.faint { fill: #57606a }
line { stroke: #d0d7de }
.mark { stroke: #b8860b; stroke-width: 2 }
.bar { fill: #8c959f }
.ours { fill: #0f8a5f }
.floor { fill: #b8860b }
@media (prefers-color-scheme: dark) {
	text { fill: #e6edf3 }
	.faint { fill: #9198a1 }
	line { stroke: #3d444d }
	.mark { stroke: #d4a72c }
	.bar { fill: #6e7681 }
	.ours { fill: #2ea97a }
	.floor { fill: #d4a72c }
}
"""


class Scale:
    """From `least` to `most` logarithmically, as bars of very different lengths are to be seen beside each other."""

    def __init__(self, values):
        self.least = min(values) / 2
        self.most = max(values)

    def x(self, value):
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def ticks(self):
        """1, 2, 5 of each decade, as far as the axis goes."""
        for power in range(math.floor(math.log10(self.least)), math.ceil(math.log10(self.most)) + 1):
            yield from (step * 10 ** power for step in (1, 2, 5)
                        if self.least <= step * 10 ** power <= self.most)


def figure(value):
    """Three digits that count, thousands with a comma."""
    if value >= 100:
        return "{:,.0f}".format(value)
    return "%.3g" % value


def text(x, y, words, kind="", anchor="start"):
    return '<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>' % (x, y, kind, anchor, escape(words))


def axis(scale, height, mark):
    for tick in scale.ticks():
        x = scale.x(tick)
        yield '<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" class="%s"/>' % (x, TOP - 8, x, height - BOTTOM,
                                                                         "mark" if tick == mark else "")
        yield text(x, height - BOTTOM + 16, figure(tick), "faint", "middle")


def bar(scale, y, name, value):
    kind = {"crosstalk": "bar ours", "floor": "bar floor"}.get(name, "bar")
    end = max(scale.x(value), LEFT + 1)
    yield text(LEFT - 8, y + BAR - 3, name, anchor="end")
    yield '<rect x="%d" y="%.1f" width="%.1f" height="%d" rx="2" class="%s"/>' % (LEFT, y, end - LEFT, BAR, kind)
    yield text(end + 6, y + BAR - 3, figure(value))


def bars(title, unit, groups, mark=None):
    """groups: [(heading, [(name, value)])]; mark: a line that counts more than others. The text of an SVG file."""
    values = [value for _, rows in groups for _, value in rows if value > 0]
    scale = Scale(values)
    parts, y = [], TOP + 10
    for heading, rows in groups:
        parts.append(text(8, y + 4, heading, "faint"))
        y += 12
        for name, value in rows:
            parts.extend(bar(scale, y, name, max(value, scale.least)))
            y += BAR + GAP
        y += GROUP_GAP
    height = y + BOTTOM
    head = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
            'aria-label="%s">' % (WIDTH, height, WIDTH, height, escape(title, quote=True)))
    return "\n".join([head, "<style>%s</style>" % STYLE, text(8, 20, title, "title"),
                      text(WIDTH - 8, 20, unit + ", logarithmic", "faint", "end"), *axis(scale, height, mark), *parts,
                      "</svg>", ""])
