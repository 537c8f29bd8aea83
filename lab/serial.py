# SPDX-License-Identifier: BSD-2-Clause
"""The guest under QEMU itself, without Xen, its console the serial port."""

import socket
import subprocess
import threading

import qemu as emulator
from build import LabError
from console import Console
from lab import die_with_parent


# microvm tells its devices by ACPI or on the command line; we read the latter.
MACHINES = {"q35": "q35", "pc": "pc", "microvm": "microvm,acpi=off"}


class SerialGuest(Console):
    """A kernel booted by its PVH entry, on virtio devices.

    disks: (path, writable) of each; port: of this machine, for the guest's
    port 80, or None; extra: more arguments of QEMU's; qemu: a release of
    lab/qemu.py, or None: the system's.
    """

    def __init__(self, kernel, memory=64, vcpus=1, append="", sink=None,
                 machine="q35", disks=(), port=None, extra=(), qemu=None):
        super().__init__(sink)
        bus = "device" if machine == "microvm" else "pci"
        self._argv = emulator.command(qemu) + [
            "-M", MACHINES[machine], "-accel", "tcg,thread=multi",
            "-m", str(memory), "-smp", str(vcpus), "-nodefaults",
            "-display", "none", "-no-reboot", "-kernel", kernel,
            "-append", append]
        for n, (path, writable) in enumerate(disks):
            self._argv += ["-drive", "if=none,format=raw,id=d%d,readonly=%s,"
                           "file=%s" % (n, "off" if writable else "on",
                                        path.replace(",", ",,")),
                           "-device", "virtio-blk-%s,drive=d%d" % (bus, n)]
        forward = ",hostfwd=tcp:127.0.0.1:%d-:80" % port if port else ""
        self._argv += ["-netdev", "user,id=n0" + forward,
                       "-device", "virtio-net-%s,netdev=n0" % bus]
        self._argv += extra
        self._sock = self._qemu = None

    def forward(self, port, _address):
        """The port was connected when QEMU started."""

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

    def quit(self, timeout=20):
        """Have QEMU end at once, in its own way."""
        self._qemu.terminate()
        self.wait_end(timeout)
        self.remove()

    def remove(self):
        """End QEMU if it still runs."""
        if self._qemu and self._qemu.poll() is None:
            self._qemu.kill()
            self._qemu.wait()
