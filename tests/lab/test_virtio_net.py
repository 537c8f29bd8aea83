# SPDX-License-Identifier: BSD-2-Clause
"""Virtio network devices on QEMU: the link, what is ordered by the control
queue, and offloads against a tap device of this machine's kernel."""

import concurrent.futures
import contextlib
import http.client
import itertools
import os
import re
import socket
import subprocess
import urllib.request

import pytest
from vm import Vm

USER = ["-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,id=net"]
HOST, GUEST = "10.213.77.1", "10.213.77.2"
MIB = 1 << 20


@contextlib.contextmanager
def one(kernel, args, append=""):
    """A guest with one interface, which it has found."""
    with Vm(kernel, "q35", args, append="app=shell quiet=1 " +
            append) as guest:
        guest.sh_until("interfaces", "^vtnet0")
        yield guest


def test_link(kernel):
    """The carrier follows QEMU's."""
    with one(kernel, USER) as guest:
        guest.sh_until("interfaces", "carrier on")
        guest.qmp("set_link", name="net", up=False)
        guest.sh_until("interfaces", "carrier off")
        guest.qmp("set_link", name="net", up=True)
        guest.sh_until("interfaces", "carrier on")


def rx_filter(guest):
    """What QEMU's device takes."""
    return guest.qmp("query-rx-filter", name="net")[0]


def test_orders(kernel):
    """What the guest sets, the device does."""
    with one(kernel, USER) as guest:
        guest.sh_until("interfaces", "address fe80:")
        said = rx_filter(guest)
        assert said["promiscuous"] is False
        assert "33:33:00:00:00:01" in said["multicast-table"]
        # The solicited-node group of the link-local address.
        assert "33:33:ff:12:34:56" in said["multicast-table"]
        assert guest.sh("ifset vtnet0 promisc on; ifset vtnet0 vlan 7 on;"
                        "ifset vtnet0 allmulti on") == ""
        guest.sh("sleep 1")
        said = rx_filter(guest)
        assert said["promiscuous"] is True
        assert said["multicast"] == "all"
        assert said["vlan-table"] == [7]
        guest.sh("ifset vtnet0 promisc off; ifset vtnet0 vlan 7 off;"
                 "ifset vtnet0 mac 02:00:00:00:00:77")
        guest.sh("sleep 1")
        said = rx_filter(guest)
        assert said["promiscuous"] is False
        assert said["vlan-table"] == []
        assert said["main-mac"] == "02:00:00:00:00:77"


def test_no_orders(kernel):
    """Without a control queue nothing can be set, and all arrives."""
    args = USER[:-1] + [USER[-1] + ",ctrl_vq=off"]
    with one(kernel, args) as guest:
        assert "can not" in guest.sh("ifset vtnet0 promisc on")
        assert "orders to the device 0" in guest.sh("interfaces")
        assert "1 answered" in guest.sh("ping 10.0.2.2 1")


def test_announces(kernel):
    """Asked to by QEMU the guest tells its neighbours where it is."""
    with one(kernel, USER) as guest:
        guest.sh_until("interfaces", "10.0.2.15")
        before = re.search(r"sent (\d+) packets", guest.sh("interfaces"))
        orders = re.search(r"device (\d+),", guest.sh("interfaces"))
        guest.qmp("announce-self", initial=50, max=50, rounds=1, step=10)
        guest.sh_until("interfaces", "orders to the device %d,"
                       % (int(orders.group(1)) + 1))
        guest.sh("sleep 1")
        after = re.search(r"sent (\d+) packets", guest.sh("interfaces"))
        assert int(after.group(1)) > int(before.group(1))


# ---- offloads, with a tap device

@contextlib.contextmanager
def tap_device(*words):
    """A tap device with an address; its name."""
    name = "domus%d" % os.getpid()
    made = os.geteuid() == 0 and os.path.exists("/dev/net/tun") and \
        subprocess.run(["ip", "tuntap", "add", "dev", name, "mode", "tap",
                        *words], stderr=subprocess.DEVNULL).returncode == 0
    if not made:
        pytest.skip("no tap devices here: root, /dev/net/tun and ip(8) of"
                    " iproute2 are needed")
    try:
        for words in (["addr", "add", HOST + "/24", "dev", name],
                      ["link", "set", name, "up"]):
            subprocess.run(["ip"] + words, check=True)
        yield name
    finally:
        subprocess.run(["ip", "link", "del", name], check=True)


@pytest.fixture
def tap():
    """A tap device."""
    with tap_device() as name:
        yield name


@pytest.fixture
def wide_tap():
    """One with several queues."""
    with tap_device("multi_queue") as name:
        yield name


def counts(guest):
    """What the shell says of the interface, and its counters."""
    text = guest.sh("interfaces")
    found = re.search(r"queues (\d+), checksums left: received (\d+), sent"
                      r" (\d+); large: received (\d+), sent (\d+)", text)
    return text, [int(n) for n in found.groups()]


def traffic(guest, path="/f"):
    """4 MiB to the guest and back; the lines of its interface's counters."""
    data = os.urandom(4 * MIB)
    url = "http://%s%s" % (GUEST, path)
    put = urllib.request.Request(url, data, method="PUT")
    urllib.request.urlopen(put, timeout=120).close()
    with urllib.request.urlopen(url, timeout=120) as f:
        assert f.read() == data
    return counts(guest)


@contextlib.contextmanager
def on_tap(kernel, tap, tmp_path, device="", append="", pairs=1,
           release=None):
    """A guest that serves a disk on a tap device."""
    import image
    folder = tmp_path / "www"
    folder.mkdir()
    disk = str(tmp_path / "www.img")
    image.from_folder(str(folder), disk, True)
    queues, smp = "", []
    if pairs > 1:
        queues = ",queues=%d" % pairs
        device += ",mq=on,vectors=%d" % (2 * pairs + 2)
        smp = ["-smp", str(pairs)]
    args = smp + [
        "-netdev", "tap,id=n,ifname=%s,script=no,downscript=no%s" % (
            tap, queues),
        "-device", "virtio-net-pci,netdev=n,id=net" + device,
        "-drive", "if=none,id=d,format=raw,file=" + disk,
        "-device", "virtio-blk-pci,drive=d"]
    with Vm(kernel, "q35", args, append="app=httpd root=vda quiet=1 "
            "http.writable=1 ip=%s/24 %s" % (GUEST, append),
            qemu=release) as guest:
        guest.sh_until("log", "httpd: serving")
        yield guest


def test_offloads(kernel, tap, tmp_path):
    """Checksums are left to the other side, and large packets go both ways."""
    with on_tap(kernel, tap, tmp_path) as guest:
        text, (_, rxcsum, txcsum, rxlarge, txlarge) = traffic(guest)
        assert " csum4 csum6 tso4 tso6 " in text and " rxcsum lro" in text
        assert rxcsum > 0 and txcsum > 100 and rxlarge > 0 and txlarge > 100
        # The same over IPv6.
        address = guest.sh_until("interfaces", r"address (fe80:\S+)").group(1)
        client = http.client.HTTPConnection("%s%%%s" % (address, tap), 80,
                                            timeout=120)
        client.request("GET", "/f")
        with urllib.request.urlopen("http://%s/f" % GUEST, timeout=120) as f:
            assert client.getresponse().read() == f.read()
        client.close()
        assert counts(guest)[1][4] > 2 * txlarge
        # Told not to, the device sends none that are large.
        assert guest.sh("ifset vtnet0 lro off; sleep 1") == ""
        before = traffic(guest)[1][3]
        assert traffic(guest)[1][3] == before


@pytest.mark.parametrize("device,append", [
    ("", "hw.vtnet.csum_disable=1"),
    (",csum=off,guest_csum=off,host_tso4=off,host_tso6=off,guest_tso4=off,"
     "guest_tso6=off,guest_ecn=off,guest_ufo=off,host_ufo=off,host_ecn=off",
     ""),
    pytest.param(",mrg_rxbuf=off", "hw.vtnet.csum_disable=1",
                 marks=pytest.mark.long)])
def test_without_checksums(kernel, tap, tmp_path, device, append):
    """Without them all sums are made here, and all arrives as well."""
    with on_tap(kernel, tap, tmp_path, device, append) as guest:
        text, (_, rxcsum, txcsum, rxlarge, txlarge) = traffic(guest)
        assert "csum" not in re.search("offload:(.*)", text).group(1)
        assert rxcsum + txcsum + rxlarge + txlarge == 0


@pytest.mark.parametrize("setting,gone,left", [
    ("hw.vtnet.tso_disable=1", "tso4", "csum4"),
    ("hw.vtnet.lro_disable=1", "lro", "rxcsum")])
def test_without_segments(kernel, tap, tmp_path, setting, gone, left):
    """One way or the other, as the operator wants."""
    with on_tap(kernel, tap, tmp_path, append=setting) as guest:
        text, (_, _, _, rxlarge, txlarge) = traffic(guest)
        words = re.search("offload:(.*)", text).group(1).split()
        assert gone not in words and left in words
        assert (rxlarge if gone == "lro" else txlarge) == 0


@pytest.mark.parametrize("device", [
    ",mrg_rxbuf=off", ",disable-modern=on",
    ",disable-modern=on,mrg_rxbuf=off,any_layout=off"])
def test_headers(kernel, tap, tmp_path, device):
    """Headers of 12 and of 10 bytes, with and without a descriptor."""
    with on_tap(kernel, tap, tmp_path, device) as guest:
        assert traffic(guest)[1][2] > 0


def net_path(guest, name="virtio-net"):
    """The interface, or another device, as QEMU's monitor calls it."""
    return [d["path"] for d in guest.qmp("x-query-virtio")
            if d["name"] == name][0]


def agreed(guest, name="virtio-net"):
    """The features in use, without their prefix."""
    status = guest.qmp("x-query-virtio-status", path=net_path(guest, name))
    return {re.sub("VIRTIO_[A-Z]+_F_", "", word.split(":")[0]) for word in
            status["guest-features"]["dev-features"]}


def used(guest, queue):
    """How far the device is in a queue."""
    return guest.qmp("x-query-virtio-queue-status", path=net_path(guest),
                     queue=queue)["used-idx"]


def many(guest, data, n=24):
    """That many connections at once, each with a port of its own."""
    def one_of():
        with urllib.request.urlopen("http://%s/f" % GUEST, timeout=120) as f:
            return f.read() == data
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(f.result() for f in
                   [pool.submit(one_of) for _ in range(n)])


@pytest.mark.parametrize("release", [
    "10", pytest.param(None, marks=pytest.mark.long)])
@pytest.mark.parametrize("rss", [
    "on", pytest.param("off", marks=pytest.mark.long)])
def test_pairs(kernel, wide_tap, tmp_path, rss, release):
    """Four queue pairs, of which all are used; RSS spreads what arrives."""
    with on_tap(kernel, wide_tap, tmp_path, ",rss=" + rss, pairs=4,
                release=release) as guest:
        data = os.urandom(MIB // 8)
        put = urllib.request.Request("http://%s/f" % GUEST, data,
                                     method="PUT")
        urllib.request.urlopen(put, timeout=120).close()
        # Which queue a connection gets is chance: more of them, if need be.
        for _ in range(20):
            many(guest, data)
            unused = [n for n in range(8) if used(guest, n) == 0]
            if not unused:
                break
        assert not unused
        text, (queues, _, _, _, _) = counts(guest)
        assert queues == 4 and "refused 0" in text
        assert "MQ" in agreed(guest)
        assert ("RSS" in agreed(guest)) == (rss == "on")


def test_pairs_refused(kernel, wide_tap, tmp_path):
    """Of four pairs the operator wants one."""
    with on_tap(kernel, wide_tap, tmp_path, pairs=4, release="10",
                append="hw.vtnet.mq_disable=1") as guest:
        _, (queues, _, _, _, txlarge) = traffic(guest)
        assert queues == 1 and txlarge > 0
        assert "MQ" not in agreed(guest)


# ---- every feature of interfaces and disks, on and off

NET_BITS = {"CSUM": 0, "GUEST_CSUM": 1, "CTRL_GUEST_OFFLOADS": 2, "MTU": 3,
            "MAC": 5, "GUEST_TSO4": 7, "GUEST_TSO6": 8, "HOST_TSO4": 11,
            "HOST_TSO6": 12, "MRG_RXBUF": 15, "STATUS": 16, "CTRL_VQ": 17,
            "CTRL_RX": 18, "CTRL_VLAN": 19, "GUEST_ANNOUNCE": 21, "MQ": 22,
            "CTRL_MAC_ADDR": 23, "GUEST_USO4": 54, "GUEST_USO6": 55,
            "HOST_USO": 56, "RSS": 60}
BLK_BITS = {"SEG_MAX": 2, "BLK_SIZE": 6, "FLUSH": 9, "TOPOLOGY": 10,
            "CONFIG_WCE": 11, "MQ": 12, "DISCARD": 13, "WRITE_ZEROES": 14}


def refusals():
    """Each bit of an interface, with one of a disk; and none of either."""
    yield pytest.param("", "", id="none")
    for net, blk in zip(NET_BITS, itertools.cycle(BLK_BITS)):
        yield pytest.param(net, blk, id=net, marks=pytest.mark.long)


@pytest.mark.parametrize("net,blk", refusals())
def test_own_features(kernel, wide_tap, tmp_path, net, blk):
    """All that QEMU 10 has is used; what is refused is not, and data gets
    through without it."""
    words = "%s,%s" % ("1:%d" % NET_BITS[net] if net else "",
                       "2:%d" % BLK_BITS[blk] if blk else "")
    with on_tap(kernel, wide_tap, tmp_path, ",rss=on,host_mtu=1450",
                "hw.virtio.features_off=" + words, 2, "10") as guest:
        traffic(guest)
        used_net, used_blk = agreed(guest), agreed(guest, "virtio-blk")
        assert net not in used_net and blk not in used_blk
        if not net:
            assert set(NET_BITS) - used_net == set()
            assert set(BLK_BITS) - used_blk == set()


# ---- datagrams

NDATAGRAM = 64                          # fit in a socket
UDP_SEGMENT = 103                       # of <linux/udp.h>


def received(guest):
    """Datagrams that the guest's UDP was given."""
    return int(re.search(r"udp +(\d+)", guest.sh("netstat")).group(1))


@pytest.mark.parametrize("uso", [
    "on", pytest.param("off", marks=pytest.mark.long)])
def test_datagrams(kernel, tap, tmp_path, uso):
    """Datagrams in large packets stay what they are, in both directions."""
    device = "".join(",%s=%s" % (name, uso) for name in
                     ("host_uso", "guest_uso4", "guest_uso6"))
    with on_tap(kernel, tap, tmp_path, device, release="10") as guest, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert ("HOST_USO" in agreed(guest)) == (uso == "on")
        assert ("GUEST_USO4" in agreed(guest)) == (uso == "on")
        sock.bind((HOST, 0))
        sock.settimeout(60)
        # Before the neighbour is known only some of many would be kept.
        assert "1 answered" in guest.sh("ping %s 1" % HOST)
        guest.send(b"udpsend %s %d 1000 %d\r" % (
            HOST.encode(), sock.getsockname()[1], NDATAGRAM))
        for n in range(NDATAGRAM):
            data = sock.recv(65536)
            assert data == n.to_bytes(4, "big") + bytes([n % 256]) * 996
        large = counts(guest)[1]
        assert (large[4] > 0) == (uso == "on")
        # 64 KiB at once become datagrams of 900 bytes, and a short one.
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 900)
        before = received(guest)
        for _ in range(4):
            sock.sendto(bytes(900 * 40 + 17), (GUEST, 9))
        guest.sh_until("netstat", r"udp +%d" % (before + 4 * 41))
        assert (counts(guest)[1][3] > large[3]) == (uso == "on")
