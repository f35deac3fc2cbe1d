# SPDX-License-Identifier: Apache-2.0
"""Containers in the network of another one: `--network container:NAME`, compose's `network_mode:
service:NAME`."""
import pytest
from harness.counting import assert_moves_on, assert_resumes, assert_unbroken
from harness.leftovers import assert_nothing_left

pytestmark = pytest.mark.requires("root", "criu", "podman")


def test_either_is_stopped_and_started_in_any_order(new_container, product):
    """runc knows the namespace by the owner's first process: when that had been stopped, the other one
    could not be checkpointed."""
    joined, owner = new_container(), new_container()
    owner.run_workload("counter.py")
    joined.run_workload("counter.py", options=("--network", f"container:{owner.name}"))
    joined.stop()
    assert_resumes(joined)
    owner.stop()
    assert_moves_on(joined)
    assert_resumes(owner)
    # In the network of the owner's life before, until it is started anew.
    joined.stop()
    assert_resumes(joined)
    owner.stop()
    joined.stop()
    joined.start()  # Podman starts the owner first
    owner.refresh()
    for container in (owner, joined):
        assert_moves_on(container)
        assert_unbroken(container.lines())
        assert_nothing_left(container)
    assert len([event for event in product.events(joined.name) if event == "restored"]) == 3
