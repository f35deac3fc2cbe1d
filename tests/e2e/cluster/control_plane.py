# SPDX-License-Identifier: Apache-2.0
"""etcd, API server, controller manager and scheduler: on the host, under one supervisor."""
import contextlib
import signal
import sys

from cluster import programs
from cluster.layout import HERE
from cluster.processes import Process, run
from cluster.supervisor import Control
from harness.waiting import wait_for

PARTS = ("etcd", "apiserver", "controller-manager", "scheduler")
ENDED = 5  # seconds in which a part that was told to end has ended; then it is killed


class Parts:
    """What a supervisor runs, to stop and start each."""

    def __init__(self, control, commands, log):
        self.control = control
        self.commands = commands  # name: words
        self.log = log  # a function of the part's name

    def start(self, part):
        """Nothing if it runs."""
        self.control.start(part, self.commands[part], self.log(part))

    def kill(self, part):
        """As if it had crashed: by SIGKILL, and it is started again after a second."""
        self.stop(part, signal.SIGKILL)
        self.start(part)

    def stop(self, part, number=signal.SIGTERM):
        """Returns when it has ended; it stays so until start()."""
        for last in (number, signal.SIGKILL):
            self.control.signal(part, last)
            with contextlib.suppress(AssertionError):
                wait_for(lambda: not self.control.pid(part), ENDED, "its end")
        assert not self.control.pid(part), f"'{part}' cannot be killed"

    def runs(self, part):
        return self.control.pid(part) != 0


class ControlPlane(Parts):
    def __init__(self, layout, flags=None):
        """`flags`: part to further words of its command line."""
        self.layout = layout
        self.socket = layout.state / "control.sock"
        self.process = Process(layout.state / "control-plane.pid")
        commands = {"etcd": self._etcd(), "apiserver": self._apiserver(),
                    "controller-manager": self._controller_manager(),
                    "scheduler": self._scheduler()}
        for part, more in (flags or {}).items():
            commands[part] += more
        super().__init__(Control(self.socket), commands, lambda part: layout.logs / f"{part}.log")

    def up(self):
        self._make_bridge()
        if not self.process.pid:
            self.socket.unlink(missing_ok=True)
            self.process.launch(sys.executable, "-B", HERE / "supervise", self.socket,
                                log=self.layout.logs / "control-plane.log",
                                env=programs.environment())
        wait_for(self.control.answers, 60, "the supervisor of the control plane")
        for part in PARTS:
            self.start(part)

    def down(self):
        self.process.end()
        run("ip", "link", "delete", self.layout.bridge, check=False)

    def _make_bridge(self):
        if run("ip", "link", "show", self.layout.bridge, check=False).returncode == 0:
            return
        run("ip", "link", "add", self.layout.bridge, "type", "bridge")
        run("ip", "address", "add", f"{self.layout.host_address}/24", "dev", self.layout.bridge)
        run("ip", "link", "set", self.layout.bridge, "up")

    def _key(self, name):
        return self.layout.keys / name

    def _etcd(self):
        """Without a sync for each write: what a crash of the host would lose, nobody wants."""
        client, peer = (f"http://127.0.0.1:{self.layout.port(offset)}" for offset in (1, 2))
        return [programs.find("etcd"), "--data-dir", self.layout.state / "etcd",
                "--unsafe-no-fsync", "--listen-client-urls", client,
                "--advertise-client-urls", client, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]

    def _apiserver(self):
        layout, key = self.layout, self._key
        return [programs.find("kube-apiserver"),
                f"--etcd-servers=http://127.0.0.1:{layout.port(1)}",
                f"--bind-address={layout.host_address}", f"--secure-port={layout.port(0)}",
                f"--advertise-address={layout.host_address}",
                f"--cert-dir={layout.state}/apiserver",
                f"--tls-cert-file={key('apiserver.crt')}",
                f"--tls-private-key-file={key('apiserver.key')}",
                f"--client-ca-file={key('ca.crt')}",
                f"--kubelet-client-certificate={key('kubelet-client.crt')}",
                f"--kubelet-client-key={key('kubelet-client.key')}",
                "--kubelet-preferred-address-types=InternalIP",
                f"--service-cluster-ip-range={layout.services}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={key('tokens.pub')}",
                f"--service-account-signing-key-file={key('tokens.key')}",
                "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged=true"]

    def _controller_manager(self):
        return [programs.find("kube-controller-manager"),
                f"--kubeconfig={self._key('controller-manager.kubeconfig')}",
                # Each controller as its own account, as the standing roles expect it.
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={self._key('tokens.key')}",
                f"--root-ca-file={self._key('ca.crt')}", "--allocate-node-cidrs=false",
                *self._local("controller-manager", 3)]

    def _scheduler(self):
        return [programs.find("kube-scheduler"),
                f"--kubeconfig={self._key('scheduler.kubeconfig')}", *self._local("scheduler", 4)]

    def _local(self, part, offset):
        return ["--leader-elect=false", "--bind-address=127.0.0.1",
                f"--secure-port={self.layout.port(offset)}",
                f"--cert-dir={self.layout.state}/{part}"]
