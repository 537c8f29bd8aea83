# SPDX-License-Identifier: BSD-2-Clause
"""A Domus guest as network driver domain: the other end of the interfaces of
Linux and Domus guests.  Its own TCP/IP stack serves them."""

import os
import re
import time

import image
import pytest
from guest import Guest
from linux import boot_files

MIB = 4
HERE = "10.9.0.1"
MAC = "00:16:3e:5a:00:%02x"
LINUX_INIT = """#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
i=0
while [ ! -e /sys/class/net/eth0 ] && [ $i -lt 100 ]; do
    usleep 100000; i=$((i+1)); done
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
ip link set eth0 up
ip addr add 10.9.0.2/24 dev eth0
i=0
while ! ping -c 1 -W 1 10.9.0.1 >/dev/null && [ $i -lt 30 ]; do
    i=$((i+1)); done
ls -d /sys/class/net/eth0/queues/tx-*
ping -q -A -c 51 10.9.0.1
ping6 -q -A -c 6 fe80::fcff:ffff:feff:ffff%%eth0
dd if=/dev/urandom of=/f bs=1M count=%d 2>/dev/null
len=$(wc -c </f)
(printf 'PUT /f HTTP/1.0\\r\\nContent-Length: %%d\\r\\n\\r\\n' $len; cat /f
    sleep 1) | nc 10.9.0.1 80 | head -n 1
sha256sum </f
wget -q -O - http://10.9.0.1/f | sha256sum
echo 'linux: done'
%s
poweroff -f
"""


@pytest.fixture
def net(guest, disk, tmp_path):
    """net(mode): a running driver domain, with a disk to serve or without."""
    def create(mode="pvh", web=False):
        what, disks = "app=shell root=none", []
        if web:
            path = str(tmp_path / "www.img")
            os.mkdir(tmp_path / "www")
            image.from_folder(str(tmp_path / "www"), path, True)
            what = "app=httpd root=xvda http.writable=1"
            disks = ["phy:%s,xvda,w" % disk(path, readonly=False)]
        dom = guest(mode, "%s ip=%s/24" % (what, HERE), vifs=[], disks=disks,
                    extra=["driver_domain = 1"])
        dom.expect(rb"disk: xvda" if web else rb"domus# ", 60)
        return dom
    return create


def vif(dom, n=1, more=""):
    """An xl vif line for an interface of which dom is the other end."""
    return "mac=%s,backend=%s,type=vif%s" % (MAC % n, dom.name, more)


def wait_gone(lab, dom, seconds=120):
    """Until the driver domain has no directory for any interface."""
    domid = lab.check("xl domid " + dom.name).strip()
    end = time.monotonic() + seconds
    while True:
        text = lab.exec("xenstore-ls /local/domain/%s/backend/vif" % domid
                        ).stdout
        if "frontend" not in text:
            return
        assert time.monotonic() < end, text
        time.sleep(0.3)


@pytest.fixture
def linux(lab, tmp_path):
    """linux(dom, last="", more=""): a Linux guest behind dom, started."""
    made = []

    def create(dom, last="", more=""):
        kernel, ramdisk = boot_files(str(tmp_path / "root"), ["xen-netfront"],
                                     LINUX_INIT % (MIB, last))
        peer = Guest(lab, "linux", "pvh", kernel, ramdisk, memory=192, vcpus=2,
                     append="console=hvc0 quiet rdinit=/init",
                     vifs=[vif(dom, 1, more)],
                     extra=['cpuid = "host,avx=0,avx2=0"'])
        made.append(peer)
        peer.create()
        return peer
    yield create
    for peer in made:
        peer.remove()


def counts(dom, name):
    """What `interfaces' tells: checksums left, large packets, both ways."""
    text = dom.sh("interfaces " + name)
    found = re.search(r"queues (\d+), checksums left: received (\d+), sent"
                      r" (\d+); large: received (\d+), sent (\d+)", text)
    assert found, text
    return [int(n) for n in found.groups()]


def test_linux_guest(lab, net, linux):
    """Linux sends and fetches a file, and pings, by IPv4 and IPv6; on two
    queues, with checksums left blank and large packets both ways."""
    dom = net(web=True)
    peer = linux(dom, last="sleep 30")
    peer.expect(rb"linux: done", 240)
    said = peer.output.decode(errors="replace")
    # ping waits a second for the last answer; the host may be slower.
    got = [int(n) for n in re.findall(r"(\d+) packets received", said)]
    assert len(got) == 2 and got[0] >= 50 and got[1] >= 5, said
    sums = re.findall(r"\b[0-9a-f]{64}\b", said)
    assert len(sums) == 2 and sums[0] == sums[1], said
    assert "201" in said, said
    domid = lab.check("xl domid " + peer.name).strip()
    name = "vif%s.0" % domid
    assert ("%s: %s" % (name, MAC % 1)) in dom.output.decode(errors="replace")
    nqueue, rxcsum, txcsum, rxlarge, txlarge = counts(dom, name)
    assert nqueue == 2 and rxcsum > 100 and txcsum > 100
    assert rxlarge > 10 and txlarge > 10
    peer.remove()
    wait_gone(lab, dom)
    assert dom.shutdown() == "poweroff"


def test_domus_guest(lab, guest, net):
    """A Domus guest; its interface is taken away and given again; its domain
    is destroyed.  Nothing is left."""
    dom = net("pv")
    client = guest("pvh", "app=shell root=none ip=10.9.0.2/24",
                   vifs=[vif(dom, 1)])
    client.expect(rb"net: xn0 address 10.9.0.2", 60)
    assert "5 answered" in client.sh("ping %s 5" % HERE)
    lab.check("xl network-detach %s 0" % client.name)
    wait_gone(lab, dom)
    lab.check("xl network-attach %s %s" % (
        client.name, vif(dom, 2).replace(",", " ")))
    client.expect(rb"net: xn\d up|xn\d .* up", 60)
    assert "3 answered" in client.sh("ping %s 3" % HERE)
    client.send(b"ping %s 1000\r" % HERE.encode())
    client.remove()
    wait_gone(lab, dom)
    assert "vif" not in dom.sh("devices")
    assert dom.shutdown() == "poweroff"


def received(dom, name):
    """Bytes that an interface has received."""
    text = dom.sh("interfaces " + name)
    found = re.search(r"received \d+ packets, (\d+) bytes", text)
    assert found, text
    return int(found.group(1))


@pytest.mark.long
def test_rules(lab, guest, net):
    """A guest sends only from the address that its ip= names, and no faster
    than its rate= says."""
    dom = net()
    client = guest("pvh", "app=shell root=none ip=10.9.0.2/24",
                   vifs=[vif(dom, 1, ",ip=10.9.0.2,rate=100KB/s")])
    client.expect(rb"net: xn0 address 10.9.0.2", 60)
    assert b"only from 10.9.0.2" in dom.output
    assert "2 answered" in client.sh("ping %s 2" % HERE)
    domid = lab.check("xl domid " + client.name).strip()
    begin = time.monotonic()
    client.sh("udpsend %s 9 1400 600" % HERE)
    while received(dom, "vif%s.0" % domid) < 580 * 1400:
        assert time.monotonic() - begin < 120
        time.sleep(0.3)
    assert time.monotonic() - begin > 5
    client.remove()
    wait_gone(lab, dom)
    liar = guest("pvh", "app=shell root=none ip=10.9.0.2/24",
                 vifs=[vif(dom, 2, ",ip=10.9.0.3")])
    liar.expect(rb"net: xn0 address 10.9.0.2", 60)
    assert "0 answered" in liar.sh("ping %s 3" % HERE)
