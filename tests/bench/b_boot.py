# SPDX-License-Identifier: BSD-2-Clause
"""boot: from nothing to the first HTTP answer, Domus and Linux on QEMU."""

import gzip
import os
import socket
import statistics
import subprocess
import time
import urllib.request

import bench
import build
import count
import image
from build import LabError
from serial import SerialGuest

WHAT = "from QEMU's start to the first HTTP answer, without Xen"
PACKAGES = ("gcc", "busybox-static", "cpio", "lz4")
RUNS = 3
KERNEL = os.path.join(bench.ROOT, "out", "domus-x86_64.elf")
SITE = os.path.join(bench.ROOT, "examples", "site")
ADDRESS = "10.0.2.15"
POINTS = ("kernel_main", "guest_main", "httpd_main")
MODULES = ("virtio_mmio", "virtio_pci", "virtio_net")
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for m in %s; do /bin/busybox insmod /$m; done
/bin/busybox ip link set eth0 up
/bin/busybox ip address add %s/24 dev eth0
/bin/busybox httpd -h /www
echo httpd: serving
exec /bin/busybox sleep 100000
"""


def free_port():
    """A TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def linux():
    """(kernel, initramfs) of a Debian cloud kernel with busybox's httpd."""
    package = build.kernel_package("cloud-")
    release = os.listdir(os.path.join(package, "lib", "modules"))[0]
    where = os.path.join(bench.OUT, "linux")
    root = os.path.join(where, "root")
    for folder in ("bin", "dev", "www"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    subprocess.run(["cp", "/bin/busybox", root + "/bin/"], check=True)
    subprocess.run("cp -r '%s'/. '%s/www/'" % (SITE, root), shell=True,
                   check=True)
    modules = build.module_order(package, MODULES)
    subprocess.run(["cp", *modules, root], check=True)
    names = [os.path.basename(m) for m in modules]
    init = os.path.join(root, "init")
    with open(init, "w", encoding="utf-8") as f:
        f.write(INIT % (" ".join(names), ADDRESS))
    os.chmod(init, 0o755)
    packed = subprocess.run("find . | cpio -o -H newc 2>/dev/null", cwd=root,
                            shell=True, stdout=subprocess.PIPE,
                            check=True).stdout
    initrd = os.path.join(where, "initrd")
    with open(initrd, "wb") as f:
        f.write(packed)
    kernel = os.path.join(where, "vmlinux")
    with open(kernel, "wb") as f:
        f.write(build.vmlinux(os.path.join(package, "boot",
                                           "vmlinuz-" + release)))
    return kernel, initrd


def once(machine, kernel, append, disks, extra):
    """Boot and fetch one page: (seconds, instructions or None)."""
    port = free_port()
    counted = os.path.join(bench.OUT, "boot.count")
    guest = SerialGuest(kernel, 256, 1, append, None, machine, disks, port,
                        ["-cpu", "max"] + extra)
    start = time.monotonic()
    guest.create()
    try:
        guest.expect(rb"httpd: serving", 120)
        with urllib.request.urlopen("http://127.0.0.1:%d/" % port,
                                    timeout=60) as answer:
            answer.read()
        seconds = time.monotonic() - start
    finally:
        guest.quit()
    if "-plugin" not in extra:
        return seconds, None
    return seconds, count.counts(counted)


def several(machine, kernel, append, disks, extra, points):
    """(median seconds, fewest instructions, how much more the most are) of a
    few boots: what is added by chance is never less than nothing."""
    times = [once(machine, kernel, append, disks, extra)[0]
             for _ in range(RUNS)]
    counting = count.arguments(os.path.join(bench.OUT, "boot.count"), points)
    found = [once(machine, kernel, append, disks, extra + counting)[1]
             for _ in range(RUNS)]
    found.sort(key=lambda c: c["all"])
    return statistics.median(times), found[0], \
        (found[-1]["all"] - found[0]["all"]) / found[0]["all"]


def domus(report, machine, disk):
    """Our own boots on one machine."""
    points = count.symbols(KERNEL, *POINTS)
    entry = count.symbols(KERNEL, "pvh_entry")["pvh_entry"]
    points["entry"] = entry - 0xffffffff80000000
    seconds, found, spread = several(
        machine, KERNEL, "app=httpd root=vda ip=%s/24,10.0.2.2"
        % ADDRESS, [(disk, False)], [], points)
    title = " to the first answer, " + machine
    report.add("time" + title, "Domus", seconds * 1000, "ms")
    report.add("instructions" + title, "Domus",
               found["all"] - found["entry"], "instructions")
    for name in POINTS:
        report.add("instructions from entry to %s, %s" % (name, machine),
                   "Domus", found[name] - found["entry"], "instructions")
    report.note("Domus, %s: instructions of %d boots differ by %.1f %%"
                % (machine, RUNS, spread * 100))


def peer(report, machine, kernel, initrd):
    """Linux on one machine."""
    seconds, found, spread = several(
        machine, kernel, "console=ttyS0 quiet mitigations=off panic=-1", [],
        ["-initrd", initrd], {})
    title = " to the first answer, " + machine
    report.add("time" + title, "Linux", seconds * 1000, "ms")
    report.add("instructions" + title, "Linux", found["all"], "instructions")
    report.note("Linux, %s: instructions of %d boots differ by %.1f %%"
                % (machine, RUNS, spread * 100))


def sizes(report, kernel, initrd):
    """What is loaded."""
    stripped = os.path.join(bench.OUT, "domus.stripped")
    subprocess.run(["objcopy", "--strip-all", KERNEL, stripped], check=True)
    report.add("image, packed", "Domus", packed(stripped) / 1024, "KiB")
    report.add("image, packed", "Linux",
               (packed(kernel) + packed(initrd)) / 1024, "KiB")


def packed(path):
    """The length of a file under gzip."""
    with open(path, "rb") as f:
        return len(gzip.compress(f.read()))


def run(report):
    """Both, one after the other, on the same machine."""
    try:
        kernel, initrd = linux()
    except (OSError, subprocess.CalledProcessError) as error:
        raise LabError("no Linux to compare with: %s" % error) from None
    disk = os.path.join(bench.OUT, "boot.img")
    if not os.path.exists(disk):
        image.from_folder(SITE, disk)
    domus(report, "q35", disk)
    peer(report, "q35", kernel, initrd)
    domus(report, "microvm", disk)
    sizes(report, kernel, initrd)
    report.note("one CPU, 256 MiB, software emulation; times without the "
                "counting, medians of %d boots each; instructions: the "
                "fewest; Domus reads its files from a disk, Linux (Debian's cloud kernel, busybox) from "
                "its initramfs; instructions of Linux include those of the "
                "firmware, those of Domus begin at its entry" % RUNS)
