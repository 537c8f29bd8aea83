# SPDX-License-Identifier: BSD-2-Clause
"""What a guest says on its console, and waiting for it to say something."""

import re
import threading
import time
import weakref

from build import LabError


class Console:
    """The console and the end of a guest; the base of every kind of guest."""

    made = weakref.WeakSet()            # those that there are

    def __init__(self, sink=None):
        """sink(bytes) is called with what comes from the console."""
        self.made.add(self)
        self._sink = sink
        self._changed = threading.Condition()
        self._at = 0                    # how far expect() has read
        self.output = bytearray()       # all that the console said
        self._asked = 0                 # how many lines sh() has run
        self.ended = None               # poweroff, crash, … once it ended

    def feed(self, data):
        """Take bytes of the console."""
        with self._changed:
            self.output += data
            self._changed.notify_all()
        if self._sink:
            self._sink(data)

    def end(self, reason):
        """Note the guest's end."""
        with self._changed:
            self.ended = self.ended or reason
            self._changed.notify_all()

    def send(self, data):
        """Type bytes on the console."""
        raise NotImplementedError

    def alive(self):
        """False once nothing can come any more."""
        return True

    def expect(self, pattern, timeout=30):
        """Wait until the console says the pattern (of bytes) after what the
        last expect() found; returns the match."""
        wanted = re.compile(pattern, 0 if isinstance(pattern, re.Pattern)
                            else re.M)
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                found = wanted.search(self.output, self._at)
                if found:
                    self._at = found.end()
                    return found
                left = end - time.monotonic()
                if self.ended or left <= 0 or not self.alive():
                    raise LabError(self._not_seen(wanted.pattern, timeout))
                self._changed.wait(min(left, 1))

    def mark(self):
        """Where in the output the last expect() stopped reading."""
        return self._at

    def wait_output(self, size, timeout=1):
        """Wait until there is more output than size, or an end."""
        with self._changed:
            if len(self.output) <= size and not self.ended:
                self._changed.wait(timeout)

    def sh(self, line, timeout=120):
        """Run a line in the guest's shell; what it printed.

        It stands between what two other commands print: log lines may come in
        the middle of a prompt or of what is typed, never of such a line.  What
        is typed before the prompt is there has a line of its own.
        """
        self._asked += 1
        first, last = b"=%d<=" % self._asked, b"=>%d=" % self._asked
        self.send(b"echo " + first + b"\r")
        self.expect(rb"^" + first + rb"\r*\n", timeout)
        start = self.mark()
        self.send(line.encode() + b"\recho " + last + b"\r")
        self.expect(rb"^" + last + rb"\r*\n", timeout)
        text = self.output[start:self.mark()].decode(errors="replace")
        lines = text.replace("\r", "").splitlines(True)[:-1]
        typed = (line + "\n", "echo %s\n" % last.decode())
        return "".join(s for s in lines if "domus# " not in s and
                       s not in typed)

    def sh_until(self, line, pattern, timeout=60):
        """Run a line again and again until it prints the pattern."""
        end = time.monotonic() + timeout
        while True:
            text = self.sh(line)
            found = re.search(pattern, text, re.M | re.S)
            if found:
                return found
            if time.monotonic() > end:
                raise LabError("`%s' never printed %r but:\n%s" % (
                    line, pattern, text))
            time.sleep(0.2)

    def _not_seen(self, pattern, timeout):
        why = "ended (%s)" % self.ended if self.ended else \
            "did not do so in %d s" % timeout
        return "the guest should have said %r but %s; its console:\n%s" \
            % (pattern.decode(), why, self.tail())

    def tail(self, size=2000):
        """The last of what the console said, as text."""
        return self.output[-size:].decode(errors="replace")

    def wait_end(self, timeout=60):
        """Wait for the guest's end; returns the reason, None when not yet."""
        end = time.monotonic() + timeout
        with self._changed:
            while not self.ended and time.monotonic() < end:
                if not self.alive():
                    self.ended = "the lab ended"
                self._changed.wait(0.5)
        return self.ended
