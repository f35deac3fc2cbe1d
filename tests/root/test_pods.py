# SPDX-License-Identifier: Apache-2.0
"""Members of one pod, which talk to each other and share memory: all of them stopped, or one."""
import pytest
from harness import host
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


IDLE = """
import signal, socket, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
if sys.argv[1] == 'server':
    with socket.create_server(('127.0.0.1', 8889)) as listener:
        print('READY', flush=True)
        connection = listener.accept()[0]
else:
    connection = socket.create_connection(('127.0.0.1', 8889))
    print('READY', flush=True)
while True:
    if sys.argv[1] == 'client':
        signal.sigwait([signal.SIGUSR1])
    try:
        if sys.argv[1] == 'client':
            connection.sendall(b'x')
        got = connection.recv(1)
    except OSError as error:
        print('ERROR', repr(error), flush=True)
        break
    print('GOT', got, flush=True)
    if sys.argv[1] == 'server':
        connection.sendall(got)
"""


def run_idle_members(pod, new_container):
    members = {"server": new_container(), "client": new_container()}
    for name, member in members.items():
        member.run("python3", "-u", "-c", IDLE, name, options=pod.options)
    return members


def assert_talk(members, times):
    """That often in all."""
    host.run("podman", "kill", "--signal", "USR1", members["client"].name)
    members["client"].wait_for_line("GOT b'x'", HANG, count=times)
    assert_clean(members.values())


@pytest.mark.parametrize("role", ["server", "client"])
def test_a_killed_restore_costs_no_connection_between_members(new_pod, new_container, tmp_path,
                                                              role):
    """The next attempt could not connect: the sockets of the first one were closing for minutes."""
    members = run_idle_members(new_pod(), new_container)
    member, once = members[role], tmp_path / "once"
    for said, end in enumerate(("pre-resume:kill", "claim-held:fail"), 1):
        member.stop()
        once.touch()
        member.product.write_runtime(fault=f"{end}:{once}")
        member.start(check=False)
        assert not once.exists(), "its restore came to no harm"
        member.product.write_runtime()
        if not member.is_alive():
            member.start()
        assert_talk(members, said)


def fail_to_start(member, tmp_path):
    """Session and guard are killed in the first attempt: who comes next takes back what they did."""
    marks = [tmp_path / name for name in ("session", "guard")]
    for mark in marks:
        mark.touch()
    member.product.write_runtime(
        fault=f"pre-resume:kill:{marks[0]},settle-begin:kill:{marks[1]},claim-held:fail")
    assert member.start(check=False).returncode != 0
    assert not any(mark.exists() for mark in marks), "its restore came to no harm"
    member.product.write_runtime()


def holds_inside(member):
    listed = host.run("nsenter", f"--net=/proc/{member.pid}/ns/net", "nft", "list", "tables")
    return listed.stdout


def test_a_restore_that_fails_holds_only_what_others_wait_for(new_pod, new_container, tmp_path):
    pod = new_pod()
    members = run_idle_members(pod, new_container)
    server, client = members.values()
    pod.stop()
    fail_to_start(server, tmp_path)  # in a new namespace, where nobody waits
    client.start()
    assert client.id in holds_inside(client) and server.id not in holds_inside(client)
    server.start()
    assert_talk(members, 1)
    pod.stop()
    client.start()
    fail_to_start(server, tmp_path)
    assert server.id in holds_inside(client), "who waits would not be told by a cold start"
    for checkpoint in server.product.json("checkpoint", "ls", server.name)["checkpoints"]:
        server.product.reprise("checkpoint", "rm", checkpoint["id"])
    server.start()
    host.run("podman", "kill", "--signal", "USR1", client.name)
    client.wait_for_line("ERROR ConnectionAbortedError", HANG)
