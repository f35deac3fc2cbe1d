# SPDX-License-Identifier: Apache-2.0
"""One container under Podman and our runtime."""
import json
import pathlib
import secrets
import subprocess

from harness import host, leftovers
from harness.product import ANNOTATION
from harness.waiting import wait_for

STARTED = 60  # seconds until a workload must have said what it says first
STOPPED = 60
# runc copies itself into a memfd and seals that. The kernel refuses (EBUSY) while it moves one of the
# pages, as it does when the host takes memory back; then nothing of the command has run.
RUNC_GAVE_UP = "could not ensure we are a cloned binary: Device or resource busy"


def podman(*arguments, timeout=120, check=True):
    """Runs Podman to its end. With `check`, its failure is the test's."""
    result = host.run("podman", *arguments, timeout=timeout)
    if check:
        assert result.returncode == 0, f"podman {' '.join(map(str, arguments))}: " \
            f"exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def started(start, clear=lambda: None):
    """What `start` (a command that has runc begin a process) came to, where runc did not give up;
    `clear` removes what it left then."""
    for _ in range(2):
        result = start()
        if RUNC_GAVE_UP not in result.stderr:
            return result
        clear()
    return start()


def unique_name():
    return "rt-" + secrets.token_hex(4)


class Container:
    """Named uniquely; `remove()` is safe whatever became of it.

    What is asked of /proc and of the log file works while Podman holds the container's lock, as
    during a stop.
    """

    def __init__(self, product, name=None):
        self.product = product
        self.name = name or unique_name()
        self.id = self.log_path = None
        self.pid = 0

    def run(self, *command, options=(), opt_in=True, ready="READY",
            image=host.IMAGE):
        """`podman run -d`, until the workload has said that it is ready."""
        annotation = ("--annotation", ANNOTATION) if opt_in else ()
        words = ("--runtime", self.product.runtime, "run", "-d", "--name", self.name,
                 "-v", f"{host.WORKLOADS}:/workloads:ro", *annotation, *options, image, *command)
        result = started(lambda: podman(*words, check=False), clear=self.remove)
        assert result.returncode == 0, f"podman {' '.join(map(str, words))}: " \
            f"exit {result.returncode}\n{result.stdout}{result.stderr}"
        self.refresh()
        if ready:
            wait_for(lambda: self.has_said(ready) or not self.is_alive(), STARTED,
                     f"{self.name} to say '{ready}'")
            assert self.has_said(ready), f"{self.name} ended: {self.lines()}"
        return self

    def run_workload(self, file, *arguments, **more):
        interpreter = ("python3", "-u") if file.endswith(".py") else ("sh",)
        return self.run(*interpreter, f"/workloads/{file}", *arguments, **more)

    def refresh(self):
        """Learns the facts that change with every start."""
        info = self.inspect()
        self.id, self.pid = info["Id"], info["State"]["Pid"]
        self.log_path = pathlib.Path(info["HostConfig"]["LogConfig"]["Path"])

    def inspect(self):
        return json.loads(podman("inspect", "--type", "container", self.name).stdout)[0]

    def state(self):
        return self.inspect()["State"]

    def address(self):
        return self.inspect()["NetworkSettings"]["Networks"]["podman"]["IPAddress"]

    def exists(self):
        return podman("container", "exists", self.name, check=False).returncode == 0

    def is_alive(self):
        """Whether the init of the last start still exists, without asking Podman."""
        return self.pid != 0 and pathlib.Path(f"/proc/{self.pid}/ns").exists() and \
            "\nState:\tZ" not in self.proc_status()

    def proc_status(self):
        try:
            return pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            return "\nState:\tZ"

    def stop(self, timeout=30, check=True):
        return podman("stop", "-t", timeout, self.name, check=check)

    def start(self, check=True):
        result = podman("start", self.name, check=check)
        if result.returncode == 0:
            self.refresh()
        return result

    def begin(self, *arguments):
        """Podman in the background; the caller waits for it."""
        return subprocess.Popen(["podman", *map(str, arguments)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)

    def kill_through_runtime(self, signal=15):
        """What `podman stop` does first, without what it does next."""
        result = self.product.call_runtime("kill", self.id, signal)
        assert result.returncode == 0, result.stderr
        return result

    def exec(self, *command, check=True):
        result = started(lambda: podman("exec", self.name, *command, check=False))
        if check:
            assert result.returncode == 0, f"exec {command}: exit {result.returncode}\n" \
                f"{result.stdout}{result.stderr}"
        return result.stdout

    def ask(self, what, content=""):
        """Makes a request of the workload: a file in /tmp, complete as soon as it is there."""
        # What is asked to exit may be gone before Podman knows how the exec ended, which then fails.
        self.exec("sh", "-c", f"printf %s '{content}' >/tmp/.{what} && mv /tmp/.{what} /tmp/{what}",
                  check=what != "exit")

    def lines(self):
        """All complete lines that it ever printed, over all its lives, from conmon's log file."""
        text, lines = "", []
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            for record in file.read().splitlines():
                fields = record.split(" ", 3)  # time, stream, P(artial) or F(ull), text
                if len(fields) < 3:
                    continue
                text += fields[3] if len(fields) == 4 else ""
                if fields[2] == "F":
                    lines.append(text)
                    text = ""
        return lines

    def has_said(self, start):
        return any(line.startswith(start) for line in self.lines())

    def wait_for_line(self, start, deadline=STARTED, count=1):
        """Until `count` lines that begin so were printed; returns the last of them."""
        def found():
            matching = [line for line in self.lines() if line.startswith(start)]
            return matching[-1] if len(matching) >= count else None
        return wait_for(found, deadline, f"{count} line(s) '{start}…' of {self.name}")

    def wait_until_stopped(self, deadline=STOPPED):
        wait_for(lambda: not self.is_alive(), deadline, f"{self.name} to end")
        wait_for(lambda: self.state()["Status"] == "exited", deadline,
                 f"Podman to know that {self.name} has ended")

    def remove(self):
        podman("rm", "-f", "-t", "0", "--ignore", self.name, check=False)
        leftovers.remove_holds(self)
