# SPDX-License-Identifier: BSD-2-Clause
"""SCSI adapter, console and balloon on every bus, in both kinds of ring, with
both releases of QEMU: data is compared, pages go and come back."""

import itertools
import os
import re
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


def console_works(guest, size=50000, name="echo"):
    """Bytes go there and back through a port."""
    guest.sh_until("ports", name + r".* open")
    data = os.urandom(size)
    sock = guest.channel["c1"]
    sender = threading.Thread(target=sock.sendall, args=(data,))
    guest.send(b"ports echo %s %d\r" % (name.encode(), size))
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


# Device, property, feature as QEMU names it; the word for off.
FEATURES = [("scsi", "hotplug", "HOTPLUG", "off"),
            ("scsi", "param_change", "CHANGE", "off"),
            ("balloon", "deflate-on-oom", "DEFLATE_ON_OOM", "off"),
            ("balloon", "free-page-reporting", "REPORTING", "off"),
            ("balloon", "free-page-hint", "FREE_PAGE_HINT", "off"),
            ("balloon", "page-poison", "PAGE_POISON", "off"),
            ("serial", "emergency-write", "EMERG_WRITE", "off"),
            ("serial", "max_ports", "MULTIPORT", "1")]


def feature_cells():
    """Each feature on and off, with each release; one of each device in the
    short selection."""
    short = (("hotplug", "off"), ("max_ports", "1"), ("page-poison", "on"))
    for (device, name, bit, off), release in itertools.product(
            FEATURES, (None, "10")):
        for word in (off, "31" if off == "1" else "on"):
            mark = [] if (name, word) in short and not release else [
                pytest.mark.long]
            yield pytest.param(device, name, bit, word, release, marks=mark,
                               id="-".join((device, name, word,
                                            "qemu" + (release or "7"))))


@pytest.mark.parametrize("device,name,bit,word,release", feature_cells())
def test_feature(kernel, tmp_path, device, name, bit, word, release):
    """With a feature and without, the guest agrees on what is offered, and
    the devices work."""
    props = dict.fromkeys(("scsi", "serial", "balloon"), "")
    props[device] = ",%s=%s" % (name, word)
    image = blank(tmp_path / "unit", MIB)
    if name == "free-page-hint":
        props[device] += ",iothread=t"
    args = ["-object", "iothread,id=t", "-device",
            "virtio-scsi-pci,id=s" + props["scsi"]] + \
        scsi_disk(image, "a", **{"scsi-id": 3, "lun": 2}) + \
        ["-device", "virtio-serial-pci,id=v" + props["serial"],
         "-device", "virtconsole,bus=v.0,chardev=c1,name=echo",
         "-device", "virtio-balloon-pci,id=b" + props["balloon"]]
    label = "vtcons0.0" if word == "1" else "echo"
    with Vm(kernel, "q35", args, channels=["c1"], qemu=release,
            append="app=shell quiet=1 console=serial hw.vtballoon.poison=5"
            ) as guest:
        scsi_works(guest, image)
        console_works(guest, name=label)
        balloon_works(guest)
        found = ""
        for dev in guest.qmp("x-query-virtio"):
            if device in dev["name"]:
                found = str(guest.qmp("x-query-virtio-status", path=dev[
                    "path"])["guest-features"]["dev-features"])
        assert ("_F_" + bit in found) == (word in ("on", "31")), found
        assert all(d[1:] == ("connected", 0)
                   for d in guest.devices().values())


@pytest.mark.parametrize("word", ["off", pytest.param(
    "on", marks=pytest.mark.long)])
def test_scsi_told_of_units(kernel, tmp_path, word):
    """With HOTPLUG the device tells of a new unit, with CHANGE of a new size;
    without them the operator has the guest look."""
    image = blank(tmp_path / "unit", MIB)
    with Vm(kernel, "q35", ["-device", "virtio-scsi-pci,id=s,hotplug=%s,"
                            "param_change=%s" % (word, word)],
            append="app=shell quiet=1") as guest:
        guest.sh_until("scsi", "vtscsi0")
        guest.qmp("blockdev-add", driver="raw", **{"node-name": "n"},
                  file={"driver": "file", "filename": image})
        guest.device_add("scsi-hd", id="x", drive="n", bus="s.0")
        if word == "off":
            assert "sda" not in guest.sh("disks")
            guest.sh("scsi rescan")
        guest.sh_until("disks", r"^sda +%d sectors" % (MIB << 11))
        guest.qmp("block_resize", **{"node-name": "n"}, size=2 * MIB << 20)
        if word == "off":
            assert " %d sectors" % (MIB << 12) not in guest.sh("disks")
            guest.sh("scsi rescan")
        guest.sh_until("disks", r"^sda +%d sectors" % (MIB << 12))
        events = int(re.search(r"events (\d+)", guest.sh("scsi")).group(1))
        assert (events > 0) == (word == "on")
