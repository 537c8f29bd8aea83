# SPDX-License-Identifier: BSD-2-Clause
"""Boot any kernel as a domU of the lab and show its console.

	python3 lab/boot.py [--mode pv|pvh|hvm] [--append ARGS] KERNEL

For work on a guest kernel: `./domus run` is the way to serve a folder.
"""

import argparse
import os
import sys

from build import LabError, say
from guest import MODES, Guest
from lab import STORES, Lab


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("kernel")
    parser.add_argument("--mode", choices=MODES, action="append",
                        help="pv when not given; several: one after another")
    parser.add_argument("--append", default="", help="kernel command line")
    parser.add_argument("--memory", type=int, default=64)
    parser.add_argument("--vcpus", type=int, default=1)
    parser.add_argument("--ramdisk")
    parser.add_argument("--disk", action="append", default=[],
                        help="a raw image; becomes xvda, xvdb, …; writable")
    parser.add_argument("--xen", metavar="RELEASE",
                        help="4.14, 4.17 or 4.20; else the one installed")
    parser.add_argument("--store", choices=STORES, default=STORES[0])
    parser.add_argument("--timeout", type=int, default=60,
                        help="seconds after which the guest is destroyed")
    parser.add_argument("--in", dest="typed", default="",
                        help="what to type on the console; \\n is understood")
    parser.add_argument("--dom0", default="",
                        help="a command for dom0 once the guest was created")
    return parser.parse_args()


def show(data):
    """Console bytes to the terminal."""
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def boot(lab, args, mode):
    """Run the guest in one mode; returns whether it ended well."""
    disks = ["phy:%s,xvd%s,w" % (lab.disk("disk%d" % n), "abcdefgh"[n])
             for n in range(len(args.disk))]
    guest = Guest(lab, "guest-" + mode, mode, args.kernel, args.ramdisk,
                  sink=show, memory=args.memory, vcpus=args.vcpus,
                  append=args.append, disks=disks)
    try:
        guest.create()
        if args.typed:
            guest.send(args.typed.encode().decode("unicode_escape").encode())
        if args.dom0:
            done = lab.exec(args.dom0, timeout=600)
            show((done.stdout + done.stderr).encode())
        reason = guest.wait_end(args.timeout)
        say("%s: %s" % (mode, reason or "still running, destroyed"))
        if mode == "hvm":
            show(lab.exec("cat /var/log/xen/serial-%s.log" % guest.name).stdout.encode())
        if reason == "crash":
            show(guest.registers().encode())
        return reason == "poweroff"
    finally:
        guest.remove()


def main():
    """Boot the lab and the guest in each mode asked for."""
    args = arguments()
    disks = [("disk%d" % n, os.path.abspath(image), "write")
             for n, image in enumerate(args.disk)]
    with Lab(disks, max(args.memory, 256), name="boot", xen=args.xen,
             store=args.store) as lab:
        say("Xen is up; its log: " + lab.log)
        results = [boot(lab, args, mode) for mode in args.mode or ["pv"]]
        said = lab.exec("xl dmesg | sed -n '/Freed.*init memory/,$p'"
                        " | grep -v 'HVM.* save: \\|HVM.* restore: '").stdout
        show(said.encode())
    return 0 if all(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
