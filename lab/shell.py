# SPDX-License-Identifier: BSD-2-Clause
"""domus lab: a shell, or one command, in the lab's dom0."""

import argparse
import sys

import terminal
from build import LabError, say
from lab import STORES, Lab


def one(lab, command):
    """Run a command in dom0; its status."""
    done = lab.exec(command, timeout=3600)
    terminal.show(done.stdout.encode())
    print(done.stderr, end="", file=sys.stderr)
    return done.status


def person(lab):
    """A shell for a person."""
    say("this is dom0: xl, xenstore-ls …; exit or Ctrl-] ends the lab")
    session = lab.agent.spawn("cd /lab; exec sh -i", terminal.show, "T")
    terminal.relay(session.send, lambda: session.wait(0) is not None,
                   (terminal.QUIT,))
    return 0


def arguments(argv):
    """The command line."""
    parser = argparse.ArgumentParser(prog="domus lab", allow_abbrev=False,
                                     description=__doc__)
    parser.add_argument("--xen", metavar="RELEASE",
                        help="4.14, 4.17 or 4.20; else the one installed")
    parser.add_argument("--store", choices=STORES, default=STORES[0])
    parser.add_argument("command", nargs=argparse.REMAINDER,
                        help="what to run in dom0 instead of a shell")
    return parser.parse_args(argv)


def main(argv):
    """Boot the lab; a shell when it is a person who asks."""
    args = arguments(argv)
    say("starting Xen and its dom0 (about 10 s) …")
    try:
        with Lab(name="shell", xen=args.xen, store=args.store) as lab:
            if args.command:
                return one(lab, " ".join(args.command))
            if sys.stdin.isatty():
                return person(lab)
            return one(lab, sys.stdin.read())
    except LabError as error:
        say("error: " + str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
