# SPDX-License-Identifier: Apache-2.0
"""Runs the parts of a node or of the control plane; a part that dies is started again.

On a node this is process 1: it reaps whatever is left to it, and when it ends everything ends.
Asked over a UNIX socket, a line of JSON each way (see Control): {"do": "start" | "stop" | "status",
"part": NAME, …}; the answer tells the process id of each part, or 0, as seen in this namespace.
"""
import ctypes
import dataclasses
import json
import os
import selectors
import signal
import socket
import subprocess
import time

AGAIN = 1.0  # seconds after which a part that died is started again
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclasses.dataclass
class Part:
    command: list  # empty: it is to stay as it is
    log: str
    process: subprocess.Popen | None = None
    due: float | None = None  # when it is to be started


class Supervisor:
    def __init__(self, path):
        self.parts = {}
        self.ending = False
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(16)
        # Signals wake the selector.
        wake, woken = socket.socketpair()
        for end in (wake, woken):
            end.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        self._pair = (wake, woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ending", True))
        self.selector.register(self.listener, selectors.EVENT_READ, self._serve)
        self.selector.register(wake, selectors.EVENT_READ, lambda: wake.recv(4096))

    def run(self):
        while not self.ending:
            self._start_due()
            dues = [part.due for part in self.parts.values() if part.due is not None]
            wait = max(0.0, min(dues) - time.monotonic()) if dues else None
            for key, _ in self.selector.select(wait):
                key.data()
            self._reap()
        self._end_all()

    def _start_due(self):
        for part in self.parts.values():
            if part.due is not None and part.due <= time.monotonic():
                part.due = None
                with open(part.log, "ab") as log:
                    part.process = subprocess.Popen(
                        part.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                        start_new_session=True, preexec_fn=_die_with_parent)

    def _reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid, status)

    def _ended(self, pid, status):
        for name, part in self.parts.items():
            if part.process and part.process.pid == pid:
                part.process.returncode = status
                part.process = None
                with open(part.log, "a", encoding="utf-8") as log:
                    print(f"--- {name} ended ({os.waitstatus_to_exitcode(status)})", file=log)
                if part.command and not self.ending:
                    part.due = time.monotonic() + AGAIN

    def _serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            connection.settimeout(5)
            try:
                self._obey(json.loads(stream.readline()))
            except (OSError, ValueError, KeyError) as error:
                print(json.dumps({"error": repr(error)}), file=stream)
                return
            self._start_due()
            print(json.dumps({name: part.process.pid if part.process else 0
                              for name, part in self.parts.items()}), file=stream)

    def _obey(self, request):
        if request["do"] == "start":
            part = self.parts.setdefault(request["part"], Part([], ""))
            part.command, part.log = request["command"], request["log"]
            if part.process is None:
                part.due = time.monotonic()
        elif request["do"] == "stop" and request["part"] in self.parts:
            part = self.parts[request["part"]]
            part.command, part.due = [], None
            if part.process:
                os.kill(part.process.pid, request["signal"])

    def _end_all(self):
        """At once: nothing that they would save is wanted any more."""
        for part in self.parts.values():
            if part.process:
                os.kill(part.process.pid, signal.SIGKILL)
        while any(part.process for part in self.parts.values()):
            self.selector.select(0.1)
            self._reap()


class Control:
    """The other side of a supervisor's socket."""

    def __init__(self, path):
        self.path = path

    def ask(self, **request):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(str(self.path))
            with connection.makefile("rw", encoding="utf-8") as stream:
                print(json.dumps(request), file=stream, flush=True)
                answer = json.loads(stream.readline())
        if "error" in answer:
            raise RuntimeError(f"'{self.path}' did not {request}: {answer['error']}")
        return answer

    def answers(self):
        try:
            self.ask(do="status")
        except (OSError, ValueError):
            return False
        return True

    def start(self, part, command, log):
        self.ask(do="start", part=part, command=[str(word) for word in command], log=str(log))

    def signal(self, part, number):
        """It is not started again."""
        return self.ask(do="stop", part=part, signal=int(number))

    def pid(self, part):
        """As seen by the supervisor; 0 where it does not run."""
        return self.ask(do="status").get(part, 0)
