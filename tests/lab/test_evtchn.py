# SPDX-License-Identifier: BSD-2-Clause
"""Event channels between two guests on real Xen, by both ABIs."""

import re

import pytest

CHANNELS = 64


class Pair:
    """Two guests with channels between them."""

    def __init__(self, lab, guest, mode, vcpus, append):
        self.lab = lab
        self.guests = [guest(mode, append="quiet " + append, vcpus=vcpus,
                             vifs=[]) for _ in range(2)]
        self.ids = [int(lab.check("xl domid " + g.name))
                    for g in self.guests]
        for one in self.guests:
            one.expect(rb"domus# ", 120)

    def ask(self, index, line, pattern, timeout=60):
        """Type a line at one of them; the match of what it says."""
        self.guests[index].send(line.encode() + b"\r")
        return self.guests[index].expect(pattern, timeout)

    def stat(self, index, line="evstress stat"):
        """(runs, sends, late) of one end."""
        found = self.ask(index, line, rb"ports (\d+) runs (\d+) sends (\d+) "
                         rb"late (\d+)\r?\n")
        assert int(found.group(1)) == CHANNELS
        return tuple(int(n) for n in found.groups()[1:])

    def connect(self):
        """The first listens; the second is told of its ports."""
        self.ask(0, "evstress listen %d %d" % (self.ids[1], CHANNELS),
                 rb"evstress: %d ports" % CHANNELS)
        path = "/local/domain/%d/data/evstress"
        self.lab.check("xenstore-write %s \"$(xenstore-read %s)\""
                       % (path % self.ids[1], path % self.ids[0]))


def stress(pair, count, timeout):
    """count events to each side; then a flood while the ports close."""
    pair.connect()
    pair.ask(1, "evstress run %d %d" % (pair.ids[0], count),
             rb"evstress: done after \d+ ms", timeout)
    runs, sends, late = pair.stat(0)
    runs1, sends1, late1 = pair.stat(1)
    # One that is lost stops its channel.  Each that was sent came once, and
    # binding is one more.
    least = (count // CHANNELS - 1) * CHANNELS
    print("sent %d + %d, came %d + %d" % (sends1, sends, runs, runs1))
    assert runs == sends1 >= least and sends >= least
    assert runs1 == sends + CHANNELS
    assert late == late1 == 0
    pair.guests[1].send(b"evstress flood 5\r")
    pair.stat(0, "evstress close")
    pair.guests[1].expect(rb"evstress: sent [1-9]\d*", 60)
    assert pair.stat(0)[2] == 0
    found = pair.ask(0, "evtchn", rb"(fifo|two-level), ports \d+, vcpus "
                     rb"(\d+).* resyncs (\d+)")
    assert int(found.group(3)) == 0
    return found.group(1).decode(), int(found.group(2))


@pytest.mark.parametrize("mode, abi", [("pvh", "fifo"), pytest.param(
    "pv", "two-level", marks=pytest.mark.long)])
def test_spread(lab, guest, disk, site_image, mode, abi):
    """The events of four disks come to different vCPUs, and there only."""
    vbds = ["phy:%s,xvd%s,r" % (disk(site_image), c) for c in "abcd"]
    new = guest(mode, append="app=shell evtchn.fifo=%d" % (abi == "fifo"),
                vcpus=4, vifs=[], disks=vbds)
    new.expect(rb"cpu: 4 of 4 up", 120)
    for name in "abcd":                 # looked at for partitions
        new.expect(rb"xvd%s\b.*\r?\n" % name.encode(), 60)
    said = new.sh("interrupts")
    found = re.findall(r"^vbd/\d+ +(\d) +(\d+)", said, re.M)
    assert len(found) == 4 and all(int(n) > 0 for _, n in found), said
    assert len({cpu for cpu, _ in found}) == 4, said
    assert new.shutdown() == "poweroff"


@pytest.mark.parametrize("mode,abi", [("pv", "fifo"), ("pvh", "two-level")])
def test_events(lab, guest, mode, abi):
    """Some thousands of events, none lost, none on a closed port."""
    append = "evtchn.fifo=%d" % (abi == "fifo")
    pair = Pair(lab, guest, mode, 2, append)
    assert stress(pair, 5000, 300)[0] == abi


@pytest.mark.long
@pytest.mark.parametrize("abi", ["fifo", "two-level"])
@pytest.mark.parametrize("mode", ["pv", "pvh", "hvm"])
def test_a_million_events(lab, guest, mode, abi):
    """8 vCPUs, 64 channels, 1,000,000 notifications."""
    pair = Pair(lab, guest, mode, 8, "evtchn.fifo=%d" % (abi == "fifo"))
    assert stress(pair, 500096, 3600) == (abi, 8)
