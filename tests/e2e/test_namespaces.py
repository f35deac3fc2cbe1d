# SPDX-License-Identifier: Apache-2.0
"""What is saved of a namespace's pods is its own, under keys of its own, which are exchanged."""
import secrets

import pytest

from going_on import assert_went_on, uid_of
from harness.waiting import wait_for
from pods import ON_DISRUPTION, RUNNING, Pods
from test_other_node import cordoned, wait_phase
from test_store_keys import notes_of

pytestmark = pytest.mark.requires("kubernetes")

COUNTER = ("python3", "-u", "/workloads/counter.py")


@pytest.fixture
def others(cluster):
    """Another namespace."""
    it = Pods(cluster)
    yield it
    it.remove()


def rotate(node, key):
    """As docs/design/0016-namespaces.md tells it."""
    own = node.disk("/etc/reprise/store.key")
    former = node.disk("/etc/reprise/store.key.d")
    former.mkdir(mode=0o700, exist_ok=True)
    for path, text in ((former / f"cluster-{secrets.token_hex(4)}", own.read_text(encoding="ascii")),
                       (own.with_suffix(".key.new"), key)):
        path.touch(0o600)
        path.write_text(text, encoding="ascii")
    node.run(node.bin_dir / "reprise", "store", "rotate-key")


def packs_of(node, space):
    """Bytes that the node keeps for a namespace."""
    place = node.disk("/var/lib/reprise") / "tenants" / f"ns.{space}" / "packs"
    return sum(each.stat().st_size for each in place.glob("*.pack"))


def in_common(node):
    """What lies where it would be anybody's."""
    return [each.name for each in node.disk("/var/lib/reprise").glob("checkpoints/*")]


def saved(pods, pod):
    """Evicted, while no node takes its replacement: what it had printed, and its UID."""
    uid = uid_of(pod)
    with pod.followed() as before:
        pod.evict()
    wait_phase(pods, "Claimable", uid)
    return before, uid


def test_equal_pods_of_two_namespaces_share_nothing_and_go_on_with_another_key(
        cluster, pods, others):
    here, there = cluster.nodes["n1"], cluster.nodes["n2"]
    spaces = (pods, others)
    common = in_common(here), in_common(there)
    with cordoned(cluster, "n2"):
        made = [each.run_set("db", *COUNTER, annotations=ON_DISRUPTION) for each in spaces]
        for pod in made:
            pod.wait_for_line("STEP 5 ")
    key = secrets.token_hex(32)
    try:
        cluster.kubectl("cordon", "n1", "n2")
        left = [saved(each, pod) for each, pod in zip(spaces, made)]
        # The same program: what one has, the other would not have had to store.
        first, second = (packs_of(here, each.namespace) for each in spaces)
        assert first > 100_000 and second > first / 2
        rotate(here, key)
        cluster.kubectl("uncordon", "n2")
        wait_for(lambda: "have other keys" in notes_of(pods, "db-0"), RUNNING, "the pod to wait")
        rotate(there, key)
        for space, pod, (before, uid) in zip(spaces, made, left):
            wait_for(lambda pod=pod: pod.get() and pod.is_running(), 2 * RUNNING, "the pod to run")
            assert pod.node.name == "n2"
            assert_went_on(before, pod)
            wait_phase(space, "Consumed", uid)
            assert packs_of(there, space.namespace) > 100_000
        assert (in_common(here), in_common(there)) == common
    finally:
        for node in (here, there):
            if node.disk("/etc/reprise/store.key").read_text(encoding="ascii").strip() != key:
                rotate(node, key)
        cluster.kubectl("uncordon", "n1", "n2")
