# SPDX-License-Identifier: BSD-2-Clause
"""PCI functions that are plugged in and out while the guest runs on QEMU: each
class of device, on the root bus and behind bridges, in both releases."""

import re
import time

import pytest
from build import LabError
from test_virtio_more import pattern
from vm import Vm, blank

# name: machine, bridges, bus to plug into, properties of what is plugged
PLACES = {
    "pc": ("pc", [], "pci.0", {}),
    "pc-legacy": ("pc", [], "pci.0", {"disable-modern": True,
                                      "disable-legacy": "off"}),
    "pc-bridge": ("pc", ["-device", "pci-bridge,id=br,chassis_nr=1"], "br",
                  {}),
    "q35": ("q35", ["-device", "pcie-root-port,id=rp0,chassis=1",
                    "-device", "pcie-root-port,id=rp,chassis=2"], "rp", {}),
}


def until_free(guest, command, **arguments):
    """Ask QEMU for what it frees soon after a device has gone."""
    end = time.monotonic() + 60
    while True:
        try:
            return guest.qmp(command, **arguments)
        except LabError as error:
            if "in use" not in str(error) or time.monotonic() > end:
                raise
        time.sleep(0.1)


CLASSES = ("blk", "net", "scsi", "serial", "rng", "balloon")


def plugged(kernel, place, release=None, more=(), **kwargs):
    """A guest with nothing but its bus."""
    machine, bridges, _, _ = PLACES[place]
    args = ["-netdev", "user,id=n0", "-object",
            "rng-random,filename=/dev/urandom,id=r0"] + bridges + list(more)
    return Vm(kernel, machine, args, qemu=release, **kwargs)


class Blk:
    """A disk with known contents."""
    driver = "virtio_blk"

    def __init__(self, guest, tmp_path):
        self.guest = guest
        self.path = blank(tmp_path / "disk", 4)

    def add(self, **where):
        """Plug it in, see that it works."""
        self.guest.qmp("blockdev-add", driver="raw", **{"node-name": "nd"},
                       file={"driver": "file", "filename": self.path})
        self.guest.device_add("virtio-blk-pci", id="dev", drive="nd", **where)
        self.guest.sh_until("disks", r"^vda +8192 sectors")
        self.guest.sh("block write -f vda 10 2000")
        assert "differs" not in self.guest.sh("block check vda 10 2000")
        with open(self.path, "rb") as f:
            f.seek(10 * 512)
            assert f.read(2000 * 512) == pattern(10, 2000)

    def gone(self):
        """See that it is gone, and let QEMU forget it."""
        assert "no disk" in self.guest.sh("block read vda 0")
        until_free(self.guest, "blockdev-del", **{"node-name": "nd"})


class Net:
    """An interface of QEMU's user network."""
    driver = "virtio_net"

    def __init__(self, guest, _tmp_path):
        self.guest = guest

    def add(self, **where):
        """Plug it in, see that it works."""
        self.guest.device_add("virtio-net-pci", id="dev", netdev="n0", **where)
        self.guest.sh_until("ping 10.0.2.2 1", r", 1 answered")

    def gone(self):
        """See that it is gone."""
        assert "vtnet0" not in self.guest.sh("interfaces")


class Scsi:
    """An adapter, with a unit that is plugged into it."""
    driver = "virtio_scsi"

    def __init__(self, guest, tmp_path):
        self.guest = guest
        self.path = blank(tmp_path / "unit", 8)

    def add(self, **where):
        """Plug it in, see that it works."""
        self.guest.device_add("virtio-scsi-pci", id="dev", **where)
        self.guest.qmp("blockdev-add", driver="raw", **{"node-name": "nd"},
                       file={"driver": "file", "filename": self.path})
        self.guest.device_add("scsi-hd", id="x", drive="nd", bus="dev.0")
        self.guest.sh_until("disks", r"^sda +16384 sectors")
        self.guest.sh("block write -f sda 0 1000")
        assert "differs" not in self.guest.sh("block check sda 0 1000")

    def gone(self):
        """See that it is gone, and let QEMU forget it."""
        assert "no disk" in self.guest.sh("block read sda 0")
        until_free(self.guest, "blockdev-del", **{"node-name": "nd"})


class Serial:
    """A device with a port."""
    driver = "virtio_console"

    def __init__(self, guest, _tmp_path):
        self.guest = guest

    def add(self, **where):
        """Plug it in, see that it works."""
        self.guest.device_add("virtio-serial-pci", id="dev", **where)
        until_free(self.guest, "device_add", driver="virtserialport", id="p",
                   chardev="c0", bus="dev.0", name="port")
        self.guest.sh_until("ports", r"'port' open")
        self.guest.sh("ports write port hello")
        sock = self.guest.channel["c0"]
        sock.settimeout(60)
        data = b""
        while len(data) < 6:
            data += sock.recv(6 - len(data))
        assert data == b"hello\n"

    def gone(self):
        """See that it is gone."""
        assert "'port'" not in self.guest.sh("ports")


class Rng:
    """A source of random bytes."""
    driver = "virtio_rng"

    def __init__(self, guest, _tmp_path):
        self.guest = guest

    def add(self, **where):
        """Plug it in, see that it works."""
        self.guest.device_add("virtio-rng-pci", id="dev", rng="r0", **where)
        self.guest.sh_until("rng", r"vtrng0 gave")
        assert re.search(r"^[0-9a-f]{32}", self.guest.sh("rng 16"), re.M)

    def gone(self):
        """See that it is gone."""
        assert "no random device" in self.guest.sh("rng")


class Balloon:
    """A balloon; it is let out again before it goes."""
    driver = "virtio_balloon"

    def __init__(self, guest, _tmp_path):
        self.guest = guest

    def add(self, **where):
        """Plug it in, see that it works."""
        self.guest.device_add("virtio-balloon-pci", id="dev", **where)
        self.guest.sh_until("balloon", "vtballoon0")
        self.guest.qmp("balloon", value=48 << 20)
        self.guest.sh_until("balloon", r"held 4096\b")

    def gone(self):
        """See that it is gone."""
        assert "vtballoon0" not in self.guest.sh("balloon")


KINDS = {"blk": Blk, "net": Net, "scsi": Scsi, "serial": Serial, "rng": Rng,
         "balloon": Balloon}


def totals(guest):
    """What all devices hold, and the free memory."""
    said = guest.sh("devices")
    free = re.search(r"free (\d+)", said).group(1)
    return re.search(r"^totals: (.*)$", said, re.M).group(1), int(free)


def in_and_out(guest, place, kind, tmp_path):
    """Plug one in, use it, take it out; nothing is left."""
    _, _, bus, props = PLACES[place]
    device = KINDS[kind](guest, tmp_path)
    device.add(bus=bus, **props)
    assert list(guest.devices().values()) == [
        (device.driver, "connected", 0)]
    guest.device_del("dev")
    assert guest.devices() == {}
    device.gone()
    said, free = totals(guest)
    assert said == "devices 0 grants 0 evtchns 0 watches 0 pages 0 parked 0"
    return free


def cells():
    """The matrix; the short selection has one of each machine."""
    short = {("pc", "blk", None), ("q35", "net", "10")}
    for place in PLACES:
        for kind in CLASSES:
            for release in (None, "10"):
                mark = [] if (place, kind, release) in short else [
                    pytest.mark.long]
                yield pytest.param(place, kind, release, marks=mark, id="-".join(
                    (place, kind, "qemu" + (release or "7"))))


@pytest.mark.parametrize("place,kind,release", cells())
def test_in_and_out(kernel, tmp_path, place, kind, release):
    """A device comes, works, goes, and comes again; memory is not lost."""
    with plugged(kernel, place, release, channels=["c0"],
                 append="app=shell console=serial") as guest:
        in_and_out(guest, place, kind, tmp_path)
        first = in_and_out(guest, place, kind, tmp_path)
        second = in_and_out(guest, place, kind, tmp_path)
        assert abs(first - second) < 256 << 10, (first, second)


def test_goes_in_use(kernel, site_image, tmp_path):
    """A mounted disk is taken, and another one that is being written: who uses
    them is told, the guest lives, and the next disk works."""
    image = blank(tmp_path / "busy", 64)
    with plugged(kernel, "pc", None, [
            "-drive", "if=none,id=d0,format=raw,readonly=on,file=" + site_image,
            "-device", "virtio-blk-pci,id=root,drive=d0",
            "-drive", "if=none,id=d1,format=raw,file=" + image,
            "-device", "virtio-blk-pci,id=busy,drive=d1"],
            append="app=shell root=vda quiet=1") as guest:
        guest.sh_until("ls /", "index.html")
        guest.device_del("root")
        assert "the device is gone" in guest.sh("cat /index.html")
        guest.sh_until("log", "disk: vda went away while in use")
        guest.qmp("block_set_io_throttle", device="d1", bps=1 << 20, bps_rd=0,
                  bps_wr=0, iops=0, iops_rd=0, iops_wr=0)
        start = guest.mark()
        guest.send(b"diskcheck -f vdb 7 write io=65536 depth=8\r")
        end = time.monotonic() + 60
        while not any(s["stats"]["wr_operations"] > 3
                      for s in guest.qmp("query-blockstats")):
            assert time.monotonic() < end
            time.sleep(0.1)
        guest.device_del("busy")
        guest.sh("")
        said = guest.output[start:].decode(errors="replace")
        assert "the device is gone" in said, said
        assert guest.devices() == {}
        Blk(guest, tmp_path).add(bus="pci.0")


@pytest.mark.long
@pytest.mark.parametrize("place", ["pc", "pc-bridge"])
def test_many(kernel, tmp_path, place):
    """Eight disks of different sizes at once, each second one taken, others in
    their places, more than there are messages for all queues; two CPUs."""
    _, _, bus, _ = PLACES[place]
    paths = [blank(tmp_path / ("d%d" % n), n + 1) for n in range(8)]
    with plugged(kernel, place, "10", ["-smp", "2"]) as guest:
        for n, path in enumerate(paths):
            guest.qmp("blockdev-add", driver="raw",
                      **{"node-name": "n%d" % n},
                      file={"driver": "file", "filename": path})

        def plug(numbers):
            for n in numbers:
                guest.device_add("virtio-blk-pci", id="b%d" % n, bus=bus,
                                 drive="n%d" % n, serial="disk%d" % n,
                                 addr="%x" % (10 + n))
            sizes = {(n + 1) << 11: n for n in range(8)}
            guest.sh_until("disks", r".*".join([" sectors"] * 8))
            for name, size in re.findall(r"^(vd\w) +(\d+) sectors",
                                         guest.sh("disks"), re.M):
                n = sizes[int(size)]
                guest.sh("block write -f %s %d 100" % (name, n * 100))
                with open(paths[n], "rb") as f:
                    f.seek(n * 100 * 512)
                    assert f.read(100 * 512) == pattern(n * 100, 100)

        plug(range(8))
        for n in range(0, 8, 2):
            guest.device_del("b%d" % n)
        assert len(guest.devices()) == 4
        plug(range(0, 8, 2))
        for n in range(8):
            guest.device_del("b%d" % n)
        assert guest.devices() == {}


@pytest.mark.long
def test_room_behind_a_bridge(kernel):
    """What does not fit into a bridge's window is told of, and given back all
    the same; what comes next works."""
    with plugged(kernel, "q35") as guest:
        guest.device_add("pci-testdev", id="dev", bus="rp", membar=64 << 20)
        guest.sh_until("log", "there are no addresses for it")
        guest.device_del("dev")
        guest.device_add("virtio-rng-pci", id="dev", rng="r0", bus="rp")
        guest.sh_until("rng", r"vtrng0 gave")


@pytest.mark.long
@pytest.mark.parametrize("place", ["pc", "q35"])
def test_at_once(kernel, tmp_path, place):
    """Asked for again before the guest could look at it, or in the middle."""
    bus = PLACES[place][2]
    with plugged(kernel, place, "10", ["-smp", "4"]) as guest:
        for n in range(60):
            guest.device_add("virtio-net-pci", id="dev", netdev="n0", bus=bus)
            time.sleep((n % 12) * 0.01)
            guest.device_del("dev")
        assert guest.devices() == {}
        before = totals(guest)[1]
        in_and_out(guest, place, "blk", tmp_path)
        assert abs(before - totals(guest)[1]) < 256 << 10
