# SPDX-License-Identifier: BSD-2-Clause
"""netfront against Linux's xen-netback: what both agree on, in use."""

import re

import pytest
from conftest import shell

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
    text = shell(web, "interfaces", quiet=2.0)
    found = re.search(r"queues (\d+), checksums left: received (\d+), sent"
                      r" (\d+); large: received (\d+), sent (\d+)", text)
    assert found, text
    return [int(n) for n in found.groups()]


def fetch(lab, address, path):
    """dom0 fetches a file from the guest: its checksum."""
    return lab.check("wget -q -O - http://%s/%s | sha256sum"
                     % (address, path), timeout=120).split()[0]


def test_queues(lab, guest, disk, site_image, queues):
    """Several queues, each with two event channels, carry packets."""
    web = guest("pvh", vcpus=2, disks=["phy:%s,xvda,r" % disk(site_image)])
    address = web.expect(SERVING, 120).group(1).decode()
    assert b"2 queues, split events" in web.output
    domid = lab.check("xl domid " + web.name).strip()
    said = lab.check("xenstore-ls /local/domain/%s/device/vif/0" % domid)
    assert said.count("event-channel-rx = ") == 2
    assert 'multi-queue-num-queues = "2"' in said
    for _ in range(8):          # each from another port
        assert fetch(lab, address, "notes.txt") == fetch(lab, address,
                                                         "notes.txt")
    was = lab.check("cat /sys/class/net/vif%s.0/statistics/rx_packets"
                    % domid)
    assert int(was) > 50
    assert counts(web)[0] == 2
