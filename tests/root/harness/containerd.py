# SPDX-License-Identifier: Apache-2.0
"""A containerd of the tests' own, driven by `ctr`, and one task under it and our runtime."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import host
from harness.container import unique_name
from harness.leftovers import mounts_below, read
from harness.product import ANNOTATION
from harness.waiting import wait_for

CONFIG = """version = 2
root = "{base}/root"
state = "{run}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{run}/sock"
[ttrpc]
  address = "{run}/sock.ttrpc"
"""
ENDED = 30  # seconds in which a task that was told to end has ended


class Containerd:
    """Directories, socket and processes of its own; there is no systemd to ask for another."""

    def __init__(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="rt-", dir="/var/tmp"))
        self.run_dir = pathlib.Path(tempfile.mkdtemp(prefix="rt-", dir="/run"))
        self.socket = self.run_dir / "sock"
        self.daemon = None

    def start(self):
        # In memory: containerd syncs the whole file system for each image that it unpacks.
        assert host.works("mount", "-t", "tmpfs", "-o", "size=2g", "rt-containerd", self.base)
        config = self.base / "config.toml"
        config.write_text(CONFIG.format(base=self.base, run=self.run_dir), encoding="ascii")
        with open(self.base / "log", "wb") as log:
            self.daemon = subprocess.Popen(["containerd", "--config", config], stdout=log,
                                           stderr=log, stdin=subprocess.DEVNULL)
        wait_for(lambda: self.ctr("version", check=False).returncode == 0, 30,
                 "containerd to answer")
        return self

    def import_image(self, namespace="default"):
        """From Podman; in the format that is not compressed, which would take longest."""
        with subprocess.Popen(["podman", "save", "--format", "docker-archive", host.IMAGE],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as archive:
            done = subprocess.run([*self.command(namespace), "image", "import", "--snapshotter",
                                   "overlayfs", "-"], stdin=archive.stdout, capture_output=True,
                                  text=True, timeout=120, check=False)
        assert done.returncode == 0 and archive.returncode == 0, done.stderr

    def command(self, namespace):
        return ["ctr", "--address", str(self.socket), "--namespace", namespace]

    def ctr(self, *arguments, namespace="default", check=True, timeout=60):
        result = host.run(*self.command(namespace), *arguments, timeout=timeout)
        if check:
            assert result.returncode == 0, f"ctr {' '.join(map(str, arguments))}: " \
                f"exit {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def shims(self):
        """Their process ids: each is told by the socket of the containerd that it serves."""
        return [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
                if entry.name.isdigit() and f"\0{self.socket}\0" in read(entry / "cmdline")
                and read(entry / "comm").startswith("containerd-shim")]

    def close(self):
        for pid in self.shims():
            host.run("kill", "-9", pid)
        if self.daemon:
            self.daemon.kill()  # nothing that it would save is kept
            self.daemon.wait(30)
        for mount in mounts_below(self.run_dir):
            host.run("umount", "-l", mount)
        host.run("umount", "-l", self.base)
        shutil.rmtree(self.run_dir, ignore_errors=True)
        shutil.rmtree(self.base, ignore_errors=True)


class Task:
    """A container and its task, by one id. What it prints goes to a file, over all its lives."""

    def __init__(self, containerd, product, name=None, namespace="default"):
        self.containerd, self.product, self.namespace = containerd, product, namespace
        self.name = self.id = name or unique_name()
        self.key = f"{containerd.run_dir}/runc/{namespace}/{self.id}"  # not of the usual root
        self.log_path = containerd.base / f"{namespace}-{self.name}.log"
        self.pid = 0

    def ctr(self, *arguments, check=True):
        return self.containerd.ctr(*arguments, namespace=self.namespace, check=check)

    def create_words(self, *command, options=()):
        """`ctr run …` without where its output goes."""
        return ["run", "--snapshotter", "overlayfs", "--runtime", "io.containerd.runc.v2",
                "--runc-binary", self.product.runtime,
                "--runc-root", self.containerd.run_dir / "runc", "--annotation", ANNOTATION,
                # Its usual parent, the namespace's, would be left behind.
                "--cgroup", f"/{self.name}-{self.namespace}",
                "--mount", f"type=bind,src={host.WORKLOADS},dst=/workloads,options=rbind:ro",
                *options, host.IMAGE, self.id, *command]

    def run(self, *command, options=()):
        words = self.create_words(*command, options=(
            "--detach", "--log-uri", f"file://{self.log_path}", *options))
        self.ctr(*words)
        self.refresh()

    def run_workload(self, *words, options=()):
        self.run("python3", "-u", "/workloads/counter.py", *words, options=options)
        wait_for(lambda: self.ready_lines() > 0, 30, f"{self.name} to be ready")
        return self

    def start(self):
        """The same container and snapshot."""
        self.ctr("task", "start", "--detach", "--log-uri", f"file://{self.log_path}", self.id)
        self.refresh()

    def status(self):
        """(pid, "RUNNING" or "STOPPED"), or nothing where there is no task."""
        for line in self.ctr("task", "ls").stdout.splitlines():
            if line.split()[0] == self.id:
                return int(line.split()[1]), line.split()[2]
        return None

    def refresh(self):
        self.pid, status = self.status()
        assert status == "RUNNING"

    def is_alive(self):
        status = self.status()
        return status is not None and status[1] == "RUNNING"

    def kill(self):
        """SIGTERM; it returns before the task has ended."""
        self.ctr("task", "kill", self.id)

    def delete_task(self):
        """Waits for its end; returns its exit status."""
        wait_for(lambda: not self.is_alive(), ENDED, f"{self.name} to end")
        told = self.ctr("task", "rm", self.id).stderr
        code = re.search(r"exit with non-zero exit code (\d+)", told)
        return int(code[1]) if code else 0

    def checkpoint(self):
        """Kills it, and what is left is a checkpoint that the next start takes up."""
        count = len(self.product.checkpoints())
        self.kill()
        assert self.delete_task() == 137
        rows = self.product.checkpoints()
        assert len(rows) == count + 1 or rows[0]["pending"], rows
        return rows[0]

    def delete_container(self):
        """With its snapshot."""
        self.ctr("container", "rm", self.id)

    def exec(self, *command):
        return self.ctr("task", "exec", "--exec-id", unique_name(), self.id, *command).stdout

    def read(self, script):
        """What a shell script prints, which may run more than once.

        `ctr` stops copying when the process ends, and loses what it has not copied by then.
        """
        def printed():
            text = self.exec("sh", "-c", f"{script}\necho END")
            return [text.removesuffix("END\n")] if text.endswith("END\n") else None
        return wait_for(printed, 30, f"the output of '{script}'")[0]

    def ask(self, what, content=""):
        self.exec("sh", "-c", f"printf %s '{content}' >/tmp/.{what} && mv /tmp/.{what} /tmp/{what}")

    def lines(self):
        """All complete lines that it ever printed."""
        text = read(self.log_path)
        return text[:text.rfind("\n") + 1].splitlines()

    def times_said(self, words):
        """Not lines: a cold start may follow a line that a checkpoint has cut."""
        return read(self.log_path).count(words)

    def ready_lines(self):
        return self.times_said("READY")

    def remove(self):
        self.ctr("task", "rm", "--force", self.id, check=False)
        self.ctr("container", "rm", self.id, check=False)
