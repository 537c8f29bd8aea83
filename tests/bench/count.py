# SPDX-License-Identifier: BSD-2-Clause
"""The plugin count.c: built for the QEMU that is here, and what it says."""

import os
import re
import subprocess

from build import LabError

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(os.path.dirname(os.path.dirname(HERE)), "out", "bench")


def plugin():
    """The plugin's path; it is built when it is not there."""
    path = os.path.join(OUT, "count.so")
    source = os.path.join(HERE, "count.c")
    if os.path.exists(path) and \
            os.path.getmtime(path) > os.path.getmtime(source):
        return path
    said = subprocess.run(["qemu-system-x86_64", "--version"], text=True,
                          stdout=subprocess.PIPE, check=True).stdout
    major = int(re.search(r"version (\d+)", said).group(1))
    os.makedirs(OUT, exist_ok=True)
    done = subprocess.run(
        ["gcc", "-O2", "-shared", "-fPIC", "-o", path, source,
         "-DPLUGIN_VERSION=%d" % (1 if major < 9 else 2)], check=False)
    if done.returncode != 0:
        raise LabError("the counting plugin does not build")
    return path


def symbols(elf, *names):
    """name -> address, of an ELF's symbols."""
    out = subprocess.run(["nm", elf], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    table = {w[2]: int(w[0], 16) for w in map(str.split, out.splitlines())
             if len(w) == 3}
    return {name: table[name] for name in names}


def arguments(out, points):
    """QEMU's arguments: count into a file, and note when points are reached
    ({name: address})."""
    return ["-plugin", ",".join(["%s,out=%s" % (plugin(), out)] + [
        "at=%s:%x" % item for item in points.items()])]


def counts(out):
    """name -> instructions, and "all", of a QEMU that has ended."""
    with open(out, encoding="utf-8") as f:
        return {m[0]: int(m[1]) for m in
                re.findall(r"^(?:at )?(\w+) (\d+)$", f.read(), re.M)}
