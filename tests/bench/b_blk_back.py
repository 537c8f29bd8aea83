# SPDX-License-Identifier: BSD-2-Clause
"""blk-back: a Linux guest's fio on a RAM disk, by different back ends."""

import contextlib

import blk
import count
from guest import Guest
from linux import Linux

WHAT = "a Linux guest's disk, by Domus's blkback and by others, on Xen"
PACKAGES = ("gcc", "busybox-static", "cpio", "lz4")
JOBS = {"4 KiB random read, depth 1": ("randread", 4096, 1),
        "4 KiB random read, depth 32": ("randread", 4096, 32),
        "128 KiB read in order, depth 8": ("read", 131072, 8)}
NUMBERS = {4096: (500, 3000), 131072: (60, 360)}
DRIVER = ['driver_domain = 1', 'cpus = "0"']
FRONT = ['cpus = "1"']                  # the others have the other CPU
# What a driver domain's hot-plug script would tell its xen-blkback: that the
# disk is its xvda.
HOTPLUG = """b=/local/domain/$(xl domid back)/backend/vbd
while :; do
    for d in $(xenstore-list $b 2>/dev/null); do
        n=$b/$d/51712
        [ "$(xenstore-read $n/state 2>/dev/null)" = 2 ] || continue
        xenstore-write $n/physical-device ca:0 $n/hotplug-status connected
        exit 0
    done
    usleep 100000
done"""
SERVED = "format=raw,vdev=xvda,access=w,backend=back,target=%s"
QDISK = "format=raw,vdev=xvda,access=w,backendtype=qdisk,target=" + blk.RAM


@contextlib.contextmanager
def gone(guest):
    """A guest that is removed at the end."""
    try:
        yield guest
    finally:
        guest.remove()


@contextlib.contextmanager
def domus(lab):
    """The disk line of what a Domus driver domain serves."""
    with gone(Guest(lab, "back", "pv", blk.KERNEL, memory=64, vifs=[],
                    append="app=blockdomain root=none serve=data:xvda",
                    disks=[blk.DISK], extra=DRIVER)) as back:
        back.create(timeout=blk.PATIENCE)
        back.expect(rb"blockdomain: serving", blk.PATIENCE)
        yield SERVED % "data"


@contextlib.contextmanager
def linux(lab):
    """That of what a Linux driver domain serves."""
    files = blk.linux_files(["xen-blkback"])
    with gone(Linux(lab, "back", files, [blk.DISK], "pv", DRIVER,
                    vifs=[])) as back:
        back.create(timeout=blk.PATIENCE)
        plug = lab.spawn(HOTPLUG)
        yield SERVED % "/dev/xvda"
        plug.kill()


BACKS = {"Domus": domus, "xen-blkback in a domU": linux,
         "xen-blkback in dom0": lambda lab: contextlib.nullcontext(blk.DISK),
         "QEMU's qdisk in dom0": lambda lab: contextlib.nullcontext(QDISK)}


def jobs(meter, back, files):
    """{job: what a Meter found}, of one back end."""
    lab = meter.lab
    with back(lab) as disk, gone(Linux(lab, "front", files, [disk], "pv",
                                       FRONT, vifs=[])) as front:
        front.create(timeout=blk.PATIENCE)
        fio = blk.Fio(front, "xvda")
        return {job: meter.one(fio, what) for job, what in JOBS.items()}


def run(report):
    """One back end after the other, in one lab."""
    counter = count.Counter("blk-back")
    files = blk.linux_files()
    with blk.lab_of(icount=count.CLOCK, extra=counter.argv) as lab:
        lab.check("xl vcpu-pin Domain-0 0 0")
        meters = {name: blk.Meter(lab, counter, NUMBERS) for name in BACKS}
        found = {name: jobs(meters[name], back, files)
                 for name, back in BACKS.items()}
    for key, title, unit in (("iops", "I/Os per second", "per s"),
                             ("all", "the whole machine's instructions",
                              "per I/O")):
        for job in JOBS:
            for name, results in found.items():
                report.add("%s: %s" % (job, title), name,
                           results[job][key], unit)
    for name, meter in meters.items():
        report.note(meter.note(name))
    report.note("PV guests with one CPU; fio with io_uring; behind each back "
                "end the same RAM disk of dom0's, which the driver domains "
                "have by xen-blkback")
    report.note(count.clock_note())
