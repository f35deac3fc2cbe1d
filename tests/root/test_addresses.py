# SPDX-License-Identifier: Apache-2.0
"""Containers whose addresses, of both versions, change from one life to the next."""
import ipaddress
import json
import random

import pytest
from harness import host
from harness.container import podman, unique_name
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

ANSWERED = 30


@pytest.fixture
def dual_stack():
    """A network with IPv4 and IPv6, as (name, IPv4 network, IPv6 network)."""
    name, number = unique_name(), random.randrange(0x1000, 0x7fff)
    four = ipaddress.ip_network(f"10.{100 + number % 100}.{number % 250}.0/24")
    six = ipaddress.ip_network(f"fd00:{number:x}::/64")
    podman("network", "create", "--ipv6", "--subnet", four, "--subnet", six, name)
    yield name, four, six
    podman("network", "rm", "-f", name, check=False)


def inside(container, *command):
    done = host.run("nsenter", f"--net=/proc/{container.pid}/ns/net", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def addresses_of(container, link):
    listed = json.loads(inside(container, "ip", "-json", "address", "show", "dev", link))[0]
    return {info["local"] for info in listed["addr_info"] if info["scope"] == "global"}


def rounds(container):
    return sum(line.startswith("ROUND ") for line in container.lines())


def assert_answers(container):
    before = rounds(container)
    wait_for(lambda: rounds(container) >= before + 3 or not container.is_alive(), ANSWERED,
             "all sockets to answer")
    assert container.is_alive(), container.lines()[-1]
    assert not [line for line in container.lines() if line.startswith("ERROR")]
    assert sum(line.startswith("READY") for line in container.lines()) == 1


def test_sockets_of_old_addresses_go_on_and_the_addresses_go_with_them(container, product, dual_stack):
    """ss read an IPv6 address as one with a port: every stop but the first made no checkpoint."""
    name, _, _ = dual_stack
    container.run_workload("own_addresses.py", options=("--network", name))
    assert container.lines()[0].split()[1] == "8", container.lines()[0]
    first = addresses_of(container, "eth0")
    for life in range(1, 3):
        container.stop()
        assert len(product.checkpoints()) == life
        container.start()
        assert_answers(container)
        assert addresses_of(container, "eth0").isdisjoint(first)
        # Of the lives in between nothing is left, since no socket was made in them.
        assert addresses_of(container, "lo") == first
        assert_nothing_left(container)
    container.ask("drop")
    container.wait_for_line("DROPPED")
    container.exec("true")
    assert addresses_of(container, "lo") == set()
    container.stop()
    container.start()
    assert_answers(container)
    assert addresses_of(container, "lo") == set()
    assert inside(container, "cat", "/proc/sys/net/ipv4/conf/all/arp_ignore") == "0\n"


def test_an_old_address_does_not_hide_its_new_owner(new_container, dual_stack):
    """It stayed on lo without any use, and requests for its new owner were answered from inside."""
    first, second = new_container(), new_container()
    first.run_workload("line_server.py", options=("--network", dual_stack[0]))
    four, six = sorted(addresses_of(first, "eth0"), key=len)
    first.stop()
    second.run("python3", "-u", "-c", SPEAKER, opt_in=False,
               options=("--network", dual_stack[0], "--ip", four, "--ip6", six))
    first.start()
    assert addresses_of(first, "lo") == set()
    for address in (four, six):
        assert first.exec("python3", "-c", LISTENER, address) == "second\n"


def test_what_cannot_be_saved_is_named(container, product, dual_stack):
    container.run_workload("own_addresses.py", "--link-connection", options=("--network", dual_stack[0]))
    told = product.reprise("doctor", container.name, check=False)
    assert told.returncode != 0
    assert "has a TCP connection from the link-local address 'fe80:" in told.stdout
    assert_answers(container)
    container.ask("drop")
    wait_for(lambda: product.reprise("doctor", container.name, check=False).returncode == 0, ANSWERED,
             "no obstacle to be left")


SPEAKER = """
import socket
s = socket.create_server(("::", 7777), family=socket.AF_INET6, dualstack_ipv6=True)
print("READY", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(b"second")
    c.close()
"""
LISTENER = """
import socket, sys
print(socket.create_connection((sys.argv[1], 7777), 20).recv(10).decode())
"""
