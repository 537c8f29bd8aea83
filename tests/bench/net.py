# SPDX-License-Identifier: BSD-2-Clause
"""What the benches of the network share: two ends with an address each, of
which one sends and the other takes.  All times are those of their clocks."""

import os
import re
import shutil
import subprocess
import time

import bench
import build
import linux
from guest import Guest

PATIENCE = 600                          # s, against hangs
KERNEL = os.path.join(bench.ROOT, "out", "domus-x86_64.elf")
TCP, UDP = 5001, 5002
SMALL = 18                              # bytes of a datagram: frames of 64
SECONDS = 10                            # of TCP, as the shell's iperf has it
PINGS = 200
IPERF = "/usr/bin/iperf"


def iperf():
    """Debian's iperf 2, fetched if there is none yet."""
    found = os.path.join(build.BIN, "iperf")
    if not os.path.exists(found + "/.unpacked"):
        found = subprocess.run(
            [os.path.join(bench.ROOT, "tools", "fetch"), "binary", "iperf"],
            check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    return found + IPERF


def linux_files(modules=()):
    """The kernel and first file system of a Linux guest with iperf."""
    root = os.path.join(bench.OUT, "net")
    shutil.rmtree(root, ignore_errors=True)
    linux.stage_program(root, iperf(), IPERF)
    return linux.boot_files(root, ["xen-netfront", *modules], linux.INIT)


def interval(text):
    """(seconds, bytes) of what iperf -y C tells of its sending."""
    size, rate = re.search(r"^\d{14}[^,]*,.*?-\d+\.\d+,(\d+),(\d+)", text,
                           re.M).groups()
    return int(size) * 8 / int(rate), int(size)


class End:
    """One end of a line; run(script) runs it in a shell there."""

    address = None
    before = 0                          # datagrams that came before

    def run(self, script, timeout=PATIENCE):
        """Run commands of busybox's shell; what they said."""
        raise NotImplementedError

    def _sink(self, command):
        self.run("killall nc tail 2>/dev/null || true\n"
                 "(tail -f /dev/null | %s) >/dev/null 2>&1 </dev/null &\n"
                 "sleep 1" % command)

    def take_tcp(self):
        """Take what comes by TCP, once."""
        self._sink("nc -l -p %d" % TCP)

    def send_tcp(self, address):
        """(seconds, bytes)."""
        return interval(self.run("%s -c %s -t %d -y C 2>/dev/null" % (
            IPERF, address, SECONDS)))

    def _datagrams(self):
        """How many have come."""
        names, values = (line.split()[1:] for line in self.run(
            "grep ^Udp: /proc/net/snmp").splitlines() if "Udp:" in line)
        udp = dict(zip(names, map(int, values)))
        return udp["InDatagrams"] + udp["NoPorts"] + udp["RcvbufErrors"]

    def take_udp(self):
        """Take datagrams, from now on."""
        self._sink("nc -u -l -p %d" % UDP)
        self.before = self._datagrams()

    def taken_udp(self):
        """How many came."""
        return self._datagrams() - self.before

    def send_udp(self, address, number):
        """Seconds that sending them took."""
        return interval(self.run(
            "%s -u -c %s -p %d -l %d -b 1000M -n %d -y C 2>/dev/null" % (
                IPERF, address, UDP, SMALL, SMALL * number)))[0]

    def ping(self, address):
        """Round trip: (least, mean) ms."""
        said = self.run("ping -q -A -c %d %s" % (PINGS, address))
        return tuple(float(n) for n in re.search(
            r"= ([\d.]+)/([\d.]+)/", said).groups())


class Dom0(End):
    """dom0, on the bridge."""

    address = "10.0.2.4"

    def __init__(self, lab):
        self.lab = lab
        said = subprocess.run(["ldd", iperf()], stdout=subprocess.PIPE,
                              text=True, check=True).stdout
        lab.check("mkdir -p /usr/bin; cp %s %s; chmod 755 %s" % (
            lab.put_file(iperf()), IPERF, IPERF))
        for path in re.findall(r"(/\S+)", said):
            lab.check("[ -e %s ] || { mkdir -p %s; cp %s %s; }" % (
                path, os.path.dirname(path), lab.put_file(path), path))

    def run(self, script, timeout=PATIENCE):
        return self.lab.check(script, timeout=timeout)


class Linux(End):
    """A Linux guest."""

    def __init__(self, lab, name, files, address, vif, cpu):
        self.address = address
        self.guest = linux.Linux(lab, name, files, (), "pv",
                                 ['cpus = "%d"' % cpu], vifs=[vif])
        self.guest.create(PATIENCE)
        self.run("until [ -e /sys/class/net/eth0 ]; do usleep 100000; done\n"
                 "ip link set lo up\nip link set eth0 up\n"
                 "ip addr add %s/24 dev eth0" % address)

    def run(self, script, timeout=PATIENCE):
        return self.guest.run(script, timeout)


class Domus(End):
    """A Domus guest, with the commands of its shell."""

    def __init__(self, lab, name, address, vif, cpu):
        self.address = address
        self.guest = Guest(lab, name, "pv", KERNEL, memory=64, vifs=[vif],
                           append="app=shell root=none ip=%s/24" % address,
                           extra=['cpus = "%d"' % cpu])
        self.guest.create(PATIENCE)
        self.guest.expect(rb"net: xn0 address", PATIENCE)

    def take_tcp(self):
        self.guest.send(b"iperf -s\r")
        self.guest.expect(rb"iperf: listening", PATIENCE)

    def send_tcp(self, address):
        said = self.guest.sh("iperf " + address, PATIENCE)
        sent, ms = re.search(r"sent (\d+) bytes in (\d+) ms", said).groups()
        return int(ms) / 1000, int(sent)

    def take_udp(self):
        self.guest.send(b"udpcount %d\r" % UDP)
        time.sleep(2)

    def taken_udp(self):
        return int(self.guest.expect(rb"udpcount: (\d+) datagrams",
                                     PATIENCE).group(1))

    def send_udp(self, address, number):
        said = self.guest.sh("udpsend %s %d %d %d" % (
            address, UDP, SMALL, number), PATIENCE)
        return int(re.search(r"bytes in (\d+) ms", said).group(1)) / 1000


class Line:
    """What goes from one end to another, measured."""

    def __init__(self, counter, cpu):
        """cpu: the one of the guest that is looked at."""
        self.counter, self.cpu = counter, cpu

    def _parts(self):
        found = self.counter.parts()
        guest = sum(found.get("cpu%d_%s" % (self.cpu, kind), 0)
                    for kind in ("kernel", "program"))
        return {"guest": guest, "all": found["all"]}

    def tcp(self, source, target):
        """Mbit/s, and instructions for each KiB."""
        target.take_tcp()
        start = self._parts()
        seconds, size = source.send_tcp(target.address)
        end = self._parts()
        return {"rate": size * 8e-6 / seconds, **{
            key: (end[key] - start[key]) / (size / 1024) for key in end}}

    def _datagrams(self, source, target, number):
        target.take_udp()
        start = self._parts()
        seconds = source.send_udp(target.address, number)
        time.sleep(1)
        end = self._parts()
        return {"seconds": seconds, "n": target.taken_udp(),
                **{key: end[key] - start[key] for key in end}}

    def udp(self, source, target, few, many):
        """Small packets that arrived, per second, and instructions for each:
        those of many less those of few."""
        low, high = (self._datagrams(source, target, number)
                     for number in (few, many))
        n = max(high["n"] - low["n"], 1)
        return {"rate": high["n"] / high["seconds"], **{
            key: (high[key] - low[key]) / n for key in ("guest", "all")}}


FIGURES = (("rate", ""), ("guest", ": the guest's instructions"),
           ("all", ": all instructions"))


def add(report, title, subject, found, units):
    """Figures of a Line in the report; units: of the rate, and of what
    instructions are for."""
    for key, more in FIGURES:
        if key in found:
            report.add(title + more, subject, found[key],
                       units[0] if key == "rate" else units[1])
