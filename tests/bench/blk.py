# SPDX-License-Identifier: BSD-2-Clause
"""What the benches of disks share: dom0's RAM disk, and what is asked of a
guest."""

import contextlib
import os

import bench
import build
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


def counted(counter, guest, jobs, numbers):
    """job: instructions for each I/O, of jobs; numbers: bytes of an I/O to
    how few of them and how many, of which the difference counts."""
    found = {}
    for job, what in jobs.items():
        few, many = numbers[what[1]]
        start = counter.now()
        guest.work(what, few)
        middle = counter.now()
        guest.work(what, many)
        found[job] = (counter.now() - middle - (middle - start)) / (many - few)
    return found


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
