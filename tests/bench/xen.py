# SPDX-License-Identifier: BSD-2-Clause
"""What the benches on Xen share: the guest tests/guest/bench-xen."""

import os
import re
import subprocess

import bench
from build import LabError
from guest import Guest

KERNEL = os.path.join(bench.ROOT, "out", "tests", "test-bench-xen.elf")
LINE = re.compile(rb"bench (\w+) (\d+) ns (\d+)\r?\n")
PATIENCE = 400                          # s, against hangs


def build(path=KERNEL):
    """Make the guest."""
    done = subprocess.run(["make", "-s", "-C", bench.ROOT,
                           os.path.relpath(path, bench.ROOT)], check=False)
    if done.returncode != 0:
        raise LabError("the guest of the bench does not build")


def start(lab, name, mode, append, **settings):
    """Create a guest that does what append says."""
    guest = Guest(lab, name, mode, KERNEL, vifs=[], append=append, **settings)
    guest.create()
    return guest


def lines(guest):
    """WHAT -> (n, seconds), when the guest has ended."""
    guest.expect(rb"bench end", PATIENCE)
    return {m[0].decode(): (int(m[1]), int(m[2]) / 1e9)
            for m in LINE.findall(guest.output)}
