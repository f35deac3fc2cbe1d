# SPDX-License-Identifier: Apache-2.0
"""As many pods as a node has, told to end at once."""
import pytest

from harness.counting import assert_unbroken
from harness.waiting import wait_for
from pods import OPT_IN
from product import assert_nothing_left, checkpoints_of, errors_of

pytestmark = [pytest.mark.requires("kubernetes"), pytest.mark.nightly, pytest.mark.timeout(900)]

MANY = 60
ENDED = 30 + 120  # the grace period, and as long as the kubelet lets SIGKILL wait


def test_sixty_pods_are_checkpointed_at_once(cluster, pods, agent):
    node = cluster.nodes["n1"]
    stand_in = agent("checkpoint")
    pods.deploy("counter", "python3", "-u", "/workloads/counter.py", "--period", "0.5",
                annotations=OPT_IN, replicas=MANY, nodeSelector={"kubernetes.io/hostname": "n1"})
    wait_for(lambda: len(pods.pods_of("counter")) == MANY, 60, "the pods")
    made = pods.pods_of("counter")
    for pod in made:
        pod.wait_for_line("STEP 2 ")
        assert_unbroken(pod.lines())
    ids = {pod: (pod.get()["metadata"]["uid"], pod.container_id()) for pod in made}
    # With the Deployment, so that nothing takes their place.
    pods.kubectl("delete", "deployment", "counter", "--wait=false")
    wait_for(lambda: not any(pod.get() for pod in made), ENDED, "the pods to go")
    # The runtime waits 100 ms for the agent's word, which may be too short for one on a busy host.
    late = [pod.name for pod in made if stand_in.asked("too-late", pod)]
    print(f"{len(late)} of {MANY} asked too impatiently")
    wrong = {pod.name: errors_of(node, container) for pod, (uid, container) in ids.items()
             if len(checkpoints_of(node, uid)) != 1 and pod.name not in late}
    assert not wrong, wrong
    assert_nothing_left(node)
