# SPDX-License-Identifier: BSD-2-Clause
"""A running guest under the toolstack: consoles, ends, hot-plug."""

import os
import re
import shutil
import socket
import struct
import subprocess
import time
import urllib.request

import pytest
from build import LabError
from guest import Guest

SERVING = rb"httpd: serving (http://\S+)"
ROUNDS = 20
MEMORY_NOISE = 64 << 10
MODES = ["pv", "pvh", "hvm"]


@pytest.fixture
def web(guest, disk, site_image, tmp_path):
    """web(mode): a guest that serves the example folder."""
    def create(mode="pv", **settings):
        vbd = "phy:%s,xvda,r" % disk(site_image)
        if mode == "hvm":               # xl wants these writable
            image = shutil.copy(site_image, tmp_path / "hvm.img")
            vbd = "phy:%s,xvda,w" % disk(image, readonly=False)
        new = guest(mode, disks=[vbd], **settings)
        new.expect(SERVING, 120)
        return new
    return create


def fetch(lab, guest_, path):
    """Get a path from the guest, by a forwarded port of the host."""
    address = re.findall(rb"serving http://([^/:\s]+)", guest_.output)[-1]
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    lab.forward(port, address.decode())
    try:
        url = "http://127.0.0.1:%d/%s" % (port, path)
        with urllib.request.urlopen(url, timeout=20) as got:
            return got.read().decode()
    finally:
        lab.unforward(port)


@pytest.mark.parametrize("mode", MODES)
def test_serves_and_shuts_down(lab, web, mode):
    """The guest serves and obeys xl shutdown."""
    web_guest = web(mode)
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")
    domid = lab.check("xl domid " + web_guest.name).strip()
    features = lab.check("xenstore-ls /local/domain/%s/control" % domid)
    assert "feature-poweroff" in features and "feature-reboot" in features
    assert web_guest.shutdown() == "poweroff"
    assert not web_guest.running()


def test_xl_console(lab, web):
    """xl console, on a terminal of dom0, reaches the shell."""
    web_guest = web()
    web_guest.detach()
    seen = bytearray()
    console = lab.agent.spawn("exec xl console " + web_guest.name,
                              seen.extend, "T")
    end = time.monotonic() + 20
    while b"poweroff" not in seen and time.monotonic() < end:
        console.send(b"help\r")
        time.sleep(1)
    assert b"poweroff" in seen
    console.send(b"\x1d")
    assert console.wait(10) == 0


def test_reboot(lab, web):
    """xl reboot: the guest comes back as a new domain and serves again."""
    web_guest = web()
    before = lab.check("xl domid " + web_guest.name)
    lab.check("xl reboot " + web_guest.name)
    web_guest.expect(SERVING, 60)
    assert lab.check("xl domid " + web_guest.name) != before
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")


def test_destroy(lab, web):
    """xl destroy ends it, and its devices are gone from the store."""
    web_guest = web()
    domid = lab.check("xl domid " + web_guest.name).strip()
    lab.check("xl destroy " + web_guest.name)
    assert not web_guest.running()
    assert lab.exec("xenstore-ls /local/domain/%s" % domid).status != 0


def test_crash_is_told(lab, web):
    """A crash ends in a PANIC line on the console, and Xen knows."""
    web_guest = web()
    lab.check("xenstore-write /local/domain/$(xl domid %s)/control/shutdown"
              " crash" % web_guest.name)
    assert web_guest.wait_end(30) == "crash"


def read_held(guest_):
    """What the guest's drivers hold (grants, event channels, watches, pages),
    and its free memory, from the shell's sums."""
    said = guest_.sh("devices")
    totals = re.search(r"^totals: (.*?)\r?$", said, re.M)
    free = re.search(r"^limits: .*free (\d+)", said, re.M)
    assert totals and free, said
    return totals.group(1), int(free.group(1))


def same_held(one, other):
    """The same counts, and free memory within a few buffers."""
    return one[0] == other[0] and abs(one[1] - other[1]) <= MEMORY_NOISE


def held(guest_):
    """The same, once a device that has just gone has given back all."""
    end = time.monotonic() + 60
    last, now = None, read_held(guest_)
    while time.monotonic() < end and not (last and same_held(last, now)):
        last, now = now, read_held(guest_)
    return now


def check_held(guest_, before):
    """The guest holds, or soon does, what it held before."""
    end = time.monotonic() + 60
    now = held(guest_)
    while time.monotonic() < end and not same_held(now, before):
        now = held(guest_)
    assert same_held(now, before), "%s before, %s now" % (before, now)


def wait_for(lab, command, timeout=20):
    """Wait until a command in dom0 succeeds."""
    end = time.monotonic() + timeout
    while lab.exec(command).status != 0:
        if time.monotonic() > end:
            raise LabError("did not come true: " + command)
        time.sleep(0.1)


@pytest.mark.parametrize("mode", ["pv", pytest.param(
    "pvh", marks=pytest.mark.long)])
def test_block_hotplug(lab, web, disk, tmp_path, mode):
    """20 rounds of block-attach and -detach leave nothing behind."""
    image = tmp_path / "extra.img"
    image.write_bytes(os.urandom(4 << 20))
    extra = disk(image)
    web_guest = web(mode)
    backend = "/local/domain/0/backend/vbd/$(xl domid %s)/51728/state" \
        % web_guest.name
    before = None
    for _ in range(ROUNDS + 1):
        lab.check("xl block-attach %s phy:%s,xvdb,r"
                  % (web_guest.name, extra))
        wait_for(lab, '[ "$(xenstore-read %s)" = 4 ]' % backend)
        lab.check("xl block-detach %s xvdb" % web_guest.name)
        wait_for(lab, "! xenstore-exists " + backend)
        before = before or held(web_guest)
    check_held(web_guest, before)
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")


@pytest.mark.parametrize("mode", ["pvh", pytest.param(
    "pv", marks=pytest.mark.long)])
def test_network_hotplug(lab, web, mode):
    """20 rounds of network-attach and -detach leave nothing behind."""
    web_guest = web(mode)
    backend = "/local/domain/0/backend/vif/$(xl domid %s)/1/state" \
        % web_guest.name
    before = None
    for _ in range(ROUNDS + 1):
        # Always the same address: QEMU's DHCP server knows only 16.
        lab.check("xl network-attach %s bridge=xenbr0,mac=00:16:3e:64:6d:f0"
                  % web_guest.name)
        wait_for(lab, '[ "$(xenstore-read %s)" = 4 ]' % backend)
        lab.check("xl network-detach %s 1" % web_guest.name)
        wait_for(lab, "! xenstore-exists " + backend)
        before = before or held(web_guest)
    check_held(web_guest, before)
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")


def test_qdisk(lab, guest, disk, site_image, tmp_path):
    """QEMU's block back end serves the guest as well.  (It refuses a block
    device that is read-only in dom0, so this one is not.)"""
    image = shutil.copy(site_image, tmp_path / "qdisk.img")
    vbd = "format=raw,backendtype=qdisk,vdev=xvda,access=w,target=%s" \
        % disk(image, readonly=False)
    web_guest = guest("pv", disks=[vbd])
    web_guest.expect(SERVING, 90)
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")


@pytest.fixture(scope="session")
def grub_disk(kernel, tmp_path_factory):
    """A disk from which GRUB boots the guest by multiboot2.  Its only
    partition is an archive with the kernel, which is compressed, since the
    BIOS reads the disk very slowly."""
    where = tmp_path_factory.mktemp("grub")
    subprocess.run(["strip", "-o", where / "domus", kernel], check=True)
    subprocess.run(["gzip", "-9", where / "domus"], check=True)
    subprocess.run(["tar", "--format=ustar", "-C", where, "-cf",
                    where / "kernel.tar", "domus.gz"], check=True)
    (where / "load.cfg").write_text(
        "multiboot2 (hd0,msdos1)/domus.gz app=httpd root=xvdb\nboot\n")
    subprocess.run(["grub-mkimage", "-O", "i386-pc", "-o", where / "core.img",
                    "-c", where / "load.cfg", "-p", "(hd0,msdos1)/",
                    "biosdisk", "part_msdos", "tar", "gzio", "multiboot2"],
                   check=True)
    boot = open("/usr/lib/grub/i386-pc/boot.img", "rb").read()
    core = (where / "core.img").read_bytes()
    archive = (where / "kernel.tar").read_bytes()
    start = 1 << 20                     # of the partition
    assert len(boot) + len(core) <= start
    entry = struct.pack("<B3xB3xII", 0x80, 0x83, start // 512,
                        (len(archive) + 511) // 512)
    mbr = boot[:446] + entry.ljust(64, b"\0") + b"\x55\xaa"
    data = (mbr + core).ljust(start, b"\0") + archive
    (where / "boot.img").write_bytes(data.ljust(4 << 20, b"\0"))
    return where / "boot.img"


def test_hvm_from_grub(lab, kernel, disk, site_image, grub_disk, tmp_path):
    """An HVM guest boots from its disk by GRUB and serves."""
    image = shutil.copy(site_image, tmp_path / "site.img")
    vbds = ["phy:%s,hda,w" % disk(grub_disk, readonly=False),
            "phy:%s,xvdb,w" % disk(image, readonly=False)]
    booted = Guest(lab, "grub", "hvm", memory=96, disks=vbds)
    try:
        booted.create()
        booted.expect(SERVING, 180)
        assert "FOLDER" in fetch(lab, booted, "notes.txt")
        assert booted.shutdown() == "poweroff"
    finally:
        booted.remove()


def test_ipv6(lab, web):
    """The guest takes an IPv6 address from router advertisements."""
    web_guest = web()
    end = time.monotonic() + 20
    said = ""
    while "fec0:" not in said and time.monotonic() < end:
        said = web_guest.sh("interfaces")
    assert "fec0:" in said
