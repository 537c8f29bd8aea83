# SPDX-License-Identifier: BSD-2-Clause
"""xl mem-set: the guest has what Xen says that it has, and lives with it."""

import re
import time

import pytest
from build import LabError

BALLOON = re.compile(r"balloon: xenballoon0 target (\d+) held (\d+) ")
PAGES = 256                             # of a MiB
TIMEOUT = 600


def held(guest):
    """(wanted, held) pages."""
    for _ in range(10):
        found = BALLOON.search(guest.sh("balloon"))
        if found:
            return int(found.group(1)), int(found.group(2))
    raise LabError("no balloon:\n" + guest.tail())


def memory_of(lab, guest):
    """What Xen says that the domain has, in MiB."""
    return int(lab.check("xl list " + guest.name).split("\n")[1].split()[2])


def set_memory(lab, guest, mib, want):
    """xl mem-set, and wait until so many pages are held."""
    lab.check("xl mem-set %s %d" % (guest.name, mib))
    end = time.monotonic() + TIMEOUT
    while held(guest) != (want, want):
        if time.monotonic() > end:
            raise LabError("held are %s pages, not %d" % (held(guest), want))
        time.sleep(1)


@pytest.mark.parametrize("mode, memory, most, cycles", [
    ("pv", 64, 64, 1),
    pytest.param("pv", 64, 64, 100, marks=pytest.mark.long),
    pytest.param("pvh", 64, 64, 20, marks=pytest.mark.long),
    pytest.param("pvh", 64, 128, 10, marks=pytest.mark.long),
    pytest.param("hvm", 64, 128, 10, marks=pytest.mark.long)])
def test_mem_set(lab, guest, mode, memory, most, cycles):
    """Down and up again, both accounts agree; more than all does nothing."""
    new = guest(mode, memory=memory, append="app=shell",
                extra=["maxmem = %d" % most])
    new.expect(rb"xn0 address", 180)
    set_memory(lab, new, most, 0)
    full = memory_of(lab, new)
    for _ in range(cycles):
        set_memory(lab, new, 40, (most - 40) * PAGES)
        assert memory_of(lab, new) == full - (most - 40)
        set_memory(lab, new, most, 0)
        assert memory_of(lab, new) == full
    domid = lab.check("xl domid " + new.name).strip()
    target = "xenstore-write /local/domain/%s/memory/target " % domid
    for word in ("lots", "-1", str(1 << 30)):
        lab.check(target + "-- " + word)
    assert held(new) == (0, 0)
    lab.check(target + "1024")          # less than it can do with
    new.expect(b"short of the target: nothing can be spared", 300)
    lab.check(target + str(most << 10))
    new.expect(b"the target is reached", 300)
    assert held(new) == (0, 0) and memory_of(lab, new) == full
    assert new.shutdown() == "poweroff"
