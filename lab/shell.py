# SPDX-License-Identifier: BSD-2-Clause
"""domus lab: a shell, or one command, in the lab's dom0."""

import sys

import terminal
from build import LabError, say
from lab import Lab


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


def main(argv):
    """Boot the lab; a shell when it is a person who asks."""
    say("starting Xen and its dom0 (about 10 s) …")
    try:
        with Lab(name="shell") as lab:
            if argv:
                return one(lab, " ".join(argv))
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
