# SPDX-License-Identifier: BSD-2-Clause
"""A Domus guest as network driver domain: between two networks of this
machine's kernel, and what it is told."""

import contextlib
import os
import re
import subprocess
import time

import image
import pytest
from capture import check
from vm import Vm

MIB = 1 << 20
WAN, LAN = "10.213.70.1", "10.137.0.1"
FAR = "198.51.100.1"                    # behind the uplink
OFFLOADS = (",csum=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off,"
            "guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,"
            "guest_ufo=off")
ROUTED = ["network wan vtnet0", "network lan vtnet1",
          "address wan 10.213.70.2/24", "address lan %s/24" % LAN,
          "address lan fd00:7::1/64", "address wan fd00:8::1/64",
          "route default via " + WAN, "nat wan from 10.137.0.0/24",
          "dhcp lan 10.137.0.100-10.137.0.109 dns 192.0.2.53",
          "allow in lan out wan proto tcp to any port 8000",
          "allow in lan proto icmp", "allow in lan proto icmp6"]
SERVER = """
import hashlib, socket, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])),
    family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("ready", flush=True)
while True:
    c, peer = s.accept()
    f = c.makefile("rwb")
    n = int(f.readline())
    data = f.read(n)
    f.write(hashlib.sha256(data).hexdigest().encode() + b"\\n" +
        peer[0].encode() + b"\\n" + data[::-1])
    f.close()
    c.close()
"""
CLIENT = """
import hashlib, os, socket, sys
host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s = socket.create_connection((host, port), 120)
f = s.makefile("rwb")
data = os.urandom(n)
f.write(b"%d\\n" % n + data)
f.flush()
assert f.readline().decode().strip() == hashlib.sha256(data).hexdigest()
peer = f.readline().decode().strip()
assert f.read() == data[::-1]
print(peer)
"""
SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router
echo "$ip $router $dns"
"""


class Net:
    """A network of this machine's own, with one tap device in it."""

    def __init__(self, name):
        self.name = self.tap = name
        self._servers = []

    def run(self, *words, **more):
        """Run a command in it; what it printed."""
        return subprocess.run(["ip", "netns", "exec", self.name, *words],
                              check=True, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, timeout=180,
                              **more).stdout

    def serve(self, address, port):
        """A server there that tells what it got, and sends it back."""
        new = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "python3", "-c", SERVER,
             address, str(port)], stdout=subprocess.PIPE, text=True)
        self._servers.append(new)
        assert new.stdout.readline() == "ready\n"

    def talk(self, address, port, count):
        """Send that much and get it back; who the server thinks we are."""
        return self.run("python3", "-c", CLIENT, address, str(port),
                        str(count)).strip()

    def enter(self, *addresses):
        """The tap device, which QEMU has by now, goes there."""
        subprocess.run(["ip", "link", "set", self.tap, "netns", self.name],
                       check=True)
        self.run("ip", "link", "set", "lo", "up")
        for address in addresses:
            words = ["nodad"] if ":" in address else []
            self.run("ip", "addr", "add", address, "dev", self.tap, *words)
        self.run("ip", "link", "set", self.tap, "up")

    def end(self):
        """End what runs there."""
        for server in self._servers:
            server.kill()
            server.wait()
        subprocess.run(["ip", "netns", "del", self.name], check=True)


@contextlib.contextmanager
def networks():
    """Two of them: (wan, lan)."""
    made = []
    try:
        for name in ("dw%d" % os.getpid(), "dl%d" % os.getpid()):
            for words in (["netns", "add", name],
                          ["tuntap", "add", "dev", name, "mode", "tap"]):
                done = os.geteuid() == 0 and subprocess.run(
                    ["ip"] + words, stderr=subprocess.DEVNULL)
                if not done or done.returncode != 0:
                    pytest.skip("no networks here: root, /dev/net/tun and "
                                "ip(8) of iproute2 are needed")
                if words[0] == "netns":
                    made.append(Net(name))
        yield made
    finally:
        for net in made:
            subprocess.run(["ip", "link", "del", net.tap],
                           stderr=subprocess.DEVNULL)
            net.end()


@contextlib.contextmanager
def domain(kernel, nets, dump, append, wan=OFFLOADS, lan=""):
    """The guest between them, in 32 MiB; what is on the wan side is dumped."""
    args = []
    for n, (net, device) in enumerate(zip(nets, (wan, lan))):
        # Without offloads the tap device has plain frames, as is dumped.
        args += ["-netdev", "tap,id=n%d,ifname=%s,script=no,downscript=no,"
                 "vnet_hdr=%s" % (n, net.tap, "off" if device else "on"),
                 "-device", "virtio-net-pci,netdev=n%d,mac=02:00:00:"
            "00:70:0%d%s" % (n, n, device)]
    args += ["-object", "filter-dump,id=f,netdev=n0,file=%s,maxlen=70000"
             % dump]
    with Vm(kernel, "q35", args, memory=32, append="app=netdomain quiet=1 " +
            append) as guest:
        guest.sh_until("netdomain", r"vtnet0: network")
        guest.sh_until("netdomain", r"vtnet1: network")
        yield guest


def rules(lines):
    """As words of the command line."""
    return " ".join('rule="%s"' % line for line in lines)


def test_routed(kernel, tmp_path):
    """A host gets an address by DHCP and goes out through NAT and the filter,
    from a side with large packets and blank checksums to one without."""
    dump = str(tmp_path / "wan.pcap")
    script = tmp_path / "bound"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    with networks() as (wan, lan), \
            domain(kernel, (wan, lan), dump, rules(ROUTED)) as guest:
        wan.enter(WAN + "/24", "fd00:8::2/64")
        wan.run("ip", "addr", "add", FAR + "/32", "dev", "lo")
        wan.run("ip", "route", "add", "fd00:7::/64", "via", "fd00:8::1")
        wan.serve(FAR, 8000)
        wan.serve("fd00:8::2", 8000)
        lan.enter()
        said = lan.run("busybox", "udhcpc", "-n", "-q", "-f", "-i", lan.tap,
                       "-s", str(script))
        assert "10.137.0.100 %s 192.0.2.53" % LAN in said
        assert "10.137.0.100" in guest.sh("netdomain leases")
        lan.run("busybox", "ping", "-c", "2", FAR)
        # Large packets come in whole; out they go as the other side wants.
        assert lan.talk(FAR, 8000, 2 * MIB) == "10.213.70.2"
        assert "10.213.70.2 " in guest.sh("netdomain states")
        refused = lan.run("sh", "-c", "busybox nc -w 2 %s 8001 </dev/null || "
                          "echo refused" % FAR)
        assert refused == "refused\n"
        # One connection, one host that was pinged, and what was refused.
        counted = re.findall(r"^(\d+) packets \d+ bytes +(line 1[01]|default "
                             "deny)", guest.sh("netdomain rules"), re.M)
        assert [n for n, _ in counted[:2]] == ["1", "1"]
        assert int(counted[2][0]) > 0
        # The address of IPv6 comes by itself, from the router.
        end = time.monotonic() + 60
        while "fd00:7:" not in lan.run("ip", "-6", "addr", "show", "dev",
                                       lan.tap, "scope", "global",
                                       "-tentative"):
            assert time.monotonic() < end
            time.sleep(0.3)
        assert lan.talk("fd00:8::2", 8000, MIB).startswith("fd00:7:")
        assert re.search(r"^vtnet0.*?completed [1-9]\d*, trains cut [1-9]",
                         guest.sh("netdomain"), re.M | re.S)
    count, senders = check(dump)
    assert count > 2000
    assert bytes([10, 137, 0, 100]) not in senders


@pytest.mark.parametrize("wan,lan", [
    (OFFLOADS, ""),
    pytest.param("", OFFLOADS, marks=pytest.mark.long),
    pytest.param("", "", marks=pytest.mark.long)],
    ids=["cut", "joined", "whole"])
def test_bridged(kernel, tmp_path, wan, lan):
    """Without rules it is a switch."""
    dump = str(tmp_path / "wan.pcap")
    with networks() as (one, two), \
            domain(kernel, (one, two), dump, "", wan, lan) as guest:
        one.enter("10.213.70.1/24", "fd00:8::1/64")
        two.enter("10.213.70.2/24", "fd00:8::2/64")
        for address in ("10.213.70.1", "fd00:8::1"):
            one.serve(address, 8000)
            assert two.talk(address, 8000, 2 * MIB) == address[:-1] + "2"
        shown = guest.sh("netdomain bridge")
        assert " vtnet0," in shown and " vtnet1," in shown
        assert guest.sh("netdomain states").startswith("0 of")
    if wan:
        assert check(dump)[0] > 4000


def test_wrong_rules(kernel, tmp_path):
    """What is wrong is said, and what was good stays in force."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "good").write_text("network all *\nallow in vtnet0\n")
    (folder / "rules").write_text("network all *\nallow in vtnet0\n")
    (folder / "bad").write_text("network all *\n# no\nallow in vtnet0 prot 6\n")
    (folder / "other").write_text("network all vtnet*\n")
    disk = str(tmp_path / "disk.img")
    image.from_folder(str(folder), disk, True)
    args = ["-drive", "if=none,id=d,format=raw,file=" + disk,
            "-device", "virtio-blk-pci,drive=d"]
    with Vm(kernel, "q35", args, append="app=netdomain rules=/rules root=vda "
            "root.rw=1 quiet=1") as guest:
        guest.sh_until("netdomain rules", "line 2: allow in vtnet0")
        for name, why in (("bad", r'/rules, line 3: "prot" is none of'),
                          ("other", r"takes a restart")):
            guest.sh("cp /%s /rules" % name)
            assert "stay" in guest.sh("netdomain reload")
            guest.sh_until("log", why)
            assert "line 2: allow in vtnet0" in guest.sh("netdomain rules")
        guest.sh("cp /good /rules")
        assert guest.sh("netdomain reload") == ""
