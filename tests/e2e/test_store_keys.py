# SPDX-License-Identifier: Apache-2.0
"""A node that cannot open what the others save."""
import contextlib

import pytest

from going_on import assert_went_on, uid_of
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING
from test_other_node import cordoned, wait_phase

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")


@contextlib.contextmanager
def another_key(node):
    """A store of its own with another key; what was there is back afterwards."""
    store, key = node.disk("/var/lib/reprise"), node.disk("/etc/reprise/store.key")
    aside = node.layout.state / "aside"
    ours = key.read_text(encoding="ascii")

    def change(text, source, target):
        node.stop("reprised")
        target.mkdir(exist_ok=True)
        for each in source.iterdir():
            each.rename(target / each.name)
        key.touch(0o600)
        key.write_text(text, encoding="ascii")
    change("ab" * 32, store, aside)
    node.start("reprised")
    try:
        yield
    finally:
        node.stop("reprised")
        node.run("sh", "-c", "rm -rf /var/lib/reprise/*")
        change(ours, aside, store)
        node.start("reprised")


def test_with_another_key_a_pod_waits_and_nothing_is_given_up(cluster, pods):
    """Nor with none, which the node's agent says."""
    there = cluster.nodes["n2"]
    with another_key(there):
        with cordoned(cluster, "n2"):
            pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
            pod.wait_for_line("STEP 5 ")
        uid = uid_of(pod)
        with cordoned(cluster, "n1"):
            with pod.followed() as before:
                pod.evict()
            wait_for(lambda: "have other keys" in notes_of(pods, "db-0"), RUNNING, "the Event")
            there.disk("/etc/reprise/store.key").unlink()
            wait_for(lambda: "no store key" in readiness_of(there), RUNNING, "the agent to say so")
            wait_for(lambda: "has no store key" in notes_of(pods, "db-0"), RUNNING, "the Event")
            assert uid_of(pod) != uid
            status = wait_phase(pods, "Claimable", uid)["status"]
            assert not status.get("claimedBy")
    wait_for(pod.is_running, RUNNING, "the pod to run")
    assert pod.node.name == "n2"
    assert_went_on(before, pod)
    wait_phase(pods, "Consumed", uid)


def notes_of(pods, name):
    """All that the agents tell of a pod."""
    listed = pods.cluster.api.get(f"/apis/events.k8s.io/v1/namespaces/{pods.namespace}/events")
    return "\n".join(each.get("note", "") for each in listed["items"]
                     if each["regarding"]["name"] == name)


def readiness_of(node):
    """What its agent answers at /readyz."""
    return node.run("curl", "-s", "http://127.0.0.1:7435/readyz", check=False).stdout
