# SPDX-License-Identifier: BSD-2-Clause
"""XenStore as guests use it, served by xenstored and by oxenstored."""

import re
import time

import pytest
from guest import Guest
from lab import STORES, Lab

SHORT = 50                              # additions of each of two guests
LONG = 5000
CHANGES = 200


@pytest.fixture(scope="module", params=[
    STORES[0], pytest.param(STORES[1], marks=pytest.mark.long)])
def store(request):
    """A lab with the store, and its name."""
    with Lab(guest_memory=192, name=request.param,
             store=request.param) as running:
        yield running, request.param


@pytest.fixture
def shells(store, kernel):
    """shells(n): so many guests with a shell."""
    made = []

    def create(count):
        for n in range(count):
            new = Guest(store[0], "s%d" % n, "pvh" if n % 2 else "pv",
                        kernel, vifs=[], append="app=shell")
            made.append(new)
            new.create()
            new.domid = int(store[0].check("xl domid " + new.name))
            new.expect(rb"domus# ", 60)
        return made

    yield create
    for old in made:
        old.remove()


def say(guest, line, pattern, timeout=120):
    """Type a line at the shell; the match of what follows."""
    guest.send(line.encode() + b"\r")
    return guest.expect(pattern, timeout)


def write(lab, pairs):
    """Write (path, value) pairs, by a few commands: they are slow to start."""
    for n in range(0, len(pairs), 100):
        lab.check("xenstore-write " + " ".join(
            "%s %s" % pair for pair in pairs[n:n + 100]))


def add(store, shells, times):
    """Two guests add to one number at once; the sum is exact."""
    lab = store[0]
    guests = shells(2)
    lab.check("xenstore-write /count 0; xenstore-chmod /count n0 b%d b%d"
              % tuple(g.domid for g in guests))
    for by, guest in enumerate(guests, 1):
        guest.send(b"xenstore add /count %d %d\r" % (by, times))
    for guest in guests:
        done = guest.expect(rb"(\d+) of %d\r?\n" % times, 60 + times)
        assert int(done.group(1)) == times
    assert int(lab.check("xenstore-read /count")) == 3 * times


def test_transactions(store, shells):
    """Transactions of two domains that conflict: none is lost or twice."""
    add(store, shells, SHORT)


@pytest.mark.long
def test_ten_thousand_transactions(store, shells):
    """The same, 10,000 times."""
    add(store, shells, LONG)


def test_watch(store, shells):
    """However fast values change, the watch tells of the last one."""
    lab = store[0]
    guest, = shells(1)
    path = "/local/domain/%d/data/seen" % guest.domid
    guest.send(b"xenstore watch data/seen 3600\r")
    time.sleep(1)
    write(lab, [pair for n in range(1, CHANGES + 1)
                for pair in ((path, "last%d" % n), (path + str(n), "1"))])
    guest.expect(rb"data/seen last%d\r?\n" % CHANGES, 60)
    guest.send(b"\x03")


def test_quota(store, shells):
    """The store's limit of nodes is an error that says so."""
    guest, = shells(1)
    done = say(guest, "xenstore fill data/f 2000",
               rb"(\d+) of 2000\r?\n([^\r\n]*)")
    assert 100 < int(done.group(1)) < 2000
    assert b"xenstore" in done.group(2)
    say(guest, "xenstore rm data/f", rb"domus# ")
    say(guest, "xenstore fill data/f 3", rb"3 of 3\r?\n")


def test_long_directory(store, shells):
    """A directory of more than 4 KiB is listed whole, where the store can
    send it in parts; else there is an error that says so."""
    lab, name = store
    guest, = shells(1)
    write(lab, [("/local/domain/%d/data/long/a-name-that-is-not-short-%d"
                 % (guest.domid, n), "1") for n in range(300)])
    start = len(guest.output)
    if name == "oxenstored":
        say(guest, "xenstore ls data/long", rb"the other side can not")
        return
    say(guest, "xenstore ls data/long", rb"not-short-299\r?\n")
    time.sleep(1)
    found = set(re.findall(rb"a-name-that-is-not-short-(\d+)\r?\n",
                           bytes(guest.output[start:])))
    assert len(found) == 300


def test_reconnect(store, shells):
    """A new connection has the watches of the old one (oxenstored), or is
    refused with an error (xenstored, which offers none)."""
    lab, name = store
    guest, = shells(1)
    if name == "xenstored":
        say(guest, "xenstore reconnect", rb"xenstore: reconnect: ")
        return
    for _ in range(3):
        say(guest, "xenstore reconnect", rb"connecting again")
        say(guest, "xenstore read domid", rb"\n%d\r?\n" % guest.domid)
        time.sleep(11)
    lab.check("xenstore-write /local/domain/%d/control/shutdown poweroff"
              % guest.domid)
    assert guest.wait_end(60) == "poweroff"
