# SPDX-License-Identifier: BSD-2-Clause
"""The plugin count.c: built for the QEMU that is here, and what it says."""

import os
import re
import subprocess
import time

from build import LabError

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 30                           # s, against hangs
OUT = os.path.join(os.path.dirname(os.path.dirname(HERE)), "out", "bench")

CLOCK = 3                               # for Lab's icount: 8 ns an instruction


def clock_note():
    """What to tell of times in a lab with that."""
    return ("an instruction takes %d ns of the machine's time, and its two "
            "CPUs take turns: rates are of that time, and say how many "
            "instructions lie one behind the other, not how fast any hardware "
            "is" % (1 << CLOCK))


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
        ["gcc", "-O2", "-shared", "-fPIC", "-pthread", "-o", path,
         source,
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


class Counter:
    """A QEMU that is asked for its count as it runs: start it with argv."""

    def __init__(self, name):
        os.makedirs(OUT, exist_ok=True)
        self._out = os.path.join(OUT, name + ".count")
        self._ask = os.path.join(OUT, name + ".ask")
        if os.path.exists(self._ask):
            os.unlink(self._ask)
        os.mkfifo(self._ask)
        self._asked = 0
        self.argv = ["-plugin", "%s,out=%s,ask=%s" % (plugin(), self._out,
                                                      self._ask)]

    def now(self):
        """Instructions that all virtual CPUs have executed so far."""
        return self.parts()["all"]

    def parts(self):
        """The same as "all", and by CPU and kind, as count.c has them:
        {"cpu1_kernel": COUNT, ...}."""
        self._asked += 1
        name = "asked%d" % self._asked
        with open(self._ask, "w", encoding="ascii") as f:
            f.write(name + "\n")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = counts(self._out)
            if name in found:
                return {"all": found[name], **{
                    key[len(name) + 1:]: value for key, value
                    in found.items() if key.startswith(name + "_")}}
            time.sleep(0.02)
        raise LabError("the counting plugin does not answer")
