# SPDX-License-Identifier: BSD-2-Clause
"""net-front: Domus's netfront and Linux's on the same netback of dom0's."""

import count
import net
from lab import Lab

WHAT = "netfront and dom0 by its xen-netback, Domus and Linux, on Xen"
PACKAGES = ("gcc", "busybox-static", "cpio", "lz4")
FEW, MANY = 500, 8000
CPU = 1                                 # the guest's; dom0 has the other


def vif(lab):
    """A line of xl's configuration."""
    return "mac=%s,bridge=xenbr0,type=vif" % lab.next_mac()


def domus(lab, files):
    """A Domus guest."""
    return net.Domus(lab, "domus", "10.0.2.70", vif(lab), CPU)


def linux(lab, files):
    """A Linux guest."""
    return net.Linux(lab, "linux", files, "10.0.2.71", vif(lab), CPU)


def one(line, dom0, guest):
    """{title: (figures, units)} of one guest."""
    mbit, packets = ("Mbit/s", "per KiB"), ("per s", "per packet")
    least, mean = dom0.ping(guest.address)
    return {
        "TCP, guest to dom0": (line.tcp(guest, dom0), mbit),
        "TCP, dom0 to guest": (line.tcp(dom0, guest), mbit),
        "64-byte packets, guest to dom0": (
            line.udp(guest, dom0, FEW, MANY), packets),
        "64-byte packets, dom0 to guest": (
            line.udp(dom0, guest, FEW, MANY), packets),
        "round trip, least": ({"rate": least}, ("ms", "")),
        "round trip, mean": ({"rate": mean}, ("ms", ""))}


def run(report):
    """One guest after the other, in one lab."""
    counter = count.Counter("net-front")
    files = net.linux_files()
    line = net.Line(counter, CPU)
    with Lab(guest_memory=384, name="bench", cpus=2, icount=count.CLOCK,
             extra=counter.argv) as lab:
        lab.check("xl vcpu-pin Domain-0 0 0")
        dom0 = net.Dom0(lab)
        for name, make in ("Domus", domus), ("Linux", linux):
            end = make(lab, files)
            try:
                for title, (found, units) in one(line, dom0, end).items():
                    net.add(report, title, name, found, units)
            finally:
                end.guest.remove()
    report.note("PV guests with one CPU; %d s of TCP by the shell's iperf and "
                "by iperf 2, to and from dom0's iperf 2 and nc; %d datagrams "
                "of %d bytes, of which those count that arrived; %d pings by "
                "dom0" % (net.SECONDS, MANY, net.SMALL, net.PINGS))
    report.note(count.clock_note())
