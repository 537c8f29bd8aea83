# SPDX-License-Identifier: BSD-2-Clause
"""The releases of Xen that the lab can boot: hypervisor, tools and device
model of one release each.

One is installed (tools/setup); the others are sets of packages (tools/sets),
fetched when they are asked for and run with their own libraries.
"""

import glob
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SETS = os.path.join(ROOT, "tools", "sets")
LIBDIR = "/lib/x86_64-linux-gnu/"
LOADER = "/lib64/ld-linux-x86-64.so.2"
DEVICE_MODELS = ("/usr/libexec/xen-qemu-system-i386",
                 "/usr/bin/qemu-system-i386")
NEED = LIBDIR + "libgcc_s.so.1"         # by dlopen(), for pthread_cancel()


class LabError(Exception):
    """What went wrong and what to do, in one line for the user."""


def run(*argv, **kwargs):
    """Run a command; its output is returned, its failure is an error."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, **kwargs)
    if done.returncode != 0:
        raise LabError("failed: " + " ".join(argv))
    return done.stdout


def version(path):
    """The numbers in a file's name, to find the newest with."""
    return [int(n) for n in re.findall(r"\d+", os.path.basename(path))]


class Release:
    """One release of Xen, installed or in a directory of its own."""

    def __init__(self, name, root=""):
        self.name = name
        self.root = root
        self.xen = "/usr/lib/xen-" + name

    def path(self, name):
        """Where a file of the release is on this machine."""
        return self.root + name

    def device_model(self):
        """The device model's path in the release."""
        for name in DEVICE_MODELS:
            if os.path.exists(self.path(name)):
                return name
        raise LabError("Xen %s has no device model here: run tools/setup"
                       % self.name)

    def hypervisor(self, fetch):
        """Xen itself, gzipped; fetch(name) unpacks a package."""
        where = self.root or fetch("xen-system-amd64",
                                   "xen-hypervisor-%s-amd64"
                                   % re.escape(self.name))
        return glob.glob(where + "/boot/xen-*-amd64.gz")[0]

    def libraries(self, *binaries):
        """The shared libraries that paths of the release need: pairs of
        (path here, path in a root file system)."""
        if not self.root:
            names = {NEED}
            for binary in binaries:
                names.update(re.findall(r"(?:=> )?(/\S+) \(0x",
                                        run("ldd", binary)))
            return sorted((name, name) for name in names)
        dirs = [self.root + LIBDIR, self.root + "/usr" + LIBDIR]
        files = glob.glob(dirs[0] + "ld-*.so*") + \
            glob.glob(dirs[1] + "ld-*.so*")
        loader = next(f for f in files if not os.path.islink(f))
        found = {next(d for d in dirs if os.path.exists(
            d + os.path.basename(NEED))) + os.path.basename(NEED)}
        for binary in binaries:
            said = run(loader, "--inhibit-cache", "--library-path",
                       ":".join(dirs), "--list", self.path(binary))
            if "not found" in said:
                raise LabError("%s lacks a library:\n%s" % (binary, said))
            found.update(re.findall(r"=> (/\S+) \(0x", said))
        pairs = [(f, LIBDIR + os.path.basename(f)) for f in found]
        return sorted(pairs) + [(loader, LOADER)]


def installed():
    """The release whose tools are installed."""
    tool = max((os.path.dirname(os.path.dirname(xl))
                for xl in glob.glob("/usr/lib/xen-4.*/bin/xl")),
               key=version, default=None)
    if not tool or not os.path.exists(DEVICE_MODELS[0]):
        raise LabError("Xen's tools are not installed: run tools/setup")
    return Release(os.path.basename(tool).replace("xen-", ""))


def names():
    """The releases that can be had, besides the one installed."""
    found = [os.path.basename(s)[4:] for s in glob.glob(SETS + "/xen-*")]
    return sorted(found, key=version)


def get(name=None):
    """The release of that name, fetched when it is not here; None is the one
    that is installed."""
    here = installed()
    if name in (None, here.name):
        return here
    if name not in names():
        raise LabError("there is no Xen %s for the lab: choose one of %s"
                       % (name, ", ".join(names())))
    fetch = os.path.join(ROOT, "tools", "fetch")
    return Release(name, run(fetch, "set", "xen-" + name).strip())
