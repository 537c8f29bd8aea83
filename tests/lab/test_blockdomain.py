# SPDX-License-Identifier: BSD-2-Clause
"""A Domus guest as storage driver domain, for Linux and Domus guests."""

import os
import re
import subprocess
import time

import pytest
from conftest import shell
from guest import Guest

MIB = 16


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
    """storage(device, serve, ...): a running driver domain that has the disk
    as xvda."""
    def create(device, serve, mode="pvh", append="", memory=64):
        dom = guest(mode, "app=blockdomain %s %s" % (
            " ".join("serve=" + s for s in serve), append), memory=memory,
            disks=["phy:%s,xvda,w" % device], vifs=[],
            extra=["driver_domain = 1"])
        dom.expect(rb"blockdomain: serving", 60)
        return dom
    return create


def disk_of(dom, target, vdev="xvda", access="rw"):
    """An xl disk line for what a driver domain serves."""
    return "format=raw,vdev=%s,access=%s,backend=%s,target=%s" % (
        vdev, access, dom.name, target)


def stat(dom, name):
    """A number that the blockdomain command tells."""
    text = shell(dom, "blockdomain")
    found = re.search(r"\b%s (\d+)" % name, text)
    assert found, text
    return int(found.group(1))


def wait_gone(lab, dom, seconds=30):
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
    """Run a line in a guest's shell; what it printed."""
    dom.count = getattr(dom, "count", 0) + 1
    first, last = b"=%d<=" % dom.count, b"=>%d=" % dom.count
    dom.send(b"echo " + first + b"\r")
    dom.expect(rb"^" + first + rb"\r*\n", timeout)
    start = dom.mark()
    dom.send(line.encode() + b"\recho " + last + b"\r")
    dom.expect(rb"^" + last + rb"\r*\n", timeout)
    text = dom.output[start:dom.mark()].decode(errors="replace")
    lines = text.replace("\r", "").splitlines(True)[:-1]
    return "".join(s for s in lines if "domus# " not in s)


def test_domus_guest(lab, guest, storage, disk, image):
    """A Domus guest writes a pattern to all of a served disk and reads it;
    detached, it leaves nothing behind, and the pattern is in the image."""
    path = image()
    dom = storage(disk(path, False), ["data:xvda"])
    client = guest("pvh", "app=shell", disks=[disk_of(dom, "data")], vifs=[])
    client.expect(rb"disk: xvda: %d MiB" % MIB, 60)
    print(sh(client, "diskcheck -f xvda 7"))
    print(sh(dom, "blockdomain"))
    print(sh(client, "diskinfo xvda"))
    client.shutdown()
    wait_gone(lab, dom)
    print(dom.output.decode(errors="replace"))
