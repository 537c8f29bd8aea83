# SPDX-License-Identifier: BSD-2-Clause
"""Consoles: output that nobody takes, and consoles besides the first."""

import re
import time

import pytest

PORT = "org.domus.one"
STOP = "kill -STOP $(pidof xenconsoled)"
GO = "kill -CONT $(pidof xenconsoled)"


@pytest.mark.parametrize("mode, size", [
    ("pv", 4 << 20),
    pytest.param("pv", 100 << 20, marks=pytest.mark.long),
    pytest.param("pvh", 100 << 20, marks=pytest.mark.long),
    pytest.param("hvm", 100 << 20, marks=pytest.mark.long)])
def test_flood(lab, guest, mode, size):
    """Nobody reads, and the guest writes: it runs on, and what is lost is
    counted."""
    new = guest(mode, append="app=shell")
    new.expect(rb"xn0 address", 180)
    address = re.search(rb"xn0 address ([0-9.]+)", new.output).group(1)
    lab.check("ping -c 1 " + address.decode())
    new.send(b"sleep 3\rports flood %d\recho after\r\r" % size)
    time.sleep(1)
    lab.check(STOP)
    try:
        time.sleep(6)
        for _ in range(5):
            lab.check("ping -c 1 -W 60 " + address.decode())
    finally:
        lab.check(GO)
    new.expect(rb"\[\d+ bytes of output lost\]", 120)
    line = rb"ports: (\d+) bytes written, (\d+) lost"
    written, lost = new.expect(line, 3600).groups()
    assert int(written) >= size and 0 < int(lost) < int(written)
    new.expect(rb"^after", 120)
    numbers = [int(n) for n in re.findall(rb"^0\d{37}(?=\r*\n)", new.output,
                                          re.MULTILINE)]
    assert numbers == sorted(numbers)
    assert "output that nobody took in time" in new.sh("ports")
    assert new.shutdown() == "poweroff"


@pytest.mark.parametrize("mode", [
    "pv", pytest.param("pvh", marks=pytest.mark.long),
    pytest.param("hvm", marks=pytest.mark.long)])
def test_channel(lab, guest, mode):
    """A console with a name is a line: data both ways, by that name."""
    new = guest(mode, append="app=shell", extra=[
        'channel = [ "name=%s,connection=pty" ]' % PORT])
    new.expect(rb"xn0 address", 180)
    text = ""
    for _ in range(60):
        text = new.sh("ports")
        if PORT in text:
            break
        time.sleep(1)
    assert "xencons1 '%s' open" % PORT in text
    tty = re.search(r"/dev/pts/\d+", lab.check("xl channel-list " + new.name))
    assert tty, lab.check("xl channel-list " + new.name)
    tty = tty.group(0)
    lab.check("stty raw -echo < %s; cat %s > /tmp/line & echo $! > /tmp/pid"
              % (tty, tty))
    assert new.sh("ports write %s hello from the guest" % PORT) == ""
    for _ in range(60):
        got = lab.check("cat /tmp/line")
        if "\n" in got:
            break
        time.sleep(1)
    assert got == "hello from the guest\n"
    lab.check("echo hello from dom0 > " + tty)
    for _ in range(60):
        got = new.sh("ports read " + PORT)
        if got.strip():
            break
        time.sleep(1)
    assert "hello from dom0" in got
    assert "ports: %s" % PORT not in new.sh("ports write %s again" % PORT)
    lab.check("kill $(cat /tmp/pid)")
    assert new.shutdown() == "poweroff"
