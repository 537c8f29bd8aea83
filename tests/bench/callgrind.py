# SPDX-License-Identifier: BSD-2-Clause
"""What callgrind has counted, by object file and function."""

import os
import re
import subprocess


def command(trace, *options):
    """The words before a command whose instructions are to be counted."""
    return ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + trace,
            *options]


def run(trace, argv, *options):
    """Count a program to its end; what it printed."""
    return subprocess.run(command(trace, *options) + argv, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True).stdout


def costs(trace):
    """(object, function) -> instructions of its own, without those of what
    it calls."""
    names, found = {}, {}
    key, skip = ["", ""], False

    def name(kind, text):
        number, _, rest = text.partition(" ")
        if rest:
            names[kind, number] = rest
        return names.get((kind, number), text)

    with open(trace, encoding="utf-8", errors="replace") as f:
        for line in f:
            line = line.rstrip("\n")
            word, equals, text = line.partition("=")
            if equals and word in ("ob", "cob"):
                text = name("ob", text)
                if word == "ob":
                    key[0] = os.path.basename(text)
            elif equals and word in ("fn", "cfn"):
                text = name("fn", text)
                if word == "fn":
                    key[1] = text
            elif equals and word == "calls":
                skip = True
            elif re.match(r"[+\-*\d]", line):
                if not skip:
                    where = tuple(key)
                    cost = line.split()
                    found[where] = found.get(where, 0) + (
                        int(cost[1]) if len(cost) > 1 else 0)
                skip = False
    return found
