# SPDX-License-Identifier: BSD-2-Clause
"""Kernels of other configurations than GENERIC serve the folder as well."""

import sys

import pytest
from conftest import ROOT, run_domus
from test_serve import COMPARE, free_port

SITE = ROOT + "/examples/site"


@pytest.mark.parametrize("conf, args", [
    ("XEN", ["--mode", "pv"]),
    ("XENHVM", ["--mode", "pvh"]),
    pytest.param("XENHVM", ["--mode", "hvm"], marks=pytest.mark.long),
    pytest.param("VIRTIO", ["--on", "qemu", "--machine", "q35"],
                 marks=pytest.mark.long),
    ("VIRTIO", ["--on", "qemu", "--machine", "microvm"]),
], ids=lambda x: x if isinstance(x, str) else x[-1])
def test_serves(kernel, conf, args):
    """The files arrive from a kernel with nothing else in it."""
    done = run_domus("run", "--conf", conf, *args, "--port", free_port(),
                     SITE, "--exec", "exec %s %s $DOMUS_URL '%s'"
                     % (sys.executable, COMPARE, SITE), timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 differ" in done.stdout


def test_version_names_it(kernel):
    """The shell tells the configuration."""
    done = run_domus("run", "--conf", "VIRTIO", "--on", "qemu", "--cmd",
                     "version", SITE, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " VIRTIO, running as QEMU" in done.stdout


@pytest.mark.long
def test_wrong_mode_is_an_error(kernel):
    """A kernel without the entry that is wanted ends in a clear error."""
    done = run_domus("run", "--conf", "XENHVM", "--mode", "pv", "--port",
                     free_port(), SITE, "--exec", "true", timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "domus: " in done.stderr


def test_unknown_configuration(kernel):
    """A configuration that does not exist: what there is."""
    done = run_domus("run", "--conf", "NOTHERE", SITE, timeout=100)
    assert done.returncode == 1
    assert "GENERIC" in done.stderr and "NOTHERE" in done.stderr
