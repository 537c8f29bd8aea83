# SPDX-License-Identifier: BSD-2-Clause
"""The host's side of the lab's two channels: the dom0 agent, and QMP."""

import collections
import json
import queue
import struct
import threading
import time

from build import LabError

HEADER = struct.Struct("<HBBI")
CHUNK = 32768
PULSE = 0.25

Result = collections.namedtuple("Result", "status stdout stderr")


class Session:
    """One command in dom0, and what it prints, as it prints it."""

    def __init__(self, agent, sid, sink=None):
        self._agent = agent
        self._sid = sid
        self._sink = sink
        self._done = threading.Event()
        self.out = bytearray()
        self.err = bytearray()
        self.status = None

    def frame(self, kind, data):
        """Take a frame from the agent (in the agent's thread)."""
        if kind == "D":
            self.status = struct.unpack("<i", data)[0]
            self._done.set()
        elif kind == "X":
            self.err += data
        elif self._sink:
            self._sink(data)
        else:
            self.out += data

    def lost(self):
        """The channel closed: the command counts as killed."""
        self.status = 255 if self.status is None else self.status
        self._done.set()

    def send(self, data):
        """Bytes for the command's standard input."""
        for at in range(0, len(data), CHUNK):
            self._agent.send(self._sid, "I", data[at:at + CHUNK])

    def eof(self):
        """No more standard input."""
        self._agent.send(self._sid, "E")

    def kill(self):
        """End the command and its children."""
        self._agent.send(self._sid, "K")

    def wait(self, timeout=None):
        """Wait for the end; returns the exit status, None when not yet."""
        self._done.wait(timeout)
        return self.status


class Agent:
    """Runs commands in dom0 through the agent there."""

    def __init__(self, sock):
        self._sock = sock
        self._lock = threading.Lock()
        self._sessions = {}
        self._next = 1
        self.hello = threading.Event()
        self.closed = threading.Event()
        threading.Thread(target=self._reader, daemon=True).start()
        threading.Thread(target=self._pulse, daemon=True).start()

    def _pulse(self):
        """Interrupt the machine now and then, in case that the emulator has
        lost an interrupt: see docs/testing.md."""
        while not self.closed.wait(PULSE):
            if self.hello.is_set():
                self.send(0, "N")

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self._sock.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _reader(self):
        try:
            while True:
                sid, kind, _, size = HEADER.unpack(self._read(HEADER.size))
                data = self._read(size)
                if chr(kind) == "H":
                    self.hello.set()
                elif sid in self._sessions:
                    self._sessions[sid].frame(chr(kind), data)
                    if chr(kind) == "D":
                        del self._sessions[sid]
        except (EOFError, OSError):
            pass
        self.closed.set()
        for session in list(self._sessions.values()):
            session.lost()

    def send(self, sid, kind, data=b""):
        """Send one frame."""
        frame = HEADER.pack(sid, ord(kind), 0, len(data)) + data
        with self._lock:
            try:
                self._sock.sendall(frame)
            except OSError:
                self.closed.set()

    def spawn(self, command, sink=None, kind="R"):
        """Start a command; its output goes to sink when one is given.
        Kind T runs it on a terminal."""
        with self._lock:
            sid = self._next
            self._next = self._next % 65535 + 1
            session = self._sessions[sid] = Session(self, sid, sink)
        self.send(sid, kind, command.encode())
        if self.closed.is_set():
            session.lost()
        return session

    def exec(self, command, stdin=b"", timeout=60):
        """Run a command to its end; returns Result(status, stdout, stderr)."""
        session = self.spawn(command)
        session.send(stdin)
        session.eof()
        if session.wait(timeout) is None:
            session.kill()
            raise LabError("no end after %d s in dom0: %s"
                           % (timeout, command))
        return Result(session.status, session.out.decode(errors="replace"),
                      session.err.decode(errors="replace"))


class Qmp:
    """QEMU's monitor."""

    def __init__(self, sock):
        self._sock = sock
        self._lock = threading.Lock()
        self._replies = queue.Queue()
        self._deleted = []
        threading.Thread(target=self._reader, daemon=True).start()
        self.execute("qmp_capabilities")

    def _reader(self):
        with self._sock.makefile("r") as lines:
            for line in lines:
                message = json.loads(line)
                if message.get("event") == "DEVICE_DELETED":
                    self._deleted.append(message["data"].get("device"))
                elif "QMP" not in message and "event" not in message:
                    self._replies.put(message)

    def execute(self, command, timeout=30, **arguments):
        """Run a QMP command; returns its value."""
        request = json.dumps({"execute": command, "arguments": arguments})
        with self._lock:
            try:
                self._sock.sendall(request.encode())
                reply = self._replies.get(timeout=timeout)
            except (OSError, queue.Empty):
                raise LabError("QEMU does not answer to %s"
                               % command) from None
        if "error" in reply:
            raise LabError("QEMU: " + reply["error"]["desc"])
        return reply["return"]

    def monitor(self, line):
        """Run a line of the human monitor; what it prints is an error."""
        said = self.execute("human-monitor-command", **{"command-line": line})
        if said.strip():
            raise LabError("QEMU: %s (%s)" % (said.strip(), line))

    def wait_deleted(self, device, timeout=60):
        """Wait until a device is unplugged; False when it is not."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if device in self._deleted:
                self._deleted.remove(device)
                return True
            time.sleep(0.05)
        return False
