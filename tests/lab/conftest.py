# SPDX-License-Identifier: BSD-2-Clause
"""What the lab's tests share: one lab for the session, folders, disks."""

import fcntl
import functools
import os
import shutil
import subprocess
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "lab"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import image as disk_image              # noqa: E402
from ends import BRIDGE, DOM0           # noqa: E402
from console import Console             # noqa: E402
from guest import Guest                 # noqa: E402
from lab import Lab                     # noqa: E402
from linux import Linux, initramfs      # noqa: E402

KERNEL = os.path.join(ROOT, "out", "domus-x86_64.elf")
SEED_MIB = 64


def pytest_addoption(parser):
    """--long: the full matrices and counts too."""
    parser.addoption("--long", action="store_true",
                     help="also run the tests marked long")


def pytest_configure(config):
    """The marker for what ./domus test leaves to ./domus test --long."""
    config.addinivalue_line("markers", "long: only with --long")


def pytest_collection_modifyitems(config, items):
    """Leave the long tests out, not even counted as skipped."""
    if config.getoption("--long"):
        return
    left = [i for i in items if i.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left)
    items[:] = [i for i in items if not i.get_closest_marker("long")]


def pytest_runtest_setup():
    """A report is about the guests of its own test."""
    Console.made.clear()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """The report of a failure has what guests, Xen and dom0 said last."""
    report = (yield).get_result()
    if not report.failed:
        return
    for console in Console.made:
        report.sections.append(("console of " + getattr(
            console, "name", "a guest"), console.tail(4000)))
    if running := item.funcargs.get("lab"):
        report.sections.append(("Xen and dom0", running.log_tail()))


def pytest_terminal_summary(terminalreporter):
    """The line that ./domus test adds up."""
    stats = terminalreporter.stats
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    terminalreporter.write_line("")
    terminalreporter.write_line(
        "%d passed, %d failed, %d skipped"
        % (len(stats.get("passed", [])), failed,
           len(stats.get("skipped", []))))


@pytest.fixture(scope="session")
def kernel():
    """The guest's image, built."""
    os.makedirs(os.path.join(ROOT, "out"), exist_ok=True)
    with open(os.path.join(ROOT, "out", ".kernel.lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)        # labs side by side
        subprocess.run(["make", "-s", "-C", ROOT, "image",
                        "out/domus-x86_64-hvm.elf"], check=True)
    return KERNEL


@pytest.fixture(scope="session")
def lab():
    """One lab for all tests that make their own guests."""
    with Lab(guest_memory=512, name="test") as running:
        yield running


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The example folder, with one large random file in it."""
    folder = tmp_path_factory.mktemp("site") / "www"
    shutil.copytree(os.path.join(ROOT, "examples", "site"), folder)
    with open(folder / "random.bin", "wb") as f:
        for _ in range(SEED_MIB):
            f.write(os.urandom(1 << 20))
    return folder


@pytest.fixture(scope="session")
def site_image(tmp_path_factory):
    """The example folder as a disk image."""
    path = str(tmp_path_factory.mktemp("image") / "site.img")
    disk_image.from_folder(os.path.join(ROOT, "examples", "site"), path)
    return path


@pytest.fixture
def disk(lab):
    """disk(image, readonly=True, block=512): its device in dom0; unplugged
    again."""
    names = []

    def plug(path, readonly=True, **more):
        name = "t%d" % time.monotonic_ns()
        name = name[-12:]
        device = lab.add_disk("d" + name, str(path), readonly, **more)
        names.append("d" + name)
        return device

    yield plug
    for name in names:
        lab.remove_disk(name)


@pytest.fixture
def guest(lab, kernel, disk):
    """guest(mode, append, **settings): a created Domus guest.  It depends on
    disk, so that it is gone when disks are unplugged."""
    made = []

    def create(mode="pv", append="app=httpd root=xvda", **settings):
        new = Guest(lab, "t%d" % (time.monotonic_ns() // 1000 % 10**9), mode,
                    kernel, append=append, **settings)
        made.append(new)
        new.create()
        return new

    yield create
    for old in made:
        old.remove()


@pytest.fixture
def bridge(lab):
    """A bridge of dom0's without a way out; dom0 is in it.  It keeps its
    address when no interface is."""
    lab.check("brctl addbr %s; echo 0 > /sys/class/net/%s/bridge/"
              "forward_delay; ip link set %s address 02:64:6d:00:01:00 up;"
              " ip addr add %s/24 dev %s"
              % (BRIDGE, BRIDGE, BRIDGE, DOM0, BRIDGE))
    yield BRIDGE
    lab.exec("ip link set %s down; brctl delbr %s" % (BRIDGE, BRIDGE))


@pytest.fixture(scope="session")
def linux_files(tmp_path_factory):
    """linux_files(fio): kernel and initramfs of a Linux guest, made once."""
    @functools.cache
    def make(fio):
        return initramfs(str(tmp_path_factory.mktemp("linux") / "root"), fio)
    return make


@pytest.fixture
def linux(lab, disk, linux_files):
    """linux(disks, fio=False): a Linux guest with a shell.  It depends on
    disk, so that it is gone when disks are unplugged."""
    made = []

    def create(disks, fio=False):
        made.append(Linux(lab, "linux%d" % len(made), linux_files(fio),
                          disks=disks, vifs=[]))
        return made[-1].create()

    yield create
    for old in made:
        old.remove()


def run_domus(*argv, **kwargs):
    """Run the front door; the completed process, output as text."""
    return subprocess.run([os.path.join(ROOT, "domus"), *argv],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **kwargs)
