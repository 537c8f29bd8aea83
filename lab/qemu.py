# SPDX-License-Identifier: BSD-2-Clause
"""Which QEMU runs the guest: the system's, or a pinned release of its own."""

import os
import re
import shutil
import subprocess

from build import ROOT, LabError

# Sets of tools/fetch; each brings its libraries and firmware with it.
RELEASES = {"10": "qemu-10"}


def command(release=None):
    """The first words of QEMU's command line.  release: "10"; None: the
    system's."""
    if release is None:
        if not shutil.which("qemu-system-x86_64"):
            raise LabError("there is no qemu-system-x86_64 here: run "
                           "tools/setup")
        return ["qemu-system-x86_64"]
    if release not in RELEASES:
        raise LabError("no QEMU %s here: there is %s" % (
            release, ", ".join(RELEASES)))
    done = subprocess.run(
        [os.path.join(ROOT, "tools", "fetch"), "set", RELEASES[release]],
        stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise LabError("cannot fetch QEMU %s: see above" % release)
    root = done.stdout.strip()
    libraries = root + "/usr/lib/x86_64-linux-gnu"
    return [root + "/usr/lib64/ld-linux-x86-64.so.2", "--library-path",
            "%s:%s/pulseaudio" % (libraries, libraries),
            root + "/usr/bin/qemu-system-x86_64",
            "-L", root + "/usr/share/qemu", "-L", root + "/usr/share/seabios",
            "-L", root + "/usr/lib/ipxe/qemu"]


def version(release=None):
    """(major, minor) of that QEMU."""
    said = subprocess.run(command(release) + ["--version"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    return int(found.group(1)), int(found.group(2))
