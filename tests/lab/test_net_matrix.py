# SPDX-License-Identifier: BSD-2-Clause
"""Domus guests on Linux's xen-netback: TCP and UDP both ways, against iperf 2
and nc, pings without a loss, files with the right checksum, IPv4 and IPv6,
MTU 1500 and 9000."""

import os
import re
import shutil
import subprocess

import image
import pytest
from build import BIN, ROOT

MIB = 1 << 20
SERVING = rb"httpd: serving http://([^/:\s]+)"
BRIDGE, DOM0, GUEST = "netm", "192.168.77.1", "192.168.77.2"
LIBS = ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1")
MODES = ("pv", "pvh", "hvm")
SHORT = (("pvh", 9000),)
LONG = {"file": 256, "pings": 10000, "datagrams": 20000, "tcp": True}
BRIEF = {"file": 2, "pings": 100, "datagrams": 300, "tcp": False}


def cells():
    """All cells at full length; one in brief for the ordinary run."""
    for mode, mtu in SHORT:
        yield pytest.param(mode, mtu, BRIEF, id="%s-%d-brief" % (mode, mtu),
                           marks=pytest.mark.long)
    for mode in MODES:
        for mtu in (1500, 9000):
            yield pytest.param(mode, mtu, LONG, id="%s-%d" % (mode, mtu),
                               marks=pytest.mark.long)


@pytest.fixture(scope="module")
def iperf(lab, tmp_path_factory):
    """iperf 2 in dom0: the command that runs it."""
    folder = tmp_path_factory.mktemp("iperf")
    tree = folder / "tree"
    tree.mkdir()
    found = os.path.join(BIN, "iperf")
    if not os.path.exists(found + "/.unpacked"):
        found = subprocess.run([os.path.join(ROOT, "tools", "fetch"),
                                "binary", "iperf"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip()
    shutil.copy(found + "/usr/bin/iperf", tree)
    for name in LIBS:
        shutil.copy("/lib/x86_64-linux-gnu/" + name
                    if os.path.exists("/lib/x86_64-linux-gnu/" + name)
                    else "/usr/lib/x86_64-linux-gnu/" + name, tree)
    image.from_folder(str(tree), str(folder / "iperf.img"))
    device = lab.add_disk("iperf", str(folder / "iperf.img"), readonly=True)
    lab.check("mkdir -p /iperf && mount -o ro %s /iperf" % device)
    yield "env LD_LIBRARY_PATH=/iperf /iperf/iperf"
    lab.check("umount /iperf")
    lab.remove_disk("iperf")


@pytest.fixture
def link(lab):
    """link(mtu): a bridge of dom0 and a guest alone; dom0's IPv6 address."""
    def create(mtu):
        lab.check("brctl addbr %s; echo 0 > /sys/class/net/%s/bridge/"
                  "forward_delay; ip link set %s up; "
                  "ip addr add %s/24 dev %s"
                  % (BRIDGE, BRIDGE, BRIDGE, DOM0, BRIDGE))
        return mtu
    yield create
    lab.exec("ip link set %s down; brctl delbr %s" % (BRIDGE, BRIDGE))


@pytest.fixture
def web(lab, guest, disk, link, tmp_path):
    """web(mode, mtu): a guest that serves a disk it can write."""
    def create(mode, mtu):
        link(mtu)
        folder = tmp_path / "www"
        folder.mkdir()
        path = str(tmp_path / "www.img")
        image.from_folder(str(folder), path, True)
        new = guest(mode, "app=httpd root=xvda http.writable=1 ip=%s/24"
                    % GUEST, vcpus=2, memory=128,
                    disks=["phy:%s,xvda,w" % disk(path, readonly=False)],
                    vifs=["mac=%s,bridge=%s,type=vif,mtu=%d"
                          % (lab.next_mac(), BRIDGE, mtu)])
        new.expect(SERVING, 240)
        lab.check("ip link set %s mtu %d" % (BRIDGE, mtu))
        return new
    return create


def link_local(lab, guest):
    """The guest's and dom0's link-local addresses, for dom0's tools."""
    ours = re.search(r"inet6 (fe80:\S+)/64", lab.check(
        "ip -6 addr show dev " + BRIDGE)).group(1)
    theirs = re.search(r"address (fe80:\S+)", guest.sh("interfaces"))
    return theirs.group(1) + "%" + BRIDGE, ours


def url_host(address):
    """An address as it stands in a URL."""
    return "[%s]" % address if ":" in address else address


def check_files(lab, address, source, want, mib):
    """A file to the guest and back, byte for byte."""
    lab.check("(printf 'PUT /f HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n';"
              " cat %s; sleep 1) | nc %s 80 > /dev/null"
              % (mib * MIB, source, address), timeout=1800)
    got = lab.check("wget -q -O - http://%s/f | sha256sum"
                    % url_host(address), timeout=1800)
    assert got.split()[0] == want


def check_pings(lab, address, count, size):
    """Each ping as soon as the last one was answered; none is lost, but for
    one more at the end: ping waits a second for that, whatever the host."""
    said = lab.check("ping -A -q -c %d -s %d %s" % (count + 1, size, address),
                     timeout=1200)
    got = re.search(r"(\d+) packets received", said)
    assert int(got.group(1)) >= count, said


def udp_stat(lab, six):
    """dom0's counters of datagrams, by name."""
    if six:
        text = lab.check("grep ^Udp6 /proc/net/snmp6")
        return {line.split()[0][4:]: int(line.split()[1])
                for line in text.splitlines()}
    names, values = lab.check("grep ^Udp: /proc/net/snmp").splitlines()
    return dict(zip(names.split()[1:], map(int, values.split()[1:])))


def check_udp(lab, guest, address, dom0, count, iperf):
    """Datagrams both ways, nearly all of which arrive, and with their right
    checksums; those to dom0 its kernel counts, as nobody takes them."""
    six = ":" in address
    flag = "-V" if six else ""
    size = 8000 if "mtu 9000" in guest.sh("interfaces") else 1400
    guest.send(b"udpcount 5002\r")
    lab.check("sleep 1; %s -u %s -c %s -p 5002 -l %d -b 20M -n %d; true"
              % (iperf, flag, address, size, size * count), timeout=600)
    got = guest.expect(rb"udpcount: (\d+) datagrams.* late", 120).group(1)
    assert int(got) >= count * 9 // 10
    was = udp_stat(lab, six)
    guest.sh("udpsend %s 5003 %d %d" % (dom0, size, count), 600)
    lab.check("sleep 1")
    now = udp_stat(lab, six)
    assert now["NoPorts"] - was["NoPorts"] >= count * 9 // 10
    assert now["InCsumErrors"] == was["InCsumErrors"]


def check_tcp(lab, guest, address, dom0, iperf):
    """iperf 2 in dom0 to the guest's iperf, and that to nc."""
    flag = "-V" if ":" in address else ""
    guest.send(b"iperf -s\r")
    guest.expect(rb"iperf: listening", 60)
    said = lab.check("%s %s -c %s -t 5 -f k" % (iperf, flag, address),
                     timeout=300)
    assert re.search(r"\d+ Kbits/sec", said), said
    got = guest.expect(rb"iperf: received (\d+) bytes", 60).group(1)
    assert int(got) > MIB
    # Not iperf -s: dom0's only CPU was seen to do nothing else from then on.
    server = lab.spawn("exec nc -l -p 5001 > /dev/null")
    lab.check("sleep 1")
    said = guest.sh("iperf " + dom0, 300)
    sent = int(re.search(r"iperf: sent (\d+) bytes", said).group(1))
    assert sent > MIB
    assert server.wait(60) == 0         # the guest closed in good order


@pytest.mark.parametrize("mode,mtu,size", cells())
def test_cell(lab, web, iperf, mode, mtu, size):
    """One guest, everything, by IPv4 and then by IPv6."""
    guest = web(mode, mtu)
    assert "mtu %d" % mtu in guest.sh("interfaces")
    lab.check("dd if=/dev/urandom of=/lab/source bs=1M count=%d 2>/dev/null"
              % size["file"], timeout=300)
    want = lab.check("sha256sum /lab/source", timeout=300).split()[0]
    six, ours = link_local(lab, guest)
    for address, dom0 in ((GUEST, DOM0), (six, ours)):
        check_pings(lab, address, size["pings"], 56)
        check_pings(lab, address, 20, mtu - 100)
        check_files(lab, address, "/lab/source", want, size["file"])
        if size["tcp"]:
            check_tcp(lab, guest, address, dom0, iperf)
        check_udp(lab, guest, address, dom0, size["datagrams"], iperf)
    lab.check("rm /lab/source")
