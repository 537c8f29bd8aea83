# SPDX-License-Identifier: BSD-2-Clause
"""Disks and files of a guest on Xen, judged by e2fsprogs on the host."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest

MODES = ["pv", "pvh", "hvm"]
BIG = 3 << 20
ENV = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")


def tool(*argv, **kwargs):
    """Run one of e2fsprogs; its output."""
    return subprocess.run(argv, check=True, env=ENV, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **kwargs).stdout


@pytest.fixture
def image(tmp_path):
    """A file system with a large file and a directory."""
    source = tmp_path / "source"
    (source / "dir").mkdir(parents=True)
    (source / "big").write_bytes(os.urandom(BIG))
    (source / "dir" / "hello").write_text("hello\n")
    path = tmp_path / "image"
    tool("mke2fs", "-q", "-t", "ext4", "-d", str(source), str(path), "32M")
    return path


def digest(data):
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def batch(guest_, *commands):
    """Commands to a guest that was started with shell.batch=1; the status,
    when the guest has powered off, and what they said."""
    guest_.expect(rb"\x1ebegin\r?\n", 120)
    start = guest_.mark()
    guest_.send("\n".join(commands).encode() + b"\n\x04")
    status = int(guest_.expect(rb"\x1eexit (\d+)", 120).group(1))
    assert guest_.wait_end(60)
    return status, bytes(guest_.output[start:]).decode(errors="replace")


@pytest.mark.parametrize("mode", MODES)
def test_changes(guest, disk, image, mode):
    """What the guest writes is there, and e2fsck finds nothing."""
    big = (image.parent / "source" / "big").read_bytes()
    vbd = "phy:%s,xvda,w" % disk(image, readonly=False)
    status, said = batch(
        guest(mode, "app=shell root.rw=1 shell.batch=1", disks=[vbd]),
        "mkdir /new; cp /big /new/copy; mv /new/copy /new/moved",
        "sha256sum /new/moved; cp /dir/hello /new; cat /new/hello",
        "rm /dir/hello; rmdir /dir; df; ls -l /new")
    assert status == 0, said
    assert digest(big) + "  /new/moved" in said
    tool("e2fsck", "-fn", str(image))
    assert tool("debugfs", "-R", "cat /new/hello", str(image)).endswith(
        b"hello\n")
    out = image.parent / "out"
    tool("debugfs", "-R", "dump /new/moved %s" % out, str(image))
    assert digest(out.read_bytes()) == digest(big)
    assert b"File not found" in tool("debugfs", "-R", "stat /dir",
                                     str(image))


def test_batch_stops(guest, disk, image):
    """A batch ends with the first command that fails, and its status."""
    vbd = "phy:%s,xvda,r" % disk(image)
    status, said = batch(
        guest("pvh", "app=shell shell.batch=1", disks=[vbd]),
        "echo one; cat /nowhere; echo two", "echo three")
    assert status == 1
    assert "one" in said and "no such entry" in said
    assert "two" not in said and "three" not in said


def test_partitions(guest, disk, image, tmp_path):
    """The root file system is found on the first partition of a GPT."""
    table = tmp_path / "table"
    with open(table, "wb") as whole:
        whole.truncate(48 << 20)
        whole.seek(1 << 20)
        whole.write(image.read_bytes())
    tool("sfdisk", "-q", str(table), text=True,
         input="label: gpt\nsize=32MiB,type=L\nsize=4MiB,type=L\n")
    status, said = batch(
        guest("pvh", "app=shell shell.batch=1",
              disks=["phy:%s,xvda,r" % disk(table)]), "disks; mount; ls /dir")
    assert status == 0, said
    assert re.search(r"^xvda2 .*Linux filesystem", said, re.M)
    assert "xvda1 on /, ext4, read-only" in said
    assert "hello" in said


def test_journal(guest, disk, image):
    """A journal is replayed when the disk can be written, else refused."""
    block = tool("debugfs", "-R", "blocks /dir/hello",
                 str(image)).split()[-1].decode()
    changed = image.parent / "changed"
    changed.write_bytes(b"replayed\n" + bytes(4087))
    tool("debugfs", "-w", "-f", "-", str(image), text=True,
         input="jo\njw -b %s %s\njc\n" % (block, changed))
    other = shutil.copy(image, image.parent / "other")
    refused = guest("pvh", "app=shell", disks=["phy:%s,xvda,r" % disk(other)])
    refused.expect(rb"journal has to be replayed.*run e2fsck -p", 60)
    refused.remove()
    status, said = batch(
        guest("pvh", "app=shell shell.batch=1",
              disks=["phy:%s,xvda,w" % disk(image, readonly=False)]),
        "cat /dir/hello")
    assert status == 0, said
    assert re.search(r"^replay", said, re.M)
    tool("e2fsck", "-fn", str(image))


def test_detach_in_use(lab, guest, disk, image):
    """A mounted disk is not let go; when it is unmounted, it is."""
    plain = guest("pv", "app=shell")
    extra = disk(image, readonly=False)
    name = plain.name
    lab.check("xl block-attach %s phy:%s,xvdb,w" % (name, extra))
    plain.expect(rb"disk: xvdb", 30)
    plain.sh("mount -w xvdb /mnt/b")
    assert lab.exec("xl block-detach %s xvdb" % name).status != 0
    assert "hello" in plain.sh("cat /mnt/b/dir/hello")
    plain.sh("umount /mnt/b")
    assert lab.exec("xl block-detach %s xvdb" % name).status == 0
    tool("e2fsck", "-fn", str(image))
