# SPDX-License-Identifier: Apache-2.0
"""Whether a pod goes on in another, and what the cluster says of it."""
from harness.counting import assert_unbroken, link, seed, steps
from harness.waiting import wait_for
from pods import RUNNING


def uid_of(pod):
    return pod.get()["metadata"]["uid"]


def wait_replaced(pod, uid):
    """Until another pod of that name runs."""
    def other():
        found = pod.get()
        return found and found["metadata"]["uid"] != uid and pod.is_running()
    wait_for(other, RUNNING, f"another pod '{pod.name}'")


def checkpoints(pods):
    path = f"/apis/reprise.dev/v1alpha1/namespaces/{pods.namespace}/checkpoints"
    return pods.cluster.api.get(path)["items"]


def assert_went_on(before, pod):
    """The life that printed `before` is the one that `pod` has, and no step is lost."""
    wait_for(lambda: steps(pod.lines()), RUNNING, f"a step of '{pod.name}'")
    first = steps(pod.lines())[0][0]
    assert_unbroken(before)
    assert first == steps(before)[-1][0] + 1, "it began anew, or steps are lost or done twice"
    assert_unbroken(pod.lines(), chain=seed(before), first=first)


def goes_on_from(pod, left):
    """The name under which `left` has the lines of the pod whose life this one goes on with; None while
    it has printed nothing."""
    now = steps(pod.lines())
    if not now:
        return None
    number, word = now[0]
    for name, lines in left.items():
        last, chain = steps(lines)[-1]
        if number == last + 1 and word == link(chain, number):
            return name
    raise AssertionError(f"'{pod.name}' goes on from nobody: it begins with step {number}")
