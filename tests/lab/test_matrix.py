# SPDX-License-Identifier: BSD-2-Clause
"""One list of tests, run in each mode with 1, 2, 4 and 8 vCPUs, by both event
channel ABIs, and in hardware-virtualized guests with each way that events
interrupt.  All guests run one after another in one lab, on the same disks."""

import os
import re
import shutil
import urllib.request

import pytest
from conftest import ROOT
from guest import Guest
from test_hvm import check_way
from test_serve import free_port

SERVING = rb"httpd: serving http://([^/:\s]+)"
SECTORS = 8192
ADDITIONS = 20
WAYS = {"pv": [None], "pvh": ["upcall", "vector"],
        "hvm": ["upcall", "vector", "intx"]}
SHORT = ("pv-4-fifo", "pvh-2-two-level-upcall", "hvm-4-fifo-vector")


def cells():
    """All cells; all but a few are for --long."""
    for mode, ways in WAYS.items():
        for vcpus in (1, 2, 4, 8):
            for abi in ("fifo", "two-level"):
                for way in ways:
                    name = "-".join(filter(None, (mode, str(vcpus), abi,
                                                  way)))
                    yield pytest.param(mode, vcpus, abi, way, id=name, marks=(
                        () if name in SHORT else pytest.mark.long))


@pytest.fixture(scope="module")
def disks(lab, site_image, tmp_path_factory):
    """The disks of all cells: the example site, and one to write on."""
    folder = tmp_path_factory.mktemp("matrix")
    shutil.copy(site_image, folder / "site.img")
    with open(folder / "scratch.img", "wb") as image:
        image.truncate(SECTORS * 512)
    found = [lab.add_disk("matrix" + name, str(folder / (name + ".img")))
             for name in ("site", "scratch")]
    yield ["phy:%s,%s,w" % pair for pair in zip(found, ("xvda", "xvdb"))]
    for name in ("site", "scratch"):
        lab.remove_disk("matrix" + name)


@pytest.fixture
def cell(lab, kernel, disks, request):
    """cell(): the guest of a cell, serving, with all its vCPUs."""
    made = []

    def create(mode, vcpus, abi, way):
        append = "app=httpd root=xvda evtchn.fifo=%d" % (abi == "fifo")
        if way:
            append += " xenpci.callback=" + way
        new = Guest(lab, request.node.callspec.id, mode, kernel,
                    append=append, vcpus=vcpus, disks=disks)
        made.append(new)
        new.create()
        new.expect(SERVING, 240)
        up = b"cpu: %d of %d up" % (vcpus, vcpus)
        if vcpus > 1 and way != "intx" and up not in new.output:
            new.expect(up, 120)
        return new

    yield create
    for old in made:
        old.remove()


def check_events(guest, vcpus, abi, way):
    """The ABI, the vCPUs and the interrupts are those asked for."""
    guest.send(b"evtchn\r")
    found = guest.expect(rb"(fifo|two-level), ports \d+, vcpus (\d+).* "
                         rb"resyncs (\d+)", 60)
    assert found.group(1).decode() == abi
    assert int(found.group(2)) == (1 if way == "intx" else vcpus)
    assert int(found.group(3)) == 0
    if way:
        check_way(guest, way)


def check_disk(guest, seed):
    """What is written to a disk is read from it."""
    guest.send(b"diskcheck -f xvdb %d\r" % seed)
    found = guest.expect(rb"read (\d+) sectors in \d+ ms, (\d+) differ", 120)
    assert (int(found.group(1)), int(found.group(2))) == (SECTORS, 0)


def check_http(lab, address):
    """Files come over the network as they are on the disk."""
    port = int(free_port())
    lab.forward(port, address)
    try:
        for name in ("index.html", "style.css", "notes.txt",
                     "pictures/house.svg"):
            with open(os.path.join(ROOT, "examples", "site", name),
                      "rb") as local, urllib.request.urlopen(
                          "http://127.0.0.1:%d/%s" % (port, name),
                          timeout=120) as got:
                assert got.read() == local.read()
    finally:
        lab.unforward(port)


def check_store(lab, guest):
    """Reads, and transactions on a node of its own."""
    domid = lab.check("xl domid " + guest.name).strip()
    guest.send(b"xenstore read domid\r")
    guest.expect(rb"\n%s\r?\n" % domid.encode(), 60)
    path = "/local/domain/%s/data/count" % domid
    lab.check("xenstore-write %s 0; xenstore-chmod %s n%s"
              % (path, path, domid))
    guest.send(b"xenstore add data/count 3 %d\r" % ADDITIONS)
    guest.expect(rb"%d of %d\r?\n" % (ADDITIONS, ADDITIONS), 120)
    assert int(lab.check("xenstore-read " + path)) == 3 * ADDITIONS


@pytest.mark.parametrize("mode, vcpus, abi, way", cells())
def test_cell(lab, cell, mode, vcpus, abi, way):
    """Disk, network, store and a clean end."""
    guest = cell(mode, vcpus, abi, way)
    address = re.findall(SERVING, guest.output)[-1].decode()
    check_disk(guest, vcpus)
    check_http(lab, address)
    check_store(lab, guest)
    check_events(guest, vcpus, abi, way)
    assert b"broken" not in guest.output
    assert guest.shutdown(120) == "poweroff"
