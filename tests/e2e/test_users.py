# SPDX-License-Identifier: Apache-2.0
"""What users and administrators of a cluster hold in hands: `kubectl reprise`, requests, policies."""
import json
import os
import pathlib

import pytest

from cluster import programs
from cluster.processes import run
from going_on import assert_went_on, uid_of, wait_replaced
from harness import host
from harness.counting import assert_unbroken
from harness.waiting import wait_for
from installation import COUNTER
from pods import ON_DISRUPTION, RUNNING
from product import checkpoints_of

pytestmark = pytest.mark.requires("kubernetes")
GROUP = "/apis/reprise.dev/v1alpha1"
POLICIES = "/var/lib/reprise/policies"  # there while the cluster has some


@pytest.fixture
def ask(pods, tmp_path):
    """`kubectl reprise`: what is printed, progress and errors last, and the exit status."""
    (tmp_path / "kubectl-reprise").symlink_to(pathlib.Path(host.BIN_DIR) / "reprise")
    path = f"{tmp_path}:{programs.find('kubectl').parent}:{os.environ['PATH']}"

    def asked(*words):
        done = run(programs.find("kubectl"), "reprise", "-n", pods.namespace, *words, check=False,
                   env={**os.environ, "PATH": path,
                        "KUBECONFIG": str(pods.cluster.layout.kubeconfig)})
        return done.stdout + done.stderr, done.returncode
    return asked


def test_a_pod_is_saved_now_and_runs_on(pods, ask):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    plain = pods.run("plain", *COUNTER, runtime=None)
    pod.wait_for_line("STEP 3 ")
    text, status = ask("checkpoint", "statefulset/db", "--json")
    assert status == 0, text
    request = json.JSONDecoder().raw_decode(text)[0]["requests"][0]
    assert (request["pod"], request["node"], request["phase"]) == ("db-0", "n1", "Done")
    saved = request["containers"][0]
    assert saved["name"] == "main" and saved["bytes"] > 100_000 and saved["failed"] == ""
    node = pods.cluster.nodes["n1"]
    rows = checkpoints_of(node, f"{pods.namespace}/db-0/main")
    assert [(row["id"], row["trigger"]) for row in rows] == [(saved["checkpoint"], "request")]
    uid = uid_of(pod)
    lines = len(pod.lines())
    wait_for(lambda: len(pod.lines()) > lines + 2, RUNNING, "the pod to run on")
    assert_unbroken(pod.lines())
    assert pod.container()["restartCount"] == 0

    # Nobody goes on from that, but from what it left at its end.
    with pod.followed() as before:
        pod.evict()
        wait_replaced(pod, uid)
    assert_went_on(before, pod)
    # What was saved is freed with its Checkpoint, whoever removes that; what somebody asked for stays.
    source = pods.cluster.nodes["n1"]
    name = f"{pods.namespace}/db-0/main"

    def kept():
        return sorted(row["trigger"] for row in checkpoints_of(source, name))
    assert kept() == ["request", "stop"]
    pods.kubectl("delete", "checkpoints", "--all")
    wait_for(lambda: kept() == ["request"], RUNNING, "what was saved to be freed")
    # The request went with its pod.
    path = f"{GROUP}/namespaces/{pods.namespace}/checkpointrequests"
    wait_for(lambda: not pods.cluster.api.get(path)["items"], RUNNING, "the request to go")

    # What cannot be is said at once, or by whoever was to do it.
    plain.wait_running()
    assert ask("checkpoint", "plain") == (
        "kubectl reprise: pod 'plain' does not run under Reprise\n"
        "hint: set spec.runtimeClassName: reprise, with which it is made anew\n", 1)
    node = pod.node
    node.stop("hands")
    try:
        text, status = ask("checkpoint", "db-0")
        assert status == 1 and "asking the node's hands" in text, text
        assert "not saved, it runs on" in text
    finally:
        node.start("hands")


def test_a_policy_speaks_for_pods_that_say_nothing(pods, ask):
    policy = {"apiVersion": "reprise.dev/v1alpha1", "kind": "CheckpointPolicy",
              "metadata": {"name": pods.namespace},
              "spec": {"selector": {"namespaces": [pods.namespace],
                                    "labels": {"matchLabels": {"set": "db"}}},
                       "deadlineSeconds": 40}}
    path = f"{GROUP}/checkpointpolicies"
    # What cannot be meant is refused.
    for spec in ({"deadlineSeconds": 76}, {"onDelete": "Never"},
                 {"selector": {"labels": {"matchExpressions": [{"key": "a", "operator": "In"}]}}}):
        status, _ = pods.cluster.api.request("POST", path, {**policy, "spec": spec})
        assert status == 422, spec
    try:
        assert pods.cluster.api.request("POST", path, policy)[0] == 201
        # One that wants no checkpoint leaves it to the others.
        quiet = {**policy, "metadata": {"name": f"{pods.namespace}-quiet"},
                 "spec": {"onDisruption": "Signal"}}
        assert pods.cluster.api.request("POST", path, quiet)[0] == 201
        columns = pods.kubectl("get", "checkpointpolicies", pods.namespace).stdout.splitlines()[1]
        assert columns.split()[1:4] == ["Checkpoint", "Signal", "40"]
        for node in pods.cluster.nodes.values():
            wait_for(lambda node=node: node.run("test", "-e", POLICIES, check=False)
                     .returncode == 0, RUNNING, f"the policy on node {node.name}")
        pod = pods.run_set("db", *COUNTER, node="n2")
        other = pods.run_set("cache", *COUNTER, node="n2")
        pod.wait_for_line("STEP 3 ")
        # That there are no pods of agents here is another matter.
        assert f"policy '{pods.namespace}' selects it" in ask("doctor", "db-0")[0]
        other.wait_for_line("STEP 1 ")
        assert "no policy asks for a checkpoint" in ask("doctor", "cache-0")[0]
        uid = uid_of(pod)
        with pod.followed() as before:
            pod.evict()
            wait_replaced(pod, uid)
        assert_went_on(before, pod)
        # Without it the pod is told to end, as any other.
        for name in (pods.namespace, f"{pods.namespace}-quiet"):
            assert pods.cluster.api.request("DELETE", f"{path}/{name}")[0] == 200
        wait_for(lambda: pod.node.run("test", "-e", POLICIES, check=False)
                 .returncode != 0, RUNNING, "the policy to go")
        uid = uid_of(pod)
        pod.evict()
        wait_replaced(pod, uid)
        pod.wait_for_line("STEP 1 ")
    finally:
        for name in (pods.namespace, f"{pods.namespace}-quiet"):
            pods.cluster.api.request("DELETE", f"{path}/{name}")


def notes_of(pods, pod, reason):
    """What Events of this reason say of a pod."""
    path = f"/apis/events.k8s.io/v1/namespaces/{pods.namespace}/events"
    return [each.get("note", "") for each in pods.cluster.api.get(path)["items"]
            if each["regarding"]["name"] == pod.name and each["reason"] == reason]


def test_a_pod_that_was_not_saved_leaves_a_trace(pods):
    node = pods.cluster.nodes["n1"]
    bare = pods.run("bare", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION, node="n1")
    classless = pods.run_set("plain", *COUNTER, annotations=ON_DISRUPTION, node="n1", runtime=None)
    for each in (bare, pod, classless):
        each.wait_for_line("STEP 1 ")
    listed = json.loads(node.run(node.bin_dir / "reprise", "ps", "--json").stdout)["containers"]
    rows = {row["name"]: row for row in listed}
    assert rows[f"{pods.namespace}/db-0/main"]["opted_in"]
    assert rows[f"{pods.namespace}/db-0/main"]["state"] == "running"
    assert f"{pods.namespace}/plain-0/main" not in rows
    pods.run_job("sum", *COUNTER, annotations=ON_DISRUPTION, ignores=False)
    pods.run_job("fine", *COUNTER, annotations=ON_DISRUPTION)
    counted, fine = (pods.wait_for_one_of(name) for name in ("sum", "fine"))
    wait_for(lambda: notes_of(pods, counted, "CountsAsFailure"), RUNNING, "an Event")
    fine.wait_for_line("STEP 3 ")
    assert not notes_of(pods, fine, "CountsAsFailure")
    bare.evict()
    classless.evict()
    wait_for(lambda: any("no controller makes it anew" in note
                         for note in notes_of(pods, bare, "NotSaved")), RUNNING, "an Event")
    wait_for(lambda: any("names no runtime class" in note
                         for note in notes_of(pods, classless, "NotSaved")), RUNNING, "an Event")
    uid = uid_of(pod)
    node.stop("reprised")
    try:
        pod.evict()
        wait_for(lambda: (pod.get() or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid,
                 RUNNING, "its replacement, which waits for the agent")
    finally:
        node.start("reprised")
    wait_replaced(pod, uid)
    wait_for(lambda: any("did not answer" in note for note in notes_of(pods, pod, "NotSaved")),
             RUNNING, "an Event")
