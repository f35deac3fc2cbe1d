# SPDX-License-Identifier: Apache-2.0
"""What an administrator does to a cluster that has nothing of Reprise: install, upgrade, remove."""
import pathlib
import shutil

import pytest

from cluster import images, leftovers
from cluster.cluster import Cluster
from cluster.layout import CHECKOUT
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


def manifest(name, image=IMAGE):
    """As an administrator has it whose containerd no systemd watches."""
    text = (CHECKOUT / "deploy" / name).read_text(encoding="utf8")
    assert "--containerd-restart=systemd" in text
    return text.replace("restart=systemd", "restart=signal").replace(IMAGE, image)


class Installation:
    """By the files that are released, on a cluster of two nodes."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.nodes = list(cluster.nodes.values())
        for node in self.nodes:
            node.import_image(images.agent(host.BIN_DIR))
            for name in HIDDEN:
                path = node.run("sh", "-c", f"command -v {name}").stdout.strip()
                node.run("mount", "--bind", "/dev/null", path)

    def apply(self, image=IMAGE):
        self.cluster.kubectl("apply", "-f", "-", input=manifest("kubernetes.yaml", image))
        self.wait("reprise-system", "reprise-agent")

    def wait(self, space, name):
        self.cluster.kubectl("-n", space, "rollout", "status", f"daemonset/{name}",
                             f"--timeout={INSTALLED}s", timeout=INSTALLED + 10)

    def remove(self, pods, pod):
        """Refused on the node of a pod that is still there, and then done."""
        node = pod.node
        self.cluster.kubectl("delete", "-f", "-", input=manifest("kubernetes.yaml"))
        self.cluster.kubectl("apply", "-f", "-", input=manifest("kubernetes-remove.yaml"))
        space = "/api/v1/namespaces/reprise-remove/pods"

        def refuses():
            for each in self.cluster.api.get(space)["items"]:
                if each["spec"].get("nodeName") == node.name:
                    log = self.cluster.api.get(f"{space}/{each['metadata']['name']}/log?container=remove")
                    return "containers of runtime class 'reprise' are on this node" in (log or "")
            return False
        wait_for(refuses, RUNNING, "the removal to be refused")
        pods.kubectl("delete", "statefulset", "--all")
        wait_for(lambda: pod.get() is None, RUNNING, f"pod '{pod.name}' to go")
        self.cluster.kubectl("-n", "reprise-remove", "delete", "pods", "--all")  # it tries at once
        self.wait("reprise-remove", "reprise-remove")
        self.cluster.kubectl("delete", "-f", "-", input=manifest("kubernetes-remove.yaml"))


def state_of(node):
    """All that an installation could leave on a node: paths, and containerd's file."""
    script = ("cd / && find opt etc/containerd etc/reprise var/lib/reprise run/reprise "
              "2>/dev/null -printf '%p %y\\n' | sort; cat etc/containerd/config.toml")
    return node.run("sh", "-c", script, check=False).stdout


@pytest.fixture(scope="module")
def installation():
    before = leftovers.shared()
    it = Cluster.of_this_process(bin_dir=None, dns=False)
    try:
        it.up()
        yield Installation(it)
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


def test_install_evict_upgrade_and_remove(installation, pods, tmp_path):
    cluster, nodes = installation.cluster, installation.nodes
    clean = [state_of(node) for node in nodes]
    bystander = pods.run("bystander", *COUNTER, runtime=None, node="n1").wait_running()

    installation.apply()
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    evict_and_go_on(pod)
    assert_unbroken(bystander.lines())  # containerd was started again under it
    assert bystander.container()["restartCount"] == 0

    # Again: nothing is to be done.
    started = [node.run("pgrep", "-x", "containerd").stdout for node in nodes]
    cluster.kubectl("-n", "reprise-system", "delete", "pods", "--all")
    installation.wait("reprise-system", "reprise-agent")
    assert [node.run("pgrep", "-x", "containerd").stdout for node in nodes] == started

    # An upgrade under a pod that runs: it is saved by the new version.
    archive = another_image(tmp_path)
    for node in nodes:
        node.import_image(archive)
    installation.apply("reprise.dev/reprise:next")
    assert [node.run("pgrep", "-x", "containerd").stdout for node in nodes] == started
    evict_and_go_on(pod)
    installation.remove(pods, pod)
    assert [state_of(node) for node in nodes] == clean
    assert_unbroken(bystander.lines())
