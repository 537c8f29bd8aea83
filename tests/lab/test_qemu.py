# SPDX-License-Identifier: BSD-2-Clause
"""The same job without Xen: the guest on QEMU's virtio devices."""

import sys

import pytest
from conftest import run_domus
from test_serve import COMPARE, free_port

MACHINES = pytest.mark.parametrize("machine", ["q35", "microvm"])


def on_qemu(machine, *args):
    """domus run under QEMU with 16 MiB."""
    return run_domus("run", "--on", "qemu", "--machine", machine, "--memory",
                     "16", "--port", free_port(), *args, timeout=300)


@MACHINES
def test_every_file_arrives(kernel, site, machine):
    """Each file, 64 MiB among them, arrives through virtio devices."""
    done = on_qemu(machine, str(site), "--exec", "exec %s %s $DOMUS_URL '%s'"
                   % (sys.executable, COMPARE, site))
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 differ" in done.stdout


@MACHINES
def test_devices(kernel, site, machine):
    """The shell shows both devices connected and none broken."""
    done = on_qemu(machine, str(site), "--cmd", "devices")
    assert done.returncode == 0, done.stdout + done.stderr
    for driver in ("virtio_blk", "virtio_net"):
        line = [s for s in done.stdout.splitlines() if driver in s]
        assert len(line) == 1 and " connected " in line[0], done.stdout
        assert "failures 0" in line[0]
