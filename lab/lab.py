# SPDX-License-Identifier: BSD-2-Clause
"""The lab: real Xen and a Linux dom0 under QEMU's software emulation.

	with Lab() as lab:
	    print(lab.check("xl list"))

Guests are made by guest.py.  Nothing of the lab outlives the process.
"""

import ctypes
import fcntl
import glob
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time

import build
from agent import Agent, Qmp
from build import LabError, say

CPU = "EPYC,-monitor,-smap,-smep,-rdtscp"
# Not Xen's default scheduler: under emulation a vCPU was seen to wait for an
# idle CPU for ever.  And no lazy switch of vector registers, in which dom0's
# programs lost theirs.  See docs/testing.md.
XEN_ARGS = ("dom0_mem={0}M,max:{0}M dom0_max_vcpus=1 console=com1 "
            "com1=115200,8n1 bootscrub=0 guest_loglvl=all "
            "spec-ctrl=no,eager-fpu sched=credit")
DOM0_ARGS = "console=hvc0 quiet rdinit=/init swiotlb=4096 mitigations=off"
DOM0_MIB = 512
START_TIMEOUT = 180
MACS = 12
KEPT_LOGS = 20
STORES = ("xenstored", "oxenstored")
# How a disk image is opened: "scratch" can be written to, and forgets it.
ACCESS = {"read": ",readonly=on", "write": "", "scratch": ",snapshot=on"}


def die_with_parent():
    """In the child: be killed when the process that started it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def new_log(name):
    """A path for a new log file; the oldest logs are removed, one lab at a
    time."""
    where = os.path.join(build.ROOT, "out", "log")
    os.makedirs(where, exist_ok=True)
    with open(where + "/.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        logs = sorted(glob.glob(where + "/*.log"), key=os.path.getmtime)
        for old in logs[:-KEPT_LOGS]:
            os.unlink(old)
    stamp = time.strftime("%m%d-%H%M%S")
    return "%s/%s-%s-%d.log" % (where, name, stamp, os.getpid())


class Lab:
    """A running Xen with its dom0."""

    def __init__(self, disks=(), guest_memory=512, cpus=2, name="lab",
                 xen=None, store=STORES[0], icount=None, extra=()):
        """disks: of (name, image, one of ACCESS); xen: a release of Xen,
        None for the one installed; store: one of STORES; icount: an
        instruction takes 2**icount ns of the machine's time, whatever else
        the host does, and its CPUs take turns; extra: more arguments of
        QEMU's."""
        self._extra = list(extra)
        self._accel = ["-accel", "tcg,thread=multi"] if icount is None else [
            "-accel", "tcg,thread=single", "-icount", "shift=%d" % icount]
        self._disks = list(disks)
        self._guest_memory = guest_memory
        self._cpus = cpus
        self._xen = xen
        self._store = store
        self._pushed = set()
        self._forwards = []
        self._next_mac = 1
        self.log = new_log(name)
        self.qemu = self.agent = self.qmp = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    # Starting and stopping

    def _argv(self, where, agent_fd, qmp_fd):
        mib = DOM0_MIB + 320 + self._guest_memory * 5 // 4
        argv = ["qemu-system-x86_64", *self._accel,
                "-cpu", CPU, "-smp", str(self._cpus), "-m", str(mib),
                "-nodefaults", "-display", "none", "-no-reboot",
                "-serial", "file:" + self.log,
                "-chardev", "socket,id=agent,fd=%d" % agent_fd,
                "-chardev", "socket,id=qmp,fd=%d" % qmp_fd,
                "-mon", "chardev=qmp,mode=control",
                "-device", "virtio-serial-pci",
                "-device", "virtserialport,chardev=agent,name=agent",
                "-netdev", "user,id=net",
                "-device", "virtio-net-pci,netdev=net,romfile=",
                "-kernel", where + "/xen",
                "-append", XEN_ARGS.format(DOM0_MIB),
                "-initrd", "%s/vmlinux %s lab.store=%s,%s/initrd"
                % (where, DOM0_ARGS, self._store, where)]
        disks = [("tools", where + "/tools.img", "read")] + self._disks
        for name, image, access in disks:
            argv += ["-drive", drive_option(name, image, access),
                     "-device", "virtio-blk-pci,id=dev-%s,drive=%s,serial=%s"
                     % (name, name, name)]
        return argv + self._extra

    def start(self):
        """Boot; returns when dom0 takes commands."""
        if not shutil.which("qemu-system-x86_64"):
            raise LabError("there is no qemu-system-x86_64 here: "
                           "run tools/setup")
        where = build.ensure(self._xen)
        ours, theirs = socket.socketpair(), socket.socketpair()
        fds = [ours[1].fileno(), theirs[1].fileno()]
        self.qemu = subprocess.Popen(
            self._argv(where, *fds), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=fds,
            start_new_session=True, preexec_fn=die_with_parent)
        ours[1].close()
        theirs[1].close()
        self.agent = Agent(ours[0])
        self.qmp = Qmp(theirs[0])
        end = time.monotonic() + START_TIMEOUT
        while not self.agent.hello.wait(0.2):
            if self.qemu.poll() is not None:
                said = self.qemu.stderr.read().decode(errors="replace")
                raise LabError("QEMU ended while Xen was booting: %s\n%s"
                               % (said.strip(), self.log_tail()))
            if time.monotonic() > end:
                raise LabError("dom0 did not come up in %d s; its log says:"
                               "\n%s" % (START_TIMEOUT, self.log_tail()))

    def close(self):
        """Power off and clean up; never fails."""
        if self.qemu is None:
            return
        if self.qemu.poll() is None and self.agent.hello.is_set():
            self.agent.spawn("sync; umount -a 2>/dev/null; poweroff -f")
            try:
                self.qemu.wait(8)
            except subprocess.TimeoutExpired:
                pass
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()
        self.qemu.stderr.close()
        self.qemu = None

    def log_tail(self, lines=25):
        """The end of what Xen and dom0 have said."""
        try:
            with open(self.log, errors="replace", encoding="utf-8") as f:
                return "".join(f.readlines()[-lines:])
        except OSError:
            return "(no log)"

    # Commands in dom0

    def exec(self, command, stdin=b"", timeout=60):
        """Run a shell command in dom0: Result(status, stdout, stderr)."""
        return self.agent.exec(command, stdin, timeout)

    def check(self, command, stdin=b"", timeout=60):
        """Run a command that must succeed; returns its stdout."""
        done = self.exec(command, stdin, timeout)
        if done.status != 0:
            raise LabError("failed in dom0 (%d): %s\n%s"
                           % (done.status, command,
                              done.stderr or done.stdout))
        return done.stdout

    def spawn(self, command, sink=None):
        """Start a command in dom0: a Session (see agent.py)."""
        return self.agent.spawn(command, sink)

    def put(self, data, path):
        """Write bytes to a file in dom0."""
        self.check("cat >'%s'" % path, stdin=data)

    def put_file(self, source):
        """Bring a host file into dom0, once; returns its path there."""
        with open(source, "rb") as f:
            data = f.read()
        path = "/lab/" + hashlib.sha256(data).hexdigest()[:16]
        if path not in self._pushed:
            self.put(data, path)
            self._pushed.add(path)
        return path

    # Devices

    def disk(self, name):
        """The device in dom0 of the disk of that name."""
        return self.check("lab-disk '%s'" % name).strip()

    def add_disk(self, name, image, readonly=False, block=512):
        """Plug a raw image of the host into dom0; returns its device.
        block: bytes of its sectors.  What is discarded the image loses."""
        self.qmp.execute("blockdev-add", **{
            "driver": "raw", "node-name": name, "read-only": readonly,
            "discard": "unmap",
            "file": {"driver": "file", "filename": image,
                     "discard": "unmap", "read-only": readonly}})
        self.qmp.execute("device_add", driver="virtio-blk-pci",
                         id="dev-" + name, drive=name, serial=name,
                         logical_block_size=block, physical_block_size=block)
        return self.disk(name)

    def remove_disk(self, name):
        """Unplug a disk that add_disk() plugged."""
        self.qmp.execute("device_del", id="dev-" + name)
        if not self.qmp.wait_deleted("dev-" + name):
            raise LabError("dom0 does not let go of the disk " + name)
        self.qmp.execute("blockdev-del", **{"node-name": name})

    def next_mac(self):
        """A network address that no guest of this lab has now.  They come
        back after a while: QEMU's DHCP server knows 16 and forgets none."""
        mac = "00:16:3e:64:6d:%02x" % (self._next_mac % MACS)
        self._next_mac += 1
        return mac

    def forward(self, port, address, guest_port=80):
        """Make 127.0.0.1:port of the host reach the guest's port."""
        self.unforward(port)
        self.qmp.monitor("hostfwd_add net tcp:127.0.0.1:%d-%s:%d"
                         % (port, address, guest_port))
        self._forwards.append(port)

    def unforward(self, port):
        """Undo forward(); nothing when there is none."""
        if port in self._forwards:
            self.qmp.execute("human-monitor-command", **{
                "command-line": "hostfwd_remove net tcp:127.0.0.1:%d" % port})
            self._forwards.remove(port)


def drive_option(name, image, access):
    """QEMU's -drive value; a comma in a file name is doubled."""
    return "if=none,id=%s,format=raw,file=%s%s" % (
        name, image.replace(",", ",,"), ACCESS[access])
