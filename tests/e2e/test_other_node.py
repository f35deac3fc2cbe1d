# SPDX-License-Identifier: Apache-2.0
"""A pod that the cluster takes away goes on in its replacement on another node."""
import contextlib
import socket

import pytest

from going_on import assert_went_on, checkpoints, goes_on_from, uid_of, wait_replaced
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING
from product import checkpoints_of, stopped_session

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


def events_of(pods, name):
    """Reasons of what the agents tell of a pod."""
    listed = pods.cluster.api.get(f"/apis/events.k8s.io/v1/namespaces/{pods.namespace}/events")
    return {each["reason"] for each in listed["items"] if each["regarding"]["name"] == name
            and each["reportingController"] == "reprise.dev/agent"}


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
        assert status["size"].endswith("MB")
        # The replacement has another address: nothing is kept back for the one that it had.
        assert "reprise-hold" not in source.run("nft", "list", "tables").stdout
    wait_for(lambda: {"Checkpointed", "GoesOn"} <= events_of(pods, "db-0"), 60, "its Events")
    # Of what it went on from, the last is kept for a while, where it was saved and where it went.
    for node in cluster.nodes.values():
        wait_for(lambda node=node: len(checkpoints_of(node, f"{pods.namespace}/db-0/main")) == 1,
                 RUNNING, f"the older ones to be freed on {node.name}")


@contextlib.contextmanager
def saved_and_out_of_reach(cluster, pods, pod):
    """Saved on its node, whose agent is stopped: yields the Checkpoint, and what the pod had printed.
    Its replacement is on the other node and waits for the agent, which runs again at the end."""
    node, uid = pod.node, uid_of(pod)
    there = other(cluster, node)
    try:
        with cordoned(cluster, node.name):
            with cordoned(cluster, there.name), pod.followed() as before:
                pod.evict()
                checkpoint = wait_phase(pods, "Claimable", uid)
                node.stop("reprised")
            yield checkpoint, before
    finally:
        node.start("reprised")


def wait_claim(pods):
    return wait_for(lambda: checkpoints(pods)[0]["status"].get("claimedBy"), RUNNING, "a claim")


def test_an_agent_that_is_started_again_gives_out_what_it_saved(cluster, pods):
    """It has another key then, and the Checkpoint says so."""
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
    pod.wait_for_line("STEP 5 ")
    node, uid = pod.node, uid_of(pod)
    with saved_and_out_of_reach(cluster, pods, pod) as (checkpoint, before):
        first = checkpoint["status"]["source"]
        wait_claim(pods)
        node.start("reprised")
        wait_replaced(pod, uid)
    assert_went_on(before, pod)
    source = wait_phase(pods, "Consumed", uid)["status"]["source"]
    assert source["address"] == first["address"]
    assert source["publicKey"] != first["publicKey"]
    assert pod.container()["restartCount"] == 0  # its sandbox waited


def test_the_fetching_agent_may_be_killed(cluster, pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
    pod.wait_for_line("STEP 5 ")
    node, uid = pod.node, uid_of(pod)
    there = other(cluster, node)
    with saved_and_out_of_reach(cluster, pods, pod) as (_, before):
        claim = wait_claim(pods)
        there.kill("reprised")
        node.start("reprised")
        wait_replaced(pod, uid)
    assert_went_on(before, pod)
    renewed = wait_phase(pods, "Consumed", uid)["status"]["claimedBy"]
    assert renewed["podUID"] == claim["podUID"]
    assert renewed["tokenHash"] != claim["tokenHash"]


def test_a_pod_that_goes_before_it_went_on_leaves_it_to_the_next(cluster, pods):
    pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
    pod.wait_for_line("STEP 5 ")
    node = pod.node
    with saved_and_out_of_reach(cluster, pods, pod) as (_, before):
        first = wait_claim(pods)
        pods.kubectl("delete", "pod", "db-0", "--wait=false")
        second = wait_for(lambda: claim_of_other(pods, first["podUID"]), RUNNING,
                          "the claim of the next pod")
        node.start("reprised")
        wait_for(pod.is_running, RUNNING, "the pod to run")
    assert uid_of(pod) == second["podUID"]
    assert_went_on(before, pod)


def claim_of_other(pods, uid):
    claim = checkpoints(pods)[0]["status"].get("claimedBy")
    return claim if claim and claim["podUID"] != uid else None


def test_peers_are_told_at_once(cluster, pods):
    """The replacement has another address; who sends to the old one would wait for minutes."""
    pod = pods.run_set("server", "python3", "-u", "/workloads/line_server.py",
                       annotations=ON_DISRUPTION)
    pod.wait_for_line("READY")
    uid = uid_of(pod)
    with cordoned(cluster, pod.node.name), \
            socket.create_connection((pod.address, 7000), timeout=30) as peer:
        peer.sendall(b"hello\n")
        assert peer.recv(100) == b"1\n"
        peer.settimeout(0.1)
        pod.evict()
        with pytest.raises(ConnectionResetError):
            wait_for(lambda: ask(peer), RUNNING, "the server to go")
        status = checkpoints(pods)[0].get("status", {})
        assert not status.get("claimedBy"), "peers waited for longer than the pod"
        wait_replaced(pod, uid)
    wait_phase(pods, "Consumed", uid)


def ask(peer):
    """Until it fails."""
    with contextlib.suppress(TimeoutError):
        peer.sendall(b"hello\n")
        peer.recv(100)


def test_a_drained_node_loses_nothing(cluster, pods):
    """A StatefulSet, three replicas that race for what they left, and a Job whose index counts."""
    cluster.kubectl("cordon", "n2")
    try:
        pods.deploy("web", *COUNTER, annotations=ON_DISRUPTION, replicas=3)
        pods.run_job("sum", *COUNTER, annotations=ON_DISRUPTION, completions=2)
        db = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
        made = [db, *wait_for(lambda: every(pods, "web", 3), RUNNING, "replicas"),
                *wait_for(lambda: every(pods, "sum", 2), RUNNING, "the Job's pods")]
        for pod in made:
            pod.wait_for_line("STEP 5 ")
        index = {pod.name: index_of(pod) for pod in made}
        cluster.kubectl("uncordon", "n2")
        with contextlib.ExitStack() as all_followed:
            printed = {pod.name: all_followed.enter_context(pod.followed()) for pod in made}
            uid = uid_of(db)
            cluster.kubectl("drain", "n1", "--ignore-daemonsets", "--delete-emptydir-data",
                            "--timeout=120s", f"--pod-selector=!k8s-app")
        wait_replaced(db, uid)
        assert_went_on(printed[db.name], db)
        replicas = wait_for(lambda: every(pods, "web", 3), RUNNING, "the replicas' replacements")
        members = wait_for(lambda: every(pods, "sum", 2), RUNNING, "the Job's replacements")
        for now, app in ((replicas, "web"), (members, "sum")):
            left = {name: lines for name, lines in printed.items() if name.startswith(f"{app}-")}
            for pod in now:
                assert pod.node.name == "n2"
                found = wait_for(lambda pod=pod, left=left: goes_on_from(pod, left), RUNNING,
                                 f"whom '{pod.name}' goes on from")
                assert index[found] == index_of(pod)
                del left[found]
            assert not left
        for pod in members:
            pod.exec("sh", "-c", "echo 0 >/tmp/exit")
        job = wait_for(lambda: done(pods, "sum"), RUNNING, "the Job to be complete")
        assert job["status"].get("failed", 0) == 0
    finally:
        cluster.kubectl("uncordon", "n1", "n2")


def test_a_preempted_job_ends_with_the_right_result(cluster, pods):
    """By kube-scheduler, for a pod of higher priority that fits nowhere else."""
    share = {"resources": {"requests": {"cpu": "1200m"}}}  # of the two CPUs of each node
    classes = {name: f"{pods.namespace}-{name}" for name in ("low", "high")}
    cluster.apply(*({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
                     "metadata": {"name": name}, "value": 10 if kind == "low" else 1000}
                    for kind, name in classes.items()))
    try:
        with cordoned(cluster, "n2"):
            pods.run_job("sum", *COUNTER, annotations=ON_DISRUPTION, container=share,
                         priorityClassName=classes["low"])
            pod, = wait_for(lambda: every(pods, "sum", 1), RUNNING, "the Job's pod")
            pod.wait_for_line("STEP 5 ")
        with pod.followed() as before:
            pods.run("important", "sleep", "infinity", runtime=None, container=share,
                     nodeSelector={"kubernetes.io/hostname": "n1"},
                     priorityClassName=classes["high"])
            wait_for(lambda: pod.get() is None or pod.get()["status"]["phase"] == "Failed",
                     RUNNING, "the Job's pod to be preempted")
        now, = wait_for(lambda: every(pods, "sum", 1), RUNNING, "its replacement")
        assert now.node.name == "n2"
        assert_went_on(before, now)
        assert checkpoints(pods)[0]["spec"]["reason"] == "PreemptionByScheduler"
        now.exec("sh", "-c", "echo 0 >/tmp/exit")
        job = wait_for(lambda: done(pods, "sum"), RUNNING, "the Job to be complete")
        assert job["status"].get("failed", 0) == 0
    finally:
        cluster.kubectl("delete", "priorityclass", *classes.values())


def index_of(pod):
    return pod.get()["metadata"]["annotations"].get("batch.kubernetes.io/job-completion-index")


def every(pods, app, count):
    """The pods of an app, once there are so many and they run."""
    found = [pod for pod in pods.pods_of(app) if pod.get()["status"]["phase"] == "Running"]
    return found if len(found) == count and all(pod.is_running() for pod in found) else None


def done(pods, name):
    job = pods.cluster.api.get(f"/apis/batch/v1/namespaces/{pods.namespace}/jobs/{name}")
    return job if any(each["type"] == "Complete" and each["status"] == "True"
                      for each in job["status"].get("conditions", [])) else None


@pytest.mark.nightly
def test_what_a_pod_of_a_dead_node_had_claimed_is_the_next_pods(cluster, pods):
    """The agent that had claimed it never comes back."""
    with cordoned(cluster, "n2"):
        pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
        pod.wait_for_line("STEP 5 ")
    node, uid = pod.node, uid_of(pod)
    with saved_and_out_of_reach(cluster, pods, pod) as (_, before):
        first = wait_claim(pods)
        assert first["node"] == "n2" and first["begun"] is False
        cluster.power_cut("n2")
        try:
            node.start("reprised")
            cluster.kubectl("uncordon", "n1")
            with cordoned(cluster, "n2"):
                pods.kubectl("delete", "pod", "db-0", "--force", "--grace-period=0")
                wait_replaced(pod, first["podUID"])
            assert pod.node.name == "n1"
            assert_went_on(before, pod)
            assert wait_phase(pods, "Consumed", uid)["status"]["claimedBy"]["podUID"] == uid_of(pod)
        finally:
            cluster.power_on("n2")


@pytest.mark.nightly
@pytest.mark.parametrize("wish", [{}, {"reprise.dev/on-restore-failure": "fail"}])
def test_what_had_begun_on_a_node_that_is_gone_for_good_is_lost(cluster, pods, wish):
    """Whether it ran there nobody knows; the next pod says so, and does not wait for ten minutes."""
    with cordoned(cluster, "n2"):
        pod = pods.run_set("db", *COUNTER, annotations={**ON_DISRUPTION, **wish})
        pod.wait_for_line("STEP 5 ")
    uid, there = uid_of(pod), cluster.nodes["n2"]
    there.write_runtime(fault="restore-ready:stop")
    with cordoned(cluster, "n1"):
        pod.evict()
        stopped_session(there)
    claim = wait_phase(pods, "Claimable", uid)["status"]["claimedBy"]
    assert claim["node"] == "n2" and claim["begun"]
    cluster.power_cut("n2")
    try:
        cluster.kubectl("delete", "node", "n2")
        pods.kubectl("delete", "pod", "db-0", "--force", "--grace-period=0", "--ignore-not-found")
        status = wait_phase(pods, "Withdrawn", uid)["status"]
        assert "whether it ran nobody knows" in status["message"]
        assert "node 'n1' keeps" in status["message"]

        def told(reason):
            return reason in events_of(pods, "db-0")
        if wish:
            wait_for(lambda: told("Waits"), RUNNING, "it to wait")
            assert pod.get()["status"]["phase"] == "Pending"
            pods.kubectl("delete", "checkpoints", "--all")
        else:
            wait_for(lambda: told("BeginsAnew"), RUNNING, "it to begin anew")
        pod.wait_for_line("STEP 1 ")
    finally:
        there.write_runtime()
        cluster.power_on("n2")


@pytest.mark.nightly
def test_a_node_that_is_gone_holds_nobody_up_for_long(cluster, pods):
    with cordoned(cluster, "n2"):
        pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
        pod.wait_for_line("STEP 5 ")
        uid = uid_of(pod)
        cluster.kubectl("cordon", "n1")
        pod.evict()
        saved = wait_phase(pods, "Claimable", uid)["status"]["containers"][0]["checkpoint"]
        wait_for(lambda: pod.get() and uid_of(pod) != uid, RUNNING, "the replacement")
    node = cluster.nodes["n1"]
    cluster.power_cut("n1")
    try:
        wait_for(lambda: pod.get() and uid_of(pod) != uid and pod.is_running(), 90,
                 "the pod to begin anew")
        pod.wait_for_line("STEP 1 ")
    finally:
        cluster.power_on("n1")
        cluster.kubectl("uncordon", "n1")
    status = wait_phase(pods, "Withdrawn", uid)["status"]
    assert "node 'n1' gives nothing" in status["message"]
    assert f"node 'n1' keeps {saved}" in status["message"]
    assert [row["id"] for row in checkpoints_of(node, f"{pods.namespace}/db-0/main")] == [saved]
