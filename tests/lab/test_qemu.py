# SPDX-License-Identifier: BSD-2-Clause
"""The same job without Xen: the guest on QEMU's virtio devices."""

import re
import sys
import time

import pytest
from conftest import run_domus
from serial import SerialGuest
from test_serve import COMPARE, free_port

ADDRESS = re.compile(rb"net: (vtnet\d) address 10\.")
MACHINES = pytest.mark.parametrize("machine", ["q35", "pc", "microvm"])


def on_qemu(machine, *args):
    """domus run under QEMU with 16 MiB."""
    return run_domus("run", "--on", "qemu", "--machine", machine, "--memory",
                     "16", "--port", free_port(), *args, timeout=300)


@MACHINES
def test_every_file_arrives(kernel, site, machine):
    """Each file, 64 MiB among them, arrives through virtio devices."""
    done = on_qemu(machine, str(site), "--exec", "exec %s %s $DOMUS_URL '%s'"
                   % (sys.executable, COMPARE, site))
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 differ" in done.stdout


@MACHINES
def test_devices(kernel, site_image, machine):
    """The shell shows both devices connected and none broken."""
    guest = SerialGuest(kernel, append="app=shell", machine=machine,
                        disks=[(site_image, True)])
    guest.create()
    try:
        guest.expect(rb"domus# ", 60)   # before, nobody listens
        for driver in ("virtio_blk", "virtio_net"):
            guest.sh_until("devices",
                           driver + r" +connected [^\n]*failures 0")
        assert guest.shutdown() == "poweroff"
    finally:
        guest.remove()


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_shared_lines(kernel, site_image, machine):
    """Without MSI-X five functions share the four lines of the PCI bus; each
    of them works: the network by DHCP, the disks by reading them."""
    extra = ["-global", "virtio-blk-pci.vectors=0",
             "-global", "virtio-net-pci.vectors=0"]
    for n in (1, 2):
        extra += ["-netdev", "user,id=n%d" % n,
                  "-device", "virtio-net-pci,netdev=n%d" % n]
    guest = SerialGuest(kernel, append="root=vda", machine=machine,
                        disks=[(site_image, False)] * 2, extra=extra)
    guest.create()
    try:
        # Each has an address of its own net, before or after the mount.
        guest.expect(rb"vda mounted", 60)
        end = time.monotonic() + 60
        while len(set(ADDRESS.findall(guest.output))) < 3:
            assert time.monotonic() < end, guest.output.decode()
            time.sleep(0.1)
        guest.sh_until("devices", r"(?:^\S+ +virtio_\w+ +connected [^\n]*"
                       r"events [1-9].*?){5}")
        assert guest.shutdown() == "poweroff"
    finally:
        guest.remove()
