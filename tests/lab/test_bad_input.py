# SPDX-License-Identifier: BSD-2-Clause
"""Bad input: one clear line that says what to do, and nothing hangs."""

import os
import socket
import subprocess

import pytest
from conftest import ROOT, run_domus

DRIVER = [os.path.join(ROOT, "lab", "run.py")]


def refused(*argv, status=1, env=None):
    """Run domus run with arguments that must be refused; its last line."""
    done = subprocess.run(["/usr/bin/python3", *DRIVER, *argv], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=20, env=env)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_unknown_option():
    """An unknown option is a usage error."""
    assert "--nonsense" in refused("--nonsense", status=2)


def test_unknown_mode():
    """An unknown mode is told with the modes there are."""
    assert "pvh" in refused("--mode", "xyz", status=2)


def test_unknown_command():
    """An unknown command of the front door."""
    done = run_domus("frobnicate", timeout=20)
    assert done.returncode == 2
    assert "unknown command 'frobnicate'" in done.stderr


def test_missing_folder():
    """A folder that is not there."""
    assert "no such folder" in refused("/no/such/folder")


def test_port_in_use():
    """A port somebody else listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = str(sock.getsockname()[1])
        assert "--port" in refused("--port", port)


def test_too_little_memory():
    """Less memory than the guest can live in."""
    assert "at least 32" in refused("--memory", "8")


def test_not_a_disk(tmp_path):
    """A file that cannot be a disk."""
    path = tmp_path / "odd"
    path.write_bytes(b"x" * 1000)
    assert "not a disk image" in refused(str(path))


def test_no_qemu(tmp_path):
    """No QEMU on this machine."""
    line = refused("--port", "18999", env={"PATH": str(tmp_path)})
    assert "tools/setup" in line


def test_not_a_dom0():
    """--on host needs a dom0."""
    if os.path.exists("/proc/xen/capabilities"):
        pytest.skip("this machine runs on Xen")
    assert "not a Xen dom0" in refused("--on", "host")


# What only the guest can find out: it says so, and its shell stays up.

def complains(new, words, timeout=180):
    """The guest says the words; its shell answers afterwards."""
    new.expect(words, timeout)
    assert "poweroff" in new.sh("help")


def test_no_disk(guest):
    """A guest without a disk."""
    complains(guest(append="app=httpd root=xvda root.wait=5"),
              rb"no disk xvda: .*attach")


def test_foreign_disk(guest, disk, tmp_path):
    """A disk with nothing on it that the guest knows."""
    path = tmp_path / "foreign.img"
    path.write_bytes(os.urandom(4 << 20))
    complains(guest(disks=["phy:%s,xvda,r" % disk(path)]),
              rb"xvda (holds|is) .*(ext|mke2fs)")


def test_blank_disk(guest, disk, tmp_path):
    """A disk of zeroes."""
    path = tmp_path / "blank.img"
    path.write_bytes(bytes(4 << 20))
    complains(guest(disks=["phy:%s,xvda,r" % disk(path)]),
              rb"xvda is blank: .*mke2fs")


def test_partition_that_is_not_there(guest, disk, tmp_path):
    """A partition of a disk without partitions."""
    path = tmp_path / "zero.img"
    path.write_bytes(bytes(4 << 20))
    complains(guest(append="app=httpd root=xvda1 root.wait=5",
                    disks=["phy:%s,xvda,r" % disk(path)]),
              rb"no disk xvda1: ")


def test_corrupt_superblock(guest, disk, site_image, tmp_path):
    """An ext4 file system whose superblock is damaged."""
    path = tmp_path / "corrupt.img"
    with open(site_image, "rb") as f:
        data = bytearray(f.read())
    data[1024 + 4:1024 + 48] = os.urandom(44)
    path.write_bytes(data)
    complains(guest(disks=["phy:%s,xvda,r" % disk(path)]),
              rb"superblock is corrupt: .*e2fsck")


def test_no_dhcp_answer(lab, guest, disk, site_image):
    """A network without a DHCP server."""
    lab.check("[ -e /sys/class/net/lonely ] || brctl addbr lonely;"
              " ip link set lonely up")
    new = guest(disks=["phy:%s,xvda,r" % disk(site_image)],
                vifs=["mac=00:16:3e:00:00:99,bridge=lonely,type=vif"])
    complains(new, rb"no answer from a DHCP server.*ip=", 120)
