# SPDX-License-Identifier: Apache-2.0
"""The workload: its image, its containers, and what its log of ticks tells."""
import io
import json
import os
import pathlib
import select
import struct
import tarfile
import time

from measure.host import BenchError, run, timed, wait_for

IMAGE = "localhost/reprise-bench:1"
SOURCE = pathlib.Path(__file__).resolve().parent.parent / "workload.c"
RECORD = struct.Struct("<QQQ")  # number, CLOCK_REALTIME, CLOCK_MONOTONIC, as in workload.c
READY_LIMIT = 120
TICK_LIMIT = 120
END_LIMIT = 600


def build_image(directory):
    """Compiles the workload and makes it the only file of an image."""
    program = directory / "workload"
    run("gcc", "-static", "-O2", "-Wall", "-Wextra", "-pthread", "-o", program, SOURCE)
    archive = directory / "image.tar"
    with tarfile.open(archive, "w") as tar:
        entry = tarfile.TarInfo("workload")
        content = program.read_bytes()
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    run("podman", "import", "--change", 'ENTRYPOINT ["/workload"]', archive, IMAGE)


class TickLog:
    """The file that the workload writes, read while it writes."""

    def __init__(self, path):
        self.path = path

    def records(self):
        """All (number, realtime ns, monotonic ns) so far."""
        data = self.path.read_bytes() if self.path.exists() else b""
        return list(RECORD.iter_unpack(data[:len(data) // RECORD.size * RECORD.size]))

    def count(self):
        return self.path.stat().st_size // RECORD.size if self.path.exists() else 0

    def wait_for_count(self, count, what):
        wait_for(lambda: self.count() >= count, TICK_LIMIT, what)

    def wait_for_tick_after(self, realtime_ns):
        """The first tick at or after a time that has come."""
        def found():
            return self.count() and self.records()[-1][1] >= realtime_ns
        wait_for(found, TICK_LIMIT, "the workload to tick again")
        return next(record for record in self.records() if record[1] >= realtime_ns)

    def largest_gap_ms(self, begin_ns, end_ns):
        """The longest stretch without a tick that touches this time, within one life."""
        records = self.records()
        gaps = [later[2] - earlier[2] for earlier, later in zip(records, records[1:])
                if later[1] >= begin_ns and earlier[1] <= end_ns]
        if not gaps:
            raise BenchError("no tick in the time that was measured")
        return max(gaps) / 1e6

    def assert_unbroken(self):
        """One life since the first tick: a cold start would count from 0 again."""
        for expected, (number, _, _) in enumerate(self.records()):
            if number != expected:
                raise BenchError(f"tick {number} where {expected} was due: it did not resume, but "
                                 "started again; see 'reprise logs'")


class Container:
    """One container of the workload; `remove()` is safe whatever became of it."""

    def __init__(self, name, ticks_dir):
        self.name = name
        self.ticks_dir = ticks_dir
        self.log = TickLog(ticks_dir / f"{name}.ticks")
        self.id = ""
        self.pid = 0

    def run(self, subject, megabytes, fill):
        """Starts it and waits until its memory is full and it ticks."""
        run("podman", "--runtime", subject.runtime, "run", "-d", "--name", self.name,
            "-v", f"{self.ticks_dir}:/ticks", *subject.run_options, IMAGE,
            "tick", f"/ticks/{self.name}.ticks", megabytes, fill)
        self.refresh()
        wait_for(lambda: self.log.count() > 0, READY_LIMIT, f"'{self.name}' to fill its memory")

    def refresh(self):
        """Learns what changes with every start."""
        info = self.inspect()
        self.id, self.pid = info["Id"], info["State"]["Pid"]

    def inspect(self):
        return json.loads(run("podman", "inspect", "--type", "container", self.name).stdout)[0]

    def timed_kill(self, command, env):
        """Runs a kill command: ms until it returned, and until both it and the container ended."""
        pidfd = os.pidfd_open(self.pid)
        try:
            begin = time.monotonic_ns()
            returned = timed(*command, env=env)
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            if not poll.poll(END_LIMIT * 1000):
                raise BenchError(f"'{self.name}' did not end in {END_LIMIT} s")
            return returned, (time.monotonic_ns() - begin) / 1e6
        finally:
            os.close(pidfd)

    def wait_until_exited(self):
        """Until Podman knows, too."""
        run("podman", "wait", self.name)

    def remove(self):
        run("podman", "rm", "-f", "-t", "0", "--ignore", self.name, check=False)
        self.log.path.unlink(missing_ok=True)
