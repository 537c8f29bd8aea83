# SPDX-License-Identifier: BSD-2-Clause
"""netfront against Linux's xen-netback: what both agree on, in use."""

import re

import image
import pytest

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
