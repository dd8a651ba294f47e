"""machine.py - what is measured on, and who else was busy there."""
import os
import platform
import resource
import subprocess


def cores():
    """(the server's, the generator's): two of those we may use, or one twice."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[-1], mine[0]


def raise_limits():
    """As many descriptors as the system allows; 10,000 connections need them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def ticks():
    """(all, stolen by other machines), since boot, over all cores."""
    with open("/proc/stat", encoding="ascii") as file:
        values = [int(word) for word in file.readline().split()[1:9]]
    return sum(values), values[7]


class Steal:
    """The share of time that the hypervisor gave to others, in percent. Use with `with`."""

    percent = 0.0

    def __enter__(self):
        self.before = ticks()
        return self

    def __exit__(self, *_):
        whole, stolen = (now - then for now, then in zip(ticks(), self.before))
        self.percent = 100 * stolen / whole if whole else 0.0


def field(path, name):
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":" if ":" in line else "=")
            if key.strip() == name:
                return value.strip().strip('"')
    return "?"


def first_line(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[0].strip()


def describe():
    """Words for the page."""
    return {
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release().split("-")[0],
        "system": field("/etc/os-release", "PRETTY_NAME"),
        "compiler": first_line("gcc", "--version"),
        "load": round(os.getloadavg()[0], 1),
    }
