# SPDX-License-Identifier: Apache-2.0
"""Members of one pod, which talk to each other and share memory: all of them stopped, or one."""
import pytest
from harness.journey import ROUNDS, STOP_AND_START, assert_resumed
from harness.leftovers import assert_nothing_left
from harness.pod import Pod
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

# Far beyond any stop and start here, longer and longer between attempts as TCP waits: whatever
# takes this long hangs.
HANG = 60


@pytest.fixture
def new_pod(product, new_container):
    """Made after the members' fixture, so that it is gone before they are removed one by one."""
    pods = []

    def make(**more):
        pods.append(Pod(product, **more))
        return pods[-1]

    yield make
    product.write_runtime()
    for pod in pods:
        pod.remove()


def run_members(pod, new_container, *kinds):
    """A server and a client of it (workloads/pod_member.py)."""
    members = [new_container(), new_container()]
    for member, role in zip(members, ("server", "client")):
        member.run_workload("pod_member.py", role, *kinds, options=pod.options)
    assert_content(members)
    return members


def count(member):
    counts = [line.split()[1] for line in member.lines() if line.startswith("COUNT ")]
    return int(counts[-1]) if counts else 0


def assert_content(members):
    before = [count(member) for member in members]

    def counted_on():
        return any(member.has_said("ERROR") for member in members) or \
            all(count(member) > b for member, b in zip(members, before))
    wait_for(counted_on, HANG, "the members to count on")
    for member in members:
        assert not [line for line in member.lines() if line.startswith("ERROR")]


def assert_clean(members):
    for member in members:
        assert_nothing_left(member)


@pytest.mark.fidelity("Pods", "A pod whose members have a connection and share memory in `/dev/shm`")
def test_all_members(new_pod, new_container, fidelity):
    pod = new_pod()
    members = run_members(pod, new_container)
    for _ in range(ROUNDS):
        pod.stop()
        assert not any(member.is_alive() for member in members)
        pod.start()
        for member in members:
            member.refresh()
            assert_resumed(member)
        assert_content(members)
        assert_clean(members)
    fidelity.survived(STOP_AND_START)


@pytest.mark.fidelity("Pods", "One member of such a pod, while the others run on")
def test_one_member(new_pod, new_container, fidelity):
    members = run_members(new_pod(), new_container)
    for member in members:  # the server's end of the connection first, then the client's
        member.stop()
        assert not member.is_alive()
        member.start()
        assert_resumed(member)
        assert_content(members)
        assert_clean(members)
    fidelity.survived(STOP_AND_START)
