# SPDX-License-Identifier: BSD-2-Clause
"""Virtio disks on QEMU: what they are, what they can do, what changes."""

import contextlib
import os
import re

import pytest
from vm import Vm, blank

SECTORS = 65536
UNMAP = ",discard=unmap,file.discard=unmap"


def disk(path, node="d0", drive="", device="", bus="pci"):
    """QEMU's words for a disk on a file."""
    return ["-blockdev", "driver=raw,node-name=%s,file.driver=file,"
            "file.filename=%s%s" % (node, path, drive),
            "-device", "virtio-blk-%s,drive=%s%s" % (bus, node, device)]


@contextlib.contextmanager
def one(kernel, path, machine="q35", append="app=shell", **words):
    """A guest with one disk, which it has found."""
    with Vm(kernel, machine, disk(path, **words), append=append) as guest:
        guest.sh_until("disks", "^vda ")
        yield guest


def info(guest, name="vda"):
    """The shell's diskinfo: {key: text}."""
    guest.sh_until("disks", "^%s " % name)
    lines = guest.sh("diskinfo " + name).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


@pytest.fixture
def path(tmp_path):
    """A file for a disk."""
    return blank(tmp_path / "disk.img", SECTORS // 2048)


def test_data_and_description(kernel, path):
    """What is written is read, with many transfers at once; the serial
    number, the block sizes and the limits are QEMU's."""
    words = ",serial=S-1234,logical_block_size=512,physical_block_size=4096" \
        ",opt_io_size=65536"
    with one(kernel, path, device=words, drive=UNMAP) as guest:
        text = guest.sh("diskcheck -f vda 1")
        assert "wrote %d sectors" % SECTORS in text, text
        assert "read %d sectors" % SECTORS in text and ", 0 differ" in text
        text = guest.sh("diskcheck -f vda 2 random=300 io=4096 depth=16")
        assert ", 0 differ" in text, text
        # The check finds what is wrong: the other seed's sectors.
        text = guest.sh("diskcheck vda 1 check sectors=%d" % SECTORS)
        assert re.search(r"first difference in sector \d+ byte 0", text)
        said = info(guest)
        assert said["serial"] == "S-1234"
        assert said["physical"].startswith("4096 offset 0")
        assert said["physical"].endswith("opt 65536")
        assert "discard" in said["can"] and "zero" in said["can"]
        assert " error 0 " in said["done"]


def test_no_serial_wanted(kernel, path):
    """hw.vtblk.no_ident: the number is not asked for."""
    with one(kernel, path, device=",serial=S-1234",
             append="app=shell hw.vtblk.no_ident=1") as guest:
        assert info(guest)["serial"] == ""


def test_resize(kernel, path):
    """block_resize is seen at once, and the new end can be used."""
    with one(kernel, path) as guest:
        guest.qmp("block_resize", **{"node-name": "d0",
                                     "size": SECTORS * 1024})
        guest.expect(rb"disk: vda: now 64 MiB", 60)
        assert info(guest)["sectors"] == str(2 * SECTORS)
        text = guest.sh("diskcheck -f vda 3 first=%d" % SECTORS)
        assert "wrote %d sectors" % SECTORS in text, text
        assert ", 0 differ" in text


def test_discard_gives_back(kernel, path):
    """Discarded and zeroed blocks are no longer kept in the file; zeroes
    are read."""
    with one(kernel, path, drive=UNMAP) as guest:
        guest.sh("diskcheck -f vda 1 write")
        full = os.stat(path).st_blocks
        assert full >= SECTORS
        guest.sh("block discard -f vda 0 %d" % (SECTORS // 2))
        guest.sh("sync")
        half = os.stat(path).st_blocks
        assert half <= full - SECTORS // 2 + 64
        guest.sh("block zero -f vda %d %d" % (SECTORS // 2, SECTORS // 4))
        assert os.stat(path).st_blocks <= half - SECTORS // 4 + 64
        text = guest.sh("block read vda %d" % (SECTORS // 2))
        assert re.search(r"^\S+ +(00 ){8}", text, re.M), text
        text = guest.sh("diskcheck vda 1 check first=%d"
                        % (SECTORS * 3 // 4))
        assert ", 0 differ" in text
        done = info(guest)["done"]
        assert "discard 1 zero 1 " in done, done


def test_no_discard(kernel, path):
    """Without the device's features the commands are refused."""
    with one(kernel, path,
             device=",discard=off,write-zeroes=off") as guest:
        assert "discard" not in info(guest)["can"]
        assert "not supported" in guest.sh("block discard -f vda 0 8")
        assert "not supported" in guest.sh("block zero -f vda 0 8")


def test_read_only(kernel, path):
    """A read-only disk says so, and is not written to."""
    with one(kernel, path, drive=",read-only=on") as guest:
        assert "read-only" in guest.sh("disks")
        assert "read-only" in guest.sh("diskcheck -f vda 1")
        assert "differ" in guest.sh("diskcheck vda 1 check random=4")


def test_write_cache(kernel, path):
    """The mode can be changed, from the command line too."""
    with one(kernel, path,
             append="app=shell hw.vtblk.writecache_mode=0") as guest:
        assert info(guest)["cache"] == "write-through"
        assert "cache: write-back" in guest.sh("diskinfo vda cache on")
        assert "cache: write-through" in guest.sh("diskinfo vda cache off")
    with one(kernel, path, device=",config-wce=off") as guest:
        assert "cache-mode" not in info(guest)["can"]
        assert "not supported" in guest.sh("diskinfo vda cache on")


def test_small_requests(kernel, path):
    """Few and small pieces, and 4 KiB blocks: the data is the same."""
    words = ",seg-max-adjust=off,queue-size=16,logical_block_size=4096" \
        ",physical_block_size=4096"
    with one(kernel, path, device=words) as guest:
        said = info(guest)
        assert said["block"] == "4096"
        assert int(said["request"].split()[0]) < 64 * 1024
        assert ", 0 differ" in guest.sh("diskcheck -f vda 5")


def test_several_disks(kernel, tmp_path):
    """Each disk is its own."""
    paths = [blank(tmp_path / ("%d.img" % n), 4) for n in range(3)]
    args = []
    for n, path in enumerate(paths):
        args += disk(path, "d%d" % n, device=",serial=disk-%d" % n)
    with Vm(kernel, "q35", args) as guest:
        serials = {info(guest, name)["serial"]: name
                   for name in ("vda", "vdb", "vdc")}
        assert sorted(serials) == ["disk-0", "disk-1", "disk-2"]
        for n in range(3):
            guest.sh("diskcheck -f %s %d" % (serials["disk-%d" % n], n))
        for n in range(3):
            text = guest.sh("diskcheck %s %d check"
                            % (serials["disk-%d" % n], n))
            assert ", 0 differ" in text, text


@pytest.mark.parametrize("setting,left", [
    ("virtio_blk_load=NO", {"virtio_net"}),
    ("if_vtnet_load=NO", {"virtio_blk"}),
    ("virtio_load=NO", set()), ("virtio_pci_load=NO", set()),
    ('virtio_load="YES"', {"virtio_blk", "virtio_net"})])
def test_left_out(kernel, path, setting, left):
    """What the operator leaves out is not there, and nothing else."""
    args = disk(path) + ["-netdev", "user,id=n", "-device",
                         "virtio-net-pci,netdev=n"]
    with Vm(kernel, "q35", args, append="app=shell " + setting) as guest:
        for driver in left:
            guest.sh_until("devices", driver + r"\b[^\n]*connected")
        assert {d[0] for d in guest.devices().values()} == left


@pytest.mark.long
@pytest.mark.parametrize("machine", ["q35", "pc", "microvm,acpi=off"])
@pytest.mark.parametrize("size", [512, 4096, 65536, 1048576])
@pytest.mark.parametrize("depth", [1, 4, 16])
def test_random_io(kernel, path, machine, size, depth):
    """Random transfers of every size and depth."""
    bus = "device" if machine.startswith("microvm") else "pci"
    with one(kernel, path, machine, bus=bus) as guest:
        text = guest.sh("diskcheck -f vda %d random=2000 io=%d depth=%d"
                        % (size + depth, size, depth), timeout=600)
        assert ", 0 differ" in text, text
