# SPDX-License-Identifier: BSD-2-Clause
"""Disks of Domus guests behind every back end: data, features in use and
refused, disks that change, back ends that go away and come back."""

import os
import re
import subprocess
import time

import pytest
from test_files import batch, tool

MIB = 16
SECTORS = MIB * 2048
SIZES = (0, 1, 511, 4096, 70000)
MODES = ["pv", "pvh", "hvm"]
BACKENDS = ["blkback", "qdisk", "domus"]
PARAMETERS = "/sys/module/xen_blkback/parameters/"
# What the toolstack writes into a back end's directory, and not the back end.
TOOLSTACK = """frontend online removable bootable dev type mode device-type
discard-enable params""".split()


def raw(tmp_path, name="raw", mib=MIB):
    """An empty disk image."""
    path = tmp_path / name
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    return path


@pytest.fixture
def tree(tmp_path):
    """A file system with some files and directories, and their place."""
    source = tmp_path / "source"
    for n in range(8):
        folder = source / ("dir%d" % n)
        folder.mkdir(parents=True)
        for size in SIZES:
            (folder / ("f%d" % size)).write_bytes(os.urandom(size))
    path = tmp_path / "tree.img"
    tool("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", str(source),
         str(path), "%dM" % MIB)
    return path, source


@pytest.fixture
def backend(lab, guest, disk):
    """backend(kind, device, vdev): an xl disk line."""
    served = {}

    def domain(device):
        dom = guest("pvh", "app=blockdomain serve=d0:xvda", memory=64,
                    disks=["phy:%s,xvda,w" % device], vifs=[],
                    extra=["driver_domain = 1"])
        dom.expect(rb"blockdomain: serving", 60)
        return dom

    def line(kind, device, vdev):
        if kind == "blkback":
            return "phy:%s,%s,w" % (device, vdev)
        if kind == "qdisk":
            return "format=raw,backendtype=qdisk,vdev=%s,access=w," \
                "target=%s" % (vdev, device)
        dom = served[vdev] = domain(device)
        return "format=raw,vdev=%s,access=rw,backend=%s,target=d0" % (
            vdev, dom.name)

    line.served = served
    return line


@pytest.fixture
def blkback(lab):
    """blkback(name=value, ...): parameters of dom0's back end, for this
    test."""
    was = {}

    def choose(**values):
        for name, value in values.items():
            was[name] = lab.check("cat %s%s" % (PARAMETERS, name)).strip()
            lab.check("echo %s >%s%s" % (value, PARAMETERS, name))

    yield choose
    for name, value in was.items():
        lab.check("echo %s >%s%s" % (value, PARAMETERS, name))


def numbers(text):
    """{word: number} of a line of words that are followed by numbers."""
    return {w: int(n) for w, n in re.findall(r"(\w+) (\d+)", text)}


def info(guest_, name="xvda"):
    """The shell's diskinfo: {key: text}."""
    lines = guest_.sh("diskinfo " + name).splitlines()
    return dict(s.split(": ", 1) for s in lines if ": " in s)


def start(guest, vbd, said=b"", append="", **settings):
    """A guest with a shell that has found the disk xvda, of which its driver
    has said something."""
    new = guest("pvh", "app=shell " + append, disks=[vbd], vifs=[],
                **settings)
    new.expect(rb"xvda: \d+ sectors, .*" + said, 120)
    new.expect(rb"disk: xvda: ", 60)
    return new


# Who serves whom

def cell(guest, disk, backend, tmp_path, tree, mode, kind, block):
    """All of a disk is written and read back, a tree is copied on another;
    e2fsck and a comparison on the host find no fault."""
    image, source = tree
    vbds = [backend(kind, disk(image, False, block=block), "xvda"),
            backend(kind, disk(raw(tmp_path), False, block=block), "xvdb")]
    dom = guest(mode, "app=shell root=xvda root.rw=1 shell.batch=1", vcpus=2,
                disks=vbds, vifs=[])
    end = time.monotonic() + 120
    while b"disk: xvdb: " not in dom.output:
        assert time.monotonic() < end, dom.tail()
        time.sleep(0.2)
    status, said = batch(
        dom, "disks", "diskcheck -f xvdb 1", "diskcheck -f xvdb 2 random=100"
        " io=4096 depth=16", "mkdir /copy", *("mkdir /copy/dir%d" % n for n in range(8)),
        *("cp /dir%d/f%d /copy/dir%d" % (n, size, n) for n in range(8)
          for size in SIZES), "sync; diskinfo xvdb; iostat xvdb")
    assert status == 0, said
    assert "wrote %d sectors" % SECTORS in said, said
    assert said.count(", 0 differ") == 2, said
    assert "blocks of %d" % block in said, said
    tool("e2fsck", "-fn", str(image))
    out = tmp_path / "out"
    out.mkdir()
    tool("debugfs", "-R", "rdump /copy %s" % out, str(image))
    subprocess.run(["diff", "-r", str(source), str(out / "copy")], check=True)
    return said


@pytest.mark.long
def test_blkback(guest, disk, backend, tmp_path, tree):
    """Linux's xen-blkback and 4 KiB sectors."""
    cell(guest, disk, backend, tmp_path, tree, "pvh", "blkback", 4096)


@pytest.mark.long
@pytest.mark.parametrize("block", [512, 4096])
@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("mode", MODES)
def test_cell(guest, disk, backend, tmp_path, tree, mode, kind, block):
    """Every front end with every back end.  QEMU's offers 512 only."""
    if (kind, block) == ("qdisk", 4096):
        pytest.skip("QEMU's back end has sectors of 512 bytes here")
    cell(guest, disk, backend, tmp_path, tree, mode, kind, block)


# What is negotiated

@pytest.mark.long
def test_features_in_use(guest, disk, blkback, tmp_path):
    """Queues, rings of several pages, indirect requests, persistent grants,
    flush: xen-blkback has them all, and they are used."""
    blkback(max_queues=2)
    vbd = "phy:%s,xvda,w" % disk(raw(tmp_path), False)
    dom = start(guest, vbd, rb"2 rings of 128, indirect, persistent.*flush",
                vcpus=2)
    text = dom.sh("diskcheck -f xvda 3 depth=16")
    assert ", 0 differ" in text, text
    said = info(dom)
    ways = numbers(said["ways"])
    assert said["queues"] == "2"
    assert ways["indirect"] > 0 and ways["persistent"] > SECTORS // 8, said
    done = numbers(said["done"])
    assert done["flush"] > 0 and done["error"] == 0


@pytest.mark.long
def test_features_refused(guest, disk, blkback, tmp_path):
    """A back end without them: one queue, pages of the guest's own."""
    blkback(max_queues=1, feature_persistent="N")
    vbd = "phy:%s,xvda,w" % disk(raw(tmp_path), False)
    dom = start(guest, vbd, rb"1 rings of 128, indirect, flush", vcpus=2)
    assert ", 0 differ" in dom.sh("diskcheck -f xvda 3 depth=16")
    said = info(dom)
    assert said["queues"] == "1"
    assert numbers(said["ways"])["persistent"] == 0, said


@pytest.mark.long
def test_settings(guest, disk, blkback, tmp_path):
    """What the operator does not want is not used."""
    blkback(max_queues=2)
    vbd = "phy:%s,xvda,w" % disk(raw(tmp_path), False)
    dom = start(guest, vbd, rb"1 rings of 128, indirect, flush", vcpus=2,
                append="blkfront.max_queues=1 blkfront.persistent_pages=0")
    assert ", 0 differ" in dom.sh("diskcheck -f xvda 3 depth=16")
    assert numbers(info(dom)["ways"])["persistent"] == 0


@pytest.mark.long
def test_discard(lab, guest, disk, tmp_path):
    """What is discarded the image does not hold any more; with
    discard-enable=0 it is not offered."""
    path = raw(tmp_path)
    device = disk(path, False)
    dom = start(guest, "format=raw,vdev=xvda,access=w,discard,target="
                + device)
    dom.sh("diskcheck -f xvda 1 write")
    lab.check("sync")
    full = os.stat(path).st_blocks
    assert full >= SECTORS
    text = dom.sh("block discard -f xvda 0 %d" % (SECTORS // 2))
    assert numbers(info(dom)["done"])["discard"] > 0, text
    assert os.stat(path).st_blocks <= full - SECTORS // 2 + 64
    assert ", 0 differ" in dom.sh("diskcheck xvda 1 check first=%d"
                               % (SECTORS // 2))
    dom.remove()
    dom = start(guest, "format=raw,vdev=xvda,access=w,no-discard,target="
                + device)
    assert "discard" not in info(dom)["can"]
    assert "not supported" in dom.sh("block discard -f xvda 0 8")


@pytest.mark.long
def test_read_only(guest, disk, tmp_path):
    """A write-protected disk and a CD-ROM are read, and not written."""
    device = disk(raw(tmp_path))
    for line in ("phy:%s,xvda,r", "format=raw,vdev=xvda,access=ro,devtype="
                 "cdrom,target=%s"):
        dom = start(guest, line % device)
        assert "read-only" in info(dom)["can"]
        assert ("cd" in info(dom)["can"].split()) == ("cdrom" in line)
        assert "read-only" in dom.sh("diskcheck -f xvda 1")
        assert "00 00 00" in dom.sh("block read xvda 0")
        dom.remove()


@pytest.mark.long
def test_resize(lab, guest, disk, tmp_path):
    """A disk that grows is used to its new end; one that shrinks refuses
    what it has no more, and serves the rest."""
    device = disk(raw(tmp_path), False)
    dom = start(guest, "phy:%s,xvda,w" % device)
    node = lab.check("cat /sys/block/%s/serial" % os.path.basename(device))
    for mib in (2 * MIB, MIB // 2):
        lab.qmp.execute("block_resize", **{"node-name": node.strip(),
                                           "size": mib << 20})
        end = time.monotonic() + 60     # blkback looks when it is asked
        while info(dom)["sectors"] != str(mib * 2048):
            dom.sh("block read xvda 0")
            assert time.monotonic() < end, dom.tail()
        assert ", 0 differ" in dom.sh("diskcheck -f xvda %d" % mib)
    assert "failed" in dom.sh("block read xvda %d" % SECTORS) or \
        "invalid" in dom.sh("block read xvda %d" % SECTORS)


# Coming and going

def paths(lab, dom, vdev):
    """Where the front and the back end of a disk have their directories."""
    front = "/local/domain/%s/device/vbd/%d" % (
        lab.check("xl domid " + dom.name).strip(), vdev)
    return front, lab.check("xenstore-read %s/backend" % front).strip()


def keys(lab, back):
    """What the toolstack wrote of a back end."""
    found = {}
    for key in TOOLSTACK + ["physical-device"]:
        got = lab.exec("xenstore-read %s/%s" % (back, key))
        if got.status == 0:
            found[key] = got.stdout.strip()
    return found


def connect(lab, front, server, values):
    """The toolstack's part: a disk that was lost is served by a domain."""
    _, _, _, client, _, _, vdev = front.split("/")
    back = "/local/domain/%s/backend/vbd/%s/%s" % (server, client, vdev)
    words = ["%s/%s '%s'" % (back, key, value)
             for key, value in values.items() if key != "physical-device"]
    lab.check("xenstore-write %s/frontend-id %s %s" % (
        back, client, " ".join(words)))
    lab.check("xenstore-write %s/state 1" % back)
    lab.check("xenstore-chmod -r %s n%s r%s" % (back, server, client))
    lab.check("xenstore-write %s/backend-id %s %s/backend %s" % (
        front, server, front, back))
    if server == "0":
        lab.check("xenstore-write %s/physical-device %s"
                  " %s/hotplug-status connected"
                  % (back, values["physical-device"], back))
    return back


def wait_for(lab, command, timeout=60):
    """Wait until a command in dom0 succeeds."""
    end = time.monotonic() + timeout
    while lab.exec(command).status != 0:
        assert time.monotonic() < end, "never came true: " + command
        time.sleep(0.1)


def connected(lab, front, back):
    """Wait until both ends are."""
    for path in (front, back):
        wait_for(lab, '[ "$(xenstore-read %s/state)" = 4 ]' % path)


def load(dom):
    """Begin to write and check, which takes a while."""
    dom.send(b"diskcheck -f xvda 5 random=4000 io=8192 depth=16\r")


def loaded(dom):
    """The end of it: no error, and no byte is wrong."""
    dom.expect(rb"diskcheck: xvda: wrote \d+ sectors", 300)
    dom.expect(rb"diskcheck: xvda: read \d+ sectors in \d+ ms, 0 differ", 300)


def rounds(lab, guest, device, blkback, count):
    """xen-blkback is taken away and made anew under load."""
    dom = start(guest, "phy:%s,xvda,w" % device, vcpus=2)
    front, back = paths(lab, dom, 51712)
    values = keys(lab, back)
    sysfs = "/sys/bus/xen-backend/devices/vbd-%s-51712" % front.split("/")[3]
    for n in range(count):
        load(dom)
        time.sleep(0.3)
        lab.check("xenstore-rm " + back)
        wait_for(lab, "! [ -e %s ]" % sysfs)
        blkback(max_queues=1 + n % 2)
        connected(lab, front, connect(lab, front, "0", values))
        loaded(dom)
    done = numbers(info(dom)["done"])
    assert done["error"] == 0, done
    assert done["again"] > 0, done


def test_back_again(lab, guest, disk, blkback, tmp_path):
    """Linux's back end goes away under load, and comes back."""
    rounds(lab, guest, disk(raw(tmp_path), False), blkback, 2)


@pytest.mark.long
def test_back_again_20(lab, guest, disk, blkback, tmp_path):
    """The same, 20 times."""
    rounds(lab, guest, disk(raw(tmp_path), False), blkback, 20)


def attach_rounds(lab, guest, device, extra, count):
    """A disk comes and goes while another is busy."""
    dom = start(guest, "phy:%s,xvda,w" % device, vcpus=2)
    load(dom)
    for n in range(count):
        lab.check("xl block-attach %s phy:%s,xvdb,w" % (dom.name, extra))
        dom.expect(rb"disk: xvdb: ", 60)
        lab.check("xl block-detach %s xvdb" % dom.name)
        wait_for(lab, "! xenstore-exists /local/domain/$(xl domid %s)/device/"
                 "vbd/51728" % dom.name)
        if n % 20 == 19:
            loaded(dom)
            load(dom)
    loaded(dom)
    assert numbers(info(dom)["done"])["error"] == 0


@pytest.mark.long
def test_attach(lab, guest, disk, tmp_path):
    """block-attach and -detach under I/O."""
    attach_rounds(lab, guest, disk(raw(tmp_path), False),
                  disk(raw(tmp_path, "extra", 4), False), 4)


@pytest.mark.long
def test_attach_200(lab, guest, disk, tmp_path):
    """The same, 200 times."""
    attach_rounds(lab, guest, disk(raw(tmp_path), False),
                  disk(raw(tmp_path, "extra", 4), False), 200)
