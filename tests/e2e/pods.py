# SPDX-License-Identifier: Apache-2.0
"""Pods of one test, in a namespace of its own."""
import contextlib
import secrets
import subprocess

from cluster.images import BASE_IMAGE
from harness import host
from harness.waiting import wait_for

RUNNING = 60  # seconds in which a pod runs, or is gone
ON_DISRUPTION = {"reprise.dev/on-disruption": "checkpoint"}
OPT_IN = {**ON_DISRUPTION, "reprise.dev/on-delete": "checkpoint"}


def pod_spec(command, runtime, node, container, beside=(), **spec):
    """The workloads of lane `root` are at /workloads. `beside`: further containers."""
    main = {"name": "main", "image": BASE_IMAGE, "command": list(command),
            "volumeMounts": [{"name": "workloads", "mountPath": "/workloads", "readOnly": True}],
            **(container or {})}
    return {"containers": [main, *beside], "terminationGracePeriodSeconds": 30,
            "volumes": [{"name": "workloads", "hostPath": {"path": str(host.WORKLOADS)}}],
            **({"runtimeClassName": runtime} if runtime else {}),
            **({"nodeName": node} if node else {}), **spec}


class Pod:
    """Its one container is called `main`. What harness/counting.py asks of a container works."""

    def __init__(self, pods, name):
        self.pods, self.name = pods, name
        self.path = f"{pods.path}/pods/{name}"

    def get(self):
        """The object; None where there is none."""
        return self.pods.cluster.api.get(self.path)

    @property
    def node(self):
        return self.pods.cluster.nodes[self.get()["spec"]["nodeName"]]

    @property
    def address(self):
        return self.get()["status"]["podIP"]

    def container(self):
        """The state of its container, as the kubelet reports it; once it does."""
        states = self.get()["status"].get("containerStatuses")
        assert states, f"nothing is known of the container of pod '{self.name}'"
        return states[0]

    def container_id(self):
        return self.container()["containerID"].removeprefix("containerd://")

    def is_running(self):
        found = self.get()
        assert found, f"there is no pod '{self.name}'"
        states = found["status"].get("containerStatuses", [])
        assert states, found["status"]
        assert all("running" in state["state"] for state in states), states
        return True

    def wait_running(self):
        wait_for(self.is_running, RUNNING, f"pod '{self.name}' to run")
        return self

    def wait_ready(self):
        def is_ready():
            return self.is_running() and all(
                state["ready"] for state in self.get()["status"]["containerStatuses"])
        wait_for(is_ready, RUNNING, f"pod '{self.name}' to be ready")
        return self

    def exit_code(self):
        """Waits for the end of a pod that is not restarted."""
        ended = wait_for(lambda: self.container()["state"].get("terminated"), RUNNING,
                         f"pod '{self.name}' to end")
        return ended["exitCode"]

    def lines(self, container="main"):
        """What it has printed, by way of the kubelet."""
        return (self.pods.cluster.api.get(f"{self.path}/log?container={container}")
                or "").splitlines()

    def wait_for_line(self, words):
        def find():
            ended = self.get()["status"]["phase"] in ("Failed", "Succeeded")
            found = next((line for line in self.lines() if words in line), None)
            if ended and not found:
                raise RuntimeError(f"pod '{self.name}' ended: {self.lines()[-5:]}")
            return found
        return wait_for(find, RUNNING, f"'{words}' from pod '{self.name}'")

    @contextlib.contextmanager
    def followed(self):
        """What it prints from now on, to its end, even if it is gone by then: in the list that this
        yields, when the block has ended."""
        printed = []
        words = self.pods.cluster.kubectl_words("-n", self.pods.namespace, "logs", "-f", self.name)
        # Nothing is to lie in a buffer of which communicate() knows nothing.
        with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, bufsize=0,
                              stdin=subprocess.DEVNULL) as process:
            first = process.stdout.readline()  # it is connected
            yield printed
            rest = process.communicate(timeout=RUNNING)[0]
            printed += (first + rest).decode().splitlines()

    def evict(self):
        """By the Eviction API, as `kubectl drain` does; returns at once."""
        status, answer = self.pods.cluster.api.request("POST", f"{self.path}/eviction", {
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": self.name, "namespace": self.pods.namespace}})
        assert status in (200, 201), answer

    def exec(self, *command):
        return self.pods.kubectl("exec", self.name, "--", *command).stdout

    def delete(self, grace=None):
        """Returns when it is gone."""
        options = () if grace is None else (f"--grace-period={grace}",)
        self.pods.kubectl("delete", "pod", self.name, "--wait=false", *options)
        wait_for(lambda: self.get() is None, RUNNING, f"pod '{self.name}' to go")


class Pods:
    def __init__(self, cluster):
        self.cluster = cluster
        self.namespace = f"test-{secrets.token_hex(4)}"
        self.path = f"/api/v1/namespaces/{self.namespace}"
        cluster.kubectl("create", "namespace", self.namespace)
        wait_for(lambda: cluster.api.get(f"{self.path}/serviceaccounts/default"), RUNNING,
                 f"the account of namespace '{self.namespace}'")

    def remove(self):
        """At once: no test waits for the ends of its pods. Returns when all are gone."""
        # First of all, since a Deployment makes no more pods in a namespace that ends.
        self.cluster.kubectl("delete", "namespace", self.namespace, "--wait=false")
        self.kubectl("delete", "pods", "--all", "--grace-period=1", "--wait=false")
        wait_for(lambda: not self.cluster.api.get(f"{self.path}/pods")["items"], RUNNING,
                 f"the pods of namespace '{self.namespace}' to go")

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl(f"--namespace={self.namespace}", *arguments, **options)

    def apply(self, *objects):
        for each in objects:
            each.setdefault("metadata", {})["namespace"] = self.namespace
        return self.cluster.apply(*objects)

    def pod(self, name):
        """One that something else has made."""
        return Pod(self, name)

    def run(self, name, *command, runtime="reprise", node=None, annotations=None, labels=None,
            container=None, **spec):
        """`container`, `spec`: further fields."""
        self.apply({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "annotations": annotations or {}, "labels": labels or {}},
            "spec": pod_spec(command, runtime, node, container,
                             **{"restartPolicy": "Never", **spec})})
        return Pod(self, name)

    def deploy(self, name, *command, runtime="reprise", annotations=None, replicas=1,
               container=None, **spec):
        """A Deployment; its pods are found by pods_of()."""
        labels = {"app": name}
        self.apply({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels, "annotations": annotations or {}},
                                  "spec": pod_spec(command, runtime, None, container, **spec)}}})

    def run_set(self, name, *command, runtime="reprise", node=None, annotations=None, replicas=1,
                container=None, **spec):
        """A StatefulSet; its pods are NAME-0 and so on. Returns the first, once it is there."""
        labels = {"set": name}
        if node:  # nodeName would go past the scheduler
            spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        self.apply({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name},
            "spec": {"replicas": replicas, "serviceName": name, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels, "annotations": annotations or {}},
                                  "spec": pod_spec(command, runtime, None, container, **spec)}}})
        first = Pod(self, f"{name}-0")
        wait_for(lambda: (first.get() or {}).get("status", {}).get("containerStatuses"), RUNNING,
                 f"pod '{first.name}'")
        return first

    def run_job(self, name, *command, runtime="reprise", annotations=None, completions=1,
                container=None, ignores=True, **spec):
        """An indexed Job, all of whose pods run at once and may be disrupted (`ignores`: without that
        being a failure); found by pods_of()."""
        ignore = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
        rules = {"podFailurePolicy": {"rules": [ignore]}} if ignores else {}
        self.apply({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"completions": completions, "parallelism": completions, "backoffLimit": 0,
                     "completionMode": "Indexed", **rules,
                     "template": {"metadata": {"labels": {"app": name},
                                               "annotations": annotations or {}},
                                  "spec": pod_spec(command, runtime, None, container,
                                                   **{"restartPolicy": "Never", **spec})}}})

    def pods_of(self, app):
        """Those that are not told to go."""
        listed = self.cluster.api.get(f"{self.path}/pods?labelSelector=app%3D{app}")["items"]
        return [Pod(self, each["metadata"]["name"]) for each in listed
                if "deletionTimestamp" not in each["metadata"]]

    def wait_for_one_of(self, app):
        """The one pod of a Deployment, once it runs."""
        def one():
            found = self.pods_of(app)
            return found[0] if len(found) == 1 and found[0].is_running() else None
        return wait_for(one, RUNNING, f"a pod of '{app}'")
