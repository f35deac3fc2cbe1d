# SPDX-License-Identifier: Apache-2.0
"""One installation of Reprise with a store of its own, as Podman and people reach it."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import host

ANNOTATION = "reprise.dev/on-stop=checkpoint"


class Product:
    """Podman calls runtimes with a scrubbed environment, so ours is called through a script.

    `store` and `run` exist as long as this object; the containers must be gone before close().
    """

    def __init__(self, store=None):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="rt-", dir="/var/tmp"))
        self.run_dir = pathlib.Path(tempfile.mkdtemp(prefix="rt-", dir="/run"))
        self.store = store or self.base / "store"
        # `reprise` tells our containers from others by this name.
        self.runtime = self.base / "reprise-runtime"
        self.write_runtime()

    def close(self):
        shutil.rmtree(self.run_dir, ignore_errors=True)
        shutil.rmtree(self.base, ignore_errors=True)

    def write_runtime(self, fault=None, before=()):
        """`fault`: POINT:ACTION. `before`: shell lines that run first, in every call."""
        lines = ["#!/bin/sh", f"export REPRISE_STORE={self.store} REPRISE_RUN={self.run_dir}"]
        if fault:
            lines.append(f"export REPRISE_FAULT={fault}")
        lines += [*before, f'exec {host.BIN_DIR}/reprise-runtime "$@"', ""]
        # Renamed into place: Podman may be calling it right now.
        new = self.runtime.with_suffix(".new")
        new.write_text("\n".join(lines), encoding="ascii")
        new.chmod(0o755)
        new.rename(self.runtime)

    def call_runtime(self, *arguments):
        """The wrapper as Podman calls it: without PATH and everything else."""
        return subprocess.run([self.runtime, *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, check=False, env={}, stdin=subprocess.DEVNULL)

    def environment(self):
        return {**os.environ, "REPRISE_STORE": str(self.store), "REPRISE_RUN": str(self.run_dir),
                "REPRISE_RUNTIME": str(self.runtime)}

    def reprise(self, *arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE):
        """The command line. With `check`, its failure is the test's."""
        result = subprocess.run([host.BIN_DIR / "reprise", *map(str, arguments)],
                                stdout=stdout, stderr=subprocess.PIPE, text=True,
                                errors="backslashreplace", timeout=150,
                                check=False, env=self.environment(), stdin=stdin)
        if check:
            assert result.returncode == 0, f"reprise {' '.join(map(str, arguments))}: " \
                f"exit {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def begin(self, *arguments, environment=None):
        """The command line in the background; the caller waits for it."""
        return subprocess.Popen([host.BIN_DIR / "reprise", *map(str, arguments)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment or self.environment(), stdin=subprocess.DEVNULL)

    def json(self, *arguments):
        return json.loads(self.reprise(*arguments, "--json").stdout)

    def checkpoints(self):
        """Newest first, as `reprise checkpoint ls` tells them."""
        return self.json("checkpoint", "ls")["checkpoints"]

    def lives(self, container):
        return self.json("lives", container)["lives"]

    def events(self, container):
        return [life["event"] for life in self.lives(container)]

    def checkpoint_file(self, checkpoint):
        return self.store / "checkpoints" / checkpoint

    def files_of(self, checkpoint):
        """Name to size of what a checkpoint consists of."""
        shown = self.json("checkpoint", "show", checkpoint)["checkpoint"]
        return {file["name"]: file["bytes"] for file in shown["files"]}

    def damage(self, pattern="packs/*.pack"):
        """One bit in the middle of the largest of these files of the store; returns the file, and how
        to mend it."""
        file = max(self.store.glob(pattern), key=lambda path: path.stat().st_size)
        at = file.stat().st_size // 2

        def flip():
            with open(file, "r+b") as opened:
                opened.seek(at)
                byte = opened.read(1)[0]
                opened.seek(at)
                opened.write(bytes([byte ^ 1]))
        flip()
        return file, flip

    def diagnose(self):
        """What a failed test should show: every session and its logs."""
        parts = []
        for log in sorted(self.store.glob("sessions/*/*")):
            if log.suffix in (".log", ".json") and log.is_file():
                lines = log.read_text(errors="replace").splitlines()
                cut = ["…"] if len(lines) > 40 else []
                parts += [f"--- {log.relative_to(self.store)}", *cut, *lines[-40:]]
        for session in sorted(self.store.glob("sessions/*")):
            answer = self.reprise("logs", session.name, check=False)
            parts += [f"--- reprise logs {session.name}", answer.stdout[:3000], answer.stderr]
        return "\n".join(parts)
