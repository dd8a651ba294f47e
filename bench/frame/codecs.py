"""codecs.py - what bench/codec_bench says, and instructions of each of its rows as callgrind counts them."""
import os
import re
import shutil
import subprocess

from .servers import BUILD

PROGRAM = os.path.join(BUILD, "bench", "codec_bench")
BUDGET_NS = 200000  # of the plain program, for one count: callgrind takes 50 times as long


def collected(row, count):
    """Instructions of the whole program that does one row so often."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, str(row), str(count)],
                          capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def instructions(row, nanoseconds):
    """Of one operation: what more of them cost more, so that the start and the first time don't count."""
    if not shutil.which("valgrind"):
        return None
    count = max(4, int(BUDGET_NS / nanoseconds))
    return (collected(row, 3 * count) - collected(row, count)) / (2 * count)


def measure(core):
    """[{name, bytes, ns, instructions}]"""
    done = subprocess.run(["taskset", "-c", str(core), PROGRAM], capture_output=True, text=True, check=True)
    rows = []
    for index, line in enumerate(done.stdout.splitlines()):
        name, size, ns = line.split("\t")
        rows.append({"name": name, "bytes": int(size), "ns": float(ns), "instructions": instructions(index, float(ns))})
    return rows
