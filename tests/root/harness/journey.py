# SPDX-License-Identifier: Apache-2.0
"""The ways through a checkpoint that everything must survive, twice each, with a check after each: also of
what no program notices at once (surroundings.py)."""
from harness import surroundings
from harness.leftovers import assert_nothing_left

ROUNDS = 2
STOP_AND_START = "stop and start"
MADE_AGAIN = "removed and restored"


def assert_resumed(container):
    assert container.product.events(container.name)[-1] == "restored", "it was started cold"


def stop_and_start(container):
    before = surroundings.of(container)
    container.stop()
    assert not container.is_alive()
    container.start()
    assert_resumed(container)
    surroundings.assert_as_before(container, before)


def make_again(container):
    """Takes a checkpoint while it runs, removes it, and restores that: its log begins anew."""
    before = surroundings.of(container)
    made = container.product.json("checkpoint", "create", container.name)
    container.remove()
    container.product.reprise("restore", made["checkpoint"])
    container.refresh()
    assert_resumed(container)
    surroundings.assert_as_before(container, before)


STEPS = {STOP_AND_START: stop_and_start, MADE_AGAIN: make_again}


def go(way, container, check):
    """`check(container)` fails unless the container goes on as if nothing had been."""
    for _ in range(ROUNDS):
        STEPS[way](container)
        check(container)
        assert_nothing_left(container)


def travel(container, check, fidelity):
    """All ways; `fidelity` is the fixture, and is told of each that was survived."""
    for way in STEPS:
        go(way, container, check)
        fidelity.survived(way)
