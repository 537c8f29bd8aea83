# SPDX-License-Identifier: BSD-2-Clause
"""Guests are saved, restored and migrated while they work."""

import hashlib
import os
import re
import shutil
import threading
import time
import urllib.request

import image as disk_image
import pytest
from build import LabError
from conftest import ROOT
from test_serve import free_port
from test_xl import fetch

SERVING = rb"httpd: serving http://([^/:\s]+)"
FILE_MIB = 4
DISK_MIB = 16
PIECE = 16 << 10                        # bytes that the client reads at once
CYCLES = 50
RESUMED = b"suspend: resumed"
CANCELLED = b"suspend: cancelled, going on"
DIFFER = re.compile(rb"read \d+ sectors in \d+ ms, (\d+) differ")
COUNTS = re.compile(r"totals: devices (\d+) grants (\d+) evtchns (\d+) "
                    r"watches (\d+) pages (\d+) parked (\d+)")


class Transfer:
    """A file that a client reads over one connection: slowly, and the second
    half only when it is told to finish."""

    def __init__(self, lab, guest, content):
        address = re.findall(SERVING, guest.output)[-1].decode()
        self.lab, self.port, self.content = lab, free_port(), content
        lab.forward(int(self.port), address)
        self.pause, self.got, self.error = 0.2, b"", None
        self.rest = threading.Event()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        """All of it, in small pieces."""
        url = "http://127.0.0.1:%s/random.bin" % self.port
        try:
            with urllib.request.urlopen(url, timeout=240) as answer:
                while True:
                    piece = answer.read(PIECE)
                    if not piece:
                        break
                    self.got += piece
                    time.sleep(self.pause)
                    if len(self.got) > len(self.content) // 2:
                        self.rest.wait()
        except OSError as error:
            self.error = error

    def finish(self):
        """The rest at once; the connection held, no byte is wrong."""
        self.pause = 0
        self.rest.set()
        self.thread.join(240)
        self.lab.unforward(int(self.port))
        assert self.error is None, self.error
        assert hashlib.sha256(self.got).digest() == \
            hashlib.sha256(self.content).digest()

    def quit(self):
        """However the test ends."""
        self.pause = 0
        self.rest.set()
        self.thread.join(10)
        self.lab.unforward(int(self.port))


class Churn:
    """Random writes to a disk of the guest, each read again and compared."""

    def __init__(self, guest):
        self.guest, self.stop, self.rounds, self.bad = guest, False, 0, []
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        """Round after round, each with another pattern."""
        while not self.stop and not self.bad:
            self.guest.send(b"diskcheck -f xvdb %d random=400 io=8192 "
                            b"depth=8\r" % (self.rounds + 1))
            try:
                differ = self.guest.expect(DIFFER, 240).group(1)
            except LabError as error:
                self.bad.append(error)
                return
            if differ != b"0":
                self.bad.append("%s sectors differ" % differ.decode())
            self.rounds += 1

    def finish(self):
        """After the round that runs; none found a wrong byte."""
        self.stop = True
        self.thread.join(300)
        assert not self.bad, self.bad[0]
        assert self.rounds > 0


@pytest.fixture
def busy(lab, guest, disk, tmp_path):
    """busy(mode): a guest with two vCPUs and two disks that serves a large
    file, and the content of that."""
    def create(mode):
        folder = tmp_path / "www"
        shutil.copytree(os.path.join(ROOT, "examples", "site"), folder)
        content = os.urandom(FILE_MIB << 20)
        (folder / "random.bin").write_bytes(content)
        site, blank = str(tmp_path / "site.img"), str(tmp_path / "blank.img")
        disk_image.from_folder(str(folder), site)
        with open(blank, "wb") as f:
            f.truncate(DISK_MIB << 20)
        new = guest(mode, vcpus=2, append="app=httpd root=xvda",
                    disks=["phy:%s,xvda,w" % disk(site, readonly=False),
                           "phy:%s,xvdb,w" % disk(blank, readonly=False)])
        new.expect(SERVING, 180)
        wait_said(new, b"xvdb: %d MiB" % DISK_MIB, 1)
        wait_said(new, b"cpu: 2 of 2 up", 1)
        return new, content
    return create


def counts(guest):
    """What the guest's devices hold, once that has settled."""
    last = None
    for _ in range(20):
        found = COUNTS.search(guest.sh("devices"))
        if found and found.groups() == last:
            return last
        last = found and found.groups()
        time.sleep(1)
    raise LabError("the counts do not settle: %s" % (last,))


def wait_said(guest, text, times, timeout=120):
    """Until the guest has said it so often."""
    end = time.monotonic() + timeout
    while guest.output.count(text) < times:
        if time.monotonic() > end:
            raise LabError("not %d times %r:\n%s" % (times, text,
                                                     guest.tail()))
        time.sleep(0.2)


def move(guest, how):
    """One cycle."""
    if how == "migrate":
        guest.migrate()
    elif how == "cancel":
        guest.checkpoint("/lab/saved")
    else:
        guest.save("/lab/saved")
        guest.restore("/lab/saved")


def cycle_of(how, cycles):
    """Parameters of one mode's test."""
    return [(mode, how, cycles) for mode in ("pv", "pvh", "hvm")
            if (mode, how) != ("pv", "migrate")]    # see docs/testing.md


ORDINARY = [("pv", "save", 1)]
LONG = ([("pvh", "migrate", 1), ("hvm", "save", 1)] +
        cycle_of("save", CYCLES) + cycle_of("migrate", CYCLES) +
        cycle_of("cancel", 3))


@pytest.mark.parametrize("mode, how, cycles", ORDINARY + [
    pytest.param(*each, marks=pytest.mark.long) for each in LONG])
def test_goes_on(lab, busy, mode, how, cycles):
    """No wrong byte, no broken connection, no lost watch, nothing left."""
    web, content = busy(mode)
    before = counts(web)
    word = CANCELLED if how == "cancel" else RESUMED
    for cycle in range(cycles):
        transfer, churn = Transfer(lab, web, content), Churn(web)
        try:
            move(web, how)
            wait_said(web, word, cycle + 1)
            transfer.finish()
            churn.finish()
        finally:
            churn.stop = True
            transfer.quit()
    lab.check("rm -f /lab/saved")
    assert counts(web) == before
    lab.check("xl vcpu-set --ignore-host %s 1" % web.name)
    if mode != "hvm":                   # a watch of the kernel's
        web.expect(b"cpu: 1 of 2 up", 120)
    assert "FOLDER" in fetch(lab, web, "notes.txt")
    assert web.shutdown() == "poweroff"
