# SPDX-License-Identifier: Apache-2.0
"""Nobody goes on from what is older than what ran since, and nobody goes on twice."""
import pytest

from going_on import checkpoints, uid_of, wait_replaced
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING
from product import checkpoints_of, stopped_session
from test_other_node import cordoned, wait_phase

pytestmark = pytest.mark.requires("kubernetes")

# A life has a name of its own, notes its steps where both nodes see them, and holds a file open.
JOURNAL = """
import os, time
life = os.urandom(4).hex()
held = open("/data/held", "a")
step = 0
while True:
    step += 1
    with open("/data/journal", "a") as journal:
        journal.write(f"{life} {step}\\n")
    print("STEP", step, life, flush=True)
    time.sleep(0.2)
"""


@pytest.fixture
def data(tmp_path):
    """A directory that pods on both nodes have; and what runs in them."""
    def options(**container):
        return {"container": {"volumeMounts": [{"name": "data", "mountPath": "/data"}], **container},
                "volumes": [{"name": "data", "hostPath": {"path": str(tmp_path)}}]}
    tmp_path.chmod(0o777)
    return tmp_path, options


def steps(directory):
    return [tuple(line.split()) for line in
            (directory / "journal").read_text(encoding="ascii").splitlines()]


def reasons(pods, pod):
    """Of the kubelet's Events."""
    listed = pods.cluster.api.get(f"/api/v1/namespaces/{pods.namespace}/events")
    return {each["reason"] for each in listed["items"]
            if each["involvedObject"]["name"] == pod.name}


def test_what_a_pod_could_not_go_on_from_is_nobodys(cluster, pods, data):
    """Its files are newer from then on: who comes after it begins anew as well."""
    directory, options = data
    with cordoned(cluster, "n2"):
        pod = pods.run_set("db", "python3", "-u", "-c", JOURNAL, **options(),
                           annotations={**ON_DISRUPTION, "reprise.dev/on-restore-failure": "cold"},
                           terminationGracePeriodSeconds=2)
        pod.wait_for_line("STEP 5 ")
    first = uid_of(pod)
    with cordoned(cluster, "n1", "n2"):
        pod.evict()
        wait_phase(pods, "Claimable", first)
        (directory / "held").unlink()
        with cordoned(cluster, "n1"):
            cluster.kubectl("uncordon", "n2")
            wait_replaced(pod, first)
    pod.wait_for_line("STEP 3 ")
    withdrawn = wait_phase(pods, "Withdrawn", first)["status"]
    assert "began anew" in withdrawn["message"] and "keeps" in withdrawn["message"], withdrawn
    second = uid_of(pod)
    pods.kubectl("delete", "pod", "db-0", "--wait=false")
    wait_replaced(pod, second)
    pod.wait_for_line("STEP 3 ")
    lives = [life for life, _ in steps(directory)]
    assert len(set(lives)) == 3
    assert lives == sorted(lives, key=lives.index), "a life went on after another had begun"


def test_who_was_removed_by_force_does_not_go_on_beside_another(cluster, pods, data):
    directory, options = data
    slow = {"preStop": {"exec": {"command": ["sleep", "15"]}}}
    with cordoned(cluster, "n2"):
        pods.deploy("web", "python3", "-u", "-c", JOURNAL, annotations=ON_DISRUPTION,
                    **options(lifecycle=slow), terminationGracePeriodSeconds=30)
        source = pods.wait_for_one_of("web")
        source.wait_for_line("STEP 5 ")
    first = uid_of(source)
    known = {first}

    def following():
        """One that is new, and has a node."""
        for pod in pods.pods_of("web"):
            now = pod.get()
            if now and now["metadata"]["uid"] not in known and now["spec"].get("nodeName"):
                return pod
        return None

    with cordoned(cluster, "n1"):
        source.evict()
        forced = wait_for(following, RUNNING, "a replacement")
        known.add(uid_of(forced))
        wait_for(lambda: (checkpoints(pods)[0].get("status", {}).get("claimedBy", {}).get("podUID")
                          == uid_of(forced)), RUNNING, "its claim")
        wait_for(lambda: "Created" in reasons(pods, forced), RUNNING, "its container to be made")
        with cordoned(cluster, "n2"):
            pods.kubectl("delete", "pod", forced.name, "--force", "--grace-period=0")
            wait_for(lambda: "claimedBy" not in checkpoints(pods)[0]["status"], RUNNING,
                     "its claim to be released")
        last = wait_for(following, RUNNING, "another replacement")
        wait_for(last.is_running, RUNNING, "it to run")
        last.wait_for_line("STEP ")
    assert wait_phase(pods, "Consumed", first)["status"]["claimedBy"]["podUID"] == \
        uid_of(last)
    done = len(steps(directory))
    wait_for(lambda: len(steps(directory)) > done + 10, RUNNING, "it to move on")
    noted = steps(directory)
    assert len(set(noted)) == len(noted), "a step was done twice"
    assert len({life for life, _ in noted}) == 1


def assert_one_life(directory):
    """That has lost no step, and done none twice."""
    noted = steps(directory)
    assert len({life for life, _ in noted}) == 1
    assert [int(step) for _, step in noted] == list(range(1, len(noted) + 1))


def test_an_api_server_that_is_away_in_the_middle_of_a_dump_costs_nothing(cluster, pods, data):
    """What comes of it is told when it is back."""
    directory, options = data
    pod = pods.run_set("db", "python3", "-u", "-c", JOURNAL, annotations=ON_DISRUPTION, **options())
    pod.wait_for_line("STEP 5 ")
    node, first = pod.node, uid_of(pod)
    node.write_runtime(fault="post-dump:stop")
    try:
        pod.evict()
        session = stopped_session(node)
        cluster.stop("apiserver")
        try:
            node.run("kill", "-CONT", session)
            wait_for(lambda: checkpoints_of(node, first), RUNNING, "what is saved")
        finally:
            cluster.start("apiserver")
    finally:
        node.write_runtime()
    wait_for(lambda: cluster.api.request("GET", "/readyz")[0] == 200, RUNNING, "the API server")
    wait_replaced(pod, first)
    wait_phase(pods, "Consumed", first)
    done = len(steps(directory))
    wait_for(lambda: len(steps(directory)) > done + 5, RUNNING, "it to move on")
    assert_one_life(directory)
    # And as ever from then on.
    second = uid_of(pod)
    pod.evict()
    wait_replaced(pod, second)
    wait_phase(pods, "Consumed", second)
    assert_one_life(directory)


@pytest.mark.nightly
def test_a_pod_is_made_as_often_as_it_takes(pods, data):
    """What it goes on from is there only when preStop has ended, and one `create` waits for 55 s."""
    directory, options = data
    slow = {"preStop": {"exec": {"command": ["sleep", "80"]}}}
    pods.deploy("web", "python3", "-u", "-c", JOURNAL, annotations=ON_DISRUPTION,
                **options(lifecycle=slow), terminationGracePeriodSeconds=120)
    source = pods.wait_for_one_of("web")
    source.wait_for_line("STEP 5 ")
    first = uid_of(source)
    source.evict()
    after = wait_for(lambda: [pod for pod in pods.pods_of("web") if pod.name != source.name],
                     RUNNING, "its replacement")[0]
    wait_for(after.is_running, 3 * RUNNING, "it to run")
    wait_phase(pods, "Consumed", first)
    assert "Failed" in reasons(pods, after), "one try was enough"
    done = len(steps(directory))
    wait_for(lambda: len(steps(directory)) > done + 5, RUNNING, "it to move on")
    assert_one_life(directory)


@pytest.mark.nightly
def test_what_nobody_goes_on_from_expires(cluster, pods, data):
    """By a policy, and with it goes what the node has saved."""
    _, options = data
    path = "/apis/reprise.dev/v1alpha1/checkpointpolicies"
    policy = {"apiVersion": "reprise.dev/v1alpha1", "kind": "CheckpointPolicy",
              "metadata": {"name": pods.namespace},
              "spec": {"selector": {"namespaces": [pods.namespace]},
                       "retention": {"unclaimedSeconds": 60}}}
    assert cluster.api.request("POST", path, policy)[0] == 201
    try:
        pod = pods.run_set("db", "python3", "-u", "-c", JOURNAL, annotations=ON_DISRUPTION,
                           **options())
        pod.wait_for_line("STEP 5 ")
        node, first = pod.node, uid_of(pod)
        with cordoned(cluster, "n1", "n2"):
            pod.evict()
            wait_phase(pods, "Claimable", first)
            assert checkpoints_of(node, first)
            wait_for(lambda: not checkpoints(pods), 2 * RUNNING, "the Checkpoint to expire")
            wait_for(lambda: not checkpoints_of(node, first), RUNNING, "what was saved to be freed")
        pod.wait_for_line("STEP 1 ")
    finally:
        cluster.api.request("DELETE", f"{path}/{pods.namespace}")
