# SPDX-License-Identifier: BSD-2-Clause
"""blk-copy: how blkback's data come from and go to the guest."""

import blk
import count
from guest import Guest

WHAT = "blkback: data copied by Xen or through pages that stay mapped"
PACKAGES = ("gcc",)
WAYS = {"copied by Xen": "blkback.persistent=0",
        "mapped": "blkback.persistent=1"}
JOBS = {"%s of %s, depth %d" % (name, text, depth): (way, size, depth)
        for name, way in (("read", "randread"), ("write", "randwrite"))
        for text, size, depth in (("4 KiB", 4096, 1), ("4 KiB", 4096, 32),
                                  ("16 KiB", 16384, 8),
                                  ("128 KiB", 131072, 4))}
COUNTED = {4096: (100, 400), 16384: (50, 200), 131072: (30, 90)}


def domain(lab, name, append, disk, **more):
    """A Domus guest."""
    guest = Guest(lab, name, "pv", blk.KERNEL, memory=64, vifs=[],
                  append=append, disks=[disk], **more)
    guest.create(timeout=blk.PATIENCE)
    return guest


def way_of(lab, counter, append):
    """job: instructions for each I/O, in one of the ways."""
    back = domain(lab, "back", "app=blockdomain root=none serve=data:xvda "
                  + append, blk.DISK, extra=["driver_domain = 1"])
    front = None
    try:
        back.expect(rb"blockdomain: serving", blk.PATIENCE)
        front = domain(lab, "front", "app=shell root=none",
                       "format=raw,vdev=xvda,access=w,backend=back,"
                       "target=data")
        return blk.counted(counter, blk.Domus(front, "xvda"), JOBS, COUNTED)
    finally:
        for guest in (front, back):
            if guest:
                guest.remove()


def run(report):
    """Both, in one lab."""
    counter = count.Counter("blk-copy")
    with blk.lab_of(extra=counter.argv) as lab:
        for what, append in WAYS.items():
            for job, value in way_of(lab, counter, append).items():
                report.add(job, what, value, "instructions per I/O")
    report.note("a Domus guest's `diskcheck blind' on a disk that a Domus "
                "driver domain serves, both PV with 1 CPU; its own disk is a "
                "RAM disk of dom0's by xen-blkback")
    report.note("instructions of the whole machine, of both guests, Xen and "
                "dom0; those of a run with more I/Os less those of a run with "
                "fewer; what the clocks cost in between is in them, most "
                "with little under way and on a busy machine")
