# SPDX-License-Identifier: BSD-2-Clause
"""domus run: serve a folder, or a disk, from a Domus guest."""

import argparse
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

import build
import image
import qemu
import terminal
from build import LabError
from guest import MODES, Guest, config, kernel_for
from lab import Lab
from serial import MACHINES, SerialGuest

IMAGE = "domus-x86_64.elf"
EXAMPLE = os.path.join(build.ROOT, "examples", "site")
MIN_MIB = {"xen": 32, "host": 32, "qemu": 16}
START_SECONDS = 180
NAME = "domus"
# With the time that the kernel's log puts before its lines.
SERVING = re.compile(rb"^(?:\[[^\]]*\] )?httpd: (?:serving http://(\[.*?\]|"
                     rb"[^/:\s]+)\S*|error: ([^\r\n]*))\r?\n", re.M)


class Stopped(Exception):
    """The user, or a signal, ends the run."""

    def __init__(self, status):
        super().__init__()
        self.status = status


def say(text):
    """Tell the user what is going on."""
    print("domus: " + text, file=sys.stderr, flush=True)


def positive(text):
    """A whole number above zero, for argparse."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError("'%s' is not a number above 0"
                                         % text)
    return int(text)


def parser():
    """The options; the manual page domus.1 explains them."""
    p = argparse.ArgumentParser(prog="domus run", allow_abbrev=False,
                                description=__doc__)
    p.add_argument("what", nargs="?", metavar="DIR|DISK",
                   help="a folder, or a raw disk image (examples/site)")
    p.add_argument("--mode", choices=MODES, default="pv")
    p.add_argument("--on", choices=("xen", "qemu", "host"), default="xen")
    p.add_argument("--qemu", choices=tuple(qemu.RELEASES),
                   help="another release of it for --on qemu")
    p.add_argument("--machine", choices=tuple(MACHINES), default="q35",
                   help="of --on qemu")
    p.add_argument("--xen", metavar="RELEASE",
                   help="of --on xen: 4.14, 4.17 or 4.20 (as installed)")
    p.add_argument("--conf", default="GENERIC", metavar="NAME",
                   help="the kernel configuration, of conf/ or a file")
    p.add_argument("--memory", type=positive, default=64, metavar="MiB")
    p.add_argument("--vcpus", type=positive, default=1, metavar="N")
    p.add_argument("--port", type=positive, default=8080, metavar="N")
    p.add_argument("--writable", action="store_true",
                   help="let the guest change the disk; keep its image")
    p.add_argument("--image", metavar="FILE",
                   help="where the disk made from the folder is kept")
    p.add_argument("--disk", action="append", default=[], metavar="IMAGE",
                   help="one more disk for the guest")
    p.add_argument("--app", metavar="NAME", help="httpd or shell")
    p.add_argument("--append", default="", metavar="ARGS",
                   help="more for the guest's command line")
    once = p.add_mutually_exclusive_group()
    once.add_argument("--exec", dest="command", metavar="'HOST COMMAND'",
                      help="run it here once the guest serves, then end")
    once.add_argument("--cmd", metavar="'GUEST COMMANDS'",
                      help="run them in the guest's shell, then end")
    return p


# What the user asked for: checked before anything slow is started

def check(opts):
    """Refuse, in one line, what cannot work; fill in what follows."""
    opts.app = opts.app or ("shell" if opts.cmd else "httpd")
    if opts.command and opts.app != "httpd":
        raise LabError("--exec waits for a guest that serves: it goes with"
                       " --app httpd only")
    if opts.memory < MIN_MIB[opts.on]:
        raise LabError("--memory %d is too little: the guest needs at least"
                       " %d MiB" % (opts.memory, MIN_MIB[opts.on]))
    if opts.xen and opts.on != "xen":
        raise LabError("--xen chooses the lab's Xen: it goes with --on xen"
                       " only")
    if opts.on == "host" and (opts.command or opts.cmd):
        raise LabError("--exec and --cmd do not go with --on host")
    if opts.app == "httpd":
        opts.what = opts.what or EXAMPLE
    if opts.what and not os.path.exists(opts.what):
        raise LabError("no such folder or disk image: " + opts.what)
    if opts.image and not (opts.what and os.path.isdir(opts.what)):
        raise LabError("--image names the disk made from a folder, and there"
                       " is no folder here")
    if opts.image and os.path.exists(opts.image):
        raise LabError("%s exists already: name another file, or serve it"
                       " with: domus run %s" % ((opts.image,) * 2))
    for disk in opts.disk:
        image.check_disk(disk, opts.writable)
    if opts.app == "httpd" and opts.on != "host":
        check_port(opts.port)
    opts.kernel = kernel_of(opts.conf)


def kernel_of(conf):
    """The image of a kernel configuration, built when it is not GENERIC."""
    if conf == "GENERIC":
        return os.path.join(build.ROOT, "out", IMAGE)
    conf = conf if "/" not in conf else os.path.abspath(conf)
    where = os.path.join(build.ROOT, "out", "conf", os.path.basename(conf))
    done = subprocess.run(
        ["make", "-s", "-C", build.ROOT, "CONF=" + conf, "image",
         os.path.join("out", "conf", os.path.basename(conf),
                      IMAGE.replace(".elf", "-hvm.elf"))],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise LabError("--conf %s does not build:\n%s"
                       % (conf, done.stdout.strip()))
    return os.path.join(where, IMAGE)


def check_port(port):
    """Refuse a port that cannot be listened on."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise LabError("cannot listen on port %d (%s): choose another"
                           " one with --port N" % (port, error)) from None


def root_disk(opts):
    """The image to serve, or None; and whether it is ours to remove."""
    if not opts.what:
        return None, False
    if not os.path.isdir(opts.what):
        image.check_disk(opts.what, opts.writable)
        return os.path.abspath(opts.what), False
    keep = opts.writable or opts.image
    stem = os.path.basename(os.path.abspath(opts.what)) or "root"
    stem = re.sub(r"[^\w.-]", "_", stem)
    name = "%s-%s-%d.img" % (stem, time.strftime("%Y%m%d-%H%M%S"),
                             os.getpid())
    path = os.path.abspath(opts.image) if opts.image else \
        os.path.join(build.ROOT, "out", "images", name)
    say("making a disk from %s …" % opts.what)
    try:
        image.from_folder(opts.what, path, opts.writable)
    except BaseException:
        if os.path.exists(path):
            os.unlink(path)
        raise
    if keep:
        say("the disk image is %s and is kept" % path)
    return path, not keep


def command_line(opts, disk):
    """The guest's kernel command line."""
    words = ["app=" + opts.app]
    if disk:
        words.append("root=%s%s" % ("vda" if opts.on == "qemu" else "xvda",
                                    "1" if image.partitioned(disk) else ""))
    if opts.writable:
        words.append("http.writable=1")
    if opts.cmd is not None:
        words.append("shell.batch=1")
        words.append("quiet=1")
    return " ".join(words + opts.append.split())


# One run

class Run:
    """A guest that was started, and what is to be done with it."""

    def __init__(self, opts, guest):
        self.opts = opts
        self.guest = guest
        self.showing = False

    def sink(self, data):
        """Console bytes: shown, unless a command has the output."""
        if self.showing:
            terminal.show(data)

    def serving(self, lab):
        """Wait until the guest serves; connect the port."""
        found = self.guest.expect(SERVING, START_SECONDS)
        if found.group(2):
            raise LabError("the guest cannot serve: " +
                           found.group(2).decode(errors="replace"))
        # Port forwarding is for IPv4; the first guest has this address.
        address = found.group(1).decode()
        lab.forward(self.opts.port,
                    "10.0.2.15" if ":" in address else address)
        say("serving %s at http://localhost:%d/"
            % (self.opts.what, self.opts.port))

    def serving_aside(self, lab):
        """serving(), while the user has the console."""
        try:
            self.serving(lab)
        except LabError as error:
            if not self.guest.ended:
                say("error: " + str(error).splitlines()[0])

    def host_command(self):
        """--exec: run it; its status."""
        env = dict(os.environ,
                   DOMUS_URL="http://localhost:%d/" % self.opts.port)
        return subprocess.run(["sh", "-c", self.opts.command],
                              env=env).returncode

    def batch(self):
        """--cmd: run it in the guest's shell; its status."""
        guest = self.guest
        guest.expect(rb"\x1ebegin\r?\n", START_SECONDS)
        start = at = guest.mark()
        guest.send(self.opts.cmd.encode() + b"\n\x04")
        ending = re.compile(rb"\x1eexit (\d+)")
        while True:
            data = bytes(guest.output[start:])
            found = ending.search(data)
            stop = start + found.start() if found else safe_end(guest, data,
                                                                start)
            terminal.show(bytes(guest.output[at:stop]).replace(b"\r\n",
                                                               b"\n"))
            at = stop
            if found:
                guest.wait_end(30)
                return int(found.group(1))
            if guest.ended or not guest.alive():
                raise LabError("the guest ended (%s) before its commands did"
                               % guest.ended)
            guest.wait_output(start + len(data))

    def interactive(self):
        """The console on the terminal until the guest or the user ends."""
        guest = self.guest
        if not sys.stdin.isatty():
            say("Ctrl-C ends it")
            while not guest.wait_end(3600):
                pass
            return 0 if guest.ended == "poweroff" else 1
        say("this is the guest's console; Ctrl-C shuts the guest down, "
            "Ctrl-] stops it at once")
        key = terminal.relay(guest.send, lambda: guest.wait_end(0))
        if key == terminal.QUIT:
            raise Stopped(1)
        if key == terminal.INTERRUPT:
            raise Stopped(130)
        return 0 if guest.ended == "poweroff" else 1

    def crashed(self):
        """Say what is known about a crash."""
        sys.stderr.write(self.guest.tail() + "\n")
        say("the guest crashed; its last lines are above")


def safe_end(guest, data, start):
    """Up to where the output surely has no part of the end mark."""
    cut = data.rfind(b"\x1e")
    stop = start + (cut if cut >= 0 else len(data))
    return stop - (1 if guest.output[stop - 1:stop] == b"\r" else 0)


def finish(guest):
    """Shut the guest down cleanly unless it has ended by itself."""
    if not guest.ended:
        say("shutting the guest down …")
        signals(stop)
        try:
            guest.shutdown(30)
        except LabError as error:
            say(str(error))
        except Stopped:
            say("stopping it at once")
        signals(signal.SIG_IGN)
    guest.remove()


def drive(run, lab):
    """Do what the run is for, with the guest created; its exit status."""
    opts = run.opts
    try:
        if opts.cmd is not None:
            return run.batch()
        if not opts.command:
            run.showing = True
            terminal.show(bytes(run.guest.output))
        if opts.command:
            run.serving(lab)
            return run.host_command()
        if opts.app == "httpd":
            threading.Thread(target=run.serving_aside, args=(lab,),
                             daemon=True).start()
        return run.interactive()
    except Stopped as stopped:
        if stopped.status == 1:
            run.guest.end("stopped")
        return stopped.status
    finally:
        signals(signal.SIG_IGN)
        if run.guest.ended == "crash":
            run.crashed()
        finish(run.guest)


def on_xen(opts, disk):
    """Boot the lab, and the guest as a domU in it."""
    roots = [disk] if disk else []
    paths = roots + [os.path.abspath(d) for d in opts.disk]
    # xl gives an HVM guest no emulated disk that is read-only.
    access = "write" if opts.writable else \
        "scratch" if opts.mode == "hvm" else "read"
    disks = [("disk%d" % n, path, access) for n, path in enumerate(paths)]
    say("starting Xen and its dom0 (about 10 s) …")
    cpus = max(2, min(opts.vcpus + 1, os.cpu_count()))
    with Lab(disks, max(opts.memory, 128), cpus, name="run",
             xen=opts.xen) as lab:
        vbds = ["phy:%s,xvd%s,%s" % (lab.disk(d[0]), "abcdefghijkl"[n],
                                     "r" if access == "read" else "w")
                for n, d in enumerate(disks)]
        run = Run(opts, None)
        run.guest = Guest(lab, NAME, opts.mode, opts.kernel, sink=run.sink,
                          memory=opts.memory, vcpus=opts.vcpus,
                          append=command_line(opts, disk), disks=vbds)
        say("starting the guest (%s, %d MiB) …" % (opts.mode, opts.memory))
        run.guest.create()
        return drive(run, lab)


def on_qemu(opts, disk):
    """The guest under QEMU itself, on virtio; its console a serial port."""
    run = Run(opts, None)
    paths = ([disk] if disk else []) + [os.path.abspath(d) for d in opts.disk]
    run.guest = SerialGuest(
        opts.kernel, opts.memory, opts.vcpus, command_line(opts, disk),
        run.sink, opts.machine, [(path, opts.writable) for path in paths],
        opts.port if opts.app == "httpd" else None, qemu=opts.qemu)
    say("starting the guest under QEMU (%s) …" % opts.machine)
    run.guest.create()
    return drive(run, run.guest)


def on_host(opts, disk):
    """Hand the configuration to the xl of the dom0 that this machine is."""
    try:
        with open("/proc/xen/capabilities", encoding="ascii") as f:
            dom0 = "control_d" in f.read()
    except OSError:
        dom0 = False
    if not dom0:
        raise LabError("this machine is not a Xen dom0: use --on xen, which"
                       " brings its own Xen")
    if opts.mode == "hvm" and not opts.writable:
        raise LabError("xl gives HVM guests no read-only disk: add"
                       " --writable, or take --mode pvh")
    access = "w" if opts.writable else "r"
    paths = ([disk] if disk else []) + [os.path.abspath(d) for d in opts.disk]
    vbds = ["format=raw,vdev=xvd%s,access=%s,target=%s"
            % ("abcdefghijkl"[n], access, p) for n, p in enumerate(paths)]
    path = os.path.join(build.ROOT, "out", "%s-host.cfg" % NAME)
    with open(path, "w", encoding="utf-8") as f:
        f.write(config(NAME, kernel_for(opts.mode, opts.kernel), opts.mode,
                       opts.memory, opts.vcpus, command_line(opts, disk), vbds, ["type=vif"]))
    argv = ([] if os.geteuid() == 0 else ["sudo"]) + ["xl", "create", "-c",
                                                      path]
    say("running: " + shlex.join(argv))
    return subprocess.run(argv).returncode


# From the command line

def signals(action):
    """What the signals that end a run do."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, action)


def stop(number, _frame):
    """A signal arrived: leave by way of every clean-up, once."""
    signals(signal.SIG_IGN)
    raise Stopped(128 + number)


def main(argv):
    """domus run; returns its exit status."""
    opts = parser().parse_args(argv)
    signals(stop)
    disk, ours = None, False
    try:
        check(opts)
        disk, ours = root_disk(opts)
        return {"xen": on_xen, "qemu": on_qemu,
                "host": on_host}[opts.on](opts, disk)
    except LabError as error:
        say("error: " + str(error))
        return 1
    except Stopped as stopped:
        return stopped.status
    finally:
        signals(signal.SIG_IGN)
        if ours and disk:
            os.unlink(disk)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
