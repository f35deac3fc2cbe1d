# SPDX-License-Identifier: Apache-2.0
"""Connections of a stopped container whose peers go on sending: held for it, and for it only."""
import random
import secrets
import socket

import pytest
from harness import host
from harness.leftovers import assert_nothing_left, holds
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

# Far beyond any stop and start here, longer and longer between attempts as TCP waits: whatever
# takes this long hangs.
HANG = 60
ESTABLISHED = 1  # TCP_ESTABLISHED of the kernel's states


class Peer:
    """One TCP connection from the host."""

    def __init__(self, address, port=7000):
        self.socket = socket.create_connection((address, port), HANG)
        self.answers = self.socket.makefile("r")

    def send(self):
        self.socket.sendall(b"line\n")

    def answer(self):
        return int(self.answers.readline())

    def ask(self):
        self.send()
        return self.answer()

    def attempts(self):
        """How often the kernel has tried again to send: retransmissions and probes of tcp_info."""
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
        assert info[0] == ESTABLISHED, "the connection was ended"
        return sum(info[2:4])


def run_server(container, address, *options, **more):
    return container.run_workload("line_server.py", options=("--ip", address, *options), **more)


def random_address():
    return f"10.88.{random.randrange(200, 250)}.{random.randrange(2, 250)}"


def add_hold(name, elements=""):
    table = f"inet reprise-hold-{name}"
    done = host.run("nft", f"add table {table}; add set {table} held4 "
                    f"{{ type ipv4_addr; timeout 1h; {elements} }}")
    assert done.returncode == 0, done.stderr
    return f"table {table}"


def test_survives_another_container_with_the_same_address(new_container):
    """Without a hold the other container's kernel answers each attempt with a reset."""
    address, port = random_address(), random.randrange(18000, 19000)
    first, second = new_container(), new_container()
    # Podman removes its bridge with the last container, and then the kernel forgets masquerades.
    new_container().run("sleep", "1000", opt_in=False, ready=None)
    run_server(first, address, "--publish", f"127.0.0.1:{port}:7000")
    # The second one's packets have addresses of their own until they are all but in the container.
    peers = [Peer(address), Peer("127.0.0.1", port)]
    assert [peer.ask() for peer in peers] == [1, 1]
    first.stop()
    assert holds(first)
    for peer in peers:
        peer.send()
    run_server(second, address, opt_in=False)
    before = [peer.attempts() for peer in peers]
    other = Peer(address)
    assert other.ask() == 1, "a new connection must not be held"
    wait_for(lambda: all(peer.attempts() > b for peer, b in zip(peers, before)), HANG,
             "the first container's peers to send again")
    assert other.ask() == 2
    second.remove()
    first.start()
    assert [peer.answer() for peer in peers] == [2, 2]
    assert [peer.ask() for peer in peers] == [3, 3]
    assert_nothing_left(first)


@pytest.mark.parametrize("end", ["pre-resume:kill", "claim-held:kill"])
def test_survives_a_restore_that_ends_before_its_tasks_run(container, tmp_path, end):
    """The kernel told the peer that the connection was closed, when it ended the restored tasks."""
    address = random_address()
    run_server(container, address)
    peer = Peer(address)
    assert peer.ask() == 1
    container.stop()
    once = tmp_path / "once"
    once.touch()
    container.product.write_runtime(fault=f"{end}:{once}")
    container.start()
    assert not once.exists(), "its restore came to no harm"
    assert peer.ask() == 2
    assert_nothing_left(container)


def test_is_reset_at_once_by_a_cold_start(container):
    address = random_address()
    run_server(container, address)
    peer = Peer(address)
    assert peer.ask() == 1
    container.stop()
    container.product.reprise("checkpoint", "rm", container.product.checkpoints()[0]["id"])
    peer.send()
    container.start()
    with pytest.raises(ConnectionError):
        peer.answer()
    assert_nothing_left(container)


def test_holds_nothing_without_outside_connections(container):
    run_server(container, random_address())  # which has a connection to itself
    container.stop()
    assert not holds(container)
    container.start()
    assert_nothing_left(container)


def test_removes_holds_that_have_run_out_and_no_others(container):
    run_server(container, random_address())
    container.stop()
    name = secrets.token_hex(4)
    over, on = add_hold(f"rt-over-{name}"), add_hold(f"rt-on-{name}", "elements = { 192.0.2.1 }")
    try:
        container.start()
        tables = host.run("nft", "list", "tables").stdout.splitlines()
        assert over not in tables
        assert on in tables
    finally:
        host.run("nft", "delete", *on.split())
