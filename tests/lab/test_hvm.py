# SPDX-License-Identifier: BSD-2-Clause
"""HVM guests: what xenpci unplugs, how events interrupt, virtio beside PV."""

import re
import shutil
import time

import pytest
from test_xl import SERVING, fetch

PATIENCE = 240          # seconds; the firmware of an HVM guest is slow here
# The option ROM of the emulated card, of which the lab has none.
NO_ROM = 'device_model_args_hvm = ["-global", "rtl8139.romfile="]'
WAYS = {"upcall": "xen upcall vector", "vector": "xen callback vector",
        "intx": "line"}


@pytest.fixture
def image(disk, site_image, tmp_path):
    """image(): a new copy of the example site, a writable disk of dom0."""
    def make():
        path = tmp_path / ("%d.img" % len(list(tmp_path.iterdir())))
        return disk(shutil.copy(site_image, path), readonly=False)
    return make


@pytest.fixture
def hvm(lab, guest, image):
    """hvm(append): a guest whose disk and NIC are emulated, too."""
    def create(append):
        vif = "mac=%s,bridge=xenbr0,type=ioemu" % lab.next_mac()
        return guest("hvm", "app=httpd root=hda " + append, vifs=[vif],
                     disks=["phy:%s,hda,w" % image()], extra=[NO_ROM])
    return create


def emulated(lab, guest):
    """What the device model has left: its disks, its NICs."""
    def ask(what):
        return lab.check("xl qemu-monitor-command %s 'info %s'"
                         % (guest.name, what))
    return ("ide0-hd0" in ask("block"), "model=rtl8139" in ask("network"),
            "Ethernet controller" in ask("pci"))


def interrupts(guest):
    """How often each interrupt came, by the shell's command."""
    said = guest.sh("interrupts")
    return {name.strip(): int(count) for name, count in
            re.findall(r"^([a-z][a-z ]+?) +\d+ +(\d+)\r?$", said, re.M)}


def check_way(guest, way):
    """Events came in that way and in none of the others."""
    came = interrupts(guest)
    for name, said in WAYS.items():
        assert (said in came) == (name == way), came


def test_unplug(lab, hvm):
    """The emulated disk and NIC are there for the firmware and gone for the
    guest, which serves from the same disk through the PV drivers."""
    web = hvm("")
    assert emulated(lab, web) == (True, True, True)
    web.expect(rb"xenpci: unplugged emulated devices: disks nics", PATIENCE)
    web.expect(SERVING, 60)
    assert emulated(lab, web) == (False, False, False)
    said = web.sh("devices")
    assert re.search(r"blkfront +connected", said), said
    assert re.search(r"netfront +connected", said), said
    assert "FOLDER" in fetch(lab, web, "notes.txt")
    assert web.shutdown() == "poweroff"


@pytest.mark.long
@pytest.mark.parametrize("asked, left", [
    ("never", (True, True, True)), ("disks", (False, True, True)),
    ("nics", (True, False, False)), ("disk", (False, False, False))])
def test_unplug_setting(lab, hvm, asked, left):
    """xenpci.unplug=; what it does not know changes nothing and is told."""
    web = hvm("xenpci.unplug=" + asked)
    web.expect(SERVING, PATIENCE)
    assert emulated(lab, web) == left
    assert (b"not understood" in web.output) == (asked == "disk")
    assert "FOLDER" in fetch(lab, web, "notes.txt")


@pytest.mark.long
@pytest.mark.parametrize("mode", ["hvm", "pvh"])
@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("vcpus", [1, 2])
def test_callback(lab, guest, image, mode, way, vcpus):
    """xenpci.callback=; a PVH guest has no platform device, and says so.  Only
    one vCPU gets its interrupt."""
    web = guest(mode, "app=httpd root=xvda xenpci.callback=" + way,
                disks=["phy:%s,xvda,w" % image()], vcpus=vcpus)
    web.expect(SERVING, PATIENCE)
    assert "FOLDER" in fetch(lab, web, "notes.txt")
    if mode == "pvh" and way == "intx":
        assert b"callback=intx: not to be had here" in web.output
        way = "upcall" if b"(upcall)" in web.output else "vector"
    if vcpus == 2:
        said = b"vCPU 1 stays off" if way == "intx" else b"cpu: 2 of 2 up"
        assert said in web.output
    check_way(web, way)
    assert web.shutdown() == "poweroff"


def wait_connected(one, wanted):
    """So many devices of each driver are connected and have had events."""
    end = time.monotonic() + PATIENCE
    while True:
        said = one.sh("devices")
        have = {driver: len(re.findall(driver + r" +connected .*events [1-9]",
                                       said)) for driver in wanted}
        if have == wanted:
            return
        assert time.monotonic() < end, said
        time.sleep(1)


def test_virtio_beside(lab, guest, image):
    """Virtio disks and a virtio NIC of the device model, beside the PV ones;
    one has messages, the others share lines with the event callback."""
    args = []
    for n, more in enumerate(["", ",vectors=0"]):
        args += ["-drive", "if=none,id=v%d,format=raw,file=%s" % (n, image()),
                 "-device", "virtio-blk-pci,drive=v%d%s" % (n, more)]
    args += ["-netdev", "tap,id=vn,ifname=vtap,script=no,downscript=no",
             "-device", "virtio-net-pci,netdev=vn,vectors=0,romfile=,mac="
             + lab.next_mac()]
    both = guest("hvm", "app=httpd root=vda root.wait=300 "
                 "xenpci.callback=intx",
                 disks=["phy:%s,xvda,w" % image()],
                 extra=["device_model_args_hvm = [%s]"
                        % ", ".join('"%s"' % a for a in args)])
    lab.check("ip link set vtap up && brctl addif xenbr0 vtap")
    both.expect(rb"emulated disks stay", PATIENCE)
    both.expect(rb"emulated NICs stay", 10)
    both.expect(rb"vda mounted", PATIENCE)
    address = both.expect(rb"vtnet0 address (10\.[\d.]+)", PATIENCE).group(1)
    wait_connected(both, {"blkfront": 1, "netfront": 1, "virtio_blk": 2,
                          "virtio_net": 1})
    came = interrupts(both)
    assert came["line"] > 0 and came["message"] > 0, came
    assert "FOLDER" in lab.check("wget -q -O - http://%s/notes.txt"
                                 % address.decode())
    assert "FOLDER" in fetch(lab, both, "notes.txt")
    assert both.shutdown() == "poweroff"
