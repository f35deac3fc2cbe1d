# SPDX-License-Identifier: Apache-2.0
"""Pods that did not opt in are runc's under the runtime handler `reprise`, byte for byte."""
import json
import re
import shutil

import pytest

from harness.waiting import wait_for

pytestmark = pytest.mark.requires("kubernetes")

# Notes the words of a call, and the bundle's configuration, under the first free number.
NOTE = """#!/bin/sh
directory=$1; shift
number=0
until mkdir "$directory/$number" 2>/dev/null; do number=$((number + 1)); done
cd "$directory/$number"
printf '%s\\n' "$@" >words
while [ $# -gt 0 ]; do
  [ "$1" != --bundle ] || cp "$2/config.json" config
  shift
done
"""
SEEN = r"""
grep -vE '^(NS|N?[STP]+[pg]*id|.*ctxt|Vm|Rss|SigQ|Cpus|Mems|Threads)' /proc/1/status
cat /proc/1/limits /proc/1/cgroup /proc/1/oom_score_adj
cut -d' ' -f4- /proc/1/mountinfo | grep -v ' / / '
tr '\0' '\n' </proc/1/environ | sort
ls -l /proc/1/fd | grep -c pipe
stat -c '%A %U %G' /proc/1/root /tmp /etc/hosts
"""
ON_TERM = "trap 'echo GOTTERM; exit 9' TERM; echo READY; while :; do sleep 0.05; done"


class Spy:
    """Between containerd and the product, and between the product and runc, on one node."""

    def __init__(self, node):
        self.node = node
        self.directory = node.layout.state / "spy"
        for name in ("entered", "handed"):
            (self.directory / name).mkdir(parents=True)
        note, runc = self.script("note", NOTE), shutil.which("runc")
        between = self.script("runc", f'#!/bin/sh\n{note} {self.directory}/handed "$@"\n'
                                      f'exec {runc} "$@"\n')
        node.write_runtime(before=[f'{note} {self.directory}/entered "$@"',
                                   f"export REPRISE_RUNC={between}"])

    def script(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="ascii")
        path.chmod(0o755)
        return path

    def calls(self, where):
        """The words of each call, and the configuration that it came with, by whatever order."""
        found = []
        for call in (self.directory / where).iterdir():
            config = call / "config"
            found.append(((call / "words").read_bytes(),
                          config.read_bytes() if config.exists() else None))
        return sorted(found, key=str)

    def close(self):
        self.node.write_runtime()
        shutil.rmtree(self.directory)


@pytest.fixture
def spy(cluster):
    it = Spy(cluster.nodes["n1"])
    yield it
    it.close()


def without_names(text, pod):
    """Of this one pod: its ids, its address, and those of its sandbox and namespaces."""
    uid, address = pod.get()["metadata"]["uid"], pod.address
    text = text.replace(uid, "UID").replace(address, "ADDRESS")
    text = re.sub(r"\b[0-9a-f]{64}\b", "ID", text)
    text = re.sub(r"snapshots/\d+/", "snapshots/N/", text)
    text = re.sub(r"/proc/\d+/ns", "/proc/PID/ns", text)
    text = re.sub(r"kube-api-access-\w{5}\b", "kube-api-access-NAME", text)
    return re.sub(r"/containers/main/[0-9a-f]{8}\b", "/containers/main/FILE", text)


def configuration(pod, container):
    """Of the bundle that containerd made, whatever the order of its maps."""
    bundle = f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{container}/config.json"
    config = json.loads(pod.node.run("cat", bundle).stdout)
    config["process"]["env"].sort()
    return without_names(json.dumps(config, sort_keys=True, indent=1), pod)


def seen(pods, runtime):
    """All that such a pod is told and sees, in words."""
    pod = pods.run("same", "sleep", "1000", runtime=runtime, node="n1",
                   container={"resources": {"limits": {"memory": "64Mi", "cpu": "100m"}}})
    pod.wait_running()
    config = configuration(pod, pod.container_id())
    inside = without_names(pod.exec("sh", "-c", SEEN), pod)
    pod.delete(grace=1)
    return config, inside


def test_is_told_and_sees_the_same_as_under_runc(pods):
    config, inside = seen(pods, None)
    ours, seen_inside = seen(pods, "reprise")
    assert seen_inside.splitlines() == inside.splitlines()
    assert ours.splitlines() == config.splitlines()


def test_runc_is_handed_each_call_and_configuration_as_they_came(cluster, pods, spy):
    pod = pods.run("plain", "sh", "-c", ON_TERM, node="n1")
    pod.wait_for_line("READY")
    pod.exec("true")
    pod.delete()
    # The sandbox's last call comes after the pod has gone.
    wait_for(lambda: len(spy.calls("entered")) >= 8, 30, "all calls")
    wait_for(lambda: spy.calls("entered") == spy.calls("handed"), 60, "runc to get each call")
    verbs = {word for words, _ in spy.calls("handed") for word in words.decode().split("\n")}
    assert verbs >= {"create", "start", "exec", "kill", "delete"}
    assert sum(config is not None for _, config in spy.calls("handed")) == 2


@pytest.mark.parametrize("runtime", [None, "reprise"])
def test_ends_with_the_code_and_by_the_signal_of_its_own(pods, runtime):
    """A liveness probe that fails is a SIGTERM after which the container's record is kept."""
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1,
             "initialDelaySeconds": 1}
    sick = pods.run("sick", "sh", "-c", ON_TERM, runtime=runtime, restartPolicy="Always",
                    container={"livenessProbe": probe})
    exits = pods.run("exits", "sh", "-c", "exit 3", runtime=runtime)
    # Not as process 1, which a signal of its own cannot kill.
    killed = pods.run("killed", "python3", "-c", "import os; os.kill(os.getpid(), 9)",
                      runtime=runtime, shareProcessNamespace=True)
    assert exits.exit_code() == 3
    assert killed.exit_code() == 137
    last = wait_for(lambda: sick.wait_running().container()["lastState"].get("terminated"), 60,
                    "the sick one to be ended")
    assert last["exitCode"] == 9


def test_nothing_is_kept_of_it(cluster, pods):
    pod = pods.run("plain", "sh", "-c", ON_TERM, node="n2")
    pod.wait_for_line("READY")
    pod.delete()
    node = cluster.nodes["n2"]
    listed = json.loads(node.run(node.bin_dir / "reprise", "checkpoint", "ls", "--json").stdout)
    assert [row for row in listed["checkpoints"] if pod.name in json.dumps(row)] == []
