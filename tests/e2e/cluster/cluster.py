# SPDX-License-Identifier: Apache-2.0
"""A whole cluster: up, down, and what tests ask of it."""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time

from cluster import images, objects, programs
from cluster.api import Api
from cluster.control_plane import ControlPlane
from cluster.images import BASE_IMAGE
from cluster.keys import Keys
from cluster.layout import CHECKOUT, MOST_CLUSTERS, Layout
from cluster.node import Node
from cluster.processes import run, start_time
from harness import host
from harness.waiting import wait_for

ANSWERS = 120  # seconds in which a control plane or a node that was started answers
SETTINGS = "cluster.json"
# Of the product: what an administrator applies. The agents are parts of the nodes here, without the
# service account of which the rules of admission speak.
MANIFESTS = [CHECKOUT / "deploy/kubernetes" / name for name in ("checkpoints.yaml", "rights.yaml")]


class Cluster:
    """Of `nodes` nodes (0: a control plane alone). Its settings are kept with its state.

    `images`: of Podman's, which its pods run; `bin_dir`: of the product, which is runtime handler
    `reprise` (None: it is not installed); `handlers`: others besides that and runc, by name;
    `flags`: further words for parts of the control plane, by name.
    """

    def __init__(self, number, *, nodes=2, dns=True, images=(BASE_IMAGE,), bin_dir=host.BIN_DIR,
                 handlers=None, flags=None):
        self.layout = Layout(number)
        self.settings = {"nodes": nodes, "dns": dns, "images": list(images),
                         "bin_dir": bin_dir and str(bin_dir), "handlers": handlers or {}, "flags": flags or {}}
        self.control_plane = ControlPlane(self.layout, flags)
        self.nodes = {}
        for index in range(1, nodes + 1):
            node = Node(self.layout.node(index), bin_dir, handlers)
            self.nodes[node.name] = node
        self.api = Api(self.layout)
        self._began = time.monotonic()

    # ---- which cluster

    @classmethod
    def load(cls, number):
        """One whose state is there."""
        try:
            text = (Layout(number).state / SETTINGS).read_text(encoding="ascii")
        except FileNotFoundError:
            raise RuntimeError(f"there is no cluster {number}: bring it up first") from None
        settings = json.loads(text)
        settings.pop("owner")
        return cls(number, **settings)

    @classmethod
    def of_this_process(cls, **settings):
        """A new one of a free number, which a later call takes away if this process has ended."""
        with _one_at_a_time():
            for number in reversed(range(MOST_CLUSTERS)):
                if _is_free(number):
                    it = cls(number, **settings)
                    it._claim(os.getpid())
                    return it
        raise RuntimeError(f"all {MOST_CLUSTERS} clusters of this machine are in use: see "
                           "'/var/tmp/reprise-cluster-*'")

    def _claim(self, owner):
        """Never without its settings, and only if nobody else has this number."""
        part = pathlib.Path(tempfile.mkdtemp(dir=self.layout.state.parent))
        text = json.dumps({**self.settings,
                           "owner": [owner, start_time(owner)] if owner else None})
        (part / SETTINGS).write_text(text, encoding="ascii")
        part.chmod(0o755)
        part.rename(self.layout.state)

    # ---- up and down

    def up(self):
        """Starts what does not run. Returns when the nodes are ready, and DNS answers."""
        self._began = time.monotonic()
        self._prepare()
        archives = self._archives()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.control_plane.up()
            starting = [pool.submit(self._start_node, node, archives)
                        for node in self.nodes.values()]
            wait_for(self.api.ready, ANSWERS,
                     f"the API server (see '{self.layout.logs}/apiserver.log')")
            self._say("the API server is ready")
            self.kubectl("apply", "-f", "-", input=json.dumps(objects.standing(
                self.layout, self._handlers(), bool(self.nodes) and self.settings["dns"],
                bool(self.settings["bin_dir"]))))
            for manifest in MANIFESTS if self.settings["bin_dir"] else ():
                self.kubectl("apply", "-f", manifest)
            for each in starting:
                each.result()
        for name in self.nodes:
            self.wait_ready(name)
            self._say(f"node {name} is ready")
        self._wait_usable()
        self._say("up")

    def down(self):
        """Ends everything, and removes all that it had."""
        self._began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for each in [pool.submit(node.power_cut) for node in self.nodes.values()]:
                each.result()
        for node in self.nodes.values():
            node.remove()
        self.control_plane.down()
        shutil.rmtree(self.layout.state)
        self._say("down")

    def _prepare(self):
        if programs.missing():
            raise RuntimeError(f"'{programs.missing()}' is missing: run 'tools/kubernetes', and "
                               "'tools/install-packages runtime test'")
        if not self.layout.state.exists():
            self._claim(None)
        self.layout.logs.mkdir(exist_ok=True)
        keys = Keys(self.layout)
        if not keys.directory.exists():
            keys.make()
            for node in self.nodes.values():
                node.layout.state.mkdir()
                keys.make_node(node.layout)
        self._say("keys are there")

    def _archives(self):
        """The images that each node gets, those that the cluster itself needs first."""
        if not self.nodes:
            return []
        archives = [images.pause()] + ([images.dns()] if self.settings["dns"] else [])
        return archives + [images.of_podman(image) for image in self.settings["images"]]

    def _start_node(self, node, archives):
        node.power_on()
        for archive in archives:
            node.import_image(archive)
        self._say(f"images are on node {node.name}")

    def _handlers(self):
        return [*(["reprise"] if self.settings["bin_dir"] else []), *self.settings["handlers"]]

    def wait_ready(self, node, after=None):
        """Until the control plane takes the node for ready, by a report newer than `after`."""
        def is_ready():
            ready = self._ready(node)
            return ready.get("status") == "True" and ready["lastHeartbeatTime"] != after
        wait_for(is_ready, ANSWERS, f"node {node} (see '{self.layout.logs}/{node}.kubelet.log')")

    def _ready(self, node):
        """The node's condition of this name; empty where it has none yet."""
        found = self.api.get(f"/api/v1/nodes/{node}") or {"status": {}}
        return next((condition for condition in found["status"].get("conditions", [])
                     if condition["type"] == "Ready"), {})

    def _wait_usable(self):
        # Pods of a namespace are refused until it has this account.
        wait_for(lambda: self.api.get("/api/v1/namespaces/default/serviceaccounts/default"),
                 ANSWERS, "the default service account")
        if self.nodes and self.settings["dns"]:
            path = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
            wait_for(lambda: self.api.get(path)["status"].get("readyReplicas"), ANSWERS, "DNS")
        for node in self.nodes.values():
            if node.bin_dir:
                wait_for(lambda: _is_in_step(node), ANSWERS, f"the agent of node {node.name}")

    def _say(self, words):
        print(f"[{time.monotonic() - self._began:5.1f} s] {words}", file=sys.stderr, flush=True)

    # ---- use

    def kubectl_words(self, *arguments):
        return [programs.find("kubectl"), f"--kubeconfig={self.layout.kubeconfig}", *arguments]

    def kubectl(self, *arguments, check=True, **options):
        return run(*self.kubectl_words(*arguments), check=check, **options)

    def apply(self, *what):
        """Objects, as dictionaries."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": what})
        return self.kubectl("apply", "-f", "-", input=text)

    def power_cut(self, node):
        self.nodes[node].power_cut()

    def power_on(self, node):
        """Returns when it is ready again."""
        reported = self._ready(node).get("lastHeartbeatTime")
        self.nodes[node].power_on()
        self.wait_ready(node, after=reported)

    def parts_of(self, name):
        """(whose part, part) of "scheduler", or "n1.kubelet"."""
        node, _, part = name.rpartition(".")
        owner = self.nodes.get(node) if node else self.control_plane
        if owner is None or part not in owner.commands:
            raise RuntimeError(f"there is no part '{name}'")
        return owner, part

    def stop(self, name):
        owner, part = self.parts_of(name)
        owner.stop(part)

    def start(self, name):
        owner, part = self.parts_of(name)
        owner.start(part)

    def log(self, name):
        return self.layout.logs / f"{name}.log"

    def diagnose(self):
        """What a failed test should show."""
        shown = [self.kubectl(*words, check=False).stdout for words in (
            ("get", "pods,nodes", "-A", "-o", "wide"),
            ("get", "events", "-A", "--sort-by=.lastTimestamp", "--no-headers"))]
        shown[-1] = "\n".join(shown[-1].splitlines()[-20:])
        for log in sorted(self.layout.logs.iterdir()):
            last = log.read_text(errors="replace").splitlines()[-5:]
            shown += [f"--- {log.name}", *(line[:250] for line in last)]
        return "\n".join(shown)


@contextlib.contextmanager
def _one_at_a_time():
    directory = os.open("/var/tmp", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _is_free(number):
    """What is left of a cluster whose owner has ended is removed first."""
    settings = pathlib.Path(Layout(number).state / SETTINGS)
    if not settings.parent.exists():
        return True
    owner = json.loads(settings.read_text(encoding="ascii"))["owner"]
    if owner is None or start_time(owner[0]) == owner[1]:
        return False
    Cluster.load(number).down()
    return True


def _is_in_step(node):
    """Whether its agent knows all that it watches, as it says itself."""
    said = {}
    for line in node.log("reprised").read_text(encoding="utf8").splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if "in step with the API server" in entry.get("msg", ""):
            said[entry["what"]] = not entry["msg"].startswith("not")
    return {"pods", "checkpoints"} <= said.keys() and all(said.values())
