# SPDX-License-Identifier: BSD-2-Clause
"""What the benches of disks share: dom0's RAM disk, and what is asked of a
guest."""

import contextlib
import os
import re
import shutil

import bench
import build
import linux
from lab import Lab

PATIENCE = 300                          # s, against hangs
KERNEL = os.path.join(bench.ROOT, "out", "domus-x86_64.elf")
RAM = "/dev/ram0"                       # dom0's
RAM_MIB = 48
DISK = "phy:%s,xvda,w" % RAM


@contextlib.contextmanager
def lab_of(disks=(), **more):
    """The lab of such a bench, with the RAM disk, all its pages there."""
    path = build.module_order(build.kernel_package(), ["brd"])[0]
    with Lab(disks=disks, guest_memory=576, name="bench", **more) as lab:
        lab.check("insmod %s rd_nr=1 rd_size=%d && dd if=/dev/zero of=%s "
                  "bs=1M count=%d 2>/dev/null"
                  % (lab.put_file(path), RAM_MIB << 10, RAM, RAM_MIB),
                  timeout=PATIENCE)
        yield lab


def backend_events(lab):
    """Notifications that xen-blkback in dom0 has had so far."""
    return sum(int(n) for n in lab.check(
        "grep blkif-backend /proc/interrupts | sed 's/^[^:]*: *//; s/ .*//'"
    ).split())


class Meter:
    """What an I/O takes: what some of them took less what a few did, so that
    it is not what starts and ends them."""

    def __init__(self, lab, counter, numbers):
        """numbers: bytes of an I/O to how few of them and how many."""
        self.lab, self.counter, self.numbers = lab, counter, numbers
        self.spread = 0                 # between two turns, at most, in %

    def _turn(self, guest, job, number):
        """What so many took: {what: number of them}, and "iops"."""
        start = {**self.counter.parts(), "events": backend_events(self.lab)}
        iops = guest.work(job, number)
        end = {**self.counter.parts(), "events": backend_events(self.lab)}
        return {"iops": iops, **{what: value - start.get(what, 0)
                                 for what, value in end.items()}}

    def one(self, guest, job):
        """Of one job: {what: number of them for each I/O}; "iops".  Means of
        two turns."""
        few, many = self.numbers[job[1]]
        less = self._turn(guest, job, few)
        turns = [{what: value if what == "iops" else
                  (value - less.get(what, 0)) / (many - few)
                  for what, value in self._turn(guest, job, many).items()}
                 for _ in range(2)]
        low, high = sorted(turn["all"] for turn in turns)
        self.spread = max(self.spread, (high - low) * 100 / low)
        return {what: (turns[0].get(what, 0) + turns[1].get(what, 0)) / 2
                for what in turns[0]}

    def note(self, name):
        """What a report tells of that."""
        return ("%s: each figure is the mean of two turns, less what starts "
                "and ends them; their instructions, of the whole machine, "
                "differed by at most %.1f %%" % (name, self.spread))


def counted(counter, guest, jobs, numbers):
    """job: instructions for each I/O, of jobs; numbers: as a Meter's."""
    found = {}
    for job, what in jobs.items():
        few, many = numbers[what[1]]
        start = counter.now()
        guest.work(what, few)
        middle = counter.now()
        guest.work(what, many)
        found[job] = (counter.now() - middle - (middle - start)) / (many - few)
    return found


def linux_files(modules=()):
    """The kernel and first file system of a Linux guest with fio, or of one
    with more modules instead."""
    root = os.path.join(bench.OUT, "back" if modules else "guest")
    shutil.rmtree(root, ignore_errors=True)
    if not modules:
        return linux.initramfs(root, True)
    return linux.boot_files(root, ["xen-blkfront", *modules], linux.INIT)


class Domus:
    """What is asked of a Domus guest's shell about one of its disks."""

    def __init__(self, guest, disk):
        self.guest, self.disk = guest, disk
        guest.expect(rb"disk: %s: " % disk.encode(), PATIENCE)

    def work(self, job, number):
        """So many I/Os; job: one of fio's ways, bytes of an I/O, how many at
        once.  I/Os per second."""
        way, size, depth = job
        where = "random=%d" % number if way.startswith("rand") else \
            "sectors=%d" % (number * size // 512)
        self.guest.send(b"diskcheck -f %s 1 %s blind %s io=%d depth=%d\r" % (
            self.disk.encode(), b"write" if "write" in way else b"check",
            where.encode(), size, depth))
        found = self.guest.expect(rb"(?:read|wrote) \d+ sectors in (\d+) ms",
                                  PATIENCE)
        return number * 1000 / max(int(found.group(1)), 1)


class Fio:
    """The same of a Linux guest's fio."""

    def __init__(self, guest, disk):
        self.guest, self.disk = guest, disk

    def work(self, job, number):
        """As above."""
        way, size, depth = job
        said = self.guest.run(
            "fio --name=a --filename=/dev/%s --rw=%s --bs=%d --iodepth=%d "
            "--number_ios=%d --direct=1 --ioengine=io_uring --norandommap "
            "--eta=never --minimal" % (self.disk, way, size, depth, number),
            PATIENCE)
        line = re.search(r"^3;fio.*", said, re.M).group().split(";")
        return float(line[48 if "write" in way else 7])
