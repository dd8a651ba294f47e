"""summary.py - what the rounds say together: medians, multiples of the floor's, and how far the rounds lie apart."""
from collections import defaultdict
from statistics import median

from .scenarios import FIGURES, SCENARIOS


class Summary:
    """`results`: what bench/run has written down."""

    def __init__(self, results):
        self.results = results
        self.servers = [name for name in results["servers"] if any(run["server"] == name for run in results["runs"])]
        measured = {run["scenario"] for run in results["runs"]}
        self.scenarios = [scenario for scenario in SCENARIOS if scenario.name in measured]

    def runs(self, scenario, server):
        return [run["figures"] for run in self.results["runs"]
                if (run["scenario"], run["server"]) == (scenario.name, server) and "figures" in run]

    def known(self, scenario, server, name):
        return [figures[name] for figures in self.runs(scenario, server) if figures[name] is not None]

    def values(self, scenario, server):
        """What a row compares, of each round: µs of CPU time, bytes, or ms."""
        return self.known(scenario, server, scenario.figure)

    def median(self, scenario, server):
        values = self.values(scenario, server)
        return median(values) if values else None

    def part(self, scenario, server, name):
        """The median of one figure."""
        values = self.known(scenario, server, name)
        return median(values) if values else None

    def multiple(self, scenario, server):
        """Of the floor's; None where there is none, or the row has no floor."""
        floor, mine = self.median(scenario, "floor"), self.median(scenario, server)
        return mine / floor if floor and mine is not None and FIGURES[scenario.figure][1] else None

    def spread(self, scenario, server):
        """How far the rounds lie apart, in percent of their median."""
        values = self.values(scenario, server)
        middle = median(values) if values else 0
        return 100 * (max(values) - min(values)) / middle if middle else None

    def steal(self, scenario):
        """The most that was stolen in a run of the row, in percent."""
        return max(run["steal"] for run in self.results["runs"] if run["scenario"] == scenario.name)

    def notes(self):
        """What the generator said of runs, and why runs failed: {words: [(scenario, server) of each run]}."""
        said = defaultdict(list)
        for run in self.results["runs"]:
            for words in [run["failed"]] if "failed" in run else run["figures"]["notes"]:
                said[words].append((run["scenario"], run["server"]))
        return said
