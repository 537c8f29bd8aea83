# SPDX-License-Identifier: BSD-2-Clause
"""xl mem-set: the guest has what Xen says that it has, and lives with it."""

import re
import time

import pytest
from build import LabError
from conftest import KERNEL
from guest import Guest
from lab import Lab
from test_blockdomain import image      # noqa: F401
from test_migrate import Churn, end_churn

BALLOON = re.compile(r"balloon: xenballoon0 target (\d+) held (\d+) ")
POLICY = re.compile(r"policy (\w+) of (\d+) wish (\d+) lent (\d+) "
                    r"taken back (\d+) ceiling (\d+) delayed (\d+)")
PAGES = 256                             # of a MiB
TIMEOUT = 600


def held(guest):
    """(wanted, held) pages."""
    for _ in range(10):
        found = BALLOON.search(guest.sh("balloon"))
        if found:
            return int(found.group(1)), int(found.group(2))
        time.sleep(1)
    raise LabError("no balloon:\n" + guest.tail())


def policy(guest):
    """The name, and the numbers: all, wish, lent, taken back, .."""
    found = POLICY.search(guest.sh("balloon")).groups()
    return found[0], [int(n) for n in found[1:]]


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
        time.sleep(0.2)


@pytest.mark.parametrize("mode, memory, most, cycles", [
    ("pv", 64, 64, 1),
    pytest.param("pv", 64, 64, 10, marks=pytest.mark.long),
    pytest.param("pv", 64, 128, 10, marks=pytest.mark.long),
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
    for word in ("lots", "-1", "", "4x", "9" * 30, str(1 << 30)):
        lab.check(target + "-- '%s'" % word)
    assert held(new) == (0, 0)
    lab.check(target + "0")             # less than it can do with
    new.expect(b"short of the target: nothing can be spared", 300)
    lab.check(target + str(most << 10))
    new.expect(b"the target is reached", 300)
    assert held(new) == (0, 0) and memory_of(lab, new) == full
    assert new.shutdown() == "poweroff"


def use(guest, mib):
    """Have it hold so much; what it held is as it was."""
    want = "memory: %d of %d pages held, 0 were changed" % (
        mib * PAGES, mib * PAGES)
    text = guest.sh("memory hold %d" % mib, 300)
    assert want in text, text


@pytest.mark.parametrize("mode, cycles", [
    pytest.param(mode, cycles, marks=pytest.mark.long)
    for mode, cycles in (("pv", 2000), ("pvh", 100), ("hvm", 100))])
def test_cycles(lab, guest, disk, image, mode, cycles):
    """Between a quarter and all of its memory, which it fills and looks at
    each time, while it writes to a disk and compares."""
    most, least = 64, 16
    new = guest(mode, "app=shell", memory=most, disks=[
        "phy:%s,xvda,w" % disk(image(mib=8), readonly=False)])
    new.expect(rb"xn0 address", 180)
    full = memory_of(lab, new)
    churn = Churn(new, b"xvda")
    for _ in range(cycles):
        set_memory(lab, new, least, (most - least) * PAGES)
        assert memory_of(lab, new) == full - (most - least)
        lab.check("xl mem-set %s %d" % (new.name, most))
        use(new, most - 2 * least)
        set_memory(lab, new, most, 0)
        assert memory_of(lab, new) == full
        use(new, 0)
        churn.wait(1)
    end_churn(new, 1)
    assert new.shutdown() == "poweroff"


@pytest.fixture(scope="module")
def large_lab():
    """A lab with memory for one large guest."""
    with Lab(guest_memory=768, name="large") as running:
        yield running


@pytest.mark.parametrize("mode", [
    pytest.param(m, marks=pytest.mark.long) for m in ("pv", "pvh", "hvm")])
def test_growth(large_lab, kernel, mode):
    """Started with an eighth of what it may have: all of that can be had and
    used, and given back."""
    lab = large_lab
    new = Guest(lab, "grow", mode, KERNEL, append="app=shell", memory=64,
                vcpus=2, extra=["maxmem = 512"])
    new.create()
    new.expect(rb"xn0 address", 180)
    set_memory(lab, new, 64, 448 * PAGES)
    few = memory_of(lab, new)
    for _ in range(2):
        set_memory(lab, new, 512, 0)
        assert memory_of(lab, new) == few + 448
        assert "0 were changed" in new.sh("memory hold 440", 300)
        assert "0 were changed" in new.sh("memory hold 0", 300)
        set_memory(lab, new, 64, 448 * PAGES)
        assert memory_of(lab, new) == few
    assert new.shutdown() == "poweroff"
    new.remove()


def test_auto(lab, guest):
    """Idle memory is lent, and comes back before it is missed; what the
    operator says holds too."""
    new = guest("pv", memory=64, append="app=shell balloon.auto=1 "
                "balloon.floor=4 balloon.ceiling=8")
    new.expect(rb"xn0 address", 180)
    full = 64
    end = time.monotonic() + TIMEOUT
    while memory_of(lab, new) > full - 24 and time.monotonic() < end:
        time.sleep(1)
    assert memory_of(lab, new) <= full - 24
    assert policy(new)[0] == "auto"
    text = new.sh("memory hold 40")
    assert "of 10240 pages held, 0 were changed" in text
    assert text.split()[1] == "10240", text
    assert policy(new)[1][3] > 0
    assert "memory: 0 of 0 pages held, 0 were" in new.sh("memory hold 0")
    assert new.sh("balloon 48") == ""
    while held(new)[1] != 16 * PAGES and time.monotonic() < end:
        time.sleep(0.5)
    assert memory_of(lab, new) == full - 16
    assert "balloon: 65: " in new.sh("balloon 65")
    assert new.sh("balloon max") == ""
    while held(new)[1] != 0 and time.monotonic() < end:
        time.sleep(0.5)
    assert memory_of(lab, new) == full
    assert new.shutdown() == "poweroff"
