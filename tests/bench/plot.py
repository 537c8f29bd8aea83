# SPDX-License-Identifier: BSD-2-Clause
"""Bars for each measure of a bench, drawn by gnuplot."""

import subprocess

HEIGHT = 260                            # pixels, of one measure


def quote(text):
    """A string of gnuplot's that has no markup."""
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def script(report, path):
    """What gnuplot is told: one small chart below the other."""
    measures = report.measures()
    lines = ["set terminal svg size 760,%d noenhanced font 'sans,12' "
             "background '#ffffff'" % (HEIGHT * len(measures)),
             "set output " + quote(path),
             "set multiplot layout %d,1" % len(measures),
             "set style fill solid 0.8", "set boxwidth 0.6", "unset key",
             "set grid ytics", "set yrange [0:*]", "set offsets 0,0,graph "
             "0.1,0"]
    for measure, unit, values in measures:
        lines += ["set title " + quote(measure),
                  "set ylabel " + quote(unit),
                  "set xrange [-0.6:%f]" % (len(values) - 0.4),
                  "$data << EOD"]
        lines += ["%d\t%s\t%s" % (n, value, quote(subject)) for n,
                  (subject, value) in enumerate(values.items())]
        lines += ["EOD", "plot $data using 1:2:xtic(3) with boxes, "
                  "$data using 1:2:2 with labels offset 0,0.7"]
    return "\n".join(lines + ["unset multiplot", ""])


def svg(report, path):
    """Draw the report's measures into a file."""
    subprocess.run(["gnuplot"], input=script(report, path), text=True,
                   check=True)
