# SPDX-License-Identifier: BSD-2-Clause
"""A Domus guest as network driver domain on Xen: bridge, router and firewall
for Linux and Domus guests."""

import os
import re

import image
import pytest
from guest import Guest
from linux import boot_files

HERE = "10.9.0.1"
MIB = 4
RULES = ["network wan xn0", "network lan vif*", "address lan %s/24" % HERE,
         "nat wan", "dhcp lan 10.9.0.100-10.9.0.109",
         "host 00:16:3e:5a:00:01 10.9.0.2", "deny in lan to 10.0.2.3",
         "allow in lan"]
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
ip link set eth0 up
printf '#!/bin/sh\\n[ $1 = bound ] || exit 0\\nip addr add $ip/24 dev eth0
ip route add default via $router\\necho linux: address $ip\\n' >/bound
chmod 755 /bound
udhcpc -n -q -t 20 -i eth0 -s /bound
ping -q -c 3 10.0.2.4
ping -q -A -c 21 10.0.2.4
ping -q -c 2 -W 2 10.0.2.3
dd if=/dev/urandom of=/f bs=1M count=%d 2>/dev/null
sha256sum </f
len=$(wc -c </f)
(printf 'PUT /f HTTP/1.0\\r\\nContent-Length: %%d\\r\\n\\r\\n' $len; cat /f
    sleep 1) | nc 10.9.0.2 80 | head -n 1
wget -q -O - http://10.9.0.2/f | sha256sum
wget -q -O - http://10.0.2.4:8080/f | sha256sum
echo 'linux: done'
poweroff -f
"""


def vif(dom, n):
    """An xl vif line for an interface of which dom is the other end."""
    return "mac=00:16:3e:5a:00:%02x,backend=%s,type=vif" % (n, dom.name)


@pytest.fixture
def linux(lab, tmp_path):
    """linux(dom): a Linux guest behind dom, started."""
    made = []

    def create(dom):
        kernel, ramdisk = boot_files(str(tmp_path / "root"), ["xen-netfront"],
                                     LINUX_INIT % MIB)
        peer = Guest(lab, "linux", "pvh", kernel, ramdisk, memory=192, vcpus=1,
                     append="console=hvc0 quiet rdinit=/init",
                     vifs=[vif(dom, 7)],
                     extra=['cpuid = "host,avx=0,avx2=0"'])
        made.append(peer)
        peer.create()
        return peer
    yield create
    for peer in made:
        peer.remove()


@pytest.fixture
def web(guest, disk, tmp_path):
    """web(dom): a Domus guest behind dom that serves files."""
    def create(dom, mode="pv"):
        path = str(tmp_path / "www.img")
        os.mkdir(tmp_path / "www")
        image.from_folder(str(tmp_path / "www"), path, True)
        return guest(mode, "app=httpd root=xvda http.writable=1",
                     vifs=[vif(dom, 1)],
                     disks=["phy:%s,xvda,w" % disk(path, readonly=False)])
    return create


@pytest.mark.long
def test_firewall(lab, guest, web, linux):
    """Two guests get addresses, exchange a file across the bridge, and reach
    dom0 through NAT; what a rule denies they do not reach."""
    dom = guest("pvh", "app=netdomain root=none " + " ".join(
        'rule="%s"' % rule for rule in RULES), memory=32,
        extra=["driver_domain = 1"])
    dom.expect(rb"net: wan address 10\.0\.2\.\d+", 90)
    lab.check("mkdir -p /www && dd if=/dev/urandom of=/www/f bs=1M count=2 "
              "2>/dev/null && (busybox httpd -p 8080 -h /www)")
    mine = lab.check("sha256sum </www/f").split()[0]
    serving = web(dom)
    serving.expect(rb"httpd: serving http://10\.9\.0\.2", 90)
    peer = linux(dom)
    peer.expect(rb"linux: done", 240)
    said = peer.output.decode(errors="replace")
    assert "linux: address 10.9.0.100" in said, said
    # ping waits a second for the last answer; the host may be slower.
    assert re.search(r"2[01] packets received", said), said
    assert re.search(r"10\.0\.2\.3 ping.*?100% packet loss", said, re.S), said
    assert "201" in said, said
    sums = re.findall(r"\b[0-9a-f]{64}\b", said)
    assert len(sums) == 3 and sums[0] == sums[1] and sums[2] == mine, said
    rules = dom.sh("netdomain rules")
    assert re.search(r"^2 packets .*deny in lan to 10\.0\.2\.3", rules, re.M)
    # A file, and a host that was pinged; those that it ended are gone by now.
    assert re.search(r"made [2-9]", dom.sh("netdomain states"))
    said = dom.sh("netdomain")
    assert "refused 0 times" in said, said
    peer.remove()
    serving.remove()
    assert dom.shutdown() == "poweroff"
