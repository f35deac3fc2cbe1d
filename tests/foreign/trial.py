# SPDX-License-Identifier: Apache-2.0
"""One of CRIU's test programs in a container: what became of it."""
import dataclasses
import json
import time

import hierarchies
from harness import leftovers
from harness.container import Container, podman, unique_name
from harness.product import ANNOTATION
from harness.waiting import wait_for
from programs import MEASURES_TIME, WITHOUT_NETWORK

IMAGE = "localhost/reprise-test/criu-programs:1"
# From the container that everybody has to one that may do everything: a program runs in the first in
# which it passes if nobody stops it.
LEVELS = {
    "plain": (),
    "capable": ("--cap-add", "ALL", "--security-opt", "seccomp=unconfined",
                "--security-opt", "unmask=ALL"),
    "privileged": ("--privileged",),
}
READY = 20      # seconds until a program must be ready; some that lack a right never are
FINISHED = 60   # seconds until it must have ended when asked to
PASSED, FAILED, REFUSED = "passed", "failed", "refused"


@dataclasses.dataclass
class Result:
    name: str
    level: str
    mode: str
    verdict: str
    reason: str = ""
    seconds: float = 0


class Trial:
    def __init__(self, product, directory, program):
        self.product, self.directory, self.program = product, directory, program

    def options(self, level):
        name = self.program.name
        more = [word for key, value in self.program.environment.items()
                for word in ("--env", f"{key}={value}")]
        script = (f"mkdir -p /zdtm/{self.program.part} && cd /zdtm/{self.program.part} && chmod 777 . &&"
                  f" cp /criu-programs/{self.program.part}/{name} . &&"
                  f" exec /criu-programs/keeper ./{name} \"$@\"")
        if name in WITHOUT_NETWORK:
            more += ["--network", "none"]
        return (*LEVELS[level], *more, "-v", f"{self.directory}:/criu-programs:ro", IMAGE,
                "sh", "-c", script, "sh", *self.program.arguments)

    def begin(self, container, level, opt_in):
        """Whether the program got ready."""
        if opt_in:
            options = ("--runtime", self.product.runtime, "run", "--annotation", ANNOTATION)
        else:
            options = ("run",)
        podman(*options, "-d", "--name", container.name, *self.options(level))
        container.refresh()
        wait_for(lambda: container.has_said("READY") or not container.is_alive(), READY, "READY")
        return container.has_said("READY")

    def judge(self, container):
        """None, or what is wrong. The container has ended then."""
        before = container.lines()
        if before.count("READY") > 1:
            return "started cold"
        podman("kill", "-s", "USR1", container.name, check=False)
        code = podman("wait", container.name, timeout=FINISHED).stdout.strip()
        if code == "0":
            return None
        said = [line for line in container.lines()[len(before):] if line.strip()]
        return f"exit {code}: " + " | ".join(said[-4:])[-500:]

    def control(self):
        """The first level in which the program passes without a checkpoint, or None."""
        for level in LEVELS:
            container = Container(self.product, unique_name())
            try:
                if self.begin(container, level, opt_in=False) and self.judge(container) is None:
                    skipped = any("SKIP" in line for line in container.lines())
                    return "skips itself" if skipped else level
            except Exception:  # it hangs, or Podman cannot do that
                pass
            finally:
                podman("rm", "-f", "-t", "0", "--ignore", container.name, check=False)
                self.tidy()
        return None

    def tidy(self):
        if hierarchies.touches_them(self.program):
            hierarchies.tidy()

    def run(self, level, modes):
        """A result for each of `modes`: in place, or as a clone, of the same checkpoint, unless the one
        would leave something on the host for the other, or takes time that the other notices."""
        apart = hierarchies.touches_them(self.program) or self.program.name in MEASURES_TIME
        if apart and len(modes) > 1:
            return [result for mode in modes for result in self.run(level, [mode])]
        container = Container(self.product, unique_name())
        began = time.monotonic()
        results = {}
        try:
            results = self.save_and_restore(container, level, modes)
        except Exception as error:
            for mode in modes:
                results.setdefault(mode, (FAILED, f"{type(error).__name__}: {error}"[:1500]))
        finally:
            container.remove()
            self.tidy()
        took = round((time.monotonic() - began) / len(modes), 1)
        return [Result(self.program.full_name, level, mode, *results[mode], took) for mode in modes]

    def save_and_restore(self, container, level, modes):
        if not self.begin(container, level, opt_in=True):
            return {mode: (FAILED, "not ready: " + " | ".join(container.lines()[-3:]))
                    for mode in modes}
        doctor = self.product.reprise("doctor", container.name, "--json", check=False)
        container.stop(timeout=30, check=False)
        checkpoint = self.checkpoint_of(container)
        if checkpoint is None:
            return {mode: self.why_not(container, doctor) for mode in modes}
        results = {}
        if "clone" in modes:
            results["clone"] = self.as_clone(container, checkpoint)
        if "place" in modes:
            results["place"] = self.in_place(container)
        return results

    def checkpoint_of(self, container):
        rows = self.product.json("checkpoint", "ls", container.name)["checkpoints"]
        return rows[0]["id"] if rows else None

    def why_not(self, container, doctor):
        """Refused by name if `doctor` said so before; anything else is a failure."""
        lives = self.product.json("lives", container.name)["lives"]
        said = "; ".join(life["detail"] for life in lives if life["detail"])
        if doctor.returncode == 0:
            return FAILED, said + self.what_criu_said(container)
        found = "; ".join(f"{finding['subject']} {finding['text']}"
                          for finding in json.loads(doctor.stdout)["findings"]
                          if finding["health"] == "fail")
        return REFUSED, f"{said} (doctor: {found})"

    def what_criu_said(self, container):
        """For those who look for the cause."""
        lives = self.product.json("lives", container.name)["lives"]
        sessions = {life["session"] for life in lives if life["session"]}
        errors = [line for session in sorted(sessions)
                  for log in sorted(self.product.store.glob(f"sessions/{session}/*.log"))
                  for line in log.read_text(errors="replace").splitlines()
                  if "Error" in line and "rlimit" not in line]
        return "".join(f" | {line}" for line in errors[-6:])

    def in_place(self, container):
        started = container.start(check=False)
        if started.returncode != 0:
            return FAILED, f"start: {started.stderr[-1500:]}{self.what_criu_said(container)}"
        wrong = self.judge(container)
        return (PASSED, "") if wrong is None else (FAILED, wrong)

    def as_clone(self, container, checkpoint):
        clone = Container(self.product, unique_name())
        try:
            made = self.product.reprise("restore", checkpoint, "--name", clone.name, check=False)
            if made.returncode != 0:
                return FAILED, f"restore: {made.stderr[-1500:]}{self.what_criu_said(clone)}"
            clone.refresh()
            wrong = self.judge(clone)
            return (PASSED, "") if wrong is None else (FAILED, wrong)
        finally:
            podman("rm", "-f", "-t", "0", "--ignore", clone.name, check=False)
            self.tidy()
            leftovers.remove_holds(clone)
