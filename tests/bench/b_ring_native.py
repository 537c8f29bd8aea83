# SPDX-License-Identifier: BSD-2-Clause
"""ring-native: both halves of a Xen ring, on two threads of one process."""

import os
import re
import subprocess

import bench

WHAT = "a Xen ring between two threads, 4 KiB copied per request"
PACKAGES = ("gcc", "valgrind")
SOURCE = os.path.join(bench.HERE, "ring_native.c")
BINARY = os.path.join(bench.OUT, "ring_native")
RUNS = 3


def build():
    """Compile the program for this machine."""
    os.makedirs(bench.OUT, exist_ok=True)
    subprocess.run(["make", "-s", "-C", bench.ROOT, "out/include/xen"],
                   check=True)
    subprocess.run(["gcc", "-O2", "-g", "-std=gnu11", "-Wall", "-pthread",
                    "-I" + os.path.join(bench.ROOT, "include"),
                    "-I" + os.path.join(bench.ROOT, "lib"),
                    "-I" + os.path.join(bench.ROOT, "port", "guest"),
                    "-o", BINARY, SOURCE], check=True)


def figures(*args):
    """name -> value, of one run of the program."""
    out = subprocess.run([BINARY, *args], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return {m[0]: float(m[1]) for m in
            re.findall(r"^(\S+) ([0-9.]+)$", out, re.M)}


def instructions(function):
    """Instructions below a function in one run, counted by callgrind."""
    trace = os.path.join(bench.OUT, "ring_native.callgrind")
    subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect="
                    + function, "--callgrind-out-file=" + trace, BINARY,
                    "single"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with open(trace, encoding="utf-8") as f:
        return int(re.search(r"^(?:summary|totals): (\d+)", f.read(),
                             re.M).group(1))


def run(report):
    """The fastest of a few runs, and a count."""
    build()
    runs = [figures() for _ in range(RUNS)]
    best = {key: min(r[key] for r in runs) for key in runs[0]}
    for depth in (1, 32):
        measure = "request and response, %d in flight" % depth
        report.add(measure, "ring", best["depth%d" % depth], "ns")
        report.add(measure, "floor", best["lines"] + best["copy"], "ns")
    count = figures("count")["requests"]
    for side in ("front", "back"):
        report.add("instructions per request, without the copy", side + " half",
                   instructions("ring_" + side) / count, "instructions")
    report.note("floor: one copy of 4 KiB and a cache line to the other CPU "
                "and back, in the same run; the fastest 1000 requests of %d runs "
                "of 2 s" % RUNS)
    report.note("the rings are lib/fring.h and lib/bring.h as the drivers "
                "use them; drivers and back ends are not part of it")
