"""summary.py - what the rounds say together: medians, multiples of the floor's, and how far the rounds lie apart."""
from statistics import median

from .scenarios import FIGURES, SCENARIOS


def value(scenario, figures):
    """The figure that a row compares: µs of CPU time, bytes, or ms. None: it was not measured."""
    if scenario.figure == "cpu":
        return None if figures["user"] is None else figures["user"] + figures["system"]
    return figures[scenario.figure]


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

    def values(self, scenario, server):
        return [v for v in (value(scenario, figures) for figures in self.runs(scenario, server)) if v is not None]

    def median(self, scenario, server):
        values = self.values(scenario, server)
        return median(values) if values else None

    def part(self, scenario, server, name):
        """The median of one figure."""
        values = [figures[name] for figures in self.runs(scenario, server) if figures[name] is not None]
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
        """What the generator said of its runs, and why runs failed, each with how often."""
        seen = {}
        for run in self.results["runs"]:
            for note in run.get("figures", {}).get("notes", []) + [run["failed"]] * ("failed" in run):
                key = (run["scenario"], run["server"], note)
                seen[key] = seen.get(key, 0) + 1
        return seen
