# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's testpmd: a vhost port that sends back what comes, and virtio-user."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

from build import LabError
from lab import die_with_parent

PACKAGES = ("dpdk-dev", "librte-meta-net", "librte-meta-mempool")
BUFS = 4096
SIZE = 256                              # of a queue
PATIENCE = 120                          # s, against hangs


def client(path, packed):
    """The arguments of a virtio-user port at a socket."""
    return "net_virtio_user0,path=%s,queues=1,queue_size=%d,packed_vq=%d" % (
        path, SIZE, packed)


def server(path):
    """Those of a vhost port."""
    return "net_vhost0,iface=%s,queues=1" % path


class Testpmd:
    """One of them, with a prompt.  cpus: of its prompt and of its port."""

    def __init__(self, vdev, cpus=(0, 1), wrap=(), name="pmd"):
        if not shutil.which("dpdk-testpmd"):
            raise LabError("there is no dpdk-testpmd here")
        self.said = ""
        self.run = subprocess.Popen(
            ["stdbuf", "-oL", *wrap, "dpdk-testpmd", "--lcores", "0@%d,1@%d" % cpus,
             "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
             "--no-shconf", "--file-prefix=" + name, "--vdev", vdev, "--",
             "-i", "--no-mlockall", "--total-num-mbufs=%d" % BUFS,
             "--nb-cores=1", "--port-topology=loop", "--txd=%d" % SIZE,
             "--rxd=%d" % SIZE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        threading.Thread(target=self._read, daemon=True).start()
        self.expect("testpmd> ")

    def _read(self):
        while True:
            data = os.read(self.run.stdout.fileno(), 65536)
            if not data:
                break
            self.said += data.decode(errors="replace")

    def expect(self, pattern, start=0):
        """Wait for a pattern behind a place of the output."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = re.compile(pattern, re.S).search(self.said, start)
            if found:
                return found
            if self.run.poll() is not None:
                break
            time.sleep(0.02)
        raise LabError("testpmd does not say '%s':\n%s"
                       % (pattern, self.said[-800:]))

    def say(self, line, pattern="testpmd> "):
        """Type a line; what follows it."""
        start = len(self.said)
        self.run.stdin.write(line + "\n")
        self.run.stdin.flush()
        return self.expect(pattern, start)

    def packets(self, port=0):
        """(moment, packets that its port has received)."""
        found = self.say("show port stats %d" % port,
                         r"RX-packets: (\d+).*?testpmd> ")
        return time.monotonic(), int(found.group(1))

    def rate(self, seconds, port=0):
        """Packets per second."""
        start, before = self.packets(port)
        time.sleep(seconds)
        end, after = self.packets(port)
        return (after - before) / (end - start)

    def quit(self):
        """End it, however it is."""
        try:
            self.run.stdin.write("stop\nquit\n")
            self.run.stdin.close()
            self.run.wait(30)
        except (OSError, subprocess.TimeoutExpired):
            self.run.send_signal(signal.SIGKILL)
            self.run.wait()
