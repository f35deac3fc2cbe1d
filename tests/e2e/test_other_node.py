# SPDX-License-Identifier: Apache-2.0
"""A pod that the cluster takes away goes on in its replacement on another node."""
import contextlib

import pytest

from going_on import assert_went_on, checkpoints, uid_of, wait_replaced
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")


@contextlib.contextmanager
def cordoned(cluster, *names):
    cluster.kubectl("cordon", *names)
    try:
        yield
    finally:
        cluster.kubectl("uncordon", *names)


def other(cluster, node):
    """The node that it is not."""
    return next(each for name, each in cluster.nodes.items() if name != node.name)


def wait_phase(pods, phase, pod_uid):
    """The Checkpoint of the pod with that UID, once it is so far."""
    def find():
        found = [one for one in checkpoints(pods) if one["spec"]["podUID"] == pod_uid]
        return found[0] if found and found[0].get("status", {}).get("phase") == phase else None
    return wait_for(find, RUNNING, f"a Checkpoint that is {phase}")


def move(cluster, pods, pod):
    """Evicts it so that its replacement comes to the other node, and returns what it had printed."""
    uid, node = uid_of(pod), pod.node
    with cordoned(cluster, node.name), pod.followed() as before:
        pod.evict()
        wait_replaced(pod, uid)
    assert pod.node.name == other(cluster, node).name
    return before, wait_phase(pods, "Consumed", uid)


def test_an_evicted_pod_goes_on_on_the_other_node_and_back(cluster, pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
    pod.wait_for_line("STEP 5 ")
    printed = []  # over all its lives
    for _ in range(4):
        source = pod.node
        before, checkpoint = move(cluster, pods, pod)
        printed += before
        assert_went_on(printed, pod)
        assert pod.container()["restartCount"] == 0
        status = checkpoint["status"]
        assert status["source"]["address"] == f"{source.layout.address}:7434"
        assert status["claimedBy"]["node"] == pod.node.name
        assert status["claimedBy"]["podUID"] == uid_of(pod)
