# SPDX-License-Identifier: Apache-2.0
"""What an administrator does to a cluster that has nothing of Reprise: install, upgrade, remove."""
import json
import os
import pathlib
import re
import shutil
import sys

import pytest

from cluster import images, leftovers, programs
from cluster.cluster import Cluster
from cluster.images import BASE_IMAGE
from cluster.layout import CHECKOUT
from cluster.processes import run
from harness import host
from harness.counting import assert_unbroken, steps
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING, Pods

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")
IMAGE = "reprise.dev/reprise:0.1.0"
INSTALLED = 120  # seconds in which all nodes have it
# What the bundle brings along; the cluster itself needs the others.
HIDDEN = ("criu", "ss", "nsenter", "tar")


def commands(heading):
    """What docs/kubernetes.md tells to type in a section, block by block."""
    text = (CHECKOUT / "docs/kubernetes.md").read_text(encoding="utf8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    assert blocks, heading
    return blocks


def manifest(name, image=IMAGE):
    """As an administrator has it whose containerd no systemd watches."""
    text = (CHECKOUT / "deploy" / name).read_text(encoding="utf8")
    assert "--containerd-restart=systemd" in text
    return text.replace("restart=systemd", "restart=signal").replace(IMAGE, image)


class Installation:
    """By the files that are released, on a cluster of two nodes."""

    def __init__(self, cluster, directory):
        self.cluster = cluster
        self.nodes = list(cluster.nodes.values())
        for node in self.nodes:
            node.import_image(images.agent(host.BIN_DIR))
            for name in HIDDEN:
                path = node.run("sh", "-c", f"command -v {name}").stdout.strip()
                node.run("mount", "--bind", "/dev/null", path)
            # The image of the document, which nobody here fetches.
            node.ctr("images", "tag", BASE_IMAGE, "docker.io/library/busybox:1.37")
        self.directory = directory
        (directory / "deploy").mkdir()
        for name in ("kubernetes.yaml", "kubernetes-remove.yaml"):
            (directory / "deploy" / name).write_text(manifest(name), encoding="utf8")
        self.clean = [state_of(node) for node in self.nodes]
        # Of a namespace that stays.
        self.bystander = Pods(cluster).run("bystander", *COUNTER, runtime=None, node="n1")
        self.bystander.wait_running()
        self.type("".join(commands("Install")))

    def type(self, script):
        """What it prints."""
        path = f"{programs.find('kubectl').parent}:{os.environ['PATH']}"
        return run("bash", "-euc", script, cwd=self.directory, timeout=INSTALLED, env={
            **os.environ, "PATH": path, "KUBECONFIG": str(self.cluster.layout.kubeconfig)}).stdout

    def containerds(self):
        return [node.run("pgrep", "-x", "containerd").stdout for node in self.nodes]

    def token(self, node):
        """One like that of the agent of this node."""
        listed = self.cluster.api.get("/api/v1/namespaces/reprise-system/pods")["items"]
        pod = next(each["metadata"] for each in listed if each["spec"]["nodeName"] == node)
        return self.cluster.kubectl(
            "-n", "reprise-system", "create", "token", "reprise-agent", "--bound-object-kind=Pod",
            f"--bound-object-name={pod['name']}", f"--bound-object-uid={pod['uid']}").stdout

    def apply(self, image=IMAGE):
        self.cluster.kubectl("apply", "-f", "-", input=manifest("kubernetes.yaml", image))
        self.wait("reprise-system", "reprise-agent")

    def wait(self, space, name):
        self.cluster.kubectl("-n", space, "rollout", "status", f"daemonset/{name}",
                             f"--timeout={INSTALLED}s", timeout=INSTALLED + 10)

    def remove(self, pods, pod):
        """Refused on the node of a pod that is still there, and then done."""
        node = pod.node
        lines = commands("Uninstall")[0].splitlines()
        self.type("\n".join(lines[:2]))
        space = "/api/v1/namespaces/reprise-remove/pods"

        def refuses():
            for each in self.cluster.api.get(space)["items"]:
                if each["spec"].get("nodeName") == node.name:
                    path = f"{space}/{each['metadata']['name']}/log?container=remove"
                    log = self.cluster.api.get(path)
                    return "containers of runtime class 'reprise' are on this node" in (log or "")
            return False
        wait_for(refuses, RUNNING, "the removal to be refused")
        pods.kubectl("delete", "statefulset", "--all")
        wait_for(lambda: pod.get() is None, RUNNING, f"pod '{pod.name}' to go")
        self.cluster.kubectl("-n", "reprise-remove", "delete", "pods", "--all")  # it tries at once
        self.type("\n".join(lines[2:]))


def state_of(node):
    """All that an installation could leave on a node: paths, and containerd's file."""
    script = ("cd / && find opt etc/containerd etc/reprise var/lib/reprise run/reprise "
              "2>/dev/null -printf '%p %y\\n' | sort; cat etc/containerd/config.toml")
    return node.run("sh", "-c", script, check=False).stdout


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    before = leftovers.shared()
    it = Cluster.of_this_process(bin_dir=None, dns=False)
    try:
        it.up()
        yield Installation(it, tmp_path_factory.mktemp("admin"))
    finally:
        it.down()
    assert leftovers.of(it.layout) == []
    assert leftovers.shared() == before


@pytest.fixture
def pods(installation):
    it = Pods(installation.cluster)
    yield it
    it.remove()


def evict_and_go_on(pod):
    """It goes on in its replacement."""
    uid = pod.get()["metadata"]["uid"]
    with pod.followed() as before:
        pod.evict()

        def other():
            found = pod.get()
            return found and found["metadata"]["uid"] != uid and pod.is_running()
        wait_for(other, RUNNING, f"another pod '{pod.name}'")
    wait_for(lambda: steps(pod.lines()), RUNNING, f"a step of '{pod.name}'")
    first = steps(pod.lines())[0][0]
    assert first == steps(before)[-1][0] + 1, "it began anew, or steps are lost or done twice"
    return pod


def another_image(directory):
    """Of the next version: other programs, another bundle."""
    for name in pathlib.Path(host.BIN_DIR).iterdir():
        (directory / name.name).symlink_to(name)
    hook = directory / "criu-hook"
    hook.unlink()
    shutil.copyfile(pathlib.Path(host.BIN_DIR) / "criu-hook", hook)
    with open(hook, "ab") as file:
        file.write(b"another")
    hook.chmod(0o755)
    return images.agent(directory, "reprise.dev/reprise:next")


def metrics_of(node):
    """By name with labels, as a Prometheus on the node reads them."""
    script = ("import urllib.request as r; "
              "print(r.urlopen('http://127.0.0.1:7435/metrics').read().decode())")
    text = node.run(sys.executable, "-c", script).stdout
    rows = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}


def test_a_pod_is_evicted_and_goes_on(installation, pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    evict_and_go_on(pod)
    assert_unbroken(installation.bystander.lines())  # containerd was started again under it
    assert installation.bystander.container()["restartCount"] == 0

    def counted():
        found = metrics_of(pod.node)
        return found if found.get('reprise_checkpoints{phase="Consumed"}') == 1 else None
    found = wait_for(counted, RUNNING, "the checkpoint to be consumed")
    for name in ('reprise_sessions_total{session="checkpoint",trigger="stop",outcome="ok"}',
                 'reprise_sessions_total{session="restore",trigger="create",outcome="ok"}',
                 'reprise_phase_seconds_count{session="checkpoint",phase="seal"}',
                 'reprise_answers_total{question="ending",answer="checkpoint"}',
                 'reprise_answers_total{question="create",answer="goes-on"}', "reprise_in_step"):
        assert found[name] == 1, name
    assert found["reprise_checkpoint_bytes_total"] > 100_000
    assert found['reprise_api_requests_total{method="POST",code="201"}'] >= 1


def test_a_user_asks_about_pods(installation, pods):
    """By `kubectl reprise`."""
    (installation.directory / "kubectl-reprise").symlink_to(pathlib.Path(host.BIN_DIR) / "reprise")
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n2")
    pod.wait_for_line("STEP 3 ")

    def ask(*words):
        """Exit status, and what is printed."""
        command = f"kubectl reprise -n {pods.namespace} {' '.join(words)}"
        return installation.type(f'PATH="$PWD:$PATH" {command} || echo "$?"')

    assert "preempted it is saved; when it is deleted it gets its signal" in ask("doctor", "db-0")
    evict_and_go_on(pod)
    assert "it went on from Checkpoint 'db-0-" in ask("doctor", "db-0")
    history = ask("lives", "db-0")
    assert "db-0 on n2\tConsumed\t-> db-0 on n2" in history
    plain = pods.run("plain", "sleep", "1000", runtime=None).wait_running()
    told = json.loads(ask("doctor", plain.name, "--json").removesuffix("1\n"))
    assert [remark["text"] for remark in told["remarks"] if remark["weight"] == "no"] == [
        "it does not run under Reprise", "no annotation asks for a checkpoint"]
    assert ask("doctor", "nobody").endswith("3\n")


def test_the_five_minutes_of_the_document(installation):
    printed = installation.type("".join(commands("In five minutes")))
    counted = [int(line) for line in printed.splitlines() if line.isdecimal()]
    assert counted and counted[0] > 1, printed
    assert counted == list(range(counted[0], counted[0] + len(counted)))
    assert "Consumed" in printed


def test_an_agent_writes_for_its_own_node_alone(installation, pods):
    def act(node, verb, checkpoint, *more):
        """As the agent of a node, by a token like its own."""
        token = installation.token(node)
        words = ("--token", token, "--kubeconfig=/dev/null", "--server",
                 pods.cluster.layout.api_url, "--certificate-authority",
                 pods.cluster.layout.keys / "ca.crt")
        done = run(programs.find("kubectl"), *words, "-n", pods.namespace, verb, *more, "-f", "-",
                   check=False, input=json.dumps(checkpoint))
        return "" if done.returncode == 0 else done.stderr

    def checkpoint(name, node):
        return {"apiVersion": "reprise.dev/v1alpha1", "kind": "Checkpoint",
                "metadata": {"name": name, "namespace": pods.namespace},
                "spec": {"pod": "p", "podUID": "u", "node": node, "containers": ["main"],
                         "owner": {"kind": "StatefulSet", "uid": "o"}}}

    def get(name):
        path = f"/apis/reprise.dev/v1alpha1/namespaces/{pods.namespace}/checkpoints/{name}"
        return pods.cluster.api.get(path)

    def claim(name, node, claimer):
        status = {**get(name).get("status", {"phase": "Promised"}),
                  **({"claimedBy": {"podUID": "other", "node": claimer}} if claimer else {})}
        return act(node, "replace", {**get(name), "status": status}, "--subresource=status")

    assert act("n1", "create", checkpoint("one", "n1")) == ""
    assert "node 'n2' makes and removes no Checkpoints of node 'n1'" in act(
        "n2", "create", checkpoint("two", "n1"))
    assert "makes and removes no Checkpoints" in act("n2", "delete", checkpoint("one", "n1"))
    # Its agent has saved no such pod.
    wait_for(lambda: get("one").get("status", {}).get("phase") == "Withdrawn", RUNNING,
             "the forged Checkpoint to be withdrawn")
    assert "claims nothing for another" in claim("one", "n1", "n2")
    assert act("n1", "delete", checkpoint("one", "n1")) == ""

    pods.cluster.apply(checkpoint("far", "n3"))
    assert "node 'n2' has not claimed this Checkpoint of node 'n3'" in claim("far", "n2", None)
    assert "has not claimed" in claim("far", "n2", "n1")
    assert claim("far", "n2", "n2") == ""

    # Who may edit a namespace sees them, and that is all.
    pods.kubectl("create", "rolebinding", "dev", "--clusterrole=edit", "--user=dev")

    def may(verb):
        done = pods.kubectl("auth", "can-i", verb, "checkpoints.reprise.dev", "--as=dev",
                            check=False)
        return done.stdout.strip()
    wait_for(lambda: may("list") == "yes", RUNNING, "the role to be aggregated")
    assert {may(verb) for verb in ("create", "update", "patch", "delete")} == {"no"}


@pytest.mark.nightly
def test_upgrade_under_a_pod_and_remove(installation, pods, tmp_path):
    cluster, nodes = installation.cluster, installation.nodes
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    started = installation.containerds()

    # Again: nothing is to be done.
    cluster.kubectl("-n", "reprise-system", "delete", "pods", "--all")
    installation.wait("reprise-system", "reprise-agent")
    assert installation.containerds() == started

    archive = another_image(tmp_path)
    for node in nodes:
        node.import_image(archive)
    installation.apply("reprise.dev/reprise:next")
    assert installation.containerds() == started
    evict_and_go_on(pod)  # saved by the new version

    installation.remove(pods, pod)
    assert [state_of(node) for node in nodes] == installation.clean
    assert_unbroken(installation.bystander.lines())
