# SPDX-License-Identifier: BSD-2-Clause
"""xenstore: requests of one guest, one after the other."""

import xen
from lab import Lab

WHAT = "requests of one guest to XenStore, on Xen"
PACKAGES = ()
MODES = ("pv", "pvh")
KINDS = {"read": "read", "write": "write", "update": "read and write in a "
         "transaction", "watch": "watch and unwatch"}


def run(report):
    """Requests per second of each kind."""
    xen.build()
    found = {}
    with Lab(guest_memory=128, name="bench", cpus=2) as lab:
        for mode in MODES:
            guest = xen.start(lab, "store-" + mode, mode, "do=store")
            try:
                found[mode] = xen.lines(guest)
            finally:
                guest.remove()
    for kind, title in KINDS.items():
        for mode in MODES:
            n, seconds = found[mode][kind]
            report.add(title, mode.upper(), n / seconds, "per s")
    report.note("one request at a time, 2 s of each kind, xenstored in dom0")
