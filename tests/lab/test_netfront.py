# SPDX-License-Identifier: BSD-2-Clause
"""netfront against Linux's xen-netback: what both agree on, in use."""

import re

import image
import pytest
from test_xl import check_held, held

MIB = 1 << 20
QUEUES = "/sys/module/xen_netback/parameters/max_queues"
SERVING = rb"httpd: serving http://([^/:\s]+)"


@pytest.fixture
def queues(lab):
    """xen-netback offers four queues, though dom0 has one CPU."""
    was = lab.check("cat " + QUEUES).strip()
    lab.check("echo 4 > " + QUEUES)
    yield 4
    lab.check("echo %s > %s" % (was, QUEUES))


def counts(web):
    """Queues, checksums left, large packets: both received and sent."""
    text = web.sh("interfaces")
    found = re.search(r"queues (\d+), checksums left: received (\d+), sent"
                      r" (\d+); large: received (\d+), sent (\d+)", text)
    assert found, text
    return [int(n) for n in found.groups()]


def fetch(lab, address, path):
    """dom0 fetches a file from the guest: its checksum."""
    return lab.check("wget -q -O - http://%s/%s | sha256sum"
                     % (address, path), timeout=120).split()[0]


def put(lab, address, path, length):
    """dom0 sends a file of its own to the guest."""
    lab.check("(printf 'PUT /%s HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n';"
              " cat /lab/%s; sleep 1) | nc %s 80 > /dev/null"
              % (path, length, path, address), timeout=120)


@pytest.fixture
def web(lab, guest, disk, tmp_path, queues):
    """A guest that serves a disk it can write, on several queues."""
    folder = tmp_path / "www"
    folder.mkdir()
    path = str(tmp_path / "www.img")
    image.from_folder(str(folder), path, True)
    return guest("pvh", "app=httpd root=xvda http.writable=1", vcpus=2,
                 disks=["phy:%s,xvda,w" % disk(path, readonly=False)])


def test_features(lab, web):
    """Two queues with two event channels each; large packets and checksums
    left blank both ways."""
    address = web.expect(SERVING, 120).group(1).decode()
    assert b"2 queues, split events" in web.output
    domid = lab.check("xl domid " + web.name).strip()
    said = lab.check("xenstore-ls /local/domain/%s/device/vif/0" % domid)
    assert said.count("event-channel-rx = ") == 2
    assert 'multi-queue-num-queues = "2"' in said
    lab.check("dd if=/dev/urandom of=/lab/f bs=1M count=4 2>/dev/null")
    put(lab, address, "f", 4 * MIB)
    want = lab.check("sha256sum /lab/f").split()[0]
    for _ in range(4):                  # each from another port
        assert fetch(lab, address, "f") == want
    nqueue, rxcsum, txcsum, rxlarge, txlarge = counts(web)
    assert nqueue == 2 and rxcsum > 0 and txcsum > 0
    assert rxlarge > 0 and txlarge > 0  # how many is the peers' speed


def kept_back(lab, web, domid):
    """How many of five packets to a group that nobody is in, sent by the
    first interface, xen-netback keeps from the second.  (What dom0 itself
    sends it lets through.)"""
    count = "cat /sys/class/net/vif%s.1/statistics/tx_dropped" % domid
    before = int(lab.check(count))
    web.sh("ping ff02::1:2345 5")
    return int(lab.check(count)) - before


@pytest.mark.long
def test_steered(lab, web):
    """xen-netback keeps multicast from the guest that it is not a member of,
    and spreads what it sends by the guest's hash, key and table."""
    web.expect(rb"the peer hashes flows \(types f, table of 128\)", 120)
    address = web.expect(SERVING, 120).group(1).decode()
    domid = lab.check("xl domid " + web.name).strip()
    lab.exec("mount -t debugfs none /sys/kernel/debug")
    ctrl = lab.check("cat /sys/kernel/debug/xen-netback/vif%s.0/ctrl" % domid)
    assert "TOEPLITZ" in ctrl and re.search(r"6d\W+5a\W+6d\W+5a", ctrl), ctrl
    lab.check("dd if=/dev/urandom of=/lab/f bs=1M count=1 2>/dev/null")
    put(lab, address, "f", MIB)
    said = web.sh("interfaces")
    assert int(re.search(r"flows hashed (\d+)", said).group(1)) > 0
    assert int(re.search(r"orders to the device (\d+), refused 0",
                         said).group(1)) > 0
    lab.check("xl network-attach %s mac=%s bridge=xenbr0"
              % (web.name, lab.next_mac()))
    web.expect(rb"xn1: the peer hashes flows", 120)
    key = "/local/domain/%s/device/vif/1/request-multicast-control" % domid
    assert lab.check("xenstore-read " + key).strip() == "1"
    assert kept_back(lab, web, domid) >= 5
    web.sh("ifset xn1 allmulti on")
    assert lab.check("sleep 1; xenstore-read " + key).strip() == "0"
    assert kept_back(lab, web, domid) == 0


# One command of dom0's for some rounds: an interface comes, the guest takes it
# up, and it goes.
ROUNDS = """set -e; i=0
log=/var/log/xen/console/guest-%(name)s.log
while [ $i -lt %(n)d ]; do
	n=$(grep -c 'net: xn1 .* up' $log || true)
	xl network-attach %(name)s mac=00:16:3e:64:6d:0e bridge=xenbr0
	until [ $(grep -c 'net: xn1 .* up' $log) -gt $n ]; do usleep 50000; done
	xl network-detach %(name)s 1
	i=$((i+1))
done"""
# Files, all the time.
TRAFFIC = """while [ ! -e /lab/enough ]; do
	wget -q -O - http://%s/f | cmp - /lab/f >&2 && echo right
done"""


@pytest.mark.long
def test_attach_under_traffic(lab, web):
    """200 interfaces come and go while files are fetched; nothing is left."""
    address = web.expect(SERVING, 120).group(1).decode()
    lab.check("dd if=/dev/urandom of=/lab/f bs=1M count=4 2>/dev/null")
    put(lab, address, "f", 4 * MIB)
    lab.check(ROUNDS % {"name": web.name, "n": 1}, timeout=300)
    before = held(web)                  # Xen's tables have grown by now
    fetches = lab.spawn(TRAFFIC % address)
    for _ in range(10):
        lab.check(ROUNDS % {"name": web.name, "n": 20}, timeout=1200)
    assert web.output.count(b"net: xn1 00:16:3e:64:6d:0e up") == 201
    lab.check("touch /lab/enough")
    assert fetches.wait(120) is not None
    lab.check("rm /lab/enough /lab/f")
    assert not fetches.err, fetches.err
    assert fetches.out.count(b"right") > 10
    check_held(web, before)
