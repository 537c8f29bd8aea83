# SPDX-License-Identifier: BSD-2-Clause
"""libdomus in a process: a disk of qemu-storage-daemon over vhost-user."""

import os
import socket
import struct
import subprocess
import threading
import time

import pytest
from conftest import ROOT

BINARY = os.path.join(ROOT, "out", "user", "vq_native")
PATIENCE = 60


@pytest.fixture(scope="module")
def program():
    """The program that writes a disk and reads it back."""
    subprocess.run(["make", "-s", "-C", ROOT, "out/user/vq_native"],
                   check=True, stdout=subprocess.DEVNULL)
    return BINARY


@pytest.fixture
def storage(tmp_path):
    """A disk behind a socket; both."""
    image, path = tmp_path / "disk", tmp_path / "socket"
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    daemon = subprocess.Popen(
        ["qemu-storage-daemon", "--blockdev",
         "driver=file,node-name=d,filename=%s" % image, "--export",
         "vhost-user-blk,id=e,node-name=d,addr.type=unix,addr.path=%s,"
         "writable=on,num-queues=2" % path])
    end = time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    yield daemon, path, image
    daemon.kill()
    daemon.wait()


@pytest.mark.parametrize("off", ["none", "event_idx", "indirect_desc"])
def test_disk(program, storage, off):
    """What is written is in the file and comes back; requests of a back end
    that goes away end with an error."""
    daemon, path, image = storage
    argv = [program] + (["-o", off] if off != "none" else [])
    with subprocess.Popen(argv + ["check", str(path)], text=True,
                          stdout=subprocess.PIPE) as run:
        assert run.stdout.readline() == "disk 32768 sectors\n"
        assert run.stdout.readline() == "data good\n"
        with open(image, "rb") as f:
            data = f.read(1 << 20)
        assert data == bytes(
            (at * 7 + i // 256 + i) & 255 for at in range(256)
            for i in range(4096))
        daemon.kill()
        assert run.stdout.readline() == "back end gone: error 6\n"
        assert run.wait(PATIENCE) == 0


def refused(program, path):
    """The program ends with an error, and soon."""
    done = subprocess.run([program, "check", str(path)], timeout=PATIENCE,
                          stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("vq_native: ")


def test_nobody_there(program, tmp_path):
    """A socket that is not there."""
    refused(program, tmp_path / "nothing")


WORD = struct.Struct("<IIIQ")
LIES = {
    "closes": lambda request: None,
    "another request": lambda request: WORD.pack(request + 1, 5, 8, 0),
    "no answer's flags": lambda request: WORD.pack(request, 1, 8, 0),
    "too long": lambda request: WORD.pack(request, 5, 4096, 0) + b"x" * 4088,
    "too short": lambda request: WORD.pack(request, 5, 4, 0)[:16],
    "half of it": lambda request: WORD.pack(request, 5, 8, 0)[:14],
    "nonsense": lambda request: b"\xff" * 20,
    "silent": lambda request: b"",
    "features that contradict": lambda request: WORD.pack(
        request, 5, 8, 2 ** 64 - 1),
    "no features": lambda request: WORD.pack(request, 5, 8, 0),
}


def lie(listener, answer):
    """Answer all that is asked in one way, until the other side goes."""
    peer, _ = listener.accept()
    with peer:
        peer.settimeout(PATIENCE)
        while True:
            try:
                head = peer.recv(12, socket.MSG_WAITALL)
            except ConnectionResetError:
                break
            if len(head) < 12:
                break
            request, _, length = struct.unpack("<III", head)
            if length:
                peer.recv(length, socket.MSG_WAITALL)
            if request in (1, 11, 15, 17, 24):
                said = answer(request)
                if said is None:
                    break
                try:
                    peer.sendall(said)
                except BrokenPipeError:
                    break


@pytest.mark.parametrize("name", LIES)
def test_lies(program, tmp_path, name):
    """A back end that answers wrongly costs its device and no more."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        teller = threading.Thread(target=lie, args=(listener, LIES[name]),
                                  daemon=True)
        teller.start()
        refused(program, path)
        teller.join(PATIENCE)
        assert not teller.is_alive()
