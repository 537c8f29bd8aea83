# SPDX-License-Identifier: BSD-2-Clause
"""Linux as a guest of the lab, with a shell, e2fsprogs and fio: a front end
that we did not write."""

import glob
import os
import re
import shutil
import subprocess

import build
from guest import Guest

ROOT = build.ROOT
MODULES = ["xen-blkfront", "crc32c_generic", "ext4"]
TOOLS = ["/sbin/mke2fs", "/sbin/e2fsck"]
INIT = """#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin PS1= PS2=
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
while read -r module; do insmod "/modules/$module"; done </modules/order
i=0
while [ "$(ls /dev/xvd? 2>/dev/null | wc -l)" -lt "$disks" ] && [ $i -lt 600 ]
do
    usleep 100000
    i=$((i+1))
done
stty -echo
echo 'linux: ready'
sh
poweroff -f
"""


def boot_files(root, modules, init):
    """A kernel, and a first file system of busybox, the modules, that script
    and what is in the directory already; their names."""
    unpacked = build.kernel_package("cloud-")
    for name in "bin sbin proc sys dev tmp mnt lib etc".split():
        os.makedirs("%s/%s" % (root, name), exist_ok=True)
    shutil.copy("/bin/busybox", root + "/bin/busybox")
    os.symlink("busybox", root + "/bin/sh")
    build.stage_modules(unpacked, root, modules)
    with open(root + "/init", "w", encoding="ascii") as f:
        f.write(init)
    os.chmod(root + "/init", 0o755)
    build.make_initrd(root, root + ".cpio")
    return glob.glob(unpacked + "/boot/vmlinuz-*")[0], root + ".cpio"


def stage_program(root, program, target):
    """Put a program and the libraries that it needs into the root."""
    os.makedirs(root + os.path.dirname(target), exist_ok=True)
    shutil.copy(program, root + target)
    said = subprocess.run(["ldd", program], stdout=subprocess.PIPE,
                          text=True, check=True).stdout
    for lib in re.findall(r"(/\S+)", said):
        os.makedirs(root + os.path.dirname(lib), exist_ok=True)
        shutil.copy(lib, root + lib)


def initramfs(root, fio=False):
    """Boot files in that directory, which is none yet, with e2fsprogs.  fio
    is built, once, if wanted."""
    os.makedirs(root + "/sbin")
    os.makedirs(root + "/bin")
    if fio:
        subprocess.run(["make", "-s", "-C", ROOT, "out/fio/fio"], check=True)
        shutil.copy(ROOT + "/out/fio/fio", root + "/bin/fio")
    for tool in TOOLS:
        stage_program(root, tool, tool)
    return boot_files(root, MODULES, INIT)


class Linux(Guest):
    """A guest with a shell on its console.  Busybox prefers its own tools to
    others of the same name: name /sbin/mke2fs in full."""

    def __init__(self, lab, name, files, disks=(), mode="pvh", extra=(),
                 **settings):
        """files: what initramfs() made.  It waits for its disks."""
        # Its AVX code does not work in QEMU's emulation under Xen.
        super().__init__(lab, name, mode, files[0], files[1], memory=192,
                         append="console=hvc0 quiet rdinit=/init disks=%d"
                         % len(disks), disks=disks,
                         extra=['cpuid = "host,avx=0,avx2=0"', *extra],
                         **settings)

    def create(self, timeout=120):
        """Start it and wait for its shell."""
        super().create(timeout)
        self.expect(rb"^linux: ready", 240)
        return self

    def run(self, script, timeout=240):
        """Run commands, of which none may fail; what they said."""
        start = self.mark()
        self.send(b"(set -e\n%s\n) 2>&1; echo end=$?\n" % script.encode())
        status = self.expect(rb"^end=(\d+)\r*\n", timeout).group(1)
        said = self.output[start:self.mark()].decode(errors="replace")
        assert status == b"0", said
        return said.replace("\r", "")
