# SPDX-License-Identifier: Apache-2.0
"""Every kind of pod that people run can be checkpointed at its end, within the kubelet's calls."""
import subprocess

import pytest

from harness.waiting import wait_for
from kinds import GROUPS
from pods import OPT_IN
from product import assert_nothing_left, checkpoints_of, errors_of

pytestmark = pytest.mark.requires("kubernetes")


def begin(pods, name, kind):
    container, spec = kind.spec()
    return pods.run(name, *kind.command(), node="n1", annotations=OPT_IN, container=container,
                    **spec)


def assert_keeps(pod):
    """What it looks at stays the same, to begin with."""
    pod.wait_for_line("STEP 3 ")
    seen = {line.split(" ", 2)[2] for line in pod.lines() if line.startswith("STEP")}
    assert len(seen) == 1, (pod.name, seen)


@pytest.mark.parametrize("group", GROUPS)
def test_is_checkpointed(cluster, pods, agent, group):
    """All of a group at once, as on a node that is drained."""
    node = cluster.nodes["n1"]
    agent("checkpoint")
    kinds = GROUPS[group]
    made = {name: begin(pods, name, kind) for name, kind in kinds.items()}
    inside = []
    for name, pod in made.items():
        assert_keeps(pod)
        if kinds[name].exec:
            inside.append(subprocess.Popen(
                [*map(str, cluster.kubectl_words("-n", pods.namespace, "exec", name, "--")),
                 *kinds[name].exec], stdin=subprocess.DEVNULL))
    uids = {name: (pod.get()["metadata"]["uid"], pod.container_id()) for name, pod in made.items()}
    pods.kubectl("delete", "pods", "--all", "--wait=false")
    wait_for(lambda: not any(pod.get() for pod in made.values()), 120, "the pods to go")
    for process in inside:
        process.wait(30)
    wrong = {}
    for name, (uid, container) in uids.items():
        kept = [row for row in checkpoints_of(node, uid) if uid + ":main" in str(row)]
        if bool(kinds[name].refused) == bool(kept):
            wrong[name] = errors_of(node, container)
        elif kinds[name].refused:
            assert kinds[name].refused in str(errors_of(node, container)), name
    assert not wrong, wrong
    assert_nothing_left(node)
