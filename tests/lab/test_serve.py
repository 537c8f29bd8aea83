# SPDX-License-Identifier: BSD-2-Clause
"""The main job: ./domus run serves a folder, read-only and writable."""

import hashlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import ROOT, run_domus

COMPARE = os.path.join(ROOT, "tests", "lab", "compare.py")


def free_port():
    """A TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


@pytest.mark.parametrize("mode, memory", [("pv", "64"), ("pvh", "64"),
                                          ("hvm", "64"), ("pv", "32")])
def test_every_file_arrives(kernel, site, mode, memory):
    """Each file of the folder, 64 MiB among them, has the right SHA-256."""
    done = run_domus("run", "--mode", mode, "--memory", memory, "--port",
                     free_port(), str(site), "--exec", "exec %s %s $DOMUS_URL"
                     " '%s'" % (sys.executable, COMPARE, site), timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 differ" in done.stdout


def test_exec_status_is_carried_over(kernel):
    """The host command's status is that of the run."""
    done = run_domus("run", "--port", free_port(), "--exec", "exit 7",
                     timeout=300)
    assert done.returncode == 7, done.stderr


def test_put_is_kept_in_the_image(kernel, tmp_path):
    """A file put and read back is the same, and the file system is sound."""
    folder, image = tmp_path / "www", str(tmp_path / "kept.img")
    folder.mkdir()
    (folder / "index.html").write_text("hello")
    data = os.urandom(20 << 20)
    (tmp_path / "big").write_bytes(data)
    command = ("cd '%s'; curl -sfT big ${DOMUS_URL}big.bin && "
               "curl -sfo back ${DOMUS_URL}big.bin && cmp big back"
               % tmp_path)
    done = run_domus("run", "--writable", "--image", image, "--port",
                     free_port(), str(folder), "--exec", command,
                     timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    check = subprocess.run(["/sbin/e2fsck", "-fn", image], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert check.returncode == 0, check.stdout
    found = subprocess.run(["/sbin/debugfs", "-R", "cat /big.bin", image],
                           stdout=subprocess.PIPE, check=True).stdout
    assert hashlib.sha256(found).digest() == hashlib.sha256(data).digest()


def test_guest_commands(kernel):
    """--cmd: the guest's output on stdout, the last status carried over."""
    done = run_domus("run", os.path.join(ROOT, "examples", "site"), "--cmd",
                     "sha256sum /notes.txt\ncat /no/such/file", timeout=300)
    with open(os.path.join(ROOT, "examples/site/notes.txt"), "rb") as f:
        assert hashlib.sha256(f.read()).hexdigest() in done.stdout
    assert done.returncode not in (0, 124), done.stderr


class Terminal:
    """A run of the front door on a pseudo-terminal."""

    def __init__(self, *argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            path = os.path.join(ROOT, "domus")
            os.execv(path, [path, *argv])
        self.output = b""

    def expect(self, pattern, timeout):
        """Wait for the pattern in the output."""
        end = time.monotonic() + timeout
        while not re.search(pattern, self.output):
            assert time.monotonic() < end, self.output.decode()
            try:
                self.output += os.read(self.fd, 4096)
            except OSError:
                break
        assert re.search(pattern, self.output), self.output.decode()

    def status(self):
        """Wait for the end; the exit status."""
        while True:
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_console_on_the_terminal(kernel):
    """The shell is on the terminal; Ctrl-C shuts the guest down."""
    run = Terminal("run", "--port", free_port(), "examples/site")
    run.expect(rb"serving .* at http://localhost:", 120)
    run.expect(rb"this is the guest's console", 10)
    os.write(run.fd, b"help\r")
    run.expect(rb"poweroff", 20)
    os.write(run.fd, b"\x03")
    run.expect(rb"shutting the guest down", 20)
    assert run.status() == 130


def test_sigterm_leaves_nothing_behind(kernel):
    """A run that is told to end takes its QEMU with it."""
    run = subprocess.Popen([os.path.join(ROOT, "domus"), "run", "--port",
                            free_port()], stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
    for line in run.stderr:
        if b"starting the guest" in line:
            break
    with open("/proc/%d/task/%d/children" % (run.pid, run.pid),
              encoding="ascii") as f:
        children = f.read()
    run.send_signal(signal.SIGTERM)
    run.stderr.read()
    assert run.wait(90) == 128 + signal.SIGTERM
    assert children.split()
    for child in children.split():
        assert not os.path.exists("/proc/" + child)
