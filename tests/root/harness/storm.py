# SPDX-License-Identifier: Apache-2.0
"""Random kills of everybody who takes part, at random moments of stops, starts, checkpoints on request
and restores of a removed container."""
import os
import pathlib
import random
import signal
import time

from harness.container import podman
from harness.counting import link
from harness.leftovers import assert_nothing_left, our_processes, read
from harness.waiting import wait_for

VICTIMS = ("reprise-worker", "reprise-guard", "reprise-runtime", "criu", "runc", "criu-hook", "conmon",
           "podman")
COMMANDS = ("stop", "start", "create", "restore")
LONGEST = 0.7  # seconds from the begin of a command to the kill: about as long as one takes
STARTS = 5     # of which one must succeed after a kill


# How those are told that do not carry the product's paths in their environment or arguments.
def marks(container, name):
    return {"conmon": container.id, "podman": container.name, "reprise": container.name}.get(name)


def victims(container, name):
    """Processes of this name that work for this container, at this moment."""
    wanted = marks(container, name)
    if wanted:
        return [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
                if entry.name.isdigit() and read(entry / "comm").strip() == name
                and wanted in read(entry / "cmdline")]
    return [pid for pid, comm, _ in our_processes(container.product) if comm == name]


class Ledger:
    """What workloads/ledger.py wrote: one segment for each time that the program began anew."""

    def __init__(self, file):
        self.file = file

    def segments(self):
        found = []
        for line in self.file.read_text(encoding="ascii").splitlines():
            word = line.split()
            if word[0] == "READY":
                found.append({"token": word[1], "steps": [], "told": False})
            elif word[0] == "STEP":
                found[-1]["steps"].append((int(word[1]), word[2]))
            elif word[0] == "GOTTERM":
                found[-1]["told"] = True
            else:
                raise AssertionError(f"the program says '{line}'")
        return found

    def last(self):
        """(how often it began, the last step)."""
        segments = self.segments()
        steps = segments[-1]["steps"] if segments else []
        return len(segments), steps[-1][0] if steps else 0

    def assert_nothing_twice(self):
        for segment in self.segments():
            chain = segment["token"]
            for expected, (number, claimed) in enumerate(segment["steps"], start=1):
                assert number == expected, f"step {number} came where {expected} was due"
                chain = link(chain, number)
                assert claimed == chain, f"step {number} was computed from other memory"


class Storm:
    """One container, killed at in `rounds`. What is random comes from `seed`."""

    def __init__(self, container, ledger, seed):
        self.container = container
        self.ledger = ledger
        self.random = random.Random(seed)
        self.kills = 0

    def begin(self, command):
        product, name = self.container.product, self.container.name
        if command == "create":
            return product.begin("checkpoint", "create", name)
        if command == "restore":
            return product.begin("restore", name)
        return self.container.begin(command, *(("-t", "10") if command == "stop" else ()), name)

    def strike(self, command):
        """Runs it, and kills somebody in the middle; who it was."""
        ours = ("reprise",) if command in ("create", "restore") else ()
        name = self.random.choice(VICTIMS + ours)
        deadline = time.monotonic() + self.random.uniform(0, LONGEST)
        process = self.begin(command)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.002)
        # Whoever is not there yet may come.
        while process.poll() is None:
            found = victims(self.container, name)
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    pass
            if found:
                break
        process.communicate(timeout=180)
        return name

    def settle(self):
        """Whoever comes next puts right what was left."""
        def quiet():
            self.container.product.reprise("ps")
            return not our_processes(self.container.product)
        wait_for(quiet, 90, "sessions to end")

    def bring_up(self):
        said = ""
        for _ in range(STARTS):
            if self.container.exists() and self.container.state()["Status"] == "running":
                break
            # Podman whose stop was killed, with conmon gone as well, waits for another one.
            if self.container.exists() and self.container.state()["Status"] == "stopping":
                self.container.stop(check=False)
            # What a restore did not come to the end of is begun again.
            ends = self.container.start(check=False) if self.container.exists() else None
            if ends is None or ends.returncode != 0:
                said += ends.stderr if ends else ""
                said += self.container.product.reprise("restore", self.container.name, check=False).stderr
        self.container.refresh()
        assert self.container.state()["Status"] == "running", f"it does not start any more: {said}"
        before = self.ledger.last()
        wait_for(lambda: self.ledger.last() > before, 30, "the program to go on")

    def round(self):
        command = self.random.choice(COMMANDS)
        began, _ = self.ledger.last()
        told = self.ledger.segments()[-1]["told"]
        if command in ("start", "restore"):
            # Podman complains, but stops it, where conmon was killed the round before.
            self.container.stop(check=False)
            self.settle()
            wait_for(lambda: self.container.state()["Status"] == "exited", 30, "it to have ended")
        if command == "restore":
            podman("rm", self.container.name)
        killed = self.strike(command)
        self.settle()
        self.bring_up()
        self.ledger.assert_nothing_twice()
        assert_nothing_left(self.container)
        again = self.ledger.last()[0] - began
        # A stop that comes to nothing ends as stops do: by the signal, or by SIGKILL where nobody was
        # left who could have sent it.
        excused = command == "stop" and (killed in ("reprise-runtime", "podman", "conmon") or
                                         self.ledger.segments()[began - 1]["told"] > told)
        assert again == 0 or (again == 1 and excused), \
            f"the program began anew {again} times: '{killed}' was killed in a '{command}'"
        return killed, command, again


def run(container, directory, seed, rounds, tell=print):
    """Raises AssertionError, with the seed and the round, when something is lost, doubled or left."""
    file = directory / "ledger"
    container.run("python3", "-u", "/workloads/ledger.py", "/ledger/ledger", ready=None,
                  options=("-v", f"{directory}:/ledger"))
    ledger = Ledger(file)
    wait_for(lambda: file.exists() and ledger.last()[1] > 0, 30, "the program to count")
    storm = Storm(container, ledger, seed)
    cold = 0
    for number in range(1, rounds + 1):
        try:
            killed, command, again = storm.round()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, round {number}: {error}") from error
        cold += again
        tell(f"round {number}: {killed} in a {command}{', began anew' if again else ''}", flush=True)
    podman("rm", "-f", "-t", "0", container.name)
    tell(f"seed {seed}: {rounds} rounds, {storm.kills} processes killed, nothing lost, doubled or left; "
         f"{cold} stops came to nothing and ended as stops do", flush=True)
