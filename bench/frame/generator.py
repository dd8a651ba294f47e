"""generator.py - one run of `crosstalk bench` against a server, and the figures that are kept of it."""
import json
import os
import subprocess

from . import scenarios
from .servers import CROSSTALK

GENERATOR = os.environ.get("GENERATOR") or CROSSTALK
SPARE_SECONDS = 120  # for opening 10,000 connections, and closing them


class Failed(Exception):
    """The generator said why."""


def command(scenario, running, settings):
    argv = ["taskset", "-c", str(settings.generator_core), GENERATOR, "bench", scenario.kind, running.url(scenario.door),
            "--connections", str(scenario.connections), "--size", str(scenario.size),
            "--seconds", str(settings.seconds), "--warmup", str(settings.warmup),
            "--pid", str(running.pid), "--cpu", str(settings.generator_core), "--json"]
    if scenario.kind in ("echo", "fanout"):
        argv += ["--in-flight", str(scenario.in_flight)]
    if scenario.subscribe:
        argv += ["--subscribe", scenario.subscribe]
    if scenario.kind == "fanout":
        argv += ["--publish", running.url("publish") or running.url("channel")]
    return argv


def start(scenario, running, settings):
    return subprocess.Popen(command(scenario, running, settings), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(child, settings):
    """What it printed as JSON. Failed when it did not end well, or in time."""
    try:
        out, err = child.communicate(timeout=settings.seconds + settings.warmup + SPARE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise Failed("the generator did not end") from None
    if child.returncode != 0 or not out.strip():
        raise Failed((err or out).strip().split("\n")[-1] or "the generator ended with %d" % child.returncode)
    return json.loads(out)


def stop(child):
    """Ends what runs beside, whatever it has measured."""
    if child:
        child.terminate()
        child.communicate()


def figures(result):
    """Of the generator's words those that are kept; None: it had none."""
    server = result.get("server") or {}
    latency = result.get("latency") or {}
    return {
        "user": server.get("user_us"),
        "system": server.get("system_us"),
        "rate": result.get("rate"),
        "p50": latency.get("p50"),
        "p99": latency.get("p99"),
        "worst": latency.get("max"),
        "memory": server.get("memory"),
        "notes": result.get("notes") or [],
    }


def measure(scenario, running, settings):
    """Figures of one run; what is to run beside it begins before and ends after."""
    beside = None
    try:
        if scenario.beside:
            beside = start(settings.fit(scenarios.BESIDE[scenario.beside]), running, settings)
        return figures(finish(start(scenario, running, settings), settings))
    finally:
        stop(beside)
