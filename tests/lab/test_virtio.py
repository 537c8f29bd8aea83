# SPDX-License-Identifier: BSD-2-Clause
"""Virtio's rings and transports on QEMU: every bus, both kinds of ring, both
releases of QEMU, each feature on and off, with data compared."""

import itertools
import os
import re
import time

import compare
import pytest
from conftest import ROOT
from serial import SerialGuest
from test_serve import free_port
from test_virtio_more import pattern
from vm import Vm, blank

# name: machine, suffix of the devices' names, properties, other arguments
MODERN = "disable-legacy=on,disable-modern=off"
BOTH = "disable-legacy=off,disable-modern=off"
LEGACY = "disable-legacy=off,disable-modern=on"
BUSES = {
    "q35-modern": ("q35", "pci", MODERN, []),
    "q35-transitional": ("q35", "pci", BOTH, []),
    "q35-legacy": ("q35", "pci", LEGACY, []),
    "pc-modern": ("pc", "pci", MODERN, []),
    "pc-transitional": ("pc", "pci", BOTH, []),
    "pc-legacy": ("pc", "pci", LEGACY, []),
    "mmio1": ("microvm,acpi=off", "device", "",
              ["-global", "virtio-mmio.force-legacy=on"]),
    "acpi": ("microvm", "device", "",
             ["-global", "virtio-mmio.force-legacy=off"]),
    "mmio2": ("microvm,acpi=off", "device", "",
              ["-global", "virtio-mmio.force-legacy=off"]),
}
OLD = ("q35-legacy", "pc-legacy", "mmio1")      # before VERSION_1
SECTORS = 2048


def guest_on(kernel, bus, image, props="", release=None,
             append="app=shell quiet=1"):
    """A guest with a disk, an interface and a random device on a bus."""
    machine, suffix, fixed, args = BUSES[bus]
    words = "".join("," + p for p in (fixed, props) if p)
    args = args + [
        "-drive", "if=none,format=raw,id=d,file=" + image,
        "-device", "virtio-blk-%s,drive=d%s" % (suffix, words),
        "-netdev", "user,id=n",
        "-device", "virtio-net-%s,netdev=n%s" % (suffix, words),
        "-device", "virtio-rng-%s%s" % (suffix, words)]
    return Vm(kernel, machine, args, qemu=release, append=append)


def agreed(guest):
    """{device: names of the rings' and transports' features in use}."""
    found = {}
    for dev in guest.qmp("x-query-virtio"):
        status = guest.qmp("x-query-virtio-status", path=dev["path"])
        features = status["guest-features"]["transports"]
        found[dev["name"]] = {
            re.match(r"VIRTIO_(?:RING_)?F_(\w+)", text).group(1)
            for text in features if text.startswith("VIRTIO_")}
    return found


def settled(guest):
    """The guest has looked at its disk: no line of its log comes any more in
    the middle of what is typed."""
    end = time.monotonic() + 120
    while b"fs: vda " not in guest.output and time.monotonic() < end:
        time.sleep(0.1)


def checked(guest, how):
    """What was written to the whole disk is what is read."""
    said = guest.sh("diskcheck -f vda " + how, 300)
    return re.search(r": read \d+ sectors in .*, 0 differ", said)


def all_work(guest, image):
    """Data of the disk is right here and there, the network and the random
    device answer, nothing broke."""
    settled(guest)
    assert checked(guest, "7 io=65536 depth=8")
    guest.sh("block write -f vda 100 64")
    guest.sh("sync")
    with open(image, "rb") as f:
        f.seek(100 * 512)
        assert f.read(64 * 512) == pattern(100, 64)
    guest.sh_until("ping 10.0.2.2 1", r", 1 answered")
    assert len(guest.sh("rng 64").split()) > 0
    state = guest.devices()
    assert sorted(d[0] for d in state.values()) == [
        "virtio_blk", "virtio_net", "virtio_rng"], state
    for driver, word, failures in state.values():
        assert (word, failures) == ("connected", 0), (driver, word)


def cells():
    """The matrix; the short selection has each bus and kind of ring once."""
    short = {("mmio1", "", "7"), ("mmio2", "packed=on", "7"),
             ("q35-modern", "packed=on", "10"), ("acpi", "", "7"), ("pc-legacy", "", "7"),
             ("q35-transitional", "", "10")}
    for bus, props, release in itertools.product(
            BUSES, ("", "packed=on"), ("7", "10")):
        mark = [] if (bus, props, release) in short else [pytest.mark.long]
        yield pytest.param(bus, props, release, marks=mark, id="-".join(
            (bus, "packed" if props else "split", "qemu" + release)))


@pytest.mark.parametrize("bus,props,release", cells())
def test_matrix(kernel, tmp_path, bus, props, release):
    """Each bus with each kind of ring: three devices work on it."""
    image = blank(tmp_path / "disk", SECTORS // 2048)
    with guest_on(kernel, bus, image, props,
                  None if release == "7" else release) as guest:
        all_work(guest, image)
        for device, features in agreed(guest).items():
            assert ("VERSION_1" in features) == (bus not in OLD), device
            assert ("RING_PACKED" in features) == (
                props != "" and bus not in OLD), device
            assert "EVENT_IDX" in features and "INDIRECT_DESC" in features


# What QEMU leaves out, or offers only when asked: property, feature.
FEATURES = [("event_idx", "EVENT_IDX", None),
            ("indirect_desc", "INDIRECT_DESC", None),
            ("packed", "RING_PACKED", None),
            ("iommu_platform", "ACCESS_PLATFORM|IOMMU_PLATFORM", None),
            ("queue_reset", "RING_RESET", "10"),
            ("in_order", "IN_ORDER", "10")]


def feature_cells():
    """Each feature; the long run has it in packed rings as well."""
    for (name, bit, release), ring in itertools.product(
            FEATURES, ("", ",packed=on")):
        if name == "packed" and ring:
            continue
        short = name in ("event_idx", "in_order") and not ring
        yield pytest.param(name, bit, release, ring,
                           marks=[] if short else [pytest.mark.long],
                           id=name + ("-packed" if ring else ""))


@pytest.mark.parametrize("name,bit,release,ring", feature_cells())
def test_feature_on_and_off(kernel, tmp_path, name, bit, release, ring):
    """With a feature and without the same works."""
    image = blank(tmp_path / "disk", SECTORS // 2048)
    for word in ("on", "off"):
        with guest_on(kernel, "q35-modern", image, "%s=%s%s" % (
                name, word, ring), release) as guest:
            all_work(guest, image)
            for device, features in agreed(guest).items():
                assert bool(features & set(bit.split("|"))) == (
                    word == "on"), device


REFUSED = {"event_idx": "EVENT_IDX", "indirect_desc": "INDIRECT_DESC",
           "packed": "RING_PACKED", "ring_reset": "RING_RESET",
           "34": "RING_PACKED"}


@pytest.mark.parametrize("word", [
    pytest.param(w, marks=[] if w == "packed" else [pytest.mark.long])
    for w in REFUSED])
def test_feature_refused(kernel, tmp_path, word):
    """The guest's operator refuses what QEMU offers."""
    image = blank(tmp_path / "disk", SECTORS // 2048)
    with guest_on(kernel, "q35-modern", image, "packed=on", append="app=shell"
                  " quiet=1 hw.virtio.features_off=" + word) as guest:
        all_work(guest, image)
        for device, features in agreed(guest).items():
            assert REFUSED[word] not in features, device


@pytest.mark.parametrize("vectors", [
    0, pytest.param(1, marks=pytest.mark.long),
    2, pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize("bus", [
    "q35-modern", pytest.param("q35-legacy", marks=pytest.mark.long),
    pytest.param("pc-modern", marks=pytest.mark.long)])
def test_vectors(kernel, tmp_path, bus, vectors):
    """A line, one message for all, two, a message for each."""
    image = blank(tmp_path / "disk", SECTORS // 2048)
    with guest_on(kernel, bus, image, "vectors=%d" % vectors) as guest:
        all_work(guest, image)


@pytest.mark.parametrize("size", [
    pytest.param(s, marks=[] if s == 64 else [pytest.mark.long])
    for s in (4, 8, 64, 256, 1024)])
@pytest.mark.parametrize("ring", ["", ",packed=on"])
def test_queue_sizes(kernel, tmp_path, ring, size):
    """The queue is as large as the device has it, or as it was set."""
    image = blank(tmp_path / "disk", SECTORS // 2048)
    machine, suffix, fixed, _ = BUSES["q35-modern"]
    with Vm(kernel, machine, [
            "-drive", "if=none,format=raw,id=d,file=" + image,
            "-device", "virtio-blk-%s,drive=d,%s,queue-size=%d,"
            "seg-max-adjust=on%s" % (suffix, fixed, size, ring)],
            append="app=shell quiet=1 hw.virtio.queue_size=32768") as guest:
        settled(guest)
        assert checked(guest, "3 io=4096 depth=16")
        path = guest.qmp("x-query-virtio")[0]["path"]
        queue = guest.qmp("x-query-virtio-queue-status", path=path, queue=0)
        assert queue["vring-num"] == size


SERVED = {"q35-modern": ("q35", MODERN), "q35-legacy": ("q35", LEGACY),
          "pc-transitional": ("pc", BOTH), "mmio2": ("microvm", "")}


@pytest.mark.long
@pytest.mark.parametrize("release", ["7", "10"])
@pytest.mark.parametrize("packed", ["off", "on"])
@pytest.mark.parametrize("bus", list(SERVED))
def test_serves(kernel, site_image, bus, packed, release):
    """A folder arrives over disk and network as it is."""
    machine, props = SERVED[bus]
    port = int(free_port())
    extra = ["-global", "virtio-mmio.force-legacy=off"]
    for device, prop in itertools.product(
            ("blk", "net"), props.split(",") + ["packed=" + packed]):
        if prop:
            kind = "device" if machine == "microvm" else "pci"
            extra += ["-global", "virtio-%s-%s.%s" % (device, kind, prop)]
    guest = SerialGuest(kernel, append="app=httpd root=vda", extra=extra,
                        machine=machine, disks=[(site_image, False)],
                        port=port, qemu=None if release == "7" else release)
    guest.create()
    try:
        guest.expect(rb"httpd: serving http", 300)
        assert compare.main("http://127.0.0.1:%d/" % port, os.path.join(
            ROOT, "examples", "site")) == 0
    finally:
        guest.remove()
