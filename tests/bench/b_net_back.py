# SPDX-License-Identifier: BSD-2-Clause
"""net-back: two Linux guests and what is between them."""

import contextlib

import count
import net
from guest import Guest
from lab import Lab

WHAT = "two Linux guests by a Domus driver domain and by dom0's bridge, on Xen"
PACKAGES = ("gcc", "busybox-static", "cpio", "lz4")
FEW, MANY = 500, 8000
CPU = 1                                 # the sender's


@contextlib.contextmanager
def domus(lab):
    """xl's lines for two interfaces of a Domus driver domain."""
    back = Guest(lab, "back", "pv", net.KERNEL, memory=64,
                 append="app=netdomain root=none",
                 extra=["driver_domain = 1", 'cpus = "0"'])
    back.create(net.PATIENCE)
    try:
        back.expect(rb"net: all address", net.PATIENCE)
        yield ["mac=%s,backend=back,type=vif" % lab.next_mac()
               for _ in range(2)]
    finally:
        back.remove()


@contextlib.contextmanager
def linux(lab):
    """The same of dom0's bridge."""
    yield ["mac=%s,bridge=xenbr0,type=vif" % lab.next_mac()
           for _ in range(2)]


BACKS = {"Domus": domus, "Linux (dom0)": linux}


@contextlib.contextmanager
def pair(lab, vifs, files):
    """Two Linux guests with these."""
    made = []
    try:
        for n, vif in enumerate(vifs):
            made.append(net.Linux(lab, "linux%d" % n, files,
                                  "10.9.0.%d" % (n + 1), vif, CPU - n))
        yield made
    finally:
        for end in made:
            end.guest.remove()


def run(report):
    """One after the other, in one lab."""
    counter = count.Counter("net-back")
    files = net.linux_files()
    line = net.Line(counter, CPU)
    with Lab(guest_memory=512, name="bench", cpus=2, icount=count.CLOCK,
             extra=counter.argv) as lab:
        lab.check("xl vcpu-pin Domain-0 0 0")
        for name, back in BACKS.items():
            with back(lab) as vifs, pair(lab, vifs, files) as (one, two):
                least, mean = one.ping(two.address)
                net.add(report, "round trip, least", name, {"rate": least},
                        ("ms", ""))
                net.add(report, "round trip, mean", name, {"rate": mean},
                        ("ms", ""))
                net.add(report, "TCP", name, line.tcp(one, two),
                        ("Mbit/s", "per KiB"))
                net.add(report, "64-byte packets", name,
                        line.udp(one, two, FEW, MANY),
                        ("per s", "per packet"))
    report.note("PV guests with one CPU, the sender's for itself; a Domus "
                "guest with netdomain's bridge, or dom0's xen-netback and "
                "bridge: no driver domain with Linux was tried; %d s of TCP "
                "by iperf 2 to nc; %d datagrams of %d bytes, of which those "
                "count that arrived; %d pings"
                % (net.SECONDS, MANY, net.SMALL, net.PINGS))
    report.note(count.clock_note())
