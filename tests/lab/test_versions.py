# SPDX-License-Identifier: BSD-2-Clause
"""The guest on each release of Xen that the lab has, in each mode: disk,
network, the store, a clean end."""

import re
import shutil
import socket
import subprocess
import time
import urllib.request

import build
import pytest
import release
from build import LabError
from conftest import ROOT
from guest import MODES, Guest
from lab import STORES, Lab

SERVING = rb"httpd: serving http://([^/:\s]+)"
SHORT = ("4.14", "xenstored", "pv")     # the oldest, in the ordinary run


def cells():
    """Of (release, store, mode); all but one are for --long."""
    for name in release.names():
        for store in STORES:
            for mode in MODES:
                cell = (name, store, mode)
                yield pytest.param(*cell, id="-".join(cell), marks=()
                                   if cell == SHORT else pytest.mark.long)


class Running:
    """The one lab that runs: another is booted when a test wants another."""

    def __init__(self):
        self.what, self.lab = None, None

    def get(self, name, store):
        """The lab with that release of Xen and that store."""
        if self.what != (name, store):
            self.close()
            self.lab = Lab(guest_memory=192, name="xen-" + name, xen=name,
                           store=store)
            self.lab.__enter__()
            self.what = (name, store)
        return self.lab

    def close(self):
        """Power it off."""
        if self.lab:
            self.lab.close()
        self.what, self.lab = None, None


@pytest.fixture(scope="module")
def running():
    """The lab of this file's tests."""
    holder = Running()
    yield holder
    holder.close()


def fetch(lab, address, path):
    """Get a path from the guest, by a forwarded port of the host."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    lab.forward(port, address)
    try:
        url = "http://127.0.0.1:%d/%s" % (port, path)
        with urllib.request.urlopen(url, timeout=60) as got:
            return got.read().decode()
    finally:
        lab.unforward(port)


@pytest.mark.parametrize("name, store, mode", cells())
def test_release(running, kernel, site_image, tmp_path, name, store, mode):
    """The guest boots, has disk and network, serves, obeys xl shutdown."""
    lab = running.get(name, store)
    info = lab.check("xl info")
    assert re.search(r"^xen_version\s*: %s\." % re.escape(name), info, re.M)
    assert "/%s " % store in lab.check("cat /proc/$(cat /run/xenstored.pid)"
                                       "/comm | sed 's,.*,/& ,'")
    image = shutil.copy(site_image, tmp_path / "site.img")
    disk = "d%d" % (time.monotonic_ns() % 10**9)
    device = lab.add_disk(disk, str(image))
    guest = Guest(lab, "v" + mode, mode, kernel,
                  append="app=httpd root=xvda",
                  disks=["phy:%s,xvda,w" % device])
    try:
        guest.create()
        address = guest.expect(SERVING, 180).group(1).decode()
        assert "FOLDER" in fetch(lab, address, "notes.txt")
        domid = lab.check("xl domid " + guest.name).strip()
        assert guest.sh("xenstore read domid").strip() == domid
        assert guest.shutdown(120) == "poweroff"
        assert not guest.running()
    finally:
        guest.remove()
        lab.remove_disk(disk)


def test_unknown_release():
    """A release that there is not is a clear error."""
    done = subprocess.run([ROOT + "/domus", "lab", "--xen", "3.1", "true"],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True)
    assert done.returncode == 1
    assert "there is no Xen 3.1 for the lab: choose one of 4.14" \
        in done.stderr
    with pytest.raises(LabError, match="choose one of"):
        build.ensure("3.1")
