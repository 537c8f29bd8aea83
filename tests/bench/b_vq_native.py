# SPDX-License-Identifier: BSD-2-Clause
"""vq-native: our virtio drivers and others' in processes, over vhost-user."""

import os
import re
import statistics
import subprocess
import tempfile
import time

import bench
import callgrind
import testpmd
from build import LabError
from lab import die_with_parent

WHAT = "virtio drivers in a process, over vhost-user: packets and blocks"
PACKAGES = ("gcc", "valgrind") + testpmd.PACKAGES
BINARY = os.path.join(bench.ROOT, "out", "user", "vq_native")
RUNS = 3
SECONDS_EACH = 2
RINGS = {"split": ["-o", "packed"], "packed": []}
DEPTHS = (1, 32)
QUIET = 1.0                             # most load with which rates mean much
OURS = re.compile(r"(virtio|vq|pv_|dma_|iov_|list_|shm_|vhost_user)")


def build():
    """Compile the program."""
    done = subprocess.run(["make", "-s", "-C", bench.ROOT,
                           "out/user/vq_native"], check=False,
                          stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        raise LabError("vq_native does not build")


def ours(*args, cpu=0):
    """Run it; the number that it prints."""
    done = subprocess.run(["taskset", "-c", str(cpu), BINARY, *args],
                          stdout=subprocess.PIPE, text=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise LabError("vq_native %s failed" % " ".join(args))
    return float(re.search(r"(?:rate|operations) (\d+)",
                           done.stdout).group(1))


def counted(trace, args):
    """(instructions of the library, all in the loop) per operation."""
    said = callgrind.run(trace, [BINARY, *args],
                         "--toggle-collect=vq_native_turn")
    n = int(re.search(r"operations (\d+)", said).group(1))
    own = callgrind.costs(trace)
    inside = sum(c for (_, fn), c in own.items() if OURS.match(fn))
    return inside / n, sum(own.values()) / n


def theirs_rate(path, packed):
    """Packets per second that virtio-user sends to the port."""
    other = testpmd.Testpmd(testpmd.client(path, packed), (1, 0),
                            name="user")
    try:
        other.say("set fwd io")
        other.say("start tx_first 2")
        return other.rate(SECONDS_EACH)
    finally:
        other.quit()


def theirs_count(where, packed):
    """Instructions of virtio-user per packet, received and sent: it and the
    vhost port take turns on one CPU, 32 packets each time."""
    path, trace = os.path.join(where, "count"), os.path.join(where, "trace")
    both = testpmd.Testpmd(testpmd.server(path), (0, 1),
                           callgrind.command(trace), "count")
    try:
        both.say("port attach " + testpmd.client(path, packed))
        both.say("port stop all")
        both.say("port start all")
        both.say("set fwd io")
        both.say("start tx_first 1")
        time.sleep(10)
        both.say("stop")
        packets = both.packets(1)[1]
    finally:
        both.quit()
    return sum(c for (ob, _), c in callgrind.costs(trace).items()
               if "net_virtio" in ob) / packets


def packet_rates(report, path):
    """Both rings, ours and DPDK's."""
    for ring, off in RINGS.items():
        measure = "64-byte packets, " + ring
        report.add(measure, "Domus", statistics.median(
            ours(*off, "net", path, str(SECONDS_EACH))
            for _ in range(RUNS)) / 1e6, "Mpps")
        report.add(measure, "DPDK", statistics.median(
            theirs_rate(path, ring == "packed")
            for _ in range(RUNS)) / 1e6, "Mpps")


def packets(report, where, rates):
    """Rates, when wanted, and instructions."""
    path = os.path.join(where, "net")
    port = testpmd.Testpmd(testpmd.server(path), (0, 1), name="vhost")
    try:
        port.say("set fwd io")
        port.say("start")
        if rates:
            packet_rates(report, path)
        counts = {ring: counted(os.path.join(where, "trace"),
                                [*off, "net", path, "count"])
                  for ring, off in RINGS.items()}
    finally:
        port.quit()
    for ring, (inside, everything) in counts.items():
        measure = "driver, a packet in and one out, " + ring
        report.add(measure, "Domus", inside, "instructions")
        report.add(measure, "DPDK", theirs_count(where, ring == "packed"),
                   "instructions")
        report.note("%s: with what copies the packet and sends it %.0f "
                    "instructions" % (ring, everything))


class Storage:
    """A qemu-storage-daemon with one disk."""

    def __init__(self, path, *disk):
        self.run = subprocess.Popen(
            ["qemu-storage-daemon", "--blockdev", "node-name=d,"
             + ",".join(disk), "--export", "vhost-user-blk,id=e,node-name=d,"
             "addr.type=unix,addr.path=%s,writable=on,num-queues=1" % path],
            preexec_fn=die_with_parent, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not os.path.exists(path):
            if self.run.poll() is not None or time.monotonic() > end:
                raise LabError("qemu-storage-daemon does not serve a disk")
            time.sleep(0.05)

    def quit(self):
        """End it."""
        self.run.kill()
        self.run.wait()


def blocks(report, where, rates):
    """4 KiB reads of nothing, and of a file in memory."""
    path = os.path.join(where, "blk")
    image = os.path.join(where, "image")
    with open(image, "wb") as f:
        f.truncate(64 << 20)
    for name, disk in (
            ("nothing", ("driver=null-co", "size=%d" % (1 << 30),
                         "read-zeroes=off")),
            ("a file", ("driver=file", "filename=" + image))):
        storage = Storage(path, *disk)
        try:
            for depth in DEPTHS if rates else ():
                report.add("4 KiB read of %s, depth %d" % (name, depth),
                           "Domus", statistics.median(
                               ours("blk", path, str(SECONDS_EACH),
                                    str(depth)) for _ in range(RUNS)), "IOPS")
            if name == "nothing":
                inside, everything = counted(
                    os.path.join(where, "trace"), ["blk", path, "count",
                                                   "32"])
        finally:
            storage.quit()
            os.unlink(path)
    report.add("driver, a 4 KiB read, depth 32", "Domus", inside,
               "instructions")
    report.note("read: with what makes the next request %.0f instructions"
                % everything)


def run(report):
    """Packets, then blocks."""
    build()
    load = os.getloadavg()[0]
    rates = load <= QUIET
    with tempfile.TemporaryDirectory(dir="/dev/shm") as where:
        packets(report, where, rates)
        blocks(report, where, rates)
    if not rates:
        report.note("no rates: two programs that never sleep want two idle "
                    "CPUs, and the load was %.1f" % load)
    else:
        report.note("rates: medians of %d runs of %d s"
                    % (RUNS, SECONDS_EACH))
    report.note("packets: testpmd's vhost port on one CPU sends back what "
                "comes, the driver on the other does too; DPDK's "
                "instructions are those of its virtio driver's file, 32 "
                "packets at a time, as ours")
    report.note("reads: of a qemu-storage-daemon, one queue")
