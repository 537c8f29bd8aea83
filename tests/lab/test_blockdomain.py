# SPDX-License-Identifier: BSD-2-Clause
"""A Domus guest as storage driver domain, for Linux and Domus guests."""

import os
import re
import subprocess
import time

import pytest

MIB = 16
SECTOR = 512
FILE_SYSTEM = """dmesg | grep blkfront
/sbin/mke2fs -q -t ext4 /dev/xvda
mkdir /tmp/a
mount -t ext4 /dev/xvda /tmp/a
cp -a /bin /sbin /lib /tmp/a
umount /tmp/a
/sbin/e2fsck -f -n /dev/xvda
mount -t ext4 /dev/xvda /tmp/a
diff -r /bin /tmp/a/bin
diff -r /lib /tmp/a/lib
umount /tmp/a"""


@pytest.fixture
def image(tmp_path):
    """image(name, mib): an empty raw disk image on the host."""
    def make(name="disk", mib=MIB):
        path = tmp_path / name
        with open(path, "wb") as f:
            f.truncate(mib << 20)
        return path
    return make


@pytest.fixture
def storage(guest):
    """storage(devices, serve, ...): a running driver domain that has the
    disks as xvda, xvdb and so on."""
    def create(devices, serve, mode="pvh", append="", memory=64, vcpus=1):
        if isinstance(devices, str):
            devices = [devices]
        dom = guest(mode, "app=blockdomain %s %s" % (
            " ".join("serve=" + s for s in serve), append), memory=memory,
            vcpus=vcpus, vifs=[], extra=["driver_domain = 1"],
            disks=["phy:%s,xvd%s,w" % pair for pair in zip(devices, "abc")])
        dom.expect(rb"blockdomain: serving", 60)
        return dom
    return create


def disk_of(dom, target, vdev="xvda", access="rw"):
    """An xl disk line for what a driver domain serves."""
    return "format=raw,vdev=%s,access=%s,backend=%s,target=%s" % (
        vdev, access, dom.name, target)


def wait_gone(lab, dom, seconds=120):
    """Until the driver domain has no directory for any device."""
    domid = lab.check("xl domid " + dom.name).strip()
    end = time.monotonic() + seconds
    while True:
        text = lab.exec("xenstore-ls /local/domain/%s/backend/vbd" % domid
                        ).stdout
        if "frontend" not in text:
            return
        assert time.monotonic() < end, text
        time.sleep(0.3)


def sh(dom, line, timeout=120):
    """Run a line in a guest's shell; what it printed, but for the log."""
    return "".join(s for s in dom.sh(line, timeout).splitlines(True)
                   if not re.match(r"\[ *\d+\.\d+\] ", s))


def patterned(path, first, count):
    """Do these sectors of an image begin with their own numbers, as the
    shell's `block write' makes them?"""
    with open(path, "rb") as f:
        f.seek(first * SECTOR)
        for n in range(first, first + count):
            if int.from_bytes(f.read(SECTOR)[:8], "little") != n:
                return False
    return True


def number(text, name):
    """A number that a command of the shell tells."""
    found = re.search(r"\b%s (\d+)" % name, text)
    assert found, text
    return int(found.group(1))


def free(dom):
    """MiB that the root file system has left, by the shell's df."""
    words = sh(dom, "df").splitlines()[1].split()
    return int(words[3]) >> 10


def test_domus_guest(lab, guest, storage, disk, image):
    """A Domus guest writes a pattern to all of a served disk and reads it.
    It is detached and attached, its domain destroyed; another one has the
    disk, and what was written is there and in the image."""
    path = image()
    dom = storage(disk(path, False), ["data:xvda"], append="root=none",
                  vcpus=4)
    client = guest("pvh", "app=shell root=none", vcpus=4,
                   disks=[disk_of(dom, "data")], vifs=[])
    client.expect(rb"disk: xvda: %d MiB" % MIB, 60)
    text = sh(client, "diskcheck -f xvda 7")
    assert "%d sectors" % (MIB << 11) in text and " 0 differ" in text
    assert sh(client, "block write -f xvda 64 4096") == ""
    text = sh(dom, "blockdomain")
    assert "connected" in text and number(text, "error") == 0
    assert number(text, "flush") > 0 and number(text, "indirect") > 0
    assert number(text, "queues") == 4
    lab.check("xl block-detach %s xvda" % client.name)
    wait_gone(lab, dom)
    assert patterned(path, 64, 4096)
    lab.check("xl block-attach %s '%s'" % (
        client.name, disk_of(dom, "data", access="ro")))
    client.expect(rb"disk: xvda: .*read-only", 120)
    assert sh(client, "block check xvda 64 4096") == ""
    assert "read-only" in sh(client, "block write -f xvda 0 1")
    client.send(b"diskcheck xvda 7 check\r")
    client.remove()
    wait_gone(lab, dom)
    other = guest("pv", "app=shell root=none", disks=[disk_of(dom, "data")],
                  vifs=[])
    other.expect(rb"disk: xvda: %d MiB" % MIB, 60)
    assert sh(other, "block check xvda 64 4096") == ""
    assert other.shutdown() == "poweroff"
    wait_gone(lab, dom)
    assert dom.shutdown() == "poweroff"


def test_linux_guest(lab, storage, disk, image, linux):
    """Linux makes a file system on what a Domus guest serves, copies files to
    it and compares them; it is clean, there and on the host."""
    path = image(mib=32)
    dom = storage(disk(path, False), ["data:xvda"], append="root=none")
    peer = linux([disk_of(dom, "data")])
    peer.run(FILE_SYSTEM, 600)
    text = sh(dom, "blockdomain")
    assert number(text, "error") == 0, text
    assert number(text, "indirect") > 0, text
    peer.send(b"exit\n")
    assert peer.wait_end(60) == "poweroff"
    wait_gone(lab, dom)
    assert "detached" in dom.output.decode(errors="replace")
    done = subprocess.run(["/sbin/e2fsck", "-f", "-n", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_file(lab, guest, storage, disk, tmp_path):
    """A file is served.  Where its file system has no room for more, that
    request fails and no other; removed, it is there until it is given back,
    and then there is none.  What is wrong in the configuration is told."""
    folder = tmp_path / "files"
    os.makedirs(folder / "images")
    with open(folder / "images" / "a.img", "wb") as f:
        f.truncate(64 << 20)
    (folder / "serve.conf").write_text("# what is served\n"
                                       "data /images/a.img  # a file\n"
                                       "more xvdz maybe\n")
    path = str(tmp_path / "files.img")
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096",
                    "-O", "^has_journal", "-d", str(folder), path, "16M"],
                   check=True)
    dom = storage(disk(path, False), ["what"], mode="pv",
                  append="root=xvda root.rw=1 serve.conf=/serve.conf")
    said = dom.output.decode(errors="replace")
    for line in ('serve=: "what" is served by no disk',
                 '/serve.conf, line 3: "maybe" must be ro or rw'):
        assert line in said, said
    client = guest("pvh", "app=shell root=none",
                   disks=[disk_of(dom, "data")], vifs=[])
    client.expect(rb"disk: xvda: 64 MiB", 60)
    assert sh(client, "block write -f xvda 0 8192") == ""
    assert "block: xvda: " in sh(client, "block write -f xvda 8192 40000")
    assert sh(client, "block check xvda 0 8192") == ""
    full = os.stat(path).st_blocks
    assert sh(client, "block discard -f xvda 8192 100000") == ""
    assert free(dom) >= 8
    assert os.stat(path).st_blocks < full - 8192
    assert sh(client, "block check xvda 0 8192") == ""
    assert "00 00 00" in sh(client, "block read xvda 8192")
    assert sh(client, "block write -f xvda 0 64") == ""
    text = sh(dom, "blockdomain")
    assert "connected" in text and number(text, "error") > 0
    assert sh(dom, "rm /images/a.img") == ""
    assert sh(client, "block check xvda 0 8192") == ""
    lab.check("xl block-detach %s xvda" % client.name)
    wait_gone(lab, dom)
    # The name is there still, and the file is not.
    lab.spawn("xl block-attach %s '%s' 2>&1" % (
        client.name, disk_of(dom, "data", "xvdb")))
    dom.expect(rb"data: /images/a.img: no such entry", 60)
    assert dom.shutdown() == "poweroff"
    done = subprocess.run(["/sbin/e2fsck", "-f", "-n", path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
def test_refused(lab, guest, storage, disk, image):
    """Disks that are not there, not served, or in use by another guest."""
    dom = storage(disk(image(), False), ["data:xvda", "lost:xvdz"],
                  append="root=none")
    first = guest("pvh", "app=shell root=none",
                  disks=[disk_of(dom, "data")], vifs=[])
    first.expect(rb"disk: xvda: %d MiB" % MIB, 60)
    second = guest("pvh", "app=shell root=none", vifs=[])
    for vdev, target in ("xvda", "data"), ("xvdb", "lost"), ("xvdc", "none"):
        lab.spawn("xl block-attach %s '%s' 2>&1" % (
            second.name, disk_of(dom, target, vdev)))
    end = time.monotonic() + 90
    for line in (b"has xvda; only a disk that all guests have read-only",
                 b"lost: xvdz: no such entry",
                 b'is to get "none", which is not served here'):
        while line not in dom.output:
            assert time.monotonic() < end, dom.output.decode(errors="replace")
            time.sleep(0.2)
    assert " 0 differ" in sh(first, "diskcheck -f xvda 3 sectors=4096")


@pytest.mark.long
@pytest.mark.parametrize("mode", ["pv", "pvh", "hvm"])
def test_many(lab, guest, storage, disk, image, mode):
    """One driver domain, in each mode: three guests at once, which share one
    disk and each have another, with blocks of 512 and 4096, by 4 queues."""
    paths = [image("disk%d" % n) for n in range(3)]
    dom = storage([disk(paths[0], False), disk(paths[1], False, block=4096),
                   disk(paths[2], False)],
                  ["small:xvda", "large:xvdb", "both:xvdc:ro"], mode,
                  "root=none", memory=96, vcpus=4)
    shared = disk_of(dom, "both", "xvdb", "ro")
    clients = [guest(mode_, "app=shell root=none", vcpus=4, vifs=[],
                     disks=lines) for mode_, lines in (
                         ("pv", [disk_of(dom, "small"), shared]),
                         ("pvh", [disk_of(dom, "large"), shared]),
                         ("pvh", [disk_of(dom, "both", access="ro")]))]
    for client, last in zip(clients, (b"xvdb", b"xvdb", b"xvda")):
        client.expect(rb"disk: %s: %d MiB" % (last, MIB), 120)
    assert "blocks of 4096" in clients[1].output.decode(errors="replace")
    for n, client in enumerate(clients[:2]):
        client.send(b"diskcheck -f xvda %d\r" % n)
    for sector in 9, 99, 999:
        assert "00 00 00" in sh(clients[2], "block read xvda %d" % sector)
    for client in clients[:2]:
        client.expect(rb"diskcheck: xvda: read \d+ sectors in \d+ ms, "
                      rb"0 differ", 240)
        assert sh(client, "block write -f xvda 8 8000") == ""
        assert "read-only" in sh(client, "block write -f xvdb 0 8")
    text = sh(dom, "blockdomain")
    assert text.count("connected") == 5 and text.count("queues 4") == 5
    assert not re.search(r"error [1-9]", text), text
    for client in clients:
        client.remove()
    wait_gone(lab, dom)
    assert patterned(paths[0], 8, 8000) and patterned(paths[1], 8, 8000)


@pytest.mark.long
def test_resize(lab, storage, guest, disk, image):
    """The disk below grows and shrinks: the guest is told, and uses what is
    there; what is there no more it is refused."""
    device = disk(image(), False)
    node = lab.check("cat /sys/block/%s/serial" % os.path.basename(device))
    dom = storage(device, ["data:xvda"], append="root=none")
    client = guest("pvh", "app=shell root=none",
                   disks=[disk_of(dom, "data")], vifs=[])
    client.expect(rb"disk: xvda: %d MiB" % MIB, 60)
    for mib in 2 * MIB, MIB // 2:
        lab.qmp.execute("block_resize", **{"node-name": node.strip(),
                                           "size": mib << 20})
        end = time.monotonic() + 90     # xen-blkback looks when it is asked
        while b"disk: xvda: now %d MiB" % mib not in client.output:
            sh(client, "block read xvda 0")
            assert time.monotonic() < end, dom.tail() + client.tail()
        text = sh(client, "diskcheck -f xvda %d" % mib)
        assert "%d sectors" % (mib << 11) in text and " 0 differ" in text
    assert "not possible" in sh(client, "block read xvda %d" % (MIB << 11))
    assert number(sh(dom, "blockdomain"), "error") == 0


def rewire(lab, client, dom):
    """What a toolstack does whose driver domain has come again: name it to
    the guest that has its disk."""
    lab.check("""
c=$(xl domid %s) m=$(xl domid %s) v=51712
b=/local/domain/$m/backend/vbd/$c/$v f=/local/domain/$c/device/vbd/$v
xenstore-write $b ''; xenstore-chmod $b n$m r$c
xenstore-chmod -r $f n$c r$m
xenstore-write $b/frontend $f $b/frontend-id $c $b/online 1 $b/params data \\
    $b/mode w $b/device-type disk $b/state 1
xenstore-write $f/backend-id $m $f/backend $b \\
    /libxl/$c/device/vbd/$v/backend $b""" % (client.name, dom.name))


@pytest.mark.parametrize("times", [1, pytest.param(
    20, marks=pytest.mark.long)])
def test_restart(lab, guest, storage, disk, image, times):
    """The driver domain is destroyed while a pattern is written, and comes
    again: the guest goes on, without an error and without a wrong byte."""
    mib = 128 if times == 1 else 32     # once, it has to be cut off
    device = disk(image(mib=mib), False)
    dom = storage(device, ["data:xvda"], append="root=none")
    client = guest("pvh", "app=shell root=none",
                   disks=[disk_of(dom, "data")], vifs=[])
    client.expect(rb"disk: xvda: %d MiB" % mib, 60)
    for n in range(times):
        start = client.mark()
        client.send(b"diskcheck -f xvda %d\r" % n)
        dom.remove()
        dom = storage(device, ["data:xvda"], append="root=none")
        rewire(lab, client, dom)
        client.expect(rb"diskcheck: xvda: read .*\n", 240)
        text = client.output[start:].decode(errors="replace")
        for what in "wrote %d", "read %d sectors in":
            assert what % (mib << 11) in text, text
        assert " 0 differ" in text and "error" not in text, text
    cut = client.output.count(b"put again")
    assert cut > times // 2, cut
    assert number(sh(dom, "blockdomain"), "error") == 0
