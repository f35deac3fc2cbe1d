# SPDX-License-Identifier: Apache-2.0
"""A pod with the annotation of lane `root` is checkpointed when it is told to end."""
import json

import pytest

from harness.counting import assert_unbroken, last_step
from harness.waiting import wait_for
from pods import OPT_IN

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")


def checkpoints(node):
    """Newest first, as `reprise checkpoint ls` tells them on the node."""
    listed = node.run(node.bin_dir / "reprise", "checkpoint", "ls", "--json").stdout
    return json.loads(listed)["checkpoints"]


@pytest.mark.parametrize("grace", [30, 1], ids="grace-{}".format)
def test_is_checkpointed_within_the_calls_of_the_kubelet(cluster, pods, grace):
    """SIGKILL, which comes after the grace period, waits for the session."""
    node = cluster.nodes["n1"]
    pod = pods.run("counter", *COUNTER, "--mb", "100", node="n1", annotations=OPT_IN)
    pod.wait_for_line("STEP 5 ")
    identity = pod.container_id()
    assert_unbroken(pod.lines())
    pod.delete(grace=grace)
    mine = wait_for(lambda: [row for row in checkpoints(node) if identity in json.dumps(row)], 30,
                    "the checkpoint")
    assert len(mine) == 1
    node.run(node.bin_dir / "reprise", "checkpoint", "verify", mine[0]["id"])
    assert "criu" not in node.run("ps", "axo", "comm").stdout


def test_freezes_nobody_else(cluster, pods):
    """Both pods are of one node, and one controller's cgroups hold both."""
    stays = pods.run("stays", *COUNTER, node="n1", annotations=OPT_IN)
    goes = pods.run("goes", *COUNTER, node="n1", annotations=OPT_IN)
    for pod in (stays, goes):
        pod.wait_for_line("STEP 5 ")
    goes.delete()
    before = last_step(stays)
    wait_for(lambda: last_step(stays) > before, 30, "the other pod's steps")
    assert_unbroken(stays.lines())
