# SPDX-License-Identifier: BSD-2-Clause
"""blk-front: Domus's blkfront and Linux's on the same disk of dom0's."""

import blk
import count
from guest import Guest
from linux import Linux

WHAT = "blkfront on a RAM disk of dom0's, Domus and Linux, on Xen"
PACKAGES = ("gcc", "busybox-static", "cpio", "lz4")
JOBS = {"4 KiB random read, depth 1": ("randread", 4096, 1),
        "4 KiB random read, depth 32": ("randread", 4096, 32),
        "4 KiB random write, depth 1": ("randwrite", 4096, 1),
        "4 KiB random write, depth 32": ("randwrite", 4096, 32),
        "128 KiB read in order, depth 8": ("read", 131072, 8),
        "128 KiB write in order, depth 8": ("write", 131072, 8)}
NUMBERS = {4096: (500, 3000), 131072: (60, 360)}
PINNED = ['cpus = "1"']                 # dom0 has the other CPU for itself
FIGURES = {"kernel": "guest's kernel, instructions",
           "guest": "guest with its program, instructions",
           "all": "guest, Xen and dom0, instructions",
           "call": "hypercalls", "events": "notifications to the back end",
           "iops": "I/Os per second"}


def domus(lab, files):
    """A Domus guest and its disk."""
    guest = Guest(lab, "domus", "pv", blk.KERNEL, memory=64, vifs=[],
                  append="app=shell root=none", disks=[blk.DISK],
                  extra=PINNED)
    guest.create(timeout=blk.PATIENCE)
    return guest, blk.Domus(guest, "xvda")


def linux(lab, files):
    """A Linux guest and its disk."""
    guest = Linux(lab, "linux", files, [blk.DISK], "pv", PINNED, vifs=[])
    guest.create(timeout=blk.PATIENCE)
    return guest, blk.Fio(guest, "xvda")


SUBJECTS = {"Domus": domus, "Linux": linux}


def figures(parts):
    """What is told of what a Meter found."""
    kernel = parts.get("cpu1_kernel", 0)
    return {"kernel": kernel, "guest": kernel + parts.get("cpu1_program", 0),
            "all": parts["all"], "call": parts.get("cpu1_call", 0),
            "events": parts["events"], "iops": parts["iops"]}


def jobs(meter, make, files):
    """{job: figures}, of one kind of guest."""
    guest, asked = make(meter.lab, files)
    try:
        return {job: figures(meter.one(asked, what))
                for job, what in JOBS.items()}
    finally:
        guest.remove()


def run(report):
    """One guest after the other, in one lab."""
    counter = count.Counter("blk-front")
    files = blk.linux_files()
    with blk.lab_of(icount=count.CLOCK, extra=counter.argv) as lab:
        lab.check("xl vcpu-pin Domain-0 0 0")
        meters = {name: blk.Meter(lab, counter, NUMBERS)
                  for name in SUBJECTS}
        found = {name: jobs(meters[name], make, files)
                 for name, make in SUBJECTS.items()}
    for key, title in FIGURES.items():
        for job in JOBS:
            for name, results in found.items():
                report.add("%s: %s" % (job, title), name,
                           results[job][key],
                           "per s" if key == "iops" else "per I/O")
    for name, meter in meters.items():
        report.note(meter.note(name))
    report.note("PV guests with one CPU; `diskcheck blind' and fio (io_uring)")
    report.note(count.clock_note())
