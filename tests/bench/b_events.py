# SPDX-License-Identifier: BSD-2-Clause
"""events: two guests send each other notifications."""

import xen
from lab import Lab

WHAT = "notifications between two domains, by both ABIs, on Xen"
PACKAGES = ()
ABIS = {"FIFO": "evtchn.fifo=1", "2-level": "evtchn.fifo=0"}
MODES = ("pv", "pvh")


def pair(lab, mode, abi, number):
    """WHAT -> (events, seconds)."""
    first = xen.start(lab, "ping%d" % number, mode, "do=ping " + ABIS[abi])
    me = int(lab.check("xl domid " + first.name))
    other = xen.start(lab, "echo%d" % number, mode,
                      "do=echo peer=%d %s" % (me, ABIS[abi]))
    try:
        ports = other.expect(rb"bench ports([ \d]+)\r?\n", xen.PATIENCE)
        lab.check("xenstore-write /local/domain/%d/data/bench '%s%s'" % (
            me, lab.check("xl domid " + other.name).strip(),
            ports.group(1).decode()))
        return xen.lines(first)
    finally:
        first.remove()
        other.remove()


def run(report):
    """Each ABI, PV and PVH."""
    xen.build()
    found = {}
    with Lab(guest_memory=128, name="bench", cpus=2) as lab:
        for mode in MODES:
            for abi in ABIS:
                found[mode, abi] = pair(lab, mode, abi, len(found))
    for what, title in (("one", "one under way"),
                        ("many", "32 channels at once")):
        for mode in MODES:
            for abi in ABIS:
                events, seconds = found[mode, abi][what]
                report.add("%s, %s" % (title, mode.upper()), abi,
                           events / seconds, "events/s")
    report.note("two guests with one vCPU each on 2 physical CPUs; each event "
                "that comes is sent back by its handler; 2 s each")
