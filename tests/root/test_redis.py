# SPDX-License-Identifier: Apache-2.0
"""A Redis server with 300,000 keys, a client inside its container and one outside."""
import random

import pytest
from harness.journey import STOP_AND_START, travel
from harness.leftovers import assert_nothing_left
from harness.resp import Connection, Counting
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

KEYS = 300_000
ROUNDS = 2
# Far beyond any stop and start here: whatever takes this long hangs.
HANG = 60


def counts(container):
    return [int(line.split()[1]) for line in container.lines() if line.startswith("COUNT ")]


def digest(container):
    count, value = container.exec("python3", "/workloads/redis_digest.py").split()
    assert int(count) == KEYS
    return value


def assert_client_inside_is_content(container):
    before = len(counts(container))
    wait_for(lambda: len(counts(container)) >= before + 10, 30, "the client inside to count on")
    assert not [line for line in container.lines() if line.startswith("ERROR")]
    found = counts(container)
    # The log of a container that was made again begins in the middle.
    assert found == list(range(found[0], found[-1] + 1))
    assert found[0] == 1 or not container.has_said("READY")


def run_redis(container, *options):
    container.run_workload("redis_keys.py", KEYS, options=options)
    assert container.wait_for_line("READY") == f"READY {KEYS}"


@pytest.mark.fidelity("Applications", "Redis with 300,000 keys and a client in the container")
def test_client_inside(container, fidelity):
    run_redis(container)
    before = digest(container)

    def goes_on(container):
        assert_client_inside_is_content(container)
        assert digest(container) == before
    travel(container, goes_on, fidelity)


@pytest.mark.fidelity("Applications", "Redis with a client outside, which keeps its connection (`--ip`)")
def test_connection_from_outside_survives_with_a_static_address(container, fidelity):
    address = f"10.88.{random.randrange(200, 250)}.{random.randrange(2, 250)}"
    run_redis(container, "--ip", address)
    before = digest(container)
    outside = Counting(address, HANG)
    for _ in range(ROUNDS):
        container.stop()
        assert not container.is_alive()
        at_stop = outside.count
        container.start()
        wait_for(lambda: outside.count > at_stop + 10 or outside.error, HANG,
                 "the client outside to count on")
        assert outside.error is None, f"the client outside saw {outside.error!r}"
        assert_client_inside_is_content(container)
        assert_nothing_left(container)
    outside.finish()
    assert outside.error is None, f"the client outside saw {outside.error!r}"
    assert digest(container) == before
    fidelity.survived(STOP_AND_START)


def test_connection_from_outside_is_reset_with_a_new_address(container):
    run_redis(container)
    before = digest(container)
    for _ in range(ROUNDS):
        old_address = container.address()
        outside = Counting(old_address, HANG)
        container.stop()
        container.start()
        assert container.address() != old_address, "this needs an address that changes"
        # A hang would end in a TimeoutError, after HANG seconds.
        wait_for(lambda: outside.error, HANG / 2, "the client outside to be told")
        assert isinstance(outside.error, ConnectionError), repr(outside.error)
        again = Connection(container.address(), 2, 10)
        assert again.call("INCR", "outside") > outside.count
        again.close()
        assert_client_inside_is_content(container)
        assert_nothing_left(container)
    assert digest(container) == before
