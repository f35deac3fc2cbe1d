# SPDX-License-Identifier: Apache-2.0
"""Whatever fails, pods end and begin as with runc, and a drain is not held up."""
import pytest

from harness.waiting import wait_for
from pods import OPT_IN
from product import assert_nothing_left, checkpoints_of, stopped_session

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")
HANDLES = (*COUNTER, "--on-term", "9")
SICK = {"livenessProbe": {"exec": {"command": ["test", "!", "-e", "/tmp/sick"]},
                          "periodSeconds": 1, "failureThreshold": 1}}


@pytest.fixture
def nobody_answers(agent):
    for node in ("n1", "n2"):
        agent(None, node)


def test_without_an_agent_an_eviction_is_as_with_runc(pods, nobody_answers):
    pods.deploy("web", *HANDLES, annotations=OPT_IN)
    pod = pods.wait_for_one_of("web")
    pod.wait_for_line("STEP")
    with pod.followed() as printed:
        pod.evict()
        conditions = pod.get()["status"]["conditions"]
        assert "DisruptionTarget" in [condition["type"] for condition in conditions]
        replacement = pods.wait_for_one_of("web")
    assert printed[-1] == "GOTTERM"
    assert replacement.name != pod.name
    replacement.wait_for_line("READY")


def test_without_an_agent_a_drain_is_not_held_up(cluster, pods, nobody_answers):
    cluster.kubectl("cordon", "n2")
    try:
        pods.deploy("web", *HANDLES, annotations=OPT_IN)
        pod = pods.wait_for_one_of("web")
        assert pod.node.name == "n1"
        pod.wait_for_line("STEP")
        cluster.kubectl("uncordon", "n2")
        cluster.kubectl("drain", "n1", "--ignore-daemonsets", "--delete-emptydir-data",
                        "--timeout=60s")
        assert pods.wait_for_one_of("web").node.name == "n2"
    finally:
        cluster.kubectl("uncordon", "n1", "n2")


@pytest.mark.parametrize("fault", ["before-dump:kill", "post-dump:fail", "post-dump:kill",
                                   "seal-synced:fail"])
def test_a_session_that_fails_lets_the_programs_own_handler_run(cluster, pods, agent, fault):
    node = cluster.nodes["n1"]
    agent("checkpoint")
    pod = pods.run("counter", *HANDLES, node="n1", annotations=OPT_IN, restartPolicy="Always",
                   container=SICK)
    pod.wait_for_line("STEP")
    uid = pod.get()["metadata"]["uid"]
    node.write_runtime(fault=fault)
    try:
        pod.exec("touch", "/tmp/sick")
        last = wait_for(lambda: pod.container()["lastState"].get("terminated"), 60, "its end")
    finally:
        node.write_runtime()
    assert last["exitCode"] == 9
    printed = pods.kubectl("logs", pod.name, "--previous").stdout.splitlines()
    assert {line.split()[0] for line in printed} == {"READY", "STEP", "GOTTERM"}
    assert printed.count("GOTTERM") == 1
    assert checkpoints_of(node, uid) == []
    assert_nothing_left(node)


@pytest.mark.parametrize("part", ["containerd", "kubelet"])
def test_a_part_that_is_killed_in_a_session_does_not_disturb_it(cluster, pods, agent, part):
    node = cluster.nodes["n1"]
    agent("checkpoint")
    pod = pods.run("counter", *COUNTER, node="n1", annotations=OPT_IN)
    pod.wait_for_line("STEP")
    uid = pod.get()["metadata"]["uid"]
    node.write_runtime(fault="post-dump:stop")
    try:
        pods.kubectl("delete", "pod", pod.name, "--wait=false")
        session = stopped_session(node)
        node.kill(part)
        wait_for(lambda: node.runs(part), 30, f"{part} to be started again")
        node.run("kill", "-CONT", session)
    finally:
        node.write_runtime()
    wait_for(lambda: pod.get() is None, 60, "the pod to go")
    row, = checkpoints_of(node, uid)
    node.run(node.bin_dir / "reprise", "checkpoint", "verify", row["id"])
    assert_nothing_left(node)
