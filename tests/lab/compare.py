# SPDX-License-Identifier: BSD-2-Clause
"""compare.py URL FOLDER: get every file of the folder from the server; it
fails unless each arrives with the SHA-256 that it has in the folder."""

import hashlib
import os
import sys
import urllib.parse
import urllib.request


def digest(stream):
    """SHA-256 of all that a stream holds."""
    total = hashlib.sha256()
    for data in iter(lambda: stream.read(1 << 20), b""):
        total.update(data)
    return total.hexdigest()


def main(url, folder):
    """Compare; the number of files that differ or do not arrive."""
    bad = count = 0
    for where, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(where, name)
            target = url + urllib.parse.quote(os.path.relpath(path, folder))
            count += 1
            try:
                with open(path, "rb") as ours, \
                        urllib.request.urlopen(target, timeout=120) as got:
                    same = digest(ours) == digest(got)
            except OSError as error:
                same = False
                print("%s: %s" % (target, error))
            if not same:
                bad += 1
                print("different: " + target)
    print("%d files, %d differ" % (count, bad))
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
