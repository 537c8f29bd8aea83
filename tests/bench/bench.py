# SPDX-License-Identifier: BSD-2-Clause
"""domus bench: measure, side by side with the peers in one run.

Each tests/bench/b_NAME.py is one bench: WHAT is a line about it, PACKAGES are
the Debian packages that it needs, run(report) measures.  Nothing is judged:
the results are a table here, out/bench/NAME.json, a plot out/bench/NAME.svg
and, with --record, a part of docs/performance.md.
"""

import argparse
import datetime
import glob
import importlib
import json
import os
import platform
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(ROOT, "out", "bench")
DOC = os.path.join(ROOT, "docs", "performance.md")
sys.path[:0] = [HERE, os.path.join(ROOT, "lab"),
                os.path.join(ROOT, "tests", "lab")]

import plot                             # noqa: E402
from build import LabError              # noqa: E402


def say(text):
    """Progress, beside the results."""
    print("bench: " + text, file=sys.stderr, flush=True)


class Report:
    """What a bench has found."""

    def __init__(self, name, what):
        self.name, self.what = name, what
        self.rows = []                  # of dictionaries, as the JSON has them
        self.notes = []

    def add(self, measure, subject, value, unit):
        """One figure; the first subject of a measure is ours."""
        self.rows.append({"measure": measure, "subject": subject,
                          "value": value, "unit": unit})
        say("%s: %s: %s %s" % (measure, subject, show(value), unit))

    def note(self, text):
        """A condition that one has to know."""
        self.notes.append(text)

    def measures(self):
        """[(measure, unit, {subject: value})], in order."""
        found = {}
        for row in self.rows:
            key = row["measure"], row["unit"]
            found.setdefault(key, {})[row["subject"]] = row["value"]
        return [(m, u, v) for (m, u), v in found.items()]


def show(value):
    """A figure with three or four digits that count."""
    if isinstance(value, int) or abs(value) >= 1000:
        return "{:,}".format(round(value)).replace(",", " ")
    return "%.3g" % value


def processor():
    """What /proc/cpuinfo calls the first one."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return re.search(r"model name\s*: (.*)", f.read()).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def conditions():
    """Where and when."""
    def first_line(*argv):
        try:
            return subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                                  cwd=ROOT, stderr=subprocess.DEVNULL,
                                  check=True).stdout.split("\n")[0]
        except (OSError, subprocess.CalledProcessError):
            return "?"
    return {
        "date": datetime.date.today().isoformat(),
        "revision": first_line("git", "rev-parse", "--short", "HEAD"),
        "processor": "%s, %d CPUs" % (processor(), os.cpu_count() or 1),
        "load before": "%.1f" % os.getloadavg()[0],
        "kernel": platform.release(),
        "QEMU": first_line("qemu-system-x86_64", "--version"),
        "compiler": first_line("gcc", "--version"),
    }


def table(report):
    """Rows of text: measure, unit, each subject, the first over each."""
    rows = []
    for measure, unit, values in report.measures():
        ours = next(iter(values.values()))
        cells = []
        for number, (subject, value) in enumerate(values.items()):
            cell = "%s %s" % (subject, show(value))
            if number and value:
                cell += " (%s)" % show(ours / value)
            cells.append(cell)
        rows.append((measure, unit, "; ".join(cells)))
    return rows


def print_table(report):
    """The results on the terminal."""
    rows = table(report)
    print("\n%s: %s" % (report.name, report.what))
    wide = max(len(r[0]) for r in rows)
    unit = max(len(r[1]) for r in rows)
    for row in rows:
        print("  %-*s  %-*s  %s" % (wide, row[0], unit, row[1], row[2]))
    for note in report.notes:
        print("  - " + note)


def markdown(report, where):
    """The part of docs/performance.md about one bench."""
    lines = ["", report.what[0].upper() + report.what[1:] + ".",
             "In parentheses: the first one's figure over this one's.", "",
             "| measure | unit | result |", "|---|---|---|"]
    lines += ["| %s | %s | %s |" % row for row in table(report)]
    lines += [""] + ["- " + note for note in report.notes]
    lines += ["- `./domus bench %s`, %s." % (
        report.name, ", ".join("%s %s" % (k, v) if k != "date" else v
                               for k, v in where.items())), ""]
    return "\n".join(lines)


def record(report, where):
    """Put the results where docs/performance.md has their place."""
    with open(DOC, encoding="utf-8") as f:
        text = f.read()
    begin = "<!-- bench %s -->" % report.name
    end = "<!-- end %s -->" % report.name
    if begin not in text:
        text = "%s\n\n## %s\n\n%s\n%s\n" % (text.rstrip(), report.name, begin,
                                            end)
    head, rest = text.split(begin)
    tail = rest.split(end, 1)[1]
    with open(DOC, "w", encoding="utf-8") as f:
        f.write(head + begin + markdown(report, where) + end + tail)


def benches():
    """{name: module}."""
    return {os.path.basename(p)[2:-3].replace("_", "-"):
            importlib.import_module(os.path.basename(p)[:-3])
            for p in sorted(glob.glob(os.path.join(HERE, "b_*.py")))}


def setup(modules):
    """Install what the benches and the plots need."""
    packages = {"gnuplot-nox"}.union(*(m.PACKAGES for m in modules))
    done = subprocess.run([os.path.join(ROOT, "tools", "setup"), "also"] +
                          sorted(packages), check=False)
    if done.returncode != 0:
        raise LabError("what the bench needs could not be installed")


def run(name, module, opts):
    """One bench, from measuring to the files."""
    where = conditions()
    report = Report(name, module.WHAT)
    say("%s: %s …" % (name, module.WHAT))
    module.run(report)
    os.makedirs(OUT, exist_ok=True)
    path = os.path.join(OUT, name)
    with open(path + ".json", "w", encoding="utf-8") as f:
        json.dump({"bench": name, "conditions": where, "rows": report.rows,
                   "notes": report.notes}, f, indent=1)
        f.write("\n")
    plot.svg(report, path + ".svg")
    print_table(report)
    print("  files: %s.json, %s.svg" % ((os.path.relpath(path, ROOT),) * 2))
    if opts.record:
        record(report, where)


def main():
    """The command line."""
    known = benches()
    parser = argparse.ArgumentParser(
        prog="domus bench", description="Measure, and compare with others.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="which; all when none is named")
    parser.add_argument("--list", action="store_true",
                        help="what there is")
    parser.add_argument("--record", action="store_true",
                        help="put the results into docs/performance.md")
    opts = parser.parse_args()
    if opts.list:
        for name, module in known.items():
            print("%-14s %s" % (name, module.WHAT))
        return 0
    unknown = [n for n in opts.names if n not in known]
    if unknown:
        print("domus bench: no bench is called '%s'; there are: %s"
              % (unknown[0], ", ".join(known)), file=sys.stderr)
        return 2
    chosen = opts.names or list(known)
    setup([known[n] for n in chosen])
    for name in chosen:
        run(name, known[name], opts)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print("domus bench: error: %s" % error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
