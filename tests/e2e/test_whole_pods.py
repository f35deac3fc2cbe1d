# SPDX-License-Identifier: Apache-2.0
"""A pod goes on whole, or begins anew whole: whichever of its containers cannot go on."""
import pytest

from cluster.images import BASE_IMAGE
from going_on import checkpoints, uid_of, wait_replaced
from harness import host
from harness.counting import steps
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING
from test_another_image import move  # noqa: F401  a fixture
from test_other_node import events_of, wait_phase

pytestmark = pytest.mark.requires("kubernetes")

IMAGE = "localhost/whole:1"
COUNTER = ("python3", "-u", "/workloads/counter.py", "--on-term", "9")
WORKLOADS = {"name": "workloads", "mountPath": "/workloads", "readOnly": True}
DATA = {"name": "data", "mountPath": "/data"}
VOLUMES = [{"name": "workloads", "hostPath": {"path": str(host.WORKLOADS)}},
           {"name": "data", "emptyDir": {}}]
# Each pod that is made has another word in its volume.
WRITES = {"name": "writes", "image": BASE_IMAGE, "volumeMounts": [DATA],
          "command": ["sh", "-c", "cat /proc/sys/kernel/random/uuid >/data/by-init"]}


def counter(name="beside", **more):
    return {"name": name, "image": BASE_IMAGE, "command": list(COUNTER),
            "volumeMounts": [WORKLOADS, DATA], **more}


def waits(name="beside"):
    return {"name": name, "image": IMAGE, "command": ["/waits"], "volumeMounts": [DATA]}


@pytest.fixture
def two(pods):
    """A pod of two containers on n1 that share a volume, in which something lies."""
    def two(name, first, second, annotations=ON_DISRUPTION):
        pod = pods.run_set(name, annotations=annotations, node="n1", volumes=VOLUMES,
                           container=first, beside=[second], initContainers=[WRITES])
        pod.wait_running()
        counts = "main" if first["image"] == BASE_IMAGE else "beside"
        wait_for(lambda: steps(pod.lines(counts)), RUNNING, "steps")
        pods.kubectl("exec", pod.name, "-c", counts, "--", "sh", "-c", "echo old >/data/old")
        return pod
    return two


def evict(pod):
    uid = uid_of(pod)
    pod.evict()
    return uid


def assert_began_anew(pod, container):
    wait_for(lambda: steps(pod.lines(container)), RUNNING, f"steps of '{container}'")
    assert steps(pod.lines(container))[0][0] == 1, "it went on"
    assert {line.split()[0] for line in pod.lines(container)} == {"READY", "STEP"}


def files(pods, pod, container):
    return pods.kubectl("exec", pod.name, "-c", container, "--", "ls", "-A", "/data").stdout.split()


def test_of_two_containers_both_go_on_or_none(cluster, pods, two, move):  # noqa: F811
    node = cluster.nodes["n1"]
    move(b"of this test", IMAGE)
    hook = {"preStop": {"exec": {"command": ["touch", "/data/stopped"]}}}
    unsaved = two("unsaved", counter("main", lifecycle=hook), counter())
    anew = two("anew", waits("main"), counter())
    halted = two("halted", counter("main"), waits(),
                 {**ON_DISRUPTION, "reprise.dev/on-delete": "checkpoint"})

    wait_for(lambda: "PreStopRuns" in events_of(pods, unsaved.name), RUNNING, "it to be told")

    # One of the two is not saved.
    once = node.disk("/var/lib/reprise") / "once"
    once.write_text("")
    node.write_runtime(fault="post-dump:fail:/var/lib/reprise/once")
    try:
        uid = evict(unsaved)
        withdrawn = wait_phase(pods, "Withdrawn", uid)
    finally:
        node.write_runtime()
    assert not once.exists() and "post-dump" in withdrawn["status"]["message"]
    wait_replaced(unsaved, uid)
    for container in ("main", "beside"):
        assert_began_anew(unsaved, container)
    assert files(pods, unsaved, "main") == ["by-init"]

    # One of the two is another, of which CRIU says so when the volume has been filled for it.
    move(b"another of this test", IMAGE)
    before, halted_before = evict(anew), evict(halted)
    wait_replaced(anew, before)
    assert_began_anew(anew, "beside")
    assert anew.lines("main") == [], "its log is for what it prints"
    assert files(pods, anew, "beside") == ["by-init"]
    wait_phase(pods, "Withdrawn", before)

    # The other one went on already: nothing begins anew beside it.
    def refused():
        pod = halted.get()
        states = {each["name"]: each["state"] for each in (pod or {}).get("status", {}).get(
            "containerStatuses", [])}
        told = states.get("beside", {}).get("waiting") or states.get("beside", {}).get("terminated")
        return pod and pod["metadata"]["uid"] != halted_before and told and \
            "container 'main' of the pod went on already" in told.get("message", "")
    wait_for(refused, RUNNING, "the other container to be refused")
    assert steps(halted.lines("main"))[0][0] > 1, "it began anew"
    uid = uid_of(halted)
    pods.kubectl("delete", "pod", halted.name, "--wait=false")
    wait_replaced(halted, uid)
    # Nor is the one that runs saved without the other: it gets its signal.
    withdrawn = wait_phase(pods, "Withdrawn", uid)
    assert "container 'beside' was not saved" in withdrawn["status"]["message"]
    assert "keeps" not in withdrawn["status"]["message"], "it was saved in vain"
    assert_began_anew(halted, "main")
    assert files(pods, halted, "main") == ["by-init"]
    assert all(one["status"]["phase"] in ("Withdrawn", "Consumed") for one in checkpoints(pods))
