# SPDX-License-Identifier: Apache-2.0
"""The ways to checkpoint a container that are compared.

Each says with which runtime its containers run and which commands do what. The commands are what a
user types; only `kill` is what Podman itself calls.
"""
import os
import pathlib
import shutil

from measure.host import BenchError, has_iptables, run, wait_for

ANNOTATION = "reprise.dev/on-stop=checkpoint"
# Longer than any checkpoint here takes, so that Podman never falls back to SIGKILL.
STOP_PATIENCE = 590
SESSION_LIMIT = 120
EXPLANATION = 2000  # characters of a log


def script(directory, name, program, variables=()):
    """Whoever calls `program` scrubs the environment: a script sets it and becomes the program."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    exports = [f"export {key}='{value}'" for key, value in variables]
    path.write_text("\n".join(["#!/bin/sh", *exports, f"exec '{program}' \"$@\"", ""]),
                    encoding="utf-8")
    path.chmod(0o755)
    return path


class Subject:
    """One way. A new object for each container; `directory` is its own and on disk."""
    name = title = ""
    runtime = "runc"
    run_options = ()
    can_checkpoint = True
    kills = True  # whether its `kill` is worth measuring

    def __init__(self, directory):
        self.directory = directory

    def environment(self):
        """For all commands."""
        return None

    def checkpoint_running(self, container):
        """The command that checkpoints it and lets it run on."""
        raise NotImplementedError

    def after_checkpoint_running(self, container):
        """Frees what that left on disk; not measured."""

    def stop(self, container):
        """The command that checkpoints it, after which it has ended."""
        raise NotImplementedError

    def files(self, container):
        """The checkpoint that `stop` made."""
        raise NotImplementedError

    def before_start(self, container):
        """What must happen between stop and start; not measured."""

    def start(self, container):
        """The command after which it goes on."""
        raise NotImplementedError

    def await_memory(self, container):
        """Whether it runs before all of its memory is there, which is waited for."""
        return False

    def kill(self, container):
        """What Podman calls for its stop."""
        return ["runc", "kill", container.id, "15"]

    def explain(self, container):
        """What is known about a failure."""
        return ""

    def close(self):
        """Comes when the container is gone."""


class Reprise(Subject):
    """With a store of its own for every container."""
    name, title = "reprise", "Reprise"
    run_options = ("--annotation", ANNOTATION)

    def __init__(self, directory, bin_dir, run_dir):
        super().__init__(directory)
        self.bin_dir = bin_dir
        self.store, self.run_dir = directory / "store", run_dir
        self.variables = {"REPRISE_STORE": str(self.store), "REPRISE_RUN": str(self.run_dir)}
        # `reprise` tells our containers from others by this name.
        self.runtime = script(directory, "reprise-runtime", bin_dir / "reprise-runtime",
                                      self.variables.items())
        self.known = set()

    def environment(self):
        return {**os.environ, **self.variables, "REPRISE_RUNTIME": str(self.runtime)}

    def stored(self):
        return {file for kind in ("checkpoints", "packs") for file in (self.store / kind).glob("*")}

    def checkpoint_running(self, container):
        return [self.bin_dir / "reprise", "checkpoint", "create", container.name]

    def stop(self, container):
        self.known = self.stored()
        return ["podman", "stop", "-t", STOP_PATIENCE, container.name]

    def files(self, container):
        new = self.stored() - self.known
        checkpoints = [file for file in new if file.parent.name == "checkpoints"]
        if len(checkpoints) != 1:
            raise BenchError(f"{len(checkpoints)} new checkpoints after a stop, not one")
        return list(new)

    def start(self, container):
        return ["podman", "start", container.name]

    def kill(self, container):
        return [self.bin_dir / "reprise-runtime", "kill", container.id, "15"]

    def explain(self, container):
        """What `reprise logs` has on top about the newest session."""
        sessions = sorted(self.store.glob("sessions/*"), key=lambda path: path.stat().st_mtime)
        if not sessions:
            return "there was no session"
        answer = run(self.bin_dir / "reprise", "logs", sessions[-1].name, env=self.environment(),
                     check=False)
        return answer.stdout[:EXPLANATION] + answer.stderr

    def workers(self):
        """Processes of ours that still work on this store."""
        mark = f"REPRISE_STORE={self.store}".encode()
        found = []
        for directory in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if mark in (directory / "environ").read_bytes().split(b"\0") and \
                        (directory / "comm").read_text(encoding="utf-8").startswith("reprise-"):
                    found.append(directory.name)
            except OSError:
                continue  # it has ended
        return found

    def close(self):
        wait_for(lambda: not self.workers(), SESSION_LIMIT, "the last session to end")
        shutil.rmtree(self.run_dir, ignore_errors=True)


class RepriseLazy(Reprise):
    """Which runs before its memory is there."""
    name, title = "reprise-lazy", "Reprise, lazy"
    run_options = (*Reprise.run_options, "--annotation", "reprise.dev/restore=lazy")

    def await_memory(self, container):
        filling = self.run_dir / "filling"
        wait_for(lambda: not any(filling.glob("*")), SESSION_LIMIT, "all memory to be there")
        return True


class PodmanCheckpoint(Subject):
    """`podman container checkpoint`, as it comes with runc. Its `kill` is plain runc's."""
    kills = False

    def __init__(self, directory):
        super().__init__(directory)
        self.variables = None if has_iptables() else {"PATH": self.path_with_nftables()}

    def path_with_nftables(self):
        """CRIU's own way to lock the network is iptables, and without it cannot checkpoint at all.

        Podman hands on nothing of its environment but PATH.
        """
        config = self.directory / "criu.conf"
        config.write_text("network-lock nftables\n", encoding="ascii")
        script(self.directory / "bin", "criu", shutil.which("criu"),
                       [("CRIU_CONFIG_FILE", config)])
        return f"{self.directory / 'bin'}:{os.environ['PATH']}"

    def environment(self):
        return self.variables and {**os.environ, **self.variables}

    def explain(self, container):
        """CRIU's complaints, where Podman keeps its logs."""
        folder = run("podman", "inspect", "--type", "container", "--format", "{{.StaticDir}}",
                     container.name, check=False).stdout.strip()
        logs = pathlib.Path(folder).glob("*.log") if folder else ()
        lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()
                 if "Error (" in line]
        return "\n".join(lines)[-EXPLANATION:]


class PodmanInPlace(PodmanCheckpoint):
    """CRIU's images in Podman's own storage: neither compressed nor movable."""
    name, title = "podman", "Podman in place"

    def checkpoint_running(self, container):
        return ["podman", "container", "checkpoint", "--leave-running", container.name]

    def stop(self, container):
        return ["podman", "container", "checkpoint", container.name]

    def files(self, container):
        return [container.inspect()["State"]["CheckpointPath"]]

    def start(self, container):
        return ["podman", "container", "restore", container.name]


class PodmanExport(PodmanCheckpoint):
    """Into an archive and from it, which survives `podman rm`."""
    compression = ""

    def archive(self, what):
        return self.directory / f"{what}.tar"

    def export(self, what):
        return ["--compress", self.compression, "--export", self.archive(what)]

    def checkpoint_running(self, container):
        return ["podman", "container", "checkpoint", "--leave-running", *self.export("running"),
                container.name]

    def after_checkpoint_running(self, container):
        self.archive("running").unlink()

    def stop(self, container):
        return ["podman", "container", "checkpoint", *self.export("stopped"), container.name]

    def files(self, container):
        return [self.archive("stopped")]

    def before_start(self, container):
        run("podman", "rm", container.name)

    def start(self, container):
        return ["podman", "--runtime", self.runtime, "container", "restore", "--import",
                self.archive("stopped")]


class PodmanExportPlain(PodmanExport):
    name, title, compression = "podman-export-none", "Podman export, none", "none"


class PodmanExportZstd(PodmanExport):
    name, title, compression = "podman-export", "Podman export, zstd (default)", "zstd"


class Runc(Subject):
    """No checkpoint at all: what stopping costs anyway."""
    name, title = "runc", "plain runc, no checkpoint"
    can_checkpoint = False


SUBJECTS = (Reprise, RepriseLazy, PodmanInPlace, PodmanExportPlain, PodmanExportZstd, Runc)
