# SPDX-License-Identifier: BSD-2-Clause
"""The user's terminal as a guest's console."""

import contextlib
import os
import select
import sys
import termios

QUIT = 0x1d                             # Ctrl-]
INTERRUPT = 0x03                        # Ctrl-C


def show(data):
    """Bytes to standard output, at once."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        pass


@contextlib.contextmanager
def raw(fd):
    """Every key as it is typed, without echo; as it was at the end."""
    before = termios.tcgetattr(fd)
    mode = termios.tcgetattr(fd)
    mode[0] &= ~(termios.ICRNL | termios.IXON)
    mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG |
                 termios.IEXTEN)
    termios.tcsetattr(fd, termios.TCSADRAIN, mode)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def relay(send, done, keys=(QUIT, INTERRUPT)):
    """Give what is typed to send() until done() or until one of the keys is
    typed, which is then returned."""
    fd = sys.stdin.fileno()
    with raw(fd):
        while not done():
            if not select.select([fd], [], [], 0.3)[0]:
                continue
            data = os.read(fd, 1024)
            for key in keys:
                if key in data:
                    return key
            if not data:
                return QUIT
            send(data)
    return None
