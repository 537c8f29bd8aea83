# SPDX-License-Identifier: BSD-2-Clause
"""What a guest says on its console, and waiting for it to say something."""

import re
import threading
import time

from build import LabError


class Console:
    """The console and the end of a guest; the base of every kind of guest."""

    def __init__(self, sink=None):
        """sink(bytes) is called with what comes from the console."""
        self._sink = sink
        self._changed = threading.Condition()
        self._at = 0                    # how far expect() has read
        self.output = bytearray()       # all that the console said
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
