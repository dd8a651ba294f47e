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
        argv += ["--publish", running.publish_url(scenario.door)]
    return argv


def start(scenario, running, settings, prefix=()):
    return subprocess.Popen([*prefix, *command(scenario, running, settings)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
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
    """Ends it if it runs yet, whatever it has measured."""
    if child and child.poll() is None:
        child.terminate()
        child.communicate()


def notes(result):
    """What makes a run doubtful, in words."""
    words = {"generator_limited": "the generator was the bottleneck", "disturbed": "others used the machine",
             "lost": "connections were lost", "missing": "messages were lost", "refused": "requests were refused"}
    return [text for key, text in words.items() if result.get(key)]


def figures(result):
    """Of the generator's words those that are kept: µs of CPU time for each message, ms, bytes."""
    server, latency = result["server"], result["latency_us"]
    return {
        "cpu": server["cpu_us"],
        "user": server["user_us"],
        "system": server["system_us"],
        "rate": result["rate"],
        "p50": latency["p50"] / 1000,
        "p99": latency["p99"] / 1000,
        "worst": latency["max"] / 1000,
        "memory": result.get("memory", {}).get("per_connection"),
        "notes": notes(result),
    }


def measure(scenario, running, settings):
    """Figures of one run; what is to run beside it begins before and ends after."""
    beside = child = None
    try:
        if scenario.beside:
            # On the same core, and not to be waited for by the one that measures.
            beside = start(settings.fit(scenarios.BESIDE[scenario.beside]), running, settings, ("nice", "-n", "10"))
        child = start(scenario, running, settings)
        return figures(finish(child, settings))
    finally:
        stop(child)
        stop(beside)
