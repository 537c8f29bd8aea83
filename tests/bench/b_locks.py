# SPDX-License-Identifier: BSD-2-Clause
"""locks: 8 virtual CPUs want one lock and have 2 physical ones."""

import os
import re
import statistics
import subprocess

import bench
from build import LabError
from guest import Guest
from lab import Lab

WHAT = "one lock, 8 virtual CPUs on 2 physical ones, on Xen"
PACKAGES = ()
VCPUS = 8
RUNS = 3
SECONDS_EACH = 1
LINE = re.compile(rb"bench (\w+) (\w+) rounds (\d+) ns (\d+) slept (\d+) "
                  rb"polled (\d+)")
NAMES = {"spinlock": "spin lock", "mutex": "mutex",
         "rwlock": "rwlock, one in four writes",
         "sx": "sx lock, one in four alone"}
WAYS = {"adaptive": "asks the runstate", "spin": "always spins",
        "sleep": "never spins"}


def once(lab, number):
    """(kind, way) -> (rounds per second, slept, polled), of one boot."""
    guest = Guest(lab, "locks%d" % number, "pv", os.path.join(
        bench.ROOT, "out", "tests", "test-bench-locks.elf"), vifs=[],
        vcpus=VCPUS, append="threads=%d ms=%d" % (VCPUS,
                                                  SECONDS_EACH * 1000))
    try:
        guest.create()
        guest.expect(rb"bench end", 200)
    finally:
        guest.remove()
    found = {}
    for kind, way, rounds, ns, slept, polled in LINE.findall(guest.output):
        found[kind.decode(), way.decode()] = (
            int(rounds) / (int(ns) / 1e9), int(slept), int(polled))
    return found


def run(report):
    """Medians over a few boots."""
    done = subprocess.run(["make", "-s", "-C", bench.ROOT,
                           "out/tests/test-bench-locks.elf"], check=False)
    if done.returncode != 0:
        raise LabError("the guest of the bench does not build")
    with Lab(guest_memory=128, name="bench", cpus=2) as lab:
        runs = [once(lab, n) for n in range(RUNS)]
    for kind, name in NAMES.items():
        for way, title in WAYS.items():
            if all((kind, way) in r for r in runs):
                report.add(name, title, statistics.median(
                    r[kind, way][0] for r in runs), "rounds/s")
    for kind, name in NAMES.items():
        middle = [sum(r[kind, "adaptive"][n] for r in runs) // RUNS
                  for n in (1, 2)]
        report.note("%s, asking: threads slept %d times, virtual CPUs %d "
                    "times" % (name, *middle))
    report.note("a PV domain with %d vCPUs, one thread on each; dom0 idle; "
                "medians of %d runs of %d s" % (VCPUS, RUNS, SECONDS_EACH))
