# SPDX-License-Identifier: BSD-2-Clause
"""The console: output that nobody takes."""

import re
import time

import pytest

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
