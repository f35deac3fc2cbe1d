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
@pytest.mark.parametrize("share, kinds", [("ipc,net,uts", ()), ("ipc,net,uts,pid", ("address",))])
def test_all_members(new_pod, new_container, fidelity, share, kinds):
    pod = new_pod(share=share)
    members = run_members(pod, new_container, *kinds)
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


def test_a_cold_start_ends_connections_of_the_others(new_pod, new_container):
    server, client = run_members(new_pod(), new_container)
    server.stop()
    server.product.reprise("checkpoint", "rm", server.product.checkpoints()[0]["id"])
    server.start()
    client.wait_for_line("ERROR ConnectionAbortedError", HANG)
    assert_clean([server])


def test_a_peer_that_does_not_come_back_is_told_at_once(new_pod, new_container):
    """The one that is restored does not wait for an end that nobody can restore any more."""
    server, client = run_members(new_pod(), new_container)
    server.stop()
    client.stop()
    server.product.reprise("checkpoint", "rm", server.product.checkpoints()[0]["id"])  # the client's
    server.start()
    server.wait_for_line("ERROR ConnectionAbortedError", HANG)
    assert_clean([server])


def test_what_would_no_longer_be_shared_is_named(new_pod, new_container, fidelity):
    kinds = {"sysv": ("System V objects shared in a pod", "System V objects with other containers"),
             "nameless": ("Deleted file shared in a pod",
                          "shares the deleted file '/dev/shm/members' with another container")}
    members = run_members(new_pod(), new_container, *kinds)
    for member in members:
        findings = member.product.reprise("doctor", member.name, "--json", check=False)
        assert findings.returncode != 0
        for what, told in kinds.values():
            assert told in findings.stdout
            fidelity.of("What cannot be saved", what, "named by `doctor`")
        refused = member.product.reprise("checkpoint", "create", member.name, check=False)
        assert refused.returncode != 0
    assert_content(members)
    assert_clean(members)


LISTENER = """
import os, socket, time
server = socket.create_server(('127.0.0.1', 8888))
print('READY', os.getpid())
time.sleep(1e6)
"""
TALK = """
import socket
server = socket.create_server(('127.0.0.1', 0))
socket.create_connection(server.getsockname(), 5)
"""


def test_a_failed_start_of_one_member_leaves_the_others_their_network(new_pod, new_container):
    """CRIU's lock stayed in the namespace, and nobody in the pod could talk any more."""
    pod = new_pod()
    member, other = new_container(), new_container()
    member.run("python3", "-u", "-c", LISTENER, options=pod.options)
    other.run_workload("counter.py", options=pod.options)
    member.stop()
    in_the_way = other.begin("exec", other.name, "python3", "-u", "-c", LISTENER)
    ready, pid = in_the_way.stdout.readline().split()
    assert ready == "READY"
    failed = member.start(check=False)
    assert failed.returncode != 0
    other.exec("python3", "-c", TALK)
    other.exec("kill", pid)
    in_the_way.communicate(timeout=HANG)
    member.start()
    assert len([line for line in member.lines() if line.startswith("READY")]) == 1, "it began anew"
    assert_clean([member, other])
