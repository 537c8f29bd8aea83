# SPDX-License-Identifier: BSD-2-Clause
"""Guests are saved, restored and migrated while they work."""

import os
import re
import shutil
import socket
import threading
import time

import image as disk_image
import pytest
from build import LabError
from conftest import ROOT
from guest import Guest
from test_blockdomain import disk_of, image, storage  # noqa: F401
from test_serve import free_port
from test_versions import Running
from test_xl import check_held, fetch, held

SERVING = rb"httpd: serving http://([^/:\s]+)"
FILE_MIB = 24
UNDER_WAY = 6 << 20                     # bytes; fewer are in all buffers
SITE_MIB = 40                           # the disk up to there
DISK_MIB = 16
FIRST = SITE_MIB << 11                  # sector behind the file system
MEMORY = 24                             # MiB: all of it is saved each time
PIECE = 64 << 10                        # bytes that the client reads at once
PAUSE = 0.5                             # seconds between pieces
CYCLES = 50
PATIENCE = 900                          # seconds for xl: the guest writes
RESUMED = b"suspend: resumed"
CANCELLED = b"suspend: cancelled, going on"
REQUEST = b"GET /random.bin HTTP/1.1\r\nHost: guest\r\n\r\n"
MARK = "data/mark"                      # what the guest watches


class Transfer:
    """A client that reads a large file on one connection, slowly, again and
    again, and has always asked for it once more.  All between it and the
    server is full, so the server waits to send at any time."""

    def __init__(self, lab, guest, content):
        address = re.findall(SERVING, guest.output)[-1].decode()
        self.lab, self.port, self.content = lab, int(free_port()), content
        lab.forward(self.port, address)
        self.hurry, self.last = threading.Event(), threading.Event()
        self.error = None
        self.got = 0                    # bytes, all of them right
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        """The file until it is the last time."""
        link = socket.socket()
        link.settimeout(PATIENCE)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * PIECE)
        try:
            link.connect(("127.0.0.1", self.port))
            with link.makefile("rb") as stream:
                link.sendall(REQUEST)
                while not self.last.is_set():
                    link.sendall(REQUEST)
                    self.answer(stream)
        except (OSError, ValueError) as error:
            self.error = "%r after %d bytes" % (error, self.got)
        finally:
            link.close()

    def answer(self, stream):
        """The file, in small pieces, compared."""
        line = stream.readline()
        if not line.startswith(b"HTTP/1.1 200 "):
            raise ValueError(line)
        while line not in (b"\r\n", b""):
            line = stream.readline()
        at = 0
        while at < len(self.content) and not self.last.is_set():
            want = self.content[at:at + PIECE]
            piece = stream.read(len(want))
            if piece != want:
                raise ValueError("%s bytes at %d: %r" % (
                    "no more" if want.startswith(piece) else "other",
                    at + len(piece), piece[:64]))
            at += len(want)
            self.got += len(want)
            self.hurry.wait(PAUSE)

    def holds(self):
        """Nothing is wrong with it yet."""
        assert not self.error, self.error

    def more(self, size):
        """So many bytes more come."""
        end, got = time.monotonic() + PATIENCE, self.got + size
        while self.got < got:
            self.holds()
            assert time.monotonic() < end, "no more than %d bytes" % self.got
            time.sleep(0.05)

    def finish(self):
        """More than what was under way, at once."""
        self.hurry.set()
        self.more(UNDER_WAY)

    def quit(self):
        """However the test ends."""
        self.last.set()
        self.hurry.set()
        self.thread.join(60)
        self.lab.unforward(self.port)


class Churn:
    """Random writes to a disk of the guest, each read again and compared, by
    a command beside its shell: it goes on by itself until end_churn()."""

    def __init__(self, guest, disk, first=0):
        """first: sector that the disk's file system ends before."""
        self.guest, self.start = guest, len(guest.output)
        self.said = re.compile(rb"diskcheck: %s: read \d+ sectors in \d+ ms, "
                               rb"(\d+) differ" % disk)
        guest.send(b"bg diskcheck -f %s 1 random=60 io=8192 depth=8 "
                   b"rounds=0 pause=1000 first=%d\r" % (disk, first))

    def rounds(self):
        """So many are done; none found a wrong byte, or failed."""
        output = self.guest.output[self.start:]
        assert b"bg: diskcheck: exit" not in output, self.guest.tail()
        differ = self.said.findall(output)
        assert set(differ) <= {b"0"}, self.guest.tail()
        return len(differ)

    def wait(self, rounds, timeout=300):
        """Until so many rounds more are done."""
        end, rounds = time.monotonic() + timeout, self.rounds() + rounds
        while self.rounds() < rounds:
            assert time.monotonic() < end, self.guest.tail()
            time.sleep(0.1)


def end_churn(guest, commands):
    """Stop what runs beside the guest's shell: so many commands."""
    start, end = len(guest.output), time.monotonic() + 120
    guest.send(b"bg stop\r")
    while len(re.findall(rb"bg: \w+: exit", guest.output[start:])) < commands:
        assert time.monotonic() < end, guest.tail()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def release():
    """release(name): a lab with that release of Xen, one at a time."""
    holder = Running()
    yield lambda name: holder.get(name, "xenstored")
    holder.close()


@pytest.fixture
def busy(kernel, tmp_path):
    """busy(lab, mode): a guest with two vCPUs and two disks that serves a
    file from the first, and the content of that."""
    made, plugged = [], []

    def plug(lab, path):
        name = "m%d" % len(plugged)
        plugged.append((lab, name))
        return lab.add_disk(name, str(path), False)

    def disks(lab):
        folder = tmp_path / "www"
        shutil.copytree(os.path.join(ROOT, "examples", "site"), folder)
        content = os.urandom(FILE_MIB << 20)
        (folder / "random.bin").write_bytes(content)
        disk_image.from_folder(str(folder), str(tmp_path / "xvda"))
        lines = []
        for vdev, mib in (("xvda", SITE_MIB + DISK_MIB), ("xvdb", DISK_MIB)):
            with open(tmp_path / vdev, "ab") as f:
                assert f.tell() <= SITE_MIB << 20
                f.truncate(mib << 20)
            lines.append("phy:%s,%s,w" % (plug(lab, tmp_path / vdev), vdev))
        return lines, content

    def create(lab, mode, append=""):
        lines, content = disks(lab)
        new = Guest(lab, "m%d" % (time.monotonic_ns() // 1000 % 10**9), mode,
                    kernel, vcpus=2, memory=MEMORY, disks=lines,
                    append="app=httpd root=xvda " + append)
        made.append(new)
        new.create()
        new.expect(SERVING, 180)
        wait_said(new, b"xvda: %d MiB" % (SITE_MIB + DISK_MIB), 1)
        wait_said(new, b"xvdb: %d MiB" % DISK_MIB, 1)
        wait_said(new, b"cpu: 2 of 2 up", 1)
        return new, content

    yield create
    for old in made:
        old.remove()
    for lab, name in plugged:
        lab.remove_disk(name)


def wait_match(guest, pattern, start, timeout=300):
    """Until the guest says the pattern, from that place of its output on; not
    by expect(), which one thread only can use."""
    end = time.monotonic() + timeout
    while True:
        found = re.compile(pattern).search(guest.output, start)
        if found:
            return found
        if guest.ended or time.monotonic() > end:
            raise LabError("not said: %r:\n%s" % (pattern, guest.tail()))
        time.sleep(0.1)


def wait_said(guest, text, times, timeout=120):
    """Until the guest has said it so often."""
    end = time.monotonic() + timeout
    while guest.output.count(text) < times:
        if guest.ended or time.monotonic() > end:
            raise LabError("not %d times %r:\n%s" % (times, text,
                                                     guest.tail()))
        time.sleep(0.1)


def mark(lab, guest, word):
    """Change what the guest watches; it tells of that."""
    start = len(guest.output)
    lab.check("xenstore-write /local/domain/$(xl domid %s)/%s %s"
              % (guest.name, MARK, word))
    wait_match(guest, rb"%s %s\r?\n" % (MARK.encode(), word.encode()), start)


def spread(guest):
    """The devices' events come to both vCPUs."""
    start = len(guest.output)
    guest.send(b"devices\r")
    wait_match(guest, rb"limits: ", start)
    on = set(re.findall(rb" connected .* vcpu (\d+) ", guest.output[start:]))
    assert on == {b"0", b"1"}, guest.tail()


def move(guest, how):
    """One move of it; what it says stands with what went wrong."""
    try:
        if how == "migrate":
            guest.migrate(PATIENCE)
        elif how == "cancel":
            guest.checkpoint("/lab/saved", PATIENCE)
        else:
            guest.save("/lab/saved", PATIENCE)
            guest.restore("/lab/saved", PATIENCE)
    except LabError as error:
        raise LabError("%s\n%s" % (error, guest.tail())) from error


def cycle(lab, web, how, number, transfer, churns):
    """One cycle; each part of the load goes on behind it."""
    move(web, how)
    wait_said(web, CANCELLED if how == "cancel" else RESUMED, number)
    mark(lab, web, "after-%d" % number)
    transfer.holds()
    for churn in churns:
        churn.wait(1)


def load(lab, web, content, how, cycles):
    """So many cycles with both disks under load, in the middle of one
    transfer."""
    web.send(b"bg xenstore watch %s\r" % MARK.encode())
    mark(lab, web, "first")
    churns = [Churn(web, b"xvda", FIRST), Churn(web, b"xvdb")]
    transfer = Transfer(lab, web, content)
    try:
        transfer.more(PIECE)
        for number in range(1, cycles + 1):
            cycle(lab, web, how, number, transfer, churns)
        transfer.finish()
    finally:
        transfer.quit()
    spread(web)
    for churn in churns:
        churn.wait(1)
    end_churn(web, 3)


def goes_on(lab, busy, mode, how, cycles, append=""):
    """No wrong byte, no broken connection, no lost watch, nothing left."""
    web, content = busy(lab, mode, append)
    load(lab, web, content, None, 0)    # what all this takes by itself
    before = held(web)
    load(lab, web, content, how, cycles)
    lab.check("rm -f /lab/saved")
    check_held(web, before)
    lab.check("xl vcpu-set --ignore-host %s 1" % web.name)
    if mode != "hvm":                   # a watch of the kernel's
        wait_said(web, b"cpu: 1 of 2 up", 1)
    assert "FOLDER" in fetch(lab, web, "notes.txt")
    assert web.shutdown() == "poweroff"


def cycles_of(how, cycles):
    """Parameters of one mode's test."""
    return [(mode, how, cycles) for mode in ("pv", "pvh", "hvm")
            if (mode, how) != ("pv", "migrate")]    # see docs/testing.md


ORDINARY = [("pv", "save", 1)]
LONG = ([("pvh", "migrate", 1), ("hvm", "save", 1)] +
        cycles_of("save", CYCLES) + cycles_of("migrate", CYCLES) +
        cycles_of("cancel", 3))


@pytest.mark.parametrize("mode, how, cycles", ORDINARY + [
    pytest.param(*each, marks=pytest.mark.long) for each in LONG])
def test_goes_on(lab, busy, mode, how, cycles):
    """Under load, with FIFO event queues."""
    goes_on(lab, busy, mode, how, cycles)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["pv", "pvh", "hvm"])
def test_two_level(lab, busy, mode):
    """The same with event channels in two levels."""
    goes_on(lab, busy, mode, "save", 3, "evtchn.fifo=0")


@pytest.mark.long
def test_back_end(lab, guest, storage, disk, image):
    """A guest that serves a disk to another one can not be saved; it says so,
    and both go on."""
    dom = storage(disk(image(mib=DISK_MIB), readonly=False), ["d:xvda"])
    web = guest("pvh", "app=shell", vifs=[], disks=[disk_of(dom, "d")])
    wait_said(web, b"xvda: %d MiB" % DISK_MIB, 1)
    churn = Churn(web, b"xvda")
    saved = lab.exec("xl save %s /lab/saved" % dom.name, timeout=300)
    assert saved.status != 0
    assert b"suspend: refused" in dom.output, dom.tail()
    churn.wait(2)
    end_churn(web, 1)
    lab.check("rm -f /lab/saved")
    assert web.shutdown() == "poweroff"
    assert dom.shutdown() == "poweroff"


@pytest.mark.long
@pytest.mark.parametrize("mode, how", [(m, h) for m, h, _ in cycles_of(
    "save", 5) + cycles_of("migrate", 5)])
@pytest.mark.parametrize("name", ["4.14", "4.20"])
def test_release(release, busy, name, mode, how):
    """Under other releases of Xen."""
    goes_on(release(name), busy, mode, how, 5)
