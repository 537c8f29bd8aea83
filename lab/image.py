# SPDX-License-Identifier: BSD-2-Clause
"""Disk images: an ext4 file system made from a folder, and what a given
disk holds."""

import os
import subprocess

from build import LabError

MIB = 1 << 20
SLACK = 8 * MIB
WRITABLE_SLACK = 256 * MIB


def folder_size(folder):
    """Bytes that the folder's files take in an ext4 file system, about."""
    total = 0
    for where, dirs, files in os.walk(folder, onerror=unreadable):
        total += 4096 * (1 + len(dirs))
        for name in files:
            path = os.path.join(where, name)
            if not os.path.islink(path) and not os.access(path, os.R_OK):
                raise LabError("cannot read %s: change its permissions or"
                               " leave it out" % path)
            total += os.lstat(path).st_size // 4096 * 4096 + 4096 + 256
    return total


def unreadable(error):
    """Called by os.walk for a folder that it cannot list."""
    raise LabError("cannot read the folder %s: %s"
                   % (error.filename, error.strerror))


def from_folder(folder, image, writable=False):
    """Make image an ext4 disk with the folder's files."""
    size = folder_size(folder)
    size += size // 16 + (WRITABLE_SLACK if writable else SLACK)
    os.makedirs(os.path.dirname(image), exist_ok=True)
    free = os.statvfs(os.path.dirname(image))
    if free.f_bavail * free.f_frsize < size:
        raise LabError("no room for a disk image of %d MiB in %s"
                       % (size // MIB, os.path.dirname(image)))
    done = subprocess.run(
        ["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0",
         "-O", "^has_journal", "-E", "root_owner=0:0", "-L", "domus",
         "-d", folder, image, "%dk" % (size // 1024)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise LabError("cannot make a disk from %s: %s" % (folder, said[-1]))


def partitioned(path):
    """Whether a disk has a partition table and no file system of its own."""
    with open(path, "rb") as f:
        f.seek(510)
        table = f.read(2) == b"\x55\xaa"
        f.seek(1024 + 56)
        return table and f.read(2) != b"\x53\xef"


def check_disk(path, writable):
    """A disk image the user named: can it be handed to a guest at all?"""
    if not os.path.exists(path):
        raise LabError("no such disk image: " + path)
    if not os.access(path, os.R_OK | (os.W_OK if writable else 0)):
        raise LabError("no permission to %s the disk image %s"
                       % ("write" if writable else "read", path))
    if os.path.isfile(path) and (os.path.getsize(path) < 512 or
                                 os.path.getsize(path) % 512):
        raise LabError("%s is not a disk image: its size is not a multiple"
                       " of 512 bytes" % path)
