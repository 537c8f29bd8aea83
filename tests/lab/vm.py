# SPDX-License-Identifier: BSD-2-Clause
"""The guest under QEMU with any devices, its shell and QEMU's monitor."""

import json
import os
import re
import socket
import subprocess
import threading
import time

from build import LabError
from lab import die_with_parent
from serial import SerialGuest

class Vm(SerialGuest):
    """QEMU with the devices of args; files: (path, ...) made beforehand.

    append: the guest's command line.  channels: names of chardevs which are
    sockets of this process, for serial ports and the like: self.channel[name].
    """

    def __init__(self, kernel, machine, args, append="app=shell", memory=64,
                 channels=(), wait=True, qemu=None):
        super().__init__(kernel, memory, append=append, qemu=qemu)
        at = self._argv.index("-M")
        self._argv[at + 1] = machine
        self._argv = self._argv[:self._argv.index("-netdev")] + list(args)
        self._names = list(channels)
        self.channel = {}
        self._qmp_file = None
        self._wait = wait               # the shell is on the serial port
        self.events = []

    def create(self):
        """Start QEMU and wait for the guest's shell."""
        fds, ends = [], []
        for name in ["s", "qmp"] + self._names:
            ours, theirs = socket.socketpair()
            ends.append(theirs)
            fds.append(theirs.fileno())
            self._argv += ["-chardev", "socket,id=%s,fd=%d" % (name,
                                                              fds[-1])]
            self.channel[name] = ours
        self._sock = self.channel["s"]
        self._qemu = subprocess.Popen(
            self._argv + ["-serial", "chardev:s", "-mon",
                          "chardev=qmp,mode=control"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=fds,
            start_new_session=True, preexec_fn=die_with_parent)
        for end in ends:
            end.close()
        threading.Thread(target=self._reader, daemon=True).start()
        self._qmp_file = self.channel["qmp"].makefile("rb")
        self._qmp_file.readline()
        self.qmp("qmp_capabilities")
        if self._wait:
            self.expect(rb"domus# ", 120)
        return self

    def __enter__(self):
        return self.create()

    def __exit__(self, *why):
        self.remove()
        for sock in self.channel.values():
            sock.close()

    @property
    def pid(self):
        """QEMU's process."""
        return self._qemu.pid

    def qmp(self, command, **arguments):
        """Ask QEMU's monitor; its answer."""
        self.channel["qmp"].sendall(json.dumps(
            {"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            line = self._qmp_file.readline()
            if not line:
                raise LabError("QEMU's monitor ended: " + self.tail())
            answer = json.loads(line)
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise LabError("QEMU: %s: %s" % (command,
                                                 answer["error"]["desc"]))
            else:
                return answer["return"]

    def device_add(self, driver, **properties):
        """Plug a device in."""
        self.qmp("device_add", driver=driver, **properties)

    def device_del(self, name, timeout=60):
        """Ask for a device back; returns when QEMU has it."""
        old = len(self.events)          # it may have gone once before
        self.qmp("device_del", id=name)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.qmp("query-status")
            for event in self.events[old:]:
                if event["event"] == "DEVICE_DELETED" and \
                        event["data"].get("device") == name:
                    return
            time.sleep(0.1)
        raise LabError("the guest kept %s:\n%s" % (name, self.tail()))

    def devices(self):
        """The shell's list: {name: (driver, state, failures)}."""
        found = {}
        for line in self.sh("devices").splitlines():
            m = re.match(r"(\S+/\S+)\s+(\w+)\s+(\S+)\s.*failures (\d+)", line)
            if m:
                found[m.group(1)] = (m.group(2), m.group(3), int(m.group(4)))
        return found


def rss_kib(pid):
    """Resident memory of a process."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def blank(path, mib):
    """An empty disk image."""
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    return os.path.abspath(path)
