# SPDX-License-Identifier: BSD-2-Clause
"""attach: what one more disk costs a guest that has many."""

import glob
import os
import re
import subprocess

import bench
import callgrind
from build import LabError

WHAT = "a disk attached to a guest that has others, over the simulated Xen"
PACKAGES = ("gcc", "valgrind")
BINARY = os.path.join(bench.ROOT, "out", "user", "attach_sim")
NUMBERS = (64, 16, 1)
LAYERS = ("lib", "core", "xen", "dev")


def build():
    """Compile the program."""
    done = subprocess.run(["make", "-s", "-C", bench.ROOT,
                           os.path.relpath(BINARY, bench.ROOT)], check=False,
                          stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        raise LabError("attach_sim does not build")


def library():
    """What matches the library's functions: their files' names, and pv_*; but
    pv_os_* is below it."""
    names = {os.path.basename(p)[:-2].split("_")[0] for layer in LAYERS
             for p in glob.glob(os.path.join(bench.ROOT, layer, "*.[ch]"))}
    return re.compile(r"(?!pv_os_)(?:pv|%s)_" % "|".join(sorted(names)))


def instructions(disks):
    """Of the library, from its start until so many disks are there."""
    trace = os.path.join(bench.OUT, "attach.callgrind")
    callgrind.run(trace, [BINARY, str(disks)])
    ours = library()
    return sum(cost for (_, function), cost in callgrind.costs(trace).items()
               if ours.match(function))


def run(report):
    """The first disk, one of some and one of many."""
    build()
    os.makedirs(bench.OUT, exist_ok=True)
    for number in NUMBERS:
        report.add("one more disk, until it can be used",
                   "as disk %d" % number,
                   instructions(number) - instructions(number - 1),
                   "instructions")
    report.note("instructions of libdomus alone: its requests to XenStore, "
                "rings, grants, events; what the store and the back end do "
                "is not in them; each disk has one ring and 32 grants "
                "(gnttab.budget)")
