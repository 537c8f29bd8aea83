# SPDX-License-Identifier: BSD-2-Clause
"""SCSI adapter, console and balloon on every bus, in both kinds of ring, with
both releases of QEMU: data is compared, pages go and come back."""

import itertools
import os
import threading

import pytest
from test_virtio import BUSES, OLD, agreed
from test_virtio_more import (balloon, free_bytes, pattern, port, receive,
                              scsi_disk, set_balloon)
from vm import Vm, blank

MIB = 4


def cells():
    """The matrix; the short selection has three of different kinds."""
    short = {("q35-modern", "packed=on", "10"), ("pc-legacy", "", "7"),
             ("mmio2", "", "7")}
    for bus, props, release in itertools.product(
            BUSES, ("", "packed=on"), ("7", "10")):
        mark = [] if (bus, props, release) in short else [pytest.mark.long]
        yield pytest.param(bus, props, release, marks=mark, id="-".join(
            (bus, "packed" if props else "split", "qemu" + release)))


def scsi_works(guest, image):
    """What was written to the whole unit is in the file and is read again."""
    count = MIB << 11
    guest.sh_until("disks", r"^sda +%d sectors" % count)
    guest.sh("block write -f sda 0 %d" % count)
    assert "differs" not in guest.sh("block check sda 0 %d" % count)
    guest.sh("sync")
    with open(image, "rb") as f:
        assert f.read() == pattern(0, count)


def console_works(guest, size=50000):
    """Bytes go there and back through a named port."""
    guest.sh_until("ports", r"'echo' open")
    data = os.urandom(size)
    sock = guest.channel["c1"]
    sender = threading.Thread(target=sock.sendall, args=(data,))
    guest.send(b"ports echo echo %d\r" % size)
    sender.start()
    assert receive(sock, size) == data
    sender.join()


def balloon_works(guest):
    """Down and up; both sides agree on the size."""
    guest.sh_until("balloon", "vtballoon0")
    before = free_bytes(guest)
    set_balloon(guest, 48)
    assert balloon(guest)["held"] == 16 << 8
    assert before - free_bytes(guest) >= 16 << 20
    set_balloon(guest, 64)
    assert balloon(guest)["held"] == 0


@pytest.mark.parametrize("bus,props,release", cells())
def test_matrix(kernel, tmp_path, bus, props, release):
    """Each bus with each kind of ring: three devices work on it."""
    machine, suffix, fixed, args = BUSES[bus]
    words = "".join("," + p for p in (fixed, props) if p)
    image = blank(tmp_path / "unit", MIB)
    args = args + ["-device", "virtio-scsi-%s,id=s%s" % (suffix, words)] + \
        scsi_disk(image, "a", **{"scsi-id": 3, "lun": 2}) + \
        ["-device", "virtio-serial-%s,id=v%s" % (suffix, words)] + \
        port("serialport", "c1", "echo") + \
        ["-device", "virtio-balloon-%s,id=b%s" % (suffix, words)]
    with Vm(kernel, machine, args, channels=["c1"],
            append="app=shell quiet=1 console=serial",
            qemu=None if release == "7" else release) as guest:
        scsi_works(guest, image)
        console_works(guest)
        balloon_works(guest)
        assert sorted(guest.devices().values()) == [
            ("virtio_balloon", "connected", 0),
            ("virtio_console", "connected", 0),
            ("virtio_scsi", "connected", 0)]
        for device, features in agreed(guest).items():
            assert ("VERSION_1" in features) == (bus not in OLD), device
            assert ("RING_PACKED" in features) == (
                props != "" and bus not in OLD), device
