"""scenarios.py - what is measured, one row each: how the generator is called, and which of its figures is the row's."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """door: which of a server's paths (servers.py); figure: what is compared, of FIGURES."""
    name: str
    title: str
    kind: str           # the generator's subcommand
    door: str
    connections: int
    in_flight: int = 1
    size: int = 64
    figure: str = "cpu"
    subscribe: str = "" # fanout: how its readers listen, when not by WebSocket
    beside: str = ""    # another scenario that runs at the same time, and is not looked at

    def smaller(self, most):
        """The same with at most so many connections: to see that it works, not how fast."""
        return Scenario(**{**self.__dict__, "connections": min(self.connections, most)})


# figure: (unit, whether it is told as a multiple of the floor's)
FIGURES = {
    "cpu": ("µs", True),
    "memory": ("bytes", False),
    "worst": ("ms", False),
}

SCENARIOS = [
    Scenario("echo", "echo 64 B, 1 in flight", "echo", "echo", 100),
    Scenario("echo-16", "echo 64 B, 16 in flight", "echo", "echo", 100, in_flight=16),
    Scenario("echo-16k", "echo 16 KiB, 1 in flight", "echo", "echo", 100, size=16384),
    Scenario("fanout-1000", "fan-out to 1,000, one at a time", "fanout", "channel", 1000),
    Scenario("fanout-1000-32", "fan-out to 1,000, 32 in flight", "fanout", "channel", 1000, in_flight=32),
    Scenario("fanout-10000", "fan-out to 10,000, one at a time", "fanout", "channel", 10000),
    Scenario("fanout-10000-8", "fan-out to 10,000, 8 in flight", "fanout", "channel", 10000, in_flight=8),
    Scenario("sse", "server-sent events to 1,000, one at a time", "fanout", "events", 1000,
             subscribe="sse"),
    Scenario("poll", "long poll, 1,000 readers, one at a time", "fanout", "poll", 1000,
             subscribe="longpoll"),
    Scenario("churn", "connect, handshake, echo, close", "churn", "echo", 100),
    Scenario("idle", "idle WebSocket, memory of its own", "idle", "echo", 5000, figure="memory"),
    Scenario("idle-subscribed", "idle WebSocket, subscribed", "idle", "channel", 5000, figure="memory"),
    Scenario("bystander", "worst echo beside a fan-out to 5,000", "echo", "echo", 1, figure="worst",
             beside="crowd"),
]

CROWD = Scenario("crowd", "fan-out to 5,000", "fanout", "channel", 5000)


BESIDE = {CROWD.name: CROWD}  # never alone


def chosen(names):
    """The scenarios of these names, all of them when there are none. KeyError names one that isn't there."""
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    return [by_name[name] for name in names] if names else SCENARIOS
