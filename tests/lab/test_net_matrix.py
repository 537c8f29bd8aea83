# SPDX-License-Identifier: BSD-2-Clause
"""Every front end of a network against every back end: Domus as PV, PVH and
HVM guest and Linux, to Linux's xen-netback and to Domus' netback.  TCP and
UDP both ways, pings without a loss, files with the right checksum, IPv4 and
IPv6, MTU 1500 and 9000.

The other side is always dom0.  Domus' netback is in a network domain, which
bridges it to dom0 by an interface of its own."""

import contextlib
import hashlib
import itertools
import os
import re
import subprocess
import tempfile

import image
import pytest
from ends import BRIDGE, DOM0, FRONT, IPERF, PORT, DomusEnd, LinuxEnd, \
    datagrams, linux_boot, linux_guest, stage_iperf

MIB = 1 << 20
FRONTS = ("pv", "pvh", "hvm", "linux")
BACKS = ("linux", "domus")
# MiB of a file by IPv4 and of all others, pings by IPv4 and IPv6, datagrams.
LONG = {"file": 256, "small": 8, "pings": (10000, 1000), "datagrams": 500}
BRIEF = {"file": 4, "small": 1, "pings": (100, 100), "datagrams": 100}
ORDINARY = ("pvh", "domus", 9000)


def cells():
    """All cells in brief, one of them in the ordinary run; then all at full
    length."""
    for size, name in ((BRIEF, "-brief"), (LONG, "")):
        for cell in itertools.product(FRONTS, BACKS, (1500, 9000)):
            yield pytest.param(
                *cell, size, id="%s-%s-%d%s" % (*cell, name),
                marks=() if (cell, size) == (ORDINARY, BRIEF)
                else pytest.mark.long)


@pytest.fixture(scope="module")
def tools(lab, tmp_path_factory):
    """iperf 2 and flood in dom0."""
    folder = tmp_path_factory.mktemp("tools")
    stage_iperf(str(folder / "tree"))
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "flood.c")
    subprocess.run(["gcc", "-Os", "-static", "-o", folder / "tree" / "flood",
                    source], check=True)
    image.from_folder(str(folder / "tree"), str(folder / "tools.img"))
    device = lab.add_disk("iperf", str(folder / "tools.img"), readonly=True)
    lab.check("mkdir -p /iperf && mount -o ro %s /iperf" % device)
    yield
    lab.check("umount /iperf")
    lab.remove_disk("iperf")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What Linux guests boot."""
    return linux_boot(str(tmp_path_factory.mktemp("linux") / "root"))


def random_file(path, mib):
    """A new file; its checksum."""
    digest = hashlib.sha256()
    with open(path, "wb") as f:
        for _ in range(mib):
            data = os.urandom(MIB)
            digest.update(data)
            f.write(data)
    return digest.hexdigest()


@pytest.fixture
def store(disk, tmp_path):
    """store(*mib): a disk with files /0, /1, .. of those sizes, and their
    checksums."""
    path = str(tmp_path / "www.img")

    def create(*mib):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            sums = [random_file("%s/%d" % (folder, i), n)
                    for i, n in enumerate(mib)]
            image.from_folder(folder, path, True)
        return "phy:%s,xvda,w" % disk(path, False), sums
    yield create
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)                 # pytest would keep them all


@pytest.fixture
def behind(lab, guest, bridge):
    """behind(back, mtu): an xl vif line for an interface that leads to dom0
    by that back end."""
    def create(back, mtu):
        line = "mac=%s,%s,type=vif,mtu=%d"
        direct = line % (lab.next_mac(), "bridge=" + bridge, mtu)
        if back == "linux":
            return direct
        dom = guest("pvh", "app=netdomain root=none", memory=32, vcpus=2,
                    vifs=[direct], extra=["driver_domain = 1"])
        dom.expect(rb"domus# ", 60)
        return line % (lab.next_mac(), "backend=" + dom.name, mtu)
    return create


@pytest.fixture
def end(lab, guest, behind, store, files):
    """end(front, back, mtu, *mib): a front end in its place, and the
    checksums of the files that it serves."""
    made = []

    def create(front, back, mtu, *mib):
        vif = behind(back, mtu)
        xvda, sums = store(*mib)
        if front == "linux":
            made.append(linux_guest(lab, files, [xvda], vif))
            return LinuxEnd(made[-1].create()), sums
        return DomusEnd(lab, guest(
            front, "app=httpd root=xvda http.writable=1 ip=%s/24" % FRONT,
            vcpus=2, memory=128, disks=[xvda], vifs=[vif])), sums
    yield create
    for peer in made:
        peer.remove()


def check_pings(lab, address, size, count):
    """Some at a time; each is answered once, with the same data."""
    lab.check("/iperf/flood %s %d %d" % (address, size, count), timeout=1800)


def check_get(lab, address, path, want):
    """A file of the front end's to dom0."""
    host = "[%s]" % address if ":" in address else address
    got = lab.check("wget -q -O - http://%s/%s | sha256sum" % (host, path),
                    timeout=1800)
    assert got.split()[0] == want


def check_put(lab, end, address, mib):
    """One of dom0's to the front end."""
    lab.check("dd if=/dev/urandom of=/lab/source bs=1M count=%d 2>/dev/null"
              % mib, timeout=300)
    want = lab.check("sha256sum /lab/source", timeout=300).split()[0]
    assert end.take(address, "/lab/source", mib * MIB) == want
    lab.check("rm /lab/source")


def check_tcp(lab, end, address, dom0):
    """iperf 2 in dom0 to the front end; the front end's to dom0."""
    end.sink()
    said = lab.check("%s %s -c %s -t 5 -f k" % (
        IPERF, "-V" if ":" in address else "", address), timeout=300)
    assert re.search(r"\d+ Kbits/sec", said), said
    assert end.sunk() > MIB
    # Not iperf -s: dom0's only CPU was seen to do nothing else from then on.
    server = lab.spawn("exec nc -l -p %d > /dev/null" % PORT)
    lab.check("while ! netstat -ltn | grep -q :%d; do usleep 100000; done"
              % PORT)
    assert end.pour(dom0) > MIB
    assert server.wait(60) == 0         # closed in good order


def check_udp(lab, end, address, dom0, size, count):
    """Datagrams both ways, nearly all of which arrive, and with their right
    checksums; Linux counts those that nobody takes."""
    six = ":" in address
    end.count(six)
    lab.check("sleep 1; %s -u %s -c %s -l %d -b 10M -n %d; true" % (
        IPERF, "-V" if six else "", address, size, size * count), timeout=600)
    assert end.counted(six) >= count * 9 // 10
    was = datagrams(lab.check, six)
    end.throw(dom0, size, count)
    lab.check("sleep 1")
    now = datagrams(lab.check, six)
    assert now[0] - was[0] >= count * 9 // 10
    assert now[1] == was[1]


@pytest.mark.parametrize("front,back,mtu,size", cells())
def test_cell(lab, tools, end, front, back, mtu, size):
    """One front end, one back end, everything, by IPv4 and then by IPv6."""
    peer, sums = end(front, back, mtu, size["file"], size["small"])
    theirs = peer.start(FRONT, mtu)
    lab.check("ip link set %s mtu %d" % (BRIDGE, mtu))
    ours = re.search(r"inet6 (fe80:\S+)/64", lab.check(
        "ip -6 addr show dev " + BRIDGE)).group(1)
    for i, (address, dom0) in enumerate((
            (FRONT, DOM0), (theirs + "%" + BRIDGE, ours))):
        check_pings(lab, address, 56, size["pings"][i])
        check_pings(lab, address, mtu - 100, 100)
        check_get(lab, address, i, sums[i])
        check_put(lab, peer, address, size["small"])
        check_tcp(lab, peer, address, dom0)
        check_udp(lab, peer, address, dom0, mtu - 100, size["datagrams"])
