# SPDX-License-Identifier: BSD-2-Clause
"""domus test [--long]: the tests, and one line with the sum.

--long adds the full matrices and counts, which take hours.

Each step prints `N passed, N failed, N skipped` of its own as its last such
line; a step which prints none, or fails without a failure in its line, counts
as one failure.  A step that fails does not keep the next ones from running.
What failed is named once more above the sum.
"""

import argparse
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# As many labs side by side as there are CPUs, but two are enough; what a file
# starts is shared by its tests, so they stay together.
LABS = str(min(2, os.cpu_count() or 1))
STEPS = (
    ("check", ["make", "-j%d" % (os.cpu_count() or 1), "check"]),
    ("xen", ["make", "xen"]),
    ("qemu", ["make", "qemu"]),
    ("lab", ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider",
             "-v", "--durations=30", "-n", LABS, "--dist", "loadfile",
             "tests/lab"]),
)
# A line that says that one test failed: of tools/run-host, tools/run, pytest.
BAD = re.compile(r"^(?:  (?:FAIL|FAILURE|CRASH|ERROR) .*"
                 r"|(?:FAILED|ERROR) tests/.*)", re.M)
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.M)


def step(name, argv):
    """Run one step, show what it prints; its counts and what failed."""
    print("== %s: %s" % (name, " ".join(argv)), flush=True)
    start = time.monotonic()
    text = []
    process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True,
                               errors="replace")
    for line in process.stdout:
        print(line, end="", flush=True)
        text.append(line)
    status = process.wait()
    found = COUNTS.findall("".join(text))
    counts = [int(n) for n in found[-1]] if found else [0, 0, 0]
    if counts[1] == 0 and (status != 0 or not found):
        counts[1] = 1
    print("== %s: %s after %d s" % (name, "ok" if counts[1] == 0 else
                                    "FAILED", time.monotonic() - start),
          flush=True)
    return counts, BAD.findall("".join(text))


def main():
    """All steps; the sum is the last line."""
    parser = argparse.ArgumentParser(prog="domus test",
                                     description="Run the tests.")
    parser.add_argument("--long", action="store_true",
                        help="also the full matrices, which take hours")
    long = ["--long"] if parser.parse_args().long else []
    total = [0, 0, 0]
    failed = []
    for name, argv in STEPS:
        counts, bad = step(name, argv + long if name == "lab" else argv)
        total = [a + b for a, b in zip(total, counts)]
        failed += bad
    for line in failed:
        print("failed: " + line.strip())
    print("%d passed, %d failed, %d skipped" % tuple(total), flush=True)
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
