# SPDX-License-Identifier: Apache-2.0
"""What the runtime does with a pod that opted in, by what the node's agent says, or by itself."""
import pytest

from harness.counting import assert_unbroken, last_step
from harness.waiting import wait_for
from pods import OPT_IN
from product import checkpoints_of

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")
ON_TERM = ("--on-term", "9")


@pytest.mark.parametrize("grace", [30, 1], ids="grace-{}".format)
def test_a_checkpoint_that_the_agent_wants(cluster, pods, agent, grace):
    """SIGKILL, which comes after the grace period, waits for the session."""
    node, stand_in = cluster.nodes["n1"], agent("checkpoint")
    stays = pods.run("stays", *COUNTER, node="n1", annotations=OPT_IN)
    pod = pods.run("goes", *COUNTER, "--mb", "100", node="n1", annotations=OPT_IN)
    for each in (stays, pod):
        each.wait_for_line("STEP 5 ")
    identity, uid = pod.container_id(), pod.get()["metadata"]["uid"]
    assert_unbroken(pod.lines())
    pod.delete(grace=grace)
    rows = wait_for(lambda: checkpoints_of(node, uid), 30, "the checkpoint")
    assert len(rows) == 1
    node.run(node.bin_dir / "reprise", "checkpoint", "verify", rows[0]["id"])
    for what in ("will-create", "will-end"):
        asked, = stand_in.asked(what, pod)
        assert asked["id"] == identity
        assert asked["pod"] == {"namespace": pods.namespace, "pod": "goes", "uid": uid,
                                "container": "main"}
    # Both pods are below the same cgroups: the other one is not frozen.
    before = last_step(stays)
    wait_for(lambda: last_step(stays) > before, 30, "the other pod's steps")
    assert_unbroken(stays.lines())


@pytest.mark.parametrize("manner", [None, "signal", "silent", "nonsense"])
def test_without_a_word_for_it_the_programs_own_handler_runs(cluster, pods, agent, manner):
    """Whatever the agent does, the pod begins and ends as with runc; nothing is in its log."""
    node = cluster.nodes["n1"]
    agent(manner)
    probe = {"exec": {"command": ["test", "!", "-e", "/tmp/sick"]}, "periodSeconds": 1,
             "failureThreshold": 1}
    pod = pods.run("counter", *COUNTER, *ON_TERM, node="n1", annotations=OPT_IN,
                   restartPolicy="Always", container={"livenessProbe": probe})
    pod.wait_for_line("STEP")
    uid = pod.get()["metadata"]["uid"]
    pod.exec("touch", "/tmp/sick")
    last = wait_for(lambda: pod.container()["lastState"].get("terminated"), 60, "its end")
    assert last["exitCode"] == 9
    first_life = pods.kubectl("logs", pod.name, "--previous").stdout.splitlines()
    assert first_life[-1] == "GOTTERM"
    assert {line.split()[0] for line in first_life} == {"READY", "STEP", "GOTTERM"}
    assert checkpoints_of(node, uid) == []


def test_an_annotation_that_is_not_for_pods_is_refused_by_name(pods):
    """Before anything runs: at an end that nobody would keep it is too late to hear of it."""
    pod = pods.run("mistaken", "sleep", "1000", annotations={"reprise.dev/on-stop": "checkpoint"})
    message = wait_for(lambda: _told(pods, pod), 60, "the event")
    assert "'reprise.dev/on-stop' is not for pods" in message
    assert "reprise.dev/on-disruption" in message


def _told(pods, pod):
    events = pods.cluster.api.get(f"{pods.path}/events")["items"]
    return next((event["message"] for event in events if event["type"] == "Warning"
                 and event["involvedObject"]["name"] == pod.name), None)
