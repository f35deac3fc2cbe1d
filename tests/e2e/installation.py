# SPDX-License-Identifier: Apache-2.0
"""Reprise as an administrator installs it, by the released files, on a bare cluster."""
import os
import pathlib
import re
import runpy
import shutil

import yaml

from cluster import images, programs
from cluster.images import BASE_IMAGE
from cluster.layout import CHECKOUT
from cluster.processes import run
from harness import host
from harness.waiting import wait_for
from pods import RUNNING, Pods

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


def agents(**values):
    """The chart's agents with other values."""
    chart = CHECKOUT / "deploy/helm/reprise"
    given = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf8"))
    given["containerd"]["restart"] = "signal"
    for name, fields in values.items():
        given[name] |= fields
    render = runpy.run_path(str(CHECKOUT / "tools/deployment"))["render"]
    return render((chart / "templates/agents.yaml").read_text(encoding="utf8"), given)


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

    def log(self, node, container):
        """Of the agent's pod on a node."""
        space = "/api/v1/namespaces/reprise-system/pods"
        for each in self.cluster.api.get(space)["items"]:
            if each["spec"].get("nodeName") == node.name:
                return str(self.cluster.api.get(
                    f"{space}/{each['metadata']['name']}/log?container={container}"))
        return ""

    def remove(self, pods, pod):
        """Refused on the node of a pod that is still there, and then done."""
        node = pod.node
        listed, rest = commands("Uninstall")
        assert f"{pods.namespace}/{pod.name}" in self.type(listed).split()
        lines = rest.splitlines()
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
        # Those of tests before, too: one whose first process ignores its signal takes 30 s.
        wait_for(lambda: not [each for each in self.cluster.api.get("/api/v1/pods")["items"]
                              if each["spec"].get("runtimeClassName") == "reprise"],
                 2 * RUNNING, "the pods of runtime class 'reprise' to go")
        self.cluster.kubectl("-n", "reprise-remove", "delete", "pods", "--all")  # it tries at once
        self.type("\n".join(lines[2:]))


def state_of(node):
    """All that an installation could leave on a node: paths, and containerd's file."""
    script = ("cd / && find opt etc/containerd etc/reprise var/lib/reprise run/reprise "
              "2>/dev/null -printf '%p %y\\n' | sort; cat etc/containerd/config.toml")
    return node.run("sh", "-c", script, check=False).stdout


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
