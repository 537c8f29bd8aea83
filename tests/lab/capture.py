# SPDX-License-Identifier: BSD-2-Clause
"""What passes a network device: seen in dom0, and held against its checksums
and the MTU."""

import contextlib
import os
import struct
import subprocess
import time

import pytest


def frames(dump):
    """The frames of a capture."""
    with open(dump, "rb") as f:
        data = f.read()
    at = 24
    while at + 16 <= len(data):
        length, = struct.unpack_from("<I", data, at + 8)
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def total(data, start=0):
    """The Internet sum, folded."""
    data += b"\0" * (len(data) % 2)
    start += sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while start >> 16:
        start = (start & 0xffff) + (start >> 16)
    return start


def check(dump):
    """Every frame that was seen is right; how many of TCP, and from whom."""
    count, senders = 0, set()
    for frame in frames(dump):
        assert len(frame) <= 1514, len(frame)
        kind, ip = frame[12:14], frame[14:]
        if kind == b"\x08\x00":
            assert total(ip[:20]) == 0xffff
            proto, hlen, addrs = ip[9], (ip[0] & 15) * 4, ip[12:20]
            ip = ip[:struct.unpack_from(">H", ip, 2)[0]]
        elif kind == b"\x86\xdd":
            proto, hlen, addrs = ip[6], 40, ip[8:40]
            ip = ip[:40 + struct.unpack_from(">H", ip, 4)[0]]
        else:
            continue
        pseudo = 0 if proto == 1 else total(addrs, proto + len(ip) - hlen)
        if proto in (1, 6, 17, 58) and not (
                proto == 17 and ip[hlen + 6:hlen + 8] == b"\0\0"):
            assert total(ip[hlen:], pseudo) == 0xffff, frame.hex()
        if proto == 6:
            count += 1
            senders.add(addrs[:len(addrs) // 2])
    return count, senders


@pytest.fixture
def capture(lab, tmp_path):
    """with capture(device) as path: every frame that passes that device of
    dom0's meanwhile, in path when it is over."""
    program = str(tmp_path / "frames")
    subprocess.run(["gcc", "-Os", "-static", "-o", program, os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "frames.c")], check=True)

    @contextlib.contextmanager
    def run(device):
        there = lab.put_file(program)
        lab.check("chmod 755 " + there)
        path = str(tmp_path / "frames.pcap")
        session = lab.spawn("exec %s %s /lab/frames.pcap" % (there, device))
        try:
            end = time.monotonic() + 30
            while b"ready" not in session.out:
                assert time.monotonic() < end, session.err
                time.sleep(0.1)
            yield path
            session.eof()
            assert session.wait(60) == 0, session.err
            with open(path, "wb") as f:
                fetch = lab.spawn("exec cat /lab/frames.pcap", f.write)
                assert fetch.wait(300) == 0
        finally:
            session.kill()
            lab.exec("rm -f /lab/frames.pcap")
    yield run
