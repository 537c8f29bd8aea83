# SPDX-License-Identifier: BSD-2-Clause
"""The lab itself, with a Linux guest where it needs one."""

import glob
import hashlib
import os
import shutil

import build
import pytest
from build import LabError
from guest import Guest

PEER_INIT = """#!/bin/sh
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
ip link set eth0 up
udhcpc -i eth0 -n -q -s /bin/true 2>&1
echo "disk $(sha256sum </dev/xvda)"
echo 'peer ready'
poweroff -f
"""


@pytest.fixture(scope="session")
def peer(tmp_path_factory):
    """Linux as a guest: (kernel, initramfs)."""
    unpacked = build.kernel_package("cloud-")
    root = str(tmp_path_factory.mktemp("peer") / "root")
    os.makedirs(root + "/bin")
    shutil.copy("/bin/busybox", root + "/bin/busybox")
    os.symlink("busybox", root + "/bin/sh")
    build.stage_modules(unpacked, root, ["xen-netfront", "xen-blkfront"])
    with open(root + "/init", "w", encoding="ascii") as f:
        f.write(PEER_INIT)
    os.chmod(root + "/init", 0o755)
    build.make_initrd(root, root + ".cpio")
    return glob.glob(unpacked + "/boot/vmlinuz-*")[0], root + ".cpio"


def test_commands(lab):
    """stdout, stderr, standard input and status come back apart."""
    done = lab.exec("cat; echo wrong >&2; exit 3", stdin=b"right")
    assert (done.status, done.stdout, done.stderr) == (3, "right", "wrong\n")
    big = os.urandom(3 << 20)
    lab.put(big, "/tmp/big")
    assert hashlib.sha256(big).hexdigest() in lab.check("sha256sum /tmp/big")
    with pytest.raises(LabError, match="no end after 1 s"):
        lab.exec("sleep 30", timeout=1)


def test_dom0(lab):
    """Xen offers what the guests need."""
    info = lab.check("xl info")
    assert "hvm" in info and "hap" in info
    assert "Domain-0" in lab.check("xenstore-ls /local/domain/0")


@pytest.mark.parametrize("mode", ["pv", "pvh"])
def test_linux_guest(lab, peer, disk, tmp_path, mode):
    """A Linux guest has its disk, its address and its console."""
    image = tmp_path / "disk"
    image.write_bytes(os.urandom(1 << 20))
    linux = Guest(lab, "peer", mode, peer[0], peer[1], memory=160,
                  append="console=hvc0 quiet rdinit=/init",
                  disks=["phy:%s,xvda,r" % disk(image)])
    try:
        linux.create()
        linux.expect(rb"lease of 10\.0\.2\.\d+ obtained", 120)
        digest = linux.expect(rb"disk (\w{64})", 30).group(1).decode()
        assert digest == hashlib.sha256(image.read_bytes()).hexdigest()
        assert linux.wait_end(30) == "poweroff"
    finally:
        linux.remove()
