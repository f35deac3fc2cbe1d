# SPDX-License-Identifier: Apache-2.0
"""The ways through a checkpoint that everything must survive, twice each, with a check after each."""
from harness.leftovers import assert_nothing_left

ROUNDS = 2
STOP_AND_START = "stop and start"
MADE_AGAIN = "removed and restored"


def assert_resumed(container):
    assert container.product.events(container.name)[-1] == "restored", "it was started cold"


def stop_and_start(container):
    container.stop()
    assert not container.is_alive()
    container.start()
    assert_resumed(container)


def make_again(container):
    """Takes a checkpoint while it runs, removes it, and restores that: its log begins anew."""
    made = container.product.json("checkpoint", "create", container.name)
    container.remove()
    container.product.reprise("restore", made["checkpoint"])
    container.refresh()
    assert_resumed(container)


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
