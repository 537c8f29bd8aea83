# SPDX-License-Identifier: BSD-2-Clause
"""A Domus guest as network driver domain on Xen: bridge, router and firewall
for Linux and Domus guests."""

import hashlib
import os
import re

import image
import pytest
from capture import capture, check      # noqa: F401
from ends import FRONT
from guest import Guest
from linux import INIT, Linux, boot_files
from test_xl import check_held, held, wait_for

HERE = "10.9.0.1"
MAC = "00:16:3e:5a:00:%02x"
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
    return "mac=%s,backend=%s,type=vif" % (MAC % n, dom.name)


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


@pytest.fixture
def pair(lab, tmp_path):
    """pair(dom): two Linux guests behind dom, each with a file /f."""
    made = []

    def create(dom):
        files = boot_files(str(tmp_path / "root"), ["xen-netfront"], INIT)
        for n in (8, 9):
            made.append(Linux(lab, "linux%d" % n, files, vifs=[vif(dom, n)]))
            made[-1].create()
            made[-1].run("dd if=/dev/urandom of=/f bs=1M count=%d" % MIB)
        return made
    yield create
    for peer in made:
        peer.remove()


@pytest.fixture
def files(lab):
    """dom0 serves a file."""
    lab.check("mkdir -p /www && dd if=/dev/urandom of=/www/f bs=1M count=2 "
              "2>/dev/null")
    server = lab.spawn("exec busybox httpd -f -p 8081 -h /www")
    yield
    server.kill()


def take_address(peer, address, router):
    """A Linux guest gets its address, by DHCP if it is given none."""
    if address:
        peer.run("ip link set eth0 up; ip addr add %s/24 dev eth0" % address)
        return address
    peer.run("""printf '#!/bin/sh\n[ $1 = bound ] || exit 0
ip addr add $ip/24 dev eth0\nip route add default via $router\n' >/bound
chmod 755 /bound; ip link set eth0 up
udhcpc -n -q -t 20 -i eth0 -s /bound""")
    assert "via " + router in peer.run("ip route")
    return re.search(r"inet ([0-9.]+)/", peer.run("ip addr show eth0")
                     ).group(1)


def checksum(text):
    """The one in what sha256sum printed."""
    return re.search(r"\b[0-9a-f]{64}\b", text).group()


def talk(lab, one, two, address):
    """A file to the other guest, one to dom0 and one from there."""
    two.run("(tail -f /dev/null | nc -l -p 9000 >/g) >/dev/null 2>&1 &")
    one.run("ping -q -c 20 -i 0.2 %s; nc %s 9000 </f" % (address, address))
    mine = checksum(one.run("sha256sum </f"))
    assert checksum(two.run("sleep 1; sha256sum </g")) == mine
    server = lab.spawn("exec nc -l -p 9001 >/lab/g")
    one.run("sleep 1; nc 10.0.2.4 9001 </f")
    assert server.wait(60) == 0
    assert checksum(lab.check("sha256sum </lab/g; rm /lab/g")) == mine
    got = checksum(two.run("wget -q -O - http://10.0.2.4:8081/f | sha256sum"))
    assert got == checksum(lab.check("sha256sum </www/f"))


@pytest.mark.long
@pytest.mark.parametrize("rules,own", [
    ([], ("10.0.2.71", "10.0.2.72")), (RULES[:5] + RULES[-1:], ("", ""))],
    ids=["bridged", "routed"])
def test_two_linux(lab, guest, capture, pair, files,    # noqa: F811
                   rules, own):
    """Two Linux guests, which send large packets and leave checksums blank:
    to dom0 none of either goes."""
    dom = guest("pvh", "app=netdomain root=none netfront.offload=NO " +
                " ".join('rule="%s"' % rule for rule in rules), memory=32,
                extra=["driver_domain = 1"])
    uplink = dom.expect(rb"net: (?:wan|all) address (10\.0\.2\.\d+)", 90
                        ).group(1).decode()
    with capture("vif%s.0" % lab.check("xl domid " + dom.name).strip()
                 ) as frames:
        one, two = pair(dom)
        take_address(one, own[0], HERE)
        talk(lab, one, two, take_address(two, own[1], HERE))
    count, senders = check(frames)
    assert count > (MIB + 2) << 20 // 1460
    assert (bytes(map(int, uplink.split("."))) in senders) == (not own[0])
    assert not any(s.startswith(bytes([10, 9, 0])) for s in senders)
    assert re.search(r"^xn0.*?completed [1-9]\d*, trains cut [1-9]",
                     dom.sh("netdomain"), re.M | re.S)


def rewire(lab, client, dom):
    """What a toolstack does whose driver domain has come again: name it to
    the guest that has its interface."""
    lab.check("""
c=$(xl domid %s) m=$(xl domid %s)
b=/local/domain/$m/backend/vif/$c/0 f=/local/domain/$c/device/vif/0
xenstore-write $b ''; xenstore-chmod $b n$m r$c
xenstore-chmod -r $f n$c r$m
xenstore-write $b/frontend $f $b/frontend-id $c $b/online 1 \\
    $b/mac %s $b/handle 0 $b/state 1
xenstore-write $f/backend-id $m $f/backend $b \\
    /libxl/$c/device/vif/0/backend $b""" % (client.name, dom.name, MAC % 1))


@pytest.fixture
def server(guest, disk, tmp_path):
    """server(dom): a Domus guest behind dom that serves a file /f, and the
    file's checksum."""
    def create(dom):
        path = str(tmp_path / "www.img")
        os.mkdir(tmp_path / "www")
        data = os.urandom(16 << 20)
        (tmp_path / "www" / "f").write_bytes(data)
        image.from_folder(str(tmp_path / "www"), path)
        new = guest("pvh", "app=httpd root=xvda ip=%s/24" % FRONT,
                    vifs=[vif(dom, 1)], disks=["phy:%s,xvda,r" % disk(path)])
        new.expect(rb"httpd: serving", 90)
        return new, hashlib.sha256(data).hexdigest()
    return create


@pytest.fixture
def bridging(guest, bridge):
    """bridging(): a network domain that bridges its guests to dom0."""
    def create():
        dom = guest("pvh", "app=netdomain root=none", memory=32,
                    vifs=["mac=%s,bridge=%s,type=vif" % (MAC % 15, bridge)],
                    extra=["driver_domain = 1"])
        dom.expect(rb"domus# ", 60)
        return dom
    return create


# A reader of the file: slowly, as long as it is held, then the rest.
FETCH = """set -o pipefail; touch /lab/hold; wget -q -O - http://%s/f | (n=0
while [ -e /lab/hold ]; do
	[ $n -ge 100 ] || dd bs=64k count=1 iflag=fullblock
	n=$((n+1)); touch /lab/flows; usleep 20000
done; cat) 2>/dev/null | sha256sum"""


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 20])
def test_restart(lab, bridging, server, times):
    """The domain is destroyed while a file is fetched through it, and comes
    again: the connection goes on, the file is right, and the guest holds what
    it held."""
    dom = bridging()
    client, want = server(dom)
    before = held(client)
    for _ in range(times):
        fetch = lab.spawn(FETCH % FRONT)
        wait_for(lab, "rm /lab/flows", 60)
        dom.remove()
        dom = bridging()
        rewire(lab, client, dom)
        client.expect(rb"net: xn0 carrier on", 60)
        assert fetch.wait(0) is None    # it had not come to its end
        lab.check("rm /lab/hold")
        assert fetch.wait(300) == 0
        assert fetch.out.split()[0].decode() == want
        lab.check("rm -f /lab/flows")
    check_held(client, before)
