"""page.py - docs/benchmarks.md: the tables, and the plots beside it."""
import os
from collections import Counter

from . import plot
from .scenarios import FIGURES
from .summary import Summary

HEAD = """# Benchmarks

Written by `make bench`; how is said in [bench/README.md](../bench/README.md). Each server had one core to itself and the load generator another one.
{rounds} rounds of {seconds:g} s each (after {warmup:g} s of warm-up), the order of the servers rotated; all figures are medians.

**The floor** is a server that only moves bytes ([bench/floor.c](../bench/floor.c)): one receive for each readiness, one send for each connection and turn,
nothing parsed, nothing allocated. No server on the same kernel interface can do less, so what stands above 1.00 is a server's own.

{processor}, {cores} cores, Linux {kernel}, {system}, {compiler}; load at the beginning {load}.

{versions}
"""

COST_HEAD = """## CPU time of the server for a message

As a multiple of the floor's, in brackets the microseconds in user mode. A message is one that came back (echo), that reached one reader (fan-out, server-sent
events, long poll), or one connection from beginning to end (churn).
"""

PLAIN_HEAD = """## Memory, and a bystander

Memory is the server's own, of a connection that is open and says nothing; the kernel adds its share for everyone. The bystander is one more connection whose echo waits while
others are served: its worst wait.
"""

RATES_HEAD = """## Rates and latencies

Thousands of messages a second as fast as it went, and the 99th percentile of latency in ms. Both depend on the generator as well, which shares the machine.
"""

CODECS_HEAD = """## Codecs

Nanoseconds, and instructions as callgrind counts them, for one operation on so many bytes.
"""

NOISE_HEAD = """## Noise

How far the rounds lie apart, in percent of the median; differences below are none. Steal: the most that the machine's host took away in a run, in percent of all its time.
"""

EMPTY = "–"


def table(header, rows):
    lines = [header, ["---"] * len(header)] + rows
    return "\n".join("| %s |" % " | ".join(line) for line in lines) + "\n"


def optional(form, value):
    return EMPTY if value is None else form.format(value)


def digits(value):
    """As many as say something."""
    return "{:,.0f}".format(value) if value >= 100 else "%.3g" % value


class Page:
    def __init__(self, results):
        self.results = results
        self.summary = Summary(results)
        self.plots = {}  # file name: text

    def multiples(self):
        return [s for s in self.summary.scenarios if FIGURES[s.figure][1]]

    def plain(self):
        return [s for s in self.summary.scenarios if not FIGURES[s.figure][1]]

    def head(self):
        versions = ["%s %s" % item if item[1] else item[0] for item in self.results["servers"].items()
                    if item[0] in self.summary.servers]
        options = self.results["options"]
        return HEAD.format(versions=" · ".join(versions), **self.results["machine"], **options)

    def matrix(self, scenarios, first, servers, cell):
        """A row for each scenario, a column for each server; rows of which nothing is known are left out."""
        rows = []
        for scenario in scenarios:
            cells = [cell(scenario, server) for server in servers]
            if set(cells) != {EMPTY}:
                rows.append([first(scenario)] + cells)
        return table([""] + servers, rows) if rows else ""

    def cost(self, scenario, server):
        user = optional(" ({:.2f})", self.summary.part(scenario, server, "user"))
        multiple = self.summary.multiple(scenario, server)
        return EMPTY if multiple is None else "%.2f%s" % (multiple, user)

    def cost_title(self, scenario):
        return scenario.title + optional(" (floor {:.2f} µs)", self.summary.median(scenario, "floor"))

    def costs(self):
        scenarios = [s for s in self.multiples() if self.summary.median(s, "floor")]
        if not scenarios:
            return ""
        others = [name for name in self.summary.servers if name != "floor"]
        return COST_HEAD + "\n" + self.matrix(scenarios, self.cost_title, others, self.cost) + self.plot(
            "cost", "CPU time of the server for a message", "× floor", scenarios, others, self.summary.multiple)

    def plain_cell(self, scenario, server):
        value = self.summary.median(scenario, server)
        return EMPTY if value is None else digits(value)

    def plains(self):
        if not self.plain():
            return ""
        memory = [s for s in self.plain() if s.figure == "memory"]
        return (PLAIN_HEAD + "\n" + self.matrix(self.plain(), lambda s: "%s, %s" % (s.title, FIGURES[s.figure][0]),
                                                self.summary.servers, self.plain_cell)
                + self.plot("memory", "Memory of an idle WebSocket", "bytes", memory, self.summary.servers,
                            self.summary.median))

    def rate(self, scenario, server):
        rate, p99 = (self.summary.part(scenario, server, name) for name in ("rate", "p99"))
        return EMPTY if rate is None else "%s · %s" % (digits(rate / 1000), optional("{:.3g}", p99))

    def rates(self):
        matrix = self.matrix(self.multiples(), lambda s: s.title, self.summary.servers, self.rate)
        return RATES_HEAD + "\n" + matrix if matrix else ""

    def noise(self):
        rows = [[s.title] + [optional("{:.0f}", self.summary.spread(s, name)) for name in self.summary.servers] +
                ["%.1f" % self.summary.steal(s)] for s in self.summary.scenarios]
        return NOISE_HEAD + "\n" + table([""] + self.summary.servers + ["steal"], rows) + "\n" + self.notes()

    def notes(self):
        """Each doubt once: in how many runs, and in which rows most of them."""
        lines = []
        for words, runs in self.summary.notes().items():
            most = ", ".join("%s of %s (%d)" % (*run, count) for run, count in Counter(runs).most_common(5))
            lines.append("- %s in %d of %d runs: %s%s" % (words, len(runs), len(self.results["runs"]), most,
                                                           ", …" if len(set(runs)) > 5 else ""))
        return "\n".join(lines + [""])

    def codecs(self):
        rows = [[row["name"], "{:,}".format(row["bytes"]), digits(row["ns"]), optional("{:,.0f}", row["instructions"])]
                for row in self.results["codecs"]]
        return CODECS_HEAD + "\n" + table(["", "bytes", "ns", "instructions"], rows) if rows else ""

    def plot(self, name, title, unit, scenarios, servers, figure):
        """The reference to a plot, which is remembered; nothing when there is nothing to be seen."""
        groups = []
        for scenario in scenarios:
            rows = [(server, figure(scenario, server)) for server in servers]
            rows = [(server, value) for server, value in rows if value and value > 0]
            groups += [(scenario.title, rows)] if rows else []
        if not groups:
            return ""
        self.plots[name + ".svg"] = plot.bars(title, unit, groups, 1 if "floor" in unit else None)
        return "\n![%s](benchmarks/%s.svg)\n" % (title, name)

    def text(self):
        sections = [self.head(), self.costs(), self.plains(), self.rates(), self.codecs()]
        return "\n".join(section for section in sections + [self.noise() if self.results["runs"] else ""] if section)


def write(results, directory):
    """The page and its plots, into a directory."""
    page = Page(results)
    os.makedirs(os.path.join(directory, "benchmarks"), exist_ok=True)
    with open(os.path.join(directory, "benchmarks.md"), "w", encoding="utf-8") as file:
        file.write(page.text())
    for name, text in page.plots.items():
        with open(os.path.join(directory, "benchmarks", name), "w", encoding="utf-8") as file:
            file.write(text)
    return os.path.join(directory, "benchmarks.md")
