# SPDX-License-Identifier: Apache-2.0
"""Which ending of a pod is a checkpoint, and that its replacement goes on from it."""
import pytest

from going_on import assert_went_on, checkpoints, uid_of, wait_replaced
from harness.counting import seed
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING, Pods
from product import stopped_session

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")
HANDLES = (*COUNTER, "--on-term", "9")
ON_DELETE = {"reprise.dev/on-delete": "checkpoint"}


def test_an_evicted_pod_of_a_stateful_set_goes_on_in_its_replacement(pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    uid = uid_of(pod)
    with pod.followed() as before:
        pod.evict()
        wait_replaced(pod, uid)
    assert_went_on(before, pod)
    assert pod.container()["restartCount"] == 0
    checkpoint, = checkpoints(pods)
    assert checkpoint["spec"]["pod"] == "db-0"
    assert checkpoint["spec"]["podUID"] == uid
    assert checkpoint["spec"]["reason"] == "EvictionByEvictionAPI"
    wait_for(lambda: checkpoints(pods)[0]["status"]["phase"] == "Consumed", 60,
             "the checkpoint to be consumed")
    assert checkpoints(pods)[0]["status"]["claimedBy"]["podUID"] == uid_of(pod)


def test_a_container_that_crashes_after_it_went_on_starts_cold(pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n2")
    pod.wait_for_line("STEP 5 ")
    uid = uid_of(pod)
    pod.evict()
    wait_replaced(pod, uid)
    pod.exec("sh", "-c", "echo 7 >/tmp/exit")
    wait_for(lambda: pod.container()["restartCount"] == 1 and pod.is_running(), RUNNING,
             "the container to be started again")
    assert pod.container()["lastState"]["terminated"]["exitCode"] == 7
    pod.wait_for_line("READY")
    pod.wait_for_line("STEP 1 ")


@pytest.mark.parametrize("annotations, is_saved", [(ON_DISRUPTION, False), (ON_DELETE, True)],
                         ids=["on disruption", "on delete"])
def test_a_deleted_pod_is_saved_only_if_it_says_so(pods, annotations, is_saved):
    pod = pods.run_set("web", *HANDLES, annotations=annotations, node="n2")
    pod.wait_for_line("STEP 5 ")
    uid = uid_of(pod)
    with pod.followed() as before:
        pods.kubectl("delete", "pod", pod.name, "--wait=false")
        wait_replaced(pod, uid)
    assert ("GOTTERM" in before) != is_saved
    assert bool(checkpoints(pods)) == is_saved
    if is_saved:
        assert_went_on(before, pod)
    else:
        pod.wait_for_line("STEP 1 ")


def test_a_sick_container_is_not_saved(pods):
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1,
             "initialDelaySeconds": 1}
    pod = pods.run_set("sick", *HANDLES, annotations=ON_DISRUPTION, node="n1",
                       container={"livenessProbe": probe})
    last = wait_for(lambda: pod.container()["lastState"].get("terminated"), RUNNING,
                    "the sick one to be ended")
    assert last["exitCode"] == 9
    assert checkpoints(pods) == []


def test_what_a_scaled_down_set_leaves_is_not_saved(pods):
    pod = pods.run_set("web", *HANDLES, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    with pod.followed() as before:
        pods.kubectl("scale", "statefulset", "web", "--replicas=0")
        wait_for(lambda: pod.get() is None, RUNNING, "the pod to go")
    # Behind it kubectl may say that the container is gone by now.
    assert "GOTTERM" in before[-2:]
    assert checkpoints(pods) == []


def test_a_rolled_out_change_is_not_held_back_by_what_was_before(pods):
    """Another template is another program: it begins anew, on what the cluster evicts as well."""
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n2")
    pod.wait_for_line("STEP 5 ")
    uid = uid_of(pod)
    change = '{"spec":{"template":{"metadata":{"labels":{"release":"2"}}}}}'
    pods.kubectl("patch", "statefulset", "db", "--type=merge", f"--patch={change}")
    wait_replaced(pod, uid)
    pod.wait_for_line("STEP 1 ")
    assert checkpoints(pods) == []


def test_an_agent_that_is_started_again_keeps_what_was_promised(cluster, pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod.wait_for_line("STEP 5 ")
    node, uid = cluster.nodes["n1"], uid_of(pod)
    node.write_runtime(fault="post-dump:stop")
    try:
        with pod.followed() as before:
            pod.evict()
            session = stopped_session(node)
            node.kill("reprised")
            wait_for(lambda: node.runs("reprised"), 30, "the agent to be started again")
            node.run("kill", "-CONT", session)
            node.write_runtime()
            wait_replaced(pod, uid)
    finally:
        node.write_runtime()
    assert_went_on(before, pod)


@pytest.mark.parametrize("names_its_pod, node", [(False, "n1"), (True, "n1"), (True, "n2")],
                         ids=["its checkpoint", "its pod as well", "from another node"])
def test_an_object_that_names_the_checkpoint_of_another_namespace_gives_nothing(
        cluster, pods, names_its_pod, node):
    """Whoever may write these objects in a namespace has no right to what is in others."""
    theirs = Pods(cluster)
    try:
        victim = theirs.run_set("db", *COUNTER, annotations=ON_DELETE, node="n1")
        victim.wait_for_line("STEP 5 ")
        stolen_lines = victim.lines()
        theirs.kubectl("scale", "statefulset", "db", "--replicas=0")
        stolen = wait_for(lambda: [one for one in checkpoints(theirs) if
                                   one.get("status", {}).get("phase") == "Claimable"], RUNNING,
                          "the checkpoint")[0]
        thief = pods.run_set("thief", *COUNTER, annotations=ON_DISRUPTION, node=node)
        pods.kubectl("scale", "statefulset", "thief", "--replicas=0")
        wait_for(lambda: thief.get() is None, RUNNING, "the pod to go")
        made = cluster.api.get(f"/apis/apps/v1/namespaces/{pods.namespace}/statefulsets/thief")
        forged = {"apiVersion": stolen["apiVersion"], "kind": "Checkpoint",
                  "metadata": {"name": "forged", "namespace": pods.namespace},
                  "spec": {**stolen["spec"], "slot": "thief-0",
                           "template": made["status"]["updateRevision"],
                           "owner": {**stolen["spec"]["owner"], "name": "thief",
                                     "uid": made["metadata"]["uid"]}}}
        if not names_its_pod:
            forged["spec"]["podUID"] = "00000000-0000-0000-0000-000000000000"
        path = f"/apis/reprise.dev/v1alpha1/namespaces/{pods.namespace}/checkpoints"
        status, answer = cluster.api.request("POST", path, forged)
        assert status == 201, answer
        # The node's agent may have said already that there is nothing, for good.
        status, answer = cluster.api.request("PATCH", f"{path}/forged/status",
                                             {"status": stolen["status"]},
                                             "application/merge-patch+json")
        assert status in (200, 422), answer
        pods.kubectl("scale", "statefulset", "thief", "--replicas=1")
        wait_for(lambda: thief.get() and thief.is_running(), RUNNING, "the pod to run")
        thief.wait_for_line("STEP 1 ")
        assert seed(thief.lines()) != seed(stolen_lines)
    finally:
        theirs.remove()
