# SPDX-License-Identifier: BSD-2-Clause
"""memory: the least in which Domus comes up, and in which it serves files."""

import os
import urllib.request

import bench
import image
from b_boot import ADDRESS, KERNEL, SITE, free_port
from build import LabError
from guest import Guest
from lab import Lab
from serial import SerialGuest

WHAT = "the least memory for the shell, and for serving files"
PACKAGES = ()
PATIENCE = 20                           # s; what is too small says nothing
PROMPT = rb"domus# "
KIB = 256                               # the step, without Xen


def least(works, most):
    """The smallest number of steps that works, below one that does."""
    if not works(most):
        raise LabError("it does not even work with the most")
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def prompts(guest):
    """Does its prompt come?  It is removed."""
    try:
        guest.create()
        guest.expect(PROMPT, PATIENCE)
        return True
    except LabError:
        return False
    finally:
        guest.remove()


def shell(machine):
    """works(steps) for QEMU: the prompt comes."""
    def works(steps):
        guest = SerialGuest(KERNEL, "%dK" % (steps * KIB), 1,
                            "app=shell root=none", None, machine)
        return prompts(guest)
    return works


def serves(port):
    """Do all files of the example come?"""
    for folder, _, names in os.walk(SITE):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), SITE)
            url = "http://127.0.0.1:%d/%s" % (port,
                                              urllib.request.quote(path))
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                answer.read()
    return True


def server(machine, disk):
    """works(steps) for QEMU: files come."""
    def works(steps):
        port = free_port()
        guest = SerialGuest(
            KERNEL, "%dK" % (steps * KIB), 1, "app=httpd root=vda ip=%s/24,"
            "10.0.2.2" % ADDRESS, None, machine, [(disk, False)], port)
        try:
            guest.create()
            guest.expect(rb"httpd: serving", PATIENCE)
            return serves(port)
        except (LabError, OSError):
            return False
        finally:
            guest.remove()
    return works


def domain(lab, mode):
    """works(MiB) on Xen: the prompt comes."""
    def works(mib):
        guest = Guest(lab, "small-%s-%d" % (mode, mib), mode, KERNEL,
                      memory=mib, vifs=[], append="app=shell root=none")
        return prompts(guest)
    return works


def run(report):
    """Without Xen, then on it."""
    disk = os.path.join(bench.OUT, "memory.img")
    os.makedirs(bench.OUT, exist_ok=True)
    image.from_folder(SITE, disk)
    for machine in "microvm", "q35":
        report.add("shell, QEMU", machine, least(
            shell(machine), 8192 // KIB) * KIB / 1024, "MiB")
    report.add("serving files, QEMU", "microvm", least(
        server("microvm", disk), 16384 // KIB) * KIB / 1024, "MiB")
    with Lab(guest_memory=128, name="bench", cpus=2) as lab:
        for mode in "pv", "pvh":
            report.add("shell, Xen", mode.upper(), least(
                domain(lab, mode), 12), "MiB")
    report.note("one CPU, the whole image with all drivers; QEMU: in steps of "
                "%d KiB, with a network device (and, to serve, a disk); Xen: "
                "memory= of xl, whole MiB, no device but the console; what is "
                "not there within %d s counts as not there" % (KIB, PATIENCE))
