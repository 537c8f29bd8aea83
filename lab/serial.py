# SPDX-License-Identifier: BSD-2-Clause
"""The guest under QEMU itself, without Xen, its console the serial port."""

import socket
import subprocess
import threading

from build import LabError
from console import Console
from lab import die_with_parent


class SerialGuest(Console):
    """A kernel booted by its PVH entry on QEMU's q35."""

    def __init__(self, kernel, memory=64, vcpus=1, append="", sink=None):
        super().__init__(sink)
        self._argv = ["qemu-system-x86_64", "-M", "q35", "-accel",
                      "tcg,thread=multi", "-m", str(memory), "-smp",
                      str(vcpus), "-nodefaults", "-display", "none",
                      "-no-reboot", "-kernel", kernel, "-append", append]
        self._sock = self._qemu = None

    def create(self):
        """Start QEMU."""
        self._sock, theirs = socket.socketpair()
        self._qemu = subprocess.Popen(
            self._argv + ["-chardev", "socket,id=s,fd=%d" % theirs.fileno(),
                          "-serial", "chardev:s"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()], start_new_session=True,
            preexec_fn=die_with_parent)
        theirs.close()
        threading.Thread(target=self._reader, daemon=True).start()

    def _reader(self):
        try:
            for data in iter(lambda: self._sock.recv(4096), b""):
                self.feed(data)
        except OSError:
            pass
        status = self._qemu.wait()
        said = self._qemu.stderr.read().decode(errors="replace").strip()
        self.end("poweroff" if status == 0 else
                 "QEMU's status %d: %s" % (status, said))

    def send(self, data):
        try:
            self._sock.sendall(data)
        except OSError:
            pass                        # its end is noted by the reader

    def shutdown(self, timeout=30):
        """Ask the guest's shell to power off."""
        self.send(b"\x15poweroff\r")
        reason = self.wait_end(timeout)
        self.remove()
        if reason is None:
            raise LabError("the guest did not power off in %d s" % timeout)
        return reason

    def remove(self):
        """End QEMU if it still runs."""
        if self._qemu and self._qemu.poll() is None:
            self._qemu.kill()
            self._qemu.wait()
