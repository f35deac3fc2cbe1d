# SPDX-License-Identifier: Apache-2.0
"""A node whose agent is away: what a pod goes on from is unknown there, which is not "nothing"."""
import contextlib

import pytest

from going_on import assert_went_on, checkpoints, uid_of, wait_replaced
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING
from test_other_node import cordoned, other, wait_phase

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")
MARK = "/var/lib/reprise/agent"
POLICIES = "/var/lib/reprise/policies"


@contextlib.contextmanager
def without_agent(node, hold=None):
    """As in an upgrade of it. `hold`: for how many seconds it said that pods are to wait."""
    node.stop("reprised")
    try:
        if hold is not None:
            node.run("sh", "-c", f"echo {hold} >{MARK}")
        yield
    finally:
        node.start("reprised")


@pytest.fixture(params=["annotation", "policy"])
def wanted(request, cluster, pods):
    """The annotations of a pod that is to be saved, because it says so, or because a policy does."""
    if request.param == "annotation":
        yield ON_DISRUPTION
        return
    path = "/apis/reprise.dev/v1alpha1/checkpointpolicies"
    policy = {"apiVersion": "reprise.dev/v1alpha1", "kind": "CheckpointPolicy",
              "metadata": {"name": pods.namespace},
              "spec": {"selector": {"namespaces": [pods.namespace]}}}
    assert cluster.api.request("POST", path, policy)[0] == 201
    try:
        for node in cluster.nodes.values():
            wait_for(lambda node=node: node.run("test", "-e", POLICIES, check=False).returncode == 0,
                     RUNNING, f"the policy on node {node.name}")
        yield {}
    finally:
        cluster.api.request("DELETE", f"{path}/{pods.namespace}")


def test_a_pod_waits_for_the_agent_of_its_node(cluster, pods, wanted):
    """And with it to go on from what another node has."""
    pod = pods.run_set("db", *COUNTER, annotations=wanted)
    pod.wait_for_line("STEP 5 ")
    node, uid = pod.node, uid_of(pod)
    there = other(cluster, node)
    with cordoned(cluster, node.name):
        with contextlib.ExitStack() as away:
            with cordoned(cluster, there.name), pod.followed() as before:
                pod.evict()
                wait_phase(pods, "Claimable", uid)
                away.enter_context(without_agent(there))

            def begins():
                found = pod.get()
                return found and found["metadata"]["uid"] != uid and \
                    "'running'" in str(found["status"].get("containerStatuses"))
            wait_for(lambda: is_waited_for(there) or begins(), RUNNING, "the replacement")
            assert not begins()
        wait_replaced(pod, uid)
    assert_went_on(before, pod)
    assert checkpoints(pods)[0]["status"]["claimedBy"]["podUID"] == uid_of(pod)
    assert not is_waited_for(there)


def is_waited_for(node):
    """By what is noted there since its agent had no answer."""
    return node.run("test", "-e", "/run/reprise/agent-away", check=False).returncode == 0


def test_an_agent_that_stays_away_holds_nobody_up(cluster, pods):
    """Nor one that was taken off the node (test_fail_open.py)."""
    node = cluster.nodes["n1"]
    with without_agent(node, hold=1):
        pod = pods.run("counter", *COUNTER, node="n1", annotations=ON_DISRUPTION)
        pod.wait_for_line("STEP 1 ")
        assert node.run("test", "-e", MARK, check=False).returncode == 1
    with without_agent(node):
        pod = pods.run("hasty", *COUNTER, node="n1", annotations={
            **ON_DISRUPTION, "reprise.dev/on-restore-failure": "cold"})
        pod.wait_for_line("STEP 1 ")
