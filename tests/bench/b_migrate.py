# SPDX-License-Identifier: BSD-2-Clause
"""migrate: for how long a guest stands still that is saved or moves."""

import statistics
import time

import blk
from guest import Guest
from lab import Lab

WHAT = "a Domus guest saved and restored, and moved to where it is, on Xen"
PACKAGES = ()
SIZES = (16, 128)                       # MiB
ROUNDS = 2
RESUMED = rb"suspend: resumed after (\d+) ms"


def pause(guest):
    """How long it stood still by its own clock, in ms."""
    return int(guest.expect(RESUMED, blk.PATIENCE).group(1))


def save(lab, guest):
    """xl save and xl restore: (ms in them, ms of pause)."""
    start = time.monotonic()
    guest.save("/lab/saved")
    guest.restore("/lab/saved")
    spent = (time.monotonic() - start) * 1000
    lab.check("rm /lab/saved")
    return spent, pause(guest)


def move(lab, guest):
    """xl migrate to the same host."""
    start = time.monotonic()
    guest.migrate()
    return (time.monotonic() - start) * 1000, pause(guest)


def size(lab, mib):
    """way: [(ms, ms of pause)], of a guest with so much memory, all of which
    it has written to."""
    guest = Guest(lab, "moving%d" % mib, "pvh", blk.KERNEL, memory=mib,
                  append="app=shell root=none", vifs=[])
    guest.create(timeout=blk.PATIENCE)
    try:
        guest.sh("memory hold %d" % (mib * 3 // 4 - 4))
        return {"saved and restored": [save(lab, guest)
                                       for _ in range(ROUNDS)],
                "moved alive": [move(lab, guest) for _ in range(ROUNDS)]}
    finally:
        guest.remove()


def run(report):
    """Each size, one after the other."""
    with Lab(guest_memory=576, name="bench", cpus=2) as lab:
        found = {mib: size(lab, mib) for mib in SIZES}
    for mib in SIZES:
        for way, times in found[mib].items():
            title = "%d MiB, %s" % (mib, way)
            report.add(title, "pause", statistics.mean(
                p for _, p in times), "ms")
            report.add(title, "xl", statistics.mean(
                s for s, _ in times), "ms")
    report.note("pause: by the guest's clock, from when it begins to stop its "
                "devices until they go on; xl: what xl save and xl restore "
                "took, or xl migrate, by the host's; means of %d" % ROUNDS)
    report.note("PVH guests with one CPU, a console and no other device, which "
                "had written to three quarters of their memory; files of "
                "dom0's in its memory; dom0 also does what the other end of a "
                "migration would")
