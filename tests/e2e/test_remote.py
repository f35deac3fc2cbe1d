# SPDX-License-Identifier: Apache-2.0
"""Nodes that upload what they save: a pod goes on from there when its node is gone."""
import pytest

from going_on import assert_went_on, checkpoints, uid_of, wait_replaced
from harness import s3
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING
from test_other_node import cordoned, wait_phase

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")
SETTINGS = """[remote.depot]
url = "s3://bucket/nodes"
endpoint = "{endpoint}"
access_key = "{access}"
secret_key_file = "/etc/reprise/depot.secret"
upload = true
"""


@pytest.fixture
def bucket(cluster, tmp_path):
    """Where the nodes' objects lie."""
    with s3.bucket(tmp_path, cluster.layout.host_address) as endpoint:
        for node in cluster.nodes.values():
            secret = node.disk("/etc/reprise/depot.secret")
            secret.touch(0o600)
            secret.write_text(s3.SECRET, encoding="ascii")
            node.disk("/etc/reprise/reprise.toml").write_text(
                SETTINGS.format(endpoint=endpoint, access=s3.ACCESS), encoding="ascii")
            restart_agent(node)
        yield tmp_path / "bucket/nodes"
        for node in cluster.nodes.values():
            node.disk("/etc/reprise/reprise.toml").unlink()
            restart_agent(node)


def restart_agent(node):
    node.stop("reprised")
    node.start("reprised")


def saved_and_uploaded(cluster, pods, pod):
    """Evicted from n1 while no node takes its replacement; what it had printed, and the checkpoint."""
    uid = uid_of(pod)
    cluster.kubectl("cordon", "n1", "n2")
    with pod.followed() as before:
        pod.evict()
    wait_phase(pods, "Claimable", uid)
    wait_for(lambda: checkpoints(pods)[0]["status"].get("remote") == "depot", RUNNING, "the upload")
    wait_for(lambda: pod.get() and uid_of(pod) != uid, RUNNING, "the replacement")
    return before, checkpoints(pods)[0]["status"]["containers"][0]["checkpoint"]


def kept_in(bucket):
    """The checkpoints there; what other tests left on the nodes is uploaded as well."""
    return [each.name for each in bucket.glob("checkpoints/*")]


def test_a_pod_of_a_node_that_is_gone_goes_on_from_the_remote(cluster, pods, bucket):
    with cordoned(cluster, "n2"):
        pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
        pod.wait_for_line("STEP 5 ")
    uid = uid_of(pod)
    before, saved = saved_and_uploaded(cluster, pods, pod)
    assert saved in kept_in(bucket)
    replacement = uid_of(pod)
    cluster.power_cut("n1")
    try:
        cluster.kubectl("uncordon", "n2")
        wait_for(pod.is_running, RUNNING, "the replacement to run")
        assert pod.node.name == "n2" and uid_of(pod) == replacement
        assert_went_on(before, pod)
        wait_phase(pods, "Consumed", uid)
        # Nobody can go on from it any more, and the node that had put it there is gone.
        wait_for(lambda: saved not in kept_in(bucket), RUNNING, "the copy to be removed")
    finally:
        cluster.power_on("n1")
        cluster.kubectl("uncordon", "n1", "n2")
    # It goes back by its peer: the node that had been gone knows nothing better.
    with cordoned(cluster, "n2"), pod.followed() as again:
        pod.evict()
        wait_replaced(pod, replacement)
    assert pod.node.name == "n1"
    assert_went_on(before + again, pod)


@pytest.mark.nightly
def test_what_nobody_wants_any_more_is_removed_there_too(cluster, pods, bucket):
    with cordoned(cluster, "n2"):
        pod = pods.run_set("db", *COUNTER, annotations=ON_DISRUPTION)
        pod.wait_for_line("STEP 5 ")
    try:
        _, saved = saved_and_uploaded(cluster, pods, pod)
        assert saved in kept_in(bucket)
        pods.kubectl("delete", "statefulset", "db")
        wait_for(lambda: not checkpoints(pods), RUNNING, "the Checkpoint to go with its controller")
        wait_for(lambda: saved not in kept_in(bucket), RUNNING, "the copy to be removed")
    finally:
        cluster.kubectl("uncordon", "n1", "n2")
