# SPDX-License-Identifier: Apache-2.0
"""Processes of a cluster, held on disk by pid and start time, and commands of the host."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

from harness.waiting import wait_for

GONE = 30  # seconds in which a process that was killed has ended


def run(*command, check=True, timeout=120, **options):
    """Runs a command to its end; output as text. With `check`, its failure is an error."""
    words = [str(word) for word in command]
    options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
    done = subprocess.run(words, capture_output=True, text=True, errors="backslashreplace",
                          timeout=timeout, check=False, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"'{' '.join(words)}' failed ({done.returncode}):\n"
                           f"{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done


def start_time(pid):
    """In clock ticks since boot; None of a process that has ended, waited for or not."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = fields.rpartition(") ")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]


class Process:
    """One that outlives whoever launched it. `file` says which, while it runs and afterwards."""

    def __init__(self, file):
        self.file = file

    def launch(self, *command, log, env):
        with open(log, "ab") as output:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output, env=env, cwd="/",
                                       start_new_session=True)
        self.note(process.pid)
        # Whoever launches it may end first, and need not wait for it.
        process.returncode = 0

    def note(self, pid):
        part = self.file.with_suffix(".part")
        part.write_text(f"{pid} {start_time(pid)}\n", encoding="ascii")
        part.rename(self.file)

    @property
    def pid(self):
        """0 where it does not run (any more)."""
        with contextlib.suppress(FileNotFoundError):
            pid, start = self.file.read_text(encoding="ascii").split()
            if str(start_time(int(pid))) == start:
                return int(pid)
        return 0

    def end(self, first=signal.SIGTERM, patience=15.0):
        """By signal, by SIGKILL if it still runs after `patience` seconds. Waits for its end."""
        for number, deadline in ((first, patience), (signal.SIGKILL, GONE)):
            pid = self.pid
            if not pid:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            end = time.monotonic() + deadline
            with contextlib.suppress(AssertionError):
                wait_for(lambda: not self.pid, end - time.monotonic(), "its end")
        reap()
        assert not self.pid, f"process {self.pid} ('{self.file}') cannot be killed"
        self.file.unlink(missing_ok=True)


def reap():
    """Our ended children that nobody else waits for: those that Process launched."""
    with contextlib.suppress(ChildProcessError):
        for pid in children(os.getpid()):
            if start_time(pid) is None:
                os.waitpid(pid, os.WNOHANG)
