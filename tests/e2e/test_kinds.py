# SPDX-License-Identifier: Apache-2.0
"""Every kind of pod that people run goes on in its replacement, with all that its program had."""
import contextlib
import subprocess

import pytest

from going_on import uid_of
from harness.waiting import wait_for
from kinds import GROUPS
from pods import ON_DISRUPTION
from product import assert_nothing_left, errors_of

pytestmark = pytest.mark.requires("kubernetes")

PATIENCE = 150  # seconds: all pods of a group are replaced at once


def begin(pods, name, kind):
    container, spec = kind.spec()
    return pods.run_set(name, *kind.command(), node="n1", annotations=ON_DISRUPTION,
                        container=container, **spec)


def steps_of(pod, container="main"):
    """(number, life, what it saw) of each step that it has told."""
    return [(int(number), life, seen) for word, number, life, seen in
            (line.split(" ", 3) for line in pod.lines(container) if line.startswith("STEP "))]


def assert_keeps(pod):
    """What it looks at stays the same, to begin with."""
    pod.wait_for_line("STEP 3 ")
    seen = {step[2] for step in steps_of(pod)}
    assert len(seen) == 1, (pod.name, seen)


class Before:
    """What was known of a pod when it was told to go."""

    def __init__(self, pod, kind):
        self.kind, self.uid, self.id = kind, uid_of(pod), pod.container_id()
        self.last = {name: steps_of(pod, name)[-1] for name in kind.containers()}


def is_replaced(pod, before):
    found = pod.get()
    return found and found["metadata"]["uid"] != before.uid and all(
        steps_of(pod, name) for name in before.kind.containers())


def what_is_wrong(pod, before):
    """Of the replacement, in words; empty if it went on as it was."""
    if not is_replaced(pod, before):
        return [f"it was not replaced: {pod.get()}"]
    wrong = []
    for name, (number, life, seen) in before.last.items():
        told = steps_of(pod, name)
        if told[0][1] != life:
            wrong.append(f"{name} began anew")
        elif told[0][0] <= number or any(step[2] != seen for step in told):
            wrong.append(f"{name} saw {told[:2]} … {told[-1]} after {number} {seen}")
    if pod.container()["restartCount"] != 0:
        wrong.append("it was started again")
    return wrong


def sessions_inside(pods, kinds):
    """What people execute in them meanwhile."""
    return [subprocess.Popen(
        [*map(str, pods.cluster.kubectl_words("-n", pods.namespace, "exec", f"{name}-0", "--")),
         *kind.exec], stdin=subprocess.DEVNULL) for name, kind in kinds.items() if kind.exec]


@pytest.mark.parametrize("group", GROUPS)
def test_goes_on_in_its_replacement(cluster, pods, group):
    """All of a group at once, as on a node that is drained."""
    node = cluster.nodes["n1"]
    kinds = GROUPS[group]
    for name, kind in kinds.items():
        begin(pods, name, kind)
    made = {name: pods.pod(f"{name}-0") for name in kinds}
    for pod in made.values():
        assert_keeps(pod)
    inside = sessions_inside(pods, kinds)
    for name, kind in kinds.items():
        if kind.meanwhile:
            place = f"/var/lib/kubelet/pods/{uid_of(made[name])}"
            node.run("sh", "-euc", f"cd {place}; {kind.meanwhile}")
    before = {name: Before(pod, kinds[name]) for name, pod in made.items()}
    for pod in made.values():
        pod.evict()
    waiting = set(made)

    def all_replaced():
        waiting.difference_update(
            [name for name in waiting if is_replaced(made[name], before[name])])
        return not waiting
    with contextlib.suppress(AssertionError):  # each is told below
        wait_for(all_replaced, PATIENCE, "the pods to be replaced")
    for process in inside:
        process.wait(30)
    wrong = {name: (told, errors_of(node, before[name].id)) for name, pod in made.items()
             if (told := what_is_wrong(pod, before[name]))}
    assert not wrong, wrong
    assert_nothing_left(node)
