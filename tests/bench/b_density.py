# SPDX-License-Identifier: BSD-2-Clause
"""density: how many small guests one lab holds, and what the next one costs."""

import re
import statistics
import time

import blk
from build import LabError
from guest import config
from lab import Lab

WHAT = "Domus guests of 8 MiB in one lab"
PACKAGES = ()
MOST = 200
MIB = 8
SECONDS_MOST = 200                      # for making them
EDGE = 10                               # first and last ones that are told of
STATE = """xl create -e -q /lab/%s.cfg || exit 1
xl info | grep ^free_memory
grep ^MemAvailable /proc/meminfo"""
# How many came up.
PROMPTS = "grep -l 'domus# ' /var/log/xen/console/guest-small*.log | wc -l"


def free(text):
    """(Xen's, dom0's) free memory in KiB, of what STATE says."""
    return int(re.search(r"free_memory\s*: (\d+)", text).group(1)) << 10, \
        int(re.search(r"MemAvailable: *(\d+)", text).group(1))


def create(lab, kernel, number):
    """One guest more: (seconds, Xen's memory, dom0's)."""
    name = "small%d" % number
    lab.put(config(name, kernel, "pv", MIB,
                   append="app=shell root=none").encode(),
            "/lab/%s.cfg" % name)
    start = time.monotonic()
    said = lab.check(STATE % name, timeout=120)
    return time.monotonic() - start, *free(said)


def fill(lab):
    """[(seconds, Xen's memory, dom0's)], and why there are no more."""
    kernel = lab.put_file(blk.KERNEL)
    end = time.monotonic() + SECONDS_MOST
    made = []
    while len(made) < MOST:
        if time.monotonic() > end:
            return made, "no more were tried after %d s" % SECONDS_MOST
        try:
            made.append(create(lab, kernel, len(made)))
        except LabError as error:
            return made, "the next one failed: " + " ".join(
                str(error).split("\n")[-1].split())
    return made, "no more were tried"


def up(lab, number):
    """How many of so many have a prompt, when they have had time."""
    end = time.monotonic() + 120
    while True:
        found = int(lab.check(PROMPTS))
        if found == number or time.monotonic() > end:
            return found
        time.sleep(2)


def run(report):
    """One after the other; all go on running."""
    with Lab(guest_memory=MOST * (MIB + 2), name="bench", cpus=2) as lab:
        made, why = fill(lab)
        alive = up(lab, len(made))
    first, last = made[:EDGE], made[-EDGE:]
    report.add("guests that run at once", "Domus", alive, "guests")
    for which, title in (1, "Xen's memory"), (2, "dom0's memory"):
        report.add("one more, " + title, "Domus",
                   (made[0][which] - made[-1][which]) / (len(made) - 1),
                   "KiB")
    for title, some in ("first", first), ("last", last):
        report.add("xl create, the %s %d" % (
            title, EDGE), "Domus", statistics.median(s for s, _, _ in some),
            "s")
    report.note("PV guests with one CPU, no disk and no network, each with the "
                "whole image and its shell, whose prompt was seen; " + why)
