# SPDX-License-Identifier: BSD-2-Clause
"""Virtio devices other than block and network, on QEMU."""

import hashlib
import os
import re
import threading
import time

import pytest
from conftest import ROOT
from vm import Vm, blank, rss_kib

MACHINES = {"q35": ("q35", "pci"), "pc": ("pc", "pci"),
            "microvm": ("microvm,acpi=off", "device")}
ALL = pytest.mark.parametrize(
    "machine", [pytest.param(m, marks=() if m == "q35" else pytest.mark.long)
                for m in MACHINES])


def vm(kernel, machine, devices, **kwargs):
    """A guest on a machine; %s in the devices is the bus's suffix."""
    model, bus = MACHINES[machine]
    args = []
    for word in devices:
        args.append(word.replace("%s", bus))
    return Vm(kernel, model, args, **kwargs)


# ---- rng

RNG = ["-object", "rng-random,filename=/dev/urandom,id=r",
       "-device", "virtio-rng-%s,rng=r"]


@ALL
def test_rng(kernel, machine):
    """Bytes arrive, other ones each time, and the generator is fed."""
    with vm(kernel, machine, RNG) as guest:
        seen = guest.sh_until("rng", r"vtrng0 gave (\d+) bytes")
        assert int(seen.group(1)) >= 1
        lines = re.findall(r"^[0-9a-f]+$", guest.sh("rng 1000"), re.M)
        data = bytes.fromhex("".join(lines))
        assert len(data) == 1000
        # 1000 random bytes without 200 different values: never.
        assert len(set(data)) > 200
        assert len(set(lines)) == len(lines)
        state = [d for d in guest.devices().values() if d[0] == "virtio_rng"]
        assert state == [("virtio_rng", "connected", 0)]


def test_rng_absent(kernel):
    """Without a device the command says so."""
    with vm(kernel, "q35", []) as guest:
        assert "no random device" in guest.sh("rng")
        assert re.search("reading: .*no such device", guest.sh("rng 4"))


# ---- scsi

def pattern(first, count):
    """What the shell's `block write' puts into sectors."""
    data = bytearray()
    for sector in range(first, first + count):
        data += sector.to_bytes(8, "little")
        data += bytes((k * 7 + sector * 13) & 0xff for k in range(8, 512))
    return bytes(data)


def scsi_disk(path, name, kind="hd", **where):
    """QEMU's words for a unit of the adapter s."""
    place = "".join(",%s=%s" % item for item in where.items())
    readonly = ",readonly=on" if kind == "cd" else ",discard=unmap"
    return ["-drive", "if=none,id=%s,format=raw,file=%s%s"
            % (name, path, readonly),
            "-device", "scsi-%s,id=x%s,drive=%s,bus=s.0%s"
            % (kind, name, name, place)]


def site_sums(folder):
    """sha256 of the files of a folder that can be typed, by their paths."""
    sums = {}
    for where, _, names in os.walk(folder):
        for name in filter(re.compile(r"[\w.-]+\Z", re.A).match, names):
            path = os.path.join(where, name)
            with open(path, "rb") as f:
                sums["/" + os.path.relpath(path, folder)] = hashlib.sha256(
                    f.read()).hexdigest()
    return sums


@ALL
def test_scsi_units(kernel, tmp_path, site_image, machine):
    """Three units of different sizes on two targets, and a CD: data."""
    paths = [blank(tmp_path / ("d%d" % n), 4 + 12 * n) for n in range(3)]
    args = ["-device", "virtio-scsi-%s,id=s"]
    args += scsi_disk(paths[0], "a", **{"scsi-id": 0, "lun": 3})
    args += scsi_disk(paths[1], "b", **{"scsi-id": 5, "lun": 0})
    args += scsi_disk(paths[2], "c", **{"scsi-id": 5, "lun": 260})
    args += scsi_disk(site_image, "d", "cd", **{"scsi-id": 9, "lun": 0})
    with vm(kernel, machine, args, append="app=shell root=sr0") as guest:
        guest.sh_until("scsi", r"9:0 CD sr0 'QEMU' 'QEMU CD-ROM'")
        units = {m[0]: m[1:] for m in re.findall(
            r"^vtscsi0 (\d+:\d+) disk (sd.) .* (\d+) sectors",
            guest.sh("scsi"), re.M)}
        assert {k: int(v[1]) for k, v in units.items()} == {
            "0:3": 4 << 11, "5:0": 16 << 11, "5:260": 28 << 11}
        disk = {n: units[u][0] for n, u in enumerate(("0:3", "5:0", "5:260"))}
        for n in range(3):
            count = (4 + 12 * n) << 11
            guest.sh("block write -f %s 0 %d" % (disk[n], count))
            assert "differs" not in guest.sh("block check %s 0 %d"
                                             % (disk[n], count))
        for name, want in site_sums(os.path.join(
                ROOT, "examples", "site")).items():
            assert want in guest.sh("sha256sum " + name)
        state = [d for d in guest.devices().values() if d[0] == "virtio_scsi"]
        assert state == [("virtio_scsi", "connected", 0)]
        guest.shutdown()
    for n in range(3):
        with open(paths[n], "rb") as f:
            assert f.read() == pattern(0, (4 + 12 * n) << 11)


def test_scsi_hotplug_and_resize(kernel, tmp_path):
    """Units come, grow and go while the guest runs."""
    first = blank(tmp_path / "first", 4)
    second = blank(tmp_path / "second", 8)
    args = ["-device", "virtio-scsi-pci,id=s"]
    args += scsi_disk(first, "a", **{"scsi-id": 0, "lun": 0})
    with vm(kernel, "q35", args) as guest:
        guest.sh_until("disks", r"^sda +8192 sectors")
        guest.qmp("blockdev-add", driver="raw", **{"node-name": "n2"},
                  file={"driver": "file", "filename": second})
        guest.device_add("scsi-hd", id="x2", drive="n2", bus="s.0",
                         **{"scsi-id": 3, "lun": 1})
        guest.sh_until("disks", r"^sdb +16384 sectors")
        guest.sh("block write -f sdb 100 5000")
        guest.qmp("block_resize", **{"node-name": "n2"}, size=24 << 20)
        guest.sh_until("disks", r"^sdb +49152 sectors")
        guest.sh("block write -f sdb 40000 9152")
        assert "differs" not in guest.sh("block check sdb 40000 9152")
        guest.device_del("x2")
        guest.sh_until("scsi", r"\A(?!.*sdb)")
        assert "no disk" in guest.sh("block read sdb 0")
        assert "differs" in guest.sh("block check sda 0 1")
        events = re.search(r"events (\d+)", guest.sh("scsi"))
        assert int(events.group(1)) >= 3
        assert [d for d in guest.devices().values()] == [
            ("virtio_scsi", "connected", 0)]
    with open(second, "rb") as f:
        f.seek(100 * 512)
        assert f.read(5000 * 512) == pattern(100, 5000)
        f.seek(40000 * 512)
        assert f.read() == pattern(40000, 9152)


@pytest.mark.long
def test_scsi_abort(kernel, tmp_path):
    """Commands that take too long are aborted; the unit then works again."""
    path = blank(tmp_path / "slow", 8)
    args = ["-device", "virtio-scsi-pci,id=s"]
    args += scsi_disk(path, "a")
    with vm(kernel, "q35", args,
            append="app=shell hw.vtscsi.timeout=1") as guest:
        guest.sh_until("disks", r"^sda +16384 sectors")
        slow = {"bps": 0, "bps_rd": 0, "bps_wr": 0, "iops_rd": 0,
                "iops_wr": 0}
        guest.qmp("block_set_io_throttle", id="xa", iops=1, **slow)
        said = guest.sh("diskcheck -f sda 1 write io=65536 depth=8 random=20",
                        timeout=300)
        assert "error" in said
        aborts = int(re.search(r"aborts (\d+)", guest.sh("scsi")).group(1))
        assert aborts > 0
        guest.qmp("block_set_io_throttle", id="xa", iops=0, **slow)
        guest.sh_until("block read sda 0", r"^0+ ")
        guest.sh("block write -f sda 0 100")
        assert "differs" not in guest.sh("block check sda 0 100")
        assert list(guest.devices().values()) == [
            ("virtio_scsi", "connected", 0)]


# ---- console

def port(kind, chardev, name=None, **more):
    """QEMU's words for a port of the device v."""
    words = "virt%s,bus=v.0,id=p%s,chardev=%s" % (kind, chardev, chardev)
    if name:
        words += ",name=" + name
    return ["-device", words + "".join(",%s=%s" % m for m in more.items())]


def receive(sock, count, timeout=60):
    """count bytes of a port."""
    sock.settimeout(timeout)
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data))
    return data


@ALL
def test_ports(kernel, machine):
    """Three ports and a console, data both ways, named and not."""
    args = ["-device", "virtio-serial-%s,id=v"]
    args += port("console", "c0") + port("serialport", "c1", "org.domus.one")
    args += port("serialport", "c2") + port("serialport", "c3", "three")
    with vm(kernel, machine, args, append="app=shell console=serial",
            channels=["c0", "c1", "c2", "c3"]) as guest:
        guest.sh_until("ports", r"^vtcons0.0 '' console open 0x0.*"
                       r"^vtcons0.1 'org.domus.one' open 0x0.*"
                       r"^vtcons0.2 '' open.*^vtcons0.3 'three' open")
        for n, name in enumerate(("vtcons0.0", "org.domus.one", "vtcons0.2",
                                  "three")):
            sock = guest.channel["c%d" % n]
            guest.sh("ports write %s to port %d" % (name, n))
            assert receive(sock, 10) == b"to port %d\n" % n
            sock.sendall(b"from port %d" % n)
            guest.sh_until("ports", r"^vtcons0.%d .* waiting 11$" % n)
            assert "from port %d" % n in guest.sh("ports read " + name)
        big = os.urandom(200000)
        sock = guest.channel["c1"]
        sender = threading.Thread(target=sock.sendall, args=(big,))
        guest.send(b"ports echo org.domus.one 200000\r")
        sender.start()
        assert receive(sock, len(big)) == big
        sender.join()
        guest.sh_until("ports", r"^vtcons0.1 .* read 2000\d\d .*waiting 0$")
        assert list(guest.devices().values()) == [
            ("virtio_console", "connected", 0)]


def test_ports_come_and_go(kernel):
    """Ports are plugged and unplugged, and a host that hangs up."""
    args = ["-device", "virtio-serial-pci,id=v"]
    args += port("serialport", "c1", "first")
    with vm(kernel, "q35", args, append="app=shell console=serial",
            channels=["c1", "c2"]) as guest:
        guest.sh_until("ports", r"'first' open")
        guest.device_add("virtserialport", bus="v.0", id="p2", chardev="c2",
                         name="second")
        guest.sh_until("ports", r"'second' open")
        guest.sh("ports write second hello")
        assert receive(guest.channel["c2"], 6) == b"hello\n"
        guest.device_del("p2")
        guest.sh_until("ports", r"\A(?!.*second)")
        assert "no such entry" in guest.sh("ports write second x")
        guest.channel["c1"].close()
        guest.sh_until("ports", r"'first' 0x0")
        assert list(guest.devices().values()) == [
            ("virtio_console", "connected", 0)]


def test_console_is_tty(kernel):
    """Where there is a virtio console the shell is on it."""
    args = ["-device", "virtio-serial-pci,id=v"] + port("console", "c0")
    with vm(kernel, "q35", args, channels=["c0"],
            wait=False) as guest:
        sock = guest.channel["c0"]
        data = b""
        sock.sendall(b"ports\r")
        while b"vtcons0.0 '' console open tty" not in data:
            data += receive(sock, 1)
        sock.sendall(b"crash\r")
        while b"PANIC: the operator asked for a crash" not in data:
            data += receive(sock, 1)


@pytest.mark.parametrize("word", [
    "on", pytest.param("off", marks=pytest.mark.long)])
def test_emergency_write(kernel, word):
    """Last words come by the register, where there is one, and else not: the
    queues are not touched any more."""
    args = ["-device", "virtio-serial-pci,id=v,emergency-write=" + word]
    with vm(kernel, "q35", args + port("console", "c0"), channels=["c0"],
            wait=False) as guest:
        sock = guest.channel["c0"]
        data = b""
        sock.sendall(b"ports\r")
        while b"vtcons0.0 '' console open tty" not in data:
            data += receive(sock, 1)
        sock.sendall(b"crash\r")
        guest.expect(rb"PANIC: the operator asked for a crash", 60)
        guest.wait_end(60)
        sock.settimeout(5)
        try:
            for part in iter(lambda: sock.recv(4096), b""):
                data += part
        except OSError:
            pass
        assert (b"PANIC: the operator asked for a crash" in data) == (
            word == "on")


# ---- balloon

def balloon(guest):
    """The numbers of the shell's `balloon'."""
    words = guest.sh("balloon").split()
    return {words[i]: int(words[i + 1]) for i in range(2, len(words) - 1)
            if words[i + 1].isdigit()}


def set_balloon(guest, mib):
    """Ask for a size of the guest; wait until QEMU sees it."""
    guest.qmp("balloon", value=mib << 20)
    end = time.monotonic() + 60
    while guest.qmp("query-balloon")["actual"] != mib << 20:
        assert time.monotonic() < end, guest.sh("balloon")
        time.sleep(0.1)


def free_bytes(guest):
    """Free memory, as the guest sees it."""
    return int(re.search(r"free (\d+)", guest.sh("memory")).group(1))


@ALL
def test_balloon(kernel, machine):
    """Down, up, and further down than the guest can go."""
    args = ["-device", "virtio-balloon-%s,id=b"]
    with vm(kernel, machine, args, memory=96) as guest:
        guest.sh_until("balloon", "vtballoon0")
        before = free_bytes(guest)
        set_balloon(guest, 64)
        assert before - free_bytes(guest) >= 32 << 20
        assert balloon(guest)["held"] == 32 << 8
        set_balloon(guest, 80)
        assert balloon(guest)["held"] == 16 << 8
        guest.qmp("balloon", value=1 << 20)
        guest.sh_until("log", "the rest is needed here")
        state = balloon(guest)
        assert free_bytes(guest) >= (state["floor"] - 64) << 12
        set_balloon(guest, 96)
        assert balloon(guest)["held"] == 0
        # Pages of the stack of held ones are free again too.
        assert abs(free_bytes(guest) - before) < 1 << 20
        assert list(guest.devices().values()) == [
            ("virtio_balloon", "connected", 0)]


def test_balloon_statistics(kernel):
    """QEMU polls statistics and sees what the guest sees."""
    args = ["-device", "virtio-balloon-pci,id=b"]
    with vm(kernel, "q35", args) as guest:
        guest.sh_until("balloon", "vtballoon0")
        guest.qmp("qom-set", path="/machine/peripheral/b",
                  property="guest-stats-polling-interval", value=1)
        guest.sh_until("balloon", r"asked [2-9]")
        stats = guest.qmp("qom-get", path="/machine/peripheral/b",
                          property="guest-stats")["stats"]
        total = int(re.search(r"total (\d+)", guest.sh("memory")).group(1))
        assert stats["stat-total-memory"] == total
        assert abs(stats["stat-free-memory"] - free_bytes(guest)) < 1 << 20


def resident(mib):
    """QEMU's words for memory that is all there from the start."""
    return ["-machine", "memory-backend=m", "-object",
            "memory-backend-ram,id=m,prealloc=on,size=%dM" % mib]


def until_rss(guest, kib):
    """Wait until QEMU's process is smaller than that."""
    end = time.monotonic() + 120
    while rss_kib(guest.pid) >= kib:
        assert time.monotonic() < end, (rss_kib(guest.pid),
                                        guest.sh("balloon"))
        time.sleep(0.2)


def test_balloon_frees(kernel):
    """What goes into the balloon, the host has again."""
    args = ["-device", "virtio-balloon-pci,id=b"] + resident(256)
    with vm(kernel, "q35", args, memory=256) as guest:
        guest.sh_until("balloon", "vtballoon0")
        before = rss_kib(guest.pid)
        assert before > 256 << 10
        set_balloon(guest, 64)
        until_rss(guest, before - (176 << 10))


def agreed(guest, name):
    """Has the balloon a feature that it offers in use?"""
    path = guest.qmp("x-query-virtio")[0]["path"]
    status = guest.qmp("x-query-virtio-status", path=path)
    assert name in str(status["host-features"]["dev-features"])
    return name in str(status["guest-features"]["dev-features"])


@pytest.mark.parametrize("release", [
    None, pytest.param("10", marks=pytest.mark.long)])
@pytest.mark.parametrize("word", ["on", pytest.param(
    "off", marks=pytest.mark.long)])
def test_balloon_reporting(kernel, tmp_path, word, release):
    """Memory that the guest has no use for goes back to the host, where it is
    reported, and is there when it is needed."""
    args = ["-device", "virtio-balloon-pci,id=b,free-page-reporting=" + word,
            "-device", "virtio-scsi-pci,id=s"] + resident(256)
    args += scsi_disk(blank(tmp_path / "d", 8), "d")
    with vm(kernel, "q35", args, memory=256, qemu=release) as guest:
        guest.sh_until("balloon", "vtballoon0")
        guest.sh_until("disks", "sda")
        if word == "on":
            guest.sh_until("balloon", r"reported [1-9]\d\d\d\d")
            until_rss(guest, 180 << 10)
        # The guest has it as before, and can use it.
        assert free_bytes(guest) > 220 << 20
        assert ", 0 differ" in guest.sh("diskcheck -f sda 1 io=1048576 "
                                        "depth=6", 300)
        if word == "off":
            assert re.search(r"reported 0 ", guest.sh("balloon"))
            assert rss_kib(guest.pid) > 256 << 10
        assert [d for d in guest.devices().values() if d[0].endswith("n")] == [
            ("virtio_balloon", "connected", 0)]


def filled(path, byte):
    """Pages of a memory image that have that byte all over."""
    page, count = bytes([byte]) * 4096, 0
    with open(path, "rb") as f:
        for data in iter(lambda: f.read(4096), b""):
            count += data == page
    return count


@pytest.mark.parametrize("byte,release", [
    (170, None), pytest.param(0, None, marks=pytest.mark.long),
    pytest.param(None, None, marks=pytest.mark.long),
    pytest.param(170, "10", marks=pytest.mark.long)])
def test_balloon_poison(kernel, tmp_path, byte, release):
    """Pages that are reported have the byte that was agreed on; QEMU keeps
    them then, unless it is zero."""
    args = ["-device", "virtio-balloon-pci,id=b,free-page-reporting=on,"
            "page-poison=on"] + resident(128)
    word = "" if byte is None else " hw.vtballoon.poison=%d" % byte
    with vm(kernel, "q35", args, memory=128, qemu=release,
            append="app=shell quiet=1" + word) as guest:
        guest.sh_until("balloon", "reports")
        assert agreed(guest, "PAGE_POISON") == (byte is not None)
        reported = int(guest.sh_until(
            "balloon", r"reported ([1-9]\d\d\d\d)").group(1))
        image = str(tmp_path / "memory")
        guest.qmp("pmemsave", val=0, size=128 << 20, filename=image)
        assert (filled(image, 170) >= reported - 1000) == (byte == 170)
        if byte == 170:
            assert rss_kib(guest.pid) > 128 << 10
        else:
            assert filled(image, 0) >= reported - 1000


@pytest.mark.long
def test_balloon_oom(kernel, tmp_path):
    """With DEFLATE_ON_OOM a guest short of memory takes pages back."""
    args = ["-device", "virtio-balloon-pci,id=b,deflate-on-oom=on",
            "-device", "virtio-scsi-pci,id=s"]
    args += scsi_disk(blank(tmp_path / "d", 8), "d")
    with vm(kernel, "q35", args, memory=64) as guest:
        guest.sh_until("balloon", "oom")
        guest.sh_until("disks", "sda")
        guest.qmp("balloon", value=1 << 20)
        guest.sh_until("log", "the rest is needed here")
        held = balloon(guest)["held"]
        guest.sh("diskcheck -f sda 1 write io=1048576 depth=6")
        state = balloon(guest)
        assert state["out"] > 0 and held > 0


@pytest.mark.long
@pytest.mark.parametrize("release", [None, "10"])
def test_balloon_hints(kernel, release):
    """A migration need not copy the pages that it is told are free; they come
    back afterwards."""
    args = ["-object", "iothread,id=t", "-device",
            "virtio-balloon-pci,id=b,free-page-hint=on,iothread=t"]
    with vm(kernel, "q35", args, memory=128, qemu=release) as guest:
        guest.sh_until("balloon", "hints")
        before = free_bytes(guest)
        # Slow, until the guest has told all.
        guest.qmp("migrate-set-parameters", **{"max-bandwidth": 4096})
        guest.qmp("migrate", uri="exec:cat >/dev/null")
        guest.sh_until("balloon", r"hinted [1-9]\d\d\d\d")
        guest.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 30})
        end = time.monotonic() + 100
        while guest.qmp("query-migrate").get("status") != "completed":
            assert time.monotonic() < end
            time.sleep(0.2)
        ram = guest.qmp("query-migrate")["ram"]
        guest.qmp("cont")
        hinted = int(guest.sh_until("balloon", r"hinted (\d+)").group(1))
        assert ram["normal"] + ram["duplicate"] < (
            ram["total"] >> 12) - hinted // 2
        end = time.monotonic() + 60
        while before - free_bytes(guest) > 1 << 20:
            assert time.monotonic() < end, guest.sh("balloon")
            time.sleep(0.2)
        assert list(guest.devices().values()) == [
            ("virtio_balloon", "connected", 0)]
