# SPDX-License-Identifier: Apache-2.0
"""The promise when the store's disk is full."""
import pytest
from harness.counting import (assert_memory_is_whole, assert_moves_on, assert_resumes,
                              assert_unbroken)
from harness.leftovers import assert_nothing_left
from harness.small_disk import SmallDisk

pytestmark = pytest.mark.requires("root", "criu", "podman", "loop")

SIZE, MEMORY, LEFT = 400, 150, 60  # megabytes


@pytest.fixture
def disk(product):
    small = SmallDisk(SIZE)
    product.store = small.path / "store"
    product.write_runtime()
    yield small
    small.close()


def test_disk_full(disk, product, new_container):
    container = new_container()
    container.run_workload("counter.py", "--mb", MEMORY)
    disk.fill(leave=LEFT)
    free = disk.free_megabytes()
    container.kill_through_runtime()
    container.wait_for_line("GOTTERM")
    assert_nothing_left(container)
    assert_moves_on(container)
    assert_unbroken(container.lines())
    assert product.checkpoints() == []
    assert not list(product.store.glob("checkpoints/*"))
    assert disk.free_megabytes() >= free - 5, "what the failed session wrote is still there"
    assert_memory_is_whole(container)

    disk.empty()
    container.stop()
    assert len(product.checkpoints()) == 1
    assert_nothing_left(container)
    assert_resumes(container)
    assert_memory_is_whole(container)
