# SPDX-License-Identifier: BSD-2-Clause
"""Front ends of a network, ours and Linux's, that do the same: serve a file
and take one, take and send TCP and datagrams.  dom0 is who they do it with."""

import os
import re
import shutil
import subprocess

from build import BIN, ROOT
from linux import INIT, MODULES, Linux, boot_files

BRIDGE, DOM0, FRONT = "netm", "192.168.77.1", "192.168.77.2"
PORT = 5001                             # of iperf 2, and of datagrams
LIBS = ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1")
LOADER = "/lib64/ld-linux-x86-64.so.2"
IPERF = "env LD_LIBRARY_PATH=/iperf /iperf/iperf"


def stage_iperf(tree):
    """iperf 2 and its libraries in a new directory."""
    os.makedirs(tree)
    found = os.path.join(BIN, "iperf")
    if not os.path.exists(found + "/.unpacked"):
        found = subprocess.run([os.path.join(ROOT, "tools", "fetch"),
                                "binary", "iperf"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip()
    shutil.copy(found + "/usr/bin/iperf", tree)
    for name in LIBS:
        shutil.copy("/lib/x86_64-linux-gnu/" + name
                    if os.path.exists("/lib/x86_64-linux-gnu/" + name)
                    else "/usr/lib/x86_64-linux-gnu/" + name, tree)


def linux_boot(root):
    """Boot files in that directory, which is none yet, with iperf 2."""
    stage_iperf(root + "/iperf")
    os.makedirs(root + os.path.dirname(LOADER))
    shutil.copy(LOADER, root + LOADER)
    return boot_files(root, MODULES + ["xen-netfront"], INIT)


def datagrams(run, six):
    """How many datagrams a Linux has taken or found nobody for, and how many
    of them had wrong checksums."""
    if six:
        text = run("grep ^Udp6 /proc/net/snmp6")
        got = {key[4:]: int(value)
               for key, value in re.findall(r"^(Udp6\w+)\s+(\d+)", text, re.M)}
    else:
        names, values = re.findall("^Udp: (.*)", run("grep ^Udp: "
                                                     "/proc/net/snmp"), re.M)
        got = dict(zip(names.split(), map(int, values.split())))
    return (got["InDatagrams"] + got["NoPorts"] + got["RcvbufErrors"],
            got["InCsumErrors"])


class DomusEnd:
    """A Domus guest with a disk that it serves."""

    def __init__(self, lab, guest):
        self._lab = lab
        self.guest = guest

    def start(self, _address, mtu):
        """Once it runs: its link-local address."""
        self.guest.expect(rb"httpd: serving http://([^/:\s]+)", 240)
        assert "mtu %d," % mtu in self.guest.sh("interfaces")
        return self.guest.sh_until("interfaces", r"address (fe80:\S+)"
                                   ).group(1)

    def take(self, address, source, size):
        """Take a file of dom0's: its checksum."""
        self._lab.check(
            "(printf 'PUT /g HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n';"
            " cat %s; sleep 1) | nc %s 80 > /dev/null"
            % (size, source, address), timeout=1800)
        return self.guest.sh("sha256sum /g", 600).split()[0]

    def sink(self):
        """Take TCP on PORT, once."""
        self.guest.send(b"iperf -s\r")
        self.guest.expect(rb"iperf: listening", 60)

    def sunk(self):
        """Bytes that sink() took."""
        return int(self.guest.expect(rb"iperf: received (\d+) bytes", 60)
                   .group(1))

    def pour(self, dom0):
        """Send TCP to dom0's PORT; how many bytes."""
        said = self.guest.sh("iperf " + dom0, 300)
        return int(re.search(r"iperf: sent (\d+) bytes", said).group(1))

    def count(self, _six):
        """Begin to count datagrams."""
        self.guest.send(b"udpcount %d\r" % PORT)

    def counted(self, _six):
        """How many came since count(), with right checksums."""
        return int(self.guest.expect(rb"udpcount: (\d+) datagrams.* late",
                                     120).group(1))

    def throw(self, dom0, size, count):
        """Send datagrams to dom0."""
        self.guest.sh("udpsend %s %d %d %d" % (dom0, PORT, size, count), 600)


class LinuxEnd:
    """A Linux guest with the same disk."""

    def __init__(self, guest):
        self.guest = guest
        self._before = None

    def start(self, address, mtu):
        """Set its interface up and serve its disk; its link-local address."""
        self.guest.run("""
ip link set eth0 mtu %d up; ip addr add %s/24 dev eth0
mkdir /www; mount -o ro /dev/xvda /www; busybox httpd -h /www""" % (
            mtu, address))
        found = None
        while not found:
            found = re.search(r"inet6 (fe80:\S+)/64 scope link *$",
                              self.guest.run("ip -6 addr show dev eth0"),
                              re.M)
        return found.group(1)

    def _begin(self, command):
        """Start what takes TCP on PORT once, and wait until it listens."""
        self.guest.run("""(tail -f /dev/null | %s) >/tmp/took 2>&1 &
while ! netstat -ltn | grep -q :%d; do usleep 100000; done"""
                       % (command % PORT, PORT))

    def _end(self):
        """What the former said."""
        return self.guest.run("while [ ! -s /tmp/took ]; do usleep 100000;"
                              " done; cat /tmp/took", 600).split()[0]

    def take(self, address, source, _size):
        """Take a file of dom0's: its checksum."""
        self._begin("nc -l -p %d | sha256sum")
        self.guest.lab.check("nc %s %d <%s" % (address, PORT, source),
                             timeout=1800)
        return self._end()

    def sink(self):
        """Take TCP on PORT, once."""
        self._begin("nc -l -p %d | wc -c")

    def sunk(self):
        """Bytes that sink() took."""
        return int(self._end())

    def pour(self, dom0):
        """Send TCP to dom0's PORT; how many bytes."""
        said = self.guest.run("%s %s -c %s -t 10 -f B" % (
            IPERF, *self._peer(dom0)), 300)
        return int(re.search(r"sec +(\d+) Bytes", said).group(1))

    def _peer(self, dom0):
        return ("-V", dom0 + "%eth0") if ":" in dom0 else ("", dom0)

    def count(self, six):
        """Begin to count datagrams."""
        self._before = datagrams(self.guest.run, six)

    def counted(self, six):
        """How many came since count(), with right checksums."""
        self.guest.run("sleep 1")
        got, wrong = datagrams(self.guest.run, six)
        assert wrong == self._before[1]
        return got - self._before[0]

    def throw(self, dom0, size, count):
        """Send datagrams to dom0."""
        flag, peer = self._peer(dom0)
        self.guest.run("%s -u %s -c %s -l %d -b 10M -n %d; true" % (
            IPERF, flag, peer, size, size * count), 600)


def linux_guest(lab, files, disks, vif):
    """A Linux guest for LinuxEnd, not started; files: linux_boot()'s."""
    return Linux(lab, "linuxnet", files, disks=disks, vifs=[vif], vcpus=2)
