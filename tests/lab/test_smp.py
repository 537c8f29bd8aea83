# SPDX-License-Identifier: BSD-2-Clause
"""Guests with several vCPUs: they serve, vCPUs come and go, time goes on."""

import calendar
import re
import shutil
import threading
import time
import urllib.request

import pytest
from test_xl import fetch
from test_serve import free_port

SERVING = rb"httpd: serving http://([^/:\s]+)"
DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z")
PAUSE = 10                              # seconds
CLIENTS = 6


def matrix():
    """Mode, vCPUs and command line."""
    events = {"pv": ["", "evtchn.fifo=0"], "pvh": ["", "evtchn.fifo=0"],
              "hvm": ["", "evtchn.fifo=0", "xenpci.callback=vector"]}
    return [(mode, vcpus, words) for mode in events
            for vcpus in (1, 2, 4, 8) for words in events[mode]]


@pytest.fixture
def web(guest, disk, site_image, tmp_path):
    """web(mode, vcpus, words): a guest that serves the example folder."""
    def create(mode, vcpus, words=""):
        vbd = "phy:%s,xvda,r" % disk(site_image)
        if mode == "hvm":               # xl wants these writable
            image = shutil.copy(site_image, tmp_path / "hvm.img")
            vbd = "phy:%s,xvda,w" % disk(image, readonly=False)
        new = guest(mode, append="app=httpd root=xvda " + words,
                    vcpus=vcpus, disks=[vbd])
        new.expect(SERVING, 180)
        up = b"cpu: %d of %d up" % (vcpus, vcpus)
        if vcpus > 1 and up not in new.output:
            new.expect(up, 120)
        return new
    return create


class Load:
    """Clients that fetch files from a guest until they are told to stop."""

    def __init__(self, lab, guest):
        address = re.findall(SERVING, guest.output)[-1].decode()
        self.lab, self.port = lab, free_port()
        lab.forward(int(self.port), address)
        self.stop, self.good, self.bad = threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.client)
                        for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def client(self):
        """One client; what goes wrong is kept."""
        url = "http://127.0.0.1:%s/notes.txt" % self.port
        while not self.stop.is_set():
            try:
                with urllib.request.urlopen(url, timeout=120) as got:
                    assert b"FOLDER" in got.read()
                self.good += 1
            except (OSError, AssertionError) as error:
                self.bad.append(error)

    def quit(self):
        """Stop the clients; again does nothing."""
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if self.threads:
            self.lab.unforward(int(self.port))
        self.threads = []

    def end(self):
        """How many fetches there were, none of them bad."""
        self.quit()
        assert not self.bad, self.bad[:3]
        return self.good


@pytest.fixture
def load(lab):
    """load(guest): clients that stop with the test, however it ends."""
    started = []

    def start(guest):
        started.append(Load(lab, guest))
        return started[-1]

    yield start
    for old in started:
        old.quit()


@pytest.mark.long
@pytest.mark.parametrize("mode, vcpus, words", matrix())
def test_vcpus(lab, web, load, mode, vcpus, words):
    """All vCPUs come up, the guest serves many at once, and ends well."""
    web_guest = web(mode, vcpus, words)
    clients = load(web_guest)
    time.sleep(3)
    said = web_guest.sh("cpus")
    assert clients.end() > 0
    assert len(re.findall(r"^ *\d+ up ", said, re.M)) == vcpus, said
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")
    assert web_guest.shutdown() == "poweroff"


@pytest.mark.parametrize("mode", ["pv", pytest.param(
    "pvh", marks=pytest.mark.long)])
def test_vcpu_set(lab, web, load, mode):
    """xl vcpu-set takes vCPUs away and gives them back, under load."""
    web_guest = web(mode, 4)
    clients = load(web_guest)
    for count in (1, 4, 2, 3, 4):
        lab.check("xl vcpu-set --ignore-host %s %d"
                  % (web_guest.name, count))
        web_guest.expect(b"cpu: %d of 4 up" % count, 120)
    assert clients.end() > 0
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")
    assert web_guest.shutdown() == "poweroff"


def guest_date(guest):
    """The guest's wall clock, in seconds."""
    found = DATE.search(guest.sh("date"))
    return calendar.timegm(time.strptime(found.group(1),
                                         "%Y-%m-%dT%H:%M:%S"))


def ahead(lab, guest):
    """By how much the guest's clock is ahead of dom0's: (least, most)."""
    before = int(lab.check("date +%s"))
    date = guest_date(guest)
    after = int(lab.check("date +%s"))
    return date - after - 1, date - before + 1


@pytest.mark.parametrize("mode", ["pvh", pytest.param(
    "pv", marks=pytest.mark.long)])
def test_pause(lab, web, mode):
    """A guest that was paused knows what time it is, and goes on."""
    web_guest = web(mode, 2)
    least, most = ahead(lab, web_guest)
    lab.check("xl pause " + web_guest.name)
    time.sleep(PAUSE)
    lab.check("xl unpause " + web_guest.name)
    least_now, most_now = ahead(lab, web_guest)
    assert least_now <= most and least <= most_now
    said = web_guest.sh("sleep 1; cpus")
    assert len(re.findall(r"^ *\d+ up ", said, re.M)) == 2, said
    assert "FOLDER" in fetch(lab, web_guest, "notes.txt")
