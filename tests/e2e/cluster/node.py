# SPDX-License-Identifier: Apache-2.0
"""One node: namespaces of its own with containerd, kubelet and kube-proxy in them."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

from cluster import cgroups, node_files, programs
from cluster.control_plane import Parts
from cluster.layout import HERE, MOST_NODES
from cluster.processes import GONE, Process, children, run, start_time
from cluster.supervisor import Control
from harness.waiting import wait_for

NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
SETUP = 60  # seconds in which a part that starts must answer


class Node(Parts):
    """`bin_dir`: of the product, the runtime handler `reprise` (None: it is not installed);
    `handlers`: others, by name."""

    def __init__(self, layout, bin_dir, handlers=None):
        self.layout = layout
        self.name = layout.name
        self.bin_dir = bin_dir and pathlib.Path(bin_dir)
        # `reprise` tells our containers from others by this name.
        self.runtime = layout.state / "bin/reprise-runtime"
        ours = {"reprise": self.runtime} if bin_dir else {}
        self.handlers = {"runc": "runc", **ours, **(handlers or {})}
        self.process = Process(layout.state / "node.pid")
        logs = layout.cluster.logs
        super().__init__(Control(layout.state / "control.sock"),
                         node_files.commands(layout, self.bin_dir),
                         lambda part: logs / f"{self.name}.{part}.log")

    # ---- power

    def power_on(self):
        """What runs is left alone. Returns when containerd answers and the kubelet was started."""
        if not self.init:
            self._write_settings()
            self._mount_images()
            cgroups.make(self.layout.cgroup)
            log = self.layout.cluster.logs / f"{self.name}.log"
            # A new /sys, which `ip netns exec` would mount, would hide the cgroups.
            self.process.launch("unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc",
                                "--propagation", "private", HERE / "node_init", self.name,
                                self.layout.state, log=log, env=programs.environment())
            wait_for(lambda: self._is_up(log), SETUP, f"node {self.name} (see '{log}')")
        self._connect()
        self.start("containerd")
        wait_for(lambda: self.ctr("version", check=False).returncode == 0, SETUP,
                 f"containerd of {self.name} (see '{self.log('containerd')}')")
        for part in self.commands:
            self.start(part)

    def power_cut(self):
        """Nothing on it does anything any more; its peers are not told. Its disk stays."""
        run("ip", "link", "delete", self.layout.link, check=False)
        init = self.init
        if init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(init, signal.SIGKILL)
            wait_for(lambda: start_time(init) is None, GONE, f"the end of {self.name}")
        self.process.end(signal.SIGKILL)
        run("ip", "route", "delete", self.layout.pods, check=False)
        end = time.monotonic() + GONE
        while cgroups.left(self.layout.cgroup) and time.monotonic() < end:
            # A cgroup is busy for a moment after the end of its processes.
            with contextlib.suppress(OSError):
                cgroups.remove(self.layout.cgroup)

    @property
    def init(self):
        """Its process 1 as the host sees it; 0 without power."""
        launched = self.process.pid
        return next(iter(children(launched)), 0) if launched else 0

    def _is_up(self, log):
        if not self.process.pid:
            raise RuntimeError(f"node {self.name} ended at once (see '{log}')")
        return self.init and self.control.answers()

    def _connect(self):
        """Its cable to the bridge, and routes to the pods of the others."""
        link, init = self.layout.link, self.init
        bridge, host = self.layout.cluster.bridge, self.layout.cluster.host_address
        if run("ip", "link", "show", link, check=False).returncode == 0:
            return
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", init)
        inside = [f"link set lo up\naddress add {self.layout.address}/24 dev eth0",
                  f"link set eth0 up\nroute add default via {host}"]
        others = (self.layout.cluster.node(index) for index in range(1, MOST_NODES + 1)
                  if index != self.layout.index)
        inside += [f"route add {other.pods} via {other.address}" for other in others]
        run("nsenter", "--net", "--target", init, "ip", "-batch", "-", input="\n".join(inside))
        run("ip", "link", "set", link, "master", bridge, "up")
        run("ip", "route", "replace", self.layout.pods, "via", self.layout.address)

    @property
    def _images(self):
        return self.disk("/var/lib/containerd")

    def _mount_images(self):
        """In memory: on a disk, to unpack and to remove them would take most of the time."""
        self._images.mkdir(parents=True, exist_ok=True)
        if not self._images.is_mount():
            run("mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", self._images)

    def remove(self):
        """Its disk, once it is without power."""
        if self._images.is_mount():
            run("umount", self._images)
        shutil.rmtree(self.layout.state, ignore_errors=True)

    def write_runtime(self, fault=None, before=()):
        """`fault`: POINT:ACTION. `before`: shell lines that run first, in every call."""
        lines = ["#!/bin/sh", *([f"export REPRISE_FAULT={fault}"] if fault else []), *before,
                 f'exec {self.bin_dir}/reprise-runtime "$@"', ""]
        self.runtime.parent.mkdir(exist_ok=True)
        new = self.runtime.with_suffix(".new")  # renamed into place: it may be called right now
        new.write_text("\n".join(lines), encoding="ascii")
        new.chmod(0o755)
        new.rename(self.runtime)

    def _write_settings(self):
        layout = self.layout
        if self.bin_dir:
            self.write_runtime()
            self._write_store_key()
        for path, text in (
                (self.disk("/etc/cni/net.d/10-pods.conflist"), node_files.network(layout)),
                (self.disk("/etc/containerd/config.toml"), node_files.containerd(self.handlers)),
                (layout.state / "kubelet.json", node_files.kubelet(layout)),
                (layout.state / "proxy.json", node_files.proxy(layout))):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="ascii")

    def _write_store_key(self):
        """The cluster's, as a Secret would bring it to each node."""
        key = self.disk("/etc/reprise/store.key")
        if not key.exists():
            key.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.layout.cluster.keys / "store.key", key)
            key.chmod(0o600)

    # ---- inside

    def disk(self, path):
        """Where the host sees a file of the node's own directories (node_files.OWN)."""
        assert path.startswith(node_files.OWN), path
        return self.layout.state / "disk" / path.lstrip("/")

    def words(self, *command):
        """`command` on the node."""
        return ["nsenter", "--target", str(self.init), *NAMESPACES, "--", *map(str, command)]

    def run(self, *command, check=True, timeout=120, **options):
        assert self.init, f"node {self.name} is without power"
        return run(*self.words(*command), check=check, timeout=timeout,
                   env=programs.environment(), **options)

    def ctr(self, *arguments, check=True, **options):
        return self.run(programs.find("ctr"), "--namespace", "k8s.io", *arguments, check=check,
                        **options)

    def import_image(self, archive):
        """Of a file; nothing if this node has it."""
        stamp = self.layout.state / "images" / archive.name
        if stamp.exists():
            return
        with open(archive, "rb") as file:
            subprocess.run(self.words(programs.find("ctr"), "--namespace", "k8s.io", "images",
                                      "import", "-"), stdin=file, check=True, timeout=300,
                           capture_output=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.touch()
