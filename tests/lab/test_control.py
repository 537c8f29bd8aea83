# SPDX-License-Identifier: BSD-2-Clause
"""What the toolstack asks of a guest as a whole: keys, buttons, the watchdog,
an end in good order."""

import time

import pytest
from vm import Vm

SYSRQ = {                               # what the log then says
    "m": rb"sysrq: \d+ of \d+ KiB free",
    "t": rb"sysrq: thread \d+ watchdog: ",
    "s": rb"sysrq: sync: done",
    "x": rb"sysrq: t: threads",
}
SECONDS = 10
WATCHDOG = "watchdog=%d" % SECONDS
WATCHES = b"watchdog: Xen ends the guest when it hangs for %d s" % SECONDS


def press(lab, guest, key):
    """xl sysrq."""
    lab.check("xl sysrq %s %s" % (guest.name, key))


@pytest.fixture
def idle(guest):
    """idle(mode, append): a guest with two vCPUs and a shell."""
    def create(mode, append="", **settings):
        new = guest(mode, "app=shell " + append, vcpus=2, vifs=[], **settings)
        new.expect(rb"domus# ", 180)
        return new
    return create


def fed(dom):
    """It outlives the watchdog's time."""
    time.sleep(SECONDS + 2)
    assert dom.ended is None


def hang(dom):
    """A CPU stands still: the watchdog ends the guest."""
    dom.send(b"hang\r")
    assert dom.wait_end(120) == "watchdog", dom.tail()


def test_keys_and_watchdog(lab, idle):
    """Keys that tell something do; then a CPU hangs."""
    dom = idle("pv", WATCHDOG)
    assert WATCHES in dom.output
    for key, said in SYSRQ.items():
        press(lab, dom, key)
        dom.expect(said, 60)
    fed(dom)
    hang(dom)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["pv", "pvh", "hvm"])
def test_watchdog_resumed(lab, idle, mode):
    """It is armed again when the guest was saved and restored."""
    dom = idle(mode, WATCHDOG)
    assert WATCHES in dom.output
    dom.save("/lab/saved")
    dom.restore("/lab/saved")
    lab.check("rm /lab/saved")
    dom.expect(rb"suspend: resumed", 60)
    fed(dom)
    hang(dom)


@pytest.mark.long
def test_watchdog_cancelled(lab, idle):
    """And when saving was cancelled, however long that took."""
    dom = idle("pv", WATCHDOG)
    assert WATCHES in dom.output
    dom.checkpoint("/lab/saved")
    lab.check("rm /lab/saved")
    dom.expect(rb"suspend: cancelled, going on", 60)
    fed(dom)
    hang(dom)


@pytest.mark.long
@pytest.mark.parametrize("key, end", [("o", "poweroff"), ("c", "crash")])
def test_last_keys(lab, idle, key, end):
    """Those that end the guest at once; first the one that has it begin
    anew."""
    dom = idle("pvh")
    domid = lab.check("xl domid " + dom.name)
    press(lab, dom, "b")
    dom.expect(rb"domus# ", 120)
    assert lab.check("xl domid " + dom.name) != domid
    press(lab, dom, key)
    assert dom.wait_end(60) == end, dom.tail()


@pytest.mark.long
def test_buttons(lab, idle):
    """xl trigger on an HVM guest: the sleep button is told of, the power
    button ends it in good order."""
    dom = idle("hvm")
    lab.check("xl trigger %s sleep" % dom.name)
    dom.expect(rb"the sleep button was pressed", 60)
    lab.check("xl trigger %s power" % dom.name)
    dom.expect(rb"the power button was pressed", 60)
    assert dom.wait_end(60) == "poweroff", dom.tail()


@pytest.mark.long
@pytest.mark.parametrize("mode", ["pvh", "hvm"])
def test_nmi(lab, idle, mode):
    """xl trigger nmi: the guest tells what it was doing, and crashes."""
    dom = idle(mode)
    lab.check("xl trigger %s nmi" % dom.name)
    assert dom.wait_end(60) == "crash", dom.tail()
    assert b"NMI" in dom.output


@pytest.mark.long
@pytest.mark.parametrize("mode", ["pv", "pvh", "hvm"])
def test_shutdown_fallback(lab, idle, mode):
    """xl shutdown -F, which would press the power button of a guest that does
    not know the store; and a request that nobody knows before it."""
    dom = idle(mode)
    node = "/local/domain/$(xl domid %s)/control/shutdown" % dom.name
    lab.check("xenstore-write %s dance" % node)
    dom.expect(rb'"dance" is not supported', 60)
    assert lab.check("xenstore-read " + node).strip() == "dance"
    lab.check("xl shutdown -F " + dom.name)
    assert dom.wait_end(60) == "poweroff", dom.tail()


@pytest.mark.long
def test_silent_disk(lab, guest, disk, site_image, tmp_path):
    """A disk whose back end stands still: the guest waits for it only so
    long, and says so."""
    image = tmp_path / "site.img"
    image.write_bytes(open(site_image, "rb").read())
    dom = guest("pvh", "app=shell root=xvda shutdown.patience=3", vifs=[],
                disks=["format=raw,backendtype=qdisk,vdev=xvda,access=w,"
                       "target=%s" % disk(image, readonly=False)])
    dom.expect(rb"xvda mounted", 120)
    dom.send(b"mkdir /new\r")
    dom.expect(rb"domus# ", 60)
    pid = lab.check("xenstore-read /local/domain/$(xl domid %s)/image/"
                    "device-model-pid" % dom.name).strip()
    lab.check("kill -STOP " + pid)
    try:
        lab.check("xl shutdown " + dom.name)
        assert dom.wait_end(60) == "poweroff", dom.tail()
    finally:
        lab.check("kill -CONT " + pid)
    assert b"unmounting: not done in 3 s" in dom.output


@pytest.mark.parametrize("machine", [
    "q35", pytest.param("pc", marks=pytest.mark.long)])
def test_powerdown(kernel, machine):
    """QEMU's system_powerdown ends the guest in good order."""
    with Vm(kernel, machine, []) as dom:
        dom.qmp("system_powerdown")
        dom.expect(rb"the power button was pressed", 60)
        assert dom.wait_end(60) == "poweroff", dom.tail()
